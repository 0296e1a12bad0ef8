//! A feed's record: acts, views, clicks, addresses, and what remains of them.

use crate::backends::{START_MS, World, app_id, grant, story, uid};
use crier_platform::model::job::{ImageHash, NewPhoto, PictureWrite};
use crier_platform::model::picture::{Picture, PictureHash, PictureType};
use crier_platform::model::ranking::{Acts, QualityCounts, Slider};
use crier_platform::model::record::{
    FeedAct, FeedHead, FeedState, FeedWrite, LaterPage, NewView, PastQuery, PastStories, ReportReason,
    StateQuery, View,
};
use crier_platform::model::record_line::{LineEvent, RecordLine};
use crier_platform::model::story::{NewSlot, NewStory};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Conflict, Made, Write};
use crier_proto::digest::sha256;
use crier_proto::ids::{Pid, StoryId};
use crier_proto::story::ImageSource;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
const HOUR: i64 = START_MS / HOUR_MS;
const DAY: i64 = START_MS / DAY_MS;

async fn publish(world: &World, story: NewStory) -> (StoryId, i64) {
    match world.commit(vec![Write::PublishStory(story)]).await.as_slice() {
        [Made::Story { id, seq }] => (*id, *seq),
        other => panic!("no story: {other:?}"),
    }
}

async fn write(world: &World, write: FeedWrite) {
    world.commit(vec![Write::Feed(write)]).await;
}

async fn act(world: &World, story: StoryId, act: FeedAct) {
    let user = uid(7);
    write(world, FeedWrite::Act { user, story, act }).await;
}

async fn state(world: &World) -> FeedState {
    let query = StateQuery {
        user: uid(7),
        after: 0,
        stories_after: WallMs(0),
        acts: (DAY - 1, DAY + 1),
    };
    world.store.feed_state(query).await.unwrap()
}

async fn hour(world: &World) -> QualityCounts {
    let counts = world.store.hour_counts(HOUR, HOUR + 1).await.unwrap();
    counts
        .first()
        .map_or(QualityCounts::default(), |(_, counts)| *counts)
}

async fn events(world: &World) -> Vec<(i64, LineEvent)> {
    let lines = world.store.feed_past(uid(7), i64::MAX).await.unwrap();
    let events = lines.into_iter().filter_map(|line| match line {
        RecordLine::Event(event) => Some((event.seq, event.event)),
        _ => None,
    });
    events.collect()
}

fn view(number: i64, seq: i64, shown: &[StoryId]) -> NewView {
    NewView {
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
        record: 0,
        missed_after: vec![(app_id(4), 0), (app_id(5), 1)],
        verdicts: shown.iter().map(|_| "shown_merit").collect(),
    }
}

pub async fn an_act_done_twice_counts_once_and_leaves_its_hour_and_day_when_it_is_undone(world: &World) {
    world.user(7).await;
    let (id, _) = publish(world, story(4, 7, world.now())).await;
    for _ in 0..2 {
        act(world, id, FeedAct::Hide).await;
        act(world, id, FeedAct::Report(ReportReason::Spam)).await;
        act(world, id, FeedAct::Thumb).await;
    }
    let once = QualityCounts {
        thumbed: 1,
        hidden: 1,
        reported: 1,
        ..QualityCounts::default()
    };
    assert_eq!(hour(world).await, once);
    let acts = Acts {
        clicks: 0,
        thumbs: 1,
        hides: 1,
        reports: 1,
    };
    assert_eq!(state(world).await.acts, [(app_id(4), acts)]);
    // It is taken out of the hour in which it was done, however late.
    world.clock.advance_ms(3 * HOUR_MS.unsigned_abs());
    for _ in 0..2 {
        act(world, id, FeedAct::Undo).await;
        act(world, id, FeedAct::Unthumb).await;
    }
    assert_eq!(hour(world).await, QualityCounts::default());
    assert_eq!(state(world).await.acts, [(app_id(4), Acts::default())]);
    let later = world.store.hour_counts(HOUR + 1, HOUR + 9).await.unwrap();
    assert_eq!(later, []);
    let kinds: Vec<_> = events(world).await;
    let reason = crier_platform::model::record_line::LineReason::Spam;
    assert_eq!(
        kinds,
        [
            (2, LineEvent::Hidden),
            (3, LineEvent::Reported { reason }),
            (4, LineEvent::Thumbed),
            (5, LineEvent::Undone),
            (6, LineEvent::Undone),
            (7, LineEvent::Unthumbed)
        ]
    );
    let stranger = FeedWrite::Act {
        user: uid(8),
        story: id,
        act: FeedAct::Hide,
    };
    assert_eq!(
        world.refused(vec![Write::Feed(stranger)]).await,
        Conflict::Missing
    );
}

pub async fn of_a_past_only_what_ranking_looks_at_is_read(world: &World) {
    world.user(7).await;
    let mut stories = Vec::new();
    // One a day: seqs 1 to 4.
    for _ in 0..4 {
        let (id, _) = publish(world, story(4, 7, world.now())).await;
        stories.push(id);
        world.clock.advance_ms(DAY_MS.unsigned_abs());
    }
    write(world, FeedWrite::View(Box::new(view(1, 4, &stories)))).await;
    act(world, stories[0], FeedAct::Hide).await;
    world.clock.advance_ms(DAY_MS.unsigned_abs());
    act(world, stories[1], FeedAct::Thumb).await;
    act(world, stories[2], FeedAct::Thumb).await;
    let read = |query: PastQuery| async move {
        let lines = world.store.feed_at(query).await.unwrap().expect("this record");
        let lines = lines.into_iter().map(|line| match line {
            RecordLine::Story(story) => (story.seq, story.title.unwrap_or_default().is_empty()),
            RecordLine::Event(event) => (event.seq, false),
            other => panic!("{other:?}"),
        });
        lines.collect::<Vec<_>>()
    };
    let start = WallMs(START_MS);
    let record = state(world).await.head.record;
    let query = PastQuery {
        user: uid(7),
        upto: 11,
        stories: PastStories::After(start.plus_ms(DAY_MS * 5 / 2)),
        acts_from: start.plus_ms(DAY_MS * 9 / 2),
        also: None,
    };
    // Places 5 to 8 are of what was shown. The fourth story with its text, those thumbed within the days without, all acts.
    let expected = [
        (2, true),
        (3, true),
        (4, false),
        (9, false),
        (10, false),
        (11, false),
    ];
    assert_eq!(read(query).await, expected);
    let one_more = PastQuery {
        also: Some(stories[0]),
        upto: 10,
        ..query
    };
    let expected = [(1, false), (2, true), (4, false), (9, false), (10, false)];
    assert_eq!(read(one_more).await, expected);
    let known = PastQuery {
        stories: PastStories::Known { record, from: 4 },
        ..query
    };
    let expected = [(2, true), (3, true), (9, false), (10, false), (11, false)];
    assert_eq!(read(known).await, expected);
    let another = PastQuery {
        stories: PastStories::Known {
            record: record + 1,
            from: 4,
        },
        ..query
    };
    assert_eq!(world.store.feed_at(another).await.unwrap(), None);
}

pub async fn acts_on_exempt_stories_count_nowhere(world: &World) {
    world.user(7).await;
    let exempt = NewStory {
        exempt: true,
        ..story(4, 7, world.now())
    };
    let (id, _) = publish(world, exempt).await;
    act(world, id, FeedAct::Thumb).await;
    write(world, FeedWrite::View(Box::new(view(1, 2, &[id])))).await;
    assert_eq!(hour(world).await, QualityCounts::default());
    assert_eq!(state(world).await.acts, []);
    assert_eq!(
        events(world).await,
        [(2, LineEvent::Thumbed), (3, LineEvent::Shown)]
    );
}

pub async fn views_are_numbered_without_gap_and_one_that_is_not_the_next_changes_nothing(world: &World) {
    world.user(7).await;
    let (id, _) = publish(world, story(4, 7, world.now())).await;
    for number in [0, 2] {
        let refused = Write::Feed(FeedWrite::View(Box::new(view(number, 1, &[id]))));
        assert_eq!(world.refused(vec![refused]).await, Conflict::Changed);
    }
    assert_eq!(
        (state(world).await.head.last_view, hour(world).await.shown),
        (0, 0)
    );
    for number in [1, 2] {
        write(world, FeedWrite::View(Box::new(view(number, 1, &[id])))).await;
    }
    let state = state(world).await;
    assert_eq!((state.head.last_view, state.head.last_seq), (2, 2));
    assert_eq!(state.missed, [(app_id(4), 0), (app_id(5), 1)]);
    assert_eq!(hour(world).await.shown, 1, "shown first once");
    let kept = world.store.feed_view(uid(7), Some(1)).await.unwrap().unwrap();
    assert_eq!(kept, view(1, 1, &[id]).view);
    let last = world.store.feed_view(uid(7), None).await.unwrap().unwrap();
    assert_eq!(last.number, 2);
    assert_eq!(world.store.feed_view(uid(7), Some(3)).await.unwrap(), None);
}

pub async fn a_click_counts_once_and_only_on_a_page_that_was_served(world: &World) {
    world.user(7).await;
    let (one, _) = publish(world, story(4, 7, world.now())).await;
    let (two, _) = publish(world, story(5, 7, world.now())).await;
    write(world, FeedWrite::View(Box::new(view(1, 2, &[one])))).await;
    let user = uid(7);
    let click = |story, view, page| FeedWrite::Click {
        user,
        story,
        view,
        page,
    };
    for refused in [
        click(two, 1, 1),
        click(two, 1, 2),
        click(one, 2, 1),
        click(one, 1, 2),
    ] {
        assert_eq!(world.refused(vec![Write::Feed(refused)]).await, Conflict::Missing);
    }
    let page = LaterPage {
        user,
        view: 1,
        page: 2,
        at: WallMs(START_MS),
        stories: vec![two],
    };
    write(world, FeedWrite::Later(page)).await;
    for _ in 0..2 {
        write(world, click(one, 1, 1)).await;
        write(world, click(two, 1, 2)).await;
    }
    let counts = world.store.hour_counts(HOUR, HOUR + 1).await.unwrap();
    let clicked: Vec<_> = counts
        .iter()
        .map(|(app, counts)| (*app, counts.clicked))
        .collect();
    assert_eq!(clicked, [(app_id(4), 1), (app_id(5), 1)]);
}

pub async fn a_picture_that_is_ready_at_publication_is_an_event_of_the_same_unit(world: &World) {
    world.user(7).await;
    let picture = |text: &'static str| Picture {
        hash: PictureHash(sha256(&[text.as_bytes()])),
        kind: PictureType::Png,
        width: 75,
        height: 56,
        bytes: text.as_bytes().into(),
    };
    let photo = NewPhoto {
        pid: Pid::new(3).unwrap(),
        owner: uid(7),
        app: app_id(4),
        caption: String::new(),
        image: ImageHash([9; 32]),
        pictures: [picture("big"), picture("normal"), picture("small")],
        per_user_max: 1,
    };
    let upload = PictureWrite::AddPhoto(Box::new(photo));
    world.commit(vec![Write::Picture(upload)]).await;
    let slot = |number, pid| NewSlot {
        number,
        source: ImageSource::Pid(Pid::new(pid).unwrap()),
        link: "http://x.example/".to_owned(),
    };
    let shows = NewStory {
        // There is no photo 4 any more.
        slots: vec![slot(2, 3), slot(3, 4), slot(4, 3)],
        ..story(4, 7, world.now())
    };
    let (_, seq) = publish(world, shows).await;
    assert_eq!(seq, 1);
    let ready = |slot| LineEvent::PictureReady { slot };
    assert_eq!(events(world).await, [(2, ready(2)), (3, ready(4))]);
    let remove = PictureWrite::RemovePhoto {
        owner: uid(7),
        pid: Pid::new(3).unwrap(),
    };
    world.commit(vec![Write::Picture(remove)]).await;
    let removed = |slot| LineEvent::PictureRemoved { slot };
    assert_eq!(events(world).await[2..], [(4, removed(2)), (5, removed(4))]);
}

pub async fn more_addresses_than_a_user_may_have_are_refused(world: &World) {
    world.user(7).await;
    let add = |token| FeedWrite::AddAddress {
        token: [token; 32],
        user: uid(7),
        label: "reader".to_owned(),
        most: 2,
    };
    write(world, add(1)).await;
    write(world, add(2)).await;
    let full = world.refused(vec![Write::Feed(add(3))]).await;
    assert_eq!(full, Conflict::AddressesFull);
    let known = world.store.feed_addresses(uid(7)).await.unwrap();
    assert_eq!(known.len(), 2);
    let revoke = |user, number| Write::Feed(FeedWrite::RevokeAddress { user, number });
    let foreign = world.refused(vec![revoke(uid(8), known[0].number)]).await;
    assert_eq!(foreign, Conflict::Missing);
    world.commit(vec![revoke(uid(7), known[0].number)]).await;
    write(world, add(3)).await;
    assert_eq!(world.store.feed_address([1; 32]).await.unwrap(), None);
}

pub async fn erasing_a_user_leaves_nothing_of_their_record(world: &World) {
    world.user(7).await;
    world.commit(vec![Write::SetGrant(grant(4, 7))]).await;
    let (id, _) = publish(world, story(4, 7, world.now())).await;
    let (user, app, slider) = (uid(7), app_id(4), Slider::More);
    write(world, FeedWrite::Slide { user, app, slider }).await;
    act(world, id, FeedAct::Thumb).await;
    write(world, FeedWrite::View(Box::new(view(1, 3, &[id])))).await;
    world.commit(vec![Write::EraseUser(uid(7))]).await;
    let none = FeedState {
        head: FeedHead {
            record: 1,
            ..FeedHead::default()
        },
        lines: Vec::new(),
        grants: Vec::new(),
        sliders: Vec::new(),
        acts: Vec::new(),
        missed: Vec::new(),
    };
    assert_eq!(state(world).await, none);
    assert_eq!(world.store.feed_views(uid(7)).await.unwrap(), []);
    let late = Write::Feed(FeedWrite::View(Box::new(view(1, 0, &[]))));
    assert_eq!(world.refused(vec![late]).await, Conflict::Missing);
}
