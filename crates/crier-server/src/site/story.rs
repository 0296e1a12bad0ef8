//! A story as the feed page shows it (feed 6.2): typed pieces that the template escapes one by one.
//!
//! Promise: nothing of a story reaches HTML but through the markup reader (feed 2.7). Knows no HTML itself.

use super::moment::Moment;
use crier_platform::feed::StoryView;
use crier_platform::model::time::WallMs;
use crier_proto::ids::AppId;
use crier_proto::markup::{Markup, Place, Run};
use jiff::tz::TimeZone;

/// Colours of drawn letters.
const TONES: i64 = 8;

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
    pub(super) letter: String,
    pub(super) tone: i64,
    pub(super) published: Moment,
    /// Published by its reader's own application.
    pub(super) own: bool,
    /// Just put away: one line with an undo.
    pub(super) hidden: bool,
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
    /// How many pictures the story has.
    pub(super) count: usize,
}

impl Card {
    /// A story as seen at `now`; `None` for a row that is not its own canonical form, which is never rendered.
    pub(super) fn new(view: &StoryView, now: WallMs, zone: &TimeZone) -> Option<Self> {
        let story = &view.story;
        let title = read(Place::Title, &story.title)?;
        let body = match story.body.as_deref() {
            Some(body) => Some(read(Place::Body, body)?),
            None => None,
        };
        Some(Self {
            id: story.id.to_string(),
            plain: title.plain(),
            title: pieces(&title, |_| "t".to_owned()),
            body: body.map_or_else(Vec::new, |body| pieces(&body, |number| format!("b{number}"))),
            pictures: boxes(view),
            app: view.app.name.clone(),
            letter: letter_of(&view.app.name),
            tone: tone_of(view.app.id),
            published: Moment::new(story.published_at, now, zone),
            own: story.exempt,
            hidden: story.hidden_at.is_some(),
        })
    }
}

/// Stored markup, if it is a fixed point of its reader.
fn read(place: Place, stored: &str) -> Option<Markup> {
    Markup::read(place, stored)
        .ok()
        .filter(|markup| markup.canonical() == stored)
}

/// Runs gathered by their link.
fn pieces(markup: &Markup, key: impl Fn(usize) -> String) -> Vec<Piece> {
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

fn boxes(view: &StoryView) -> Vec<PictureBox> {
    let count = view.story.slots.len();
    let slots = view.story.slots.iter().zip(1..);
    slots
        .map(|(slot, place)| PictureBox {
            link: Link {
                key: format!("p{}", slot.number),
                host: host_of(&slot.link),
            },
            place,
            count,
        })
        .collect()
}

/// The host of a stored link, as the URL standard reads it.
fn host_of(address: &str) -> String {
    let host = url::Url::parse(address).ok();
    host.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The letter drawn for an application without an icon.
pub(super) fn letter_of(name: &str) -> String {
    let first = name.chars().find(|letter| letter.is_alphanumeric());
    first.map_or_else(
        || "·".to_owned(),
        |letter| letter.to_uppercase().take(1).collect(),
    )
}

/// The colour of that letter: one of eight, always the same for an application.
pub(super) fn tone_of(app: AppId) -> i64 {
    app.get().rem_euclid(TONES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_the_first_that_can_be_read() {
        for (name, letter) in [
            ("Rochambeau", "R"),
            ("  élan", "É"),
            ("7 wonders", "7"),
            ("***", "·"),
            ("ßtraße", "S"),
        ] {
            assert_eq!(letter_of(name), letter);
        }
    }

    #[test]
    fn a_tone_is_one_of_eight_and_stays() {
        let app = AppId::new(1_234_567).unwrap();
        assert_eq!(tone_of(app), tone_of(app));
        assert!((0..TONES).contains(&tone_of(app)));
    }

    #[test]
    fn neighbouring_runs_of_one_link_are_one_piece_and_two_links_stay_two() {
        let body = "<b>1</b><a href=\"http://e.example/\"><b>2</b>3</a><a href=\"http://f.example/\">4</a>";
        let markup = read(Place::Body, body).unwrap();
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
        for damaged in ["<script>x</script>", "<B>x</B>", "a  b", "<b>open", ""] {
            assert!(read(Place::Body, damaged).is_none(), "{damaged}");
        }
    }
}
