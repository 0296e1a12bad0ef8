//! The people of an application as its owner may see them: what the protocol tells an application anyway, and no more.
//!
//! Promise: names are told of the owner and their test people alone; everybody else is a number (protocol 18, 19.2). Only sessions of the
//! owner and their test people can be ended here.

use super::{AccountError, Accounts};
use crate::model::app::App;
use crate::model::grant::Grant;
use crate::model::session::{Session, SessionId};
use crate::model::time::WallMs;
use crate::model::user::User;
use crier_proto::ids::Uid;
use std::sync::Arc;

/// People on one page.
pub const PEOPLE_PAGE_MAX: u32 = 50;

/// One page of an application's people.
#[derive(Debug, Clone)]
pub struct AppPeople {
    /// Their acceptances, the newest first.
    pub people: Vec<Grant>,
    /// Behind which acceptance the next page begins, if there is one.
    pub next: Option<(WallMs, Uid)>,
}

/// A person whose sessions an owner may end.
#[derive(Debug, Clone)]
pub struct OwnPerson {
    /// The owner, or one of their test people.
    pub user: Arc<User>,
    /// Living sessions with the application, the newest first.
    pub sessions: Vec<Session>,
}

impl Accounts {
    /// One page of the people who have accepted an application, behind this acceptance.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn app_people(
        &self,
        app: &App,
        behind: Option<(WallMs, Uid)>,
    ) -> Result<AppPeople, AccountError> {
        let limit = PEOPLE_PAGE_MAX.saturating_add(1);
        let mut people = self.ports.store.people_of(app.id, behind, limit).await?;
        let most = usize::try_from(PEOPLE_PAGE_MAX).unwrap_or(usize::MAX);
        let more = people.len() > most;
        people.truncate(most);
        let last = people.last().map(|grant| (grant.granted_at, grant.user));
        Ok(AppPeople {
            people,
            next: last.filter(|_| more),
        })
    }

    /// The owner and their test people, with their living sessions with this application; who has none is left out.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn own_people(&self, app: &App) -> Result<Vec<OwnPerson>, AccountError> {
        let now = self.ports.clock.wall();
        let mode = self.ports.store.test_mode(app.owner).await?;
        let mut own = Vec::new();
        for uid in std::iter::once(app.owner).chain(mode.people) {
            let mut sessions = self.ports.store.sessions_of(app.id, uid).await?;
            sessions.retain(|session| !session.has_expired(now));
            if let Some(user) = self.user(uid).await?.filter(|_| !sessions.is_empty()) {
                own.push(OwnPerson { user, sessions });
            }
        }
        Ok(own)
    }

    /// Ends one of those sessions; `false` when it is none of them, or not any more.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn end_own_persons_session(&self, app: &App, session: SessionId) -> Result<bool, AccountError> {
        let own = self.own_people(app).await?;
        let mut sessions = own.iter().flat_map(|person| &person.sessions);
        let Some(found) = sessions.find(|own| own.id == session) else {
            return Ok(false);
        };
        match self.remove_session(found.key.as_str()).await {
            Ok(()) => Ok(true),
            Err(AccountError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
