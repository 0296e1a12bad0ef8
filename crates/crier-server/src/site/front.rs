//! `/`: what this place is; for somebody logged in, their feed.

use super::door::{Answer, render, see_other};
use super::layout::Chrome;
use super::visit::Visit;
use askama::Template;
use http::StatusCode;

#[derive(Template)]
#[template(path = "front.html")]
pub(super) struct FrontPage<'a> {
    pub(super) chrome: Chrome<'a>,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    if visit.user.is_some() {
        return see_other(&visit.href("/feed"));
    }
    render(
        StatusCode::OK,
        &FrontPage {
            chrome: Chrome::of(&visit, "Crier", ""),
        },
    )
}
