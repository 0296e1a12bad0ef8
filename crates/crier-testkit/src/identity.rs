//! The replay identity of protocol 21.2, and the makers of applications, users, grants and sessions for tests.
//!
//! Goes through the use cases of operators, as a person with the command line would.

use crier_platform::accounts::admin::{NewApp, NewSessionOrder, NewUser};
use crier_platform::accounts::{AccountError, Accounts};
use crier_platform::model::app::{AppKind, ProfileName};
use crier_proto::ids::Uid;

/// K: the application's key (protocol 1.4).
pub const API_KEY: &str = "0123456789abcdef0123456789abcdef";
/// A: the application's secret.
pub const APP_SECRET: &str = "fedcba9876543210fedcba9876543210";
/// S: the session's secret.
pub const SESSION_SECRET: &str = "00112233445566778899aabbccddeeff";
/// SK: the session's key.
pub const SESSION_KEY: &str = "acacbdbd010123237878dede-1240077";
/// The session's user.
pub const SENDER: i64 = 1_240_077;
/// The other user.
pub const RECIPIENT: i64 = 563_683_308;
/// The name under which the application is found.
pub const APP_NAME: &str = "Replay";

/// What of the identity differs between replays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Web, or desktop for the files whose name says so.
    pub kind: AppKind,
    /// `period` for the captures.
    pub profile: ProfileName,
}

/// A user of this name and uid.
#[must_use]
pub fn user(name: &str, uid: i64) -> NewUser {
    NewUser {
        name: name.to_owned(),
        uid: Uid::new(uid),
        ..NewUser::default()
    }
}

impl Identity {
    /// The application as `app add` is told it; its owner is the user of name `owner`.
    #[must_use]
    pub fn app(self) -> NewApp {
        NewApp {
            name: APP_NAME.to_owned(),
            owner: "owner".to_owned(),
            profile: self.profile,
            callback: String::new(),
            canvas: String::new(),
            kind: self.kind,
            allow_ip: String::new(),
            origins: Vec::new(),
            api_key: Some(API_KEY.to_owned()),
            secret: Some(APP_SECRET.to_owned()),
        }
    }

    /// Makes owner, users, application, acceptances and the session.
    ///
    /// # Errors
    /// Those of the use cases.
    pub async fn establish(self, accounts: &Accounts) -> Result<(), AccountError> {
        accounts.add_user(user("owner", 17)).await?;
        accounts.add_user(user("sender", SENDER)).await?;
        accounts.add_user(user("recipient", RECIPIENT)).await?;
        accounts.add_app(self.app()).await?;
        accounts.add_grant(APP_NAME, "sender", true).await?;
        accounts.add_grant(APP_NAME, "recipient", true).await?;
        add_session(accounts).await
    }
}

/// Makes the session SK.
///
/// # Errors
/// Those of the use case.
pub async fn add_session(accounts: &Accounts) -> Result<(), AccountError> {
    let order = NewSessionOrder {
        app: APP_NAME.to_owned(),
        user: "sender".to_owned(),
        ttl_secs: None,
        session_key: Some(SESSION_KEY.to_owned()),
        session_secret: Some(SESSION_SECRET.to_owned()),
    };
    accounts.add_session(order).await.map(drop)
}

/// Replaces the session SK by a fresh one, whose call order begins anew (protocol 21.2).
///
/// # Errors
/// Those of the use cases.
pub async fn renew_session(accounts: &Accounts) -> Result<(), AccountError> {
    accounts.remove_session(SESSION_KEY).await?;
    add_session(accounts).await
}
