//! What administrators ask and do beside what the command line has always done: finding people and applications among many,
//! and ending every way in at once.

use super::{AccountError, Accounts};
use crate::model::app::App;
use crate::model::user::User;
use crate::ports::ledger::QuotaScope;
use crate::ports::store::{Kept, PeopleQuery, Write};
use crier_proto::ids::{AppId, Uid};
use std::sync::Arc;

impl Accounts {
    /// Up to `limit` people with this in their name, by name and behind `after`; the one of a uid, if it is one.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn search_people(
        &self,
        search: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Arc<User>>, AccountError> {
        if let Ok(uid) = search.parse::<Uid>() {
            return Ok(self.ports.store.user(uid).await?.into_iter().collect());
        }
        let query = PeopleQuery {
            part: search.to_owned(),
            after: after.to_owned(),
            limit,
        };
        Ok(self.ports.store.people(query).await?)
    }

    /// Up to `limit` applications with this in their name, by number and behind `after`; the one of a number or an api key, if it
    /// is one.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn search_apps(
        &self,
        search: &str,
        after: Option<AppId>,
        limit: usize,
    ) -> Result<Vec<Arc<App>>, AccountError> {
        let part = search.to_ascii_lowercase();
        let is_it = |app: &App| app.api_key.as_str() == part || app.id.to_string() == part;
        let mut apps = self.apps().await?;
        apps.retain(|app| {
            (is_it(app) || app.name.to_ascii_lowercase().contains(&part))
                && after.is_none_or(|after| app.id.get() > after.get())
        });
        apps.truncate(limit);
        Ok(apps)
    }

    /// Calls that an application's own quota has counted in its open window of 60 s (protocol 11.2).
    #[must_use]
    pub fn calls_in_window(&self, app: AppId) -> u32 {
        self.ports.ledger.spent(QuotaScope::App(app))
    }

    /// What else is kept on a person.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn kept_on(&self, user: Uid) -> Result<Kept, AccountError> {
        Ok(self.ports.store.kept_on(user).await?)
    }

    /// `user end-access`: ends every way in that a person has, in all browsers and applications. They may log in again.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn end_access(&self, user: &str) -> Result<Arc<User>, AccountError> {
        let user = self.find_user(user).await?;
        self.commit(vec![Write::EndAccess(user.uid)]).await?;
        Ok(user)
    }
}
