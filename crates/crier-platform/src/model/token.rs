//! Auth tokens and typed codes: from the login page to `auth.getSession` (protocol 10.1, 18.7).

use super::login::TokenDigest;
use super::time::WallMs;
use crier_proto::digest::sha256;
use crier_proto::ids::{AppId, Uid};

/// Characters of a typed code (protocol 18.7).
pub const CODE_CHARS: usize = 5;
/// How long a typed code is of use, in milliseconds (protocol 18.7: "valid 600 s").
pub const CODE_LIFE_MS: i64 = 600_000;

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
    /// A typed code of a user; each user has at most one for an application. The session that it buys never expires.
    Code {
        /// That user.
        user: Uid,
    },
    /// A session has been made of it.
    Used,
}

/// What is kept in place of a token. A typed code is short enough to be drawn twice at a time, so its application belongs to it.
#[must_use]
pub fn digest_for(app: AppId, text: &str) -> TokenDigest {
    TokenDigest(if text.len() == CODE_CHARS {
        sha256(&[&app.get().to_be_bytes(), text.as_bytes()])
    } else {
        sha256(&[text.as_bytes()])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_another_one_for_each_application_and_a_token_is_not() {
        let [one, two] = [1, 2].map(|number| AppId::new(number).unwrap());
        assert_ne!(digest_for(one, "0A9ZZ"), digest_for(two, "0A9ZZ"));
        let token = "0123456789abcdef0123456789abcdef";
        assert_eq!(digest_for(one, token), digest_for(two, token));
    }
}
