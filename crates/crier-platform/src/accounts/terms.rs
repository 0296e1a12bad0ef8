//! Accepting an application's terms, and withdrawing.

use super::{AccountError, Accounts};
use crate::model::app::App;
use crate::model::grant::Grant;
use crate::model::user::User;
use crate::ports::store::{Conflict, Write};
use crier_proto::ids::{AppId, Uid};
use std::sync::Arc;

/// What a person agrees to when they accept an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Assent {
    /// They add it too (protocol 18.8).
    pub added: bool,
    /// Its sessions of them may last for ever from now on (`offline_access`, protocol 10.3).
    pub offline_access: bool,
    /// They have ticked "keep me logged in": the session that the hook is told of lasts for ever.
    pub lasting: bool,
}

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

    /// Records that a user accepts an application; an older acceptance keeps its switches. The application's hook hears of a
    /// new one (protocol 19.6).
    ///
    /// # Errors
    /// `Conflict::Missing` when it is withdrawn at the same moment; when the books fail.
    pub async fn accept_terms(&self, app: &App, user: &User, assent: Assent) -> Result<Grant, AccountError> {
        let told = self.authorize_hook(app, user, assent);
        let is_told = told.is_some();
        let (app, user) = (app.id, user.uid);
        let mut writes: Vec<Write> = told.into_iter().collect();
        writes.push(Write::AcceptTerms {
            app,
            user,
            added: assent.added,
        });
        if assent.offline_access {
            writes.push(Write::PermitOfflineAccess { app, user });
        }
        self.commit(writes).await?;
        if is_told {
            self.ports.posting.knock();
        }
        self.present_grant(app, user).await
    }

    /// Withdraws a user from an application: sessions end, delivery stops, the application's hook hears of it (protocol 19.6).
    ///
    /// # Errors
    /// `Conflict::Missing` when the user has not accepted the application; when the books fail.
    pub async fn withdraw(&self, app: AppId, user: Uid) -> Result<(), AccountError> {
        if self.grant(app, user).await?.is_none() {
            return Err(AccountError::Conflict(Conflict::Missing));
        }
        let told = self.remove_hook(app, user).await?;
        let is_told = told.is_some();
        let mut writes: Vec<Write> = told.into_iter().collect();
        writes.push(Write::RemoveGrant { app, user });
        self.commit(writes).await?;
        if is_told {
            self.ports.posting.knock();
        }
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
