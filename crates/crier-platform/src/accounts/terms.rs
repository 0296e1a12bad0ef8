//! Accepting an application's terms, and withdrawing.

use super::{AccountError, Accounts};
use crate::model::app::App;
use crate::model::grant::Grant;
use crate::model::user::User;
use crate::ports::store::{Conflict, Write};
use crier_proto::ids::{AppId, Uid};
use std::sync::Arc;

/// An application that a person has accepted, for the settings page.
#[derive(Debug, Clone)]
pub struct AcceptedApp {
    /// The application.
    pub app: Arc<App>,
    /// The acceptance.
    pub grant: Grant,
}

impl Accounts {
    /// Whether and how a user has accepted an application.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn grant(&self, app: AppId, user: Uid) -> Result<Option<Grant>, AccountError> {
        Ok(self.ports.store.grant(app, user).await?)
    }

    /// Records that a user accepts an application; an older acceptance keeps its switches.
    ///
    /// # Errors
    /// `Conflict::Missing` when it is withdrawn at the same moment; when the books fail.
    pub async fn accept_terms(&self, app: &App, user: &User, added: bool) -> Result<Grant, AccountError> {
        let (app, user) = (app.id, user.uid);
        self.commit(vec![Write::AcceptTerms { app, user, added }]).await?;
        self.present_grant(app, user).await
    }

    /// Records that a user's sessions with an application may last for ever (`offline_access`, protocol 10.3).
    ///
    /// # Errors
    /// `Conflict::Missing` when the user has not accepted the application; when the books fail.
    pub async fn permit_offline_access(&self, app: AppId, user: Uid) -> Result<Grant, AccountError> {
        self.commit(vec![Write::PermitOfflineAccess { app, user }])
            .await?;
        self.present_grant(app, user).await
    }

    /// Withdraws a user from an application: sessions end, delivery stops.
    ///
    /// # Errors
    /// `Conflict::Missing` when the user has not accepted the application; when the books fail.
    pub async fn withdraw(&self, app: AppId, user: Uid) -> Result<(), AccountError> {
        if self.grant(app, user).await?.is_none() {
            return Err(AccountError::Conflict(Conflict::Missing));
        }
        self.commit(vec![Write::RemoveGrant { app, user }]).await?;
        self.tell_withdrawn(app, user).await;
        Ok(())
    }

    /// Turns an application's stories on or off for a user.
    ///
    /// # Errors
    /// `Conflict::Missing` when the user has not accepted the application; when the books fail.
    pub async fn switch_stories(&self, app: AppId, user: Uid, feed: bool) -> Result<Grant, AccountError> {
        self.commit(vec![Write::SwitchStories { app, user, feed }])
            .await?;
        self.present_grant(app, user).await
    }

    /// What a user has accepted, newest first.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn accepted_apps(&self, user: Uid) -> Result<Vec<AcceptedApp>, AccountError> {
        let mut accepted = Vec::new();
        for grant in self.ports.store.grants_of(user).await? {
            if let Some(app) = self.ports.store.app(grant.app).await? {
                accepted.push(AcceptedApp { app, grant });
            }
        }
        Ok(accepted)
    }

    /// The acceptance after a change, unless it has been withdrawn since.
    pub(crate) async fn present_grant(&self, app: AppId, user: Uid) -> Result<Grant, AccountError> {
        self.grant(app, user)
            .await?
            .ok_or(AccountError::Conflict(Conflict::Missing))
    }
}
