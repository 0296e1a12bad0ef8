//! One call as its application's developer may see it.
//!
//! What is kept: of every call its moment, method, user, `call_id`, answer and what it made; of a refused call its parameters too;
//! of an answered one only while somebody looks, and then no text that people wrote. Of no call a signature, a key or a secret.

use super::mask::{masked, masked_text};
use crate::model::time::WallMs;
use crier_proto::call::{RawCall, Verb};
use crier_proto::error::Code;
use crier_proto::ids::{MessageId, StoryId, Uid};
use crier_proto::mistake::{Explained, Form, Mistake};
use crier_proto::pairs::Pair;
use crier_proto::signature::Version;
use std::sync::Arc;

/// Parameters that hold what people wrote to each other: of answered calls their length alone is kept.
const WRITTEN_BY_PEOPLE: [&str; 5] = ["message", "title", "body", "caption", "method_feed"];
/// Bytes of a `call_id` that are kept; the longest that may pass.
const CALL_ID_BYTES_MAX: usize = 64;

/// From where a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The REST door.
    Rest,
    /// The application's own test page.
    TestPage,
}

/// What a call made, or what it asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A message.
    Message(MessageId),
    /// A story.
    Story(StoryId),
}

/// A call of an application.
#[derive(Debug, Clone)]
pub struct LoggedCall {
    /// Its place in the application's log, rising from 1 within the process.
    pub number: u64,
    /// When it came.
    pub at: WallMs,
    /// Milliseconds until its answer.
    pub took_ms: u64,
    /// From where it came.
    pub origin: Origin,
    /// Canonical method name, when it named a known one.
    pub method: Option<&'static str>,
    /// The session's user, once the signature has matched.
    pub user: Option<Uid>,
    /// Its `call_id`, cut to 64 bytes.
    pub call_id: Option<Box<str>>,
    /// The error row and its cause, if it was refused.
    pub error: Option<(Code, Option<Box<str>>)>,
    /// What it made or asked about.
    pub subject: Option<Subject>,
    /// The items of a batch.
    pub items: Box<[LoggedItem]>,
    /// What it was, as far as that is kept.
    pub request: Option<Arc<KeptRequest>>,
}

/// An item of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedItem {
    /// Canonical method name, when it named a known one.
    pub method: Option<&'static str>,
    /// The error row, if its result is an error document.
    pub error: Option<Code>,
    /// What it made.
    pub subject: Option<Subject>,
}

/// What is kept of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptValue {
    /// The value, keys and secrets in it as tildes.
    Whole(Box<str>),
    /// How many bytes it has.
    Bytes(usize),
}

/// What is said of a wrong signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// The refusal names its cause itself, or it is none of a wrong signature.
    NotNeeded,
    /// A usual mistake, its text with tildes for keys.
    Usual(Explained),
    /// No usual mistake makes this signature: another secret, or a text of its own kind.
    Unusual,
    /// Too many came at once, or the call is too long to be tried.
    NotTried,
}

/// A request as it is kept.
#[derive(Debug, Clone)]
pub struct KeptRequest {
    /// The verb.
    pub verb: Verb,
    /// The path that version 2 signs.
    pub path: Box<str>,
    /// In which version it was signed; `None` where `sig_version` was neither absent nor 2.
    pub version: Option<Version>,
    /// Its parameters in the order of protocol 3.8, without `sig`.
    pub pairs: Box<[(Box<str>, KeptValue)]>,
    /// How many digits `sig` had, if it was there.
    pub sig_digits: Option<usize>,
    /// How many bytes its file part had.
    pub file_bytes: Option<usize>,
    /// Why its signature was wrong.
    pub explanation: Explanation,
}

impl KeptRequest {
    /// What is kept of a call; values beyond `bytes_max` by their length alone.
    pub(super) fn of(raw: &RawCall, answered: bool, bytes_max: usize) -> Self {
        let form = Form::of(raw);
        let mut left = bytes_max;
        let pairs = raw.pairs().as_slice().iter().filter(|pair| &*pair.name != "sig");
        let pairs = pairs.map(|pair| {
            let written = answered && WRITTEN_BY_PEOPLE.contains(&&*pair.name);
            let value = match left.checked_sub(pair.name.len() + pair.value.len()) {
                Some(rest) if !written => {
                    left = rest;
                    KeptValue::Whole(masked(pair))
                }
                Some(_) | None => KeptValue::Bytes(pair.value.len()),
            };
            (pair.name.clone(), value)
        });
        Self {
            verb: raw.verb(),
            path: raw.path().into(),
            version: form.map(|form| form.version),
            pairs: pairs.collect(),
            sig_digits: raw.pairs().get("sig").map(str::len),
            file_bytes: raw.file().map(|file| file.bytes.len()),
            explanation: Explanation::NotNeeded,
        }
    }

    /// Bytes that it holds, for the bound.
    pub(super) fn bytes(&self) -> usize {
        let pairs = self.pairs.iter().map(|(name, value)| {
            name.len()
                + match value {
                    KeptValue::Whole(value) => value.len(),
                    KeptValue::Bytes(_) => 0,
                }
        });
        let theirs = match &self.explanation {
            Explanation::Usual(explained) => explained.theirs.as_ref().map_or(0, |text| text.len()),
            Explanation::NotNeeded | Explanation::Unusual | Explanation::NotTried => 0,
        };
        pairs.sum::<usize>() + theirs
    }

    /// The pairs, if every value is kept.
    #[must_use]
    pub fn whole(&self) -> Option<Vec<Pair>> {
        let pairs = self.pairs.iter().map(|(name, value)| match value {
            KeptValue::Whole(value) => Some(Pair {
                name: name.clone(),
                value: value.clone(),
            }),
            KeptValue::Bytes(_) => None,
        });
        pairs.collect()
    }

    /// How its pairs become the text that is signed.
    #[must_use]
    pub fn form(&self) -> Option<Form<'_>> {
        Some(Form {
            version: self.version?,
            verb: self.verb,
            path: &self.path,
        })
    }

    /// The text that its signature had to cover, with tildes for keys; nothing where a value is not kept.
    #[must_use]
    pub fn signed_text(&self) -> Option<String> {
        Some(self.form()?.text(&self.whole()?))
    }
}

/// An explanation as it may be kept: its text with tildes for keys.
pub(super) fn kept(explained: Explained, pairs: &[Pair]) -> Explanation {
    // In UTF-16 a zero stands between the digits of every key: they would not be found.
    let readable = explained.theirs.filter(|_| explained.mistake != Mistake::Utf16);
    let theirs = readable.map(|text| masked_text(&text, pairs));
    Explanation::Usual(Explained { theirs, ..explained })
}

/// A `call_id` as it is kept.
pub(super) fn call_id(raw: &RawCall) -> Option<Box<str>> {
    let text = raw.pairs().value("call_id")?;
    let end = (0..=CALL_ID_BYTES_MAX.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).map(Into::into)
}
