//! The one writer: shared syncs, a bounded inbox, other processes' locks, rows that age.

use crate::backends::{START_MS, new_session, story, uid, user};
use crate::files::{commit, open_with, patient, raw};
use crier_platform::model::audit::Actor;
use crier_platform::model::quantity::Span;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{
    Batch, CommitError, Made, Marks, Sessions, Store, StoreFault, Stories, UnitId, Write,
};
use crier_proto::ids::SessionKey;
use crier_store::{SqliteStore, StoreConfig};
use crier_testkit::{ManualClock, SeededEntropy};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

type Commit<'a> = Pin<Box<dyn Future<Output = Result<Vec<Made>, CommitError>> + Send + 'a>>;

/// A unit that publishes a story of an application of its own.
fn unit(number: u8) -> Batch {
    let now = WallMs(START_MS);
    let writes = vec![Write::PublishStory(story(i64::from(number) + 1, 7, now))];
    Batch {
        id: UnitId([100 + number; 16]),
        by: Actor::System,
        now,
        writes,
    }
}

/// A unit on its way: polled once, so that it waits in the writer's inbox. While nobody keeps the writer from its work, it may
/// already be done.
fn begin(store: &SqliteStore, number: u8) -> Result<Commit<'_>, Result<Vec<Made>, CommitError>> {
    let mut commit = store.commit(unit(number));
    match commit.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => Ok(commit),
        Poll::Ready(outcome) => Err(outcome),
    }
}

#[tokio::test]
async fn units_that_wait_together_share_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with(folder.path(), &patient()).unwrap();
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    let before = store.metrics().commits.get();
    // While another process holds the lock, all 64 come to wait.
    let holder = raw(folder.path());
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting: Vec<_> = (0..64)
        .map(|number| begin(&store, number).ok().unwrap())
        .collect();
    holder.execute_batch("ROLLBACK").unwrap();
    for commit in waiting {
        assert_eq!(commit.await.unwrap().len(), 1);
    }
    assert_eq!(store.metrics().units.get(), 65);
    let syncs = store.metrics().commits.get() - before;
    assert!((1..=2).contains(&syncs), "{syncs} syncs for 64 units");
    assert_eq!(store.stories(uid(7), None, 100).await.unwrap().len(), 64);
}

#[tokio::test]
async fn commit_group_max_bounds_how_many_share_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        commit_group_max: 8,
        ..patient()
    };
    let store = open_with(folder.path(), &config).unwrap();
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    let before = store.metrics().commits.get();
    let holder = raw(folder.path());
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting: Vec<_> = (0..64)
        .map(|number| begin(&store, number).ok().unwrap())
        .collect();
    holder.execute_batch("ROLLBACK").unwrap();
    for commit in waiting {
        commit.await.unwrap();
    }
    let syncs = store.metrics().commits.get() - before;
    assert!((8..=9).contains(&syncs), "{syncs} syncs for 64 units");
}

#[tokio::test]
async fn commit_queue_max_refuses_what_the_inbox_cannot_hold() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        commit_queue_max: 2,
        commit_group_max: 1,
        ..patient()
    };
    let store = open_with(folder.path(), &config).unwrap();
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    let holder = raw(folder.path());
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    // One is with the writer at most, two wait; of five at least two find the inbox full.
    let mut waiting = Vec::new();
    let mut refused = Vec::new();
    for number in 0..5 {
        match begin(&store, number) {
            Ok(commit) => waiting.push(commit),
            Err(outcome) => refused.push(outcome),
        }
    }
    assert!(refused.len() >= 2);
    for outcome in &refused {
        let said = "2 units wait for the disk (store.commit_queue_max)".to_owned();
        assert_eq!(*outcome, Err(CommitError::Fault(StoreFault::Unavailable(said))));
    }
    assert_eq!(store.metrics().queue_full.get(), refused.len() as u64);
    holder.execute_batch("ROLLBACK").unwrap();
    for commit in waiting {
        commit.await.unwrap();
    }
    assert_eq!(
        store.stories(uid(7), None, 10).await.unwrap().len(),
        5 - refused.len()
    );
}

#[tokio::test]
async fn a_lock_held_longer_than_busy_timeout_makes_the_store_unavailable_until_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        busy_timeout: Span(1),
        ..StoreConfig::default()
    };
    let store = open_with(folder.path(), &config).unwrap();
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    let holder = raw(folder.path());
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let outcome = store.commit(unit(1)).await;
    assert!(
        matches!(outcome, Err(CommitError::Fault(StoreFault::Unavailable(_)))),
        "{outcome:?}"
    );
    assert!(matches!(store.check().await, Err(StoreFault::Unavailable(_))));
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.check().await, Ok(()));
    assert!(store.stories(uid(7), None, 1).await.unwrap().is_empty());
    store.commit(unit(2)).await.unwrap();
}

#[tokio::test]
async fn a_closed_store_refuses_writes_and_still_reads() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with(folder.path(), &StoreConfig::default()).unwrap();
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(
        begin(&store, 1),
        Err(Err(CommitError::Fault(StoreFault::Unavailable(_))))
    ));
    assert!(store.check().await.is_err());
    assert!(store.stories(uid(7), None, 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn change_keep_and_unit_keep_bound_what_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START_MS));
    let entropy = Arc::new(SeededEntropy::new(3));
    let config = StoreConfig::default();
    let store = SqliteStore::open(folder.path(), &config, clock.clone(), entropy).unwrap();
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    let count = |table: &str| -> i64 {
        raw(folder.path())
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap()
    };
    clock.advance_ms(config.unit_keep.0);
    commit(&store, 2, vec![Write::SetUser(user(7))]).await;
    assert_eq!((count("change"), count("unit")), (2, 2));
    clock.advance_ms(config.change_keep.0);
    commit(&store, 3, vec![Write::SetUser(user(7))]).await;
    // All three units were given the time of the start; what is young by the clock of the upkeep alone stays.
    assert_eq!((count("change"), count("unit")), (0, 0));
    assert_eq!(store.metrics().pruned.get(), 6);
    assert_eq!(store.last_change().await.unwrap(), 3);
    assert!(store.changes_after(0, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn call_order_sync_bounds_how_long_a_mark_waits_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START_MS));
    let entropy = Arc::new(SeededEntropy::new(3));
    let config = StoreConfig::default();
    let store = SqliteStore::open(folder.path(), &config, clock.clone(), entropy).unwrap();
    let session = crate::files::with_session(&store).await;
    store.mark_call(session, &"1".parse().unwrap()).unwrap();
    // The writer looks at the marks after each group, so two units make sure of one look.
    for turn in 10..14 {
        commit(&store, turn, vec![Write::SetUser(user(7))]).await;
        clock.advance_ms(config.call_order_sync.0);
    }
    assert_eq!(store.metrics().mark_syncs.get(), 1);
}

#[tokio::test]
async fn sessions_that_expired_long_ago_are_removed_and_moved_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START_MS));
    let entropy = Arc::new(SeededEntropy::new(3));
    let store = SqliteStore::open(folder.path(), &StoreConfig::default(), clock.clone(), entropy).unwrap();
    let moved = crate::files::with_session(&store).await;
    let gone = SessionKey::of("aaaaaaaaaaaaaaaaaaaaaaaa", uid(7)).unwrap();
    let lasting = SessionKey::of("bbbbbbbbbbbbbbbbbbbbbbbb", uid(7)).unwrap();
    let writes = vec![
        Write::AddSession(new_session(&gone, 4, Some(START_MS / 1000))),
        Write::AddSession(new_session(&lasting, 4, None)),
    ];
    commit(&store, 2, writes).await;
    let month_ms = 30 * 86_400_000;
    store.mark_expiry(moved, START_MS / 1000 + 60).unwrap();
    clock.advance_ms(month_ms);
    commit(&store, 3, vec![Write::SetUser(user(7))]).await;
    assert!(store.session(&gone).await.unwrap().is_some());
    clock.advance_ms(11_000);
    commit(&store, 4, vec![Write::SetUser(user(7))]).await;
    assert!(store.session(&gone).await.unwrap().is_none());
    assert!(store.session(&crate::files::key()).await.unwrap().is_some());
    assert!(store.session(&lasting).await.unwrap().is_some());
}

#[tokio::test]
async fn feed_change_keep_bounds_the_changes_that_announce_stories() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START_MS));
    let entropy = Arc::new(SeededEntropy::new(3));
    let config = StoreConfig::default();
    let store = SqliteStore::open(folder.path(), &config, clock.clone(), entropy).unwrap();
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    for number in 0..10 {
        store.commit(unit(number)).await.unwrap();
    }
    assert_eq!(store.changes_after(0, 100).await.unwrap().len(), 11);
    clock.advance_ms(config.feed_change_keep.0 + 1);
    commit(&store, 2, vec![Write::SetUser(user(7))]).await;
    let ids: Vec<i64> = store
        .changes_after(0, 100)
        .await
        .unwrap()
        .iter()
        .map(|change| change.id)
        .collect();
    assert_eq!(ids, [1, 12]);
    assert_eq!(store.stories(uid(7), None, 100).await.unwrap().len(), 10);
}
