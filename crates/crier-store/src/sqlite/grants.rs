//! Users' acceptances of applications.

use super::events::Decision;
use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::Columns;
use async_trait::async_trait;
use crier_platform::model::change::Fact;
use crier_platform::model::grant::Grant;
use crier_platform::model::session::SessionId;
use crier_platform::ports::store::{Conflict, Grants, StoreFault};
use crier_proto::ids::{AppId, Uid};
use rusqlite::{OptionalExtension, Row};

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Grant> {
    Ok(Grant {
        app: row.app("app")?,
        user: row.user("user")?,
        feed: row.get("feed")?,
        added: row.get("added")?,
        offline_access: row.get("offline_access")?,
        granted_at: row.wall("granted_ms")?,
    })
}

impl Pen<'_> {
    /// `Write::SetGrant`.
    pub(crate) fn set_grant(&self, grant: &Grant) -> Result<(), Halt> {
        self.require_user(grant.user)?;
        self.refuse_erased(grant.app)?;
        self.refuse_strangers(grant.app, grant.user)?;
        let before = self.stories_wanted(grant.app, grant.user)?;
        self.run(
            "INSERT INTO \"grant\" (user, app, feed, added, offline_access, granted_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (user, app) DO UPDATE SET feed = ?3, added = ?4, offline_access = ?5, granted_ms = ?6",
            (
                grant.user.get(),
                grant.app.get(),
                grant.feed,
                grant.added,
                grant.offline_access,
                grant.granted_at.0,
            ),
        )?;
        if before.is_none() {
            self.record_decision(grant.app, grant.user, Decision::Granted)?;
        }
        // An acceptance begins with its stories on.
        if before.unwrap_or(true) != grant.feed {
            self.record_decision(grant.app, grant.user, Decision::Switched(grant.feed))?;
        }
        self.note(&Fact::Granted(grant.app, grant.user))
    }

    /// Whether an application's stories are wanted; `None`: it is not accepted.
    fn stories_wanted(&self, app: AppId, user: Uid) -> Result<Option<bool>, Halt> {
        self.find(
            "SELECT feed FROM \"grant\" WHERE user = ?1 AND app = ?2",
            (user.get(), app.get()),
        )
    }

    /// `Write::AcceptTerms`.
    pub(crate) fn accept_terms(&self, app: AppId, user: Uid, added: bool) -> Result<(), Halt> {
        self.require_user(user)?;
        self.refuse_erased(app)?;
        self.refuse_strangers(app, user)?;
        let before = self.stories_wanted(app, user)?;
        let changed = self.run(
            "INSERT INTO \"grant\" (user, app, feed, added, offline_access, granted_ms) VALUES (?1, ?2, 1, ?3, 0, ?4)
             ON CONFLICT (user, app) DO UPDATE SET added = 1 WHERE ?3 AND NOT added",
            (user.get(), app.get(), added, self.now.0),
        )?;
        if changed == 0 {
            return Ok(());
        }
        if before.is_none() {
            self.record_decision(app, user, Decision::Granted)?;
        }
        self.note(&Fact::Granted(app, user))
    }

    /// `Write::SwitchStories`.
    pub(crate) fn switch_stories(&self, app: AppId, user: Uid, feed: bool) -> Result<(), Halt> {
        let before = self.stories_wanted(app, user)?;
        if before == Some(!feed) {
            self.record_decision(app, user, Decision::Switched(feed))?;
        }
        let changed = self.run(
            "UPDATE \"grant\" SET feed = ?3 WHERE user = ?1 AND app = ?2",
            (user.get(), app.get(), feed),
        )?;
        self.note_moved(changed, app, user)
    }

    /// `Write::PermitOfflineAccess`.
    pub(crate) fn permit_offline_access(&self, app: AppId, user: Uid) -> Result<(), Halt> {
        let changed = self.run(
            "UPDATE \"grant\" SET offline_access = 1 WHERE user = ?1 AND app = ?2",
            (user.get(), app.get()),
        )?;
        self.note_moved(changed, app, user)
    }

    /// A switch that has moved leaves its fact; where there is no acceptance, none is made.
    fn note_moved(&self, changed: usize, app: AppId, user: Uid) -> Result<(), Halt> {
        if changed == 0 {
            return Err(Halt::Refused(Conflict::Missing));
        }
        self.note(&Fact::Granted(app, user))
    }

    /// `Write::RemoveGrant`. Sessions made by the operator end too, accepted or not; so do tokens that would buy one.
    pub(crate) fn remove_grant(&mut self, app: AppId, user: Uid) -> Result<(), Halt> {
        let withdrawn = self.run(
            "DELETE FROM \"grant\" WHERE user = ?1 AND app = ?2",
            (user.get(), app.get()),
        )?;
        if withdrawn > 0 {
            self.record_decision(app, user, Decision::Withdrawn)?;
        }
        self.run(
            "DELETE FROM auth_token WHERE user = ?1 AND app = ?2",
            (user.get(), app.get()),
        )?;
        self.empty_mailboxes(app, user)?;
        // First: whoever follows the facts ends the connections with the withdrawal's own word, before the sessions' (live 3.14).
        self.note(&Fact::Withdrawn(app, user))?;
        let sessions = self.list(
            "SELECT id FROM session WHERE user = ?1 AND app = ?2",
            (user.get(), app.get()),
        )?;
        sessions
            .into_iter()
            .try_for_each(|session| self.end_session(SessionId(session)))
    }
}

#[async_trait]
impl Grants for SqliteStore {
    async fn grant(&self, app: AppId, user: Uid) -> Result<Option<Grant>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM \"grant\" WHERE user = ?1 AND app = ?2")?;
            statement.query_row((user.get(), app.get()), read).optional()
        })
    }

    async fn grants_of(&self, user: Uid) -> Result<Vec<Grant>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM \"grant\" WHERE user = ?1 ORDER BY granted_ms DESC, app DESC",
            )?;
            statement.query_map([user.get()], read)?.collect()
        })
    }
}
