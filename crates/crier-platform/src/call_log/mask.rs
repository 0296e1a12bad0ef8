//! What of a value may be kept: keys, secrets and signatures are tildes from the beginning.
//!
//! A tilde stands for each byte, so that the places of all other bytes stay; version 2 leaves it as it is too (protocol 8.2).

use crier_proto::pairs::Pair;

/// What stands for a hidden byte.
pub const MASK: u8 = b'~';
/// Runs of hexadecimal digits from this length on are keys, secrets or signatures.
const RUN_MIN: usize = 24;
/// Names whose digits are public: the application's key, a message's number, a file's digest.
const PUBLIC: [&str; 3] = ["api_key", "id", "file_sha256"];
/// Names whose whole value opens something, however short it is.
const OPENING: [&str; 2] = ["auth_token", "session_key"];

/// A value as it may be kept.
pub(super) fn masked(pair: &Pair) -> Box<str> {
    if PUBLIC.contains(&&*pair.name) {
        return pair.value.clone();
    }
    if OPENING.contains(&&*pair.name) {
        return opening(&pair.value).into();
    }
    let mut value = pair.value.as_bytes().to_vec();
    for (from, to) in runs(&pair.value) {
        hide(&mut value, (from, to));
    }
    String::from_utf8(value).unwrap_or_default().into()
}

/// A key is hidden up to its last hyphen: the uid behind it says for whom the call was meant.
fn opening(value: &str) -> String {
    let open = value.rfind('-').filter(|at| {
        value
            .get(at + 1..)
            .is_some_and(|uid| uid.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let (hidden, uid) = value.split_at(open.unwrap_or(value.len()));
    format!("{}{uid}", char::from(MASK).to_string().repeat(hidden.len()))
}

/// A text that was made of these pairs, with everything hidden that is hidden in them.
pub(super) fn masked_text(text: &[u8], pairs: &[Pair]) -> Box<[u8]> {
    let mut kept = text.to_vec();
    for pair in pairs.iter().filter(|pair| !PUBLIC.contains(&&*pair.name)) {
        let value = &*pair.value;
        let mut secrets: Vec<&str> = runs(value)
            .into_iter()
            .filter_map(|(from, to)| value.get(from..to))
            .collect();
        if OPENING.contains(&&*pair.name) {
            let hidden = opening(value)
                .trim_end_matches(|letter| letter != char::from(MASK))
                .len();
            secrets.extend(value.get(..hidden).filter(|hidden| !hidden.is_empty()));
        }
        for secret in secrets {
            let (length, secret) = (secret.len(), secret.as_bytes());
            for from in 0..=kept.len().saturating_sub(length) {
                let found = kept.get(from..from + length);
                if found.is_some_and(|found| found.eq_ignore_ascii_case(secret)) {
                    hide(&mut kept, (from, from + length));
                }
            }
        }
    }
    kept.into()
}

fn hide(value: &mut [u8], (from, to): (usize, usize)) {
    if let Some(run) = value.get_mut(from..to) {
        run.fill(MASK);
    }
}

/// From where to where long runs of hexadecimal digits reach.
fn runs(value: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, byte) in value.bytes().chain([b' ']).enumerate() {
        if !byte.is_ascii_hexdigit() {
            if at - from >= RUN_MIN {
                found.push((from, at));
            }
            from = at + 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "acacbdbd010123237878dede-1240077";

    fn pair(name: &str, value: &str) -> Pair {
        Pair {
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn keys_secrets_and_signatures_are_tildes_of_the_same_length() {
        let digits = "0123456789abcdef0123456789abcdef";
        for (name, value, kept) in [
            ("session_key", KEY, format!("{}-1240077", "~".repeat(24))),
            ("session_key", "ACACBDBD", "~".repeat(8)),
            ("auth_token", "AB12Z", "~".repeat(5)),
            ("auth_token", digits, "~".repeat(32)),
            ("api_key", digits, digits.to_owned()),
            ("id", digits, digits.to_owned()),
            ("secret", &format!("{digits}__"), format!("{}__", "~".repeat(32))),
            (
                "method_feed",
                &format!("[\"a=1&session_key={KEY}\"]"),
                format!("[\"a=1&session_key={}-1240077\"]", "~".repeat(24)),
            ),
            (
                "message",
                "é 0123456789abcdef0123456",
                "é ".to_owned() + "0123456789abcdef0123456",
            ),
            ("message", "", String::new()),
        ] {
            let masked = masked(&pair(name, value));
            assert_eq!((&*masked, masked.len()), (&*kept, value.len()), "{name}");
        }
    }

    #[test]
    fn a_text_made_of_the_pairs_shows_nothing_that_they_hide() {
        let pairs = [
            pair("session_key", KEY),
            pair("auth_token", "AB12Z"),
            pair("v", "1.0"),
        ];
        let text = format!("auth_token=AB12Zsession_key={}v=1.0", KEY.to_ascii_uppercase());
        let kept = masked_text(text.as_bytes(), &pairs);
        let expected = format!("auth_token=~~~~~session_key={}-1240077v=1.0", "~".repeat(24));
        assert_eq!(std::str::from_utf8(&kept), Ok(&*expected));
        assert!(masked_text(b"", &pairs).is_empty());
    }
}
