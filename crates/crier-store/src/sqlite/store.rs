//! The books as a whole: units in, changes out, readiness.

use super::open::{SqliteStore, last_change};
use crate::changes;
use async_trait::async_trait;
use crier_platform::model::change::{Change, Fact};
use crier_platform::model::session::SessionId;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Batch, CommitError, Made, Store, StoreFault};
use rusqlite::{Connection, Row};
use std::sync::PoisonError;

/// Damaged rows that are remembered as reported.
const REPORTED_MAX: usize = 1024;

const AFTER: &str = "SELECT id, at_ms, fact, a, b FROM change WHERE id > ?1 ORDER BY id LIMIT ?2";
const FOREIGN: &str = "SELECT fact, a FROM change WHERE id > ?1 AND id <= ?2 AND origin <> ?3
  AND fact IN ('session_ended', 'call_order_reset') ORDER BY id";

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, batch: Batch) -> Result<Vec<Made>, CommitError> {
        self.writer().commit(batch).await
    }

    /// One look-up when nothing is new; asking SQLite whether the file has changed would cost the same.
    async fn changes_after(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreFault> {
        self.metrics().looks.inc();
        if self.obey_foreign()?.is_some_and(|last| last <= after) {
            return Ok(Vec::new());
        }
        let rows = self.readers().read(|connection| list(connection, after, limit))?;
        // A word of a newer version is nothing that this one could notice.
        Ok(rows.into_iter().flatten().collect())
    }

    async fn last_change(&self) -> Result<i64, StoreFault> {
        self.readers().read(last_change)
    }

    async fn check(&self) -> Result<(), StoreFault> {
        self.writer().check().await
    }
}

fn list(connection: &Connection, after: i64, limit: u32) -> rusqlite::Result<Vec<Option<Change>>> {
    let read = |row: &Row<'_>| {
        let word: String = row.get("fact")?;
        let fact = changes::fact(&word, row.get("a")?, row.get("b")?);
        let (id, at) = (row.get("id")?, WallMs(row.get("at_ms")?));
        Ok(fact.map(|fact| Change { id, at, fact }))
    };
    connection
        .prepare_cached(AFTER)?
        .query_map((after, limit), read)?
        .collect()
}

impl SqliteStore {
    /// Drops from the log of marks what other processes have ended or reset, each change once: a later mark must stay. Gives the
    /// newest change; nothing while somebody else looks.
    fn obey_foreign(&self) -> Result<Option<i64>, StoreFault> {
        let shared = self.shared();
        let Ok(mut obeyed) = shared.obeyed.try_lock() else {
            return Ok(None);
        };
        let (last, facts) = self.readers().read(|connection| {
            let last = last_change(connection)?;
            if last == *obeyed {
                return Ok((last, Vec::new()));
            }
            let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
            let mut statement = connection.prepare_cached(FOREIGN)?;
            let rows = statement.query_map((*obeyed, last, shared.origin), read)?;
            Ok((last, rows.collect::<rusqlite::Result<Vec<(String, i64)>>>()?))
        })?;
        let marks_moved = !facts.is_empty();
        for (word, session) in facts {
            match changes::fact(&word, session, None) {
                Some(Fact::CallOrderReset(session)) => self.marks().forget_foreign(session),
                _ => self.marks().drop_session(SessionId(session)),
            }
        }
        *obeyed = last;
        drop(obeyed);
        if marks_moved {
            self.writer().nudge();
        }
        Ok(Some(last))
    }

    /// Counts a row that cannot be read, and reports it once.
    pub(crate) fn set_aside(&self, (table, row): (&'static str, i64), error: &dyn std::fmt::Display) {
        let mut reported = self
            .shared()
            .reported
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if reported.contains(&(table, row)) {
            return;
        }
        self.metrics().damaged.inc();
        if reported.len() < REPORTED_MAX {
            reported.push((table, row));
        }
        tracing::error!(table, row, %error, "a damaged row is set aside");
    }
}
