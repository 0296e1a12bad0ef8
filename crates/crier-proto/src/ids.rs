//! Identifiers of the wire as types: a value that exists has the grammar its page gives it.
//!
//! Knows nothing of where ids are stored or who may use them.

use std::fmt;

/// Why a text is no identifier of the wanted kind. Carries nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed {0}")]
pub struct BadId(pub &'static str);

/// Reads `[1-9][0-9]{0,18}` up to 2^63 − 1 (protocol 1.2: uid, pid).
fn positive(text: &str) -> Option<i64> {
    let digits = text.as_bytes();
    let well_formed = matches!(digits.first(), Some(b'1'..=b'9')) && digits.len() <= 19;
    (well_formed && digits.iter().all(u8::is_ascii_digit))
        .then(|| text.parse().ok())
        .flatten()
}

macro_rules! positive_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "i64", into = "i64")]
        pub struct $name(i64);

        impl $name {
            /// The id as a number from 1 to 2^63 − 1; `None` below 1.
            #[must_use]
            pub const fn new(number: i64) -> Option<Self> {
                if number >= 1 { Some(Self(number)) } else { None }
            }

            /// The number, from 1 to 2^63 − 1.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                positive(text).map(Self).ok_or(BadId($what))
            }
        }

        impl TryFrom<i64> for $name {
            type Error = BadId;
            fn try_from(number: i64) -> Result<Self, BadId> {
                Self::new(number).ok_or(BadId($what))
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> i64 {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

positive_id!(
    /// A person's number (seed: LiveMessage.send, `recipient`: uid; grammar: protocol 1.2).
    Uid, "uid");
positive_id!(
    /// An application's number.
    AppId, "application id");
positive_id!(
    /// A story's number: unique and rising per store (feed 1.1).
    StoryId, "story id");
positive_id!(
    /// A photo's number (seed: Feed.publishStoryToUser, "facebook PID"; grammar: protocol 1.2).
    Pid, "pid");

/// `length` digits of `[0-9a-f]`.
fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The id made of these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                if !is_lower_hex(text, $bytes * 2) {
                    return Err(BadId($what));
                }
                let mut bytes = [0u8; $bytes];
                for (slot, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    let pair = std::str::from_utf8(pair).map_err(|_| BadId($what))?;
                    *slot = u8::from_str_radix(pair, 16).map_err(|_| BadId($what))?;
                }
                Ok(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&crate::digest::lower_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }
    };
}

hex_id!(
    /// A live message's number: 32 random lower-case hexadecimal digits (protocol 16.1).
    MessageId, 16, "message id");
hex_id!(
    /// One body of receipts, on every attempt: 32 random lower-case hexadecimal digits (live 7.8).
    ReceiptId, 16, "receipt id");
hex_id!(
    /// One life of a mailbox: 16 random lower-case hexadecimal digits (live 5.8).
    Epoch, 8, "epoch");

/// An application's public key: `[0-9a-f]{32}` (protocol 1.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKey(Box<str>);

impl ApiKey {
    /// The 32 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ApiKey {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        if is_lower_hex(text, 32) {
            Ok(Self(text.into()))
        } else {
            Err(BadId("api_key"))
        }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A session key: `[0-9a-f]{24}-` followed by the session's uid (protocol 1.2, 10.2). Not a secret: `sig` proves the caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    text: Box<str>,
    uid: Uid,
}

impl SessionKey {
    /// The key of these 24 hexadecimal digits for this user.
    ///
    /// # Errors
    /// `BadId` when `digits` is not 24 lower-case hexadecimal digits.
    pub fn of(digits: &str, uid: Uid) -> Result<Self, BadId> {
        if !is_lower_hex(digits, 24) {
            return Err(BadId("session_key"));
        }
        Ok(Self {
            text: format!("{digits}-{uid}").into(),
            uid,
        })
    }

    /// The whole key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The user that the key names. Only a stored session proves that it is theirs.
    #[must_use]
    pub fn uid(&self) -> Uid {
        self.uid
    }
}

impl std::str::FromStr for SessionKey {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let (digits, uid) = text.split_once('-').ok_or(BadId("session_key"))?;
        if !is_lower_hex(digits, 24) {
            return Err(BadId("session_key"));
        }
        Ok(Self {
            text: text.into(),
            uid: uid.parse().map_err(|_| BadId("session_key"))?,
        })
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "acacbdbd010123237878dede-1240077";

    #[test]
    fn uids_have_one_to_nineteen_digits_and_end_at_two_to_the_63_less_one() {
        assert_eq!("1".parse::<Uid>().map(Uid::get), Ok(1));
        assert_eq!("9223372036854775807".parse::<Uid>().map(Uid::get), Ok(i64::MAX));
        for text in [
            "",
            "0",
            "01",
            "-1",
            "+1",
            " 1",
            "1.0",
            "9223372036854775808",
            "10000000000000000000",
            "١",
        ] {
            assert_eq!(text.parse::<Uid>(), Err(BadId("uid")), "{text}");
        }
    }

    #[test]
    fn numbers_below_one_are_no_ids() {
        assert_eq!(Pid::new(0), None);
        assert_eq!(AppId::try_from(-1), Err(BadId("application id")));
        assert_eq!(StoryId::new(7).map(i64::from), Some(7));
    }

    #[test]
    fn ids_of_digits_read_back_as_they_are_shown() {
        let text = "3f0a9c1de2b84756a1c0d9e8f7061524";
        let id: MessageId = text.parse().unwrap();
        assert_eq!((id.to_string(), id.as_bytes()[0]), (text.to_owned(), 0x3f));
        assert_eq!(
            "9d1c6f0a3b5e7788"
                .parse::<Epoch>()
                .map(|epoch| format!("{epoch:?}")),
            Ok("9d1c6f0a3b5e7788".into())
        );
        for text in [
            "",
            "3F0A9C1DE2B84756A1C0D9E8F7061524",
            &text[1..],
            "3f0a9c1de2b84756a1c0d9e8f706152g",
            "é",
        ] {
            assert_eq!(text.parse::<MessageId>(), Err(BadId("message id")), "{text}");
        }
    }

    #[test]
    fn api_keys_are_32_lower_case_digits() {
        let text = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            text.parse::<ApiKey>().map(|key| key.as_str().to_owned()),
            Ok(text.to_owned())
        );
        assert_eq!(text.to_uppercase().parse::<ApiKey>(), Err(BadId("api_key")));
        assert_eq!(text[1..].parse::<ApiKey>(), Err(BadId("api_key")));
    }

    #[test]
    fn session_keys_name_their_user() {
        let key: SessionKey = SESSION.parse().unwrap();
        assert_eq!((key.uid().get(), key.as_str()), (1_240_077, SESSION));
        for text in [
            "",
            "-1",
            "acacbdbd010123237878dede",
            "acacbdbd010123237878dede-",
            "acacbdbd010123237878dede-0",
            "ACACBDBD010123237878DEDE-1",
            "acacbdbd010123237878dede-1-2",
        ] {
            assert_eq!(text.parse::<SessionKey>(), Err(BadId("session_key")), "{text}");
        }
    }

    #[test]
    fn a_bad_id_tells_its_kind_and_nothing_of_the_text() {
        assert_eq!(
            "secret".parse::<Uid>().unwrap_err().to_string(),
            "not a well-formed uid"
        );
    }
}
