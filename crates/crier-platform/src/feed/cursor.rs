//! What a feed page carries so that the next request can be trusted: the cursor of "More stories" and the token of a click
//! (feed 4.11, 2.9).
//!
//! Promise: both are bound to one user by a keyed MAC; what is foreign, altered, over or of another server's key is told from
//! what is genuine without a look at the books. Pure: knows no record and no clock.

use crate::model::time::WallMs;
use crier_proto::digest::{base64url, equal_in_constant_time, hmac_sha256, lower_hex};
use crier_proto::ids::Uid;

/// Bytes of a cursor before its MAC.
const CURSOR_BYTES: usize = 40;
/// Bytes of its MAC.
const MAC_BYTES: usize = 16;
/// Bytes of a click's MAC: sixteen digits (feed 2.9).
const CLICK_MAC_BYTES: usize = 8;
/// What each MAC is about, so that neither passes for the other.
const CURSOR_DOMAIN: &[u8] = b"crier-feed-cursor-1";
const CLICK_DOMAIN: &[u8] = b"crier-feed-click-1";

/// A place in one snapshot: which feed page comes next (feed 4.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// S in whole seconds.
    pub moment_secs: i64,
    /// w.
    pub seq: i64,
    /// c.
    pub version: u32,
    /// The view that the snapshot belongs to.
    pub view: i64,
    /// p: the feed page to serve, from 2.
    pub page: u32,
}

/// Why a cursor leads back to the first feed page, with a notice (feed 4.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAgain {
    /// It was made longer ago than `feed.cursor_ttl`.
    Expired,
    /// It is another user's, altered, or no cursor.
    NotGenuine,
}

/// The key under which feed pages are vouched for.
#[derive(Clone)]
pub struct FeedKey([u8; 32]);

impl FeedKey {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Writes a cursor for a user that ends at a moment, in base64url.
    #[must_use]
    pub fn cursor(&self, user: Uid, cursor: Cursor, ends_at: WallMs) -> String {
        let body = [
            &cursor.moment_secs.to_be_bytes()[..],
            &cursor.seq.to_be_bytes(),
            &cursor.version.to_be_bytes(),
            &cursor.view.to_be_bytes(),
            &cursor.page.to_be_bytes(),
            &ends_at.0.to_be_bytes(),
        ]
        .concat();
        let mac = self.mac(CURSOR_DOMAIN, user, &body);
        base64url(&[&body[..], mac.get(..MAC_BYTES).unwrap_or_default()].concat())
    }

    /// Reads a user's own cursor.
    ///
    /// # Errors
    /// Why the user starts again.
    pub fn read_cursor(&self, user: Uid, text: &str, now: WallMs) -> Result<Cursor, StartAgain> {
        let bytes = read_base64url(text).ok_or(StartAgain::NotGenuine)?;
        let (body, given) = bytes
            .split_at_checked(CURSOR_BYTES)
            .filter(|(_, mac)| mac.len() == MAC_BYTES)
            .ok_or(StartAgain::NotGenuine)?;
        let mac = self.mac(CURSOR_DOMAIN, user, body);
        if !equal_in_constant_time(mac.get(..MAC_BYTES).unwrap_or_default(), given) {
            return Err(StartAgain::NotGenuine);
        }
        let mut fields = Fields(body);
        let read = (|| {
            let cursor = Cursor {
                moment_secs: fields.long()?,
                seq: fields.long()?,
                version: fields.short()?,
                view: fields.long()?,
                page: fields.short()?,
            };
            Some((cursor, WallMs(fields.long()?)))
        })();
        match read {
            Some((cursor, ends_at)) if now < ends_at => Ok(cursor),
            Some(_) => Err(StartAgain::Expired),
            None => Err(StartAgain::NotGenuine),
        }
    }

    /// `v` of the links of a view: `<view number>.<16 hex>` (feed 2.9).
    #[must_use]
    pub fn click_token(&self, user: Uid, view: i64) -> String {
        let mac = self.mac(CLICK_DOMAIN, user, &view.to_be_bytes());
        let digits = lower_hex(mac.get(..CLICK_MAC_BYTES).unwrap_or_default());
        format!("{view}.{digits}")
    }

    /// The view that a genuine `v` of this user names; `None` for any other text, so also for another spelling.
    #[must_use]
    pub fn clicked_view(&self, user: Uid, token: &str) -> Option<i64> {
        let (view, _digits) = token.split_once('.')?;
        let view: i64 = view.parse().ok().filter(|view| *view >= 1)?;
        let genuine = self.click_token(user, view);
        equal_in_constant_time(genuine.as_bytes(), token.as_bytes()).then_some(view)
    }

    fn mac(&self, domain: &[u8], user: Uid, body: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.0, &[domain, &user.get().to_be_bytes(), body])
    }
}

/// The numbers of a cursor, one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn long(&mut self) -> Option<i64> {
        self.0.split_off(..8)?.try_into().ok().map(i64::from_be_bytes)
    }

    fn short(&mut self) -> Option<u32> {
        self.0.split_off(..4)?.try_into().ok().map(u32::from_be_bytes)
    }
}

/// The bytes behind the one spelling that `base64url` gives them.
fn read_base64url(text: &str) -> Option<Vec<u8>> {
    if text.len() > (CURSOR_BYTES + MAC_BYTES).div_ceil(3) * 4 {
        return None;
    }
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0u32);
    for letter in text.bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(six)) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xFF).ok()?);
        }
    }
    (base64url(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallMs = WallMs(1_795_291_200_000);
    const HOUR_MS: i64 = 3_600_000;

    fn key() -> FeedKey {
        FeedKey::new([7; 32])
    }

    fn uid(number: i64) -> Uid {
        Uid::new(number).unwrap()
    }

    fn cursor() -> Cursor {
        Cursor {
            moment_secs: 1_795_291_200,
            seq: 4_711,
            version: 3,
            view: 12,
            page: 2,
        }
    }

    #[test]
    fn a_cursor_comes_back_to_its_user_until_cursor_ttl_is_over() {
        let ends_at = NOW.plus_ms(HOUR_MS);
        let text = key().cursor(uid(7), cursor(), ends_at);
        assert_eq!(text.len(), 75);
        let read = |now| key().read_cursor(uid(7), &text, now);
        assert_eq!(read(NOW), Ok(cursor()));
        assert_eq!(read(ends_at.plus_ms(-1)), Ok(cursor()));
        assert_eq!(read(ends_at), Err(StartAgain::Expired));
    }

    #[test]
    fn a_foreign_or_altered_cursor_is_not_genuine() {
        let text = key().cursor(uid(7), cursor(), NOW.plus_ms(HOUR_MS));
        let read = |user, text: &str| key().read_cursor(uid(user), text, NOW);
        assert_eq!(read(8, &text), Err(StartAgain::NotGenuine));
        let other = FeedKey::new([8; 32]);
        assert_eq!(other.read_cursor(uid(7), &text, NOW), Err(StartAgain::NotGenuine));
        for place in 0..text.len() {
            for letter in ["A", "B", "_", "=", " ", "é"] {
                let mut altered = text.clone();
                altered.replace_range(place..=place, letter);
                if altered != text {
                    assert_eq!(read(7, &altered), Err(StartAgain::NotGenuine), "{altered}");
                }
            }
            let cut = text.get(..place).unwrap();
            assert_eq!(read(7, cut), Err(StartAgain::NotGenuine), "{cut}");
        }
        for longer in ["A", "AA", "AAAA", "="] {
            assert_eq!(read(7, &format!("{text}{longer}")), Err(StartAgain::NotGenuine));
        }
    }

    #[test]
    fn the_numbers_of_a_cursor_reach_their_ends() {
        let ends = Cursor {
            moment_secs: i64::MIN,
            seq: i64::MAX,
            version: u32::MAX,
            view: i64::MAX,
            page: u32::MAX,
        };
        let text = key().cursor(uid(i64::MAX), ends, WallMs(i64::MAX));
        assert_eq!(key().read_cursor(uid(i64::MAX), &text, NOW), Ok(ends));
    }

    #[test]
    fn a_click_is_vouched_for_by_user_and_view_in_one_spelling() {
        let token = key().click_token(uid(7), 12);
        let (view, digits) = token.split_once('.').unwrap();
        assert_eq!((view, digits.len()), ("12", 16));
        assert!(
            digits
                .bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        );
        assert_eq!(key().clicked_view(uid(7), &token), Some(12));
        assert_eq!(key().clicked_view(uid(8), &token), None);
        for forged in [
            format!("13.{digits}"),
            format!("012.{digits}"),
            format!("+12.{digits}"),
            format!("12.{}", digits.to_uppercase() + "g"),
            format!("12.{digits}0"),
            "12.".to_owned(),
            digits.to_owned(),
            String::new(),
        ] {
            assert_eq!(key().clicked_view(uid(7), &forged), None, "{forged}");
        }
        assert_eq!(key().clicked_view(uid(7), &key().click_token(uid(7), 0)), None);
    }
}
