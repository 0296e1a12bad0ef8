//! What a person does to a story: hide, undo, report, thumbs up, and the switch and slider of its application (feed 6.3, 5.4, 5.6).
//!
//! Promise: a form leads back by 303 to the story's place on the very page it was sent from; sent in place (`in_place=1`) it is
//! answered with what now stands there. Without JavaScript nothing is missing.

use super::door::{Answer, render, see_other};
use super::error::SiteError;
use super::fields::{Fields, encoded};
use super::go::gone;
use super::layout::Chrome;
use super::slider::stop_named;
use super::story::{Card, CardState, Lens};
use super::visit::Visit;
use askama::Template;
use crier_platform::feed::ReportReason;
use crier_platform::feed::target::Target;
use crier_platform::model::user::User;
use crier_proto::ids::{AppId, StoryId};
use http::StatusCode;
use std::sync::Arc;

/// What now stands in a story's place.
#[derive(Template)]
#[template(
    source = "{% import \"story.html\" as story %}{% call story::slot(chrome, v, card) %}{% endcall %}",
    ext = "html"
)]
pub(super) struct StoryPart<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) v: &'a str,
    pub(super) card: Card,
}

/// A form about one story.
struct Act {
    visit: Visit,
    fields: Fields,
    user: Arc<User>,
    story: StoryId,
}

/// A form's address that was opened as a page leads to the feed.
pub(crate) async fn back(visit: Visit) -> Answer {
    see_other(&visit.href("/feed"))
}

/// X: puts a story away.
pub(crate) async fn hide(visit: Visit, fields: Fields) -> Answer {
    let act = Act::read(visit, fields)?;
    let done = act.visit.state.feed.hide(act.user.uid, act.story).await?;
    act.done(done).await
}

/// Undo: takes a hide or a report back.
pub(crate) async fn undo(visit: Visit, fields: Fields) -> Answer {
    let act = Act::read(visit, fields)?;
    let done = act.visit.state.feed.undo(act.user.uid, act.story).await?;
    act.done(done).await
}

/// Thumbs up, and down again.
pub(crate) async fn thumb(visit: Visit, fields: Fields) -> Answer {
    let act = Act::read(visit, fields)?;
    let feed = &act.visit.state.feed;
    let done = match feed.story(act.user.uid, act.story).await? {
        Some(present) => feed.thumb(act.user.uid, act.story, !present.thumbed).await?,
        None => false,
    };
    act.done(done).await
}

/// Report, for the reason that the address names.
pub(crate) async fn report(visit: Visit, fields: Fields) -> Answer {
    let act = Act::read(visit, fields)?;
    let path = act.visit.path_and_query.split('?').next().unwrap_or_default();
    let reason = path.rsplit('/').next().and_then(ReportReason::of_word);
    let reason = reason.ok_or(SiteError::NotFound)?;
    let feed = &act.visit.state.feed;
    let done = feed.report(act.user.uid, act.story, reason).await?;
    act.done(done).await
}

/// "I don't want this application here": its stories are switched off.
pub(crate) async fn unwanted(visit: Visit, fields: Fields) -> Answer {
    let act = Act::read(visit, fields)?;
    act.switch(false).await?;
    if act.fields.has("in_place") {
        return act.part(Some(CardState::Off)).await;
    }
    // The page that follows says which application it was.
    let off = act.app().await?;
    let back = act.way_back();
    let told = match back.split_once('#') {
        Some((page, place)) if page.contains('?') => format!("{page}&off={off}#{place}"),
        Some((page, place)) => format!("{page}?off={off}#{place}"),
        None => back,
    };
    see_other(&act.visit.href(&told))
}

/// Its stories are switched on again.
pub(crate) async fn wanted(visit: Visit, fields: Fields) -> Answer {
    let act = Act::read(visit, fields)?;
    act.switch(true).await?;
    act.done(true).await
}

/// The slider of a story's application.
pub(crate) async fn slider(visit: Visit, fields: Fields) -> Answer {
    let act = Act::read(visit, fields)?;
    let stop = act.fields.value("slider").and_then(stop_named);
    let stop = stop.ok_or_else(|| SiteError::bad_request("The slider has no such stop."))?;
    let app = act.app().await?;
    let feed = &act.visit.state.feed;
    if !feed.set_slider(act.user.uid, app, stop).await? {
        return Err(SiteError::NotFound);
    }
    see_other(&act.visit.href(&act.why()))
}

impl Act {
    fn read(visit: Visit, fields: Fields) -> Result<Self, SiteError> {
        let user = visit.form_user(&fields, "/feed")?;
        let story = fields.value("story").and_then(|text| text.parse().ok());
        Ok(Self {
            user,
            story: story.ok_or(SiteError::NotFound)?,
            visit,
            fields,
        })
    }

    /// The view in which it is done, with its proof, or empty.
    fn v(&self) -> &str {
        self.fields.value("v").unwrap_or_default()
    }

    async fn app(&self) -> Result<AppId, SiteError> {
        match self.visit.state.feed.story(self.user.uid, self.story).await? {
            Some(placed) => Ok(placed.view.app.id),
            None => Err(self.nothing().await),
        }
    }

    async fn switch(&self, on: bool) -> Result<(), SiteError> {
        let app = self.app().await?;
        let switched = self
            .visit
            .state
            .accounts
            .switch_stories(app, self.user.uid, on)
            .await;
        match switched {
            // Not accepted any more: it publishes nothing here anyway.
            Err(error) if !error.is_missing() => Err(error.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The answer to an act that was done, or to one for which there was no story.
    async fn done(self, done: bool) -> Answer {
        if !done {
            return Err(self.nothing().await);
        }
        if self.fields.has("in_place") {
            return self.part(None).await;
        }
        see_other(&self.visit.href(&self.way_back()))
    }

    /// Why there is nothing to act on: the story's text was taken away since the page was opened, or there is no such story.
    async fn nothing(&self) -> SiteError {
        match self.visit.state.feed.link(self.user.uid, self.story, "t").await {
            Ok(Some(Target::Blanked(at, by))) => gone((&self.visit, &self.user), self.story, (at, by)),
            Ok(Some(Target::Address(_)) | None) => SiteError::NotFound,
            Err(fault) => fault.into(),
        }
    }

    /// What now stands in the story's place.
    async fn part(self, state: Option<CardState>) -> Answer {
        let placed = self.visit.state.feed.story(self.user.uid, self.story).await?;
        let lens = Lens::of(&self.visit, &self.user);
        let card = Card::new(&placed.ok_or(SiteError::NotFound)?, &lens);
        let card = Card {
            state: state.unwrap_or(card.state),
            ..card
        };
        render(
            StatusCode::OK,
            &StoryPart {
                chrome: Chrome::of(&self.visit, "News Feed", "feed"),
                v: self.v(),
                card,
            },
        )
    }

    /// Where the form was sent from.
    fn way_back(&self) -> String {
        let story = self.story;
        match (self.fields.value("back"), self.fields.value("at")) {
            (Some("why"), _) => self.why(),
            (Some("hidden"), _) => "/feed/hidden".to_owned(),
            (_, Some(cursor)) => format!("/feed?cursor={}#s{story}", encoded(cursor)),
            (_, None) => format!("/feed#s{story}"),
        }
    }

    fn why(&self) -> String {
        match self.v() {
            "" => format!("/feed/why/{}", self.story),
            v => format!("/feed/why/{}?v={}", self.story, encoded(v)),
        }
    }
}
