//! `/admin/takedowns`: a story or a picture that must go (feed 1.2, 7.11), and what people have reported. What is looked up is shown
//! before it is done.

use super::admitted::{AdminHead, Admitted};
use crate::site::door::{Answer, render, see_other};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::Moment;
use askama::Template;
use crier_platform::feed::{ReportReason, StoryView};
use crier_platform::pictures::read_hash;
use crier_proto::digest::lower_hex;
use crier_proto::ids::StoryId;
use crier_proto::markup::Markup;
use http::StatusCode;

/// Reports on the page.
const REPORTS: u32 = 50;

#[derive(Template)]
#[template(path = "administration/takedowns.html")]
pub(in crate::site) struct TakedownsPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: AdminHead,
    pub(in crate::site) form_token: &'a str,
    /// The story that was looked up.
    pub(in crate::site) story: Option<FoundStory>,
    /// Whether one was looked up that is not known.
    pub(in crate::site) unknown_story: bool,
    /// Stories that were reported, newest report first.
    pub(in crate::site) reported: Vec<FoundStory>,
    /// The picture that was looked up.
    pub(in crate::site) picture: Option<FoundPicture>,
    /// Whether one was looked up that is not known.
    pub(in crate::site) unknown_picture: bool,
}

/// A story before it is taken down.
pub(in crate::site) struct FoundStory {
    pub(in crate::site) id: String,
    /// Its words, or empty when they are gone.
    pub(in crate::site) title: String,
    pub(in crate::site) body: String,
    /// The application's number and name.
    pub(in crate::site) app: (String, String),
    /// The number and the name of the person in whose feed it is; the number twice when they are gone.
    pub(in crate::site) user: (String, String),
    pub(in crate::site) published: Moment,
    /// As what and when its reader reported it, if so.
    pub(in crate::site) report: Option<(&'static str, Moment)>,
}

/// A picture before it is blocked.
pub(in crate::site) struct FoundPicture {
    pub(in crate::site) hash: String,
    /// Its address here, or empty when nobody is shown it.
    pub(in crate::site) src: String,
}

pub(crate) async fn get(admitted: Admitted) -> Answer {
    let query = &admitted.visit.query;
    let feed = &admitted.visit.state.feed;
    let asked_story = query.value("story").map(str::trim);
    let story = match asked_story.and_then(|id| id.parse().ok()) {
        Some(id) => feed.anyones_story(id).await?,
        None => None,
    };
    let reported = feed.reported(REPORTS).await?;
    let asked = query.value("picture").map(str::trim);
    let picture = match asked {
        Some(text) => find_picture(&admitted, text).await?,
        None => None,
    };
    let unknown_story = asked_story.is_some() && story.is_none();
    let found = match story {
        Some(view) => Some(found_story(&admitted, &view).await?),
        None => None,
    };
    let mut listed = Vec::with_capacity(reported.len());
    for view in &reported {
        listed.push(found_story(&admitted, view).await?);
    }
    let page = TakedownsPage {
        chrome: admitted.chrome("Takedowns"),
        head: admitted.head("Takedowns"),
        form_token: &admitted.visit.form_token(),
        unknown_story,
        story: found,
        reported: listed,
        unknown_picture: asked.is_some() && picture.is_none(),
        picture,
    };
    render(StatusCode::OK, &page)
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(admitted: Admitted) -> Answer {
    see_other(&admitted.href("/takedowns"))
}

/// Takes a story down.
pub(crate) async fn story(admitted: Admitted, fields: Fields) -> Answer {
    let story: Option<StoryId> = fields.value("story").and_then(|text| text.parse().ok());
    let story = story.ok_or_else(|| SiteError::bad_request("That is no number of a story."))?;
    if !admitted.visit.state.feed.take_down(story).await? {
        return Err(SiteError::bad_request(
            "There is no story with that number any more.",
        ));
    }
    see_other(&admitted.href("/takedowns?done=taken_down"))
}

/// Blocks a picture.
pub(crate) async fn picture(admitted: Admitted, fields: Fields) -> Answer {
    let hash = fields.value("hash").and_then(read_hash);
    let hash = hash.ok_or_else(|| SiteError::bad_request("That is no hash of a picture."))?;
    admitted.visit.state.pictures.block(hash).await?;
    see_other(&admitted.href("/takedowns?done=blocked"))
}

async fn found_story(admitted: &Admitted, view: &StoryView) -> Result<FoundStory, SiteError> {
    let story = &view.story;
    let uid = story.user.to_string();
    let user = admitted.visit.state.accounts.user(story.user).await?;
    Ok(FoundStory {
        id: story.id.to_string(),
        title: view.title.plain(),
        body: view.body.as_ref().map(Markup::plain).unwrap_or_default(),
        app: (view.app.id.to_string(), view.app.name.clone()),
        user: (uid.clone(), user.map_or(uid, |user| user.name.clone())),
        published: admitted.moment(story.published_at),
        report: story
            .reported
            .map(|(at, reason)| (words_of(reason), admitted.moment(at))),
    })
}

/// A report's reason in words.
fn words_of(reason: ReportReason) -> &'static str {
    match reason {
        ReportReason::Spam => "spam",
        ReportReason::Offensive => "offensive",
        ReportReason::NotMine => "“I didn't do this”",
        ReportReason::Other => "another reason",
    }
}

async fn find_picture(admitted: &Admitted, text: &str) -> Result<Option<FoundPicture>, SiteError> {
    let pictures = &admitted.visit.state.pictures;
    let Some(hash) = pictures.named(text).await? else {
        return Ok(None);
    };
    let digits = lower_hex(&hash.0);
    let mut found = FoundPicture {
        hash: digits.clone(),
        src: String::new(),
    };
    if let Some(kept) = pictures.kept(hash).await? {
        let name = format!("/p/{digits}.{}", kept.kind.extension());
        found.src = admitted.visit.href(&name);
    }
    Ok(Some(found))
}
