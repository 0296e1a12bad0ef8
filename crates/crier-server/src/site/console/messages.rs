//! `/developers/<app_id>/messages`: an application's latest messages and how each stands (live 13.1). What they say is not shown.

use super::head::AppHead;
use super::live::{MESSAGES_SHOWN, Watched, standing};
use super::owned::OwnedApp;
use crate::site::door::{Answer, render};
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, instant, zone};
use askama::Template;
use crier_platform::model::message::SentMessage;
use crier_platform::model::time::WallMs;
use http::StatusCode;
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "console/messages.html")]
pub(in crate::site) struct MessagesPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) messages: Vec<MessageRow>,
    pub(in crate::site) live: String,
}

/// A message in a line.
#[derive(Debug, Clone)]
pub(in crate::site) struct MessageRow {
    pub(in crate::site) id: String,
    pub(in crate::site) event: String,
    pub(in crate::site) sender: String,
    pub(in crate::site) recipient: String,
    pub(in crate::site) state: &'static str,
    pub(in crate::site) time: String,
    pub(in crate::site) moment: Moment,
    pub(in crate::site) pages: u32,
    pub(in crate::site) handlers: u32,
    pub(in crate::site) written: u32,
    pub(in crate::site) acked: u32,
}

impl MessageRow {
    pub(super) fn of(message: &SentMessage, now: WallMs, zone: &TimeZone) -> Self {
        let delivery = &message.delivery;
        Self {
            id: delivery.id.to_string(),
            event: message.event.to_string(),
            sender: message.sender.to_string(),
            recipient: message.recipient.to_string(),
            state: delivery.state.as_str(),
            time: instant(message.at, now, zone),
            moment: Moment::new(message.at, now, zone),
            pages: delivery.pages,
            handlers: delivery.handlers,
            written: delivery.written,
            acked: delivery.acked,
        }
    }
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let visit = &owned.visit;
    let user = visit.user()?;
    let (now, zone) = (visit.state.clock.wall(), zone(&user.time_zone));
    let seen = standing(&visit.state, owned.app.id, Watched::Messages).await?;
    let messages = visit.state.messages.latest(owned.app.id, MESSAGES_SHOWN).await?;
    let head = owned.head("Messages");
    let page = MessagesPage {
        chrome: owned.chrome(&head),
        head: &head,
        messages: messages
            .iter()
            .map(|message| MessageRow::of(message, now, &zone))
            .collect(),
        live: Watched::Messages.address(&owned, &seen),
    };
    render(StatusCode::OK, &page)
}
