//! Users, their browsers' logins and the links that log in once.

use super::messages::kept_of;
use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::Columns;
use async_trait::async_trait;
use crier_platform::model::change::Fact;
use crier_platform::model::login::{Login, LoginLink, TokenDigest};
use crier_platform::model::session::SessionId;
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_platform::ports::store::{Conflict, Kept, KeptSession, PeopleQuery, StoreFault, Users};
use crier_proto::ids::{AppId, Uid};
use rusqlite::{Connection, OptionalExtension, Row};
use std::sync::Arc;

const PEOPLE: &str =
    "SELECT * FROM user WHERE name > ?1 AND instr(lower(name), lower(?2)) > 0 ORDER BY name LIMIT ?3";

fn read(row: &Row<'_>) -> rusqlite::Result<Arc<User>> {
    Ok(Arc::new(User {
        uid: row.user("uid")?,
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        admin: row.get("admin")?,
        enabled: row.get("enabled")?,
        created_at: row.wall("created_ms")?,
        time_zone: row.get("time_zone")?,
    }))
}

fn kept_sessions(connection: &Connection, uid: Uid) -> rusqlite::Result<Vec<KeptSession>> {
    let mut statement = connection
        .prepare_cached("SELECT app, expires, created_ms FROM session WHERE user = ?1 ORDER BY id")?;
    let read = |row: &Row<'_>| {
        Ok(KeptSession {
            app: row.app("app")?,
            expires: row.get("expires")?,
            created_at: row.wall("created_ms")?,
        })
    };
    statement.query_map([uid.get()], read)?.collect()
}

fn kept_windows(connection: &Connection, uid: Uid) -> rusqlite::Result<Vec<(AppId, WallMs)>> {
    let mut statement =
        connection.prepare_cached("SELECT app, last_ms FROM feed_window WHERE user = ?1 ORDER BY app")?;
    let read = |row: &Row<'_>| Ok((row.app("app")?, row.wall("last_ms")?));
    statement.query_map([uid.get()], read)?.collect()
}

/// Everything held on a person but sessions and grants, which leave facts of their own.
const ERASE: [&str; 19] = [
    "DELETE FROM login WHERE user = ?1",
    "DELETE FROM login_link WHERE user = ?1",
    "DELETE FROM auth_token WHERE user = ?1",
    "DELETE FROM \"grant\" WHERE user = ?1",
    // That they have withdrawn is told still: it is what their applications must hear.
    "DELETE FROM hook_post WHERE user = ?1 AND hook = 'authorize'",
    "DELETE FROM message WHERE user = ?1 OR sender = ?1",
    "DELETE FROM mailbox WHERE user = ?1",
    "DELETE FROM story_slot WHERE story IN (SELECT id FROM story WHERE user = ?1)",
    "DELETE FROM story WHERE user = ?1",
    "DELETE FROM tombstone WHERE user = ?1",
    "DELETE FROM feed_event WHERE user = ?1",
    "DELETE FROM feed_view WHERE user = ?1",
    "DELETE FROM feed_missed WHERE user = ?1",
    "DELETE FROM feed_preference WHERE user = ?1",
    "DELETE FROM user_app_day WHERE user = ?1",
    "DELETE FROM feed_address WHERE user = ?1",
    "DELETE FROM feed_window WHERE user = ?1",
    "DELETE FROM feed_head WHERE user = ?1",
    "DELETE FROM user WHERE uid = ?1",
];

impl Pen<'_> {
    /// `Write::AddUser`.
    pub(crate) fn add_user(&self, user: &User) -> Result<(), Halt> {
        self.refuse_if(
            Conflict::IdTaken,
            "SELECT 1 FROM user WHERE uid = ?1",
            [user.uid.get()],
        )?;
        self.refuse_taken_name(user)?;
        self.save_user(
            "INSERT INTO user (uid, name, password_hash, admin, enabled, created_ms, time_zone)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            user,
        )?;
        self.note(&Fact::User(user.uid))
    }

    /// `Write::ExpectUser`.
    pub(crate) fn expect_user(&self, user: &User) -> Result<(), Halt> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT * FROM user WHERE uid = ?1")?;
        match statement.query_row([user.uid.get()], read).optional()? {
            None => Err(Halt::Refused(Conflict::Missing)),
            Some(found) if *found == *user => Ok(()),
            Some(_) => Err(Halt::Refused(Conflict::Changed)),
        }
    }

    /// `Write::SetUser`.
    pub(crate) fn set_user(&mut self, user: &User) -> Result<(), Halt> {
        self.refuse_taken_name(user)?;
        let same_password: Option<i64> = self.find(
            "SELECT 1 FROM user WHERE uid = ?1 AND password_hash IS ?2",
            (user.uid.get(), &user.password_hash),
        )?;
        let changed = self.save_user(
            "UPDATE user SET name = ?2, password_hash = ?3, admin = ?4, enabled = ?5, created_ms = ?6, time_zone = ?7
             WHERE uid = ?1",
            user,
        )?;
        if changed == 0 {
            return Err(Halt::Refused(Conflict::Missing));
        }
        if !user.enabled {
            self.end_sessions_of(user.uid)?;
        }
        if !user.enabled || same_password.is_none() {
            self.end_logins_of(user.uid)?;
        }
        self.note(&Fact::User(user.uid))
    }

    /// `Write::EndAccess`.
    pub(crate) fn end_access(&mut self, user: Uid) -> Result<(), Halt> {
        self.require_user(user)?;
        self.end_sessions_of(user)?;
        self.end_logins_of(user)
    }

    /// Ends logins and the links that would make one: whoever changes a password shuts out whoever knew the old one.
    fn end_logins_of(&self, user: Uid) -> Result<(), Halt> {
        let logins = self.run("DELETE FROM login WHERE user = ?1", [user.get()])?;
        self.run("DELETE FROM login_link WHERE user = ?1", [user.get()])?;
        if logins > 0 {
            self.note(&Fact::LoginEnded(user))?;
        }
        Ok(())
    }

    /// `Write::EraseUser` (feed 8.6).
    pub(crate) fn erase_user(&mut self, uid: Uid) -> Result<(), Halt> {
        self.require_user(uid)?;
        self.refuse_if(
            Conflict::OwnsApps,
            "SELECT 1 FROM app WHERE owner = ?1 LIMIT 1",
            [uid.get()],
        )?;
        self.wipe()?;
        let apps = self.list("SELECT app FROM \"grant\" WHERE user = ?1", [uid.get()])?;
        for app in apps.into_iter().filter_map(AppId::new) {
            self.note(&Fact::Withdrawn(app, uid))?;
        }
        self.end_sessions_of(uid)?;
        self.uncount(uid)?;
        // Whoever gets this number next begins another record.
        self.next_record()?;
        self.erase_pictures(uid)?;
        for statement in ERASE {
            self.run(statement, [uid.get()])?;
        }
        self.note(&Fact::LoginEnded(uid))?;
        self.note(&Fact::Feed(uid))?;
        self.note(&Fact::User(uid))
    }

    fn end_sessions_of(&mut self, user: Uid) -> Result<(), Halt> {
        let sessions = self.list("SELECT id FROM session WHERE user = ?1", [user.get()])?;
        sessions
            .into_iter()
            .try_for_each(|session| self.end_session(SessionId(session)))?;
        // A bound token would buy a session after the sessions have ended.
        self.run("DELETE FROM auth_token WHERE user = ?1", [user.get()])
            .map(drop)
    }

    fn refuse_taken_name(&self, user: &User) -> Result<(), Halt> {
        self.refuse_if(
            Conflict::NameTaken,
            "SELECT 1 FROM user WHERE name = ?1 AND uid <> ?2",
            (&user.name, user.uid.get()),
        )
    }

    fn save_user(&self, sql: &str, user: &User) -> Result<usize, Halt> {
        self.run(
            sql,
            (
                user.uid.get(),
                &user.name,
                &user.password_hash,
                user.admin,
                user.enabled,
                user.created_at.0,
                &user.time_zone,
            ),
        )
    }

    /// `Write::AddLogin`.
    pub(crate) fn add_login(&self, login: &Login) -> Result<(), Halt> {
        self.require_user(login.user)?;
        self.refuse_if(
            Conflict::KeyTaken,
            "SELECT 1 FROM login WHERE token = ?1",
            [login.token.0],
        )?;
        self.run(
            "INSERT INTO login (token, user, expires_ms) VALUES (?1, ?2, ?3)",
            (login.token.0, login.user.get(), login.expires_at.0),
        )
        .map(|_| ())
    }

    /// `Write::RemoveLogin`; a login that has already ended stays ended.
    pub(crate) fn remove_login(&self, token: TokenDigest) -> Result<(), Halt> {
        let user: Option<i64> = self.find("DELETE FROM login WHERE token = ?1 RETURNING user", [token.0])?;
        match user.and_then(Uid::new) {
            Some(user) => self.note(&Fact::LoginEnded(user)),
            None => Ok(()),
        }
    }

    /// `Write::AddLoginLink`.
    pub(crate) fn add_login_link(&self, link: &LoginLink) -> Result<(), Halt> {
        self.require_user(link.user)?;
        self.refuse_if(
            Conflict::KeyTaken,
            "SELECT 1 FROM login_link WHERE token = ?1",
            [link.token.0],
        )?;
        self.run(
            "INSERT INTO login_link (token, user, expires_ms) VALUES (?1, ?2, ?3)",
            (link.token.0, link.user.get(), link.expires_at.0),
        )
        .map(|_| ())
    }

    /// `Write::UseLoginLink`.
    pub(crate) fn use_login_link(&self, token: TokenDigest) -> Result<(), Halt> {
        let used = self.run(
            "DELETE FROM login_link WHERE token = ?1 AND expires_ms > ?2",
            (token.0, self.now.0),
        )?;
        if used == 0 {
            Err(Halt::Refused(Conflict::TokenNotUsable))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl Users for SqliteStore {
    async fn user(&self, uid: Uid) -> Result<Option<Arc<User>>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM user WHERE uid = ?1")?;
            statement.query_row([uid.get()], read).optional()
        })
    }

    async fn user_by_name(&self, name: &str) -> Result<Option<Arc<User>>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM user WHERE name = ?1")?;
            statement.query_row([name], read).optional()
        })
    }

    async fn users(&self) -> Result<Vec<Arc<User>>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM user ORDER BY uid")?;
            statement.query_map([], read)?.collect()
        })
    }

    async fn people(&self, query: PeopleQuery) -> Result<Vec<Arc<User>>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(PEOPLE)?;
            let asked = (&query.after, &query.part, query.limit);
            statement.query_map(asked, read)?.collect()
        })
    }

    async fn kept_on(&self, uid: Uid) -> Result<Kept, StoreFault> {
        let walls = |connection: &Connection, sql: &str| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([uid.get()], |row| row.wall("expires_ms"))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        self.readers().read(|connection| {
            Ok(Kept {
                logins: walls(
                    connection,
                    "SELECT expires_ms FROM login WHERE user = ?1 ORDER BY 1",
                )?,
                login_links: walls(
                    connection,
                    "SELECT expires_ms FROM login_link WHERE user = ?1 ORDER BY 1",
                )?,
                sessions: kept_sessions(connection, uid)?,
                windows: kept_windows(connection, uid)?,
                messages: kept_of(connection, uid)?,
            })
        })
    }

    async fn login(&self, token: TokenDigest) -> Result<Option<Login>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM login WHERE token = ?1")?;
            let read = |row: &Row<'_>| {
                Ok(Login {
                    token: row.digest("token")?,
                    user: row.user("user")?,
                    expires_at: row.wall("expires_ms")?,
                })
            };
            statement.query_row([token.0], read).optional()
        })
    }

    async fn login_link(&self, token: TokenDigest) -> Result<Option<LoginLink>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM login_link WHERE token = ?1")?;
            let read = |row: &Row<'_>| {
                Ok(LoginLink {
                    token: row.digest("token")?,
                    user: row.user("user")?,
                    expires_at: row.wall("expires_ms")?,
                })
            };
            statement.query_row([token.0], read).optional()
        })
    }
}
