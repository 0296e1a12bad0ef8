//! What owners do with their own applications, in the console. The rules of a setting are `settings`', the same as the command line's.
//!
//! Promise: a form is taken whole or not at all, and a form that is not taken says of every value what is wrong with it.
//! Knows nothing of pages.

use super::{AccountError, Accounts, AppMakers, CHANGE_ATTEMPTS_MAX};
use crate::model::app::App;
use crate::model::user::User;
use crate::ports::store::{Conflict, StoreFault, Write};
use crier_proto::ids::{AppId, Uid};
use std::sync::Arc;

pub use super::apps::ChangedApp;
pub use super::settings::{app_settings, profile_settings, words_of};

/// Settings that are the operator's: an owner sees them and changes none of them.
const OPERATORS: [&str; 3] = ["owner", "calls_per_minute", "enabled"];

/// Why a form of settings was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormFault {
    /// Values that break rules or are taken: the key of each, and a sentence.
    #[error("{} values cannot be taken", .0.len())]
    Values(Vec<(String, String)>),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] AccountError),
}

impl FormFault {
    fn of(error: AccountError) -> Self {
        if let AccountError::Setting { key, sentence } = error {
            return Self::Values(vec![(key, sentence)]);
        }
        Self::Other(error)
    }
}

impl From<StoreFault> for FormFault {
    fn from(fault: StoreFault) -> Self {
        Self::Other(fault.into())
    }
}

impl Accounts {
    /// Whether this person may make applications in the console. Test people make none (ADR 0024).
    ///
    /// # Errors
    /// When the books fail.
    pub async fn may_make_apps(&self, user: &User) -> Result<bool, AccountError> {
        let may = match self.config.app_makers {
            AppMakers::Everyone => true,
            AppMakers::Administrators => user.admin,
        };
        Ok(may && self.developer_of(user.uid).await?.is_none())
    }

    /// How many applications a person may have and still make another in the console.
    #[must_use]
    pub fn apps_per_developer_max(&self) -> u32 {
        self.config.apps_per_developer_max
    }

    /// The application of a number, if this user owns it: a missing one and somebody else's look alike.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn own_app(&self, owner: Uid, id: AppId) -> Result<Option<Arc<App>>, AccountError> {
        Ok(self.app(id).await?.filter(|app| app.owner == owner))
    }

    /// A new application with these settings, `name` among them; all others have their defaults.
    ///
    /// # Errors
    /// `Values`; `Conflict::AppsFull`; `Invalid` for who may make none; when the books fail.
    pub async fn add_own_app(
        &self,
        owner: &User,
        settings: &[(String, String)],
    ) -> Result<Arc<App>, FormFault> {
        if !self.may_make_apps(owner).await? {
            let sentence = "on this server, administrators make the applications".to_owned();
            return Err(AccountError::Invalid(sentence).into());
        }
        let row = self.with_form(&self.blank_app(owner.uid)?, settings).await?;
        let room = Write::ExpectFewerApps {
            owner: owner.uid,
            than: self.config.apps_per_developer_max,
        };
        self.insert_app(row, false, &[room]).await.map_err(FormFault::of)
    }

    /// Changes these settings of a user's own application, all or none.
    ///
    /// # Errors
    /// `Values`; `Conflict::Missing` when it is not theirs any more; when the books fail.
    pub async fn change_own_app(
        &self,
        (owner, id): (Uid, AppId),
        settings: &[(String, String)],
    ) -> Result<ChangedApp, FormFault> {
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let older = self.own_app(owner, id).await?;
            let older = older.ok_or(AccountError::Conflict(Conflict::Missing))?;
            let mut row = self.with_form(&older, settings).await?;
            let receipt_secret = self.first_receipt_secret(&mut row);
            match self.store_app(older, row).await {
                Err(AccountError::Conflict(Conflict::Changed)) => {}
                Err(error) => return Err(FormFault::of(error)),
                Ok(app) => return Ok(ChangedApp { app, receipt_secret }),
            }
        }
        Err(AccountError::Conflict(Conflict::Changed).into())
    }

    /// A row with the settings of a form, or what is wrong with each of them.
    async fn with_form(&self, older: &App, settings: &[(String, String)]) -> Result<App, FormFault> {
        if let Some((key, _)) = settings.iter().find(|(key, _)| OPERATORS.contains(&key.as_str())) {
            let sentence = format!("{key} is the operator's to change");
            return Err(AccountError::Invalid(sentence).into());
        }
        let mut wrong = Vec::new();
        for pair in settings {
            match self.with_settings(older, std::slice::from_ref(pair)).await {
                Err(AccountError::Setting { key, sentence }) => {
                    if !wrong.iter().any(|(known, _)| *known == key) {
                        wrong.push((key, sentence));
                    }
                }
                Err(other) => return Err(other.into()),
                Ok(_) => {}
            }
        }
        if !wrong.is_empty() {
            return Err(FormFault::Values(wrong));
        }
        self.with_settings(older, settings).await.map_err(FormFault::of)
    }
}
