//! `/feed`: the News Feed (feed 6.1, 6.2, 6.6).

use super::door::{Answer, render};
use super::error::SiteError;
use super::layout::Chrome;
use super::story::{Card, CardState, Lens};
use super::visit::Visit;
use askama::Template;
use crier_platform::feed::{FeedPage as Selected, Passed, StoryView};
use crier_platform::model::app::App;
use crier_platform::model::user::User;
use crier_proto::ids::AppId;
use http::StatusCode;
use std::sync::Arc;

/// Applications named to somebody who has accepted none.
const OFFERED_APPS_MAX: usize = 12;

#[derive(Template)]
#[template(path = "feed.html")]
pub(super) struct FeedPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    /// The seq up to which the page speaks.
    pub(super) w: i64,
    /// Cursor of this very page: forms lead back to it.
    pub(super) here: String,
    /// The application whose stories were just switched off.
    pub(super) switched_off: Option<String>,
    pub(super) exempt: Vec<Card>,
    pub(super) stories: Vec<Card>,
    /// Not the first page.
    pub(super) later: bool,
    /// Cursor of the next page.
    pub(super) more: Option<String>,
    pub(super) empty: Option<Empty>,
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
    pub(super) count: u32,
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
    let before = visit.query.value("cursor").and_then(seq);
    let selected = visit.state.feed.page(user.uid, before).await?;
    let lens = Lens::of(&visit, &user);
    let cards = |views: &[StoryView]| views.iter().filter_map(|view| Card::new(view, &lens)).collect();
    let (exempt, stories): (Vec<Card>, Vec<Card>) = (cards(&selected.exempt), cards(&selected.stories));
    let empty = if exempt.is_empty() && stories.is_empty() {
        Some(why_empty(&visit, &user, &selected, before.is_some()).await?)
    } else {
        None
    };
    let page = FeedPage {
        chrome: Chrome::of(&visit, "News Feed", "feed"),
        form_token: &visit.form_token(),
        w: selected.newest_seq,
        here: before.map_or_else(String::new, |seq| seq.to_string()),
        switched_off: switched_off(&visit, &user).await?,
        exempt,
        stories,
        later: before.is_some(),
        more: selected.more_before.map(|seq| seq.to_string()),
        empty,
    };
    render(StatusCode::OK, &page)
}

/// A cursor: a seq from 1.
fn seq(text: &str) -> Option<i64> {
    text.parse().ok().filter(|seq| *seq >= 1)
}

/// The application that the page before has switched off, if that is still so.
async fn switched_off(visit: &Visit, user: &User) -> Result<Option<String>, SiteError> {
    let Some(id) = visit
        .query
        .value("off")
        .and_then(|text| text.parse::<AppId>().ok())
    else {
        return Ok(None);
    };
    let grant = visit.state.accounts.grant(id, user.uid).await?;
    if grant.is_none_or(|grant| grant.feed) {
        return Ok(None);
    }
    let app = visit.state.accounts.app(id).await?;
    Ok(app.map(|app| app.name.clone()))
}

async fn why_empty(
    visit: &Visit,
    user: &User,
    selected: &Selected,
    later_page: bool,
) -> Result<Empty, SiteError> {
    if later_page {
        return Ok(Empty::NoMore);
    }
    if visit.state.accounts.accepted_apps(user.uid).await?.is_empty() {
        let apps = visit.state.accounts.apps().await?;
        return Ok(Empty::NoApps(offered(&apps)));
    }
    if selected.newest_seq == 0 {
        return Ok(Empty::NoStories);
    }
    Ok(Empty::NoneToShow(causes(&selected.passed)))
}

fn causes(passed: &Passed) -> Vec<Cause> {
    let all = [
        (passed.hidden, "that you have hidden", None),
        (
            passed.not_wanted,
            "of applications that are switched off or not accepted any more",
            Some(("/settings", "Look at your applications")),
        ),
        (passed.expired, "older than seven days", None),
        (passed.damaged, "that cannot be shown safely", None),
    ];
    let some = all.into_iter().filter(|(count, _, _)| *count > 0);
    some.map(|(count, words, way)| Cause { count, words, way })
        .collect()
}

fn offered(apps: &[Arc<App>]) -> Vec<OfferedApp> {
    let enabled = apps.iter().filter(|app| app.enabled).take(OFFERED_APPS_MAX);
    enabled
        .map(|app| OfferedApp {
            name: app.name.clone(),
            api_key: app.api_key.to_string(),
        })
        .collect()
}
