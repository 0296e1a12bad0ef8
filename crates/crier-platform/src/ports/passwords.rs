//! Password hashing: few at once, off the async threads.

use async_trait::async_trait;

/// Hashing did not happen; the person is told to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("password hashing is not available")]
pub struct PasswordFault;

/// Password hashing.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// Hash of `password` in PHC form, with a fresh salt.
    async fn hash(&self, password: String) -> Result<String, PasswordFault>;

    /// Whether `password` is the one behind `hash`. With `None` as long as with a hash, and false: a name's existence is not told by time.
    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordFault>;
}
