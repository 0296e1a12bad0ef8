//! The audit log: which writes are acts that it tells of, and the chain itself.
//!
//! Promise: an act and its entry stand in one unit, so neither is there without the other; no door writes entries, so none can
//! forget one. Every write is judged here by name: a new kind of write does not compile until somebody has said what it is.

use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use async_trait::async_trait;
use crier_platform::model::audit::{Actor, AuditEntry, AuditHash, AuditHead, AuditQuery, KeptEntry};
use crier_platform::model::job::PictureWrite;
use crier_platform::model::record::FeedWrite;
use crier_platform::model::session::SessionId;
use crier_platform::model::time::WallMs;
use crier_platform::ports::audit::Audit;
use crier_platform::ports::store::{StoreFault, Write};
use crier_proto::digest::lower_hex;
use crier_proto::ids::{AppId, Uid};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const LAST: &str = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
const ADD: &str = "INSERT INTO audit (number, entry, hash) VALUES (?1, ?2, ?3)";
// As bytes: an entry that somebody has spoilt is still to be named.
const AFTER: &str = "SELECT CAST(entry AS BLOB), CAST(hash AS BLOB) FROM audit WHERE number > ?1
  ORDER BY number LIMIT ?2";
const PAGE: &str = "SELECT CAST(entry AS BLOB), CAST(hash AS BLOB) FROM audit
  WHERE number < coalesce(?1, 9223372036854775807) AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR subject = ?3)
  ORDER BY number DESC LIMIT ?4";
const APP_ROW: &str = "SELECT * FROM app WHERE id = ?1";
const OWN_TEST_PERSON: &str = "SELECT 1 FROM test_person WHERE user = ?1 AND owner = ?2";
const USER_ROW: &str = "SELECT * FROM user WHERE uid = ?1";

/// Columns whose values an entry tells: numbers and words of closed sets. Of all others it tells that they have changed.
const TOLD: [&str; 17] = [
    "admin",
    "call_id",
    "calls_per_minute",
    "canvas_ss",
    "enabled",
    "feed_errors",
    "feed_reply",
    "image_links",
    "jsonp",
    "kind",
    "live_text",
    "native_clients",
    "owner",
    "previous_until_ms",
    "profile",
    "signature",
    "strictness",
];
/// Columns that differ whenever they are written, or that people set for themselves.
const UNTOLD: [&str; 5] = [
    "previous_receipt_secret",
    "previous_secret",
    "receipt_secret",
    "secret",
    "time_zone",
];

type Columns = BTreeMap<String, rusqlite::types::Value>;

/// An act on its way into the log.
pub(super) struct Act {
    act: &'static str,
    subject: String,
    details: Map<String, Value>,
    watched: Option<Watched>,
}

/// A row that is written whole: what the entry tells is what differs.
struct Watched {
    sql: &'static str,
    key: i64,
    before: Columns,
    /// Secrets that differ, by the name under which the entry tells that they do.
    secrets: Vec<&'static str>,
}

impl Act {
    fn on(subject: String, act: &'static str, details: &[(&str, Value)]) -> Option<Self> {
        Some(Self {
            act,
            subject,
            details: details
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            watched: None,
        })
    }

    fn on_user(user: Uid, act: &'static str, details: &[(&str, Value)]) -> Option<Self> {
        Self::on(format!("user:{user}"), act, details)
    }

    fn on_app(app: AppId, act: &'static str, details: &[(&str, Value)]) -> Option<Self> {
        Self::on(format!("app:{app}"), act, details)
    }
}

impl Pen<'_> {
    /// What the log is to tell of a write that is about to be made.
    pub(super) fn act_of(&self, write: &Write) -> Result<Option<Act>, Halt> {
        Ok(match write {
            Write::AddApp(app) => Act::on_app(app.id, "app.add", &[("owner", json!(app.owner.get()))]),
            Write::SetApp(app) => {
                let mut act = Act::on_app(app.id, "app.set", &[]);
                let secrets = self.changed_secrets(app)?;
                self.watch(&mut act, (APP_ROW, app.id.get()), secrets)?;
                act
            }
            Write::EraseApp(app) => Act::on_app(*app, "app.erase", &[]),
            Write::AddUser(user) => Act::on_user(user.uid, "user.add", &[("admin", json!(user.admin))]),
            Write::SetUser(user) => {
                let mut act = Act::on_user(user.uid, "user.set", &[]);
                self.watch(&mut act, (USER_ROW, user.uid.get()), Vec::new())?;
                act
            }
            Write::EndAccess(user) => Act::on_user(*user, "user.end_access", &[]),
            Write::EraseUser(user) => Act::on_user(*user, "user.erase", &[]),
            Write::SetGrant(grant) => Act::on_user(
                grant.user,
                "grant.set",
                &[("app", json!(grant.app.get())), ("feed", json!(grant.feed))],
            ),
            Write::AcceptTerms { app, user, .. } => self.of_another(*user, ("grant.add", *app))?,
            Write::SwitchStories { app, user, feed } => {
                let mut act = self.of_another(*user, ("grant.set", *app))?;
                if let Some(act) = &mut act {
                    act.details.insert("feed".to_owned(), json!(feed));
                }
                act
            }
            Write::PermitOfflineAccess { app, user } => {
                self.of_another(*user, ("grant.offline_access", *app))?
            }
            Write::RemoveGrant { app, user } => self.of_another(*user, ("grant.remove", *app))?,
            Write::AddSession(session) => self.of_another(session.user, ("session.add", session.app))?,
            Write::EndSession(session) => self.act_on_session(*session, "session.end")?,
            Write::ResetCallOrder(session) => self.act_on_session(*session, "session.reset_call_order")?,
            Write::AddLoginLink(link) => Act::on_user(link.user, "login_link.add", &[]),
            Write::UseLoginLink(token) => {
                let user = self.find("SELECT user FROM login_link WHERE token = ?1", [token.0])?;
                user.and_then(Uid::new)
                    .and_then(|user| Act::on_user(user, "login_link.use", &[]))
            }
            Write::Picture(write) => act_on_picture(write),
            Write::Feed(write) => act_on_feed(write),
            Write::Test(_)
            | Write::ExpectApp(_)
            | Write::ExpectFewerApps { .. }
            | Write::ExpectUser(_)
            | Write::AddLogin(_)
            | Write::RemoveLogin(_)
            | Write::AddAuthToken(_)
            | Write::BindAuthToken { .. }
            | Write::UseAuthToken { .. }
            | Write::PublishStory(_)
            | Write::Count(_)
            | Write::TrimCounts { .. }
            | Write::Hook(_)
            | Write::MarkCall { .. } => None,
        })
    }

    /// What people do in their own affairs is theirs, and their test people are an affair of theirs; what others do to them is an
    /// act.
    fn of_another(&self, user: Uid, (act, app): (&'static str, AppId)) -> Result<Option<Act>, Halt> {
        if !self.by.acts_on(user) {
            return Ok(None);
        }
        if let Actor::Person(developer) = self.by {
            let own: Option<i64> = self.find(OWN_TEST_PERSON, (user.get(), developer.get()))?;
            if own.is_some() {
                return Ok(None);
            }
        }
        Ok(Act::on_user(user, act, &[("app", json!(app.get()))]))
    }

    fn act_on_session(&self, session: SessionId, act: &'static str) -> Result<Option<Act>, Halt> {
        if self.by == Actor::System {
            return Ok(None);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT user, app FROM session WHERE id = ?1")?;
        let found: Option<(i64, i64)> = statement
            .query_row([session.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let found = found.and_then(|(user, app)| Uid::new(user).zip(AppId::new(app)));
        found.map_or(Ok(None), |(user, app)| self.of_another(user, (act, app)))
    }

    fn watch(
        &self,
        act: &mut Option<Act>,
        (sql, key): (&'static str, i64),
        secrets: Vec<&'static str>,
    ) -> Result<(), Halt> {
        let before = self.columns(sql, key)?;
        if let Some(act) = act {
            act.watched = Some(Watched {
                sql,
                key,
                before,
                secrets,
            });
        }
        Ok(())
    }

    /// A row by its columns; empty when it is not there.
    fn columns(&self, sql: &str, key: i64) -> Result<Columns, Halt> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let read = |row: &Row<'_>| -> rusqlite::Result<Columns> {
            let value = |name: &String| Ok((name.clone(), row.get(name.as_str())?));
            names.iter().map(value).collect()
        };
        let found = statement.query_row([key], read).optional()?;
        Ok(found.unwrap_or_default())
    }

    /// Chains an entry to the last one. An act that has changed nothing leaves none.
    pub(super) fn add_audit_entry(&self, mut act: Act) -> Result<(), Halt> {
        if let Some(watched) = act.watched.take() {
            let after = self.columns(watched.sql, watched.key)?;
            act.details = changes(&watched, &after);
            if act.details.is_empty() {
                return Ok(());
            }
        }
        Ok(chain(self.connection, (self.now, self.by), act)?)
    }
}

/// The last entry of a log; of an empty one, what the first is chained to.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<AuditHead> {
    let mut last = connection.prepare_cached(LAST)?;
    let last = last.query_row([], |row| {
        Ok(AuditHead {
            number: row.get(0)?,
            hash: AuditHash(row.get(1)?),
        })
    });
    Ok(last.optional()?.unwrap_or_default())
}

/// Adds the entry that a copy was put in the place of the books; `replaced` is the head of the log that stood there, if it could be
/// read: whoever has noted it down knows from when on entries are gone.
pub(super) fn add_restored(
    copy: &Connection,
    now: WallMs,
    replaced: Option<AuditHead>,
) -> rusqlite::Result<()> {
    let mut details = Map::new();
    details.insert(
        "replaced".to_owned(),
        json!(replaced.map(|head| head.to_string())),
    );
    let act = Act {
        act: "books.restore",
        subject: "books".to_owned(),
        details,
        watched: None,
    };
    chain(copy, (now, Actor::CommandLine), act)
}

/// Chains an entry to the last one.
fn chain(connection: &Connection, (now, by): (WallMs, Actor), act: Act) -> rusqlite::Result<()> {
    let last = head(connection)?;
    let entry = AuditEntry {
        number: last.number + 1,
        at_ms: now.0,
        actor: by.to_string(),
        act: act.act.to_owned(),
        subject: act.subject,
        details: act.details,
    };
    let unwritable = |why: String| rusqlite::Error::ToSqlConversionFailure(why.into());
    let text = entry.text().map_err(unwritable)?;
    let hash = AuditHash::of(last.hash, text.as_bytes());
    let mut add = connection.prepare_cached(ADD)?;
    add.execute(params![entry.number, text, hash.0]).map(drop)
}

/// The columns that differ, and the secrets.
fn changes(watched: &Watched, after: &Columns) -> Map<String, Value> {
    let mut details = Map::new();
    for (name, new) in after {
        let old = watched.before.get(name);
        let name = name.as_str();
        if old == Some(new) || UNTOLD.contains(&name) {
            continue;
        }
        let told = if TOLD.contains(&name) {
            json!([told(old), told(Some(new))])
        } else {
            json!("changed")
        };
        let name = if name == "password_hash" { "password" } else { name };
        details.insert(name.to_owned(), told);
    }
    for name in &watched.secrets {
        details.insert((*name).to_owned(), json!("changed"));
    }
    details
}

/// A number or a word of a closed set.
fn told(value: Option<&rusqlite::types::Value>) -> Value {
    match value.map(ValueRef::from) {
        Some(ValueRef::Integer(number)) => json!(number),
        Some(ValueRef::Text(word)) => str::from_utf8(word).map_or(Value::Null, |word| json!(word)),
        Some(ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_)) | None => Value::Null,
    }
}

fn act_on_picture(write: &PictureWrite) -> Option<Act> {
    match write {
        PictureWrite::Block(hash) => Act::on(format!("picture:{}", lower_hex(&hash.0)), "picture.block", &[]),
        PictureWrite::Settle(_)
        | PictureWrite::Fill(_)
        | PictureWrite::End(_)
        | PictureWrite::Use(_)
        | PictureWrite::Evict(_)
        | PictureWrite::AddPhoto(_)
        | PictureWrite::RemovePhoto { .. }
        | PictureWrite::WantIcons(_)
        | PictureWrite::FetchAgain { .. } => None,
    }
}

fn act_on_feed(write: &FeedWrite) -> Option<Act> {
    match write {
        FeedWrite::TakeDown(story) => Act::on(format!("story:{story}"), "story.take_down", &[]),
        FeedWrite::View(_)
        | FeedWrite::Later(_)
        | FeedWrite::Click { .. }
        | FeedWrite::Act { .. }
        | FeedWrite::Slide { .. }
        | FeedWrite::KeepRanking(_)
        | FeedWrite::KeepHour(_)
        | FeedWrite::AddAddress { .. }
        | FeedWrite::RevokeAddress { .. }
        | FeedWrite::UseAddress(_)
        | FeedWrite::BlankBefore(_)
        | FeedWrite::Bury { .. }
        | FeedWrite::TrimViews(_) => None,
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeptEntry> {
    Ok(KeptEntry {
        text: row.get(0)?,
        hash: row.get(1)?,
    })
}

#[async_trait]
impl Audit for SqliteStore {
    async fn audit_after(&self, after: i64, limit: u32) -> Result<Vec<KeptEntry>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(AFTER)?;
            statement.query_map((after, limit), read)?.collect()
        })
    }

    async fn audit_page(&self, query: AuditQuery) -> Result<Vec<KeptEntry>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(PAGE)?;
            let asked = (query.before, &query.actor, &query.subject, query.limit);
            statement.query_map(asked, read)?.collect()
        })
    }
}
