//! Claims and outcomes as the books keep them: bytes of the snapshot's own encoding behind a number that names its shape.
//!
//! Promise: no bytes make the reader panic; words of another shape are none, never something else.

use crate::records::Record;
use crate::snapshot::codec::{In, Out};
use crier_proto::frame::PageId;

/// The shape of a claim's words; any other shape has another number.
const SHAPE: u8 = 1;
/// The shape of a record's words.
const RECORD_SHAPE: u8 = 2;

/// Who alone may run a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The page.
    pub(crate) page: PageId,
    /// Another page had it before and vanished.
    pub(crate) redelivered: bool,
}

impl Claim {
    /// As the books keep it.
    pub(crate) fn words(&self) -> Vec<u8> {
        let mut out = Out::default();
        out.byte(SHAPE);
        out.text(self.page.as_str());
        out.flag(self.redelivered);
        out.done()
    }

    /// What the words say.
    pub(crate) fn of(words: &[u8]) -> Option<Self> {
        let mut payload = In::of(words);
        (payload.byte()? == SHAPE).then_some(())?;
        let claim = Self {
            page: payload.text()?.parse().ok()?,
            redelivered: payload.flag()?,
        };
        payload.end()?;
        Some(claim)
    }
}

/// A record as the books keep it.
pub(crate) fn words_of(record: &Record) -> Vec<u8> {
    let mut out = Out::default();
    out.byte(RECORD_SHAPE);
    record.write(&mut out);
    out.done()
}

/// The record that the words tell of.
pub(crate) fn record_of(words: &[u8]) -> Option<Record> {
    let mut payload = In::of(words);
    (payload.byte()? == RECORD_SHAPE).then_some(())?;
    let record = Record::read(&mut payload)?;
    payload.end()?;
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_comes_back_and_other_words_are_none() {
        let claim = Claim {
            page: "page-0123456789abcdef".parse().expect("21 characters"),
            redelivered: true,
        };
        let words = claim.words();
        assert_eq!(Claim::of(&words), Some(claim));
        for length in 0..words.len() {
            assert_eq!(Claim::of(&words[..length]), None, "cut at {length}");
        }
        let other = [&[SHAPE + 1], &words[1..]].concat();
        assert_eq!(Claim::of(&other), None);
        assert!(record_of(&words).is_none());
    }
}
