//! Accepting an application's terms, withdrawing, and the tokens that buy sessions.

use super::login::{after, digest_of};
use super::{AccountError, Accounts};
use crate::model::app::App;
use crate::model::grant::Grant;
use crate::model::quantity::Span;
use crate::model::token::{AuthToken, TokenState};
use crate::model::user::User;
use crate::ports::store::{Conflict, Write};
use crier_proto::ids::{AppId, Uid};
use crier_proto::secret::Secret;
use std::sync::Arc;

/// How long an auth token is of use (protocol 10.1: "valid 3,600 s from creation").
const AUTH_TOKEN_LASTS: Span = Span(3_600_000);

/// An application that a person has accepted, for the settings page.
#[derive(Debug, Clone)]
pub struct AcceptedApp {
    /// The application.
    pub app: Arc<App>,
    /// The acceptance.
    pub grant: Grant,
}

/// Whether a text has the form of an auth token: 32 lower-case hexadecimal digits (protocol 1.2).
fn is_auth_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
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

    /// A new, bound auth token for the web flow (protocol 18.4).
    ///
    /// # Errors
    /// When the books fail.
    pub async fn bound_token(&self, app: &App, user: &User, lasting: bool) -> Result<Secret, AccountError> {
        let token = Secret::new(self.random_hex::<16>());
        let row = AuthToken {
            token: digest_of(token.expose()),
            app: app.id,
            state: TokenState::Bound {
                user: user.uid,
                lasting,
            },
            expires_at: after(self.ports.clock.wall(), AUTH_TOKEN_LASTS),
        };
        self.commit(vec![Write::AddAuthToken(row)]).await?;
        Ok(token)
    }

    /// Whether a desktop application's token waits for its user (protocol 18.6): known, its own, new, not expired.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn token_is_new(&self, app: &App, token: &str) -> Result<bool, AccountError> {
        if !is_auth_token(token) {
            return Ok(false);
        }
        let now = self.ports.clock.wall();
        let row = self.ports.store.auth_token(digest_of(token)).await?;
        Ok(row.is_some_and(|row| row.app == app.id && row.state == TokenState::New && row.expires_at > now))
    }

    /// Binds a desktop application's token (protocol 18.6).
    ///
    /// # Errors
    /// `Conflict::TokenNotUsable` for one that is unknown, expired, another application's or already bound.
    pub async fn bind_token(&self, app: &App, user: &User, token: &str) -> Result<(), AccountError> {
        if !is_auth_token(token) {
            return Err(AccountError::Conflict(Conflict::TokenNotUsable));
        }
        self.commit(vec![Write::BindAuthToken {
            token: digest_of(token),
            app: app.id,
            user: user.uid,
            lasting: false,
        }])
        .await?;
        Ok(())
    }

    /// The acceptance after a change, unless it has been withdrawn since.
    pub(crate) async fn present_grant(&self, app: AppId, user: Uid) -> Result<Grant, AccountError> {
        self.grant(app, user)
            .await?
            .ok_or(AccountError::Conflict(Conflict::Missing))
    }
}
