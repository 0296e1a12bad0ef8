//! `/feed/missed`: what didn't make it onto the first page, and by how much (feed 5.5).

use super::door::{Answer, render};
use super::error::SiteError;
use super::layout::Chrome;
use super::moment::Moment;
use super::story::{Card, Lens};
use super::visit::Visit;
use super::words::{nearness, told};
use askama::Template;
use crier_platform::feed::MissedStory;
use crier_platform::feed::verdict::Verdict;
use http::StatusCode;

#[derive(Template)]
#[template(path = "missed.html")]
pub(super) struct MissedPage<'a> {
    pub(super) chrome: Chrome<'a>,
    /// Lists only what the reader's own applications published and the feed page did not hold.
    pub(super) own: bool,
    /// The view that is explained, with its proof, or empty.
    pub(super) v: String,
    /// When that view was.
    pub(super) view: Option<Moment>,
    pub(super) rows: Vec<MissedRow>,
    /// Whether this is where the list begins.
    pub(super) first: bool,
    /// Number of the first row, from 1.
    pub(super) start: usize,
    /// Where the next 50 begin.
    pub(super) next: Option<usize>,
}

/// A story that is not on the first page.
pub(super) struct MissedRow {
    pub(super) card: Card,
    /// The verdict in words.
    pub(super) verdict: String,
    /// How near it came to the cut, in percent.
    pub(super) margin: Option<u64>,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    visit.count_read(&user)?;
    let from = visit.query.value("from").map_or(Ok(0), str::parse::<usize>);
    let from = from.map_err(|_| SiteError::NotFound)?;
    let own = visit.query.has("own");
    let (feed, mark) = (&visit.state.feed, visit.query.value("v"));
    let missed = if own {
        feed.missed_exempt(user.uid, mark, from).await?
    } else {
        feed.missed(user.uid, mark, from).await?
    };
    let missed = missed.ok_or(SiteError::NotFound)?;
    let lens = Lens::of(&visit, &user);
    let rows = missed.rows.iter().map(|row| MissedRow {
        card: Card::told(&row.story, &lens),
        verdict: left_out(row, &lens),
        margin: nearness(&row.verdict),
    });
    let page = MissedPage {
        chrome: Chrome::of(&visit, title(own), "feed"),
        own,
        view: Some(lens.moment(missed.at)),
        rows: rows.collect(),
        first: from == 0,
        start: from.saturating_add(1),
        next: missed.next,
        v: missed.v,
    };
    render(StatusCode::OK, &page)
}

/// Why a story is not on the page: one's own that stand behind the newest 25 are always shown all the same.
fn left_out(row: &MissedStory, lens: &Lens<'_>) -> String {
    if matches!(row.verdict, Verdict::Exempt { .. }) {
        "Newer stories of your own applications stand before it.".to_owned()
    } else {
        told((&row.verdict, true), &row.story, lens)
    }
}

const fn title(own: bool) -> &'static str {
    if own {
        "More from your own applications"
    } else {
        "What didn't make it"
    }
}
