//! One transaction of the writer: units and writes to mailboxes that waited together, each inside a savepoint of its own.
//!
//! Promise: an error that ends the transaction fails all of them, so that none is answered with what is not there. Knows nothing
//! of queues and threads.

use super::open::Shared;
use super::pen::{Applied, Halt, Pen};
use super::upkeep::Upkeep;
use crate::error::{fault, is_io_error};
use crier_platform::model::audit::Actor;
use crier_platform::model::mailbox::MailWrites;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Batch, CommitError, Conflict, Flush, Made, StoreFault};
use rusqlite::{Connection, ErrorCode};
use std::sync::atomic::Ordering;

/// What waited together.
#[derive(Default)]
pub(crate) struct Group {
    /// Units of calls.
    pub(crate) units: Vec<Batch>,
    /// Writes to mailboxes.
    pub(crate) mails: Vec<(MailWrites, Flush)>,
}

/// What became of each member of a group, in its order.
pub(crate) struct Concluded {
    pub(crate) units: Vec<Result<Applied, CommitError>>,
    pub(crate) mails: Vec<Result<(), StoreFault>>,
}

impl Group {
    /// Whether anybody waits for the disk itself.
    fn is_synced(&self) -> bool {
        !self.units.is_empty() || self.mails.iter().any(|(_, flush)| *flush == Flush::Now)
    }
}

impl Shared {
    /// Applies a group in one transaction, synced when one of its members asks for it.
    ///
    /// # Errors
    /// Nothing of the group is there; `OutcomeUnknown` when the sync itself failed.
    pub(crate) fn apply_group(
        &self,
        connection: &Connection,
        group: Group,
        upkeep: &mut Upkeep,
    ) -> Result<Concluded, StoreFault> {
        let synced = group.is_synced();
        if synced {
            return self.apply_whole(connection, group, upkeep);
        }
        // The next synced commit takes these along: the log is synced as far as it is written.
        self.set_synchronous(connection, "NORMAL")?;
        let applied = self.apply_whole(connection, group, upkeep);
        self.set_synchronous(connection, "FULL")?;
        applied
    }

    fn set_synchronous(&self, connection: &Connection, level: &str) -> Result<(), StoreFault> {
        connection
            .pragma_update(None, "synchronous", level)
            .map_err(|error| self.stop_if_io(&error))
    }

    fn apply_whole(
        &self,
        connection: &Connection,
        group: Group,
        upkeep: &mut Upkeep,
    ) -> Result<Concluded, StoreFault> {
        let synced = group.is_synced();
        let began = connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]));
        began.map_err(|error| self.stop_if_io(&error))?;
        let concluded = self.apply_all(connection, group).map_err(|error| {
            let _ = connection.execute_batch("ROLLBACK");
            self.stop_if_io(&error)
        })?;
        upkeep.prune(connection, self);
        let written = !concluded.mails.is_empty()
            || concluded
                .units
                .iter()
                .any(|outcome| outcome.as_ref().is_ok_and(|applied| !applied.repeated));
        let committed = connection
            .prepare_cached("COMMIT")
            .and_then(|mut commit| commit.execute([]));
        let wiped = concluded
            .units
            .iter()
            .any(|unit| unit.as_ref().is_ok_and(|applied| applied.wiped));
        if wiped {
            self.overwrite_less(connection);
        }
        match committed {
            Ok(_) => {
                self.traces_left.fetch_or(wiped, Ordering::Relaxed);
                self.metrics.commits.inc_by(u64::from(written && synced));
                Ok(concluded)
            }
            Err(error) => {
                let _ = connection.execute_batch("ROLLBACK");
                // A failed sync says nothing about which pages the next start will find.
                match self.stop_if_io(&error) {
                    fault if is_io_error(&error) => Err(StoreFault::OutcomeUnknown(fault.to_string())),
                    fault => Err(fault),
                }
            }
        }
    }

    /// Back to overwriting only what costs no write of its own.
    fn overwrite_less(&self, connection: &Connection) {
        let set = connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()));
        if let Err(error) = set {
            tracing::warn!(%error, "the books go on overwriting all that is deleted");
        }
    }

    fn apply_all(&self, connection: &Connection, group: Group) -> rusqlite::Result<Concluded> {
        let mut concluded = Concluded {
            units: Vec::with_capacity(group.units.len()),
            mails: Vec::with_capacity(group.mails.len()),
        };
        for batch in group.units {
            concluded.units.push(self.apply_one(connection, batch)?);
        }
        for (writes, _) in group.mails {
            concluded.mails.push(self.apply_mail(connection, &writes)?);
        }
        Ok(concluded)
    }

    fn apply_mail(
        &self,
        connection: &Connection,
        writes: &MailWrites,
    ) -> rusqlite::Result<Result<(), StoreFault>> {
        connection.prepare_cached("SAVEPOINT unit")?.execute([])?;
        let refused = match self.pen(connection, (Actor::System, writes.now)).keep(writes) {
            Ok(()) => {
                connection.prepare_cached("RELEASE unit")?.execute([])?;
                self.metrics.messages.inc_by(writes.messages.len() as u64);
                return Ok(Ok(()));
            }
            Err(Halt::Fault(fault)) => fault,
            Err(Halt::Refused(conflict)) => StoreFault::Damaged(format!("{conflict:?}")),
            Err(Halt::Sql(error)) if connection.is_autocommit() || ends_group(&error) => return Err(error),
            Err(Halt::Sql(error)) => fault(&error),
        };
        connection.prepare_cached("ROLLBACK TO unit")?.execute([])?;
        connection.prepare_cached("RELEASE unit")?.execute([])?;
        Ok(Err(refused))
    }
}

impl Shared {
    /// What a unit writes with.
    pub(crate) fn pen<'a>(&'a self, connection: &'a Connection, (by, now): (Actor, WallMs)) -> Pen<'a> {
        Pen {
            connection,
            sealer: &self.sealer,
            marks: &self.marks,
            by,
            now,
            origin: self.origin,
            applied: Applied::default(),
        }
    }

    /// Applies a unit inside its savepoint: its refusal rolls back nothing but itself. An error ends the whole group.
    fn apply_one(
        &self,
        connection: &Connection,
        batch: Batch,
    ) -> rusqlite::Result<Result<Applied, CommitError>> {
        connection.prepare_cached("SAVEPOINT unit")?.execute([])?;
        let made = (batch.by, batch.now);
        let refused = match self.pen(connection, made).apply(batch) {
            Ok(applied) => {
                connection.prepare_cached("RELEASE unit")?.execute([])?;
                return Ok(Ok(applied));
            }
            Err(Halt::Refused(conflict)) => CommitError::Refused(conflict),
            Err(Halt::Fault(fault)) => CommitError::Fault(fault),
            Err(Halt::Sql(error)) if connection.is_autocommit() || ends_group(&error) => return Err(error),
            Err(Halt::Sql(error)) => CommitError::Fault(fault(&error)),
        };
        connection.prepare_cached("ROLLBACK TO unit")?.execute([])?;
        connection.prepare_cached("RELEASE unit")?.execute([])?;
        Ok(Err(refused))
    }

    /// What follows a committed or refused unit, before it is answered.
    pub(crate) fn conclude(&self, outcome: Result<Applied, CommitError>) -> Result<Vec<Made>, CommitError> {
        let applied = match outcome {
            Ok(applied) => applied,
            Err(error) => {
                match &error {
                    CommitError::Refused(Conflict::QueueFull) => {
                        self.metrics.pictures_turned_away.inc();
                        self.metrics.refused.inc()
                    }
                    CommitError::Refused(_) => self.metrics.refused.inc(),
                    CommitError::Fault(_) => self.metrics.failed.inc(),
                };
                return Err(error);
            }
        };
        if applied.repeated {
            self.metrics.repeated.inc();
        } else {
            self.metrics.units.inc();
        }
        let turned_away = applied.pictures_turned_away.get();
        self.metrics.pictures_turned_away.inc_by(turned_away);
        for event in applied.events.borrow().iter() {
            self.metrics.events.happened(event);
        }
        applied
            .ended
            .iter()
            .for_each(|session| self.marks.drop_session(*session));
        for session in &applied.reset {
            self.marks.forget(*session).map_err(|fault| {
                CommitError::Fault(StoreFault::OutcomeUnknown(format!(
                    "the call order may come back: {fault}"
                )))
            })?;
        }
        Ok(applied.made)
    }

    /// The fault of a failed statement; the store stops when the disk itself has failed.
    pub(crate) fn stop_if_io(&self, error: &rusqlite::Error) -> StoreFault {
        if is_io_error(error) {
            self.health.stop(&error.to_string());
        }
        match fault(error) {
            StoreFault::Damaged(text) if is_io_error(error) => StoreFault::Unavailable(text),
            other => other,
        }
    }
}

/// Errors after which SQLite may have rolled back more than one statement.
fn ends_group(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::DatabaseBusy
                | ErrorCode::OperationInterrupted
        )
    )
}
