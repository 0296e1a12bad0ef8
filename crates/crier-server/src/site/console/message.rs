//! `/developers/<app_id>/message?id=…`: what became of one message, step by step (live 7.5, 13.1).

use super::head::AppHead;
use super::live::{Watched, standing};
use super::messages::MessageRow;
use super::owned::OwnedApp;
use crate::site::door::{Answer, render, see_other};
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, instant, zone};
use askama::Template;
use crier_platform::model::message::{Happening, What};
use crier_platform::model::time::WallMs;
use http::StatusCode;
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "console/message.html")]
pub(in crate::site) struct MessagePage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    /// The id that was asked for.
    pub(in crate::site) id: String,
    /// The message, if anything is known of it.
    pub(in crate::site) message: Option<MessageShown>,
}

/// A message on its page.
pub(in crate::site) struct MessageShown {
    pub(in crate::site) row: MessageRow,
    pub(in crate::site) failed: u32,
    pub(in crate::site) lagging: u32,
    pub(in crate::site) expires: Moment,
    pub(in crate::site) steps: Vec<Step>,
    pub(in crate::site) live: String,
}

/// Something that happened.
pub(in crate::site) struct Step {
    /// Milliseconds since it was accepted.
    pub(in crate::site) after_ms: i64,
    pub(in crate::site) time: String,
    /// The word of the wire.
    pub(in crate::site) word: &'static str,
    pub(in crate::site) words: &'static str,
    pub(in crate::site) page: String,
}

impl Step {
    fn of(happening: &Happening, (began, now): (WallMs, WallMs), zone: &TimeZone) -> Self {
        Self {
            after_ms: happening.at.0.saturating_sub(began.0),
            time: instant(happening.at, now, zone),
            word: happening.what.as_str(),
            words: words_of(happening.what),
            page: happening
                .page
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
        }
    }
}

/// What each word of the timeline means.
const fn words_of(what: What) -> &'static str {
    match what {
        What::Accepted => "it has its place in the mailbox",
        What::NoHandler => "no open page had a handler then; it waits",
        What::Offered => "on its way to a page",
        What::Written => "the page's connection has it",
        What::Acked => "the page's handler has returned",
        What::Failed => "the page's handler threw; that counts as an ack",
        What::Released => "the page that alone might run it has gone; another may",
        What::Cancelled => "taken back by liveMessage.cancel",
        What::Replaced => "a newer message with its collapse key took its place",
        What::Revoked => "ended by a withdrawal",
        What::Dropped => "pushed out of a full mailbox",
        What::Expired => "its time is over",
        What::ReceiptPosted => "your receipts address has confirmed its receipt",
    }
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let visit = &owned.visit;
    let Some(id) = visit.query.value("id") else {
        return see_other(&owned.href("/messages"));
    };
    let user = visit.user()?;
    let (now, zone) = (visit.state.clock.wall(), zone(&user.time_zone));
    let mut message = None;
    if let Ok(known) = id.parse() {
        let watched = Watched::Message(known);
        let seen = standing(&visit.state, owned.app.id, watched).await?;
        let found = visit.state.messages.message(owned.app.id, known).await?;
        message = found.map(|(sent, status)| MessageShown {
            failed: status.failed,
            lagging: status.lagging,
            expires: Moment::new(status.delivery.expires_at, now, &zone),
            steps: status
                .timeline
                .iter()
                .map(|happening| Step::of(happening, (sent.at, now), &zone))
                .collect(),
            row: MessageRow::of(&sent, now, &zone),
            live: watched.address(&owned, &seen),
        });
    }
    let status = if message.is_some() {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    let head = owned.head("Message");
    let page = MessagePage {
        chrome: owned.chrome(&head),
        head: &head,
        id: id.to_owned(),
        message,
    };
    render(status, &page)
}
