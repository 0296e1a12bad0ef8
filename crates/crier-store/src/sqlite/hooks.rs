//! Posts to applications' hooks that wait (protocol 19.6).
//!
//! Promise: what is queued stands in the transaction of the acceptance or withdrawal that it tells of; of one user and application
//! the oldest comes first, whatever was tried before.

use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::{Columns, Word, bad};
use async_trait::async_trait;
use crier_platform::model::hook::{
    HookKind, HookPost, HookPostId, HookQuery, HookSpace, HookWrite, NextPost, Told,
};
use crier_platform::model::time::WallMs;
use crier_platform::ports::hooks::HookQueue;
use crier_platform::ports::store::{NewSession, StoreFault};
use crier_proto::ids::{AppId, Uid};
use rusqlite::{Connection, OptionalExtension, Row};

const ACCEPTED: &str = "SELECT 1 FROM \"grant\" WHERE user = ?1 AND app = ?2";
const QUEUE: &str =
    "INSERT INTO hook_post (app, user, hook, added, session, expires, at_ms, attempts, due_ms)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?7)";
const SURPLUS: &str = "SELECT waiting - ?2 FROM hook_queue WHERE app = ?1";
const DROP_OLDEST: &str =
    "DELETE FROM hook_post WHERE id IN (SELECT id FROM hook_post WHERE app = ?1 ORDER BY id LIMIT ?2)";
const COUNT: &str = "UPDATE counter SET last = last + ?2 WHERE name = ?1";
const NEXT_APP: &str = "SELECT min(app) FROM hook_post WHERE app > ?1";
const DUE: &str = "SELECT * FROM hook_post AS post WHERE app = ?1 AND hook = ?2 AND due_ms <= ?3
  AND NOT EXISTS (SELECT 1 FROM hook_post AS older WHERE older.app = post.app AND older.user = post.user AND older.id < post.id)
  ORDER BY due_ms, id LIMIT 1";
const NEXT_DUE: &str = "SELECT min(due_ms) FROM hook_post WHERE due_ms > ?1";
const SPACE: &str = "SELECT coalesce((SELECT waiting FROM hook_queue WHERE app = 0), 0) AS waiting,
  (SELECT min(at_ms) FROM hook_post) AS oldest,
  (SELECT last FROM counter WHERE name = 'hook_posts_dropped') AS dropped,
  (SELECT last FROM counter WHERE name = 'hook_posts_expired') AS expired";

/// A post to be queued.
struct News<'a> {
    app: AppId,
    user: Uid,
    hook: HookKind,
    added: bool,
    /// The session of an acceptance.
    session: Option<&'a NewSession>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<HookPost> {
    let told = match row.word("hook")? {
        HookKind::Remove => Told::Withdrawn,
        HookKind::Authorize => Told::Accepted {
            added: row.get("added")?,
            session: row.parsed("session")?,
            expires: row
                .get::<_, Option<i64>>("expires")?
                .ok_or_else(|| bad("an expiry"))?,
        },
    };
    Ok(HookPost {
        id: HookPostId(row.get("id")?),
        app: row.app("app")?,
        user: row.user("user")?,
        told,
        at: row.wall("at_ms")?,
        attempts: row.get("attempts")?,
    })
}

/// The post that is next: applications take turns, and of one hook the longest due comes first.
fn next_post(connection: &Connection, query: &HookQuery) -> rusqlite::Result<NextPost> {
    let last = query.after.map_or(0, AppId::get);
    for (from, to) in [(last, i64::MAX), (0, last)] {
        let mut after = from;
        while let Some(app) = next_app(connection, after)?.filter(|app| *app <= to) {
            after = app;
            for hook in [HookKind::Authorize, HookKind::Remove] {
                if query
                    .busy
                    .iter()
                    .any(|(busy, kind)| busy.get() == app && *kind == hook)
                {
                    continue;
                }
                let mut due = connection.prepare_cached(DUE)?;
                let post = due.query_row((app, hook.word(), query.now.0), read).optional()?;
                if let Some(post) = post {
                    return Ok(NextPost::Now(Box::new(post)));
                }
            }
        }
    }
    let due: Option<i64> = connection
        .prepare_cached(NEXT_DUE)?
        .query_row([query.now.0], |row| row.get(0))?;
    Ok(due.map_or(NextPost::Never, |due| NextPost::At(WallMs(due))))
}

fn next_app(connection: &Connection, after: i64) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(NEXT_APP)?
        .query_row([after], |row| row.get(0))
}

impl Pen<'_> {
    /// `Write::Hook`.
    pub(crate) fn write_hook(&mut self, write: &HookWrite) -> Result<(), Halt> {
        match write {
            HookWrite::TellAccepted {
                session,
                added,
                waiting_max,
            } => self.tell_accepted(session, *added, *waiting_max),
            HookWrite::TellWithdrawn {
                app,
                user,
                waiting_max,
            } => {
                if !self.has_accepted(*app, *user)? {
                    return Ok(());
                }
                let news = News {
                    app: *app,
                    user: *user,
                    hook: HookKind::Remove,
                    added: false,
                    session: None,
                };
                self.queue(&news, *waiting_max)
            }
            HookWrite::Later(id, due) => self
                .run(
                    "UPDATE hook_post SET attempts = attempts + 1, due_ms = ?2 WHERE id = ?1",
                    (id.0, due.0),
                )
                .map(drop),
            HookWrite::End(id) => self.run("DELETE FROM hook_post WHERE id = ?1", [id.0]).map(drop),
            HookWrite::GiveUp(moment) => {
                let expired = self.run("DELETE FROM hook_post WHERE at_ms <= ?1", [moment.0])?;
                self.count("hook_posts_expired", expired)
            }
        }
    }

    fn tell_accepted(&mut self, session: &NewSession, added: bool, waiting_max: u32) -> Result<(), Halt> {
        if self.has_accepted(session.app, session.user)? {
            return Ok(());
        }
        self.add_session(session)?;
        let news = News {
            app: session.app,
            user: session.user,
            hook: HookKind::Authorize,
            added,
            session: Some(session),
        };
        self.queue(&news, waiting_max)
    }

    fn has_accepted(&self, app: AppId, user: Uid) -> Result<bool, Halt> {
        Ok(self.find::<i64>(ACCEPTED, (user.get(), app.get()))?.is_some())
    }

    /// Queues a post; the oldest of its application leave when there are too many.
    fn queue(&self, news: &News<'_>, waiting_max: u32) -> Result<(), Halt> {
        let app = news.app.get();
        let key = news.session.map(|session| session.key.as_str());
        let expires = news.session.map(|session| session.expires.unwrap_or(0));
        let (user, hook) = (news.user.get(), news.hook.word());
        self.run(QUEUE, (app, user, hook, news.added, key, expires, self.now.0))?;
        let surplus: i64 = self.find(SURPLUS, (app, waiting_max.max(1)))?.unwrap_or(0);
        if surplus <= 0 {
            return Ok(());
        }
        let dropped = self.run(DROP_OLDEST, (app, surplus))?;
        self.count("hook_posts_dropped", dropped)
    }

    fn count(&self, name: &str, posts: usize) -> Result<(), Halt> {
        self.run(COUNT, (name, i64::try_from(posts).unwrap_or(i64::MAX)))
            .map(drop)
    }
}

#[async_trait]
impl HookQueue for SqliteStore {
    async fn next_post(&self, query: HookQuery) -> Result<NextPost, StoreFault> {
        self.readers().read(|connection| next_post(connection, &query))
    }

    async fn hook_space(&self) -> Result<HookSpace, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(SPACE)?;
            statement.query_row([], |row| {
                let count = |column: &str| {
                    row.get::<_, i64>(column)
                        .map(|count| count.max(0).cast_unsigned())
                };
                Ok(HookSpace {
                    waiting: count("waiting")?,
                    oldest: row.get::<_, Option<i64>>("oldest")?.map(WallMs),
                    dropped: count("dropped")?,
                    expired: count("expired")?,
                })
            })
        })
    }
}
