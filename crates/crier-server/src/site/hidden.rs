//! `/feed/hidden`: hidden and reported live stories, newest act first, each with undo (feed 6.5).

use super::door::{Answer, render};
use super::layout::Chrome;
use super::moment::Moment;
use super::story::{Card, Lens};
use super::visit::Visit;
use askama::Template;
use crier_platform::feed::{Away, PlacedStory, ReportReason};
use http::StatusCode;

#[derive(Template)]
#[template(path = "hidden.html")]
pub(super) struct HiddenPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    pub(super) rows: Vec<HiddenRow>,
}

/// A story that was put away.
pub(super) struct HiddenRow {
    pub(super) card: Card,
    /// What was done to it.
    pub(super) act: &'static str,
    pub(super) at: Moment,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    visit.count_read(&user)?;
    let hidden = visit.state.feed.hidden(user.uid).await?;
    let lens = Lens::of(&visit, &user);
    let page = HiddenPage {
        chrome: Chrome::of(&visit, "Hidden stories", "feed"),
        form_token: &visit.form_token(),
        rows: hidden.iter().filter_map(|story| row(story, &lens)).collect(),
    };
    render(StatusCode::OK, &page)
}

fn row(story: &PlacedStory, lens: &Lens<'_>) -> Option<HiddenRow> {
    let act = match story.away? {
        Away::Hidden => "hidden",
        Away::Reported(ReportReason::Spam) => "reported as spam",
        Away::Reported(ReportReason::Offensive) => "reported as offensive",
        Away::Reported(ReportReason::NotMine) => "reported: you didn't do this",
        Away::Reported(ReportReason::Other) => "reported",
    };
    Some(HiddenRow {
        card: Card::new(story, lens),
        act,
        at: lens.moment(story.acted_at?),
    })
}
