//! A person's account.

use super::time::WallMs;
use crier_proto::ids::Uid;

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their number.
    pub uid: Uid,
    /// Their name, unique without regard to ASCII case; never all digits, so that a uid and a name cannot be confused.
    pub name: String,
    /// Hash of the password in PHC form; without one nobody logs in by name.
    pub password_hash: Option<String>,
    /// Whether they may administer the server.
    pub admin: bool,
    /// A disabled user's sessions and logins have ended.
    pub enabled: bool,
    /// When the account was made.
    pub created_at: WallMs,
    /// Time zone for display, an IANA name.
    pub time_zone: String,
}
