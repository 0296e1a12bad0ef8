//! Resume tokens: open the next connection without the application and without a database query (live 3.9).
//!
//! Promise: a token is accepted only unchanged, from its own origin, before its end. At most 300 characters.

use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::WallMs;
use crier_proto::digest::{equal_in_constant_time, hmac_sha256, lower_hex, sha256};
use crier_proto::ids::{AppId, SessionKey, Uid};

const VERSION: u8 = 2;
/// Hexadecimal digits of the authenticator at the end of a token.
const SEAL_DIGITS: usize = 64;

/// What stands for an origin in a token; a missing Origin has one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginMark([u8; 8]);

impl OriginMark {
    /// The mark of this origin.
    #[must_use]
    pub fn of(origin: Option<&str>) -> Self {
        let digest = match origin {
            Some(origin) => sha256(&[b"origin", origin.as_bytes()]),
            None => sha256(&[b"no origin"]),
        };
        let mut mark = [0; 8];
        mark.copy_from_slice(&digest[..8]);
        Self(mark)
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The right it carries on.
    pub permit: Permit,
    /// Where it may be used.
    pub origin: OriginMark,
    /// The line that it carries on, named by the line's first connection: whoever is open on it is superseded.
    pub line: u64,
    /// When it was made: withdrawals after that void it.
    pub issued_at: WallMs,
}

/// Makes and reads tokens under one key, and keyed names of a page's sends.
pub struct ResumeKey([u8; 32]);

impl ResumeKey {
    /// The key that all nodes share, and that should outlive a restart.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The token.
    #[must_use]
    pub fn seal(&self, resume: &Resume) -> String {
        let permit = &resume.permit;
        let head = format!(
            "{VERSION:02x}{:016x}{:016x}{:016x}{:016x}{:x}{:016x}{:016x}{}{}",
            permit.app.get(),
            permit.user.get(),
            permit.session.0,
            permit.until.0,
            u8::from(permit.session_ends),
            resume.issued_at.0,
            resume.line,
            lower_hex(&resume.origin.0),
            permit.session_key.as_str(),
        );
        let seal = self.mac(&head);
        format!("{head}.{seal}")
    }

    /// What a token says, if it is ours and unchanged. Its end and its origin are the caller's to judge.
    #[must_use]
    pub fn open(&self, token: &str) -> Option<Resume> {
        let (head, seal) = token.split_once('.')?;
        if seal.len() != SEAL_DIGITS || !equal_in_constant_time(self.mac(head).as_bytes(), seal.as_bytes()) {
            return None;
        }
        let mut fields = Fields(head);
        if fields.take(2)? != format!("{VERSION:02x}") {
            return None;
        }
        let app = AppId::new(fields.number()?)?;
        let user = Uid::new(fields.number()?)?;
        let session = SessionId(fields.number()?);
        let until = WallMs(fields.number()?);
        let session_ends = fields.take(1)? == "1";
        let issued_at = WallMs(fields.number()?);
        let line = u64::from_str_radix(fields.take(16)?, 16).ok()?;
        let origin = u64::from_str_radix(fields.take(16)?, 16).ok()?;
        let session_key: SessionKey = fields.0.parse().ok()?;
        Some(Resume {
            permit: Permit {
                app,
                user,
                session,
                session_key,
                until,
                session_ends,
            },
            origin: OriginMark(origin.to_be_bytes()),
            line,
            issued_at,
        })
    }

    /// The public name of a connection, which only this key can make.
    #[must_use]
    pub fn connection_name(&self, connection: u64) -> String {
        let name = hmac_sha256(&self.0, &[b"connection", &connection.to_be_bytes()]);
        format!("{connection:016x}{}", lower_hex(&name[..16]))
    }

    /// Which connection a name is of, if this key made it. Takes as long for a wrong name as for a right one.
    #[must_use]
    pub fn connection_named(&self, name: &str) -> Option<u64> {
        let connection = u64::from_str_radix(name.get(..16)?, 16).ok()?;
        let right = self.connection_name(connection);
        equal_in_constant_time(right.as_bytes(), name.as_bytes()).then_some(connection)
    }

    /// The message id of a page's send: equal for an equal (application, user, `ref`) (live 4.2).
    #[must_use]
    pub fn send_id(&self, permit: &Permit, reference: &str) -> [u8; 16] {
        let app = permit.app.get().to_be_bytes();
        let user = permit.user.get().to_be_bytes();
        let digest = hmac_sha256(&self.0, &[b"send", &app, &user, reference.as_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        id
    }

    fn mac(&self, head: &str) -> String {
        lower_hex(&hmac_sha256(&self.0, &[b"resume", head.as_bytes()]))
    }
}

struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn take(&mut self, digits: usize) -> Option<&'a str> {
        let (field, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        Some(field)
    }

    /// Sixteen hexadecimal digits of a number that was written as its two's complement.
    fn number(&mut self) -> Option<i64> {
        let number = u64::from_str_radix(self.take(16)?, 16).ok()?;
        Some(number.cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resume() -> Resume {
        let user = Uid::new(i64::MAX).expect("the greatest uid");
        Resume {
            permit: Permit {
                app: AppId::new(i64::MAX).expect("the greatest application id"),
                user,
                session: SessionId(77),
                session_key: SessionKey::of("0123456789abcdef01234567", user).expect("24 digits"),
                until: WallMs(1_795_290_600_000),
                session_ends: true,
            },
            origin: OriginMark::of(Some("https://a.example")),
            line: u64::MAX,
            issued_at: WallMs(1_795_290_000_000),
        }
    }

    #[test]
    fn a_token_says_what_was_sealed_and_is_short_enough() {
        let key = ResumeKey::new([3; 32]);
        let token = key.seal(&resume());
        assert!(token.len() <= 300, "{}", token.len());
        assert_eq!(key.open(&token), Some(resume()));
        assert_ne!(OriginMark::of(None), resume().origin);
    }

    #[test]
    fn a_token_changed_in_any_one_character_is_refused() {
        let key = ResumeKey::new([3; 32]);
        let token = key.seal(&resume());
        assert!(ResumeKey::new([4; 32]).open(&token).is_none());
        for index in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[index] = if bytes[index] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).expect("still ASCII");
            assert!(key.open(&changed).is_none(), "at {index}");
        }
        for text in ["", ".", "01", &token[1..], &token[..token.len() - 1]] {
            assert!(key.open(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_connection_is_found_by_its_name_and_by_no_other_spelling() {
        let key = ResumeKey::new([3; 32]);
        let name = key.connection_name(0xfeed);
        assert_eq!((name.len(), key.connection_named(&name)), (48, Some(0xfeed)));
        let others = [
            name[..47].to_owned(),
            format!("{name}0"),
            name.to_uppercase(),
            name.replacen('0', "+", 1),
            format!("{}{}", &key.connection_name(0xfeee)[..16], &name[16..]),
            ResumeKey::new([4; 32]).connection_name(0xfeed),
            "é".repeat(24),
            String::new(),
        ];
        for other in others {
            assert_eq!(key.connection_named(&other), None, "{other}");
        }
    }

    #[test]
    fn a_repeated_ref_names_the_same_message_and_another_user_s_does_not() {
        let key = ResumeKey::new([3; 32]);
        let mine = resume().permit;
        let theirs = Permit {
            user: Uid::new(5).expect("5 is a uid"),
            ..mine.clone()
        };
        assert_eq!(key.send_id(&mine, "abcdefgh"), key.send_id(&mine, "abcdefgh"));
        assert_ne!(key.send_id(&mine, "abcdefgh"), key.send_id(&theirs, "abcdefgh"));
        assert_ne!(key.send_id(&mine, "abcdefgh"), key.send_id(&mine, "abcdefgi"));
    }
}
