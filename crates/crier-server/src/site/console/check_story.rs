//! `/developers/<app_id>/story`: "Check a story" (feed 3.8): what would become of it, with every refusal and its look; writes nothing.

use super::head::AppHead;
use super::owned::OwnedApp;
use super::texts::shown;
use crate::site::app_sign::AppSign;
use crate::site::door::{Answer, render};
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, zone};
use crate::site::story::{Piece, pieces};
use askama::Template;
use crier_platform::dispatch::{CheckedPart, CheckedStory, Objected};
use crier_proto::error::Refusal;
use crier_proto::ids::Uid;
use crier_proto::markup::Place;
use crier_proto::params::{Param, lookup};
use crier_proto::story::ImageSource;
use http::StatusCode;

/// The method whose parameters the form has.
const PUBLISH: &str = "feed.publishStoryToUser";

#[derive(Template)]
#[template(path = "console/check_story.html")]
pub(in crate::site) struct CheckPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) form_token: &'a str,
    /// Whose feed it would be.
    pub(in crate::site) user: String,
    /// Name, meaning, value, and whether it is long.
    pub(in crate::site) inputs: Vec<(&'static str, &'static str, String, bool)>,
    pub(in crate::site) checked: Option<Checked>,
}

/// A story that was checked.
pub(in crate::site) struct Checked {
    /// What a call would be answered now, in words.
    pub(in crate::site) verdict: String,
    pub(in crate::site) good: bool,
    /// Name of the part, each count with its limit.
    pub(in crate::site) counts: Vec<(&'static str, Vec<Count>)>,
    pub(in crate::site) objections: Vec<ObjectionRow>,
    /// When the next story is accepted, if not now.
    pub(in crate::site) next: Option<(Moment, i64)>,
    pub(in crate::site) looks: Option<Looks>,
}

/// A count beside its limit.
pub(in crate::site) struct Count {
    pub(in crate::site) what: &'static str,
    pub(in crate::site) found: usize,
    pub(in crate::site) limit: Option<usize>,
}

impl Count {
    pub(in crate::site) fn over(&self) -> bool {
        self.limit.is_some_and(|limit| self.found > limit)
    }
}

/// Something wrong, in both spellings.
pub(in crate::site) struct ObjectionRow {
    pub(in crate::site) documented: String,
    pub(in crate::site) detailed: String,
}

/// A story as it would look.
pub(in crate::site) struct Looks {
    pub(in crate::site) title: Vec<Piece>,
    pub(in crate::site) body: Vec<Piece>,
    pub(in crate::site) pictures: Vec<PictureLooks>,
    pub(in crate::site) app: String,
    pub(in crate::site) sign: AppSign,
}

/// A picture as it would look: one that is here, or the place for one that would be fetched.
pub(in crate::site) struct PictureLooks {
    pub(in crate::site) number: u8,
    /// Its address.
    pub(in crate::site) shown: Option<String>,
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let user = owned.visit.user()?;
    page(&owned, user.uid.to_string(), (&Fields::default(), None))
}

/// Checks what the form says.
pub(crate) async fn post(owned: OwnedApp, fields: Fields) -> Answer {
    let visit = &owned.visit;
    let user = visit.user()?;
    let asked = fields.value("user").unwrap_or_default().trim().to_owned();
    let Ok(uid) = asked.parse::<Uid>() else {
        let checked = Checked::of_nobody();
        return page(&owned, asked, (&fields, Some(checked)));
    };
    let values = params().iter().filter_map(|param| {
        let value = fields.value(param.name)?;
        Some((param.name.to_owned(), value.to_owned()))
    });
    let values: Vec<(String, String)> = values.collect();
    let story = visit
        .state
        .dispatcher
        .check_story(&owned.app, uid, &values)
        .await?;
    let mut pictures = Vec::new();
    for slot in &story.slots {
        let here = match slot.source {
            ImageSource::Pid(pid) => visit.state.pictures.small_of(pid).await?,
            ImageSource::Url(_) => None,
        };
        pictures.push((slot.number, here));
    }
    let (now, zone) = (visit.state.clock.wall(), zone(&user.time_zone));
    let next = story
        .closed
        .as_ref()
        .map(|(until, _)| (Moment::new(*until, now, &zone), until.secs_rounded_up()));
    let mut checked = Checked::of(&story, next);
    checked.looks = looks(&owned, &story, &pictures);
    page(&owned, asked, (&fields, Some(checked)))
}

fn params() -> &'static [Param] {
    lookup(PUBLISH).map_or(&[], |method| method.params)
}

fn page(owned: &OwnedApp, user: String, (fields, checked): (&Fields, Option<Checked>)) -> Answer {
    let head = owned.head("Check a story");
    let inputs = params().iter().map(|param| {
        let value = fields.value(param.name).unwrap_or_default().to_owned();
        (
            param.name,
            param.meaning,
            value,
            matches!(param.name, "title" | "body"),
        )
    });
    let page = CheckPage {
        chrome: owned.chrome(&head),
        head: &head,
        form_token: &owned.visit.form_token(),
        user,
        inputs: inputs.collect(),
        checked,
    };
    render(StatusCode::OK, &page)
}

impl Checked {
    fn of_nobody() -> Self {
        Self {
            verdict: "A user is named by their number.".to_owned(),
            good: false,
            counts: Vec::new(),
            objections: Vec::new(),
            next: None,
            looks: None,
        }
    }

    fn of(story: &CheckedStory, next: Option<(Moment, i64)>) -> Self {
        let mut rows: Vec<ObjectionRow> = story.objections.iter().map(row).collect();
        let verdict = if !story.permitted {
            "A call would be answered 0: this user has not accepted the application, or has switched its stories off."
        } else if !story.objections.is_empty() {
            "A call would be refused for the first of these."
        } else if story.closed.is_some() {
            "A call would be refused: the twelve hours are not over."
        } else if story.exempt {
            "A call would be answered 1. You own the application: for you there are no twelve hours, and the story is always shown."
        } else {
            "A call would be answered 1."
        };
        rows.extend(story.closed.as_ref().map(|(_, objected)| row(objected)));
        let part = |place: Place, part: &Option<CheckedPart>| {
            part.as_ref().map(|part| (place.name(), counts(place, part)))
        };
        Self {
            verdict: verdict.to_owned(),
            good: story.permitted && rows.is_empty(),
            counts: [part(Place::Title, &story.title), part(Place::Body, &story.body)]
                .into_iter()
                .flatten()
                .collect(),
            objections: rows,
            next,
            looks: None,
        }
    }
}

fn row(objected: &Objected) -> ObjectionRow {
    ObjectionRow {
        documented: told(&objected.documented),
        detailed: told(&objected.detailed),
    }
}

fn told(refusal: &Refusal) -> String {
    let cause = refusal.cause().map(|cause| shown(cause.as_bytes()));
    let code = refusal.code();
    match cause {
        Some(cause) => format!("{} {}: {cause}", code.number(), code.text()),
        None => format!("{} {}", code.number(), code.text()),
    }
}

fn counts(place: Place, part: &CheckedPart) -> Vec<Count> {
    let counts = part.counts;
    [
        (
            "displayed characters",
            counts.clusters,
            Some(place.clusters_max()),
        ),
        ("bytes of text", counts.text_bytes, Some(place.text_bytes_max())),
        (
            "bytes of markup",
            counts.markup_bytes,
            Some(place.markup_bytes_max()),
        ),
        ("links", counts.links, place.links_max()),
    ]
    .map(|(what, found, limit)| Count { what, found, limit })
    .into()
}

/// The story as it would look; nothing without a title that can be read.
fn looks(owned: &OwnedApp, story: &CheckedStory, pictures: &[(u8, Option<String>)]) -> Option<Looks> {
    let base = &owned.visit.state.public_url.base_path;
    let title = story.title.as_ref()?;
    let pictures = pictures.iter().map(|(number, here)| PictureLooks {
        number: *number,
        shown: here.as_ref().map(|name| format!("{base}/p/{name}")),
    });
    let body = story.body.as_ref();
    Some(Looks {
        title: pieces(&title.markup, |_| "t".to_owned()),
        body: body.map_or_else(Vec::new, |body| {
            pieces(&body.markup, |number| format!("b{number}"))
        }),
        pictures: pictures.collect(),
        app: owned.app.name.clone(),
        sign: AppSign::of(&owned.app, base),
    })
}
