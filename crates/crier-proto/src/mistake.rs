//! What a caller whose signature does not match has probably signed instead (protocol 6 and 8): for people who look for their
//! mistake.
//!
//! It computes what the usual mistakes would have signed, and decides nothing: a call that shows one is refused all the same.
//! Neither a secret nor a right signature stands in what it says.
//!
//! - here: the mistakes in words, and where two texts part
//! - `trial`: which of them makes a given `sig`; `texts`: what each of them signs

#[cfg(test)]
mod tests;
mod texts;
mod trial;

pub use trial::{Secrets, explain};

use crate::call::{RawCall, Verb};
use crate::pairs::Pair;
use crate::signature::{Version, canonical_text_v2, encoded_line, signed_pairs, signed_text_v1};
use std::fmt;

/// The usual ways to a wrong `sig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// The right digits in upper case, or with white space round them.
    Spelling,
    /// As many digits as the other version has.
    OtherVersion,
    /// The other secret of protocol 6.2: the session's for the application's, or the reverse.
    OtherSecret,
    /// The application's secret before its last rotation, which signs no more.
    FormerSecret,
    /// Version 1: the secret before the text.
    SecretFirst,
    /// A blank or a line's end behind the secret.
    BlankBehindSecret,
    /// A blank or a line's end behind the text.
    BlankBehindText,
    /// Version 2: the secret's digits read as bytes.
    SecretFromHex,
    /// Version 2: SHA-256 over text and secret instead of HMAC.
    NotKeyed,
    /// The pairs in the order in which they were sent.
    Unsorted,
    /// Names sorted without regard to case.
    SortedWithoutCase,
    /// Version 1: values as they travel, percent-encoded.
    Encoded,
    /// Version 2: values as plain text.
    NotEncoded,
    /// Version 2: percent-encoded in another style, such as `+` for a blank.
    EncodedOtherwise,
    /// Version 1: something between the pairs.
    Joined,
    /// Version 1: names and values without `=`.
    WithoutEquals,
    /// Pairs with an empty value left out.
    EmptyLeftOut,
    /// Values without the white space at their ends.
    Trimmed,
    /// A value with white space at its end that was not sent.
    Padded(Box<str>),
    /// Upper for lower case or the reverse.
    LetterCase,
    /// ISO-8859-1 for UTF-8.
    Latin1,
    /// UTF-8 encoded a second time.
    Utf8Twice,
    /// UTF-16 for UTF-8.
    Utf16,
    /// `sig` itself, still empty.
    SigIncluded,
    /// One pair left out, or added after signing.
    LeftOut(Box<str>),
    /// One pair that was not sent.
    NotSent(&'static str),
    /// Version 2: `GET` for `POST` or the reverse.
    OtherVerb,
    /// Version 2: another path.
    OtherPath,
    /// Version 2: without the lines before the pairs.
    LinesLeftOut,
    /// Version 2: lines joined otherwise than by one LF, or one more at the end.
    LineEnds,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Spelling => "sig must be lower case, without white space",
            Self::OtherVersion => {
                "sig has as many digits as the other version's: 32 without sig_version, 64 with sig_version=2"
            }
            Self::OtherSecret => "signed with the other secret: see kind, session_key and ss",
            Self::FormerSecret => "signed with the secret before the last rotation, which signs no more",
            Self::SecretFirst => "the secret stands before the text, it belongs behind it",
            Self::BlankBehindSecret => "the secret ends in a blank or a line's end",
            Self::BlankBehindText => "a blank or a line's end stands behind the text",
            Self::SecretFromHex => {
                "the secret's digits are the key as they stand, not the bytes that they spell"
            }
            Self::NotKeyed => "SHA-256 over text and secret is no HMAC: the secret is its key",
            Self::Unsorted => "the pairs are signed as sent, they must be sorted by name",
            Self::SortedWithoutCase => "names must be sorted by their bytes: upper case before lower case",
            Self::Encoded => "values are signed percent-encoded, they must be signed as plain text",
            Self::NotEncoded => "values are signed as plain text, in version 2 they are percent-encoded",
            Self::EncodedOtherwise => {
                "percent-encoded in another style: a blank is %20, digits are upper case, and A-Z a-z 0-9 - . _ ~ alone stay"
            }
            Self::Joined => "nothing stands between the pairs that are signed",
            Self::WithoutEquals => "an equals sign stands between each name and its value",
            Self::EmptyLeftOut => "pairs with an empty value are signed too",
            Self::Trimmed => "values must be signed with the white space at their ends",
            Self::Padded(name) => return write!(out, "{name} is signed with white space that is not sent"),
            Self::LetterCase => "names and values must be signed in upper and lower case as they are sent",
            Self::Latin1 => "values must be signed and sent as UTF-8",
            Self::Utf8Twice => "values are encoded as UTF-8 twice",
            Self::Utf16 => "text and secret are signed as UTF-16, they must be UTF-8",
            Self::SigIncluded => "sig itself is not signed",
            Self::LeftOut(name) => return write!(out, "{name} is sent and not signed"),
            Self::NotSent(name) => return write!(out, "{name} is signed and not sent"),
            Self::OtherVerb => "line 2 must be the HTTP method as sent",
            Self::OtherPath => "line 3 must be the path of the REST door, without scheme, host and query",
            Self::LinesLeftOut => "the lines before the pairs are signed too",
            Self::LineEnds => "lines are joined by one LF each, without one at the end",
        };
        out.write_str(text)
    }
}

/// How a call's pairs become the text that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form<'a> {
    /// The version.
    pub version: Version,
    /// Line 2 of version 2.
    pub verb: Verb,
    /// Line 3 of version 2.
    pub path: &'a str,
}

impl<'a> Form<'a> {
    /// The form that a call chose; `None` when `sig_version` is there and not `2`.
    #[must_use]
    pub fn of(call: &'a RawCall) -> Option<Self> {
        let version = match call.pairs().get("sig_version") {
            None => Version::Md5,
            Some("2") => Version::Hmac,
            Some(_) => return None,
        };
        Some(Self {
            version,
            verb: call.verb(),
            path: call.path(),
        })
    }

    /// The text that is signed.
    #[must_use]
    pub fn text(&self, pairs: &[Pair]) -> String {
        match self.version {
            Version::Md5 => signed_text_v1(pairs),
            Version::Hmac => canonical_text_v2(self.verb, self.path, pairs),
        }
    }
}

/// In which part of our text a byte lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// In a parameter's name or value.
    Parameter(Box<str>),
    /// In line 1, 2 or 3 of version 2.
    Line(u8),
    /// Behind its end.
    End,
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => out.write_str(name),
            Self::Line(1) => out.write_str("line 1"),
            Self::Line(2) => out.write_str("line 2, the HTTP method"),
            Self::Line(_) => out.write_str("line 3, the path"),
            Self::End => out.write_str("the end"),
        }
    }
}

/// The first byte in which two signed texts differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its place, counted from 0.
    pub at: usize,
    /// Our byte; `None` where our text has ended.
    pub ours: Option<u8>,
    /// Theirs.
    pub theirs: Option<u8>,
    /// Where it lies in our text.
    pub part: Part,
}

/// What was probably done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The mistake.
    pub mistake: Mistake,
    /// The text that it signs; `None` where the text is right.
    pub theirs: Option<Box<[u8]>>,
    /// Where that text leaves ours.
    pub differs: Option<Difference>,
}

/// Where a text that a caller has signed leaves ours; `None` if they are equal.
#[must_use]
pub fn first_difference(form: Form<'_>, pairs: &[Pair], theirs: &[u8]) -> Option<Difference> {
    let ours = form.text(pairs).into_bytes();
    let same = ours.iter().zip(theirs).take_while(|(one, other)| one == other);
    let at = same.count();
    let (our_byte, their_byte) = (ours.get(at).copied(), theirs.get(at).copied());
    (our_byte != their_byte).then(|| Difference {
        at,
        ours: our_byte,
        theirs: their_byte,
        part: part_at(form, pairs, at),
    })
}

/// The part of our text that holds the byte at this place.
fn part_at(form: Form<'_>, pairs: &[Pair], at: usize) -> Part {
    let signed = signed_pairs(pairs);
    let mut end = 0_usize;
    if form.version == Version::Hmac {
        let text = form.text(&[]);
        for (line, number) in text.split('\n').zip(1..=3) {
            end = end.saturating_add(line.len()).saturating_add(1);
            if at < end {
                return Part::Line(number);
            }
        }
    }
    for (place, pair) in signed.iter().enumerate() {
        let length = match form.version {
            Version::Md5 => pair.0.len().saturating_add(pair.1.len()).saturating_add(1),
            // With the `&` before it.
            Version::Hmac => encoded_line(&[*pair])
                .len()
                .saturating_add(usize::from(place > 0)),
        };
        end = end.saturating_add(length);
        if at < end {
            return Part::Parameter(pair.0.into());
        }
    }
    Part::End
}
