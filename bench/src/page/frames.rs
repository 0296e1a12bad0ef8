//! Server frames as a page reads them (live 4.3). Unknown types and fields are passed over.

use serde::Deserialize;
use std::borrow::Cow;

/// The fields that a page looks at, of any server frame.
#[derive(Debug, Deserialize)]
pub struct Frame<'a> {
    /// `type`.
    #[serde(rename = "type", borrow)]
    pub kind: Cow<'a, str>,
    /// Of a message: 32 hex.
    #[serde(default, borrow)]
    pub id: Cow<'a, str>,
    /// Of a message, and of a ping.
    #[serde(default)]
    pub seq: u64,
    /// Of a message: the text as it was sent.
    #[serde(default, borrow)]
    pub raw: Cow<'a, str>,
    /// Of a message: it was claimed.
    #[serde(default)]
    pub once: bool,
    /// Of a message: offered again.
    #[serde(default)]
    pub redelivered: bool,
    /// Of a welcome and a gap.
    #[serde(default, borrow)]
    pub epoch: Cow<'a, str>,
    /// Of a welcome: the token for the next connection.
    #[serde(default, borrow)]
    pub resume: Cow<'a, str>,
    /// Of a welcome: the secret that posted frames carry.
    #[serde(default, borrow)]
    pub connection: Cow<'a, str>,
    /// Of a welcome: a record for each page. Of a message and a gap: bare ids.
    #[serde(default)]
    pub pages: serde_json::Value,
    /// Of a gap.
    #[serde(default)]
    pub from: serde_json::Value,
    /// Of a gap; null: unknown.
    #[serde(default)]
    pub to: Option<u64>,
    /// Of a gap and a bye.
    #[serde(default, borrow)]
    pub reason: Cow<'a, str>,
    /// Of a bye and an error.
    #[serde(default)]
    pub code: u16,
    /// Of a bye and a drain, milliseconds.
    #[serde(default)]
    pub retry_after: u64,
    /// Of a ping.
    #[serde(default)]
    pub at: u64,
}

/// The frames of one message or body: one, or an array.
pub fn read(text: &str) -> Result<Vec<Frame<'_>>, String> {
    let many = text.trim_start().starts_with('[');
    let read = if many {
        serde_json::from_str(text)
    } else {
        serde_json::from_str(text).map(|frame| vec![frame])
    };
    read.map_err(|error| format!("{text}: {error}"))
}
