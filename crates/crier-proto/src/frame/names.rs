//! Names that pages choose: the page id and the reference of a send (live 4.2).
//!
//! Knows nothing of whether a name is in use.

use std::fmt;
use std::sync::Arc;

/// Why a text is no name of the wanted kind. Carries nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed {0}")]
pub struct BadName(pub &'static str);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $lengths:expr) => {
        $(#[$doc])*
        ///
        /// Cloning shares the characters: a page's name stands in the record of every message that it was offered.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The characters.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                let fits = $lengths.contains(&text.len());
                if fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
                    Ok(Self(text.into()))
                } else {
                    Err(BadName($what))
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The random id that a document chose for itself: 16 to 32 characters of `[A-Za-z0-9_-]` (live 4.2).
    PageId, "page", (16..=32));
name!(
    /// A page's own number for a send: 8 to 64 characters of `[A-Za-z0-9_-]` (live 4.2).
    Ref, "ref", (8..=64));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_id_has_16_to_32_url_safe_characters() {
        for good in ["a".repeat(16), "Az09_-Az09_-Az09".into(), "-".repeat(32)] {
            assert_eq!(good.parse::<PageId>().map(|id| id.to_string()), Ok(good));
        }
        for bad in [
            "".into(),
            "a".repeat(15),
            "a".repeat(33),
            format!("{}.", "a".repeat(16)),
            "é".repeat(8),
        ] {
            assert_eq!(bad.parse::<PageId>(), Err(BadName("page")), "{bad}");
        }
    }

    #[test]
    fn a_ref_has_8_to_64_url_safe_characters() {
        for good in ["a".repeat(8), "Z".repeat(64)] {
            assert!(good.parse::<Ref>().is_ok(), "{good}");
        }
        for bad in ["a".repeat(7), "a".repeat(65), "a b c d e".into()] {
            assert_eq!(bad.parse::<Ref>(), Err(BadName("ref")), "{bad}");
        }
    }
}
