//! Sessions and their call order in the database. What is younger lies in the log of marks and outranks it.

use super::call_order_log::Record;
use super::marks::Wake;
use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::{Columns, Word, bad};
use super::tokens;
use crate::sealed::{Place, Sealer};
use async_trait::async_trait;
use crier_platform::model::change::Fact;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::session::{Session, SessionId, SessionKind};
use crier_platform::model::token::AuthToken;
use crier_platform::ports::ledger::{CALL_IDS_KEPT, OrderRule};
use crier_platform::ports::store::{Conflict, Made, Marks, NewSession, Sessions, StoreFault};
use crier_proto::decimal::Decimal;
use crier_proto::ids::{AppId, SessionKey, Uid};
use rusqlite::{OptionalExtension, Params, Row};
use std::collections::VecDeque;
use std::sync::Arc;

pub(super) fn read(row: &Row<'_>, sealer: &Sealer) -> rusqlite::Result<Session> {
    let key: SessionKey = row.parsed("key")?;
    let sealed = row.get_ref("secret")?.as_blob().map_err(|_| bad("secret"))?;
    let secret = sealer
        .open(Place::Session(&key), sealed)
        .map_err(|_| bad("a sealed secret"))?;
    Ok(Session {
        id: SessionId(row.get("id")?),
        app: row.app("app")?,
        user: row.user("user")?,
        secret,
        expires: row.get("expires")?,
        kind: row.word("kind")?,
        created_at: row.wall("created_ms")?,
        key,
    })
}

/// The later of a stored expiry and a moved one; what never expires stays so.
pub(super) fn moved(kind: SessionKind, stored: Option<i64>, mark: Option<i64>) -> Option<i64> {
    match kind {
        SessionKind::Fixed => stored,
        SessionKind::Sliding => stored.map(|expires| mark.map_or(expires, |mark| mark.max(expires))),
    }
}

const KEEP_GREATEST: &str = "DELETE FROM call_order WHERE session = ?1 AND value <=
  (SELECT value FROM call_order WHERE session = ?1 ORDER BY value DESC LIMIT 1 OFFSET ?2)";

impl Pen<'_> {
    /// `Write::AddSession`. A session that has expired makes room for its key.
    pub(crate) fn add_session(&mut self, session: &NewSession) -> Result<(), Halt> {
        self.require_user(session.user)?;
        self.refuse_strangers(session.app, session.user)?;
        self.make_room(&session.key)?;
        self.run(
            "INSERT INTO session (key, app, user, secret, expires, kind, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                session.key.as_str(),
                session.app.get(),
                session.user.get(),
                self.sealer.seal(Place::Session(&session.key), &session.secret),
                session.expires,
                session.kind.word(),
                self.now.0,
            ),
        )?;
        let id = SessionId(self.connection.last_insert_rowid());
        self.applied.made.push(Made::Session(id));
        Ok(())
    }

    fn make_room(&mut self, key: &SessionKey) -> Result<(), Halt> {
        let holder = {
            let mut statement = self
                .connection
                .prepare_cached("SELECT id, expires, kind FROM session WHERE key = ?1")?;
            let read =
                |row: &Row<'_>| Ok((SessionId(row.get("id")?), row.get("expires")?, row.word("kind")?));
            statement.query_row([key.as_str()], read).optional()?
        };
        let Some((id, expires, kind)) = holder else {
            return Ok(());
        };
        let expires = moved(kind, expires, self.marks.expiry(id));
        if expires.is_some_and(|expires| expires <= self.now.secs()) {
            return self.end_session(id);
        }
        Err(Halt::Refused(Conflict::KeyTaken))
    }

    /// `Write::EndSession`; a session that has already ended stays ended.
    pub(crate) fn end_session(&mut self, session: SessionId) -> Result<(), Halt> {
        let ended = self.run("DELETE FROM session WHERE id = ?1", [session.0])?;
        self.run("DELETE FROM call_order WHERE session = ?1", [session.0])?;
        self.applied.ended.push(session);
        if ended == 0 {
            Ok(())
        } else {
            self.note(&Fact::SessionEnded(session))
        }
    }

    /// `Write::MarkCall`: of the values as many are kept as the rule compares with (protocol 9.2).
    pub(crate) fn mark_call(&self, session: SessionId, rule: OrderRule, value: &Decimal) -> Result<(), Halt> {
        self.run(
            "INSERT OR IGNORE INTO call_order (session, value) VALUES (?1, ?2)",
            (session.0, value.sortable()),
        )?;
        let kept = match rule {
            OrderRule::Greater => 1,
            OrderRule::Once => CALL_IDS_KEPT,
        };
        self.keep_greatest(session, kept)
    }

    fn keep_greatest(&self, session: SessionId, kept: usize) -> Result<(), Halt> {
        let kept = i64::try_from(kept).unwrap_or(i64::MAX);
        self.run(KEEP_GREATEST, (session.0, kept)).map(|_| ())
    }

    /// `Write::ResetCallOrder`.
    pub(crate) fn reset_call_order(&mut self, session: SessionId) -> Result<(), Halt> {
        self.run("DELETE FROM call_order WHERE session = ?1", [session.0])?;
        self.applied.reset.push(session);
        self.note(&Fact::CallOrderReset(session))
    }

    /// Writes into the database what the log of marks holds of a session; of an ended session nothing.
    pub(crate) fn fold_marks(
        &self,
        session: SessionId,
        values: &VecDeque<Decimal>,
        expiry: Option<i64>,
    ) -> Result<(), Halt> {
        if self
            .find::<i64>("SELECT 1 FROM session WHERE id = ?1", [session.0])?
            .is_none()
        {
            return Ok(());
        }
        for value in values {
            self.run(
                "INSERT OR IGNORE INTO call_order (session, value) VALUES (?1, ?2)",
                (session.0, value.sortable()),
            )?;
        }
        self.keep_greatest(session, CALL_IDS_KEPT)?;
        self.run(
            "UPDATE session SET expires = ?2 WHERE id = ?1 AND kind = 'sliding' AND expires < ?2",
            (session.0, expiry),
        )
        .map(|_| ())
    }
}

impl SqliteStore {
    /// The session of a row, its expiry as the marks have moved it.
    fn find_session(&self, sql: &str, params: impl Params) -> Result<Option<Arc<Session>>, StoreFault> {
        let found = self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement
                .query_row(params, |row| read(row, self.sealer()))
                .optional()
        })?;
        Ok(found.map(|mut session| {
            session.expires = moved(session.kind, session.expires, self.marks().expiry(session.id));
            Arc::new(session)
        }))
    }
}

#[async_trait]
impl Sessions for SqliteStore {
    async fn session(&self, key: &SessionKey) -> Result<Option<Arc<Session>>, StoreFault> {
        self.find_session("SELECT * FROM session WHERE key = ?1", [key.as_str()])
    }

    async fn last_session(&self, app: AppId, user: Uid) -> Result<Option<Arc<Session>>, StoreFault> {
        self.find_session(
            "SELECT * FROM session WHERE user = ?1 AND app = ?2 ORDER BY id DESC LIMIT 1",
            [user.get(), app.get()],
        )
    }

    async fn auth_token(&self, token: TokenDigest) -> Result<Option<AuthToken>, StoreFault> {
        self.readers().read(|connection| tokens::find(connection, token))
    }
}

#[async_trait]
impl Marks for SqliteStore {
    fn mark_call(&self, session: SessionId, value: &Decimal) -> Result<(), StoreFault> {
        self.mark(Record::Call(session, value.clone()))
    }

    fn mark_expiry(&self, session: SessionId, expires: i64) -> Result<(), StoreFault> {
        self.mark(Record::Expiry(session, expires))
    }

    async fn call_ids(&self, session: SessionId) -> Result<Vec<Decimal>, StoreFault> {
        // The log first: a fold in between moves values into the database, where the second read finds them.
        let mut values = self.marks().call_ids(session);
        let stored: Vec<String> = self.readers().read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM call_order WHERE session = ?1")?;
            statement.query_map([session.0], |row| row.get(0))?.collect()
        })?;
        for text in stored {
            let damaged = |_| StoreFault::Damaged("a stored call_id cannot be read".to_owned());
            values.push(Decimal::from_sortable(&text).map_err(damaged)?);
        }
        values.sort_unstable();
        values.dedup();
        values.drain(..values.len().saturating_sub(CALL_IDS_KEPT));
        Ok(values)
    }
}

impl SqliteStore {
    fn mark(&self, record: Record) -> Result<(), StoreFault> {
        let wake = self.marks().append(record)?;
        self.metrics().marks.inc();
        if wake == Wake::Soon {
            self.writer().nudge();
        }
        Ok(())
    }
}
