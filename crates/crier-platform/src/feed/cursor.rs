//! Cursors of feed pages and marks of views: texts that only this server can make (feed 2.9, 4.11).

use crate::model::record::View;
use crate::model::time::WallMs;
use crier_proto::digest::{base64url, equal_in_constant_time, hmac_sha256, lower_hex};
use crier_proto::ids::Uid;

/// Bytes of an authenticator.
const SEAL_BYTES: usize = 16;
/// Digits of a mark's seal.
const MARK_DIGITS: usize = 16;
/// S, w, view and the moment of making are eight bytes each, c and p four.
const BODY_BYTES: usize = 4 * 8 + 2 * 4;

/// The key under which cursors and marks are made; the same on all nodes, and after a restart.
#[derive(Clone)]
pub struct FeedKey([u8; 32]);

/// Where a reading of the feed goes on (feed 4.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// S.
    pub(super) at_secs: i64,
    /// w.
    pub(super) seq: i64,
    /// c.
    pub(super) version: u32,
    /// The view that it belongs to.
    pub(super) view: i64,
    /// p.
    pub(super) page: u32,
    /// When it was made.
    pub(super) made: WallMs,
}

/// Which view, and what it looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ViewPlace {
    pub(super) number: i64,
    /// S.
    pub(super) at_secs: i64,
    /// w.
    pub(super) seq: i64,
    /// c.
    pub(super) version: u32,
}

impl ViewPlace {
    /// Of a view that waits or is kept.
    pub(super) const fn of(view: &View) -> Self {
        Self {
            number: view.number,
            at_secs: view.moment_secs,
            seq: view.seq,
            version: view.version,
        }
    }
}

impl FeedKey {
    /// The key made of these bytes.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn seal(&self, purpose: &[u8], user: Uid, body: &[u8]) -> [u8; SEAL_BYTES] {
        let digest = hmac_sha256(&self.0, &[purpose, &user.get().to_be_bytes(), body]);
        let mut seal = [0; SEAL_BYTES];
        seal.copy_from_slice(&digest[..SEAL_BYTES]);
        seal
    }

    /// A cursor's text.
    pub(super) fn cursor(&self, user: Uid, cursor: &Cursor) -> String {
        let mut bytes = Vec::with_capacity(BODY_BYTES + SEAL_BYTES);
        for number in [cursor.at_secs, cursor.seq, cursor.view, cursor.made.0] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for number in [cursor.version, cursor.page] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let seal = self.seal(b"feed cursor", user, &bytes);
        bytes.extend_from_slice(&seal);
        base64url(&bytes)
    }

    /// What a text says, if it is this user's and unchanged. Its end is the caller's to judge.
    pub(super) fn read_cursor(&self, user: Uid, text: &str) -> Option<Cursor> {
        let bytes = from_base64url(text)?;
        let (body, seal) = bytes.split_at_checked(BODY_BYTES)?;
        if !equal_in_constant_time(&self.seal(b"feed cursor", user, body), seal) {
            return None;
        }
        let long = |at: usize| Some(i64::from_be_bytes(body.get(at..at + 8)?.try_into().ok()?));
        let short = |at: usize| Some(u32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?));
        Some(Cursor {
            at_secs: long(0)?,
            seq: long(8)?,
            view: long(16)?,
            made: WallMs(long(24)?),
            version: short(32)?,
            page: short(36)?,
        })
    }

    /// The mark of a view, `<number>.<16 hex>`. What a view looked at is sealed with its number: the number of a view that a kill
    /// took is given again, and what the lost one told must not vouch for the new one.
    pub(super) fn mark(&self, user: Uid, view: ViewPlace) -> String {
        let numbers = [view.number, view.at_secs, view.seq, i64::from(view.version)];
        let body: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        let seal = self.seal(b"feed view", user, &body);
        format!("{}.{}", view.number, lower_hex(&seal[..8]))
    }

    /// Whether a text is the mark of this view.
    pub(super) fn is_mark_of(&self, user: Uid, view: ViewPlace, text: &str) -> bool {
        equal_in_constant_time(self.mark(user, view).as_bytes(), text.as_bytes())
    }
}

/// The view that a mark speaks of; whether it is genuine is known when that view is.
pub(super) fn view_of_mark(text: &str) -> Option<i64> {
    let (number, seal) = text.split_once('.')?;
    let is_hex = |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
    let is_seal = seal.len() == MARK_DIGITS && seal.bytes().all(is_hex);
    let is_spelled = !number.starts_with(['0', '+', '-']);
    number.parse().ok().filter(|_| is_seal && is_spelled)
}

/// Bytes of base64url without padding; nothing when it is not the one spelling of its bytes.
fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bits: u32 = 0;
    let mut held = 0;
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (base64url(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        Cursor {
            at_secs: 1_795_290_600,
            seq: 17,
            version: 3,
            view: 9,
            page: 2,
            made: WallMs(1_795_290_600_123),
        }
    }

    fn uid(number: i64) -> Uid {
        Uid::new(number).expect("positive")
    }

    #[test]
    fn a_cursor_comes_back_for_its_user_and_unchanged_alone() {
        let key = FeedKey::new([7; 32]);
        let text = key.cursor(uid(5), &cursor());
        assert_eq!(key.read_cursor(uid(5), &text), Some(cursor()));
        assert_eq!(key.read_cursor(uid(6), &text), None);
        assert_eq!(FeedKey::new([8; 32]).read_cursor(uid(5), &text), None);
        for at in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).expect("ASCII");
            assert_eq!(key.read_cursor(uid(5), &other), None, "at {at}");
        }
        for other in [
            "",
            "A",
            "====",
            &text[1..],
            &format!("{text}A"),
            &format!("{text}="),
        ] {
            assert_eq!(key.read_cursor(uid(5), other), None, "{other}");
        }
    }

    #[test]
    fn a_mark_is_a_number_and_sixteen_digits_that_only_its_user_and_view_have() {
        let key = FeedKey::new([7; 32]);
        let view = ViewPlace {
            number: 12,
            at_secs: 1_795_290_600,
            seq: 17,
            version: 3,
        };
        let mark = key.mark(uid(5), view);
        assert_eq!((mark.len(), view_of_mark(&mark)), (19, Some(12)));
        assert!(key.is_mark_of(uid(5), view, &mark));
        assert!(!key.is_mark_of(uid(6), view, &mark));
        for other in [
            ViewPlace { number: 13, ..view },
            ViewPlace {
                at_secs: view.at_secs + 1,
                ..view
            },
            ViewPlace { seq: 18, ..view },
            ViewPlace { version: 4, ..view },
        ] {
            assert!(!key.is_mark_of(uid(5), other, &mark), "{other:?}");
        }
        for other in [
            "",
            "12",
            "12.",
            &mark[..18],
            &format!("{mark}0"),
            &format!("0{mark}"),
            &format!("+{mark}"),
        ] {
            assert_eq!(view_of_mark(other), None, "{other}");
        }
        for other in [mark.to_uppercase(), mark.replace("12.", "13.")] {
            assert!(!key.is_mark_of(uid(5), view, &other), "{other}");
        }
    }
}
