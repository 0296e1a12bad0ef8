//! What is taken away for good: what goes at once, what stays for a day, and that nothing of it is left in the files.

use crate::backends::{START_MS, World, app, app_id, grant, new_session, story, uid, user};
use crate::files::{key, open, open_with, raw};
use crier_platform::model::audit::Actor;
use crier_platform::model::change::Fact;
use crier_platform::model::quantity::{Bytes, Span};
use crier_platform::model::ranking::QualityCounts;
use crier_platform::model::record::{BlankedBy, FeedAct, FeedWrite, NewView, StateQuery, View};
use crier_platform::model::record_line::{LineEvent, RecordLine};
use crier_platform::model::story::{NewSlot, NewStory, SlotState};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Batch, Conflict, Made, Store, UnitId, Users, Write};
use crier_proto::ids::StoryId;
use crier_proto::story::ImageSource;
use crier_store::{SqliteStore, StoreConfig};
use std::path::Path;

const HOUR_MS: i64 = 3_600_000;
const EXPIRY: Span = Span(604_800_000);

async fn publish(world: &World, story: NewStory) -> StoryId {
    match world.commit(vec![Write::PublishStory(story)]).await.as_slice() {
        [Made::Story { id, .. }] => *id,
        other => panic!("no story: {other:?}"),
    }
}

/// A story with a picture at an address of its own.
fn with_picture(app: i64, user: i64, url: &str) -> NewStory {
    let slot = NewSlot {
        number: 1,
        source: ImageSource::Url(url.to_owned()),
        link: "http://x.example/link".to_owned(),
    };
    NewStory {
        body: Some("a body".to_owned()),
        slots: vec![slot],
        ..story(app, user, WallMs(START_MS))
    }
}

async fn events(world: &World, user: i64) -> Vec<LineEvent> {
    let lines = world.store.feed_past(uid(user), i64::MAX).await.unwrap();
    let events = lines.into_iter().filter_map(|line| match line {
        RecordLine::Event(event) => Some(event.event),
        _ => None,
    });
    events.collect()
}

async fn hour(world: &World) -> Vec<QualityCounts> {
    let hour = START_MS / HOUR_MS;
    let counts = world.store.hour_counts(hour, hour + 1).await.unwrap();
    counts.into_iter().map(|(_, counts)| counts).collect()
}

async fn record_number(world: &World, user: i64) -> i64 {
    let query = StateQuery {
        user: uid(user),
        after: 0,
        stories_after: WallMs(0),
        acts: (0, 0),
    };
    world.store.feed_state(query).await.unwrap().head.record
}

fn view(number: i64, seq: i64, record: i64, shown: &[StoryId]) -> Write {
    Write::Feed(FeedWrite::View(Box::new(NewView {
        view: View {
            user: uid(7),
            number,
            at: WallMs(START_MS),
            moment_secs: START_MS / 1000,
            seq,
            version: 1,
            missed: Vec::new(),
            exempt: Vec::new(),
            shown: shown.to_vec(),
            pages: 1,
        },
        record,
        missed_after: Vec::new(),
        verdicts: shown.iter().map(|_| "shown_merit").collect(),
    })))
}

pub async fn a_story_that_is_taken_down_loses_text_and_slots_and_keeps_its_place(world: &World) {
    world.user(7).await;
    let id = publish(world, with_picture(4, 7, "http://x.example/a.png")).await;
    let down = || Write::Feed(FeedWrite::TakeDown(id));
    let before = world.store.last_change().await.unwrap();
    world.commit(vec![down()]).await;
    world.commit(vec![down()]).await;
    let told = world.facts_after(before).await;
    assert!(!told.is_empty() && told.iter().all(|fact| *fact == Fact::Feed(uid(7))));
    let story = world.store.story(id).await.unwrap().unwrap();
    assert_eq!((story.title.as_str(), story.body.as_deref()), ("", Some("")));
    assert_eq!(story.blanked.map(|(_, by)| by), Some(BlankedBy::Takedown));
    assert!(story.slots.is_empty());
    assert_eq!(
        events(world, 7).await,
        [LineEvent::PictureRemoved { slot: 1 }, LineEvent::Blanked]
    );
    assert_eq!(world.store.picture_space().await.unwrap().jobs, 0);
    let hide = FeedWrite::Act {
        user: uid(7),
        story: id,
        act: FeedAct::Hide,
    };
    assert_eq!(world.refused(vec![Write::Feed(hide)]).await, Conflict::Missing);
    let nothing = StoryId::new(999).unwrap();
    let unknown = Write::Feed(FeedWrite::TakeDown(nothing));
    assert_eq!(world.refused(vec![unknown]).await, Conflict::Missing);
    // A view that was served before and is written after it: the story was shown, and nothing of it counts any more.
    world.commit(vec![view(1, 1, 0, &[id])]).await;
    assert_eq!(hour(world).await, []);
    assert_eq!(world.store.story(id).await.unwrap().unwrap().first_shown_at, None);
}

pub async fn an_erased_application_leaves_places_for_a_day_and_then_nothing_of_its_stories(world: &World) {
    for number in [7, 8] {
        world.user(number).await;
    }
    for number in [4, 5] {
        world.commit(vec![Write::AddApp(Box::new(app(number, 8)))]).await;
        world.commit(vec![Write::SetGrant(grant(number, 7))]).await;
    }
    let (_, session) = world.session(4, 7, None).await;
    let theirs = publish(world, with_picture(4, 7, "http://x.example/own.png")).await;
    let kept = publish(world, with_picture(5, 7, "http://x.example/both.png")).await;
    let exempt = NewStory {
        exempt: true,
        ..with_picture(4, 8, "http://x.example/both.png")
    };
    let exempt = publish(world, exempt).await;
    world.commit(vec![view(1, 4, 0, &[theirs, kept])]).await;
    let before = world.store.last_change().await.unwrap();
    world.commit(vec![Write::EraseApp(app_id(4))]).await;

    let told = world.facts_after(before).await;
    assert_eq!(told.first(), Some(&Fact::App(app_id(4))));
    for fact in [
        Fact::Withdrawn(app_id(4), uid(7)),
        Fact::SessionEnded(session),
        Fact::Feed(uid(8)),
    ] {
        assert!(told.contains(&fact), "{fact:?}");
    }
    assert!(world.store.app(app_id(4)).await.unwrap().is_none());
    assert!(world.store.grant(app_id(4), uid(7)).await.unwrap().is_none());
    for id in [theirs, exempt] {
        let story = world.store.story(id).await.unwrap().unwrap();
        assert_eq!(
            (story.title.as_str(), story.blanked.map(|(_, by)| by)),
            ("", Some(BlankedBy::Erasure))
        );
    }
    let other = world.store.story(kept).await.unwrap().unwrap();
    assert_eq!((other.blanked, other.slots[0].state), (None, SlotState::Pending));
    assert_eq!(
        world.store.picture_space().await.unwrap().jobs,
        1,
        "whose job both waited for"
    );
    // What a call of that moment would add comes too late.
    for late in [
        Write::PublishStory(story(4, 8, world.now())),
        Write::SetGrant(grant(4, 8)),
        Write::EraseApp(app_id(4)),
    ] {
        assert_eq!(world.refused(vec![late]).await, Conflict::Missing);
    }

    let number = record_number(world, 7).await;
    let bury = |before: i64| {
        Write::Feed(FeedWrite::Bury {
            before: WallMs(before),
            expiry: EXPIRY,
        })
    };
    world.commit(vec![bury(world.now().0)]).await;
    assert!(
        world.store.story(theirs).await.unwrap().is_some(),
        "its day is not over"
    );
    world.commit(vec![bury(world.now().0 + 1)]).await;
    for id in [theirs, exempt] {
        assert!(world.store.story(id).await.unwrap().is_none());
    }
    assert!(world.store.story(kept).await.unwrap().is_some());
    assert_eq!(
        world.store.feed_views(uid(7)).await.unwrap(),
        [],
        "it cannot be computed again"
    );
    assert_ne!(record_number(world, 7).await, number);
    let late = view(2, 4, number, &[kept]);
    assert_eq!(world.refused(vec![late]).await, Conflict::Changed);
    let shown = QualityCounts {
        shown: 1,
        ..QualityCounts::default()
    };
    assert_eq!(hour(world).await, [shown], "the other application's");
    publish(world, story(5, 8, world.now())).await;
}

pub async fn erasing_a_user_takes_their_acts_out_of_the_hours(world: &World) {
    for number in [7, 8] {
        world.user(number).await;
        let story = publish(world, story(4, number, world.now())).await;
        for act in [FeedAct::Thumb, FeedAct::Hide] {
            let user = uid(number);
            world
                .commit(vec![Write::Feed(FeedWrite::Act { user, story, act })])
                .await;
        }
    }
    let acts = |count| QualityCounts {
        thumbed: count,
        hidden: count,
        ..QualityCounts::default()
    };
    assert_eq!(hour(world).await, [acts(2)]);
    let before = record_number(world, 7).await;
    world.commit(vec![Write::EraseUser(uid(7))]).await;
    assert_eq!(hour(world).await, [acts(1)]);
    world.user(7).await;
    assert_ne!(
        record_number(world, 7).await,
        before,
        "another record under the same uid"
    );
}

fn batch(number: u8, writes: Vec<Write>) -> Batch {
    Batch {
        id: UnitId([number; 16]),
        by: Actor::System,
        now: WallMs(START_MS),
        writes,
    }
}

/// Whether a word stands anywhere in the database, its log or any other file of the folder.
fn holds(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file()
            && std::fs::read(&path)
                .unwrap()
                .windows(word.len())
                .any(|bytes| bytes == word.as_bytes())
        {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

/// Two people and two applications whose stories lie between each other on many pages; every text says whose it is.
async fn filled(folder: &Path) -> (SqliteStore, StoryId) {
    let store = open(folder);
    let people = [7, 8].map(|number| Write::AddUser(user(number)));
    store.commit(batch(1, people.into())).await.unwrap();
    let apps = [4, 5].map(|number| Write::AddApp(Box::new(app(number, 8))));
    store.commit(batch(2, apps.into())).await.unwrap();
    let session = new_session(&key(), 4, None);
    store
        .commit(batch(3, vec![Write::AddSession(session)]))
        .await
        .unwrap();
    let mut taken = None;
    for round in 0..120_u8 {
        let mut writes = Vec::new();
        for (app, owner) in [(4, 7), (5, 7), (4, 8), (5, 8)] {
            let whose = format!("of-app-{app}-for-{owner}");
            let long = "x".repeat(usize::from(round) % 60);
            writes.push(Write::PublishStory(NewStory {
                title: format!("title-{whose} {long}"),
                body: Some(format!("body-{whose} {long}{long}")),
                exempt: true,
                slots: vec![NewSlot {
                    number: 1,
                    source: ImageSource::Url(format!("http://x.example/source-{whose}/{round}")),
                    link: format!("http://x.example/link-{whose}"),
                }],
                ..story(app, owner, WallMs(START_MS))
            }));
        }
        let mut single = story(5, 8, WallMs(START_MS));
        single.title = "title-taken-down".to_owned();
        single.exempt = true;
        if round == 60 {
            writes.push(Write::PublishStory(single));
        }
        let made = store.commit(batch(10 + round, writes)).await.unwrap();
        if let Some(Made::Story { id, .. }) = made.get(4) {
            taken = Some(*id);
        }
    }
    (store, taken.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_is_in_no_file_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let (store, taken) = filled(folder.path()).await;
    let words = |of: &str| ["title-", "body-", "source-", "link-"].map(|kind| format!("{kind}{of}"));
    assert!(!holds(folder.path(), "title-taken-down").is_empty());
    let steps = [
        (
            Write::Feed(FeedWrite::TakeDown(taken)),
            vec!["title-taken-down".to_owned()],
        ),
        (
            Write::EraseApp(app_id(4)),
            [words("of-app-4-for-7"), words("of-app-4-for-8")].concat(),
        ),
        (Write::EraseUser(uid(7)), words("of-app-5-for-7").to_vec()),
    ];
    let mut store = store;
    for ((write, gone), number) in steps.into_iter().zip(200..) {
        for word in &gone {
            assert!(!holds(folder.path(), word).is_empty(), "{word} was never there");
        }
        store.commit(batch(number, vec![write])).await.unwrap();
        // The writer removes traces before it commits what comes next.
        store.commit(batch(number + 10, Vec::new())).await.unwrap();
        for word in &gone {
            assert_eq!(holds(folder.path(), word), Vec::<String>::new(), "{word}");
        }
        drop(store);
        store = open(folder.path());
    }
    for word in words("of-app-5-for-8") {
        assert!(
            !holds(folder.path(), &word).is_empty(),
            "{word} is somebody else's"
        );
    }
    assert!(store.user(uid(8)).await.unwrap().is_some());
    store.close().await.unwrap();
    drop(store);
    let sound: String = raw(folder.path())
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_above_rewrite_bytes_max_keep_the_note_of_their_traces_until_they_may_be_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let config = StoreConfig {
        rewrite_bytes_max: Bytes(65_536),
        ..StoreConfig::default()
    };
    let noted = |folder: &Path| -> i64 {
        let sql = "SELECT count(*) FROM meta WHERE name = 'traces'";
        raw(folder).query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let store = open_with(folder.path(), &config).unwrap();
    store
        .commit(batch(200, vec![Write::EraseApp(app_id(4))]))
        .await
        .unwrap();
    store.close().await.unwrap();
    assert_eq!(store.metrics().rewrites_left.get(), 1);
    drop(store);
    assert_eq!(noted(folder.path()), 1);
    let store = open(folder.path());
    store.serve().unwrap();
    store.close().await.unwrap();
    drop(store);
    assert_eq!(noted(folder.path()), 0);
    assert_eq!(holds(folder.path(), "title-of-app-4-for-7"), Vec::<String>::new());
}
