//! The one thread that writes: it takes what is queued, applies each unit inside its own savepoint, commits all of them with
//! one sync, and only then answers (limits L4: group commit keeps most of its rate on a slow disk).
//!
//! Also syncs and folds the log of marks, because these too wait for the disk. Knows nothing of what a unit writes.

use super::group::Group;
use super::marks::Overlay;
use super::open::Shared;
use super::pen::Halt;
use super::traces::{self, Rewritten};
use super::upkeep::Upkeep;
use crate::error::StoreError;
use crier_platform::model::audit::Actor;
use crier_platform::model::mailbox::MailWrites;
use crier_platform::model::time::ElapsedMs;
use crier_platform::ports::store::{Batch, CommitError, Flush, Made, StoreFault, WhenKept};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;

/// Milliseconds between two tries to remove traces, and for which an idle writer waits before one.
const TRY_PAUSE_MS: u64 = 500;
/// Milliseconds between two rewritings of the books: many erasures share one.
const REWRITING_PAUSE_MS: u64 = 60_000;

type Answer = oneshot::Sender<Result<Vec<Made>, CommitError>>;

enum Job {
    Unit(Box<Batch>, Answer),
    Mail(Box<MailWrites>, Flush, WhenKept),
    Probe(oneshot::Sender<Result<(), StoreFault>>),
    /// Something was marked while the writer slept.
    Nudge,
    Close(oneshot::Sender<Result<(), StoreFault>>),
}

/// The way to the writer: a bounded inbox.
pub(crate) struct WriterHandle {
    inbox: SyncSender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
}

impl WriterHandle {
    /// Starts the thread.
    pub(crate) fn start(connection: Arc<Mutex<Connection>>, shared: Arc<Shared>) -> Result<Self, StoreError> {
        let (inbox, jobs) = sync_channel(shared.config.commit_queue_max);
        let writer = Writer {
            connection,
            jobs,
            shared: Arc::clone(&shared),
            upkeep: Upkeep::default(),
            dirty_since: None,
            next_try: ElapsedMs::default(),
            next_rewriting: ElapsedMs::default(),
        };
        let thread = Builder::new()
            .name("crier-store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(StoreError::Thread)?;
        Ok(Self {
            inbox,
            thread: Mutex::new(Some(thread)),
            shared,
        })
    }

    /// Hands a unit to the writer and waits until it is synced or refused.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Vec<Made>, CommitError> {
        self.shared.health.going().map_err(CommitError::Fault)?;
        let (answer, answered) = oneshot::channel();
        self.send(Job::Unit(Box::new(batch), answer))
            .map_err(CommitError::Fault)?;
        answered
            .await
            .unwrap_or_else(|_| Err(CommitError::Fault(ended())))
    }

    /// Hands writes to mailboxes to the writer; what cannot be taken is told at once.
    pub(crate) fn keep(&self, writes: MailWrites, flush: Flush, when: WhenKept) {
        let refused = match self.shared.health.going() {
            Err(fault) => (when, fault),
            Ok(()) => match self.inbox.try_send(Job::Mail(Box::new(writes), flush, when)) {
                Err(TrySendError::Full(Job::Mail(_, _, when))) => (when, self.full()),
                Err(TrySendError::Disconnected(Job::Mail(_, _, when))) => (when, closed()),
                Ok(()) | Err(_) => return,
            },
        };
        let (when, fault) = refused;
        when(Err(fault));
    }

    /// Refuses when the store has stopped; after trouble it tries a write of its own first.
    pub(crate) async fn check(&self) -> Result<(), StoreFault> {
        self.shared.health.going()?;
        if !self.shared.health.is_troubled() {
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        self.send(Job::Probe(answer))?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Wakes the writer if it sleeps; one that has work looks at the marks anyway.
    pub(crate) fn nudge(&self) {
        let _ = self.inbox.try_send(Job::Nudge);
    }

    /// Ends the thread after what is queued.
    pub(crate) async fn close(&self) -> Result<(), StoreFault> {
        let (answer, answered) = oneshot::channel();
        match self.inbox.try_send(Job::Close(answer)) {
            Ok(()) => answered.await.unwrap_or_else(|_| Err(ended())),
            Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(_)) => Err(self.full()),
        }
    }

    fn send(&self, job: Job) -> Result<(), StoreFault> {
        match self.inbox.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(self.full()),
            Err(TrySendError::Disconnected(_)) => Err(closed()),
        }
    }

    fn full(&self) -> StoreFault {
        self.shared.metrics.queue_full.inc();
        let waiting = self.shared.config.commit_queue_max;
        StoreFault::Unavailable(format!(
            "{waiting} units wait for the disk (store.commit_queue_max)"
        ))
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        let (answer, _) = oneshot::channel();
        let _ = self.inbox.send(Job::Close(answer));
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!("the store's writer has ended in a panic");
        }
    }
}

fn closed() -> StoreFault {
    StoreFault::Unavailable("the store is closed".to_owned())
}

fn ended() -> StoreFault {
    StoreFault::OutcomeUnknown("the store's writer has ended".to_owned())
}

/// What has been taken out of the inbox.
#[derive(Default)]
struct Waiting {
    units: Vec<(Batch, Answer)>,
    mails: Vec<((MailWrites, Flush), WhenKept)>,
}

impl Waiting {
    fn len(&self) -> usize {
        self.units.len() + self.mails.len()
    }
}

struct Writer {
    connection: Arc<Mutex<Connection>>,
    jobs: Receiver<Job>,
    shared: Arc<Shared>,
    upkeep: Upkeep,
    dirty_since: Option<ElapsedMs>,
    /// When traces may be removed next, after somebody was in the way.
    next_try: ElapsedMs,
    /// When the books may be rewritten next.
    next_rewriting: ElapsedMs,
}

impl Writer {
    fn run(mut self) {
        while let Some(job) = self.next() {
            if let Some(job) = job
                && let Some(answer) = self.work(job)
            {
                let synced = self.finish();
                // Whoever comes now finds the inbox closed; nobody is left without an answer.
                drop(self.jobs);
                let _ = answer.send(synced);
                return;
            }
            self.tend_marks();
            self.tend_traces();
        }
    }

    /// Brings the marks to the disk and stops; after a failure nothing is synced again, neither here nor when SQLite closes.
    fn finish(&self) -> Result<(), StoreFault> {
        if let Err(failed) = self.shared.health.going() {
            let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
                tracing::error!(%error, "the log of the books may be folded once more");
            }
            return Err(failed);
        }
        self.shared.health.close();
        self.shared.marks.sync()?;
        while self.fold(true) {}
        if self.shared.traces_left.load(Ordering::Relaxed) {
            self.remove_traces(true);
        }
        Ok(())
    }

    /// Removes the traces of what was taken away for good, soon after it was.
    fn tend_traces(&mut self) {
        let now = self.shared.clock.elapsed();
        if !self.shared.traces_left.load(Ordering::Relaxed) || now < self.next_try {
            return;
        }
        self.next_try = now.plus_ms(TRY_PAUSE_MS);
        let with_rewriting = now >= self.next_rewriting;
        if with_rewriting {
            self.next_rewriting = now.plus_ms(REWRITING_PAUSE_MS);
        }
        // Whoever reads just now is not waited for: callers would wait too.
        self.set_busy_timeout(Duration::ZERO);
        self.remove_traces(with_rewriting);
        self.set_busy_timeout(Duration::from_millis(self.shared.config.busy_timeout.0));
    }

    fn set_busy_timeout(&self, timeout: Duration) {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = connection.busy_timeout(timeout) {
            tracing::warn!(%error, "the books wait for other processes longer or shorter than configured");
        }
    }

    /// Rewrites the books if that is due, and empties the log. What is in the way now is tried again.
    fn remove_traces(&self, with_rewriting: bool) {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let rewritten = if with_rewriting {
            traces::rewrite(&connection, self.shared.config.rewrite_bytes_max).map(Some)
        } else {
            Ok(None)
        };
        let emptied = traces::empty_log(&connection);
        match (rewritten, emptied) {
            (Ok(Some(rewritten)), Ok(true)) => {
                self.shared.traces_left.store(false, Ordering::Relaxed);
                if rewritten == Rewritten::TooLarge {
                    self.shared.metrics.rewrites_left.inc();
                    tracing::warn!(
                        "traces of what was erased stay in the books: they are larger than store.rewrite_bytes_max"
                    );
                }
            }
            (Ok(_), Ok(_)) => {}
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "traces of what was erased are still in the files; tried again");
                self.shared.stop_if_io(&error);
            }
        }
    }

    /// The next job; `Some(None)` when marks or traces have waited long enough; `None` when nobody can send any more.
    fn next(&self) -> Option<Option<Job>> {
        let pause_ms = if self.shared.marks.is_dirty() {
            self.shared.config.call_order_sync.0
        } else if self.shared.traces_left.load(Ordering::Relaxed) {
            TRY_PAUSE_MS
        } else {
            return self.jobs.recv().ok().map(Some);
        };
        match self.jobs.recv_timeout(Duration::from_millis(pause_ms)) {
            Ok(job) => Some(Some(job)),
            Err(RecvTimeoutError::Timeout) => Some(None),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Works on a job and on what is queued behind it; returns whom to tell that the store is closed.
    fn work(&mut self, first: Job) -> Option<oneshot::Sender<Result<(), StoreFault>>> {
        let mut waiting = Waiting::default();
        let mut probes = Vec::new();
        let mut closing = None;
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Unit(batch, answer) => waiting.units.push((*batch, answer)),
                Job::Mail(writes, flush, when) => waiting.mails.push(((*writes, flush), when)),
                Job::Probe(answer) => probes.push(answer),
                Job::Nudge => {}
                Job::Close(answer) => closing = Some(answer),
            }
            let go_on = closing.is_none() && waiting.len() < self.shared.config.commit_group_max;
            next = if go_on { self.jobs.try_recv().ok() } else { None };
        }
        if waiting.len() > 0 {
            self.commit_group(waiting);
        }
        if !probes.is_empty() {
            let outcome = self.probe();
            for probe in probes {
                let _ = probe.send(outcome.clone());
            }
        }
        closing
    }

    fn commit_group(&mut self, waiting: Waiting) {
        let Waiting { units, mails } = waiting;
        let (units, answers): (Vec<_>, Vec<_>) = units.into_iter().unzip();
        let (mails, told): (Vec<_>, Vec<_>) = mails.into_iter().unzip();
        let shared = Arc::clone(&self.shared);
        let outcomes = shared.health.going().and_then(|()| {
            let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            shared.apply_group(&connection, Group { units, mails }, &mut self.upkeep)
        });
        shared.health.set_troubled(outcomes.is_err());
        match outcomes {
            Ok(concluded) => {
                for (answer, outcome) in answers.into_iter().zip(concluded.units) {
                    let _ = answer.send(shared.conclude(outcome));
                }
                for (tell, outcome) in told.into_iter().zip(concluded.mails) {
                    tell(outcome);
                }
            }
            Err(fault) => {
                let (units, mails) = (answers.len(), told.len());
                tracing::error!(%fault, units, mails, "a group of writes was not committed");
                shared.metrics.failed.inc_by((units + mails) as u64);
                for answer in answers {
                    let _ = answer.send(Err(CommitError::Fault(fault.clone())));
                }
                for tell in told {
                    tell(Err(fault.clone()));
                }
            }
        }
    }

    fn probe(&self) -> Result<(), StoreFault> {
        self.shared.health.going()?;
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = connection
            .execute("UPDATE counter SET last = last WHERE name = 'story'", [])
            .map(|_| ())
            .map_err(|error| self.shared.stop_if_io(&error));
        self.shared.health.set_troubled(outcome.is_err());
        outcome
    }

    /// Syncs the marks when they have waited long enough, and folds a log that has reached its bound.
    fn tend_marks(&mut self) {
        if !self.shared.marks.is_dirty() {
            self.dirty_since = None;
            return;
        }
        let now = self.shared.clock.elapsed();
        let since = *self.dirty_since.get_or_insert(now);
        if now >= since.plus_ms(self.shared.config.call_order_sync.0) {
            self.sync_marks();
        }
    }

    fn sync_marks(&mut self) {
        self.dirty_since = None;
        match self.shared.marks.sync() {
            Ok(true) => {
                self.shared.metrics.mark_syncs.inc();
            }
            Ok(false) => {}
            Err(fault) => tracing::error!(%fault, "accepted call_ids were not synced"),
        }
        self.fold(false);
    }

    /// Moves a full log into the database; true when it did. What fails here is tried again later: the log still holds it.
    fn fold(&self, even_when_small: bool) -> bool {
        let folded = match self.shared.marks.begin_fold(even_when_small) {
            Ok(None) => return false,
            Ok(Some(overlay)) => self
                .fold_into_database(&overlay)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match folded.and_then(|()| self.shared.marks.end_fold().map_err(|error| error.to_string())) {
            Ok(()) => {
                self.shared.metrics.mark_folds.inc();
                true
            }
            Err(error) => {
                tracing::warn!(error, "the log of accepted call_ids was not folded");
                false
            }
        }
    }

    fn fold_into_database(&self, overlay: &Overlay) -> rusqlite::Result<()> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let pen = self
            .shared
            .pen(&connection, (Actor::System, self.shared.clock.wall()));
        let folded = overlay
            .iter()
            .try_for_each(|(session, entry)| pen.fold_marks(*session, &entry.values, entry.expiry))
            .map_err(|halt| match halt {
                Halt::Sql(error) => error,
                Halt::Refused(_) | Halt::Fault(_) => rusqlite::Error::InvalidQuery,
            });
        match folded.and_then(|()| connection.execute_batch("COMMIT")) {
            Ok(()) => Ok(()),
            Err(error) => {
                let _ = connection.execute_batch("ROLLBACK");
                self.shared.stop_if_io(&error);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::StoreConfig;
    use crate::sqlite::SqliteStore;
    use crate::still::Still;
    use crier_platform::model::audit::Actor;
    use crier_platform::model::mailbox::{KeptItem, KeptMessage, MailWrites, RowNo};
    use crier_platform::model::message::Via;
    use crier_platform::model::session::SessionId;
    use crier_platform::model::time::WallMs;
    use crier_platform::model::user::User;
    use crier_platform::ports::store::{
        Batch, CommitError, Flush, Marks, Messages, Store, StoreFault, UnitId, Users, Write,
    };
    use crier_proto::ids::{AppId, MessageId, Uid};
    use crier_proto::message::Fanout;
    use std::sync::Arc;

    fn store() -> SqliteStore {
        SqliteStore::open_in_memory(Arc::new(Still), Arc::new(Still)).unwrap()
    }

    fn uid(number: u8) -> Uid {
        Uid::new(i64::from(number) + 1).unwrap()
    }

    /// A unit that adds a user with a name of this length.
    fn unit(number: u8, length: usize) -> Batch {
        let user = User {
            uid: uid(number),
            name: number.to_string().repeat(length),
            password_hash: None,
            admin: false,
            enabled: true,
            created_at: WallMs(1),
            time_zone: String::new(),
        };
        Batch {
            id: UnitId([number; 16]),
            by: Actor::System,
            now: WallMs(1_000),
            writes: vec![Write::AddUser(user)],
        }
    }

    fn pages(store: &SqliteStore, sql: &str) -> i64 {
        store
            .readers()
            .read(|connection| connection.query_row(sql, [], |row| row.get(0)))
            .unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_disk_refuses_what_does_not_fit_and_the_store_goes_on() {
        let store = store();
        let present = pages(&store, "PRAGMA page_count");
        pages(&store, &format!("PRAGMA max_page_count = {present}"));
        let refused = store.commit(unit(1, 100_000)).await;
        assert!(
            matches!(refused, Err(CommitError::Fault(StoreFault::Unavailable(_)))),
            "{refused:?}"
        );
        assert_eq!(store.metrics().failed.get(), 1);
        assert!(store.user(uid(1)).await.unwrap().is_none());
        pages(&store, "PRAGMA max_page_count = 100000");
        assert_eq!(store.check().await, Ok(()));
        store.commit(unit(1, 100_000)).await.unwrap();
        assert!(store.user(uid(1)).await.unwrap().is_some());
    }

    fn message(row: i64, text: &str) -> KeptMessage {
        KeptMessage {
            row: RowNo(row),
            app: AppId::new(1).unwrap(),
            user: uid(1),
            seq: 1,
            id: MessageId::from_bytes([1; 16]),
            sender: uid(1),
            sent_at: WallMs(1),
            expires_at: WallMs(2),
            item: Some(KeptItem {
                via: Via::App,
                event: "e".into(),
                text: text.into(),
                collapse_key: None,
                fanout: Fanout::All,
            }),
            claim: Vec::new(),
            outcome: Vec::new(),
        }
    }

    async fn keep(store: &SqliteStore, messages: Vec<KeptMessage>) -> Result<(), StoreFault> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let writes = MailWrites {
            messages,
            ..MailWrites::default()
        };
        let when = Box::new(move |kept| {
            let _ = tell.send(kept);
        });
        store.keep(writes, Flush::Now, when);
        told.await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_disk_keeps_nothing_of_a_message_and_an_io_error_ends_the_mailboxes_too() {
        let store = store();
        store.commit(unit(1, 10)).await.unwrap();
        let present = pages(&store, "PRAGMA page_count");
        pages(&store, &format!("PRAGMA max_page_count = {present}"));
        let (fits, long) = (message(1, "x"), message(2, &"y".repeat(100_000)));
        let refused = keep(&store, vec![fits.clone(), long.clone()]).await;
        assert!(matches!(refused, Err(StoreFault::Unavailable(_))), "{refused:?}");
        assert_eq!(store.kept_messages(RowNo(0), 9).await.unwrap(), []);
        pages(&store, "PRAGMA max_page_count = 100000");
        keep(&store, vec![fits, long]).await.unwrap();
        assert_eq!(store.kept_messages(RowNo(0), 9).await.unwrap().len(), 2);
        let broken = rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC),
            None,
        );
        store.shared().stop_if_io(&broken);
        let refused = keep(&store, vec![message(3, "z")]).await;
        assert!(matches!(refused, Err(StoreFault::Unavailable(_))), "{refused:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_nobody_waits_for_is_written_without_a_sync_and_the_next_commit_is_synced_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(
            folder.path(),
            &StoreConfig::default(),
            Arc::new(Still),
            Arc::new(Still),
        )
        .unwrap();
        store.commit(unit(1, 10)).await.unwrap();
        let synced = store.metrics().commits.get();
        let (tell, told) = tokio::sync::oneshot::channel();
        let writes = MailWrites {
            forgotten: vec![RowNo(1)],
            ..MailWrites::default()
        };
        let when = Box::new(move |kept| {
            let _ = tell.send(kept);
        });
        store.keep(writes, Flush::Later, when);
        assert_eq!(told.await.unwrap(), Ok(()));
        assert_eq!(store.metrics().commits.get(), synced);
        keep(&store, vec![message(1, "x")]).await.unwrap();
        assert_eq!(store.metrics().commits.get(), synced + 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn after_an_io_error_nothing_more_is_acknowledged() {
        let store = store();
        store.commit(unit(1, 10)).await.unwrap();
        let broken = rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC),
            None,
        );
        store.shared().stop_if_io(&broken);
        let refused = store.commit(unit(2, 10)).await;
        assert!(
            matches!(refused, Err(CommitError::Fault(StoreFault::Unavailable(_)))),
            "{refused:?}"
        );
        assert!(matches!(store.check().await, Err(StoreFault::Unavailable(_))));
        assert!(store.mark_call(SessionId(1), &"1".parse().unwrap()).is_err());
        assert!(store.mark_expiry(SessionId(1), 5).is_err());
        // What was acknowledged can still be read.
        assert!(store.user(uid(1)).await.unwrap().is_some());
        assert!(store.user(uid(2)).await.unwrap().is_none());
    }
}
