//! Frames that pages send, read strictly (live 4.1, 4.2).
//!
//! Knows nothing of connections: whether a page exists, is due to speak or may send is `crier-live`'s.

use super::names::{PageId, Ref};
use super::strict::{Json, Malformed, Object};
use super::{
    ACK_IDS_MAX, Bye, CLIENT_BYTES_MAX, FRAMES_BYTES_MAX, FRAMES_MAX, PAGE_EVENTS_MAX, PAGES_MAX,
    RESUME_BYTES_MAX, SEQ_MAX, VERSION,
};
use crate::ids::{Epoch, MessageId};

/// A frame that a page sent. Event names are any JSON texts: an empty one, one with NUL or one over 128 bytes is for the
/// receiver to refuse by its code (live 4.3 `registered`, 2.2).
#[derive(Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// `hello`: the first frame of every connection.
    Hello(Box<Hello>),
    /// `register`: adds handlers.
    Register(Register),
    /// `unregister`: removes handlers; without `events` the page has ended.
    Unregister {
        /// The page.
        page: PageId,
        /// 1 to 64 names, or all and the page with them.
        events: Option<Vec<String>>,
    },
    /// `focus`: the page has gained or lost the focus.
    Focus {
        /// The page.
        page: PageId,
        /// Whether it has the focus now.
        focus: bool,
    },
    /// `ack`: handlers have returned.
    Ack {
        /// The page.
        page: PageId,
        /// 1 to 256 messages.
        ids: Vec<MessageId>,
        /// Those of them whose handler threw or rejected.
        failed: Vec<MessageId>,
    },
    /// `send`: the page sends a message.
    Send(Box<Send>),
    /// `renew`: a new ticket prolongs the authorised span (live 3.8).
    Renew {
        /// The ticket.
        ticket: String,
    },
    /// `pong`: the answer to a ping on a WebSocket.
    Pong {
        /// The ping's `at`, milliseconds since 1970.
        at: u64,
    },
    /// `leave`: the connection and its pages end now.
    Leave,
    /// A type that is not spoken here: answered with `error` 100, then life goes on (live 4.1).
    Unknown,
}

/// With what a connection is opened. Secrets: not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Opening {
    /// A one-time ticket.
    Ticket(String),
    /// The resume token of an earlier connection, at most 300 bytes.
    Resume(String),
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Ticket(_) => "Ticket(..)",
            Self::Resume(_) => "Resume(..)",
        })
    }
}

/// `hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Ticket or resume token.
    pub opening: Opening,
    /// The epoch of every page's `seq`.
    pub epoch: Option<Epoch>,
    /// 1 to 32 pages, each named once.
    pub pages: Vec<HelloPage>,
    /// Whether the pages take over orphans (live 1.3 c); default true.
    pub inherit: bool,
    /// What the client calls itself, at most 64 bytes.
    pub client: Option<String>,
}

/// A page of a `hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelloPage {
    /// The page.
    pub page: PageId,
    /// Its cursor; without one it begins at the mailbox's end.
    pub seq: Option<u64>,
    /// 0 to 64 names.
    pub events: Vec<String>,
    /// Whether it has the focus; default false.
    pub focus: bool,
}

/// `register`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// The page.
    pub page: PageId,
    /// 1 to 64 names.
    pub events: Vec<String>,
    /// The cursor of a page that is new on this connection.
    pub cursor: Option<(Epoch, u64)>,
    /// Whether the page has the focus, if it says so.
    pub focus: Option<bool>,
}

/// `send`. Texts are as given: recipient, event, collapse key and fan-out are judged as those of a call (live 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// The page's number for it.
    pub reference: Ref,
    /// The page.
    pub page: PageId,
    /// The recipient's uid as text.
    pub recipient: String,
    /// The event name.
    pub event: String,
    /// The message text.
    pub message: String,
    /// Seconds in the mailbox.
    pub ttl: Option<u64>,
    /// Replaces a waiting message.
    pub collapse_key: Option<String>,
    /// Which pages get it.
    pub fanout: Option<String>,
}

impl ClientFrame {
    /// The frame's type on the wire, `unknown` for others; also the label of the frame counter.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Register(_) => "register",
            Self::Unregister { .. } => "unregister",
            Self::Focus { .. } => "focus",
            Self::Ack { .. } => "ack",
            Self::Send(_) => "send",
            Self::Renew { .. } => "renew",
            Self::Pong { .. } => "pong",
            Self::Leave => "leave",
            Self::Unknown => "unknown",
        }
    }
}

impl std::fmt::Debug for ClientFrame {
    /// The type alone: hello and renew carry secrets, send a person's text.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ClientFrame({})", self.kind())
    }
}

/// Why reading stopped.
pub(super) enum Stop {
    Malformed,
    Version,
    Resume,
}

impl From<Malformed> for Stop {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Stop> for Bye {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Malformed => Self::BadFrame,
            Stop::Version => Self::VersionNotSpoken,
            Stop::Resume => Self::ResumeInvalid,
        }
    }
}

/// Reads a WebSocket message or an SSE body: one frame, or an array of 1 to 64.
///
/// # Errors
/// `FrameTooLarge` over 65,536 bytes, `VersionNotSpoken` for a `hello` of another version, `ResumeInvalid` for a resume
/// token over 300 bytes, else `BadFrame`.
pub fn read_frames(text: &str) -> Result<Vec<ClientFrame>, Bye> {
    Ok(frames_of(sized(text)?, 1)?)
}

/// The text as JSON, if it is not over its size.
pub(super) fn sized(text: &str) -> Result<Json<'_>, Bye> {
    if text.len() > FRAMES_BYTES_MAX {
        return Err(Bye::FrameTooLarge);
    }
    Json::read(text).map_err(|Malformed| Bye::BadFrame)
}

pub(super) fn frames_of(json: Json<'_>, least: usize) -> Result<Vec<ClientFrame>, Stop> {
    match json {
        Json::Object(object) => Ok(vec![frame_of(object)?]),
        Json::List(items) if (least..=FRAMES_MAX).contains(&items.len()) => items
            .into_iter()
            .map(|item| frame_of(item.into_object()?))
            .collect(),
        Json::List(_) | Json::Null | Json::Bool(_) | Json::Whole(_) | Json::OtherNumber | Json::Text(_) => {
            Err(Stop::Malformed)
        }
    }
}

fn frame_of(mut object: Object<'_>) -> Result<ClientFrame, Stop> {
    let kind = object.text("type")?;
    Ok(match kind.as_ref() {
        "hello" => ClientFrame::Hello(Box::new(hello_of(object)?)),
        "register" => ClientFrame::Register(register_of(object)?),
        "unregister" => ClientFrame::Unregister {
            page: object.parsed("page")?,
            events: events_if_any(&mut object, 1)?,
        },
        "focus" => ClientFrame::Focus {
            page: object.parsed("page")?,
            focus: object.boolean_if_any("focus")?.ok_or(Malformed)?,
        },
        "ack" => ack_of(object)?,
        "send" => ClientFrame::Send(Box::new(send_of(object)?)),
        "renew" => ClientFrame::Renew {
            ticket: object.text("ticket")?.into_owned(),
        },
        "pong" => ClientFrame::Pong {
            at: object.whole("at")?,
        },
        "leave" => ClientFrame::Leave,
        _ => ClientFrame::Unknown,
    })
}

pub(super) fn hello_of(mut object: Object<'_>) -> Result<Hello, Stop> {
    // The version comes first: a later version may shape everything else differently.
    if object.whole("v")? != VERSION {
        return Err(Stop::Version);
    }
    let opening = match (object.text_if_any("ticket")?, object.text_if_any("resume")?) {
        (Some(ticket), None) => Opening::Ticket(ticket.into_owned()),
        (None, Some(resume)) if resume.len() <= RESUME_BYTES_MAX => Opening::Resume(resume.into_owned()),
        (None, Some(_)) => return Err(Stop::Resume),
        (Some(_), Some(_)) | (None, None) => return Err(Stop::Malformed),
    };
    let epoch: Option<Epoch> = object.parsed_if_any("epoch")?;
    let pages = object
        .list_if_any("pages", 1..=PAGES_MAX, hello_page_of)?
        .ok_or(Malformed)?;
    let has_cursor = pages.iter().any(|page| page.seq.is_some());
    if names_a_page_twice(&pages) || (has_cursor && epoch.is_none()) {
        return Err(Stop::Malformed);
    }
    let client = object.text_if_any("client")?.map(std::borrow::Cow::into_owned);
    if client
        .as_ref()
        .is_some_and(|client| client.len() > CLIENT_BYTES_MAX)
    {
        return Err(Stop::Malformed);
    }
    Ok(Hello {
        opening,
        epoch,
        pages,
        inherit: object.boolean_if_any("inherit")?.unwrap_or(true),
        client,
    })
}

fn names_a_page_twice(pages: &[HelloPage]) -> bool {
    let mut names: Vec<&PageId> = pages.iter().map(|page| &page.page).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair.first() == pair.last())
}

fn hello_page_of(item: Json<'_>) -> Result<HelloPage, Malformed> {
    let mut object = item.into_object()?;
    Ok(HelloPage {
        page: object.parsed("page")?,
        seq: seq_if_any(&mut object)?,
        events: events_if_any(&mut object, 0)?.ok_or(Malformed)?,
        focus: object.boolean_if_any("focus")?.unwrap_or(false),
    })
}

fn register_of(mut object: Object<'_>) -> Result<Register, Malformed> {
    let page = object.parsed("page")?;
    let events = events_if_any(&mut object, 1)?.ok_or(Malformed)?;
    let epoch: Option<Epoch> = object.parsed_if_any("epoch")?;
    let cursor = match (epoch, seq_if_any(&mut object)?) {
        (Some(epoch), Some(seq)) => Some((epoch, seq)),
        (None, Some(_)) => return Err(Malformed),
        (Some(_) | None, None) => None,
    };
    Ok(Register {
        page,
        events,
        cursor,
        focus: object.boolean_if_any("focus")?,
    })
}

fn ack_of(mut object: Object<'_>) -> Result<ClientFrame, Malformed> {
    let page = object.parsed("page")?;
    let ids = object
        .list_if_any("ids", 1..=ACK_IDS_MAX, message_id_of)?
        .ok_or(Malformed)?;
    let failed = object
        .list_if_any("failed", 0..=ACK_IDS_MAX, message_id_of)?
        .unwrap_or_default();
    if failed.iter().any(|id| !ids.contains(id)) {
        return Err(Malformed);
    }
    Ok(ClientFrame::Ack { page, ids, failed })
}

fn send_of(mut object: Object<'_>) -> Result<Send, Malformed> {
    Ok(Send {
        reference: object.parsed("ref")?,
        page: object.parsed("page")?,
        recipient: object.text("recipient")?.into_owned(),
        event: object.text("event")?.into_owned(),
        message: object.text("message")?.into_owned(),
        ttl: object.whole_if_any("ttl")?,
        collapse_key: object
            .text_if_any("collapse_key")?
            .map(std::borrow::Cow::into_owned),
        fanout: object.text_if_any("fanout")?.map(std::borrow::Cow::into_owned),
    })
}

fn message_id_of(item: Json<'_>) -> Result<MessageId, Malformed> {
    item.into_text()?.parse().map_err(|_| Malformed)
}

fn events_if_any(object: &mut Object<'_>, least: usize) -> Result<Option<Vec<String>>, Malformed> {
    object.list_if_any("events", least..=PAGE_EVENTS_MAX, |item| {
        Ok(item.into_text()?.into_owned())
    })
}

fn seq_if_any(object: &mut Object<'_>) -> Result<Option<u64>, Malformed> {
    let seq = object.whole_if_any("seq")?;
    if seq.is_some_and(|seq| seq > SEQ_MAX) {
        Err(Malformed)
    } else {
        Ok(seq)
    }
}
