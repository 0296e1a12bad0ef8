//! What a person does to a story: hide, undo, report, thumbs up, switch its application off (feed 6.3, 5.6).
//!
//! Promise: a form leads back by 303 to the story's place on the very page it was sent from; sent in place (`in_place=1`) it is
//! answered with what now stands there. Without JavaScript nothing is missing.

use super::door::{Answer, see_other};
use super::error::SiteError;
use super::fields::{Fields, encoded};
use super::visit::Visit;
use crier_proto::ids::StoryId;

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
    let place = match fields.value("at") {
        Some(cursor) => format!("/feed?cursor={}#s{story}", encoded(cursor)),
        None => format!("/feed#s{story}"),
    };
    see_other(&visit.href(&place))
}

fn story_id(fields: &Fields) -> Result<StoryId, SiteError> {
    let story = fields.value("story").and_then(|text| text.parse().ok());
    story.ok_or(SiteError::NotFound)
}
