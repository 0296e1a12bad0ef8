//! The signed text of version 1 and the canonical text of version 2, and the digits they must have (protocol 6 and 8).
//!
//! Knows nothing of which secret is the right one: that is the street's decision.

use crate::call::{RawCall, Verb};
use crate::digest;
use crate::pairs::Pair;
use crate::secret::Secret;

/// Line 1 of the canonical text of version 2 (protocol 8.2).
pub(crate) const CANONICAL_HEAD: &str = "crier-hmac-sha256-2";

/// The pairs that are signed, in byte order of their names: all but `sig` (protocol 6.1, 8.2).
pub(crate) fn signed_pairs(pairs: &[Pair]) -> Vec<(&str, &str)> {
    let mut signed = Vec::with_capacity(pairs.len());
    let all = pairs.iter().filter(|pair| &*pair.name != "sig");
    signed.extend(all.map(|pair| (&*pair.name, &*pair.value)));
    signed.sort_unstable_by_key(|(name, _)| *name);
    signed
}

/// `name=value` laid end to end, in the order given (protocol 6.1).
pub(crate) fn joined(sorted: &[(&str, &str)]) -> String {
    let bytes = sorted
        .iter()
        .map(|(name, value)| name.len().saturating_add(value.len()).saturating_add(1));
    let mut text = String::with_capacity(bytes.fold(0, usize::saturating_add));
    for (name, value) in sorted {
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

/// Version 1: every pair but `sig`, sorted by name, each name=value, nothing between (protocol 6.1).
#[must_use]
pub fn signed_text_v1(pairs: &[Pair]) -> String {
    joined(&signed_pairs(pairs))
}

/// Appends enc(text) of protocol 8.2: `A–Z a–z 0–9 - . _ ~` stay, every other byte becomes `%` and two upper-case digits.
fn push_encoded(out: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| {
        DIGITS
            .get(usize::from(nibble))
            .map_or('0', |byte| char::from(*byte))
    };
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        }
    }
}

/// Line 4 of the canonical text: enc(name)=enc(value) joined by `&`, in the order given (protocol 8.2, 19.7).
pub(crate) fn encoded_line(sorted: &[(&str, &str)]) -> String {
    let mut line = String::new();
    for (name, value) in sorted {
        if !line.is_empty() {
            line.push('&');
        }
        push_encoded(&mut line, name);
        line.push('=');
        push_encoded(&mut line, value);
    }
    line
}

/// Version 2: the canonical text of protocol 8.2.
#[must_use]
pub fn canonical_text_v2(verb: Verb, path: &str, pairs: &[Pair]) -> String {
    let line = encoded_line(&signed_pairs(pairs));
    format!("{CANONICAL_HEAD}\n{}\n{path}\n{line}", verb.as_str())
}

/// The `sig` of version 1: 32 lower-case hexadecimal digits.
#[must_use]
pub fn sign_v1(signed_text: &str, secret: &Secret) -> String {
    digest::lower_hex(&digest::md5(&[
        signed_text.as_bytes(),
        secret.expose().as_bytes(),
    ]))
}

/// The `sig` of version 2: 64 lower-case hexadecimal digits.
#[must_use]
pub fn sign_v2(canonical_text: &str, secret: &Secret) -> String {
    digest::lower_hex(&digest::hmac_sha256(
        secret.expose().as_bytes(),
        &[canonical_text.as_bytes()],
    ))
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
        let pairs = call.pairs().as_slice();
        match call.pairs().get("sig_version") {
            None => Some(Self {
                version: Version::Md5,
                text: signed_text_v1(pairs),
            }),
            Some("2") => {
                let text = canonical_text_v2(call.verb(), call.path(), pairs);
                Some(Self {
                    version: Version::Hmac,
                    text,
                })
            }
            Some(_) => None,
        }
    }

    /// Whether `sig` is the signature under `secret`: constant time, lower case only, exact length.
    #[must_use]
    pub fn matches(&self, sig: &str, secret: &Secret) -> bool {
        let expected = match self.version {
            Version::Md5 => sign_v1(&self.text, secret),
            Version::Hmac => sign_v2(&self.text, secret),
        };
        digest::equal_in_constant_time(expected.as_bytes(), sig.as_bytes())
    }
}

/// Reads `ts`: `[0-9]{1,12}`, Unix seconds (protocol section 4, 8.4).
#[must_use]
pub fn read_ts(text: &str) -> Option<i64> {
    let fits = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> Pair {
        Pair {
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn version_1_sorts_by_name_and_leaves_sig_out() {
        let pairs = [
            pair("v", "1.0"),
            pair("sig", "x"),
            pair("image_2", ""),
            pair("image_1_link", "l"),
            pair("image_1", "i"),
        ];
        assert_eq!(signed_text_v1(&pairs), "image_1=iimage_1_link=limage_2=v=1.0");
    }

    #[test]
    fn version_2_encodes_every_byte_outside_the_unreserved_ones() {
        let pairs = [pair("b", "é ~-._+*"), pair("a", "")];
        assert_eq!(
            canonical_text_v2(Verb::Get, "/crier/restserver.php", &pairs),
            "crier-hmac-sha256-2\nGET\n/crier/restserver.php\na=&b=%C3%A9%20~-._%2B%2A"
        );
    }

    #[test]
    fn upper_case_and_other_lengths_never_match() {
        let signed = Signed {
            version: Version::Md5,
            text: "a=b".into(),
        };
        let secret = Secret::new("s");
        let right = sign_v1("a=b", &secret);
        assert!(signed.matches(&right, &secret));
        assert!(!signed.matches(&right.to_uppercase(), &secret));
        assert!(!signed.matches(&right[..31], &secret));
        assert!(!signed.matches("", &secret));
        assert!(!signed.matches(&right, &Secret::new("t")));
    }

    #[test]
    fn ts_is_one_to_twelve_digits() {
        assert_eq!(read_ts("0"), Some(0));
        assert_eq!(read_ts("999999999999"), Some(999_999_999_999));
        for refused in ["", "1234567890123", "-1", "+1", "1.0", " 1", "١"] {
            assert_eq!(read_ts(refused), None, "{refused}");
        }
    }
}
