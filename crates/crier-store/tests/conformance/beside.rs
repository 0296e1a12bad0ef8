//! Two processes on one data folder, as a server and the command line are, and caches that must notice.

use crate::backends::{START_MS, app, app_id, grant, uid, user};
use crate::files::{commit, key, open, values, with_session};
use crier_platform::model::app::App;
use crier_platform::model::audit::Actor;
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_platform::ports::store::{
    Apps, Batch, CommitError, Conflict, Grants, Marks, Sessions, Store, StoreFault, UnitId, Users, Write,
};
use crier_store::{CachedStore, SqliteStore, StoreConfig};
use crier_testkit::{ManualClock, SeededEntropy};
use std::sync::Arc;

struct Beside {
    cached: CachedStore,
    clock: Arc<ManualClock>,
    command_line: SqliteStore,
    _folder: tempfile::TempDir,
}

async fn beside() -> Beside {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START_MS));
    let config = StoreConfig::default();
    let entropy = Arc::new(SeededEntropy::new(3));
    let inner = Arc::new(SqliteStore::open(folder.path(), &config, clock.clone(), entropy).unwrap());
    let cached = CachedStore::over(inner, &config, clock.clone()).await.unwrap();
    Beside {
        cached,
        clock,
        command_line: open(folder.path()),
        _folder: folder,
    }
}

#[tokio::test]
async fn another_processs_commit_is_seen_within_a_second_without_any_task() {
    let beside = beside().await;
    with_session(&beside.cached).await;
    let writes = vec![Write::AddApp(Box::new(app(4, 7))), Write::SetGrant(grant(4, 7))];
    commit(&beside.cached, 2, writes).await;
    assert!(beside.cached.app(app_id(4)).await.unwrap().unwrap().enabled);
    assert!(beside.cached.session(&key()).await.unwrap().is_some());
    assert!(beside.cached.grant(app_id(4), uid(7)).await.unwrap().is_some());
    assert_eq!(beside.cached.user(uid(7)).await.unwrap().unwrap().name, "user7");
    let writes = vec![
        Write::SetApp(Box::new(App {
            enabled: false,
            ..app(4, 7)
        })),
        Write::RemoveGrant {
            app: app_id(4),
            user: uid(7),
        },
        Write::SetUser(User {
            name: "renamed".to_owned(),
            ..user(7)
        }),
    ];
    commit(&beside.command_line, 3, writes).await;
    beside.clock.advance_ms(250);
    let key_of_4 = app(4, 7).api_key;
    assert!(
        !beside
            .cached
            .app_by_key(&key_of_4)
            .await
            .unwrap()
            .unwrap()
            .enabled
    );
    assert!(beside.cached.session(&key()).await.unwrap().is_none());
    assert!(beside.cached.grant(app_id(4), uid(7)).await.unwrap().is_none());
    assert_eq!(beside.cached.user(uid(7)).await.unwrap().unwrap().name, "renamed");
}

#[tokio::test]
async fn whoever_asks_for_changes_makes_the_caches_drop() {
    let beside = beside().await;
    commit(&beside.cached, 1, vec![Write::AddUser(user(7))]).await;
    beside.cached.user(uid(7)).await.unwrap();
    let seen = beside.cached.last_change().await.unwrap();
    commit(
        &beside.command_line,
        2,
        vec![Write::SetUser(User {
            admin: true,
            ..user(7)
        })],
    )
    .await;
    assert!(!beside.cached.user(uid(7)).await.unwrap().unwrap().admin);
    assert_eq!(beside.cached.changes_after(seen, 10).await.unwrap().len(), 1);
    assert!(beside.cached.user(uid(7)).await.unwrap().unwrap().admin);
}

#[tokio::test]
async fn a_change_of_what_another_process_has_changed_is_refused_and_the_next_read_is_fresh() {
    let beside = beside().await;
    commit(&beside.cached, 1, vec![Write::AddUser(user(7))]).await;
    let read = beside.cached.user(uid(7)).await.unwrap().unwrap();
    let admin = User {
        admin: true,
        ..user(7)
    };
    commit(&beside.command_line, 2, vec![Write::SetUser(admin)]).await;
    let late = Batch {
        id: UnitId([3; 16]),
        by: Actor::System,
        now: WallMs(START_MS),
        writes: vec![Write::ExpectUser(read), Write::SetUser(user(7))],
    };
    assert_eq!(
        beside.cached.commit(late).await,
        Err(CommitError::Refused(Conflict::Changed))
    );
    assert!(beside.cached.user(uid(7)).await.unwrap().unwrap().admin);
}

#[tokio::test]
async fn what_every_call_reads_is_answered_from_memory() {
    let beside = beside().await;
    with_session(&beside.cached).await;
    let writes = vec![Write::AddApp(Box::new(app(4, 7))), Write::SetGrant(grant(4, 7))];
    commit(&beside.cached, 2, writes).await;
    let api_key = app(4, 7).api_key;
    for _ in 0..3 {
        beside.cached.app_by_key(&api_key).await.unwrap().unwrap();
        beside.cached.session(&key()).await.unwrap().unwrap();
        beside.cached.grant(app_id(4), uid(7)).await.unwrap().unwrap();
        beside.cached.user(uid(7)).await.unwrap().unwrap();
    }
    assert_eq!(beside.cached.metrics().cache_misses.get(), 4);
    assert_eq!(beside.cached.metrics().cache_hits.get(), 8);
}

#[tokio::test]
async fn a_moved_expiry_reaches_the_cached_session() {
    let beside = beside().await;
    let session = with_session(&beside.cached).await;
    beside.cached.session(&key()).await.unwrap().unwrap();
    beside.cached.mark_expiry(session, START_MS / 1000 + 60).unwrap();
    let read = beside.cached.session(&key()).await.unwrap().unwrap();
    assert_eq!(read.expires, Some(START_MS / 1000 + 60));
    assert_eq!(beside.cached.metrics().cache_misses.get(), 1);
}

#[tokio::test]
async fn one_process_marks_and_the_next_takes_over() {
    let Beside {
        cached: server,
        command_line,
        ..
    } = &beside().await;
    let session = with_session(server).await;
    server.mark_call(session, &"1".parse().unwrap()).unwrap();
    let refused = command_line.mark_call(session, &"2".parse().unwrap());
    assert_eq!(
        refused,
        Err(StoreFault::Unavailable(
            "another process serves this data folder".to_owned()
        ))
    );
    assert_eq!(values(command_line, session).await, ["1"]);
    assert_eq!(values(server, session).await, ["1"]);
}

#[tokio::test]
async fn marks_are_taken_over_when_the_serving_process_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (open(folder.path()), open(folder.path()));
    let session = with_session(&first).await;
    first.mark_call(session, &"1".parse().unwrap()).unwrap();
    assert!(second.mark_call(session, &"2".parse().unwrap()).is_err());
    drop(first);
    second.mark_call(session, &"3".parse().unwrap()).unwrap();
    assert_eq!(values(&second, session).await, ["1", "3"]);
}

#[tokio::test]
async fn a_reset_by_another_process_forgets_earlier_marks_once() {
    let Beside {
        cached: server,
        command_line,
        ..
    } = &beside().await;
    let session = with_session(server).await;
    server.mark_call(session, &"5".parse().unwrap()).unwrap();
    commit(command_line, 2, vec![Write::ResetCallOrder(session)]).await;
    server.changes_after(0, 100).await.unwrap();
    assert!(values(server, session).await.is_empty());
    server.mark_call(session, &"1".parse().unwrap()).unwrap();
    server.changes_after(0, 100).await.unwrap();
    assert_eq!(values(server, session).await, ["1"]);
}

#[tokio::test]
async fn processes_that_start_at_once_on_an_empty_folder_share_one_key_and_one_schema() {
    for _ in 0..5 {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let stores: Vec<SqliteStore> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..6).map(|_| scope.spawn(|| open(&folder))).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        for (name, store) in (1..).zip(&stores) {
            let number = i64::from(name);
            commit(
                store,
                name,
                vec![
                    Write::AddUser(user(number)),
                    Write::AddApp(Box::new(app(number, number))),
                ],
            )
            .await;
        }
        for store in &stores {
            assert_eq!(store.apps().await.unwrap().len(), 6);
        }
    }
}
