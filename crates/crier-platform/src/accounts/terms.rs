//! Accepting an application's terms, withdrawing, and the tokens that buy sessions.

use super::{AccountError, Accounts};
use crate::model::app::App;
use crate::model::grant::Grant;
use crate::model::user::User;
use crier_proto::ids::{AppId, Uid};
use crier_proto::secret::Secret;
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
    pub async fn grant(&self, app: AppId, user: Uid) -> Result<Option<Grant>, AccountError> {
        let _ = (app, user);
        todo!()
    }
    /// Records that a user accepts an application; an older acceptance keeps its switches.
    pub async fn accept_terms(&self, app: &App, user: &User, added: bool) -> Result<Grant, AccountError> {
        let _ = (app, user, added);
        todo!()
    }
    /// Withdraws a user from an application: sessions end, delivery stops.
    pub async fn withdraw(&self, app: AppId, user: Uid) -> Result<(), AccountError> {
        let _ = (app, user);
        todo!()
    }
    /// Turns an application's stories on or off for a user.
    pub async fn switch_stories(&self, app: AppId, user: Uid, feed: bool) -> Result<Grant, AccountError> {
        let _ = (app, user, feed);
        todo!()
    }
    /// What a user has accepted, newest first.
    pub async fn accepted_apps(&self, user: Uid) -> Result<Vec<AcceptedApp>, AccountError> {
        let _ = user;
        todo!()
    }
    /// A new, bound auth token for the web flow (protocol 18.4).
    pub async fn bound_token(&self, app: &App, user: &User, lasting: bool) -> Result<Secret, AccountError> {
        let _ = (app, user, lasting);
        todo!()
    }
    /// Binds a desktop application's token (protocol 18.6).
    pub async fn bind_token(&self, app: &App, user: &User, token: &str) -> Result<(), AccountError> {
        let _ = (app, user, token);
        todo!()
    }
}
