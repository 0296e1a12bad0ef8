//! The signature of receipts: what an application's server checks before it believes a post (live 7.8, 7.9).
//!
//! Promise: one text is signed, so that id, time and body cannot be exchanged one without the others. Knows nothing of who
//! posts, when, or what a receipt says.

use crate::digest::{hmac_sha256, lower_hex};
use crate::ids::ReceiptId;
use crate::secret::Secret;

/// Random bytes of a receipt secret (live 7.9). It is shown and kept as their lower-case hexadecimal digits.
pub const SECRET_BYTES: usize = 32;
/// Receipts in one body at most (live 7.8).
pub const RECEIPTS_PER_BODY_MAX: usize = 100;

/// Header of the body's id, the same on every attempt.
pub const ID_HEADER: &str = "crier-receipt-id";
/// Header of the attempt's time in Unix seconds.
pub const TIMESTAMP_HEADER: &str = "crier-timestamp";
/// Header of the signature.
pub const SIGNATURE_HEADER: &str = "crier-signature";

/// The first line of what is signed, so that no signature made for something else fits a receipt.
const DOMAIN: &str = "crier-receipt-v1";

/// The bytes behind a receipt secret: what HMAC takes as its key.
#[derive(Clone)]
pub struct ReceiptKey([u8; SECRET_BYTES]);

impl ReceiptKey {
    /// The key of a secret that is 64 lower-case hexadecimal digits; nothing for any other text.
    #[must_use]
    pub fn of(secret: &Secret) -> Option<Self> {
        let digits = secret.expose().as_bytes();
        if digits.len() != SECRET_BYTES.saturating_mul(2) {
            return None;
        }
        let mut bytes = [0; SECRET_BYTES];
        for (slot, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let mut value = 0_u8;
            for digit in pair {
                let nibble = match digit {
                    b'0'..=b'9' => digit.wrapping_sub(b'0'),
                    b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
                    _ => return None,
                };
                value = (value << 4) | nibble;
            }
            *slot = value;
        }
        Some(Self(bytes))
    }
}

/// A new secret from random bytes, as it is shown.
#[must_use]
pub fn secret_of(bytes: &[u8; SECRET_BYTES]) -> Secret {
    Secret::new(lower_hex(bytes))
}

/// What one attempt signs beside the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The body's id.
    pub id: ReceiptId,
    /// Unix seconds of this attempt.
    pub timestamp: i64,
}

/// The value of `Crier-Signature`: `v1=` and HMAC-SHA-256 over `crier-receipt-v1` LF id LF timestamp LF body in lower-case
/// hexadecimal digits, for each key in the order given, joined by commas (live 7.8).
#[must_use]
pub fn signature(keys: &[ReceiptKey], attempt: Attempt, body: &[u8]) -> String {
    let head = format!("{DOMAIN}\n{}\n{}\n", attempt.id, attempt.timestamp);
    let values: Vec<String> = keys
        .iter()
        .map(|key| {
            let mac = hmac_sha256(&key.0, &[head.as_bytes(), body]);
            format!("v1={}", lower_hex(&mac))
        })
        .collect();
    values.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const OTHER: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

    fn key(digits: &str) -> ReceiptKey {
        ReceiptKey::of(&Secret::new(digits)).expect("64 digits")
    }

    fn attempt() -> Attempt {
        Attempt {
            id: "3f0a9c1de2b84756a1c0d9e8f7061524".parse().expect("32 digits"),
            timestamp: 1_700_000_000,
        }
    }

    #[test]
    fn a_signature_is_the_one_that_openssl_computes() {
        // printf 'crier-receipt-v1\n3f0a9c1de2b84756a1c0d9e8f7061524\n1700000000\n{"app":"7"}' |
        //   openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1e1f
        assert_eq!(
            signature(&[key(SECRET)], attempt(), b"{\"app\":\"7\"}"),
            "v1=809c6d294bc991a7f9201f7ddebfabf5f897704b1f32bcb099f4eb022705efc0"
        );
    }

    #[test]
    fn while_a_secret_is_rotated_both_values_stand_in_order() {
        let both = signature(&[key(SECRET), key(OTHER)], attempt(), b"x");
        let (first, second) = both.split_once(',').expect("two values");
        assert_eq!(first, signature(&[key(SECRET)], attempt(), b"x"));
        assert_eq!(second, signature(&[key(OTHER)], attempt(), b"x"));
        assert_ne!(first, second);
    }

    #[test]
    fn every_part_of_what_is_signed_counts() {
        let whole = signature(&[key(SECRET)], attempt(), b"12");
        let later = Attempt {
            timestamp: 170_000_000,
            ..attempt()
        };
        // A digit that moved from the time into the body is another text.
        for other in [
            signature(&[key(SECRET)], later, b"12"),
            signature(&[key(SECRET)], attempt(), b"1"),
            signature(&[key(OTHER)], attempt(), b"12"),
        ] {
            assert_ne!(whole, other);
        }
    }

    #[test]
    fn a_secret_is_64_lower_case_digits() {
        let made = secret_of(&[0xAB; SECRET_BYTES]);
        assert!(ReceiptKey::of(&made).is_some());
        for text in [
            "",
            &SECRET[1..],
            &SECRET.replace('a', "A"),
            &SECRET.replace('a', "g"),
        ] {
            assert!(ReceiptKey::of(&Secret::new(text)).is_none(), "{text}");
        }
    }
}
