//! `liveMessage.send` (seed: LiveMessage.send; protocol 14.1, live section 2): a message for one event into the recipient's mailbox.
//!
//! The checks a to h are here for signed calls and for the sends of pages alike; i and j are the mailbox's own.

use super::registry::Method;
use crate::grammar::{bool_param, int_param, invalid};
use crate::model::app::LiveText;
use crate::model::message::{Delivery, Door, NewMessage, Via, WaitFor};
use crate::replies::outcome_object;
use crate::unit::{Halt, Outcome, Sending, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::{AppId, MessageId, Uid};
use crier_proto::message::{EVENT_NAME_BYTES_MAX, Fanout, MESSAGE_BYTES_MAX, is_json};
use crier_proto::reply::Reply;
use std::sync::Arc;

/// Longest wait in milliseconds (protocol 14.1, `timeout_ms`).
const TIMEOUT_MS_MAX: u32 = 5_000;
/// Wait in milliseconds where the call says none (protocol 14.1, `timeout_ms`).
const TIMEOUT_MS_DEFAULT: u32 = 1_000;
/// Longest life of a message in the mailbox in seconds (protocol 14.1, `ttl`).
const TTL_SECS_MAX: u32 = 86_400;
/// Bytes of a collapse key at most (protocol 14.1, `collapse_key`).
const COLLAPSE_KEY_BYTES_MAX: usize = 32;

/// The method.
pub(crate) struct LiveMessageSend;

/// Parameters as sent, absent or not empty. A page's `send` frame has no `uid`, `outcome`, `wait` and `timeout_ms`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Params<'a> {
    /// `recipient`.
    pub(crate) recipient: Option<&'a str>,
    /// `uid`, the recipient's alias.
    pub(crate) uid: Option<&'a str>,
    /// `event_name`.
    pub(crate) event_name: Option<&'a str>,
    /// `message`.
    pub(crate) message: Option<&'a str>,
    /// `outcome`.
    pub(crate) outcome: Option<&'a str>,
    /// `wait`.
    pub(crate) wait: Option<&'a str>,
    /// Whether it is an item of a batch, whose others would wait too (protocol 15.7).
    pub(crate) in_batch: bool,
    /// `timeout_ms`.
    pub(crate) timeout_ms: Option<&'a str>,
    /// `ttl`, in seconds.
    pub(crate) ttl: Option<&'a str>,
    /// `collapse_key`.
    pub(crate) collapse_key: Option<&'a str>,
    /// `fanout`.
    pub(crate) fanout: Option<&'a str>,
}

/// Parameters that have passed the checks a to g.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Who gets it; whether they accepted is check h.
    pub(crate) recipient: Uid,
    /// 1 to 128 bytes.
    pub(crate) event: Arc<str>,
    /// 1 to 1,024 bytes.
    pub(crate) text: Arc<str>,
    /// Whether the answer is the outcome object.
    pub(crate) outcome: bool,
    /// How far to wait.
    pub(crate) wait: WaitFor,
    /// Longest wait in milliseconds.
    pub(crate) timeout_ms: u64,
    /// Milliseconds in the mailbox; `None`: the server's default.
    pub(crate) ttl_ms: Option<u64>,
    /// Replaces a waiting message.
    pub(crate) collapse_key: Option<Box<str>>,
    /// Which pages get it.
    pub(crate) fanout: Fanout,
}

/// Who sends in whose name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct From {
    /// By which door.
    pub(crate) door: Door,
    /// The application.
    pub(crate) app: AppId,
    /// The session's user.
    pub(crate) sender: Uid,
    /// Whose secret vouches for the text.
    pub(crate) via: Via,
    /// Whether the application wants a receipt.
    pub(crate) receipt: bool,
}

/// The checks a to g of protocol 14.1.2, in order.
///
/// # Errors
/// 100, 1101 or 1102: the first that fails.
pub(crate) fn judge(params: Params<'_>, live_text: LiveText) -> Result<Judged, Refusal> {
    let recipient = recipient(params.recipient, params.uid)?;
    let event = params
        .event_name
        .ok_or_else(|| invalid("event_name", "is missing"))?;
    let text = params.message.ok_or_else(|| invalid("message", "is missing"))?;
    let outcome = bool_param("outcome", params.outcome)?;
    let wait = wait(params.wait)?;
    if params.in_batch && wait != WaitFor::Accepted {
        return Err(invalid("wait", "must be none in a batch"));
    }
    let timeout_ms = int_param("timeout_ms", params.timeout_ms, 0..=TIMEOUT_MS_MAX)?;
    let ttl_secs = ttl_secs(params.ttl)?;
    let collapse_key = collapse_key(params.collapse_key)?;
    let fanout = fanout(params.fanout)?;
    if event.len() > EVENT_NAME_BYTES_MAX {
        return Err(Refusal::plain(Code::EventNameTooLong).over("event_name"));
    }
    if text.len() > MESSAGE_BYTES_MAX {
        return Err(Refusal::plain(Code::MessageTooLong).over("message"));
    }
    if live_text == LiveText::Json && !is_json(text) {
        return Err(invalid("message", "must be one JSON text"));
    }
    Ok(Judged {
        recipient,
        event: event.into(),
        text: text.into(),
        outcome,
        wait,
        timeout_ms: timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT).into(),
        ttl_ms: ttl_secs.map(|secs| u64::from(secs) * 1_000),
        collapse_key: collapse_key.map(Into::into),
        fanout,
    })
}

impl Judged {
    /// The message that these parameters describe.
    pub(crate) fn into_message(self, id: MessageId, from: From, ttl_default_ms: u64) -> NewMessage {
        NewMessage {
            id,
            door: from.door,
            app: from.app,
            sender: from.sender,
            recipient: self.recipient,
            via: from.via,
            event: self.event,
            text: self.text,
            ttl_ms: self.ttl_ms.unwrap_or(ttl_default_ms),
            collapse_key: self.collapse_key,
            fanout: self.fanout,
            receipt: from.receipt,
        }
    }
}

/// Error 292 (seed: "Either the sender or the recipient has not accepted the TOS for the application").
pub(crate) const fn terms_not_accepted() -> Refusal {
    Refusal::plain(Code::TermsNotAccepted)
}

impl Method for LiveMessageSend {
    const NAME: &'static str = "liveMessage.send";
    type Args = (Judged, From);

    fn parse(call: &VerifiedCall<'_>) -> Result<Self::Args, Refusal> {
        let params = Params {
            recipient: call.value("recipient"),
            uid: call.value("uid"),
            event_name: call.value("event_name"),
            message: call.value("message"),
            outcome: call.value("outcome"),
            wait: call.value("wait"),
            in_batch: call.door() == Door::Batch,
            timeout_ms: call.value("timeout_ms"),
            ttl: call.value("ttl"),
            collapse_key: call.value("collapse_key"),
            fanout: call.value("fanout"),
        };
        let from = From {
            door: call.door(),
            app: call.app().id,
            sender: call.session()?.user,
            via: call.via(),
            receipt: !call.app().receipts.address.is_empty(),
        };
        Ok((judge(params, call.app().settings.live_text)?, from))
    }

    async fn run((judged, from): Self::Args, unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        // h. Who has not accepted is neither heard nor reached; a recipient who is no user has accepted nothing.
        if unit.grant(from.app, from.sender).await?.is_none() {
            return Err(terms_not_accepted().into());
        }
        if judged.recipient != from.sender && unit.grant(from.app, judged.recipient).await?.is_none() {
            return Err(terms_not_accepted().into());
        }
        let (wait, timeout_ms) = (judged.wait, judged.timeout_ms);
        let reply = if judged.outcome { outcome_object } else { scalar };
        let id = MessageId::from_bytes(unit.random());
        let message = judged.into_message(id, from, unit.config().message_ttl_ms);
        Ok(Outcome::OfDelivery {
            sending: Box::new(Sending {
                message,
                wait,
                timeout_ms,
            }),
            reply,
        })
    }
}

/// a. Exactly one of `recipient` and its alias.
fn recipient(recipient: Option<&str>, uid: Option<&str>) -> Result<Uid, Refusal> {
    let (name, text) = match (recipient, uid) {
        (None, None) => return Err(invalid("recipient", "is missing")),
        (Some(_), Some(_)) => return Err(invalid("recipient", "and uid are both given")),
        (Some(text), None) => ("recipient", text),
        (None, Some(text)) => ("uid", text),
    };
    text.parse().map_err(|_| invalid(name, "must be a uid"))
}

fn wait(value: Option<&str>) -> Result<WaitFor, Refusal> {
    match value {
        None | Some("none") => Ok(WaitFor::Accepted),
        Some("written") => Ok(WaitFor::Written),
        Some("acked") => Ok(WaitFor::Acked),
        Some(_) => Err(invalid("wait", "must be none, written or acked")),
    }
}

fn collapse_key(value: Option<&str>) -> Result<Option<&str>, Refusal> {
    let permitted = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let refusal = || invalid("collapse_key", "must be 1 to 32 characters of A-Z a-z 0-9 _ . -");
    match value {
        Some(key) if !key.bytes().all(permitted) => Err(refusal()),
        Some(key) if key.len() > COLLAPSE_KEY_BYTES_MAX => Err(refusal().over("collapse_key")),
        Some(_) | None => Ok(value),
    }
}

fn ttl_secs(value: Option<&str>) -> Result<Option<u32>, Refusal> {
    int_param("ttl", value, 0..=TTL_SECS_MAX).map_err(|refusal| {
        let is_number = value.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        if is_number { refusal.over("ttl") } else { refusal }
    })
}

fn fanout(value: Option<&str>) -> Result<Fanout, Refusal> {
    match value {
        None | Some("all") => Ok(Fanout::All),
        Some("one") => Ok(Fanout::One),
        Some("focused") => Ok(Fanout::Focused),
        Some(_) => Err(invalid("fanout", "must be all, one or focused")),
    }
}

/// The answer of the seed page: `1` (protocol 14.1.3: never `0`).
fn scalar(_delivery: &Delivery) -> Reply {
    Reply::Bool(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Params<'static> = Params {
        recipient: Some("563683308"),
        uid: None,
        event_name: Some("rochambeau"),
        message: Some("{message:\"Let's start a game.\"}"),
        outcome: None,
        wait: None,
        in_batch: false,
        timeout_ms: None,
        ttl: None,
        collapse_key: None,
        fanout: None,
    };

    fn refused(params: Params<'_>) -> (Code, String) {
        let refusal = judge(params, LiveText::Any).expect_err("refused");
        (refusal.code(), refusal.cause().unwrap_or_default().to_owned())
    }

    fn invalid_because(params: Params<'_>) -> String {
        let (code, cause) = refused(params);
        assert_eq!(code, Code::InvalidParameter);
        cause
    }

    #[test]
    fn the_seed_example_passes_with_the_defaults_of_the_page() {
        let judged = judge(GOOD, LiveText::Any).unwrap();
        assert_eq!(judged.recipient.get(), 563_683_308);
        assert_eq!(
            (judged.wait, judged.timeout_ms, judged.ttl_ms),
            (WaitFor::Accepted, 1_000, None)
        );
        assert_eq!(
            (judged.outcome, judged.fanout, judged.collapse_key),
            (false, Fanout::All, None)
        );
    }

    #[test]
    fn uid_stands_in_for_an_absent_recipient_and_never_beside_one() {
        let by_uid = Params {
            recipient: None,
            uid: Some("563683308"),
            ..GOOD
        };
        assert_eq!(judge(by_uid, LiveText::Any), judge(GOOD, LiveText::Any));
        assert_eq!(
            invalid_because(Params {
                recipient: None,
                ..GOOD
            }),
            "recipient is missing"
        );
        assert_eq!(
            invalid_because(Params {
                uid: Some("563683308"),
                ..GOOD
            }),
            "recipient and uid are both given"
        );
        assert_eq!(
            invalid_because(Params {
                recipient: Some("0"),
                ..GOOD
            }),
            "recipient must be a uid"
        );
        let malformed = Params {
            recipient: None,
            uid: Some("9223372036854775808"),
            ..GOOD
        };
        assert_eq!(invalid_because(malformed), "uid must be a uid");
    }

    #[test]
    fn checks_a_to_g_answer_in_their_order() {
        let long_event = "e".repeat(129);
        let long_text = "t".repeat(1_025);
        let mut params = Params {
            recipient: None,
            event_name: None,
            message: None,
            outcome: Some("x"),
            wait: Some("x"),
            timeout_ms: Some("5001"),
            ttl: Some("86401"),
            collapse_key: Some("a b"),
            fanout: Some("none"),
            ..GOOD
        };
        assert_eq!(invalid_because(params), "recipient is missing");
        params.recipient = GOOD.recipient;
        assert_eq!(invalid_because(params), "event_name is missing");
        params.event_name = Some(&long_event);
        assert_eq!(invalid_because(params), "message is missing");
        params.message = Some(&long_text);
        assert_eq!(invalid_because(params), "outcome must be 1, 0, true or false");
        params.outcome = Some("TRUE");
        assert_eq!(invalid_because(params), "wait must be none, written or acked");
        params.wait = Some("acked");
        assert_eq!(
            invalid_because(params),
            "timeout_ms must be an integer from 0 to 5000"
        );
        params.timeout_ms = Some("5000");
        assert_eq!(invalid_because(params), "ttl must be an integer from 0 to 86400");
        params.ttl = Some("0");
        assert!(invalid_because(params).starts_with("collapse_key must be"));
        params.collapse_key = Some("a_b.c-D9");
        assert_eq!(invalid_because(params), "fanout must be all, one or focused");
        params.fanout = Some("focused");
        assert_eq!(refused(params), (Code::EventNameTooLong, String::new()));
        params.event_name = Some("e");
        assert_eq!(refused(params), (Code::MessageTooLong, String::new()));
        params.message = Some("{a:1}");
        let refusal = judge(params, LiveText::Json).unwrap_err();
        assert_eq!(refusal.cause(), Some("message must be one JSON text"));
        let judged = judge(params, LiveText::Any).unwrap();
        assert_eq!(
            (judged.wait, judged.timeout_ms, judged.ttl_ms),
            (WaitFor::Acked, 5_000, Some(0))
        );
        assert_eq!((judged.outcome, judged.fanout), (true, Fanout::Focused));
    }

    #[test]
    fn lengths_are_bytes_and_the_limit_itself_is_accepted() {
        let event = "é".repeat(64);
        let text = "😀".repeat(256);
        let params = Params {
            event_name: Some(&event),
            message: Some(&text),
            ..GOOD
        };
        let judged = judge(params, LiveText::Any).unwrap();
        assert_eq!((judged.event.len(), judged.text.len()), (128, 1_024));
        let event = format!("{event}x");
        let params = Params {
            event_name: Some(&event),
            ..GOOD
        };
        assert_eq!(refused(params).0, Code::EventNameTooLong);
        let text = format!("{text}x");
        let params = Params {
            message: Some(&text),
            ..GOOD
        };
        assert_eq!(refused(params).0, Code::MessageTooLong);
    }

    #[test]
    fn collapse_keys_have_32_characters_at_most() {
        let key = "k".repeat(33);
        assert!(
            judge(
                Params {
                    collapse_key: Some(&key[..32]),
                    ..GOOD
                },
                LiveText::Any
            )
            .is_ok()
        );
        assert!(
            judge(
                Params {
                    collapse_key: Some(&key),
                    ..GOOD
                },
                LiveText::Any
            )
            .is_err()
        );
    }

    #[test]
    fn a_message_keeps_its_text_and_takes_the_default_life() {
        let from = From {
            door: Door::Rest,
            app: AppId::new(1).unwrap(),
            sender: Uid::new(2).unwrap(),
            via: Via::User,
            receipt: false,
        };
        let id = MessageId::from_bytes([1; 16]);
        let message = judge(GOOD, LiveText::Any).unwrap().into_message(id, from, 60_000);
        assert_eq!(&*message.text, "{message:\"Let's start a game.\"}");
        assert_eq!(
            (message.ttl_ms, message.via, message.sender.get()),
            (60_000, Via::User, 2)
        );
    }
}
