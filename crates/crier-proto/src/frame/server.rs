//! Frames that pages get, but for `message` (live 4.3): compact JSON, fields in the order of its table after `type`.
//!
//! Knows nothing of when which frame is due.

use super::{Bye, PageId, Ref};
use crate::error::Refusal;
use crate::ids::{AppId, Epoch, MessageId, Uid};
use serde::{Serialize, Serializer};
use std::fmt::Display;

/// Ids and epochs travel as text: a browser's number would round them.
fn as_text<T: Display, S: Serializer>(id: &T, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(id)
}

fn as_texts<T: Display, S: Serializer>(ids: &[T], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(ids.iter().map(ToString::to_string))
}

/// A page and the seq from which it continues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageCursor {
    /// The page.
    pub page: PageId,
    /// Everything up to it is settled for the page.
    pub seq: u64,
}

/// An event that was not registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedEvent {
    /// The name as the page wrote it.
    pub event: String,
    /// 1101 for a name over 128 bytes, 4 over the handler limits (live 4.3).
    pub code: u16,
}

/// The outcome object (live 7.1), fields in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The message.
    #[serde(serialize_with = "as_text")]
    pub id: MessageId,
    /// Its place in the mailbox.
    pub seq: u64,
    /// The mailbox's life.
    #[serde(serialize_with = "as_text")]
    pub epoch: Epoch,
    /// The state's word (live 7.1).
    pub state: &'static str,
    /// Present pages.
    pub pages: u32,
    /// Of these, pages with a handler.
    pub handlers: u32,
    /// Pages written to.
    pub written: u32,
    /// Pages that acked.
    pub acked: u32,
    /// Unix seconds, as in answers to calls.
    pub expires_at: i64,
}

/// Why messages may have been missed (live 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GapReason {
    /// The ring, or a reader that lags.
    Overflow,
    /// Their time was over.
    Expired,
    /// The mailbox's history is not known any more.
    Epoch,
    /// A stored item failed its checksum.
    Damaged,
}

impl GapReason {
    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Overflow => "overflow",
            Self::Expired => "expired",
            Self::Epoch => "epoch",
            Self::Damaged => "damaged",
        }
    }
}

/// A frame that a page gets. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerFrame {
    /// The answer to `hello`.
    Welcome {
        /// The protocol version, `VERSION`.
        v: u64,
        /// The connection's secret.
        connection: String,
        /// The resume token, at most 300 bytes.
        resume: String,
        /// When the authorisation ends.
        until: i64,
        /// The application.
        #[serde(serialize_with = "as_text")]
        app: AppId,
        /// The user.
        #[serde(serialize_with = "as_text")]
        user: Uid,
        /// The mailbox's life.
        #[serde(serialize_with = "as_text")]
        epoch: Epoch,
        /// Where each page continues.
        pages: Vec<PageCursor>,
        /// Seconds between pings.
        ping_secs: u64,
        /// The server's time.
        now: i64,
    },
    /// The answer to `register`.
    Registered {
        /// The page.
        page: PageId,
        /// The mailbox's life.
        #[serde(serialize_with = "as_text")]
        epoch: Epoch,
        /// Everything later is owed to the page.
        seq: u64,
        /// What was not registered; not written when empty.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedEvent>,
    },
    /// A send was accepted.
    Sent {
        /// The page's number for it.
        #[serde(rename = "ref")]
        reference: Ref,
        /// What has become of the message so far.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// A refusal with the codes and texts of the REST door.
    Error {
        /// The number of protocol 12.2.
        code: u16,
        /// `error_msg`.
        text: String,
        /// The send that it answers.
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<Ref>,
        /// The page that it is for.
        #[serde(skip_serializing_if = "Option::is_none")]
        page: Option<PageId>,
    },
    /// Messages `from`..`to` may have been missed by these pages.
    Gap {
        /// First seq.
        from: u64,
        /// Last seq; `None`: unknown.
        to: Option<u64>,
        /// Why.
        reason: GapReason,
        /// The life of the mailbox in which the pages continue.
        #[serde(serialize_with = "as_text")]
        epoch: Epoch,
        /// Who may have missed them.
        pages: Vec<PageId>,
    },
    /// Drop these unless their handler has started.
    Cancel {
        /// The messages.
        #[serde(serialize_with = "as_texts")]
        ids: Vec<MessageId>,
    },
    /// Everything up to `seq` has been written to this connection or is not for it.
    Ping {
        /// The server's time.
        at: i64,
        /// That seq.
        seq: u64,
    },
    /// The authorised span is prolonged.
    Renewed {
        /// The new resume token.
        resume: String,
        /// When the authorisation ends.
        until: i64,
    },
    /// Open a new connection and keep this one until the new one is welcome.
    Drain {
        /// Milliseconds to wait before.
        retry_after: u64,
    },
    /// The last frame.
    Bye {
        /// `Bye::number`.
        code: u16,
        /// `Bye::reason`.
        reason: &'static str,
        /// Milliseconds to wait before coming back.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
}

impl std::fmt::Debug for ServerFrame {
    /// The type alone: welcome and renewed carry secrets.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ServerFrame({})", self.kind())
    }
}

impl ServerFrame {
    /// The bye frame of a row; `retry_after_ms` only where the caller has one.
    #[must_use]
    pub const fn bye(bye: Bye, retry_after_ms: Option<u64>) -> Self {
        Self::Bye {
            code: bye.number(),
            reason: bye.reason(),
            retry_after: retry_after_ms,
        }
    }

    /// The error frame of a refusal, with the send and the page that it answers.
    #[must_use]
    pub fn error(refusal: &Refusal, reference: Option<Ref>, page: Option<PageId>) -> Self {
        Self::Error {
            code: refusal.code().number(),
            text: refusal.message(),
            reference,
            page,
        }
    }

    /// The frame's type on the wire; also the label of the frame counter.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Welcome { .. } => "welcome",
            Self::Registered { .. } => "registered",
            Self::Sent { .. } => "sent",
            Self::Error { .. } => "error",
            Self::Gap { .. } => "gap",
            Self::Cancel { .. } => "cancel",
            Self::Ping { .. } => "ping",
            Self::Renewed { .. } => "renewed",
            Self::Drain { .. } => "drain",
            Self::Bye { .. } => "bye",
        }
    }

    /// The frame as compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self)
            .expect("a frame holds texts, numbers and lists only, which JSON can express")
    }
}

/// Frames, each already JSON, as one array (live 4.1); a lone frame stays as it is.
#[must_use]
pub fn batch_to_json<S: AsRef<str>>(frames: &[S]) -> String {
    if let [only] = frames {
        return only.as_ref().to_owned();
    }
    let mut out = String::from("[");
    push_joined(&mut out, frames);
    out.push(']');
    out
}

/// The body of a poll's answer: `{"n":N,"frames":[…]}` (live 4.7).
#[must_use]
pub fn poll_to_json<S: AsRef<str>>(n: u64, frames: &[S]) -> String {
    let mut out = format!("{{\"n\":{n},\"frames\":[");
    push_joined(&mut out, frames);
    out.push_str("]}");
    out
}

fn push_joined<S: AsRef<str>>(out: &mut String, frames: &[S]) {
    for (place, frame) in frames.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        out.push_str(frame.as_ref());
    }
}
