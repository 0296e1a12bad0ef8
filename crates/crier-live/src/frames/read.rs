//! Reads what pages send (live 4.1, 4.2).
//!
//! Promise: malformed JSON, a key given twice, a wrong type, a missing field and a value outside its grammar are all
//! `Bye::BadFrame`; unknown fields are ignored; an unknown type is told apart, so that the connection may go on.

use super::{ACK_IDS_MAX, FRAME_BYTES_MAX, FRAMES_MAX, PAGE_EVENTS_MAX, PAGES_MAX, SEQ_END};
use crier_proto::frame::Bye;
use crier_proto::ids::{Epoch, MessageId};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// A page's name, chosen by the page: 16 to 32 characters of `[A-Za-z0-9_-]` (live 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageId(pub(super) Box<str>);

impl PageId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(text: &str) -> Result<Self, Bye> {
        word(text, 16, 32).then(|| Self(text.into())).ok_or(Bye::BadFrame)
    }
}

/// One page of a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelloPage {
    /// Its name.
    pub page: PageId,
    /// Everything up to here is settled for it.
    pub seq: Option<u64>,
    /// Its handlers, as sent.
    pub events: Vec<String>,
    /// Whether it has the focus.
    pub focus: bool,
}

/// The first frame of every connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// A ticket, or else a resume token.
    pub ticket: Option<String>,
    /// A resume token, or else a ticket.
    pub resume: Option<String>,
    /// The epoch that every `seq` speaks of.
    pub epoch: Option<Epoch>,
    /// 1 to 32 pages.
    pub pages: Vec<HelloPage>,
    /// Whether orphans may be given to these pages.
    pub inherit: bool,
}

/// A page sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendFrame {
    /// Names the send: a repeat gives the first outcome again.
    pub reference: String,
    /// Which page sends.
    pub page: PageId,
    /// As sent.
    pub recipient: String,
    /// As sent.
    pub event: String,
    /// As sent.
    pub message: String,
    /// Seconds.
    pub ttl: Option<u64>,
    /// As sent.
    pub collapse_key: Option<String>,
    /// As sent.
    pub fanout: Option<String>,
}

/// A frame of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// The first frame.
    Hello(Box<Hello>),
    /// Adds handlers.
    Register {
        /// The page.
        page: PageId,
        /// 1 to 64 names, as sent.
        events: Vec<String>,
        /// Of a page new on this connection.
        epoch: Option<Epoch>,
        /// Of a page new on this connection.
        seq: Option<u64>,
        /// Whether it has the focus, when it says so.
        focus: Option<bool>,
    },
    /// Removes handlers; without events the page has ended.
    Unregister {
        /// The page.
        page: PageId,
        /// The names.
        events: Option<Vec<String>>,
    },
    /// The page has gained or lost the focus.
    Focus {
        /// The page.
        page: PageId,
        /// Gained.
        focus: bool,
    },
    /// Handlers have returned.
    Ack {
        /// The page.
        page: PageId,
        /// Messages; ids that are no message ids are left out.
        ids: Vec<MessageId>,
    },
    /// A page sends.
    Send(Box<SendFrame>),
    /// A new ticket.
    Renew {
        /// The ticket.
        ticket: String,
    },
    /// Answer to a ping.
    Pong,
    /// The connection and its pages end now.
    Leave,
}

/// One thing read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A frame.
    Frame(ClientFrame),
    /// An object whose type is not known here: answered with `error` 100.
    UnknownType,
}

/// `low` to `high` characters of `[A-Za-z0-9_-]`.
fn word(text: &str, low: usize, high: usize) -> bool {
    (low..=high).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Reads one client message: a frame or an array of 1 to 64.
///
/// # Errors
/// `Bye::FrameTooLarge`, `Bye::BadFrame`, `Bye::VersionNotSpoken`.
pub fn read(text: &str) -> Result<Vec<Read>, Bye> {
    if text.len() > FRAME_BYTES_MAX {
        return Err(Bye::FrameTooLarge);
    }
    let mut once = serde_json::Deserializer::from_str(text);
    EachKeyOnce.deserialize(&mut once).map_err(bad)?;
    once.end().map_err(bad)?;
    if !text.trim_ascii_start().starts_with('[') {
        return Ok(vec![frame(text)?]);
    }
    let parts: Vec<&RawValue> = serde_json::from_str(text).map_err(bad)?;
    if parts.is_empty() || parts.len() > FRAMES_MAX {
        return Err(Bye::BadFrame);
    }
    parts.iter().map(|part| frame(part.get())).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn bad(_: serde_json::Error) -> Bye {
    Bye::BadFrame
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

/// The fields of one type, read by name.
fn fields<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Bye> {
    serde_json::from_str(text).map_err(bad)
}

fn frame(text: &str) -> Result<Read, Bye> {
    let typed: Typed<'_> = fields(text)?;
    let frame = match &*typed.r#type {
        "hello" => fields::<RawHello>(text)?
            .read()
            .map(|hello| ClientFrame::Hello(Box::new(hello)))?,
        "register" => fields::<RawRegister>(text)?.read()?,
        "unregister" => fields::<RawUnregister>(text)?.read()?,
        "focus" => {
            let raw: RawFocus = fields(text)?;
            ClientFrame::Focus {
                page: PageId::read(&raw.page)?,
                focus: raw.focus,
            }
        }
        "ack" => fields::<RawAck<'_>>(text)?.read()?,
        "send" => fields::<RawSend>(text)?.read()?,
        "renew" => ClientFrame::Renew {
            ticket: fields::<RawRenew>(text)?.ticket,
        },
        "pong" => {
            // Which ping it answers is the page's own affair; that it names one is the grammar.
            let RawPong { at } = fields(text)?;
            let _: i64 = at;
            ClientFrame::Pong
        }
        "leave" => ClientFrame::Leave,
        _ => return Ok(Read::UnknownType),
    };
    Ok(Read::Frame(frame))
}

fn seq(number: Option<u64>) -> Result<Option<u64>, Bye> {
    match number {
        Some(number) if number >= SEQ_END => Err(Bye::BadFrame),
        Some(_) | None => Ok(number),
    }
}

fn epoch(text: Option<String>) -> Result<Option<Epoch>, Bye> {
    text.map(|text| text.parse().map_err(|_| Bye::BadFrame))
        .transpose()
}

#[derive(Deserialize)]
struct RawHello {
    v: u64,
    #[serde(default)]
    ticket: Option<String>,
    #[serde(default)]
    resume: Option<String>,
    #[serde(default)]
    epoch: Option<String>,
    pages: Vec<RawHelloPage>,
    #[serde(default)]
    inherit: Option<bool>,
    #[serde(default)]
    client: Option<String>,
}

#[derive(Deserialize)]
struct RawHelloPage {
    page: String,
    #[serde(default)]
    seq: Option<u64>,
    events: Vec<String>,
    #[serde(default)]
    focus: Option<bool>,
}

impl RawHello {
    fn read(self) -> Result<Hello, Bye> {
        if self.v != 1 {
            return Err(Bye::VersionNotSpoken);
        }
        let one_right = self.ticket.is_some() != self.resume.is_some();
        let pages_fit = (1..=PAGES_MAX).contains(&self.pages.len());
        let client_fits = self.client.as_ref().is_none_or(|client| client.len() <= 64);
        if !(one_right && pages_fit && client_fits) {
            return Err(Bye::BadFrame);
        }
        let epoch = epoch(self.epoch)?;
        let mut names = HashSet::new();
        let mut pages = Vec::with_capacity(self.pages.len());
        for raw in self.pages {
            let page = PageId::read(&raw.page)?;
            let seq = seq(raw.seq)?;
            let twice = !names.insert(page.clone());
            if twice || raw.events.len() > PAGE_EVENTS_MAX || (seq.is_some() && epoch.is_none()) {
                return Err(Bye::BadFrame);
            }
            pages.push(HelloPage {
                page,
                seq,
                events: raw.events,
                focus: raw.focus.unwrap_or(false),
            });
        }
        Ok(Hello {
            ticket: self.ticket,
            resume: self.resume,
            epoch,
            pages,
            inherit: self.inherit.unwrap_or(true),
        })
    }
}

#[derive(Deserialize)]
struct RawRegister {
    page: String,
    events: Vec<String>,
    #[serde(default)]
    epoch: Option<String>,
    #[serde(default)]
    seq: Option<u64>,
    #[serde(default)]
    focus: Option<bool>,
}

impl RawRegister {
    fn read(self) -> Result<ClientFrame, Bye> {
        let epoch = epoch(self.epoch)?;
        let seq = seq(self.seq)?;
        if !(1..=PAGE_EVENTS_MAX).contains(&self.events.len()) || (seq.is_some() && epoch.is_none()) {
            return Err(Bye::BadFrame);
        }
        Ok(ClientFrame::Register {
            page: PageId::read(&self.page)?,
            events: self.events,
            epoch,
            seq,
            focus: self.focus,
        })
    }
}

#[derive(Deserialize)]
struct RawUnregister {
    page: String,
    #[serde(default)]
    events: Option<Vec<String>>,
}

impl RawUnregister {
    fn read(self) -> Result<ClientFrame, Bye> {
        if self
            .events
            .as_ref()
            .is_some_and(|events| events.len() > PAGE_EVENTS_MAX)
        {
            return Err(Bye::BadFrame);
        }
        Ok(ClientFrame::Unregister {
            page: PageId::read(&self.page)?,
            events: self.events,
        })
    }
}

#[derive(Deserialize)]
struct RawFocus {
    page: String,
    focus: bool,
}

#[derive(Deserialize)]
struct RawAck<'a> {
    page: String,
    #[serde(borrow)]
    ids: Vec<Cow<'a, str>>,
    #[serde(default, borrow)]
    failed: Option<Vec<Cow<'a, str>>>,
}

impl RawAck<'_> {
    fn read(self) -> Result<ClientFrame, Bye> {
        let failed = self.failed.unwrap_or_default();
        let known: HashSet<&str> = self.ids.iter().map(AsRef::as_ref).collect();
        let subset = failed.iter().all(|id| known.contains(id.as_ref()));
        if !(1..=ACK_IDS_MAX).contains(&self.ids.len()) || !subset {
            return Err(Bye::BadFrame);
        }
        Ok(ClientFrame::Ack {
            page: PageId::read(&self.page)?,
            ids: self.ids.iter().filter_map(|id| id.parse().ok()).collect(),
        })
    }
}

#[derive(Deserialize)]
struct RawSend {
    r#ref: String,
    page: String,
    recipient: String,
    event: String,
    message: String,
    #[serde(default)]
    ttl: Option<u64>,
    #[serde(default)]
    collapse_key: Option<String>,
    #[serde(default)]
    fanout: Option<String>,
}

impl RawSend {
    fn read(self) -> Result<ClientFrame, Bye> {
        if !word(&self.r#ref, 8, 64) {
            return Err(Bye::BadFrame);
        }
        Ok(ClientFrame::Send(Box::new(SendFrame {
            page: PageId::read(&self.page)?,
            reference: self.r#ref,
            recipient: self.recipient,
            event: self.event,
            message: self.message,
            ttl: self.ttl,
            collapse_key: self.collapse_key,
            fanout: self.fanout,
        })))
    }
}

#[derive(Deserialize)]
struct RawRenew {
    ticket: String,
}

#[derive(Deserialize)]
struct RawPong {
    at: i64,
}

/// Reads any JSON value and keeps nothing of it, but refuses an object that has a key twice.
struct EachKeyOnce;

impl<'de> DeserializeSeed<'de> for EachKeyOnce {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EachKeyOnce {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value in which no object has a key twice")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut keys: HashSet<Cow<'de, str>> = HashSet::new();
        while let Some(key) = fields.next_key::<Cow<'de, str>>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("a key stands twice"));
            }
            fields.next_value_seed(Self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "0123456789abcdef";

    fn one(text: &str) -> ClientFrame {
        match read(text).expect("the frame is well-formed").remove(0) {
            Read::Frame(frame) => frame,
            Read::UnknownType => panic!("the type is known"),
        }
    }

    #[test]
    fn a_hello_is_read_with_its_defaults() {
        let text = format!(
            r#"{{"type":"hello","v":1,"ticket":"T","pages":[{{"page":"{PAGE}","events":["a"]}}],"new":{{}}}}"#
        );
        let ClientFrame::Hello(hello) = one(&text) else {
            panic!("a hello");
        };
        assert!(hello.inherit && hello.epoch.is_none() && !hello.pages[0].focus);
        assert_eq!(hello.pages[0].events, ["a"]);
    }

    #[test]
    fn frames_outside_their_grammar_are_bad_frames() {
        let ids = format!("[{}]", vec![r#""x""#; 257].join(","));
        let many = format!("[{}]", vec![r#"{"type":"leave"}"#; 65].join(","));
        let bad = [
            "".to_owned(),
            "{".to_owned(),
            "7".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            r#"{"type":7}"#.to_owned(),
            r#"{"type":"leave","type":"leave"}"#.to_owned(),
            r#"{"type":"leave","x":{"a":1,"a":2}}"#.to_owned(),
            r#"{"type":"leave"} x"#.to_owned(),
            r#"{"type":"pong"}"#.to_owned(),
            r#"{"type":"pong","at":"1"}"#.to_owned(),
            r#"{"type":"focus","page":"short","focus":true}"#.to_owned(),
            format!(r#"{{"type":"focus","page":"{PAGE}!","focus":true}}"#),
            format!(r#"{{"type":"focus","page":"{PAGE}","focus":1}}"#),
            format!(r#"{{"type":"ack","page":"{PAGE}","ids":[]}}"#),
            format!(r#"{{"type":"ack","page":"{PAGE}","ids":{ids}}}"#),
            format!(r#"{{"type":"ack","page":"{PAGE}","ids":["a"],"failed":["b"]}}"#),
            format!(r#"{{"type":"register","page":"{PAGE}","events":[]}}"#),
            format!(r#"{{"type":"register","page":"{PAGE}","events":["a"],"seq":3}}"#),
            format!(r#"{{"type":"hello","v":1,"pages":[{{"page":"{PAGE}","events":[]}}]}}"#),
            format!(
                r#"{{"type":"hello","v":1,"ticket":"a","resume":"b","pages":[{{"page":"{PAGE}","events":[]}}]}}"#
            ),
            format!(
                r#"{{"type":"hello","v":1,"ticket":"a","epoch":"0123456789abcdef","pages":[{{"page":"{PAGE}","events":[],"seq":9007199254740992}}]}}"#
            ),
            format!(
                r#"{{"type":"send","ref":"short","page":"{PAGE}","recipient":"1","event":"e","message":"m"}}"#
            ),
            many,
        ];
        for text in &bad {
            assert_eq!(read(text), Err(Bye::BadFrame), "{text}");
        }
    }

    #[test]
    fn another_version_is_told_apart_and_so_is_an_unknown_type() {
        let text =
            format!(r#"{{"type":"hello","v":2,"ticket":"a","pages":[{{"page":"{PAGE}","events":[]}}]}}"#);
        assert_eq!(read(&text), Err(Bye::VersionNotSpoken));
        assert_eq!(read(r#"{"type":"dance"}"#), Ok(vec![Read::UnknownType]));
    }

    #[test]
    fn frame_size_of_65537_bytes_is_too_large() {
        let text = format!(r#"{{"type":"leave","x":"{}"}}"#, "x".repeat(FRAME_BYTES_MAX));
        assert_eq!(read(&text), Err(Bye::FrameTooLarge));
    }

    #[test]
    fn an_array_is_read_in_order() {
        let read = read(r#" [{"type":"pong","at":1},{"type":"leave"}]"#).expect("well-formed");
        assert_eq!(
            read,
            [Read::Frame(ClientFrame::Pong), Read::Frame(ClientFrame::Leave)]
        );
    }
}
