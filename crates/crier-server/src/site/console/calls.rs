//! `/developers/<app_id>/calls`: an application's latest calls, the newest first, going on by themselves where there is script.

use super::head::AppHead;
use super::live::{Watched, standing};
use super::owned::OwnedApp;
use crate::site::door::{Answer, render};
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, instant, zone};
use askama::Template;
use crier_platform::call_log::{LoggedCall, Origin, Subject};
use crier_platform::model::time::WallMs;
use http::StatusCode;
use jiff::tz::TimeZone;

/// Calls of one page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "console/calls.html")]
pub(in crate::site) struct CallsPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) calls: Vec<CallRow>,
    /// Refused calls alone.
    pub(in crate::site) only_refused: bool,
    /// Where older calls are.
    pub(in crate::site) older: Option<u64>,
    /// Where word of new calls comes from; empty on later pages.
    pub(in crate::site) live: String,
    /// Names without effect, which no method knows, and how many calls carried each.
    pub(in crate::site) unread: Vec<(Box<str>, u64)>,
    pub(in crate::site) kept_max: usize,
    pub(in crate::site) watched_minutes: u64,
}

/// A call in a line.
#[derive(Debug, Clone)]
pub(in crate::site) struct CallRow {
    pub(in crate::site) number: u64,
    pub(in crate::site) method: String,
    pub(in crate::site) time: String,
    pub(in crate::site) moment: Moment,
    /// `ok`, or the error's number.
    pub(in crate::site) answer: String,
    pub(in crate::site) refused: bool,
    pub(in crate::site) cause: String,
    pub(in crate::site) took_ms: u64,
    pub(in crate::site) user: String,
    pub(in crate::site) call_id: String,
    pub(in crate::site) made: Option<Made>,
    /// It came from the test page.
    pub(in crate::site) tried: bool,
    pub(in crate::site) items: usize,
}

/// What a call made.
#[derive(Debug, Clone)]
pub(in crate::site) struct Made {
    /// `message` or `story`.
    pub(in crate::site) what: &'static str,
    pub(in crate::site) id: String,
}

impl Made {
    pub(super) fn of(subject: Subject) -> Self {
        match subject {
            Subject::Message(id) => Self {
                what: "message",
                id: id.to_string(),
            },
            Subject::Story(id) => Self {
                what: "story",
                id: id.to_string(),
            },
        }
    }
}

impl CallRow {
    pub(super) fn of(call: &LoggedCall, now: WallMs, zone: &TimeZone) -> Self {
        let error = call.error.as_ref();
        Self {
            number: call.number,
            method: call.method.unwrap_or("no known method").to_owned(),
            time: instant(call.at, now, zone),
            moment: Moment::new(call.at, now, zone),
            answer: error.map_or_else(|| "ok".to_owned(), |(code, _)| code.number().to_string()),
            refused: error.is_some(),
            cause: error.map_or_else(String::new, |(code, cause)| match cause {
                Some(cause) => format!("{}: {cause}", code.text()),
                None => code.text().to_owned(),
            }),
            took_ms: call.took_ms,
            user: call.user.map_or_else(String::new, |user| user.to_string()),
            call_id: call.call_id.as_deref().unwrap_or_default().to_owned(),
            made: call.subject.map(Made::of),
            tried: call.origin == Origin::TestPage,
            items: call.items.len(),
        }
    }
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let (visit, app) = (&owned.visit, owned.app.id);
    let user = visit.user()?;
    let (now, zone) = (visit.state.clock.wall(), zone(&user.time_zone));
    let log = visit.state.dispatcher.log();
    log.watch(app, visit.state.clock.elapsed());
    let seen = standing(&visit.state, app, Watched::Calls).await?;
    let below = visit.query.value("below").and_then(|text| text.parse().ok());
    let only_refused = visit.query.value("only") == Some("refused");
    let kept_max = log.config().kept_max;
    // One more than the page holds says whether there are older ones; of the three kinds of calls two are refused.
    let limit = if only_refused {
        kept_max.saturating_mul(3)
    } else {
        PAGE + 1
    };
    let mut calls = log.latest(app, below.unwrap_or(u64::MAX), limit);
    if only_refused {
        calls.retain(|call| call.error.is_some());
    }
    let more = calls.len() > PAGE;
    calls.truncate(PAGE);
    let head = owned.head("Calls");
    let page = CallsPage {
        chrome: owned.chrome(&head),
        head: &head,
        older: calls.last().filter(|_| more).map(|call| call.number),
        calls: calls.iter().map(|call| CallRow::of(call, now, &zone)).collect(),
        only_refused,
        live: if below.is_some() {
            String::new()
        } else {
            Watched::Calls.address(&owned, &seen)
        },
        unread: log.unread_names(app),
        kept_max,
        watched_minutes: log.config().watched_for.0 / 60_000,
    };
    render(StatusCode::OK, &page)
}
