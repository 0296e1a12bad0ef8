//! Secrets as a type: redacted when printed, without `==`, compared in constant time.
//!
//! Knows nothing of where secrets come from; sealing them at rest is the store's.

use std::fmt;
use subtle::ConstantTimeEq;

/// A secret text: application secret, session secret, ticket, token. Printing it shows nothing of it.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a secret text.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for signing with it or handing it to the one who may have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both texts are equal, in a time that depends on their lengths alone.
    #[must_use]
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(format!("{:?}", Secret::new("swordfish")), "Secret(…)");
    }

    #[test]
    fn a_secret_matches_its_own_text_alone() {
        let secret = Secret::new("swordfish");
        assert!(secret.matches("swordfish"));
        for other in ["", "Swordfish", "swordfis", "swordfishes"] {
            assert!(!secret.matches(other), "{other}");
        }
    }
}
