//! `feed.publishStoryToUser` (seed: Feed.publishStoryToUser; protocol 14.2, feed section 3): a story into the News Feed of the
//! session's user.
//!
//! The permission comes before every judgement of the story: who may not publish is told 0 and nothing else.

mod check;

pub(crate) use check::check;
pub use check::{CheckedPart, CheckedSlot, CheckedStory, Objected};

use super::registry::Method;
use crate::feed::figures::{NOT_PERMITTED, StoryRefusal};
use crate::feed::window;
use crate::model::app::{App, FeedErrors, FeedReply, ImageLinks, Settings, Strictness};
use crate::model::job::SourceRules;
use crate::model::story::{NewSlot, NewStory, Priority};
use crate::model::time::WallMs;
use crate::ports::store::{Conflict, StoreFault, Write};
use crate::unit::{After, Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::{Pid, Uid};
use crier_proto::markup::{Counted, Markup, MarkupError, Measure, Place};
use crier_proto::params::read_int;
use crier_proto::reply::Reply;
use crier_proto::story::{ImageSource, LINK_BYTES_MAX, LinkSchemes, OwnSite, read_image_source, read_link};
use std::sync::Arc;

/// Greatest `priority` (protocol 14.2).
const PRIORITY_MAX: u32 = 100;
/// Bytes of a `priority` that is no integer, under `strictness=lenient` (protocol 14.2).
const PRIORITY_BYTES_MAX: usize = 64;
/// The picture slots: number, and the names of source and link.
const SLOTS: [(u8, &str, &str); 4] = [
    (1, "image_1", "image_1_link"),
    (2, "image_2", "image_2_link"),
    (3, "image_3", "image_3_link"),
    (4, "image_4", "image_4_link"),
];

/// The method.
pub(crate) struct FeedPublishStoryToUser;

/// The values as sent; they are judged only once the permission is known.
pub(crate) struct Args {
    app: Arc<App>,
    user: Uid,
    title: Option<String>,
    body: Option<String>,
    images: [(Option<String>, Option<String>); 4],
    priority: Option<String>,
}

/// What `feed_errors=detailed` tells apart (protocol 12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    TitleLinks,
    TitleTooLong,
    TitleBlank,
    BodyTooLong,
    PhotoSource,
    PhotoLink,
    Window,
}

impl Detail {
    /// The row: under `documented` the codes of the seed page alone.
    const fn code(self, errors: FeedErrors) -> Code {
        match (errors, self) {
            (FeedErrors::Documented, Self::Window) => Code::RequestLimit,
            (
                FeedErrors::Documented,
                Self::TitleLinks
                | Self::TitleTooLong
                | Self::TitleBlank
                | Self::BodyTooLong
                | Self::PhotoSource
                | Self::PhotoLink,
            ) => Code::InvalidParameter,
            (FeedErrors::Detailed, Self::Window) => Code::FeedLimit,
            (FeedErrors::Detailed, Self::TitleLinks) => Code::TitleLinks,
            (FeedErrors::Detailed, Self::TitleTooLong) => Code::TitleTooLong,
            (FeedErrors::Detailed, Self::TitleBlank) => Code::TitleBlank,
            (FeedErrors::Detailed, Self::BodyTooLong) => Code::BodyTooLong,
            (FeedErrors::Detailed, Self::PhotoSource) => Code::PhotoSource,
            (FeedErrors::Detailed, Self::PhotoLink) => Code::PhotoLink,
        }
    }
}

/// What is wrong with a story, in neither spelling of `feed_errors` yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Objection {
    /// What `detailed` tells apart; `None` is 100 in both.
    detail: Option<Detail>,
    /// What figures call it.
    kind: StoryRefusal,
    cause: String,
}

impl Objection {
    fn plain(kind: StoryRefusal, cause: String) -> Self {
        Self {
            detail: None,
            kind,
            cause,
        }
    }

    fn of(detail: Detail, kind: StoryRefusal, cause: String) -> Self {
        Self {
            detail: Some(detail),
            ..Self::plain(kind, cause)
        }
    }

    /// The refusal as an application with this setting is told it.
    fn refusal(self, errors: FeedErrors) -> Refusal {
        let code = self
            .detail
            .map_or(Code::InvalidParameter, |detail| detail.code(errors));
        Refusal::because(code, self.cause).of_kind(self.kind.word())
    }
}

impl Method for FeedPublishStoryToUser {
    const NAME: &'static str = "feed.publishStoryToUser";
    type Args = Args;

    fn parse(call: &VerifiedCall<'_>) -> Result<Args, Refusal> {
        let text = |name: &str| call.value(name).map(str::to_owned);
        Ok(Args {
            app: Arc::clone(call.app()),
            user: call.session()?.user,
            title: text("title"),
            body: text("body"),
            images: SLOTS.map(|(_number, image, link)| (text(image), text(link))),
            priority: text("priority"),
        })
    }

    async fn run(args: Args, unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        let settings = args.app.settings;
        // a. The owner tests on himself without permission and window (seed: Developer Note).
        let exempt = args.user == args.app.owner;
        // b. Who has not accepted, or wants no stories, is not told more than 0.
        let permitted = exempt
            || unit
                .grant(args.app.id, args.user)
                .await?
                .is_some_and(|grant| grant.feed);
        if !permitted {
            return Ok(Outcome::Value {
                reply: reply(settings, false),
                after: Vec::new(),
                kind: Some(NOT_PERMITTED),
            });
        }
        let judge = Judge {
            settings,
            own: unit.own_pages().for_app(&args.app.api_key),
            photos: usable_photos(&args, unit).await?,
        };
        let sources = unit.config().sources;
        let story = judge
            .story(&args, sources, (exempt, unit.now()))
            .map_err(|objection| objection.refusal(settings.feed_errors))?;
        // i. Asked here so that a refused story never reaches the writer; the write's own condition decides between concurrent calls.
        if !exempt
            && let Some(next) = window::closed_until(unit.window(args.app.id, args.user).await?, unit.now())
        {
            return Err(window_closed(settings.feed_errors, next).into());
        }
        let fetches = story
            .slots
            .iter()
            .any(|slot| matches!(slot.source, ImageSource::Url(_)));
        unit.write(Write::PublishStory(story));
        unit.on_conflict(refused_by_window);
        Ok(Outcome::Value {
            reply: reply(settings, true),
            after: if fetches {
                vec![After::WakeFeed(args.user), After::FetchPictures]
            } else {
                vec![After::WakeFeed(args.user)]
            },
            kind: None,
        })
    }
}

/// The photos among the sources that this story may show: those of its user, and those that its application uploaded (feed 7.2).
async fn usable_photos(args: &Args, unit: &Unit<'_>) -> Result<Vec<Pid>, StoreFault> {
    let mut usable = Vec::new();
    for (source, _link) in &args.images {
        let Some(Ok(pid)) = source.as_deref().map(str::parse::<Pid>) else {
            continue;
        };
        let photo = unit.photo(pid).await?;
        if photo.is_some_and(|photo| photo.owner == args.user || photo.app == args.app.id) {
            usable.push(pid);
        }
    }
    Ok(usable)
}

/// What the values of one story are judged by.
struct Judge<'a> {
    settings: Settings,
    own: OwnSite<'a>,
    photos: Vec<Pid>,
}

impl Judge<'_> {
    /// The checks c to h of protocol 14.2.3, in order.
    fn story(
        &self,
        args: &Args,
        sources: SourceRules,
        (exempt, now): (bool, WallMs),
    ) -> Result<NewStory, Objection> {
        let title = self.markup(Place::Title, self.title(args)?)?;
        let body = args
            .body
            .as_deref()
            .map(|body| self.markup(Place::Body, body))
            .transpose()?;
        let mut slots = Vec::new();
        for place in 0..SLOTS.len() {
            slots.extend(self.slot(args, place)?);
        }
        Ok(NewStory {
            user: args.user,
            app: args.app.id,
            title: title.canonical(),
            body: body.map(|body| body.canonical()),
            priority: priority(args.priority.as_deref(), self.settings.strictness)?,
            exempt,
            published_at: now,
            slots,
            sources,
        })
    }

    /// The title as sent.
    fn title<'v>(&self, args: &'v Args) -> Result<&'v str, Objection> {
        let title = args.title.as_deref();
        title.ok_or_else(|| Objection::plain(StoryRefusal::TitleMissing, "title is missing".to_owned()))
    }

    /// A title or body (checks c to g).
    fn markup(&self, place: Place, value: &str) -> Result<Markup, Objection> {
        Markup::read_accepting(place, value, &|link| self.own.accepts(link))
            .map_err(|error| broken(place, error))
    }

    /// The same with its counts, whatever limits it breaks.
    fn counted(&self, place: Place, value: &str) -> Result<Counted, MarkupError> {
        Markup::count(place, value, &|link| self.own.accepts(link))
    }

    /// One picture; an empty source leaves the slot empty, whatever its link is.
    fn slot(&self, args: &Args, place: usize) -> Result<Option<NewSlot>, Objection> {
        let (Some((number, image, link_name)), Some((Some(source), link))) =
            (SLOTS.get(place), args.images.get(place))
        else {
            return Ok(None);
        };
        let link = self.link(link_name, link.as_deref())?;
        let source = self.source(image, source)?;
        Ok(Some(NewSlot {
            number: *number,
            source,
            link,
        }))
    }

    /// Where a click on a picture goes (seed: "which must start with http://").
    fn link(&self, name: &str, value: Option<&str>) -> Result<String, Objection> {
        let kind = address_kind(value, StoryRefusal::ImageLink);
        let refuse = |what: &str| Objection::of(Detail::PhotoLink, kind, format!("{name} {what}"));
        let value = value.ok_or_else(|| refuse("is missing"))?;
        let schemes = match self.settings.image_links {
            ImageLinks::Http => LinkSchemes::HttpExactly,
            ImageLinks::HttpHttps => LinkSchemes::HttpOrHttpsExactly,
        };
        read_link(value, schemes)
            .filter(|link| self.own.accepts(link))
            .ok_or_else(|| refuse("is not acceptable"))
    }

    /// Where a picture comes from (protocol 14.2.5).
    fn source(&self, name: &str, value: &str) -> Result<ImageSource, Objection> {
        let refuse = |kind, what: &str| Objection::of(Detail::PhotoSource, kind, format!("{name}{what}"));
        match read_image_source(value) {
            Some(ImageSource::Url(url)) => Ok(ImageSource::Url(url)),
            Some(ImageSource::Pid(pid)) if self.photos.contains(&pid) => Ok(ImageSource::Pid(pid)),
            Some(ImageSource::Pid(_)) => Err(refuse(StoryRefusal::ImagePhoto, ": no such photo")),
            None => Err(refuse(
                address_kind(Some(value), StoryRefusal::ImageSource),
                " is neither an acceptable URL nor a photo id",
            )),
        }
    }
}

/// What is wrong with a title or body.
fn broken(place: Place, error: MarkupError) -> Objection {
    let kind = kind_of(place, &error);
    match (error, place) {
        (MarkupError::Broken(cause) | MarkupError::LinkTooLong(cause), Place::Title | Place::Body)
        | (MarkupError::Blank(cause) | MarkupError::TooManyLinks(cause), Place::Body) => {
            Objection::plain(kind, cause)
        }
        (MarkupError::TooLong(_, cause), Place::Title) => Objection::of(Detail::TitleTooLong, kind, cause),
        (MarkupError::TooLong(_, cause), Place::Body) => Objection::of(Detail::BodyTooLong, kind, cause),
        (MarkupError::TooManyLinks(cause), Place::Title) => Objection::of(Detail::TitleLinks, kind, cause),
        (MarkupError::Blank(cause), Place::Title) => Objection::of(Detail::TitleBlank, kind, cause),
    }
}

/// What figures call a refused text.
const fn kind_of(place: Place, error: &MarkupError) -> StoryRefusal {
    match (place, error) {
        (_, MarkupError::LinkTooLong(_)) => StoryRefusal::LinkBytes,
        (Place::Title, MarkupError::Broken(_)) => StoryRefusal::TitleMarkup,
        (Place::Title, MarkupError::TooLong(Measure::MarkupBytes, _)) => StoryRefusal::TitleMarkupBytes,
        (Place::Title, MarkupError::TooLong(Measure::Clusters, _)) => StoryRefusal::TitleClusters,
        (Place::Title, MarkupError::TooLong(Measure::TextBytes, _)) => StoryRefusal::TitleTextBytes,
        (Place::Title, MarkupError::TooManyLinks(_)) => StoryRefusal::TitleLinks,
        (Place::Title, MarkupError::Blank(_)) => StoryRefusal::TitleBlank,
        // A body's links are not limited.
        (Place::Body, MarkupError::Broken(_) | MarkupError::TooManyLinks(_)) => StoryRefusal::BodyMarkup,
        (Place::Body, MarkupError::TooLong(Measure::MarkupBytes, _)) => StoryRefusal::BodyMarkupBytes,
        (Place::Body, MarkupError::TooLong(Measure::Clusters, _)) => StoryRefusal::BodyClusters,
        (Place::Body, MarkupError::TooLong(Measure::TextBytes, _)) => StoryRefusal::BodyTextBytes,
        (Place::Body, MarkupError::Blank(_)) => StoryRefusal::BodyBlank,
    }
}

/// What figures call a refused address.
fn address_kind(value: Option<&str>, otherwise: StoryRefusal) -> StoryRefusal {
    if value.is_some_and(|value| value.len() > LINK_BYTES_MAX) {
        StoryRefusal::LinkBytes
    } else {
        otherwise
    }
}

/// `priority` as given (feed 3.9): lenient applications of the period wrote words there, which weigh nothing.
fn priority(value: Option<&str>, strictness: Strictness) -> Result<Priority, Objection> {
    let Some(text) = value else {
        return Ok(Priority::Absent);
    };
    let refuse = |what: &str| {
        Err(Objection::plain(
            StoryRefusal::Priority,
            format!("priority {what}"),
        ))
    };
    let number = read_int(text, 0, PRIORITY_MAX).and_then(|number| u8::try_from(number).ok());
    match (number, strictness) {
        (Some(number), Strictness::Strict | Strictness::Lenient) => Ok(Priority::Number(number)),
        (None, Strictness::Lenient) if text.len() <= PRIORITY_BYTES_MAX => {
            Ok(Priority::Text(text.to_owned()))
        }
        (None, Strictness::Lenient) => refuse("must have at most 64 bytes"),
        (None, Strictness::Strict) => refuse("must be an integer from 0 to 100"),
    }
}

fn window_closed(errors: FeedErrors, next_allowed: WallMs) -> Refusal {
    let cause = window::cause(next_allowed);
    Objection::of(Detail::Window, StoryRefusal::Window, cause).refusal(errors)
}

/// What the refusal of the story's write means.
fn refused_by_window(settings: &Settings, conflict: Conflict) -> Option<Refusal> {
    if let Conflict::WindowClosed { next_allowed } = conflict {
        Some(window_closed(settings.feed_errors, next_allowed))
    } else {
        None
    }
}

/// `1` or `0`, in the shape that the setting `feed_reply` asks for (protocol 14.2.6).
fn reply(settings: Settings, published: bool) -> Reply {
    let reply = Reply::Bool(published);
    match settings.feed_reply {
        FeedReply::Scalar => reply,
        FeedReply::List => Reply::List(vec![reply]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_the_seed_pages_codes_or_the_periods() {
        for (detail, documented, detailed) in [
            (Detail::TitleLinks, 100, 342),
            (Detail::TitleTooLong, 100, 343),
            (Detail::TitleBlank, 100, 345),
            (Detail::BodyTooLong, 100, 346),
            (Detail::PhotoSource, 100, 347),
            (Detail::PhotoLink, 100, 348),
            (Detail::Window, 4, 340),
        ] {
            assert_eq!(
                detail.code(FeedErrors::Documented).number(),
                documented,
                "{detail:?}"
            );
            assert_eq!(detail.code(FeedErrors::Detailed).number(), detailed, "{detail:?}");
        }
    }

    #[test]
    fn priority_is_an_integer_and_for_lenient_applications_any_short_text() {
        let strict = |text| priority(Some(text), Strictness::Strict);
        assert_eq!(strict("0"), Ok(Priority::Number(0)));
        assert_eq!(strict("100"), Ok(Priority::Number(100)));
        for text in ["101", "-1", "01", "high", "1.0"] {
            let objection = strict(text).expect_err(text);
            assert_eq!(objection.cause, "priority must be an integer from 0 to 100");
        }
        let lenient = |text: &str| priority(Some(text), Strictness::Lenient);
        assert_eq!(lenient("7"), Ok(Priority::Number(7)));
        assert_eq!(lenient("101"), Ok(Priority::Text("101".into())));
        assert_eq!(lenient(&"p".repeat(64)), Ok(Priority::Text("p".repeat(64))));
        assert!(lenient(&"p".repeat(65)).is_err());
        assert_eq!(priority(None, Strictness::Strict), Ok(Priority::Absent));
    }

    #[test]
    fn the_window_of_the_write_says_the_same_as_the_window_on_paper() {
        let next_allowed = WallMs(1_795_333_800_000);
        let settings = crate::model::app::ProfileName::Documented.settings();
        let refusal = refused_by_window(&settings, Conflict::WindowClosed { next_allowed }).unwrap();
        assert_eq!(refusal.code(), Code::RequestLimit);
        assert_eq!(
            refusal.cause(),
            Some("one story in 12 hours for each user, next allowed at 1795333800")
        );
        assert_eq!(refused_by_window(&settings, Conflict::IdTaken), None);
    }
}
