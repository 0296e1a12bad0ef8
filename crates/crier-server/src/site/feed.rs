//! `/feed`: the News Feed, newest first (feed 6.1 to 6.3, 6.6), and the forms of a story.

use super::door::{Answer, render, see_other};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::moment::zone;
use super::story::Card;
use super::visit::Visit;
use askama::Template;
use crier_platform::feed::{FeedPage as Selected, Passed};
use crier_platform::model::app::App;
use crier_platform::model::user::User;
use crier_proto::ids::{AppId, StoryId};
use http::StatusCode;
use std::sync::Arc;

/// Applications named to somebody who has accepted none.
const OFFERED_APPS_MAX: usize = 12;

#[derive(Template)]
#[template(path = "feed.html")]
pub(super) struct FeedPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    pub(super) exempt: Vec<Card>,
    pub(super) stories: Vec<Card>,
    /// The seq that this page lies below, or empty: forms lead back to it.
    pub(super) before: String,
    /// The seq that the next page lies below.
    pub(super) more: Option<i64>,
    /// The application whose stories were just switched off.
    pub(super) switched_off: Option<String>,
    pub(super) empty: Option<Empty>,
}

/// Why a page shows no story (feed 6.6).
pub(super) enum Empty {
    /// No application is accepted; these could be.
    NoApps(Vec<OfferedApp>),
    /// Applications, but no story yet.
    NoStories,
    /// Stories, but none to show.
    NoneToShow(Passed),
    /// The end of the record.
    NoMore,
}

/// An application that could be accepted.
pub(super) struct OfferedApp {
    pub(super) name: String,
    pub(super) api_key: String,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    let before = visit.query.value("before").and_then(seq);
    let selected = visit.state.feed.page(user.uid, before).await?;
    let (now, zone) = (visit.state.clock.wall(), zone(&user.time_zone));
    let cards = |views: &[crier_platform::feed::StoryView]| -> Vec<Card> {
        views
            .iter()
            .filter_map(|view| Card::new(view, now, &zone))
            .collect()
    };
    let (exempt, stories) = (cards(&selected.exempt), cards(&selected.stories));
    let empty = if exempt.is_empty() && stories.is_empty() {
        Some(why_empty(&visit, &user, &selected, before.is_some()).await?)
    } else {
        None
    };
    let page = FeedPage {
        chrome: Chrome::of(&visit, "News Feed", "feed"),
        form_token: &visit.form_token(),
        exempt,
        stories,
        before: before.map_or_else(String::new, |seq| seq.to_string()),
        more: selected.more_before,
        switched_off: switched_off(&visit, &user).await?,
        empty,
    };
    render(StatusCode::OK, &page)
}

/// A form's address that was opened as a page leads to the feed.
pub(crate) async fn back(visit: Visit) -> Answer {
    see_other(&visit.href("/feed"))
}

/// X: puts a story away.
pub(crate) async fn hide(visit: Visit, fields: Fields) -> Answer {
    set_hidden(&visit, &fields, true).await
}

/// Undo: brings it back.
pub(crate) async fn undo(visit: Visit, fields: Fields) -> Answer {
    set_hidden(&visit, &fields, false).await
}

/// "I don't want this application here": its stories are switched off.
pub(crate) async fn unwanted(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/feed")?;
    let app = visit
        .state
        .feed
        .app_of_story(user.uid, story_id(&fields)?)
        .await?;
    let app = app.ok_or(SiteError::NotFound)?;
    match visit.state.accounts.switch_stories(app.id, user.uid, false).await {
        Ok(_) => see_other(&visit.href(&format!("/feed?off={}", app.id))),
        // Not accepted any more: it publishes nothing here anyway.
        Err(error) if error.is_missing() => see_other(&visit.href("/feed")),
        Err(error) => Err(error.into()),
    }
}

async fn set_hidden(visit: &Visit, fields: &Fields, hidden: bool) -> Answer {
    let user = visit.form_user(fields, "/feed")?;
    let story = story_id(fields)?;
    if !visit.state.feed.set_hidden(user.uid, story, hidden).await? {
        return Err(SiteError::NotFound);
    }
    let place = match fields.value("before").and_then(seq) {
        Some(before) => format!("/feed?before={before}#s{story}"),
        None => format!("/feed#s{story}"),
    };
    see_other(&visit.href(&place))
}

fn story_id(fields: &Fields) -> Result<StoryId, SiteError> {
    let story = fields.value("story").and_then(|text| text.parse().ok());
    story.ok_or(SiteError::NotFound)
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
    Ok(Empty::NoneToShow(selected.passed))
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
