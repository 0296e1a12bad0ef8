//! Writes what pages receive (live 4.3).
//!
//! Promise: fields in the order of the table; one message frame is at most 16,384 bytes because its parts are bounded.

use crate::mailbox::{GapReason, Item};
use bytes::Bytes;
use crier_platform::model::message::{Delivery, Via};
use crier_platform::model::time::WallMs;
use crier_proto::frame::Bye;
use crier_proto::ids::{AppId, Epoch};
use crier_proto::message::data_of;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// One page of a welcome.
#[derive(Debug, Serialize)]
pub struct WelcomePage<'a> {
    /// Its name.
    pub page: &'a str,
    /// Where it begins.
    pub seq: u64,
}

/// An event that was not registered.
#[derive(Debug, Serialize)]
pub struct RefusedEvent<'a> {
    /// As sent.
    pub event: &'a str,
    /// 1101, 4 or 100.
    pub code: u16,
}

/// A frame of the server other than `message`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(missing_docs, reason = "the fields are the table of live 4.3")]
pub enum ServerFrame<'a> {
    /// The connection is open.
    Welcome {
        v: u8,
        connection: &'a str,
        resume: &'a str,
        until: i64,
        app: Text<i64>,
        user: Text<i64>,
        epoch: Text<Epoch>,
        pages: Vec<WelcomePage<'a>>,
        ping_secs: u64,
        now: i64,
    },
    /// Answer to register.
    Registered {
        page: &'a str,
        epoch: Text<Epoch>,
        seq: u64,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedEvent<'a>>,
    },
    /// A send was accepted.
    Sent {
        r#ref: &'a str,
        #[serde(flatten)]
        outcome: OutcomeObject,
    },
    /// Something was refused.
    Error {
        code: u16,
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        r#ref: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        page: Option<&'a str>,
    },
    /// Messages may have been missed.
    Gap {
        from: u64,
        to: Option<u64>,
        reason: &'static str,
        epoch: Text<Epoch>,
        pages: &'a [&'a str],
    },
    /// Drop these unless their handler has started.
    Cancel { ids: Vec<String> },
    /// Everything up to `seq` has been written or is not for this connection.
    Ping { at: i64, seq: u64 },
    /// The authorisation is renewed.
    Renewed { resume: &'a str, until: i64 },
    /// The connection ends.
    Bye {
        code: u16,
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
}

/// A value that travels as a string.
#[derive(Debug, Clone, Copy)]
pub struct Text<T>(pub T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&self.0)
    }
}

/// The wire's outcome object (live 7.1), fields in its order.
#[derive(Debug, Serialize)]
pub struct OutcomeObject {
    id: String,
    seq: u64,
    epoch: Text<Epoch>,
    state: &'static str,
    pages: u32,
    handlers: u32,
    written: u32,
    acked: u32,
    expires_at: i64,
}

impl From<&Delivery> for OutcomeObject {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            seq: delivery.seq,
            epoch: Text(delivery.epoch),
            state: delivery.state.as_str(),
            pages: delivery.pages,
            handlers: delivery.handlers,
            written: delivery.written,
            acked: delivery.acked,
            expires_at: delivery.expires_at.secs_rounded_up(),
        }
    }
}

/// How one message is offered to one connection.
#[derive(Debug, Clone, Copy)]
pub struct MessageFrame<'a> {
    /// The message.
    pub item: &'a Item,
    /// The application.
    pub app: AppId,
    /// Only these are meant; `None`: every page with the handler.
    pub pages: Option<&'a [&'a str]>,
    /// One page alone may run it.
    pub once: bool,
}

#[derive(Serialize)]
struct RawMessage<'a> {
    r#type: &'static str,
    id: String,
    seq: u64,
    event: &'a str,
    from: Text<i64>,
    via: &'static str,
    app: Text<i64>,
    sent_at: i64,
    raw: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<&'a [&'a str]>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    once: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redelivered: bool,
}

/// The bytes of a message frame.
#[must_use]
pub fn message(frame: &MessageFrame<'_>) -> Bytes {
    let item = frame.item;
    let WallMs(sent_at) = item.sent_at;
    bytes_of(&RawMessage {
        r#type: "message",
        id: item.id.to_string(),
        seq: item.seq,
        event: &item.event,
        from: Text(item.sender.get()),
        via: match item.via {
            Via::App => "app",
            Via::User => "user",
        },
        app: Text(frame.app.get()),
        sent_at,
        raw: &item.text,
        data: data_of(&item.text),
        pages: frame.pages,
        once: frame.once,
        redelivered: item.redelivered,
    })
}

/// The bytes of any other frame.
#[must_use]
pub fn write(frame: &ServerFrame<'_>) -> Bytes {
    bytes_of(frame)
}

fn bytes_of(value: &impl Serialize) -> Bytes {
    Bytes::from(
        serde_json::to_vec(value)
            .expect("frames hold strings and integers alone, which always have a JSON text"),
    )
}

/// The one bye frame that is the body of an HTTP refusal (live 4.12), and the last frame of a connection.
#[must_use]
pub fn bye_body(bye: Bye, retry_after_ms: Option<u64>) -> Bytes {
    write(&ServerFrame::Bye {
        code: bye.number(),
        reason: reason(bye),
        retry_after: retry_after_ms,
    })
}

/// A gap's reason on the wire (live 4.5).
#[must_use]
pub const fn gap_name(reason: GapReason) -> &'static str {
    match reason {
        GapReason::Overflow => "overflow",
        GapReason::Expired => "expired",
        GapReason::Epoch => "epoch",
    }
}

/// A bye's reason on the wire (live 4.6), also the reason of the WebSocket close.
#[must_use]
pub const fn reason(bye: Bye) -> &'static str {
    match bye {
        Bye::Moved => "moved",
        Bye::Restarting => "restarting",
        Bye::ConnectionUnknown => "connection unknown here",
        Bye::Overloaded => "overloaded",
        Bye::NoProgress => "no progress",
        Bye::PingTimeout => "ping time-out",
        Bye::TooManyFrames => "too many frames",
        Bye::InternalError => "internal error",
        Bye::BrokerUnavailable => "broker unavailable",
        Bye::TooManyConnections => "too many connections",
        Bye::NoHello => "no hello",
        Bye::TicketInvalid => "ticket invalid",
        Bye::AuthorisationExpired => "authorisation expired",
        Bye::ResumeInvalid => "resume token invalid",
        Bye::SessionEnded => "session ended",
        Bye::BadFrame => "bad frame",
        Bye::FrameTooLarge => "frame too large",
        Bye::OriginRefused => "origin refused",
        Bye::Superseded => "superseded",
        Bye::AppDisabled => "application disabled",
        Bye::Withdrawn => "user has withdrawn",
        Bye::VersionNotSpoken => "version not spoken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: &ServerFrame<'_>) -> String {
        String::from_utf8(write(frame).to_vec()).expect("frames are UTF-8")
    }

    #[test]
    fn frames_have_their_fields_in_the_order_of_the_table() {
        let epoch = Text(Epoch::from_bytes([0x9d; 8]));
        assert_eq!(
            text(&ServerFrame::Gap {
                from: 3,
                to: None,
                reason: gap_name(GapReason::Epoch),
                epoch,
                pages: &["p"],
            }),
            r#"{"type":"gap","from":3,"to":null,"reason":"epoch","epoch":"9d9d9d9d9d9d9d9d","pages":["p"]}"#
        );
        assert_eq!(
            text(&ServerFrame::Ping { at: 5, seq: 6 }),
            r#"{"type":"ping","at":5,"seq":6}"#
        );
        assert_eq!(
            text(&ServerFrame::Registered {
                page: "p",
                epoch,
                seq: 1,
                refused: vec![RefusedEvent { event: "e", code: 4 }],
            }),
            r#"{"type":"registered","page":"p","epoch":"9d9d9d9d9d9d9d9d","seq":1,"refused":[{"event":"e","code":4}]}"#
        );
        assert_eq!(
            &*bye_body(Bye::Restarting, Some(250)),
            br#"{"type":"bye","code":4001,"reason":"restarting","retry_after":250}"#
        );
        assert_eq!(
            &*bye_body(Bye::OriginRefused, None),
            br#"{"type":"bye","code":4302,"reason":"origin refused"}"#
        );
    }
}
