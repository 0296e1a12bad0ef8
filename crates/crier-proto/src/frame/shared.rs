//! The `message` frame (live 4.3): what is equal for all connections is serialised once, what differs is appended.
//!
//! Knows nothing of who gets it.

use super::PageId;
use crate::ids::{AppId, MessageId, Uid};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt::Display;

fn as_text<T: Display, S: Serializer>(id: &T, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(id)
}

/// What every connection gets of a message.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename = "message")]
pub struct MessageFrame<'a> {
    /// The message.
    #[serde(serialize_with = "as_text")]
    pub id: MessageId,
    /// Its place in the mailbox.
    pub seq: u64,
    /// The event.
    pub event: &'a str,
    /// The sender.
    #[serde(serialize_with = "as_text")]
    pub from: Uid,
    /// `app` or `user` (live 2.3).
    pub via: &'static str,
    /// The application.
    #[serde(serialize_with = "as_text")]
    pub app: AppId,
    /// Milliseconds since 1970.
    pub sent_at: i64,
    /// The text as it was sent.
    pub raw: &'a str,
    /// `message::data_of(raw)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a RawValue>,
}

impl MessageFrame<'_> {
    /// Serialises it once for all connections.
    #[must_use]
    pub fn share(&self) -> SharedMessage {
        let whole = serde_json::to_string(self)
            .expect("a frame holds texts, numbers and lists only, which JSON can express");
        SharedMessage(whole.into())
    }
}

/// A serialised `message` frame, without what differs between connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedMessage(Box<str>);

impl SharedMessage {
    /// The frame for every page with the handler.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as owned bytes' source, without a copy.
    #[must_use]
    pub fn into_boxed_str(self) -> Box<str> {
        self.0
    }

    /// The frame with the parts of one connection: `pages` if only these are meant (empty: every page), `once` if the
    /// server's claim decides (live 6.6), `redelivered` if a page may have begun it before.
    #[must_use]
    pub fn for_connection(&self, pages: &[PageId], once: bool, redelivered: bool) -> String {
        let head = self.0.strip_suffix('}').unwrap_or(&self.0);
        let mut out = String::with_capacity(
            head.len()
                .saturating_add(64)
                .saturating_add(pages.len().saturating_mul(36)),
        );
        out.push_str(head);
        if !pages.is_empty() {
            out.push_str(",\"pages\":[");
            for (place, page) in pages.iter().enumerate() {
                // A page id is `[A-Za-z0-9_-]`: nothing in it needs escaping.
                out.push_str(if place == 0 { "\"" } else { ",\"" });
                out.push_str(page.as_str());
                out.push('"');
            }
            out.push(']');
        }
        if once {
            out.push_str(",\"once\":true");
        }
        if redelivered {
            out.push_str(",\"redelivered\":true");
        }
        out.push('}');
        out
    }
}
