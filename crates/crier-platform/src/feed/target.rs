//! The address behind a story's link (feed 2.9). Answers nobody but the story's own user.

use super::FeedReader;
use crate::model::record::BlankedBy;
use crate::model::story::Story;
use crate::model::time::WallMs;
use crate::ports::store::StoreFault;
use crier_proto::ids::{StoryId, Uid};
use crier_proto::markup::{Markup, Place};

impl FeedReader {
    /// The address behind a story's link `t`, `b0`…, `p1`…`p4`, for its own user only (feed 2.9).
    ///
    /// # Errors
    /// When the books fail.
    pub async fn link(&self, user: Uid, story: StoryId, key: &str) -> Result<Option<Target>, StoreFault> {
        let story = self.shared.ports.store.story(story).await?;
        let story = story.filter(|story| story.user == user);
        Ok(story.and_then(|story| match story.blanked {
            Some((at, by)) => Some(Target::Blanked(at, by)),
            None => link_of(&story, key).map(Target::Address),
        }))
    }
}

/// What stands behind a link of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Its stored address.
    Address(String),
    /// Nothing any more: the story's text was taken away at this moment, by whom.
    Blanked(WallMs, BlankedBy),
}

/// The stored address of a key; `None` for a key that the story does not have.
fn link_of(story: &Story, key: &str) -> Option<String> {
    if key == "t" {
        return link_in(Place::Title, &story.title, 0);
    }
    let number = key
        .get(1..)
        .filter(|digits| is_number(digits))?
        .parse::<usize>()
        .ok()?;
    if key.starts_with('b') {
        return link_in(Place::Body, story.body.as_deref()?, number);
    }
    let slot = story.slots.iter().find(|slot| usize::from(slot.number) == number);
    slot.filter(|_| key.starts_with('p'))
        .map(|slot| slot.link.clone())
}

/// Digits without a leading zero: each link has one spelling.
fn is_number(digits: &str) -> bool {
    digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A link of stored markup, counted as it was written.
fn link_in(place: Place, markup: &str, number: usize) -> Option<String> {
    Markup::read(place, markup).ok()?.links().get(number).cloned()
}
