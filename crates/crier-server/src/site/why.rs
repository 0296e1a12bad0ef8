//! `/feed/why/<story>` and `.json`: why a story stands where it stands, and what would change it (feed 5.4).

use super::door::{Answer, json, render};
use super::error::SiteError;
use super::layout::Chrome;
use super::moment::Moment;
use super::slider::Slider;
use super::story::{Card, CardState, Lens};
use super::visit::Visit;
use super::words::{details, grouped, place, told};
use askama::Template;
use crier_platform::feed::Why;
use crier_platform::feed::verdict::explain::{Line, times};
use crier_platform::model::ranking_config::{BASE_SCORE, FACTOR_ONE};
use http::StatusCode;
use std::cmp::Ordering;

#[derive(Template)]
#[template(path = "why.html")]
pub(super) struct WhyPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    /// The view that is explained, with its proof, or empty.
    pub(super) v: String,
    /// When that view was.
    pub(super) view: Option<Moment>,
    /// A view was asked for that is not kept.
    pub(super) view_is_gone: bool,
    pub(super) card: Card,
    /// The verdict in words.
    pub(super) verdict: String,
    /// What goes with it: score, cut, margin, and where else it stands; or empty.
    pub(super) details: String,
    /// The score that every story begins with.
    pub(super) start: String,
    /// One line a factor; none for a story that did not compete.
    pub(super) lines: Vec<FactorLine>,
    pub(super) version: u32,
    /// Address of the JSON beside it.
    pub(super) json: String,
    /// The application's slider, unless it is not accepted any more.
    pub(super) slider: Option<Slider>,
    pub(super) away: bool,
    /// Nothing of it is left that could be changed.
    pub(super) faded: bool,
    pub(super) stories_on: bool,
}

/// A factor and what it did.
pub(super) struct FactorLine {
    pub(super) name: &'static str,
    /// Two decimals, rounded down.
    pub(super) factor: String,
    pub(super) because: String,
    /// The score after it.
    pub(super) score: String,
    pub(super) lifts: bool,
    pub(super) lowers: bool,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    visit.count_read(&user)?;
    let path = visit.path_and_query.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let (story, as_json) = match name.strip_suffix(".json") {
        Some(story) => (story, true),
        None => (name, false),
    };
    let story = story.parse().map_err(|_| SiteError::NotFound)?;
    let why = visit
        .state
        .feed
        .why(user.uid, story, visit.query.value("v"))
        .await?;
    let why = why.ok_or(SiteError::NotFound)?;
    if as_json {
        // The explanation as it is (feed 5.4).
        return json(&why.explanation);
    }
    let lens = Lens::of(&visit, &user);
    let card = Card::told(&why.story, &lens);
    let query = if why.v.is_empty() {
        String::new()
    } else {
        format!("?v={}", why.v)
    };
    let page = WhyPage {
        chrome: Chrome::of(&visit, "Why this?", "feed"),
        form_token: &visit.form_token(),
        view: why.explanation.view.map(|_| lens.moment(why.at)),
        view_is_gone: visit.query.has("v") && why.explanation.view.is_none(),
        verdict: told((&why.verdict, why.explanation.view.is_some()), &why.story, &lens),
        details: [details(&why.verdict, why.explanation.cut), elsewhere(&why)]
            .join(" ")
            .trim()
            .to_owned(),
        start: grouped(BASE_SCORE),
        lines: why.explanation.factors.iter().map(FactorLine::of).collect(),
        version: why.explanation.version,
        json: visit.href(&format!("/feed/why/{}.json{query}", card.id)),
        slider: why.slider.map(|stop| Slider {
            field: "slider".to_owned(),
            label: card.app.clone(),
            stop,
        }),
        away: matches!(card.state, CardState::Away | CardState::Reported),
        faded: card.state == CardState::Faded,
        stories_on: why.stories_on,
        v: why.v,
        card,
    };
    render(StatusCode::OK, &page)
}

/// An exempt story is told its rank among the others (feed 5.5), one below the cut its later page (feed 5.2).
fn elsewhere(why: &Why) -> String {
    match (why.would_stand, why.later_page) {
        (Some(at), _) => format!(
            "If it competed like any other story, it would stand {}.",
            place(at)
        ),
        (None, Some(page)) => format!("It stood on page {page} of that view."),
        (None, None) => String::new(),
    }
}

impl FactorLine {
    fn of(line: &Line) -> Self {
        let direction = line.factor.cmp(&FACTOR_ONE);
        Self {
            name: line.name,
            factor: times(line.factor),
            because: line.because.clone(),
            score: grouped(line.score),
            lifts: direction == Ordering::Greater,
            lowers: direction == Ordering::Less,
        }
    }
}
