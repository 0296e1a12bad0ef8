//! The grammars of values (protocol 1.2, 4, 7.2 f), as pure functions of a text.
//!
//! Knows nothing of names: which name has which grammar is the table's.

use crate::ids::{ApiKey, MessageId, Pid, SessionKey, Uid};
use crate::render::Format;
use crate::render::jsonp::Callback;

/// The grammar of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Free,
    /// `[0-9a-f]{32}`.
    ApiKey,
    /// A spelling of a method (protocol 5.1).
    Method,
    /// 32 or 64 lower-case hexadecimal digits; never part of a signed text.
    Signature,
    /// Exactly `1.0`.
    ApiVersion,
    /// `[0-9a-f]{24}-` and a uid.
    SessionKey,
    /// An exact decimal (protocol 9.1).
    CallId,
    /// `xml` or `json` in any case.
    Format,
    /// A function name; any text in a reading.
    Callback,
    /// Empty, `0`, `1`, `false`, `true`; letters in any case.
    Bool,
    /// Exactly `2`; never part of a signed text of version 1.
    SigVersion,
    /// `[0-9]{1,12}`; never part of a signed text of version 1.
    Timestamp,
    /// `[a-z]{2}` or `[a-z]{2}_[A-Z]{2}`.
    Locale,
    /// Nothing but the empty text.
    Empty,
    /// `[1-9][0-9]{0,18}`, at most 2^63 − 1.
    Uid,
    /// As `Uid`: an album or a photo.
    Pid,
    /// `[0-9a-f]{32}` or a typed code `[0-9A-Z]{5}`.
    AuthToken,
    /// `[0-9a-f]{32}`.
    MessageId,
    /// `0` or `[1-9][0-9]{0,8}` from `min` to `max`.
    Int {
        /// Least value.
        min: u32,
        /// Greatest value.
        max: u32,
    },
    /// One of these words, letters in exactly this case.
    Words(&'static [&'static str]),
    /// `[A-Za-z0-9_.-]{1,32}`.
    CollapseKey,
    /// `[0-9a-f]{64}`.
    Sha256,
}

impl Shape {
    /// Whether a value that is present, and so not empty (protocol 1.3), fits its grammar: what steps 12 and 13 judge.
    #[must_use]
    pub fn admits(self, value: &str) -> bool {
        match self {
            Self::Free => true,
            Self::ApiKey => value.parse::<ApiKey>().is_ok(),
            Self::Method => super::lookup(value).is_some(),
            Self::Signature => is_lower_hex(value, 32) || is_lower_hex(value, 64),
            Self::ApiVersion => value == "1.0",
            Self::SessionKey => value.parse::<SessionKey>().is_ok(),
            Self::CallId => value.parse::<crate::decimal::Decimal>().is_ok(),
            Self::Format => Format::named(value).is_some(),
            Self::Callback => Callback::parse(value).is_some(),
            Self::Bool => read_bool(value).is_some(),
            Self::SigVersion => value == "2",
            Self::Timestamp => crate::signature::read_ts(value).is_some(),
            Self::Locale => is_locale(value),
            Self::Empty => value.is_empty(),
            Self::Uid => value.parse::<Uid>().is_ok(),
            Self::Pid => value.parse::<Pid>().is_ok(),
            Self::AuthToken => is_lower_hex(value, 32) || is_typed_code(value),
            Self::MessageId => value.parse::<MessageId>().is_ok(),
            Self::Int { min, max } => read_int(value, min, max).is_some(),
            Self::Words(words) => words.contains(&value),
            Self::CollapseKey => is_collapse_key(value),
            Self::Sha256 => is_lower_hex(value, 64),
        }
    }
}

/// A bool of protocol 1.2: empty, `0`, `false` are false; `1`, `true` are true; letters in any case.
#[must_use]
pub fn read_bool(value: &str) -> Option<bool> {
    match value {
        "" | "0" => Some(false),
        "1" => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        word if word.eq_ignore_ascii_case("true") => Some(true),
        _ => None,
    }
}

/// An int of protocol 1.2: `0` or `[1-9][0-9]{0,8}` from `min` to `max` inclusive.
#[must_use]
pub fn read_int(value: &str, min: u32, max: u32) -> Option<u32> {
    let digits = value.as_bytes();
    let well_formed = digits == b"0" || (matches!(digits.first(), Some(b'1'..=b'9')) && digits.len() <= 9);
    let number = (well_formed && digits.iter().all(u8::is_ascii_digit))
        .then(|| value.parse().ok())
        .flatten()?;
    (min..=max).contains(&number).then_some(number)
}

/// `length` digits of `[0-9a-f]`.
fn is_lower_hex(value: &str, length: usize) -> bool {
    value.len() == length
        && value
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A code that a person types (protocol 18.7): `[0-9A-Z]{5}`.
fn is_typed_code(value: &str) -> bool {
    value.len() == 5
        && value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// `[a-z]{2}` or `[a-z]{2}_[A-Z]{2}`.
fn is_locale(value: &str) -> bool {
    match value.as_bytes() {
        [a, b] => a.is_ascii_lowercase() && b.is_ascii_lowercase(),
        [a, b, b'_', c, d] => {
            a.is_ascii_lowercase()
                && b.is_ascii_lowercase()
                && c.is_ascii_uppercase()
                && d.is_ascii_uppercase()
        }
        _ => false,
    }
}

/// `[A-Za-z0-9_.-]{1,32}`.
fn is_collapse_key(value: &str) -> bool {
    (1..=32).contains(&value.len())
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bools_are_five_words_in_any_case() {
        for (value, read) in [
            ("", Some(false)),
            ("0", Some(false)),
            ("False", Some(false)),
            ("1", Some(true)),
            ("TRUE", Some(true)),
            ("yes", None),
            ("01", None),
            (" 1", None),
            ("2", None),
        ] {
            assert_eq!(read_bool(value), read, "{value:?}");
        }
    }

    #[test]
    fn ints_have_no_sign_no_leading_zero_and_a_range() {
        for (value, read) in [
            ("0", Some(0)),
            ("5000", Some(5000)),
            ("5001", None),
            ("00", None),
            ("01", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            ("", None),
            ("9999999999", None),
            ("٣", None),
        ] {
            assert_eq!(read_int(value, 0, 5000), read, "{value:?}");
        }
        assert_eq!(read_int("4", 5, 9), None);
    }

    #[test]
    fn each_grammar_admits_its_values_and_no_others() {
        let key = "0123456789abcdef0123456789abcdef";
        let table: &[(Shape, &[&str], &[&str])] = &[
            (Shape::Free, &["", "é"], &[]),
            (
                Shape::ApiKey,
                &[key],
                &["", "0123", "0123456789ABCDEF0123456789ABCDEF"],
            ),
            (Shape::Method, &["batch_run"], &["batch"]),
            (Shape::Signature, &[key], &["", "x"]),
            (Shape::ApiVersion, &["1.0"], &["1", "1.00", ""]),
            (
                Shape::SessionKey,
                &["acacbdbd010123237878dede-1240077"],
                &["acacbdbd010123237878dede-0", "-1"],
            ),
            (Shape::CallId, &["1e3"], &["-1"]),
            (Shape::Format, &["XML", "jSon"], &["yaml", ""]),
            (Shape::Callback, &["a.b"], &["a.", "1a"]),
            (Shape::Bool, &["", "true"], &["yes"]),
            (Shape::SigVersion, &["2"], &["1", ""]),
            (Shape::Timestamp, &["1795290600"], &["", "1.5"]),
            (
                Shape::Locale,
                &["en", "en_US"],
                &["EN", "en_us", "en-US", "eng", "en_US1"],
            ),
            (Shape::Empty, &[""], &["x"]),
            (
                Shape::Uid,
                &["1", "9223372036854775807"],
                &["0", "01", "9223372036854775808", "-1", ""],
            ),
            (Shape::Pid, &["5"], &["0"]),
            (Shape::AuthToken, &[key, "AB12Z"], &["ab12z", "AB12", ""]),
            (Shape::MessageId, &[key], &["0123"]),
            (Shape::Int { min: 0, max: 100 }, &["0", "100"], &["101", ""]),
            (Shape::Words(&["all", "one"]), &["one"], &["One", ""]),
            (
                Shape::CollapseKey,
                &["a_B-9."],
                &["", "a b", "123456789012345678901234567890123"],
            ),
            (Shape::Sha256, &[&key.repeat(2)], &[key, ""]),
        ];
        for (shape, admitted, refused) in table {
            assert!(admitted.iter().all(|value| shape.admits(value)), "{shape:?}");
            assert!(refused.iter().all(|value| !shape.admits(value)), "{shape:?}");
        }
    }
}
