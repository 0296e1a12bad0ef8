//! A story as the feed page shows it (feed 6.2): typed pieces that the template escapes one by one.
//!
//! Promise: nothing of a story reaches HTML but through the markup reader (feed 2.7). Knows no HTML itself.

use super::app_sign::AppSign;
use super::moment::{Moment, zone};
use super::visit::Visit;
use crier_platform::feed::{Away, FadedStory, PlacedStory, ToldStory};
use crier_platform::model::picture::{PictureType, SlotPicture};
use crier_platform::model::story::{Slot, SlotState};
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_proto::digest::lower_hex;
use crier_proto::markup::{Markup, Run};
use jiff::tz::TimeZone;

/// A story on a page.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) id: String,
    pub(super) title: Vec<Piece>,
    /// The title without marks, for the names of buttons and pictures.
    pub(super) plain: String,
    pub(super) body: Vec<Piece>,
    pub(super) pictures: Vec<PictureBox>,
    pub(super) app: String,
    pub(super) sign: AppSign,
    pub(super) published: Moment,
    /// Published by its reader's own application.
    pub(super) own: bool,
    /// Not shown before.
    pub(super) new: bool,
    /// Its reader's thumb is up.
    pub(super) thumbed: bool,
    /// Number of its slot, from 1; none for what takes no slot.
    pub(super) place: Option<usize>,
    pub(super) state: CardState,
}

/// What stands in a story's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CardState {
    /// The story.
    Shown,
    /// Put away: one line with an undo.
    Away,
    /// Reported: one line with an undo.
    Reported,
    /// Its application was just switched off: one line with the way back.
    Off,
    /// Nothing of it is left to show.
    Faded,
}

/// Neighbouring runs with the same link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) link: Option<Link>,
    pub(super) runs: Vec<Run>,
}

/// A link of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Its key: `t`, `b0`…, `p1`…
    pub(super) key: String,
    /// Where it leads, as people know it.
    pub(super) host: String,
}

/// A picture's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PictureBox {
    pub(super) link: Link,
    /// Its place among the story's pictures, from 1.
    pub(super) place: usize,
    /// How many of the story's pictures are there or still to come.
    pub(super) count: usize,
    /// The picture; none: not here yet.
    pub(super) shown: Option<Picture>,
}

/// A picture that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// Its address below the base path, or absolute.
    pub(super) src: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Address of a picture below the base path (feed 7.9).
pub(super) fn path_of(picture: &SlotPicture) -> String {
    let kind = match picture.kind {
        PictureType::Jpeg => "jpg",
        PictureType::Png => "png",
    };
    format!("/p/{}.{kind}", lower_hex(&picture.hash.0))
}

/// How stories are looked at: when, in which zone, below which path.
pub(super) struct Lens<'a> {
    pub(super) now: WallMs,
    pub(super) zone: TimeZone,
    /// Base path of the site.
    pub(super) base: &'a str,
}

impl<'a> Lens<'a> {
    /// As the visit's user sees them.
    pub(super) fn of(visit: &'a Visit, user: &User) -> Self {
        Self {
            now: visit.state.clock.wall(),
            zone: zone(&user.time_zone),
            base: &visit.state.public_url.base_path,
        }
    }

    /// A moment as this reader sees it.
    pub(super) fn moment(&self, at: WallMs) -> Moment {
        Moment::new(at, self.now, &self.zone)
    }
}

impl Card {
    /// A story.
    pub(super) fn new(placed: &PlacedStory, lens: &Lens<'_>) -> Self {
        let (view, story) = (&placed.view, &placed.view.story);
        let body = view.body.as_ref();
        Self {
            id: story.id.to_string(),
            plain: view.title.plain(),
            title: pieces(&view.title, |_| "t".to_owned()),
            body: body.map_or_else(Vec::new, |body| pieces(body, |number| format!("b{number}"))),
            pictures: boxes(&story.slots, lens.base),
            app: view.app.name.clone(),
            sign: AppSign::of(&view.app, lens.base),
            published: lens.moment(story.published_at),
            own: story.exempt,
            new: placed.new,
            thumbed: placed.thumbed,
            place: placed.place,
            state: match placed.away {
                None => CardState::Shown,
                Some(Away::Hidden) => CardState::Away,
                Some(Away::Reported(_)) => CardState::Reported,
            },
        }
    }
}

impl Card {
    /// A story that is told of, whether or not there is anything left to show.
    pub(super) fn told(told: &ToldStory, lens: &Lens<'_>) -> Self {
        match told {
            ToldStory::Whole(placed) => Self::new(placed, lens),
            ToldStory::Faded(faded) => Self::faded(faded, lens),
        }
    }

    /// That a story was there.
    fn faded(faded: &FadedStory, lens: &Lens<'_>) -> Self {
        let title = match faded.blanked {
            Some(_) => "A story whose text was removed",
            None => "A story that cannot be shown",
        };
        let app = faded.app.as_deref();
        let name = app.map_or("an application that was removed", |app| app.name.as_str());
        let run = Run {
            text: title.to_owned(),
            link: None,
            bold: false,
            italic: false,
        };
        Self {
            id: faded.id.to_string(),
            plain: title.to_owned(),
            title: vec![Piece {
                link: None,
                runs: vec![run],
            }],
            body: Vec::new(),
            pictures: Vec::new(),
            app: name.to_owned(),
            sign: AppSign::drawn(app),
            published: lens.moment(faded.published_at),
            own: false,
            new: false,
            thumbed: false,
            place: None,
            state: CardState::Faded,
        }
    }
}

/// Runs gathered by their link.
pub(super) fn pieces(markup: &Markup, key: impl Fn(usize) -> String) -> Vec<Piece> {
    let mut pieces: Vec<(Option<usize>, Piece)> = Vec::new();
    for run in markup.runs() {
        match pieces.last_mut() {
            Some((link, piece)) if *link == run.link => piece.runs.push(run.clone()),
            Some(_) | None => {
                let address = run
                    .link
                    .and_then(|number| Some((number, markup.links().get(number)?)));
                let piece = Piece {
                    link: address.map(|(number, address)| Link {
                        key: key(number),
                        host: host_of(address),
                    }),
                    runs: vec![run.clone()],
                };
                pieces.push((run.link, piece));
            }
        }
    }
    pieces.into_iter().map(|(_, piece)| piece).collect()
}

/// The boxes of a story's row: pictures that are here, and empty ones for those still to come. Other slots close up (feed 1.3).
fn boxes(slots: &[Slot], base: &str) -> Vec<PictureBox> {
    let standing = |slot: &&Slot| match slot.state {
        SlotState::Pending => true,
        SlotState::Ready => slot.picture.is_some(),
        SlotState::Failed | SlotState::Evicted | SlotState::Removed => false,
    };
    let count = slots.iter().filter(standing).count();
    let standing = slots.iter().filter(standing).zip(1..);
    standing
        .map(|(slot, place)| PictureBox {
            link: Link {
                key: format!("p{}", slot.number),
                host: host_of(&slot.link),
            },
            place,
            count,
            shown: slot.picture.as_ref().map(|picture| Picture {
                src: format!("{base}{}", path_of(picture)),
                width: picture.width,
                height: picture.height,
            }),
        })
        .collect()
}

/// The host of a stored link, as the URL standard reads it.
fn host_of(address: &str) -> String {
    let host = url::Url::parse(address).ok();
    host.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crier_platform::model::picture::PictureHash;
    use crier_proto::markup::Place;
    use crier_proto::story::ImageSource;

    #[test]
    fn neighbouring_runs_of_one_link_are_one_piece_and_two_links_stay_two() {
        let body = "<b>1</b><a href=\"http://e.example/\"><b>2</b>3</a><a href=\"http://f.example/\">4</a>";
        let markup = Markup::read_stored(Place::Body, body).unwrap();
        let pieces = pieces(&markup, |number| format!("b{number}"));
        let links: Vec<Option<(&str, &str)>> = pieces
            .iter()
            .map(|piece| {
                piece
                    .link
                    .as_ref()
                    .map(|link| (link.key.as_str(), link.host.as_str()))
            })
            .collect();
        assert_eq!(
            links,
            [None, Some(("b0", "e.example")), Some(("b1", "f.example"))]
        );
        assert_eq!(pieces.get(1).unwrap().runs.len(), 2);
    }

    #[test]
    fn a_row_that_is_no_fixed_point_is_not_read() {
        for damaged in ["<script>x</script>", "<B>x</B>", "a  b", "<b>open"] {
            assert!(Markup::read_stored(Place::Body, damaged).is_none(), "{damaged}");
        }
    }

    fn slot(number: u8, state: SlotState) -> Slot {
        let picture = SlotPicture {
            hash: PictureHash([0xab; 32]),
            kind: PictureType::Png,
            width: 75,
            height: 56,
        };
        Slot {
            number,
            source: ImageSource::Url("http://e.example/1.png".to_owned()),
            link: "http://e.example/".to_owned(),
            state,
            picture: matches!(state, SlotState::Ready | SlotState::Evicted).then_some(picture),
            attempts: 0,
            cause: None,
        }
    }

    #[test]
    fn a_pending_slot_is_an_empty_box_and_a_failed_evicted_or_removed_one_closes_up() {
        let slots = [
            slot(1, SlotState::Failed),
            slot(2, SlotState::Pending),
            slot(3, SlotState::Ready),
            slot(4, SlotState::Removed),
        ];
        let boxes = boxes(&slots, "/crier");
        let shown: Vec<_> = boxes
            .iter()
            .map(|one| (one.link.key.as_str(), one.place, one.count, one.shown.is_some()))
            .collect();
        assert_eq!(shown, [("p2", 1, 2, false), ("p3", 2, 2, true)]);
        let picture = boxes.get(1).unwrap().shown.as_ref().unwrap();
        assert_eq!(picture.src, format!("/crier/p/{}.png", "ab".repeat(32)));
        assert!(super::boxes(&[slot(1, SlotState::Evicted)], "").is_empty());
    }
}
