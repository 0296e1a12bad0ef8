//! What an operator does: users, applications, grants, sessions (operating section 3).

use super::{AccountError, Accounts};
use crate::model::app::{App, AppKind, ProfileName};
use crate::model::grant::Grant;
use crate::model::session::Session;
use crate::model::time::WallMs;
use crate::model::user::User;
use crier_proto::ids::Uid;
use crier_proto::secret::Secret;
use std::sync::Arc;

/// What `user add` is told.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// The name.
    pub name: String,
    /// A given uid; random when absent.
    pub uid: Option<Uid>,
    /// The password, if any.
    pub password: Option<String>,
    /// Whether they administer the server.
    pub admin: bool,
}

/// What `user set` changes; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// A new password.
    pub password: Option<String>,
    /// Enable or disable.
    pub enabled: Option<bool>,
    /// Administrator or not.
    pub admin: Option<bool>,
}

/// What `app add` is told.
#[derive(Debug, Clone)]
pub struct NewApp {
    /// The name.
    pub name: String,
    /// Uid or name of the owner.
    pub owner: String,
    /// The profile.
    pub profile: ProfileName,
    /// Callback URL, or empty.
    pub callback: String,
    /// Canvas name, or empty.
    pub canvas: String,
    /// Web or desktop.
    pub kind: AppKind,
    /// `allow_ip` as written, comma-separated.
    pub allow_ip: String,
    /// Origins as written.
    pub origins: Vec<String>,
    /// A given api key, for replaying recorded calls.
    pub api_key: Option<String>,
    /// A given secret: 16 to 64 printable ASCII characters (protocol 21.1).
    pub secret: Option<String>,
}

/// What `session add` is told.
#[derive(Debug, Clone)]
pub struct NewSessionOrder {
    /// Application id, api key or name.
    pub app: String,
    /// Uid or name.
    pub user: String,
    /// Seconds; `None` never expires.
    pub ttl_secs: Option<i64>,
    /// A given session key.
    pub session_key: Option<String>,
    /// A given session secret.
    pub session_secret: Option<String>,
}

impl Accounts {
    /// `USER` of the command line: a uid or a name.
    pub async fn find_user(&self, user: &str) -> Result<Arc<User>, AccountError> {
        let _ = user;
        todo!()
    }
    /// `APP` of the command line: an application id, an api key or a name.
    pub async fn find_app(&self, app: &str) -> Result<Arc<App>, AccountError> {
        let _ = app;
        todo!()
    }
    /// All users, by uid.
    pub async fn users(&self) -> Result<Vec<Arc<User>>, AccountError> {
        todo!()
    }
    /// All applications, by id.
    pub async fn apps(&self) -> Result<Vec<Arc<App>>, AccountError> {
        todo!()
    }
    /// `user add`.
    pub async fn add_user(&self, user: NewUser) -> Result<Arc<User>, AccountError> {
        let _ = user;
        todo!()
    }
    /// `user set`.
    pub async fn set_user(&self, user: &str, change: UserChange) -> Result<Arc<User>, AccountError> {
        let _ = (user, change);
        todo!()
    }
    /// `user erase`.
    pub async fn erase_user(&self, user: &str) -> Result<Arc<User>, AccountError> {
        let _ = user;
        todo!()
    }
    /// `user export`: one JSON object a line, everything held on a person.
    pub async fn export_user(&self, user: &str) -> Result<Vec<String>, AccountError> {
        let _ = user;
        todo!()
    }
    /// `app add`.
    pub async fn add_app(&self, app: NewApp) -> Result<Arc<App>, AccountError> {
        let _ = app;
        todo!()
    }
    /// `app set APP KEY=VALUE…`: all or none; an unknown key or value is one sentence naming it and what is possible.
    pub async fn set_app(&self, app: &str, settings: &[(String, String)]) -> Result<Arc<App>, AccountError> {
        let _ = (app, settings);
        todo!()
    }
    /// `app rotate-secret`: the new secret, and until when the previous one signs too.
    pub async fn rotate_secret(&self, app: &str) -> Result<(Secret, WallMs), AccountError> {
        let _ = app;
        todo!()
    }
    /// `app enable` and `app disable`.
    pub async fn enable_app(&self, app: &str, enabled: bool) -> Result<Arc<App>, AccountError> {
        let _ = (app, enabled);
        todo!()
    }
    /// `grant add`.
    pub async fn add_grant(&self, app: &str, user: &str, feed: bool) -> Result<Grant, AccountError> {
        let _ = (app, user, feed);
        todo!()
    }
    /// `grant remove`.
    pub async fn remove_grant(&self, app: &str, user: &str) -> Result<Grant, AccountError> {
        let _ = (app, user);
        todo!()
    }
    /// `session add`.
    pub async fn add_session(&self, order: NewSessionOrder) -> Result<Session, AccountError> {
        let _ = order;
        todo!()
    }
    /// `session remove`.
    pub async fn remove_session(&self, session_key: &str) -> Result<(), AccountError> {
        let _ = session_key;
        todo!()
    }
}

/// An application's settings as `app show` prints and `app set` takes them: key and value, in the order of protocol section 17.
#[must_use]
pub fn app_settings(app: &App) -> Vec<(&'static str, String)> {
    let _ = app;
    todo!()
}
