//! The ways from a person who has accepted an application to its session: tokens, typed codes, and sessions handed over whole
//! (protocol 18.4 to 18.7, 18.9).
//!
//! Promise: a session is made by the rule of protocol 10.3 whichever way it takes; at most one typed code of a user and an
//! application is open. Sends nobody anywhere.

use super::login::after;
use super::{AccountError, Accounts, ID_ATTEMPTS_MAX};
use crate::model::app::App;
use crate::model::quantity::Span;
use crate::model::session::Session;
use crate::model::token::{AuthToken, CODE_CHARS, CODE_LIFE_MS, TokenState, digest_for};
use crate::model::user::User;
use crate::ports::entropy::random_bytes;
use crate::ports::store::{Conflict, NewSession, Write};
use crate::sessions::{Lasting, new_session};
use crier_proto::ids::{AppId, SessionKey, Uid};
use crier_proto::secret::Secret;
use crier_proto::signed_set;
use std::sync::Arc;

/// How long an auth token is of use (protocol 10.1: "valid 3,600 s from creation").
const AUTH_TOKEN_LASTS: Span = Span(3_600_000);
/// What a typed code is made of (protocol 18.7).
const CODE_ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// A canvas page goes on with the user's last session while it lasts at least this many seconds.
const CANVAS_SESSION_LEFT_SECS: i64 = 3_600;

/// A session as an application's page gets it: in the address of `return_session`, in the canvas frame.
#[derive(Debug, Clone)]
pub struct PageSession {
    /// Its key.
    pub key: SessionKey,
    /// Its user.
    pub user: Uid,
    /// Unix seconds; 0 never expires.
    pub expires: i64,
    /// Its secret.
    pub secret: Secret,
}

impl PageSession {
    /// The value of the fifth cookie (protocol 19.4): the other four, signed with the application's secret.
    #[must_use]
    pub fn cookie_sig(&self, app: &App) -> String {
        let (user, expires) = (self.user.to_string(), self.expires.to_string());
        let set = [
            ("user", user.as_str()),
            ("session_key", self.key.as_str()),
            ("expires", &expires),
            ("ss", self.secret.expose()),
        ];
        signed_set::sign(&set, &app.secret)
    }

    fn of_new(session: &NewSession) -> Self {
        Self {
            key: session.key.clone(),
            user: session.user,
            expires: session.expires.unwrap_or(0),
            secret: session.secret.clone(),
        }
    }

    fn of(session: &Session) -> Self {
        Self {
            key: session.key.clone(),
            user: session.user,
            expires: session.expires.unwrap_or(0),
            secret: session.secret.clone(),
        }
    }
}

/// Whether a text has the form of an auth token: 32 lower-case hexadecimal digits (protocol 1.2).
fn is_auth_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Accounts {
    /// A new, bound auth token for the web flow (protocol 18.4).
    ///
    /// # Errors
    /// When the books fail.
    pub async fn bound_token(&self, app: &App, user: &User, lasting: bool) -> Result<Secret, AccountError> {
        let token = Secret::new(self.random_hex::<16>());
        let row = AuthToken {
            token: digest_for(app.id, token.expose()),
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
        let row = self.ports.store.auth_token(digest_for(app.id, token)).await?;
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
            token: digest_for(app.id, token),
            app: app.id,
            user: user.uid,
            lasting: false,
        }])
        .await?;
        Ok(())
    }

    /// A new code to be typed (protocol 18.7); an older one of this user for this application is void from now on.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn new_code(&self, app: &App, user: &User) -> Result<Secret, AccountError> {
        for _ in 0..ID_ATTEMPTS_MAX {
            let code = Secret::new(self.draw_code());
            let row = AuthToken {
                token: digest_for(app.id, code.expose()),
                app: app.id,
                state: TokenState::Code { user: user.uid },
                expires_at: self.ports.clock.wall().plus_ms(CODE_LIFE_MS),
            };
            match self.commit(vec![Write::AddAuthToken(row)]).await {
                Ok(_) => return Ok(code),
                Err(AccountError::Conflict(Conflict::KeyTaken)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(AccountError::Conflict(Conflict::KeyTaken))
    }

    /// A new session, handed to the application's page itself (protocol 18.5).
    ///
    /// # Errors
    /// When the books fail.
    pub async fn page_session(
        &self,
        app: &App,
        user: &User,
        lasting: bool,
    ) -> Result<PageSession, AccountError> {
        let session = self.draw_session(app, user, Lasting::kept_if(lasting));
        self.commit(vec![Write::AddSession(session.clone())]).await?;
        Ok(PageSession::of_new(&session))
    }

    /// The session that the canvas frame goes on with (protocol 18.9, 19.2): the user's last one while it has an hour left, else
    /// a new one. Nothing for somebody who has not accepted the application.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn canvas_session(&self, app: &App, user: &User) -> Result<Option<PageSession>, AccountError> {
        let Some(grant) = self.grant(app.id, user.uid).await? else {
            return Ok(None);
        };
        let until = self
            .ports
            .clock
            .wall()
            .secs()
            .saturating_add(CANVAS_SESSION_LEFT_SECS);
        let last = self.ports.store.last_session(app.id, user.uid).await?;
        if let Some(last) = last.filter(|last| last.expires.is_none_or(|expires| expires > until)) {
            return Ok(Some(PageSession::of(&last)));
        }
        self.page_session(app, user, grant.offline_access).await.map(Some)
    }

    /// The session of a user with an application that was made last, if it lives.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn last_session(&self, app: AppId, user: Uid) -> Result<Option<Arc<Session>>, AccountError> {
        let last = self.ports.store.last_session(app, user).await?;
        Ok(last.filter(|last| !last.has_expired(self.ports.clock.wall())))
    }

    /// A session that is not in the books yet.
    pub(super) fn draw_session(&self, app: &App, user: &User, lasting: Lasting) -> NewSession {
        let entropy = &*self.ports.entropy;
        let chance = (random_bytes(entropy), random_bytes(entropy));
        new_session(app, user.uid, lasting, (self.ports.clock.wall(), chance))
    }

    /// Five characters, each as likely as any other.
    fn draw_code(&self) -> String {
        let mut number = u128::from_le_bytes(random_bytes(&*self.ports.entropy));
        let letters = CODE_ALPHABET.len() as u128;
        (0..CODE_CHARS)
            .map(|_| {
                let place = usize::try_from(number % letters).unwrap_or_default();
                number /= letters;
                char::from(CODE_ALPHABET[place])
            })
            .collect()
    }
}
