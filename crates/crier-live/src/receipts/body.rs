//! The body of a post: the outcomes of up to 100 messages as one JSON text (live 7.8).

use super::Receipt;
use bytes::Bytes;
use crier_proto::ids::AppId;
use serde::Serialize;

/// The whole.
#[derive(Serialize)]
struct Body<'a> {
    app: String,
    receipts: Vec<Entry<'a>>,
}

/// The outcome object, and what is told beside it. Numbers that JSON's readers might round travel as text.
#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    seq: u64,
    epoch: String,
    state: &'static str,
    pages: u32,
    handlers: u32,
    written: u32,
    acked: u32,
    expires_at: i64,
    failed: u32,
    recipient: String,
    event_name: &'a str,
    at: i64,
}

impl<'a> Entry<'a> {
    fn of(receipt: &'a Receipt) -> Self {
        let delivery = &receipt.delivery;
        Self {
            id: delivery.id.to_string(),
            seq: delivery.seq,
            epoch: delivery.epoch.to_string(),
            state: delivery.state.as_str(),
            pages: delivery.pages,
            handlers: delivery.handlers,
            written: delivery.written,
            acked: delivery.acked,
            expires_at: delivery.expires_at.secs_rounded_up(),
            failed: receipt.failed,
            recipient: receipt.recipient.to_string(),
            event_name: &receipt.event,
            at: receipt.at.0,
        }
    }
}

/// The body of these receipts.
pub(super) fn of(app: AppId, receipts: &[Receipt]) -> Bytes {
    let body = Body {
        app: app.to_string(),
        receipts: receipts.iter().map(Entry::of).collect(),
    };
    serde_json::to_vec(&body)
        .expect("texts and numbers alone can always be written as JSON")
        .into()
}
