//! "Check a story" (feed 3.8): the same parameters, steps 3 to 6 and a look at the window; all that is wrong, and nothing is written.

use super::{Args, Judge, Objection, SLOTS, broken, priority, usable_photos, window_closed};
use crate::feed::window;
use crate::model::app::{App, FeedErrors};
use crate::model::time::WallMs;
use crate::ports::store::StoreFault;
use crate::unit::Unit;
use crier_proto::error::Refusal;
use crier_proto::ids::Uid;
use crier_proto::markup::{Counts, Markup, Place};
use crier_proto::story::ImageSource;
use std::sync::Arc;

/// What a story would come to if it were published now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedStory {
    /// Its user owns the application: neither permission nor window is asked (feed 3.6).
    pub exempt: bool,
    /// Its user permits stories of the application; without that the call answers 0 and judges nothing (feed 3.1, step 2).
    pub permitted: bool,
    /// The title, if there is one that can be read.
    pub title: Option<CheckedPart>,
    /// The body, likewise.
    pub body: Option<CheckedPart>,
    /// The pictures that are acceptable.
    pub slots: Vec<CheckedSlot>,
    /// Everything that is wrong with it, in the order of checks; the first is what a call is told.
    pub objections: Vec<Objected>,
    /// Until when the twelve hours run, if they do, and what a call is told that long (feed 3.5).
    pub closed: Option<(WallMs, Objected)>,
}

/// A title or body that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPart {
    /// Its counts.
    pub counts: Counts,
    /// As it would look, whatever limits it breaks.
    pub markup: Markup,
}

/// A picture that is acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSlot {
    /// 1 to 4.
    pub number: u8,
    /// Where the picture comes from.
    pub source: ImageSource,
    /// Where a click on it goes.
    pub link: String,
}

/// Something that is wrong, in both spellings of `feed_errors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objected {
    /// As the seed page spells it.
    pub documented: Refusal,
    /// As the platform of 2008 spelled it.
    pub detailed: Refusal,
}

impl Objection {
    fn in_both(self) -> Objected {
        Objected {
            documented: self.clone().refusal(FeedErrors::Documented),
            detailed: self.refusal(FeedErrors::Detailed),
        }
    }
}

/// Judges a story of an application for a user by the rules of a call, as they stand now. The unit stays empty.
///
/// # Errors
/// When the books fail.
pub(crate) async fn check(
    unit: &Unit<'_>,
    (app, user): (&Arc<App>, Uid),
    values: &[(String, String)],
) -> Result<CheckedStory, StoreFault> {
    let value = |name: &str| {
        let found = values.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    };
    let args = Args {
        app: Arc::clone(app),
        user,
        title: value("title"),
        body: value("body"),
        images: SLOTS.map(|(_, image, link)| (value(image), value(link))),
        priority: value("priority"),
    };
    let grant = unit.grant(app.id, user).await?;
    let exempt = user == app.owner;
    let last = unit.window(app.id, user).await?;
    let judge = Judge {
        settings: app.settings,
        own: unit.own_pages().for_app(&app.api_key),
        photos: usable_photos(&args, unit).await?,
    };
    let mut checked = judge.everything(&args);
    checked.exempt = exempt;
    checked.permitted = exempt || grant.is_some_and(|grant| grant.feed);
    let until = window::closed_until(last, unit.now()).filter(|_| !exempt);
    checked.closed = until.map(|until| {
        let told = |errors| window_closed(errors, until);
        let objected = Objected {
            documented: told(FeedErrors::Documented),
            detailed: told(FeedErrors::Detailed),
        };
        (until, objected)
    });
    Ok(checked)
}

impl Judge<'_> {
    /// Every step of the judgement, going on behind what is wrong.
    fn everything(&self, args: &Args) -> CheckedStory {
        let mut wrong: Vec<Objection> = Vec::new();
        let title = match self.title(args) {
            Ok(title) => self.part(Place::Title, title, &mut wrong),
            Err(missing) => {
                wrong.push(missing);
                None
            }
        };
        let body = args.body.as_deref();
        let body = body.and_then(|body| self.part(Place::Body, body, &mut wrong));
        let mut slots = Vec::new();
        for place in 0..SLOTS.len() {
            match self.slot(args, place) {
                Ok(slot) => slots.extend(slot.map(|slot| CheckedSlot {
                    number: slot.number,
                    source: slot.source,
                    link: slot.link,
                })),
                Err(objection) => wrong.push(objection),
            }
        }
        wrong.extend(priority(args.priority.as_deref(), self.settings.strictness).err());
        CheckedStory {
            exempt: false,
            permitted: false,
            title,
            body,
            slots,
            objections: wrong.into_iter().map(Objection::in_both).collect(),
            closed: None,
        }
    }

    fn part(&self, place: Place, value: &str, wrong: &mut Vec<Objection>) -> Option<CheckedPart> {
        match self.counted(place, value) {
            Ok(counted) => {
                let errors = counted.errors.into_iter();
                wrong.extend(errors.map(|error| broken(place, error)));
                Some(CheckedPart {
                    counts: counted.counts,
                    markup: counted.markup,
                })
            }
            Err(error) => {
                wrong.push(broken(place, error));
                None
            }
        }
    }
}
