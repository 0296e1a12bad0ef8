//! A browser's login at the site, and the links that log in once.

use super::time::WallMs;
use crier_proto::ids::Uid;

/// SHA-256 of a secret token: what is stored in place of the token itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenDigest(pub [u8; 32]);

/// A browser's login; its cookie holds the token, the store only the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// Digest of the cookie's token.
    pub token: TokenDigest,
    /// Who is logged in.
    pub user: Uid,
    /// When it ends.
    pub expires_at: WallMs,
}

/// A link that logs a person in once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginLink {
    /// Digest of the link's token.
    pub token: TokenDigest,
    /// Whom it logs in.
    pub user: Uid,
    /// When it is of no more use.
    pub expires_at: WallMs,
}
