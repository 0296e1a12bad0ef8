//! `/go/<story>/<link>`: from a story's link to its stored address (feed 2.9). Knows stored links of one's own stories only,
//! so it is no open redirector.
//!
//! A link of a story whose text was taken away leads to a page that says by whom.
//!
//! Promise: the way on never waits for the counting of the click, and a click that does not count leads on all the same.

use super::door::{Answer, see_other};
use super::error::SiteError;
use super::story::Lens;
use super::visit::Visit;
use super::words::taken_by;
use crier_platform::feed::BlankedBy;
use crier_platform::feed::target::Target;
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_proto::ids::StoryId;
use http::{HeaderValue, header};

/// The page in place of a story whose text was taken away: by whom, and when.
pub(super) fn gone((visit, user): (&Visit, &User), story: StoryId, taken: (WallMs, BlankedBy)) -> SiteError {
    SiteError::StoryGone {
        sentence: taken_by(taken, &Lens::of(visit, user)),
        why: format!("/feed/why/{story}"),
    }
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user.as_ref().ok_or(SiteError::NotFound)?;
    let path = visit.path_and_query.split('?').next().unwrap_or_default();
    let mut parts = path.rsplit('/');
    let (link, story) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let story = story.parse::<StoryId>().map_err(|_| SiteError::NotFound)?;
    let target = visit.state.feed.link(user.uid, story, link).await?;
    let address = match target.ok_or(SiteError::NotFound)? {
        Target::Address(address) => address,
        Target::Blanked(at, by) => return Err(gone((&visit, user), story, (at, by))),
    };
    let mut response = see_other(&address)?;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    if let Some(v) = visit
        .query
        .value("v")
        .filter(|_| visit.from_here && !visit.only_looks)
    {
        visit.state.feed.clicked(user.uid, story, v);
    }
    Ok(response)
}
