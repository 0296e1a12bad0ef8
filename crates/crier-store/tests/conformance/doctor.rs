//! What `doctor` says of the books: every way in which counts can part from rows is named, with what to do.

use crate::backends::{START_MS, app, app_id, grant, story, uid, user};
use crate::files::{open, open_with, raw};
use crier_platform::model::audit::Actor;
use crier_platform::model::job::{ImageHash, NewPhoto, PictureWrite};
use crier_platform::model::picture::{Picture, PictureHash, PictureType};
use crier_platform::model::quantity::Bytes;
use crier_platform::model::ranking::Slider;
use crier_platform::model::record::{FeedAct, FeedWrite, KeptRanking, NewView, ReportReason, View};
use crier_platform::model::story::{NewSlot, NewStory};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Batch, Made, Store, UnitId, Write};
use crier_proto::digest::sha256;
use crier_proto::ids::{Pid, StoryId};
use crier_proto::story::ImageSource;
use crier_store::{SqliteStore, StoreConfig};
use std::path::Path;
use tempfile::TempDir;

/// Statements that damage the books, and the words of the line that names it.
const DAMAGES: [(&str, &str); 19] = [
    (
        "UPDATE feed_head SET last_seq = last_seq + 1",
        "2 records whose places",
    ),
    (
        "DELETE FROM feed_event WHERE kind = 'slider'",
        "1 records whose places",
    ),
    ("DELETE FROM feed_head", "records whose places"),
    ("UPDATE feed_view SET number = 9", "1 views that their records"),
    ("DELETE FROM ranking_config", "1 views that their records"),
    (
        "UPDATE story SET thumb_ms = NULL WHERE id = 1",
        "1 stories whose marks",
    ),
    (
        "UPDATE story SET first_shown_ms = 5 WHERE id = 2",
        "1 stories whose marks",
    ),
    (
        "UPDATE story SET reported_ms = 7 WHERE id = 2",
        "story 2 among them",
    ),
    (
        "UPDATE story SET blanked_by = 'age' WHERE id = 3",
        "1 stories whose marks",
    ),
    (
        "UPDATE app_hour SET clicked = clicked + 1 WHERE app = 4",
        "1 hours of applications",
    ),
    ("DELETE FROM user_app_day", "days of people"),
    (
        "DELETE FROM \"grant\" WHERE app = 5",
        "1 acceptances and switches",
    ),
    (
        "UPDATE \"grant\" SET feed = 1 WHERE app = 4",
        "1 acceptances and switches",
    ),
    ("UPDATE feed_preference SET slider = 0", "1 sliders"),
    (
        "UPDATE feed_window SET last_ms = last_ms - 1 WHERE user = 7 AND app = 4",
        "1 twelve-hour windows",
    ),
    ("DELETE FROM user WHERE uid = 8", "user 8 among them"),
    (
        "UPDATE picture SET refs = 7 WHERE number = 1",
        "1 pictures whose users",
    ),
    (
        "UPDATE picture_queue SET waiting = 9 WHERE app = 0",
        "all applications among them",
    ),
    (
        "UPDATE story SET title = '<script>x' WHERE id = 1",
        "1 stories are damaged",
    ),
];

/// A photo of user 7.
fn photo() -> Write {
    let picture = |size: &str| Picture {
        hash: PictureHash(sha256(&[size.as_bytes()])),
        kind: PictureType::Png,
        width: 7,
        height: 5,
        bytes: size.as_bytes().to_vec().into(),
    };
    let photo = NewPhoto {
        pid: Pid::new(1).unwrap(),
        owner: uid(7),
        app: app_id(4),
        caption: String::new(),
        image: ImageHash([1; 32]),
        pictures: ["big", "normal", "small"].map(picture),
        per_user_max: 9,
    };
    Write::Picture(PictureWrite::AddPhoto(Box::new(photo)))
}

/// A view of the first two stories.
fn first_view(ids: &[StoryId]) -> NewView {
    NewView {
        view: View {
            user: uid(7),
            number: 1,
            at: WallMs(START_MS),
            moment_secs: START_MS / 1000,
            seq: 4,
            version: 1,
            missed: Vec::new(),
            exempt: Vec::new(),
            shown: ids[..2].to_vec(),
            pages: 1,
        },
        record: 0,
        missed_after: Vec::new(),
        verdicts: vec!["shown_merit"; 2],
    }
}

/// Books in which everything that is counted has happened.
async fn filled(folder: &Path) {
    let store = open(folder);
    let mut number = 0;
    let mut commit = async |writes: Vec<Write>| {
        number += 1;
        let id = UnitId([number; 16]);
        let now = WallMs(START_MS + i64::from(number));
        store
            .commit(Batch {
                id,
                by: Actor::System,
                now,
                writes,
            })
            .await
            .unwrap()
    };
    commit([7, 8].map(|number| Write::AddUser(user(number))).into()).await;
    commit(
        [4, 5]
            .map(|number| Write::AddApp(Box::new(app(number, 8))))
            .into(),
    )
    .await;
    commit([4, 5].map(|number| Write::SetGrant(grant(number, 7))).into()).await;
    let mut ids: Vec<StoryId> = Vec::new();
    for (app, owner) in [(4, 7), (5, 7), (4, 8)] {
        let slot = NewSlot {
            number: 1,
            source: ImageSource::Url(format!("http://x.example/{app}.png")),
            link: "http://x.example/".to_owned(),
        };
        let story = NewStory {
            slots: vec![slot],
            ..story(app, owner, WallMs(START_MS))
        };
        if let [Made::Story { id, .. }] = commit(vec![Write::PublishStory(story)]).await[..] {
            ids.push(id);
        }
    }
    commit(vec![photo()]).await;
    let ranking = KeptRanking {
        version: 1,
        text: "1".to_owned(),
        since: WallMs(START_MS),
    };
    let (user, first) = (uid(7), ids[0]);
    let act = |act| FeedWrite::Act {
        user,
        story: first,
        act,
    };
    let click = FeedWrite::Click {
        user,
        story: first,
        view: 1,
        page: 1,
    };
    let slide = FeedWrite::Slide {
        user,
        app: app_id(4),
        slider: Slider::More,
    };
    for write in [
        FeedWrite::KeepRanking(ranking),
        FeedWrite::View(Box::new(first_view(&ids))),
        click,
        act(FeedAct::Thumb),
        act(FeedAct::Hide),
        act(FeedAct::Report(ReportReason::Spam)),
        act(FeedAct::Undo),
        act(FeedAct::Hide),
        slide,
        FeedWrite::TakeDown(ids[2]),
    ] {
        commit(vec![Write::Feed(write)]).await;
    }
    let switch = Write::SwitchStories {
        app: app_id(4),
        user,
        feed: false,
    };
    commit(vec![switch]).await;
    store.close().await.unwrap();
    drop(store);
    // A copy is made of one file.
    raw(folder)
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

/// The lines that are not ok.
async fn found(store: &SqliteStore) -> Vec<String> {
    let lines = store.diagnose().await.into_iter();
    lines.filter(|line| !line.ok).map(|line| line.text).collect()
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    std::fs::create_dir(to.path().join("keys")).unwrap();
    for file in ["crier.db", "keys/store.key"] {
        std::fs::copy(from.join(file), to.path().join(file)).unwrap();
    }
    to
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_damage_to_a_count_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let sound = copy(folder.path());
    assert_eq!(found(&open(sound.path())).await, Vec::<String>::new());
    for (damage, words) in DAMAGES {
        let damaged = copy(folder.path());
        raw(damaged.path()).execute_batch(damage).unwrap();
        let lines = found(&open(damaged.path())).await;
        let line = lines.iter().find(|line| line.contains(words));
        assert!(line.is_some(), "{damage}: {lines:?}");
        for line in &lines {
            assert!(line.contains("crier restore FILE"), "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_broken_entry_of_the_audit_log_is_named() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let whole = open(folder.path()).diagnose().await;
    let entries: i64 = raw(folder.path())
        .query_row("SELECT count(*) FROM audit", [], |row| row.get(0))
        .unwrap();
    assert!(entries > 3, "{entries}");
    let says = format!("the chain of the audit log is whole, {entries} entries");
    assert!(whole.iter().any(|one| one.ok && one.text == says), "{whole:?}");
    let damaged = copy(folder.path());
    raw(damaged.path())
        .execute_batch(
            "DROP TRIGGER audit_entry_changed;
             UPDATE audit SET entry = replace(entry, '\"at_ms\":', '\"at_ms\":1') WHERE number IN (3, 4)",
        )
        .unwrap();
    let lines = found(&open(damaged.path())).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    for words in [
        "changed from outside: entry 3 is broken",
        "crier audit verify FILE",
    ] {
        assert!(lines[0].contains(words), "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_stay_right_through_erasures_and_traces_that_may_not_be_removed_are_told() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let config = StoreConfig {
        rewrite_bytes_max: Bytes(65_536),
        ..StoreConfig::default()
    };
    let bury = Write::Feed(FeedWrite::Bury {
        before: WallMs(START_MS + 1_000),
        expiry: crier_platform::model::quantity::Span(604_800_000),
    });
    let steps = [Write::EraseApp(app_id(4)), bury, Write::EraseUser(uid(7))];
    for (write, number) in steps.into_iter().zip(100..) {
        let store = open_with(folder.path(), &config).unwrap();
        let unit = Batch {
            id: UnitId([number; 16]),
            by: Actor::System,
            now: WallMs(START_MS + 500),
            writes: vec![write],
        };
        store.commit(unit).await.unwrap();
        let lines = found(&store).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].contains("set store.rewrite_bytes_max above "),
            "{lines:?}"
        );
        store.close().await.unwrap();
    }
    let store = open(folder.path());
    store.serve().unwrap();
    store.close().await.unwrap();
    drop(store);
    assert_eq!(found(&open(folder.path())).await, Vec::<String>::new());
}
