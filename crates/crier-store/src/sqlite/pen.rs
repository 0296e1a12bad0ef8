//! One unit on its way into the books: each write with its condition, inside the writer's transaction.
//!
//! The writes of a model stand in that model's file. Knows nothing of queues, groups and syncs.

use super::marks::Marks;
use crate::changes;
use crate::sealed::Sealer;
use crier_platform::model::audit::Actor;
use crier_platform::model::change::Fact;
use crier_platform::model::session::SessionId;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Batch, Conflict, Made, StoreFault, Write};
use crier_proto::ids::{StoryId, Uid};
use rusqlite::{Connection, OptionalExtension, Params};
use std::cell::{Cell, RefCell};

/// Why a unit stops in the middle. Whatever it has written is rolled back.
#[derive(Debug)]
pub(crate) enum Halt {
    /// A condition does not hold.
    Refused(Conflict),
    /// A statement failed.
    Sql(rusqlite::Error),
    /// A row is not what it should be.
    Fault(StoreFault),
}

impl From<rusqlite::Error> for Halt {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreFault> for Halt {
    fn from(fault: StoreFault) -> Self {
        Self::Fault(fault)
    }
}

/// What a unit has done, to be answered and followed up after the commit.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// What it made, in the order of its writes.
    pub(crate) made: Vec<Made>,
    /// Sessions that ended.
    pub(crate) ended: Vec<SessionId>,
    /// Sessions whose call order was reset.
    pub(crate) reset: Vec<SessionId>,
    /// Kinds of the events that it left in records.
    pub(crate) events: RefCell<Vec<&'static str>>,
    /// Pictures that found no place in the queue of fetches.
    pub(crate) pictures_turned_away: Cell<u64>,
    /// Whether the unit had been applied before.
    pub(crate) repeated: bool,
    /// Whether something was taken away for good, which must leave the files too.
    pub(crate) wiped: bool,
}

/// What a unit writes with.
pub(crate) struct Pen<'a> {
    /// The writer's connection, inside a transaction.
    pub(crate) connection: &'a Connection,
    /// Seals what must not lie open.
    pub(crate) sealer: &'a Sealer,
    /// Knows moved expiries.
    pub(crate) marks: &'a Marks,
    /// Who makes the unit.
    pub(crate) by: Actor,
    /// *Now* of the unit.
    pub(crate) now: WallMs,
    /// The mark of this process on its changes.
    pub(crate) origin: i64,
    /// What has been done.
    pub(crate) applied: Applied,
}

impl Pen<'_> {
    /// Applies a unit, or answers from the record when it had been applied before.
    pub(crate) fn apply(mut self, batch: Batch) -> Result<Applied, Halt> {
        if let Some(made) = self.made_before(&batch)? {
            return Ok(Applied {
                made,
                repeated: true,
                ..Applied::default()
            });
        }
        for write in batch.writes {
            let act = self.act_of(&write)?;
            self.write(write)?;
            if let Some(act) = act {
                self.add_audit_entry(act)?;
            }
        }
        let made: Vec<(i64, Option<i64>)> = self.applied.made.iter().map(encode_made).collect();
        let made = serde_json::to_string(&made).map_err(|error| StoreFault::Damaged(error.to_string()))?;
        self.run(
            "INSERT INTO unit (id, at_ms, made) VALUES (?1, ?2, ?3)",
            (&batch.id.0[..], self.now.0, made),
        )?;
        Ok(self.applied)
    }

    fn made_before(&self, batch: &Batch) -> Result<Option<Vec<Made>>, Halt> {
        let row: Option<String> = self.find("SELECT made FROM unit WHERE id = ?1", [&batch.id.0[..]])?;
        let Some(row) = row else { return Ok(None) };
        let damaged = || Halt::Fault(StoreFault::Damaged("a row of unit cannot be read".to_owned()));
        let made: Vec<(i64, Option<i64>)> = serde_json::from_str(&row).map_err(|_| damaged())?;
        made.into_iter()
            .map(|pair| decode_made(pair).ok_or_else(damaged))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn write(&mut self, write: Write) -> Result<(), Halt> {
        match write {
            Write::AddApp(app) => self.add_app(&app),
            Write::ExpectFewerApps { owner, than } => self.expect_fewer_apps(owner, than),
            Write::ExpectApp(app) => self.expect_app(&app),
            Write::SetApp(app) => self.set_app(&app),
            Write::EraseApp(app) => self.erase_app(app),
            Write::AddUser(user) => self.add_user(&user),
            Write::ExpectUser(user) => self.expect_user(&user),
            Write::SetUser(user) => self.set_user(&user),
            Write::EndAccess(uid) => self.end_access(uid),
            Write::EraseUser(uid) => self.erase_user(uid),
            Write::SetGrant(grant) => self.set_grant(&grant),
            Write::AcceptTerms { app, user, added } => self.accept_terms(app, user, added),
            Write::SwitchStories { app, user, feed } => self.switch_stories(app, user, feed),
            Write::PermitOfflineAccess { app, user } => self.permit_offline_access(app, user),
            Write::RemoveGrant { app, user } => self.remove_grant(app, user),
            Write::Hook(write) => self.write_hook(&write),
            Write::AddSession(session) => self.add_session(&session),
            Write::EndSession(session) => self.end_session(session),
            Write::AddLogin(login) => self.add_login(&login),
            Write::RemoveLogin(token) => self.remove_login(token),
            Write::AddLoginLink(link) => self.add_login_link(&link),
            Write::UseLoginLink(token) => self.use_login_link(token),
            Write::AddAuthToken(token) => self.add_auth_token(&token),
            Write::BindAuthToken {
                token,
                app,
                user,
                lasting,
            } => {
                self.require_user(user)?;
                self.bind_auth_token(token, app, (user, lasting))
            }
            Write::UseAuthToken { token, app } => self.use_auth_token(token, app),
            Write::PublishStory(story) => self.publish_story(&story),
            Write::Picture(write) => self.write_picture(&write),
            Write::Feed(write) => self.write_feed(&write),
            Write::Test(write) => self.write_test(&write),
            Write::Count(rows) => self.add_counts(&rows),
            Write::TrimCounts { grain, before } => self.trim_counts(grain, before),
            Write::MarkCall { session, rule, value } => self.mark_call(session, rule, &value),
            Write::ResetCallOrder(session) => self.reset_call_order(session),
        }
    }

    /// Runs a statement; returns how many rows it changed.
    pub(crate) fn run(&self, sql: &str, params: impl Params) -> Result<usize, Halt> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    /// The first column of the first row, if there is one.
    pub(crate) fn find<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, Halt> {
        Ok(self
            .connection
            .prepare_cached(sql)?
            .query_row(params, |row| row.get(0))
            .optional()?)
    }

    /// The first column of all rows.
    pub(crate) fn list(&self, sql: &str, params: impl Params) -> Result<Vec<i64>, Halt> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params, |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Refuses when the statement finds a row.
    pub(crate) fn refuse_if(&self, conflict: Conflict, sql: &str, params: impl Params) -> Result<(), Halt> {
        match self.find::<i64>(sql, params)? {
            Some(_) => Err(Halt::Refused(conflict)),
            None => Ok(()),
        }
    }

    /// Refuses when this user does not exist: what a call adds must not outlive an erasure that came first.
    pub(crate) fn require_user(&self, user: Uid) -> Result<(), Halt> {
        match self.find::<i64>("SELECT 1 FROM user WHERE uid = ?1", [user.get()])? {
            Some(_) => Ok(()),
            None => Err(Halt::Refused(Conflict::Missing)),
        }
    }

    /// Leaves a change for those who follow.
    pub(crate) fn note(&self, fact: &Fact) -> Result<(), Halt> {
        let (word, a, b) = changes::columns(fact);
        self.run(
            "INSERT INTO change (at_ms, fact, a, b, origin) VALUES (?1, ?2, ?3, ?4, ?5)",
            (self.now.0, word, a, b, self.origin),
        )
        .map(|_| ())
    }
}

fn encode_made(made: &Made) -> (i64, Option<i64>) {
    match made {
        Made::Session(session) => (session.0, None),
        Made::Story { id, seq } => (id.get(), Some(*seq)),
    }
}

fn decode_made((id, seq): (i64, Option<i64>)) -> Option<Made> {
    match seq {
        None => Some(Made::Session(SessionId(id))),
        Some(seq) => StoryId::new(id).map(|id| Made::Story { id, seq }),
    }
}
