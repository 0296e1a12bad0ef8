//! Names and values of a query or a form: each name once, percent-decoded strictly, nothing lost or merged.
//!
//! Unknown names are carried along unread, as period links may hold more than a page knows.

use std::collections::HashSet;

/// Names and values in the order of their coming.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

/// Why a query or a form cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadFields {
    /// More pairs than `site.fields_max`.
    TooMany,
    /// A bad escape, bad UTF-8, a control character, or a name that comes twice.
    Malformed,
}

impl Fields {
    /// Reads `name=value&…`, at most so many pairs.
    ///
    /// # Errors
    /// `BadFields`.
    pub(crate) fn read(bytes: &[u8], pairs_max: usize) -> Result<Self, BadFields> {
        let fields = Self::read_texts(bytes, pairs_max)?;
        let plain = |text: &str| !text.chars().any(char::is_control);
        if fields.0.iter().all(|(name, value)| plain(name) && plain(value)) {
            Ok(fields)
        } else {
            Err(BadFields::Malformed)
        }
    }

    /// As `read`, for values that may have any characters but NUL and several lines; a browser's line ends become LF.
    ///
    /// # Errors
    /// As `read`.
    pub(crate) fn read_texts(bytes: &[u8], pairs_max: usize) -> Result<Self, BadFields> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut known = HashSet::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let split = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(split);
            let name = decoded(name)?;
            let value = decoded(value.get(1..).unwrap_or_default())?;
            if fields.len() == pairs_max {
                return Err(BadFields::TooMany);
            }
            if !known.insert(name.clone()) {
                return Err(BadFields::Malformed);
            }
            fields.push((name, value));
        }
        Ok(Self(fields))
    }

    /// The value of a name; an empty one counts as absent.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether a name is there, with whatever value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// One side of a pair: `+` is a blank, escapes are two hexadecimal digits, the whole is UTF-8 without NUL.
fn decoded(bytes: &[u8]) -> Result<String, BadFields> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = rest.next().and_then(nibble).ok_or(BadFields::Malformed)?;
                let low = rest.next().and_then(nibble).ok_or(BadFields::Malformed)?;
                high << 4 | low
            }
            other => other,
        });
    }
    let text = String::from_utf8(out).map_err(|_| BadFields::Malformed)?;
    if text.contains('\0') {
        return Err(BadFields::Malformed);
    }
    Ok(if text.contains('\r') {
        text.replace("\r\n", "\n")
    } else {
        text
    })
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// A value as it may stand in a query.
pub(crate) fn encoded(value: &str) -> String {
    use std::fmt::Write as _;
    value
        .bytes()
        .fold(String::with_capacity(value.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                out.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_once_and_an_empty_value_counts_as_absent() {
        let fields = Fields::read(b"next=%2Ffeed%3Fa%3D1&name=Ada+L%C3%A9&v=&canvas", 64).unwrap();
        assert_eq!(fields.value("next"), Some("/feed?a=1"));
        assert_eq!(fields.value("name"), Some("Ada L\u{e9}"));
        assert_eq!(fields.value("v"), None);
        assert!(fields.has("v") && fields.has("canvas") && !fields.has("popup"));
    }

    #[test]
    fn what_is_doubled_broken_or_a_control_is_refused() {
        for bad in [
            &b"a=1&a=2"[..],
            b"a=%",
            b"a=%4",
            b"a=%zz",
            b"a=%ff",
            b"a=%00",
            b"a=%0d%0a",
            b"a=\x07",
        ] {
            assert_eq!(Fields::read(bad, 64), Err(BadFields::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn texts_may_have_lines_and_controls_but_no_nul() {
        let fields = Fields::read_texts(b"a=1%0d%0a2%07&b=%0a", 64).unwrap();
        assert_eq!(
            (fields.value("a"), fields.value("b")),
            (Some("1\n2\u{7}"), Some("\n"))
        );
        assert_eq!(Fields::read_texts(b"a=%00", 64), Err(BadFields::Malformed));
    }

    #[test]
    fn one_pair_more_than_fields_max_is_refused_as_that() {
        let query = |count: usize| {
            (0..count)
                .map(|n| format!("n{n}=1"))
                .collect::<Vec<_>>()
                .join("&")
        };
        assert!(Fields::read(query(64).as_bytes(), 64).is_ok());
        assert_eq!(Fields::read(query(65).as_bytes(), 64), Err(BadFields::TooMany));
    }

    #[test]
    fn what_is_encoded_reads_back() {
        let value = "http://a.example/?x=1&y=ü #z";
        let query = format!("next={}", encoded(value));
        assert!(query.is_ascii() && !query.contains(' '));
        assert_eq!(
            Fields::read(query.as_bytes(), 64).unwrap().value("next"),
            Some(value)
        );
    }
}
