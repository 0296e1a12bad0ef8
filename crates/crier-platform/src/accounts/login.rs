//! Logging in and out of the site.

use super::{AccountError, Accounts};
use crate::model::time::WallMs;
use crate::model::user::User;
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

impl Accounts {
    /// Name (or uid) and password; `None` when they do not fit, with no hint which.
    pub async fn log_in(&self, name: &str, password: &str) -> Result<Option<NewLogin>, AccountError> {
        let _ = (name, password);
        todo!()
    }
    /// The user behind a cookie's token, if the login lives and the user is enabled.
    pub async fn logged_in(&self, token: &str) -> Result<Option<Arc<User>>, AccountError> {
        let _ = token;
        todo!()
    }
    /// Ends a login.
    pub async fn log_out(&self, token: &str) -> Result<(), AccountError> {
        let _ = token;
        todo!()
    }
    /// A link's token that logs a user in once.
    pub async fn add_login_link(&self, user: &str) -> Result<Secret, AccountError> {
        let _ = user;
        todo!()
    }
    /// Uses such a token up.
    pub async fn use_login_link(&self, token: &str) -> Result<Option<NewLogin>, AccountError> {
        let _ = token;
        todo!()
    }
}
