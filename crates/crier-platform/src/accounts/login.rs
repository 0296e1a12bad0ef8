//! Logging in and out of the site.
//!
//! The store keeps digests of tokens alone, so a stolen database logs nobody in.

use super::{AccountError, Accounts};
use crate::model::login::{Login, LoginLink, TokenDigest};
use crate::model::quantity::Span;
use crate::model::time::WallMs;
use crate::model::user::User;
use crate::ports::store::{Conflict, Write};
use crier_proto::digest::sha256;
use crier_proto::secret::Secret;
use std::sync::Arc;

/// A login that was just made: the cookie's token is shown here and never again.
#[derive(Debug, Clone)]
pub struct NewLogin {
    /// The cookie's token.
    pub token: Secret,
    /// Who is logged in.
    pub user: Arc<User>,
    /// When it ends.
    pub expires_at: WallMs,
}

/// What is kept in place of a token.
pub(crate) fn digest_of(token: &str) -> TokenDigest {
    TokenDigest(sha256(&[token.as_bytes()]))
}

/// The form of a login token and of a link's token: 64 hexadecimal digits. Anything else is not looked up.
fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The moment a span later.
pub(crate) fn after(now: WallMs, span: Span) -> WallMs {
    WallMs(now.0.saturating_add_unsigned(span.0))
}

impl Accounts {
    /// Name (or uid) and password; `None` when they do not fit, with no hint which.
    ///
    /// # Errors
    /// When the books or the hashing fail.
    pub async fn log_in(&self, name: &str, password: &str) -> Result<Option<NewLogin>, AccountError> {
        let user = self.lookup_user(name).await?.filter(|user| user.enabled);
        let within = password.len() <= self.config.password_bytes_max;
        let tried = if within { password } else { "" };
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        // Hashed also for a name that does not exist: its existence is not told by time.
        let fits = self.ports.passwords.verify(tried.to_owned(), hash).await?;
        match user {
            Some(user) if fits && within => self.log_in_unchanged(user).await,
            Some(_) | None => Ok(None),
        }
    }

    /// The user behind a cookie's token, if the login lives and the user is enabled.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn logged_in(&self, token: &str) -> Result<Option<Arc<User>>, AccountError> {
        if !is_token(token) {
            return Ok(None);
        }
        let now = self.ports.clock.wall();
        let login = self.ports.store.login(digest_of(token)).await?;
        let Some(login) = login.filter(|login| login.expires_at > now) else {
            return Ok(None);
        };
        let user = self.ports.store.user(login.user).await?;
        Ok(user.filter(|user| user.enabled))
    }

    /// Ends a login; one that does not exist has ended already.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn log_out(&self, token: &str) -> Result<(), AccountError> {
        if !is_token(token) {
            return Ok(());
        }
        match self.commit(vec![Write::RemoveLogin(digest_of(token))]).await {
            Ok(_) | Err(AccountError::Conflict(Conflict::Missing)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A link's token that logs a user in once.
    ///
    /// # Errors
    /// `NotFound` for an unknown user; when the books fail.
    pub async fn add_login_link(&self, user: &str) -> Result<Secret, AccountError> {
        let user = self.find_user(user).await?;
        let token = Secret::new(self.random_hex::<32>());
        let link = LoginLink {
            token: digest_of(token.expose()),
            user: user.uid,
            expires_at: after(self.ports.clock.wall(), self.config.login_link_lasts),
        };
        self.commit(vec![Write::AddLoginLink(link)]).await?;
        Ok(token)
    }

    /// Whom such a token would log in, without using it up: for the page that asks before it does.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn login_link_user(&self, token: &str) -> Result<Option<Arc<User>>, AccountError> {
        if !is_token(token) {
            return Ok(None);
        }
        let now = self.ports.clock.wall();
        let link = self.ports.store.login_link(digest_of(token)).await?;
        let Some(link) = link.filter(|link| link.expires_at > now) else {
            return Ok(None);
        };
        let user = self.ports.store.user(link.user).await?;
        Ok(user.filter(|user| user.enabled))
    }

    /// Uses such a token up; `None` when it is of no use any more.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn use_login_link(&self, token: &str) -> Result<Option<NewLogin>, AccountError> {
        let Some(user) = self.login_link_user(token).await? else {
            return Ok(None);
        };
        match self
            .new_login(user, vec![Write::UseLoginLink(digest_of(token))])
            .await
        {
            Ok(login) => Ok(Some(login)),
            Err(AccountError::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A login for whom the password was just checked; a password that changes at that moment fits no more.
    async fn log_in_unchanged(&self, user: Arc<User>) -> Result<Option<NewLogin>, AccountError> {
        let unchanged = Write::ExpectUser(Arc::clone(&user));
        match self.new_login(user, vec![unchanged]).await {
            Ok(login) => Ok(Some(login)),
            Err(AccountError::Conflict(Conflict::Changed | Conflict::Missing)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a login in one unit with the writes that pay for it.
    async fn new_login(&self, user: Arc<User>, mut writes: Vec<Write>) -> Result<NewLogin, AccountError> {
        let token = Secret::new(self.random_hex::<32>());
        let expires_at = after(self.ports.clock.wall(), self.config.login_lasts);
        writes.push(Write::AddLogin(Login {
            token: digest_of(token.expose()),
            user: user.uid,
            expires_at,
        }));
        self.commit(writes).await?;
        Ok(NewLogin {
            token,
            user,
            expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_lower_case_hexadecimal_digits_are_looked_up() {
        assert!(is_token(&"0a".repeat(32)));
        for bad in [
            String::new(),
            "0A".repeat(32),
            "0a".repeat(31),
            "0a".repeat(33),
            "g0".repeat(32),
        ] {
            assert!(!is_token(&bad), "{bad}");
        }
    }
}
