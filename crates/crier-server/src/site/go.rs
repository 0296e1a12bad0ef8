//! `/go/<story>/<link>`: from a story's link to its stored address (feed 2.9). Knows stored links of one's own stories only,
//! so it is no open redirector.
//!
//! Promise: the way on never waits for the counting of the click, and a click that does not count leads on all the same.

use super::door::{Answer, see_other};
use super::error::SiteError;
use super::visit::Visit;
use crier_proto::ids::StoryId;
use http::{HeaderValue, header};

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user.as_ref().ok_or(SiteError::NotFound)?;
    let path = visit.path_and_query.split('?').next().unwrap_or_default();
    let mut parts = path.rsplit('/');
    let (link, story) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let story = story.parse::<StoryId>().map_err(|_| SiteError::NotFound)?;
    let address = visit.state.feed.link(user.uid, story, link).await?;
    let mut response = see_other(&address.ok_or(SiteError::NotFound)?)?;
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
