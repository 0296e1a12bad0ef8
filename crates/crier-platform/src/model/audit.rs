//! The audit log: what operators and developers have done, each entry chained to the one before it (docs/guide/audit.md).
//!
//! Promise: an entry holds numbers and words of closed sets, never a name, a text that somebody wrote, or a secret, so that an
//! erasure has nothing to take out of it. What is hashed is the entry's text itself: whoever has the texts can check the chain.

use super::time::WallMs;
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::ids::Uid;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// On whose behalf a unit of writes is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Actor {
    /// The server by itself, or a person or an application in their own affairs: what they do to themselves is no entry.
    #[default]
    System,
    /// Whoever may run commands on the server's books.
    CommandLine,
    /// A person on a page from which others' things are changed.
    Person(Uid),
}

impl Actor {
    /// Whether this is somebody who acts for another than `user`, or on the server's books themselves.
    #[must_use]
    pub fn acts_on(self, user: Uid) -> bool {
        match self {
            Self::System => false,
            Self::CommandLine => true,
            Self::Person(actor) => actor != user,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => out.write_str("system"),
            Self::CommandLine => out.write_str("command_line"),
            Self::Person(uid) => write!(out, "person:{uid}"),
        }
    }
}

/// One act. Its JSON text, without white space and with its members in this order, is what the chain is made over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// Its place in the log, from 1 without a gap.
    pub number: i64,
    /// When it was done, in milliseconds since 1970.
    pub at_ms: i64,
    /// `command_line`, `system` or `person:UID`.
    pub actor: String,
    /// What was done: `app.set`.
    pub act: String,
    /// To whom or what: `user:UID`, `app:APP_ID`, `story:STORY_ID`, `picture:HASH`.
    pub subject: String,
    /// What else there is to say, by name; of a change `[before, after]`, or `"changed"` where the values are not told.
    pub details: Map<String, Value>,
}

impl AuditEntry {
    /// When it was done.
    #[must_use]
    pub fn at(&self) -> WallMs {
        WallMs(self.at_ms)
    }

    /// Its text: what is kept, exported and hashed.
    ///
    /// # Errors
    /// Never for what can be made of closed words and numbers; the text of what could not be written.
    pub fn text(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| error.to_string())
    }
}

/// A link of the chain: 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHash(pub [u8; 32]);

impl AuditHash {
    /// What the first entry is chained to.
    pub const NONE: Self = Self([0; 32]);

    /// The hash of an entry: SHA-256 over the 64 digits of the hash before it, a line feed, and the entry's text.
    #[must_use]
    pub fn of(before: Self, text: &[u8]) -> Self {
        Self(sha256(&[lower_hex(&before.0).as_bytes(), b"\n", text]))
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&lower_hex(&self.0))
    }
}

/// An entry as it is kept and exported: bytes that nobody has judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEntry {
    /// The entry's text.
    pub text: Vec<u8>,
    /// Its hash.
    pub hash: Vec<u8>,
}

impl KeptEntry {
    /// The entry, if its text is one.
    #[must_use]
    pub fn entry(&self) -> Option<AuditEntry> {
        serde_json::from_slice(&self.text).ok()
    }

    /// Its line of an export, without the line feed: the hash, a blank, the text.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        [lower_hex(&self.hash).as_bytes(), b" ", &self.text].concat()
    }

    /// A line of an export taken apart; `None` when there is no hash before a blank.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let (digits, rest) = line.split_at_checked(64)?;
        let digits = str::from_utf8(digits).ok()?;
        Some(Self {
            text: rest.strip_prefix(b" ")?.to_vec(),
            hash: bytes_of(digits)?,
        })
    }
}

/// The bytes of hexadecimal digits in lower case.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    if !digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    digits.as_bytes().chunks(2).map(pair).collect()
}

/// How far the chain has been followed: the number and the hash of the last entry that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The last entry's number; 0: none yet.
    pub number: i64,
    /// Its hash.
    pub hash: AuditHash,
}

impl Default for AuditHead {
    fn default() -> Self {
        Self {
            number: 0,
            hash: AuditHash::NONE,
        }
    }
}

impl fmt::Display for AuditHead {
    /// `NUMBER:HASH`: what an auditor notes down, to recognise the log by later.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.number, self.hash)
    }
}

impl std::str::FromStr for AuditHead {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (number, digits) = text.split_once(':').ok_or(())?;
        let hash = bytes_of(digits)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(())?;
        Ok(Self {
            number: number.parse().map_err(|_| ())?,
            hash: AuditHash(hash),
        })
    }
}

/// The first entry that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {number} is broken: {why}")]
pub struct BrokenAt {
    /// Its number, as the chain counts.
    pub number: i64,
    /// What does not fit.
    pub why: &'static str,
}

impl AuditHead {
    /// Goes on by one entry.
    ///
    /// # Errors
    /// The entry is not the next one of this chain.
    pub fn follow(&mut self, kept: &KeptEntry) -> Result<(), BrokenAt> {
        let number = self.number.saturating_add(1);
        let broken = |why| Err(BrokenAt { number, why });
        let hash = AuditHash::of(self.hash, &kept.text);
        if kept.hash != hash.0 {
            return broken("its hash is not that of its text and of the entry before it");
        }
        match kept.entry() {
            Some(entry) if entry.number == number => {}
            Some(_) => return broken("it carries another number: entries before it are missing"),
            None => return broken("its text is no entry"),
        }
        *self = Self { number, hash };
        Ok(())
    }
}

/// A walk along the chain, from its beginning, that also looks for the entry that an auditor has noted down.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditCheck {
    head: AuditHead,
    noted: Option<AuditHead>,
}

impl AuditCheck {
    /// A walk from the beginning.
    #[must_use]
    pub fn from_the_beginning(noted: Option<AuditHead>) -> Self {
        Self {
            head: AuditHead::default(),
            noted,
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn head(&self) -> AuditHead {
        self.head
    }

    /// Goes on by one entry.
    ///
    /// # Errors
    /// The entry is not the next one, or not the one that was noted down.
    pub fn follow(&mut self, kept: &KeptEntry) -> Result<(), BrokenAt> {
        self.head.follow(kept)?;
        match self.noted {
            Some(noted) if noted.number == self.head.number && noted.hash != self.head.hash => {
                Err(BrokenAt {
                    number: noted.number,
                    why: "it is not the entry that was noted down: the log was written anew",
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Ends the walk.
    ///
    /// # Errors
    /// The log is shorter than when the entry was noted down.
    pub fn end(self) -> Result<AuditHead, BrokenAt> {
        match self.noted {
            Some(noted) if noted.number > self.head.number => Err(BrokenAt {
                number: self.head.number.saturating_add(1),
                why: "it is missing: the log ends before the entry that was noted down",
            }),
            Some(_) | None => Ok(self.head),
        }
    }
}

/// Which entries are asked for, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditQuery {
    /// Below this number; all when `None`.
    pub before: Option<i64>,
    /// By this actor alone, as it is written in an entry.
    pub actor: Option<String>,
    /// About this subject alone, as it is written in an entry.
    pub subject: Option<String>,
    /// At most as many.
    pub limit: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: i64) -> AuditEntry {
        let mut details = Map::new();
        details.insert("enabled".to_owned(), serde_json::json!([true, false]));
        AuditEntry {
            number,
            at_ms: 1_795_291_200_000,
            actor: Actor::Person(Uid::new(7).unwrap()).to_string(),
            act: "app.set".to_owned(),
            subject: "app:5".to_owned(),
            details,
        }
    }

    fn chain(length: i64) -> Vec<KeptEntry> {
        let mut before = AuditHash::NONE;
        (1..=length)
            .map(|number| {
                let text = entry(number).text().unwrap().into_bytes();
                before = AuditHash::of(before, &text);
                KeptEntry {
                    text,
                    hash: before.0.to_vec(),
                }
            })
            .collect()
    }

    fn followed(kept: &[KeptEntry]) -> Result<AuditHead, BrokenAt> {
        let mut head = AuditHead::default();
        kept.iter().try_for_each(|kept| head.follow(kept)).map(|()| head)
    }

    #[test]
    fn the_text_and_the_first_hash_are_those_of_the_guide() {
        let text = entry(1).text().unwrap();
        assert_eq!(
            text,
            r#"{"number":1,"at_ms":1795291200000,"actor":"person:7","act":"app.set","subject":"app:5","details":{"enabled":[true,false]}}"#
        );
        let by_hand = sha256(&[format!("{}\n{text}", "0".repeat(64)).as_bytes()]);
        assert_eq!(
            AuditHash::of(AuditHash::NONE, text.as_bytes()),
            AuditHash(by_hand)
        );
    }

    #[test]
    fn any_changed_byte_of_any_entry_is_found_at_that_entry() {
        let whole = chain(5);
        assert_eq!(followed(&whole).unwrap().number, 5);
        let mut tried = 0;
        for (place, kept) in whole.iter().enumerate() {
            let number = i64::try_from(place).unwrap() + 1;
            for at in 0..kept.text.len() + kept.hash.len() {
                let mut changed = whole.clone();
                match at.checked_sub(kept.text.len()) {
                    None => changed[place].text[at] ^= 1,
                    Some(at) => changed[place].hash[at] ^= 1,
                }
                assert_eq!(followed(&changed).unwrap_err().number, number, "byte {at}");
                tried += 1;
            }
        }
        assert!(tried > 500, "{tried}");
    }

    #[test]
    fn entries_that_are_left_out_doubled_or_exchanged_are_found() {
        let whole = chain(5);
        let without = [&whole[..2], &whole[3..]].concat();
        assert_eq!(followed(&without).unwrap_err().number, 3);
        let doubled = [&whole[..3], &whole[2..]].concat();
        assert_eq!(followed(&doubled).unwrap_err().number, 4);
        let mut exchanged = whole.clone();
        exchanged.swap(1, 2);
        assert_eq!(followed(&exchanged).unwrap_err().number, 2);
        let late = followed(&whole[1..]).unwrap_err();
        assert_eq!(late.number, 1);
    }

    #[test]
    fn a_chain_forged_from_a_text_that_is_no_entry_or_has_another_number_is_found() {
        for text in ["{}", "", "x", &entry(2).text().unwrap()] {
            let hash = AuditHash::of(AuditHash::NONE, text.as_bytes());
            let forged = KeptEntry {
                text: text.as_bytes().to_vec(),
                hash: hash.0.to_vec(),
            };
            assert_eq!(followed(&[forged]).unwrap_err().number, 1, "{text}");
        }
    }

    #[test]
    fn an_entry_that_was_noted_down_tells_of_a_log_that_was_cut_or_written_anew() {
        let whole = chain(5);
        let noted = followed(&whole[..4]).unwrap();
        let walked = |kept: &[KeptEntry], noted| {
            let mut check = AuditCheck::from_the_beginning(Some(noted));
            kept.iter().try_for_each(|kept| check.follow(kept))?;
            check.end()
        };
        assert_eq!(walked(&whole, noted), followed(&whole));
        assert_eq!(walked(&whole[..3], noted).unwrap_err().number, 4);
        let other = AuditHead {
            hash: AuditHash::NONE,
            ..noted
        };
        assert_eq!(walked(&whole, other).unwrap_err().number, 4);
    }

    #[test]
    fn a_line_of_an_export_and_a_head_come_back() {
        let kept = &chain(1)[0];
        assert_eq!(KeptEntry::of_line(&kept.line()).as_ref(), Some(kept));
        let head = followed(&chain(3)).unwrap();
        assert_eq!(head.to_string().parse(), Ok(head));
        let digits = "0A".repeat(32);
        for bad in [
            String::new(),
            "x".to_owned(),
            format!("{digits} {{}}"),
            "0a".repeat(40),
        ] {
            assert_eq!(KeptEntry::of_line(bad.as_bytes()), None, "{bad}");
        }
        for bad in ["", "3", "3:", "x:00", &format!("3:{digits}")] {
            assert_eq!(bad.parse::<AuditHead>(), Err(()), "{bad}");
        }
    }
}
