//! `/feed`: the News Feed (feed 6.1, 6.2, 6.6).

use super::door::{Answer, render, see_other};
use super::error::SiteError;
use super::layout::Chrome;
use super::story::{Card, CardState, Lens};
use super::visit::Visit;
use super::words;
use crate::bound::Bound;
use askama::Template;
use crier_platform::feed::{PlacedStory, ServedPage, Serving};
use crier_platform::model::app::App;
use crier_platform::model::user::User;
use crier_proto::ids::AppId;
use http::StatusCode;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "feed.html")]
pub(super) struct FeedPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    /// The view that this page belongs to, with its proof: `<number>.<16 hex>`, or empty.
    pub(super) v: String,
    /// The seq up to which the page speaks.
    pub(super) w: i64,
    /// Cursor of this very page: forms lead back to it.
    pub(super) here: String,
    pub(super) notice: Notice,
    pub(super) exempt: Vec<Card>,
    /// Exempt stories beyond those.
    pub(super) exempt_more: u32,
    pub(super) stories: Vec<Card>,
    /// Not the first page.
    pub(super) later: bool,
    /// Cursor of the next page.
    pub(super) more: Option<String>,
    /// There are stories that did not make it.
    pub(super) missed: bool,
    /// The keys are on.
    pub(super) keys: bool,
    pub(super) empty: Option<Empty>,
}

/// What the page says before anything else.
pub(super) enum Notice {
    None,
    /// A foreign, altered or expired cursor led here (feed 4.11).
    OldCursor,
    /// This application's stories were just switched off.
    SwitchedOff(String),
}

/// Why a page shows no story (feed 6.6).
pub(super) enum Empty {
    /// No application is accepted; these could be.
    NoApps(Vec<OfferedApp>),
    /// Applications, but no story yet.
    NoStories,
    /// Stories, but none to show: why, and how many of each.
    NoneToShow(Vec<Cause>),
    /// The end of the record.
    NoMore,
}

/// Stories that are not shown, by cause.
pub(super) struct Cause {
    pub(super) count: u64,
    pub(super) words: &'static str,
    /// The control that would bring them back: address below the base path, and words.
    pub(super) way: Option<(&'static str, &'static str)>,
}

/// An application that could be accepted.
pub(super) struct OfferedApp {
    pub(super) name: String,
    pub(super) api_key: String,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    visit.count_read(&user)?;
    let served = match visit.query.value("cursor") {
        None => visit.state.feed.view(user.uid, serving(&visit)).await?,
        Some(cursor) => match visit.state.feed.later(user.uid, cursor).await? {
            Some(served) => served,
            None => return see_other(&visit.href("/feed?notice=cursor")),
        },
    };
    let lens = Lens::of(&visit, &user);
    let cards = |stories: &[PlacedStory]| stories.iter().map(|one| Card::new(one, &lens)).collect();
    let (exempt, stories): (Vec<Card>, Vec<Card>) = (cards(&served.exempt), cards(&served.slots));
    let empty = if exempt.is_empty() && stories.is_empty() {
        Some(why_empty(&visit, &user, &served).await?)
    } else {
        None
    };
    let page = FeedPage {
        chrome: Chrome::of(&visit, "News Feed", "feed"),
        form_token: &visit.form_token(),
        v: served.v,
        w: served.w,
        here: served.here,
        notice: notice(&visit, &user).await?,
        exempt,
        exempt_more: served.exempt_more,
        stories,
        later: served.page > 1,
        more: served.more,
        missed: served.missed > 0,
        keys: visit.keys_are_on(),
        empty,
    };
    render(StatusCode::OK, &page)
}

/// A view is a GET by the person; what only looks leaves no trace (feed 6.11).
fn serving(visit: &Visit) -> Serving {
    if visit.only_looks {
        Serving::Look
    } else {
        Serving::View
    }
}

/// The application that the page before has switched off, if that is still so.
async fn notice(visit: &Visit, user: &User) -> Result<Notice, SiteError> {
    if visit.query.value("notice") == Some("cursor") {
        return Ok(Notice::OldCursor);
    }
    let Some(id) = visit
        .query
        .value("off")
        .and_then(|text| text.parse::<AppId>().ok())
    else {
        return Ok(Notice::None);
    };
    let grant = visit.state.accounts.grant(id, user.uid).await?;
    if grant.is_none_or(|grant| grant.feed) {
        return Ok(Notice::None);
    }
    let app = visit.state.accounts.app(id).await?;
    Ok(app.map_or(Notice::None, |app| Notice::SwitchedOff(app.name.clone())))
}

async fn why_empty(visit: &Visit, user: &User, served: &ServedPage) -> Result<Empty, SiteError> {
    if served.page > 1 {
        return Ok(Empty::NoMore);
    }
    if visit.state.accounts.accepted_apps(user.uid).await?.is_empty() {
        let apps = visit.state.accounts.apps_open_to(user.uid).await?;
        return Ok(Empty::NoApps(offered(visit, &apps)));
    }
    if served.verdicts.is_empty() {
        return Ok(Empty::NoStories);
    }
    let causes = served.verdicts.iter();
    let causes = causes.filter_map(|(verdict, count)| words::cause(verdict, *count));
    Ok(Empty::NoneToShow(causes.collect()))
}

/// Applications that could be accepted, at most `site.offered_apps_max`.
fn offered(visit: &Visit, apps: &[Arc<App>]) -> Vec<OfferedApp> {
    let most = visit.state.site.offered_apps_max;
    let enabled = || apps.iter().filter(|app| app.enabled);
    if enabled().nth(most).is_some() {
        visit.state.metrics.bound(Bound::OfferedApps);
    }
    enabled()
        .take(most)
        .map(|app| OfferedApp {
            name: app.name.clone(),
            api_key: app.api_key.to_string(),
        })
        .collect()
}
