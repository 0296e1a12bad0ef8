//! Signed texts and answers as a page shows them: byte for byte, with what cannot be seen made visible.

use crier_proto::mistake::Difference;

/// A text with one byte marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::site) struct MarkedText {
    pub(in crate::site) before: String,
    /// The marked byte; empty where nothing is marked.
    pub(in crate::site) mark: String,
    pub(in crate::site) after: String,
}

impl MarkedText {
    /// A text without a mark.
    pub(super) fn plain(text: &str) -> Self {
        Self {
            before: shown(text.as_bytes()),
            mark: String::new(),
            after: String::new(),
        }
    }

    /// A text with the byte at this place marked, or its end.
    pub(super) fn marked(text: &[u8], at: usize) -> Self {
        let (before, rest) = text.split_at(at.min(text.len()));
        let (mark, after) = rest.split_at(rest.len().min(1));
        Self {
            before: shown(before),
            mark: match mark {
                [] => "end".to_owned(),
                b" " => "␣".to_owned(),
                b"\n" => "↵\n".to_owned(),
                byte => shown(byte),
            },
            after: shown(after),
        }
    }
}

/// Where two texts part, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::site) struct Parting {
    /// Its place, from 0.
    pub(in crate::site) at: usize,
    /// The part of our text that it lies in.
    pub(in crate::site) part: String,
    pub(in crate::site) ours: String,
    pub(in crate::site) theirs: String,
}

impl Parting {
    pub(super) fn of(difference: &Difference) -> Self {
        Self {
            at: difference.at,
            part: difference.part.to_string(),
            ours: byte(difference.ours),
            theirs: byte(difference.theirs),
        }
    }
}

/// A byte in words.
fn byte(byte: Option<u8>) -> String {
    match byte {
        None => "nothing: the text has ended".to_owned(),
        Some(b' ') => "a blank (0x20)".to_owned(),
        Some(seen) if seen.is_ascii_graphic() => format!("{} (0x{seen:02x})", char::from(seen)),
        Some(other) => format!("the byte 0x{other:02x}"),
    }
}

/// Bytes as a page can show them: what is no UTF-8 and every control but LF as `\x` and two digits.
pub(super) fn shown(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() && letter != '\n' {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\x{:02x}", u32::from(letter));
            } else {
                out.push(letter);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_made_visible() {
        assert_eq!(shown(b"a\xE9b\x07\n\xC3\xA9"), "a\\xe9b\\x07\n\u{e9}");
        let marked = MarkedText::marked("é b".as_bytes(), 1);
        assert_eq!(
            (&*marked.before, &*marked.mark, &*marked.after),
            ("\\xc3", "\\xa9", " b")
        );
        assert_eq!(MarkedText::marked(b"a b", 1).mark, "␣");
        assert_eq!(MarkedText::marked(b"ab", 2).mark, "end");
        assert_eq!(MarkedText::marked(b"ab", 9).before, "ab");
        assert_eq!(byte(Some(b'&')), "& (0x26)");
        assert_eq!(byte(Some(0xE9)), "the byte 0xe9");
    }
}
