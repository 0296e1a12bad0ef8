//! `/feed/ranking`: the formula and the configuration in force, with their version (feed 4.1).

use super::door::{Answer, render};
use super::layout::Chrome;
use super::visit::Visit;
use askama::Template;
use http::StatusCode;

#[derive(Template)]
#[template(path = "ranking.html")]
pub(super) struct RankingPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) version: u32,
    /// The configuration as it is kept for ever: its canonical text.
    pub(super) configuration: String,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    visit.user()?;
    let ranking = visit.state.feed.ranking().await?;
    let page = RankingPage {
        chrome: Chrome::of(&visit, "How stories are ranked", "feed"),
        version: ranking.version,
        configuration: ranking.canonical_text(),
    };
    render(StatusCode::OK, &page)
}
