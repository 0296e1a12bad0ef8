//! The SQLite backend's files: modes, keys, schema, damage, the log of marks.

use crate::backends::{START_MS, app, app_id, grant, new_session, story, uid, user};
use crier_platform::model::audit::Actor;
use crier_platform::model::grant::Grant;
use crier_platform::model::quantity::{Bytes, Span};
use crier_platform::model::session::SessionId;
use crier_platform::ports::store::{
    Apps, Batch, Made, Marks, Sessions, Store, StoreFault, Stories, UnitId, Write,
};
use crier_proto::ids::SessionKey;
use crier_store::{KEY_FILE, SqliteStore, StoreConfig, StoreError};
use crier_testkit::{ManualClock, SeededEntropy};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn open_with(folder: &Path, config: &StoreConfig) -> Result<SqliteStore, StoreError> {
    let clock = Arc::new(ManualClock::at(START_MS));
    SqliteStore::open(folder, config, clock, Arc::new(SeededEntropy::new(3)))
}

pub(crate) fn open(folder: &Path) -> SqliteStore {
    open_with(folder, &StoreConfig::default()).unwrap()
}

/// The configuration of a writer that waits for another process's lock longer than any test holds one.
pub(crate) fn patient() -> StoreConfig {
    StoreConfig {
        busy_timeout: Span(60_000),
        ..StoreConfig::default()
    }
}

/// Applies a unit named after this number.
pub(crate) async fn commit(store: &dyn Store, name: u8, writes: Vec<Write>) -> Vec<Made> {
    let now = crier_platform::model::time::WallMs(START_MS);
    store
        .commit(Batch {
            id: UnitId([name; 16]),
            by: Actor::System,
            now,
            writes,
        })
        .await
        .unwrap()
}

pub(crate) fn key() -> SessionKey {
    SessionKey::of("0123456789abcdef01234567", uid(7)).unwrap()
}

/// User 7 with a session of the key above.
pub(crate) async fn with_session(store: &dyn Store) -> SessionId {
    let writes = vec![
        Write::AddUser(user(7)),
        Write::AddSession(new_session(&key(), 4, Some(START_MS / 1000))),
    ];
    match commit(store, 1, writes).await.as_slice() {
        [Made::Session(id)] => *id,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn values(store: &dyn Store, session: SessionId) -> Vec<String> {
    store
        .call_ids(session)
        .await
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

pub(crate) fn raw(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join("crier.db")).unwrap()
}

#[tokio::test]
async fn folder_and_key_and_log_are_ours_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    let store = open(&folder);
    store.mark_call(SessionId(1), &"1".parse().unwrap()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("keys")), 0o700);
    assert_eq!(mode(&folder.join(KEY_FILE)), 0o600);
    assert_eq!(mode(&folder.join("call_order.log")), 0o600);
}

#[tokio::test]
async fn reopened_books_hold_what_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let session = with_session(&store).await;
    let writes = vec![
        Write::AddApp(Box::new(app(4, 7))),
        Write::PublishStory(story(4, 7, crier_platform::model::time::WallMs(START_MS))),
    ];
    commit(&store, 2, writes).await;
    store.mark_call(session, &"12.5".parse().unwrap()).unwrap();
    store.mark_expiry(session, START_MS / 1000 + 60).unwrap();
    drop(store);
    let store = open(folder.path());
    let read = store.session(&key()).await.unwrap().unwrap();
    assert_eq!((read.id, read.expires), (session, Some(START_MS / 1000 + 60)));
    assert!(
        store
            .app(app_id(4))
            .await
            .unwrap()
            .unwrap()
            .secret
            .matches("secret of 4")
    );
    assert_eq!(store.stories(uid(7), None, 10).await.unwrap().len(), 1);
    assert_eq!(values(&store, session).await, ["12.5"]);
}

#[tokio::test]
async fn no_secret_lies_open_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    with_session(&store).await;
    commit(&store, 2, vec![Write::AddApp(Box::new(app(4, 7)))]).await;
    store.close().await.unwrap();
    drop(store);
    let found = fs::read(folder.path().join("crier.db")).unwrap();
    for secret in ["secret of 4", "0123456789abcdef0123456789abcdef__"] {
        assert!(
            !found
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        );
    }
}

#[tokio::test]
async fn a_missing_or_foreign_key_file_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let config = StoreConfig::default();
    fs::write(folder.path().join(KEY_FILE), [1; 32]).unwrap();
    assert!(matches!(
        open_with(folder.path(), &config),
        Err(StoreError::KeyForeign(_))
    ));
    fs::remove_file(folder.path().join(KEY_FILE)).unwrap();
    let Err(said) = open_with(folder.path(), &config) else {
        panic!("opened")
    };
    assert!(said.to_string().contains("keys/store.key is missing"), "{said}");
    assert!(!folder.path().join(KEY_FILE).exists());
}

#[tokio::test]
async fn books_of_a_newer_version_are_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    raw(folder.path())
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let Err(said) = open_with(folder.path(), &StoreConfig::default()) else {
        panic!("opened")
    };
    assert!(said.to_string().contains("schema 99"), "{said}");
}

#[tokio::test]
async fn impossible_bounds_are_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        readers: 0,
        ..StoreConfig::default()
    };
    let inside = folder.path().join("data");
    assert!(matches!(open_with(&inside, &config), Err(StoreError::Config(_))));
    assert!(!inside.exists());
}

#[tokio::test]
async fn a_damaged_story_is_set_aside_and_the_rest_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    for app in 1..=3 {
        let now = crier_platform::model::time::WallMs(START_MS);
        commit(
            &store,
            10 + u8::try_from(app).unwrap(),
            vec![Write::PublishStory(story(app, 7, now))],
        )
        .await;
    }
    raw(folder.path())
        .execute("UPDATE story SET priority = 300 WHERE seq = 2", [])
        .unwrap();
    for _ in 0..2 {
        let seqs: Vec<i64> = store
            .stories(uid(7), None, 2)
            .await
            .unwrap()
            .iter()
            .map(|story| story.seq)
            .collect();
        assert_eq!(seqs, [3, 1]);
    }
    assert_eq!(store.metrics().damaged.get(), 1);
    let damaged = store.stories(uid(7), None, 1).await.unwrap()[0].id.get() - 1;
    let one = store
        .story(crier_proto::ids::StoryId::new(damaged).unwrap())
        .await;
    assert!(matches!(one, Err(StoreFault::Damaged(_))));
}

#[tokio::test]
async fn a_damaged_row_of_a_record_is_set_aside_and_the_rest_is_served() {
    use crier_platform::model::record_line::RecordLine;
    use crier_platform::ports::feeds::Feeds;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    for app in 1..=3_u8 {
        let now = crier_platform::model::time::WallMs(START_MS);
        let story = Write::PublishStory(story(i64::from(app), 7, now));
        commit(&store, 10 + app, vec![story]).await;
    }
    let books = raw(folder.path());
    books
        .execute("UPDATE story SET priority = 300 WHERE seq = 2", [])
        .unwrap();
    for (seq, kind) in [(4, "danced"), (5, "switched")] {
        let event =
            "INSERT INTO feed_event (user, seq, at_ms, kind, app, value) VALUES (7, ?1, 0, ?2, 1, 'on')";
        books.execute(event, (seq, kind)).unwrap();
    }
    for _ in 0..2 {
        let lines = store.feed_past(uid(7), i64::MAX).await.unwrap();
        let read: Vec<(i64, bool)> = lines
            .iter()
            .map(|line| match line {
                RecordLine::Story(story) => (story.seq, story.damaged),
                RecordLine::Event(event) => (event.seq, false),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(read, [(1, false), (2, true), (3, false), (5, false)]);
    }
    assert_eq!(store.metrics().damaged.get(), 2);
}

#[tokio::test]
async fn a_torn_tail_of_the_log_is_cut_off_and_marking_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let session = with_session(&store).await;
    store.mark_call(session, &"1".parse().unwrap()).unwrap();
    let log = fs::read(folder.path().join("call_order.log")).unwrap();
    drop(store);
    // As a power cut may leave it: a whole record, and half of the next.
    let torn = [&log[..], &log[..log.len() / 2]].concat();
    raw(folder.path()).execute("DELETE FROM call_order", []).unwrap();
    fs::write(folder.path().join("call_order.log"), torn).unwrap();
    let store = open(folder.path());
    assert_eq!(values(&store, session).await, ["1"]);
    store.mark_call(session, &"2".parse().unwrap()).unwrap();
    assert_eq!(
        fs::read(folder.path().join("call_order.log")).unwrap().len(),
        2 * log.len()
    );
    assert_eq!(values(&store, session).await, ["1", "2"]);
}

#[tokio::test]
async fn a_fold_that_was_cut_short_is_finished_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let session = with_session(&store).await;
    store.mark_call(session, &"1".parse().unwrap()).unwrap();
    let old = fs::read(folder.path().join("call_order.log")).unwrap();
    store.close().await.unwrap();
    drop(store);
    raw(folder.path()).execute("DELETE FROM call_order", []).unwrap();
    fs::write(folder.path().join("call_order.folding"), old).unwrap();
    let store = open(folder.path());
    store.mark_call(session, &"2".parse().unwrap()).unwrap();
    assert_eq!(values(&store, session).await, ["1", "2"]);
    store.close().await.unwrap();
    drop(store);
    assert!(!folder.path().join("call_order.folding").exists());
    let store = open(folder.path());
    assert_eq!(values(&store, session).await, ["1", "2"]);
}

#[tokio::test]
async fn call_order_bytes_max_folds_the_log_into_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START_MS));
    let config = StoreConfig {
        call_order_bytes_max: Bytes(4096),
        ..StoreConfig::default()
    };
    let entropy = Arc::new(SeededEntropy::new(3));
    let store = SqliteStore::open(folder.path(), &config, clock.clone(), entropy).unwrap();
    let session = with_session(&store).await;
    for number in 1..=200 {
        store
            .mark_call(session, &number.to_string().parse().unwrap())
            .unwrap();
    }
    store.mark_expiry(session, START_MS / 1000 + 60).unwrap();
    let log = || fs::metadata(folder.path().join("call_order.log")).unwrap().len();
    assert!(log() > 4096);
    // The writer tends the marks after each group; the second unit is answered after the first one's tending.
    for turn in 10..14 {
        clock.advance_ms(500);
        commit(&store, turn, vec![Write::ResetCallOrder(SessionId(99))]).await;
    }
    assert_eq!(store.metrics().mark_folds.get(), 1);
    assert_eq!(log(), 0);
    assert!(!folder.path().join("call_order.folding").exists());
    let kept: i64 = raw(folder.path())
        .query_row("SELECT count(*) FROM call_order", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 128);
    assert_eq!(values(&store, session).await.len(), 128);
    assert_eq!(
        store.session(&key()).await.unwrap().unwrap().expires,
        Some(START_MS / 1000 + 60)
    );
}

#[tokio::test]
async fn marks_of_an_ended_session_are_not_folded() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let session = with_session(&store).await;
    store.mark_call(session, &"1".parse().unwrap()).unwrap();
    commit(&store, 2, vec![Write::EndSession(session)]).await;
    store.mark_call(session, &"2".parse().unwrap()).unwrap();
    store.close().await.unwrap();
    let kept: i64 = raw(folder.path())
        .query_row("SELECT count(*) FROM call_order", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn a_diagnosis_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(
        &store,
        1,
        vec![Write::AddUser(user(7)), Write::AddApp(Box::new(app(4, 7)))],
    )
    .await;
    let now = crier_platform::model::time::WallMs(START_MS);
    commit(&store, 2, vec![Write::PublishStory(story(4, 7, now))]).await;
    assert!(
        store.diagnose().await.iter().all(|finding| finding.ok),
        "{:?}",
        store.diagnose().await
    );
    raw(folder.path())
        .execute("UPDATE feed_head SET last_seq = 5", [])
        .unwrap();
    raw(folder.path())
        .execute("UPDATE app SET secret = x'00'", [])
        .unwrap();
    let wrong: Vec<String> = store
        .diagnose()
        .await
        .into_iter()
        .filter(|finding| !finding.ok)
        .map(|finding| finding.text)
        .collect();
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(
        wrong[0].starts_with("1 records whose places are not what their heads count, user "),
        "{wrong:?}"
    );
    assert!(wrong[1].contains("a sealed secret"), "{wrong:?}");
}

#[tokio::test]
async fn a_record_holds_each_decision_about_an_application_once_and_without_gap() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (app, user_7) = (app_id(4), uid(7));
    let switch = |feed| Write::SwitchStories {
        app,
        user: user_7,
        feed,
    };
    let accept = |added| Write::AcceptTerms {
        app,
        user: user_7,
        added,
    };
    let now = crier_platform::model::time::WallMs(START_MS);
    let steps = [
        Write::AddUser(user(7)),
        accept(false),
        // Nothing new: stories are on, and adding it is no acceptance.
        accept(true),
        switch(true),
        switch(false),
        switch(false),
        Write::PublishStory(story(4, 7, now)),
        Write::RemoveGrant { app, user: user_7 },
        Write::RemoveGrant { app, user: user_7 },
        Write::SetGrant(Grant {
            feed: false,
            ..grant(4, 7)
        }),
        Write::SetGrant(grant(4, 7)),
        Write::SetGrant(grant(4, 7)),
    ];
    for (unit, step) in (1..).zip(steps) {
        commit(&store, unit, vec![step]).await;
    }
    let connection = raw(folder.path());
    let rows = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(
        rows("SELECT concat_ws(' ', seq, app, kind, value) FROM feed_event WHERE user = 7 ORDER BY seq"),
        [
            "1 4 granted",
            "2 4 switched off",
            "4 4 withdrawn",
            "5 4 granted",
            "6 4 switched off",
            "7 4 switched on"
        ]
    );
    assert_eq!(
        rows("SELECT concat_ws(' ', seq) FROM story WHERE user = 7"),
        ["3"]
    );
    assert_eq!(
        rows("SELECT concat_ws(' ', last_seq) FROM feed_head WHERE user = 7"),
        ["7"]
    );
    assert!(store.diagnose().await.iter().all(|finding| finding.ok));
}
