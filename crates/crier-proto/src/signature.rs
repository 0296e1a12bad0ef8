//! The signed text of version 1 and the canonical text of version 2, and the digits they must have (protocol 6 and 8).
//!
//! Knows nothing of which secret is the right one: that is the street's decision.

use crate::call::{RawCall, Verb};
use crate::pairs::Pair;
use crate::secret::Secret;

/// Version 1: every pair but `sig`, sorted by name, each name=value, nothing between (protocol 6.1).
#[must_use]
pub fn signed_text_v1(pairs: &[Pair]) -> String {
    let _ = pairs;
    todo!()
}

/// Version 2: the canonical text of protocol 8.2.
#[must_use]
pub fn canonical_text_v2(verb: Verb, path: &str, pairs: &[Pair]) -> String {
    let _ = (verb, path, pairs);
    todo!()
}

/// The `sig` of version 1: 32 lower-case hexadecimal digits.
#[must_use]
pub fn sign_v1(signed_text: &str, secret: &Secret) -> String {
    let _ = (signed_text, secret);
    todo!()
}

/// The `sig` of version 2: 64 lower-case hexadecimal digits.
#[must_use]
pub fn sign_v2(canonical_text: &str, secret: &Secret) -> String {
    let _ = (canonical_text, secret);
    todo!()
}

/// Which version a call chose (protocol section 4: `sig_version`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MD5.
    Md5,
    /// HMAC-SHA-256, with the caller's Unix time.
    Hmac,
}

/// The text that a call signs, made once and compared under one or two secrets.
#[derive(Debug)]
pub struct Signed {
    /// The version.
    pub version: Version,
    /// The signed or canonical text.
    pub text: String,
}

impl Signed {
    /// The signed text of a call in the version it chose; `None` when `sig_version` is there and not `2`.
    #[must_use]
    pub fn of(call: &RawCall) -> Option<Self> {
        let _ = call;
        todo!()
    }

    /// Whether `sig` is the signature under `secret`: constant time, lower case only, exact length.
    #[must_use]
    pub fn matches(&self, sig: &str, secret: &Secret) -> bool {
        let _ = (sig, secret);
        todo!()
    }
}
