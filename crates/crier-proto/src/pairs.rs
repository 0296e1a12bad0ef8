//! Strict pairs from each source of a request, then the merge (protocol 3.1 to 3.10).
//!
//! Nothing is trimmed, normalised, guessed or lost: what does not fit the grammar is a shape error.
//! Knows nothing of which names mean something; that is `params`.

use crate::render::Format;

/// One name and its decoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// `[A-Za-z0-9_]{1,40}`.
    pub name: Box<str>,
    /// Any UTF-8 without NUL; may be empty.
    pub value: Box<str>,
}

/// Pairs at most, of all sources together before the merge (protocol 3.10).
pub const PAIRS_MAX: usize = 64;
/// Bytes of all decoded names and values at most (protocol 3.10).
pub const PAIR_BYTES_MAX: usize = 65_536;
/// Bytes of a name at most (protocol 3.6).
pub const NAME_BYTES_MAX: usize = 40;
/// Bytes of an urlencoded body at most (protocol 3.10).
pub const URLENCODED_BYTES_MAX: usize = 262_144;
/// Bytes of a multipart body at most (protocol 3.10).
pub const MULTIPART_BYTES_MAX: usize = 10_485_760;

/// What is wrong with the shape of a request; its text is the cause of error 100 (protocol 3.12, 12.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A verb other than GET and POST (protocol 2.1).
    #[error("HTTP method must be GET or POST")]
    Verb,
    /// A content encoding other than identity (protocol 2.5).
    #[error("Content-Encoding must be identity")]
    ContentEncoding,
    /// A non-empty body of an unknown type (protocol 3.2).
    #[error("Content-Type must be application/x-www-form-urlencoded or multipart/form-data")]
    MediaType,
    /// A `%` that is not followed by two hexadecimal digits (protocol 3.3).
    #[error("a percent sign must be followed by two hexadecimal digits")]
    Percent,
    /// A name outside `[A-Za-z0-9_]{1,40}` (protocol 3.6).
    #[error("a parameter name must be 1 to 40 letters, digits or underscores")]
    Name,
    /// A name or value that is not UTF-8 (protocol 3.7).
    #[error("names and values must be UTF-8")]
    Utf8,
    /// A NUL in a name or value (protocol 3.7).
    #[error("names and values must not contain U+0000")]
    Nul,
    /// A name that stands twice within one source (protocol 3.8).
    #[error("{0} is given twice")]
    Doubled(Box<str>),
    /// More than 64 pairs (protocol 3.10).
    #[error("too many parameters, limit 64")]
    TooManyPairs,
    /// More than 65,536 decoded bytes (protocol 3.10).
    #[error("names and values are too long together, limit 65536 bytes")]
    TooManyBytes,
    /// A multipart body that cannot be split: boundary, part headers or closing delimiter (protocol 3.4).
    #[error(
        "the multipart body needs a boundary of 1 to 70 bytes, whole part headers and a closing delimiter"
    )]
    Multipart,
    /// A part without a readable `Content-Disposition: form-data` (protocol 3.4).
    #[error("each part needs one Content-Disposition: form-data")]
    PartDisposition,
    /// A text part without a name (protocol 3.4).
    #[error("each part without a file needs a name")]
    PartName,
    /// A transfer encoding that would have to be decoded (protocol 3.4).
    #[error("Content-Transfer-Encoding must be 7bit, 8bit or binary")]
    PartEncoding,
    /// Two file parts (protocol 3.5).
    #[error("at most one file part is allowed")]
    TwoFiles,
}

/// Pairs as `application/x-www-form-urlencoded`, in the order given; a blank is `%20`.
#[must_use]
pub fn urlencoded(pairs: &[Pair]) -> String {
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|pair| (&*pair.name, &*pair.value)).collect();
    crate::signature::encoded_line(&pairs)
}

/// The merged set of one call, in the order of protocol 3.8: query first, then body, each name once.
#[derive(Debug, Clone, Default)]
pub struct Pairs(Vec<Pair>);

impl Pairs {
    /// All pairs in order, `sig` included.
    #[must_use]
    pub fn as_slice(&self) -> &[Pair] {
        &self.0
    }

    /// The value of `name` as sent, also when empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|pair| &*pair.name == name)
            .map(|pair| &*pair.value)
    }

    /// The value of `name`; an empty value counts as absent (protocol 1.3).
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Puts `body` over `query` (protocol 3.8): a name in both keeps the query's position and takes the body's value.
    #[must_use]
    pub fn merged(query: Source, body: Source) -> Self {
        if query.pairs.is_empty() {
            return Self(body.pairs);
        }
        let mut set = query.pairs;
        let of_query = set.len();
        for pair in body.pairs {
            match set.iter_mut().take(of_query).find(|held| held.name == pair.name) {
                Some(held) => held.value = pair.value,
                None => set.push(pair),
            }
        }
        Self(set)
    }
}

/// The pairs of one source. Made by reading alone, so each name is well-formed and stands once.
#[derive(Debug, Default)]
pub struct Source {
    pairs: Vec<Pair>,
}

/// What the limits of protocol 3.10 leave for the sources that are still to be read.
#[derive(Debug)]
pub struct Budget {
    pairs: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            pairs: PAIRS_MAX,
            bytes: PAIR_BYTES_MAX,
        }
    }
}

impl Budget {
    /// Charges one pair that is about to be read.
    fn pair(&mut self) -> Result<(), ShapeError> {
        self.pairs = self.pairs.checked_sub(1).ok_or(ShapeError::TooManyPairs)?;
        Ok(())
    }

    /// Charges decoded bytes.
    fn bytes(&mut self, count: usize) -> Result<(), ShapeError> {
        self.bytes = self.bytes.checked_sub(count).ok_or(ShapeError::TooManyBytes)?;
        Ok(())
    }
}

impl Source {
    /// Reads a query string or an urlencoded body (protocol 3.3, 3.6 to 3.8), charging `budget`.
    ///
    /// # Errors
    /// The first `ShapeError` from left to right.
    pub fn urlencoded(bytes: &[u8], budget: &mut Budget) -> Result<Self, ShapeError> {
        let mut source = Self::default();
        if !bytes.is_empty() {
            let ampersands = bytes.iter().filter(|byte| **byte == b'&').count();
            source
                .pairs
                .reserve_exact(PAIRS_MAX.min(ampersands.saturating_add(1)));
        }
        for (name, value) in segments(bytes) {
            budget.pair()?;
            let name = decode(name)?;
            let value = decode(value)?;
            source.push(name, value, budget)?;
        }
        Ok(source)
    }

    /// Adds a pair of a text part: raw bytes, where `+` and `%` are ordinary (protocol 3.4).
    ///
    /// # Errors
    /// `ShapeError` for text, names, doubles and limits.
    pub fn add_raw(&mut self, name: &[u8], value: &[u8], budget: &mut Budget) -> Result<(), ShapeError> {
        budget.pair()?;
        self.push(text(name)?.into(), text(value)?.into(), budget)
    }

    /// The last gate of every pair, whichever way it came.
    fn push(&mut self, name: Box<str>, value: Box<str>, budget: &mut Budget) -> Result<(), ShapeError> {
        budget.bytes(name.len().saturating_add(value.len()))?;
        if !is_name(&name) {
            return Err(ShapeError::Name);
        }
        if self.pairs.iter().any(|held| held.name == name) {
            return Err(ShapeError::Doubled(name));
        }
        self.pairs.push(Pair { name, value });
        Ok(())
    }
}

/// Whether a text is `[A-Za-z0-9_]{1,40}` (protocol 3.6).
fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Undecoded names and values; empty segments are skipped, a segment without `=` is a name (protocol 3.3).
fn segments(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    bytes
        .split(|byte| *byte == b'&')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let mut halves = segment.splitn(2, |byte| *byte == b'=');
            (
                halves.next().unwrap_or_default(),
                halves.next().unwrap_or_default(),
            )
        })
}

/// `+` as a space, `%` with two digits as a byte, anything else as it is (protocol 3.3, 3.7).
fn decode(bytes: &[u8]) -> Result<Box<str>, ShapeError> {
    if !bytes.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return text(bytes).map(Into::into);
    }
    // Of three bytes one stays: with exactly this room the text is never copied.
    let percents = bytes.iter().filter(|byte| **byte == b'%').count();
    let mut decoded = Vec::with_capacity(bytes.len().saturating_sub(percents.saturating_mul(2)));
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = rest.next().and_then(hex_value).ok_or(ShapeError::Percent)?;
                let low = rest.next().and_then(hex_value).ok_or(ShapeError::Percent)?;
                (high << 4) | low
            }
            plain => plain,
        });
    }
    let decoded = String::from_utf8(decoded).map_err(|_| ShapeError::Utf8)?;
    without_nul(&decoded)?;
    Ok(decoded.into_boxed_str())
}

/// The value of one hexadecimal digit in any case.
fn hex_value(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// UTF-8 without NUL (protocol 3.7).
fn text(bytes: &[u8]) -> Result<&str, ShapeError> {
    without_nul(std::str::from_utf8(bytes).map_err(|_| ShapeError::Utf8)?)
}

fn without_nul(text: &str) -> Result<&str, ShapeError> {
    if text.contains('\0') {
        Err(ShapeError::Nul)
    } else {
        Ok(text)
    }
}

/// The format named by the first pair `format` that decodes, whatever is wrong with the others (protocol 3.12).
/// The outer `None`: there is no such pair.
#[must_use]
pub fn first_format(bytes: &[u8]) -> Option<Format> {
    segments(bytes)
        .filter(|(name, _)| decode(name).is_ok_and(|name| &*name == "format"))
        .find_map(|(_, value)| decode(value).ok())
        .map(|value| Format::named(&value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, ShapeError> {
        let source = Source::urlencoded(bytes, &mut Budget::default())?;
        Ok(source
            .pairs
            .into_iter()
            .map(|pair| (pair.name.into(), pair.value.into()))
            .collect())
    }

    fn one(value: &[u8]) -> Result<String, ShapeError> {
        let pairs = read(&[b"a=", value].concat())?;
        Ok(pairs.into_iter().map(|(_, value)| value).collect())
    }

    #[test]
    fn plus_is_a_space_and_percent_is_a_byte() {
        assert_eq!(one(b"1+2%2B%c3%A9").unwrap(), "1 2+é");
    }

    #[test]
    fn a_percent_sign_without_two_digits_is_refused() {
        for value in [&b"100%"[..], b"%u00e9", b"%4", b"%g0", b"%0g", b"%%41"] {
            assert_eq!(one(value), Err(ShapeError::Percent), "{value:?}");
        }
    }

    #[test]
    fn empty_segments_are_skipped_and_a_lone_name_has_an_empty_value() {
        let pairs = read(b"&&a&b=&c=1=2&").unwrap();
        let expected = [("a", ""), ("b", ""), ("c", "1=2")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.into(), value.into())));
    }

    #[test]
    fn names_of_1_to_40_letters_digits_and_underscores_are_accepted() {
        assert_eq!(read("a_Z9".repeat(10).as_bytes()).unwrap().len(), 1);
        for name in [
            "a".repeat(41),
            "a[]".into(),
            "a.b".into(),
            "%20a".into(),
            "=x".into(),
            "%c3%a9".into(),
        ] {
            assert_eq!(read(name.as_bytes()), Err(ShapeError::Name), "{name}");
        }
    }

    #[test]
    fn names_are_case_sensitive() {
        assert_eq!(read(b"a=1&A=2").unwrap().len(), 2);
    }

    #[test]
    fn a_name_twice_in_one_source_is_refused_with_its_name() {
        assert_eq!(read(b"uid=1&%75id=1"), Err(ShapeError::Doubled("uid".into())));
        assert_eq!(
            ShapeError::Doubled("uid".into()).to_string(),
            "uid is given twice"
        );
    }

    #[test]
    fn latin_1_bytes_and_nul_are_refused() {
        assert_eq!(one(b"%e9"), Err(ShapeError::Utf8));
        assert_eq!(one(b"\xe9"), Err(ShapeError::Utf8));
        assert_eq!(
            one(b"%ed%a0%80"),
            Err(ShapeError::Utf8),
            "a surrogate is not UTF-8"
        );
        assert_eq!(one(b"a%00b"), Err(ShapeError::Nul));
    }

    #[test]
    fn sixty_four_pairs_are_accepted_and_sixty_five_refused() {
        let list = |count: usize| (0..count).map(|n| format!("n{n}=")).collect::<Vec<_>>().join("&");
        assert_eq!(read(list(64).as_bytes()).unwrap().len(), 64);
        assert_eq!(read(list(65).as_bytes()), Err(ShapeError::TooManyPairs));
    }

    #[test]
    fn the_budget_counts_both_sources_before_the_merge() {
        let list = |count: usize| (0..count).map(|n| format!("n{n}=")).collect::<Vec<_>>().join("&");
        let mut budget = Budget::default();
        Source::urlencoded(list(40).as_bytes(), &mut budget).unwrap();
        let body = Source::urlencoded(list(25).as_bytes(), &mut budget);
        assert_eq!(body.unwrap_err(), ShapeError::TooManyPairs);
    }

    #[test]
    fn decoded_bytes_count_65_536_and_no_more() {
        assert_eq!(one(&b"x".repeat(65_535)).unwrap().len(), 65_535);
        assert_eq!(one(&b"x".repeat(65_536)), Err(ShapeError::TooManyBytes));
        assert_eq!(
            one(&b"%78".repeat(65_535)).unwrap().len(),
            65_535,
            "three sent bytes count as one"
        );
    }

    #[test]
    fn the_body_goes_over_the_query_and_keeps_its_position() {
        let mut budget = Budget::default();
        let query = Source::urlencoded(b"a=1&b=2", &mut budget).unwrap();
        let body = Source::urlencoded(b"c=3&a=4", &mut budget).unwrap();
        let merged = Pairs::merged(query, body);
        let shown: Vec<_> = merged
            .as_slice()
            .iter()
            .map(|pair| format!("{}={}", pair.name, pair.value))
            .collect();
        assert_eq!(shown, ["a=4", "b=2", "c=3"]);
    }

    #[test]
    fn the_first_format_that_decodes_names_the_format() {
        assert_eq!(
            first_format(b"x=%&format=%zz&form%61t=JSON&format=xml"),
            Some(Format::Json)
        );
        assert_eq!(first_format(b"format=yaml&format=json"), Some(Format::Xml));
        assert_eq!(first_format(b"Format=json"), None);
    }

    #[test]
    fn every_cause_is_plain_ascii_of_at_most_200_bytes() {
        use ShapeError as E;
        let doubled = E::Doubled("n".repeat(NAME_BYTES_MAX).into());
        for error in [
            E::Verb,
            E::ContentEncoding,
            E::MediaType,
            E::Percent,
            E::Name,
            E::Utf8,
            E::Nul,
            doubled,
            E::TooManyPairs,
            E::TooManyBytes,
            E::Multipart,
            E::PartDisposition,
            E::PartName,
            E::PartEncoding,
            E::TwoFiles,
        ] {
            let cause = error.to_string();
            assert!(cause.len() <= 200, "{cause}");
            assert!(
                cause
                    .bytes()
                    .all(|b| (0x20..0x7f).contains(&b) && !b"\"<>&\\".contains(&b)),
                "{cause}"
            );
        }
    }
}
