//! Which mistake makes a given `sig`: each is tried, the likeliest first.

use super::texts::{BLANKS, texts, utf_16};
use super::{Explained, Form, Mistake, first_difference};
use crate::digest;
use crate::pairs::Pair;
use crate::secret::Secret;
use crate::signature::Version;

/// The secrets of a call.
#[derive(Debug, Clone, Default)]
pub struct Secrets<'a> {
    /// Those that protocol 6.2 permits: one, or two while an application's former one still signs.
    pub right: Vec<&'a Secret>,
    /// The one that it does not, if the call carries a session.
    pub other: Option<&'a Secret>,
    /// The application's before its last rotation, once it signs no more.
    pub former: Option<&'a Secret>,
}

/// Digits of a signature.
const fn digits(version: Version) -> usize {
    match version {
        Version::Md5 => 32,
        Version::Hmac => 64,
    }
}

/// The usual mistake under which `sig` would be right; `None` if it is right already, or if no usual mistake explains it.
#[must_use]
pub fn explain(form: Form<'_>, pairs: &[Pair], sig: &str, secrets: &Secrets<'_>) -> Option<Explained> {
    let wanted = sig.trim().to_ascii_lowercase();
    let trial = Trial {
        version: form.version,
        wanted: &wanted,
    };
    let ours = form.text(pairs).into_bytes();
    let right = || secrets.right.iter().map(|secret| secret.expose().as_bytes());
    let told = |mistake, theirs: Option<Vec<u8>>| {
        Some(Explained {
            mistake,
            differs: theirs
                .as_deref()
                .and_then(|theirs| first_difference(form, pairs, theirs)),
            theirs: theirs.map(Vec::into_boxed_slice),
        })
    };
    if right().any(|secret| trial.gives(&ours, secret)) {
        return (sig != wanted).then(|| told(Mistake::Spelling, None)).flatten();
    }
    if let Some(mistake) = trial.with_the_right_text(&ours, secrets) {
        return told(mistake, None);
    }
    if wanted.len() != digits(form.version) {
        let of_the_other = [Version::Md5, Version::Hmac]
            .into_iter()
            .any(|other| other != form.version && wanted.len() == digits(other));
        let is_hex = wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        return (of_the_other && is_hex)
            .then(|| told(Mistake::OtherVersion, None))
            .flatten();
    }
    if right().any(|secret| trial.gives(&utf_16(&ours), &utf_16(secret))) {
        return told(Mistake::Utf16, Some(utf_16(&ours)));
    }
    let mut tried = texts(form, pairs).into_iter();
    let (mistake, theirs) = tried.find(|(_, text)| right().any(|secret| trial.gives(text, secret)))?;
    told(mistake, Some(theirs))
}

/// A `sig` that is looked for, lower case.
struct Trial<'a> {
    version: Version,
    wanted: &'a str,
}

impl Trial<'_> {
    /// Whether this text under this secret makes it.
    fn gives(&self, text: &[u8], secret: &[u8]) -> bool {
        match self.version {
            Version::Md5 => self.is(&digest::md5(&[text, secret])),
            Version::Hmac => self.is(&digest::hmac_sha256(secret, &[text])),
        }
    }

    fn is(&self, found: &[u8]) -> bool {
        digest::equal_in_constant_time(digest::lower_hex(found).as_bytes(), self.wanted.as_bytes())
    }

    /// The mistakes that leave the text right.
    fn with_the_right_text(&self, text: &[u8], secrets: &Secrets<'_>) -> Option<Mistake> {
        let under = |secret: Option<&Secret>| {
            secret.is_some_and(|secret| self.gives(text, secret.expose().as_bytes()))
        };
        if under(secrets.other) {
            return Some(Mistake::OtherSecret);
        }
        if under(secrets.former) {
            return Some(Mistake::FormerSecret);
        }
        secrets.right.iter().find_map(|secret| {
            let secret = secret.expose().as_bytes();
            let blank = |blank: &str| self.gives(text, &[secret, blank.as_bytes()].concat());
            if BLANKS.into_iter().any(blank) {
                return Some(Mistake::BlankBehindSecret);
            }
            match self.version {
                Version::Md5 => self
                    .is(&digest::md5(&[secret, text]))
                    .then_some(Mistake::SecretFirst),
                Version::Hmac => {
                    let plain = self.is(&digest::sha256(&[text, secret]))
                        || self.is(&digest::sha256(&[secret, text]));
                    if plain {
                        return Some(Mistake::NotKeyed);
                    }
                    let bytes = bytes_of(secret);
                    (!bytes.is_empty() && self.gives(text, &bytes)).then_some(Mistake::SecretFromHex)
                }
            }
        })
    }
}

/// The bytes that hexadecimal digits spell; what is none ends them.
fn bytes_of(digits: &[u8]) -> Vec<u8> {
    let nibble = |digit: &u8| {
        char::from(*digit)
            .to_digit(16)
            .and_then(|nibble| u8::try_from(nibble).ok())
    };
    digits
        .chunks_exact(2)
        .map_while(|two| match two {
            [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
            _ => None,
        })
        .collect()
}
