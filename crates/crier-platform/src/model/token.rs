//! Auth tokens: from the login page to `auth.getSession` (protocol 10.1, 18.7).

use super::login::TokenDigest;
use super::time::WallMs;
use crier_proto::ids::{AppId, Uid};

/// An auth token, or a typed code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthToken {
    /// Digest of the token (of application and code, for a typed code).
    pub token: TokenDigest,
    /// Whose token it is.
    pub app: AppId,
    /// New, bound or used.
    pub state: TokenState,
    /// When it is of no more use.
    pub expires_at: WallMs,
}

/// The states of an auth token (protocol 10.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// Nobody has logged in with it yet.
    New,
    /// A user has logged in and accepted.
    Bound {
        /// That user.
        user: Uid,
        /// Whether the session that it buys never expires.
        lasting: bool,
    },
    /// A session has been made of it.
    Used,
}
