//! What is new on a page that speaks up to a seq (feed 6.8): read from the books when it is asked.

use super::rank::{Place, place_of};
use super::wakes::Wakes;
use super::{FeedReader, ReadyPicture, StoreFault};
use crate::model::record::StateQuery;
use crate::model::record_line::{LineEvent, RecordLine};
use crate::model::time::WallMs;
use crier_proto::ids::Uid;

/// What is new above a seq.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// Where the record stands.
    pub w: i64,
    /// Candidates and exempt stories above the asked seq.
    pub new: u32,
    /// Pictures that became ready above it, in order.
    pub ready: Vec<ReadyPicture>,
}

impl FeedReader {
    /// Wake-ups whenever this person's feed may have changed: a story, an act, a picture, an acceptance, a log out.
    #[must_use]
    pub fn wakes(&self, user: Uid) -> Wakes {
        self.shared.ports.wakes.of(user)
    }

    /// What is new above `after`.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn news(&self, user: Uid, after: i64) -> Result<News, StoreFault> {
        let reading = self.now(user).await?;
        let snapshot = reading.snapshot();
        let is_news = |place: Place| matches!(place, Place::Candidate | Place::Exempt);
        let new = reading
            .stories()
            .filter(|story| story.seq > after && is_news(place_of(&snapshot, story)))
            .count();
        Ok(News {
            w: reading.seq,
            new: u32::try_from(new).unwrap_or(u32::MAX),
            ready: self.ready_above(user, after).await?,
        })
    }

    async fn ready_above(&self, user: Uid, after: i64) -> Result<Vec<ReadyPicture>, StoreFault> {
        let state = self.shared.ports.store.feed_state(StateQuery {
            user,
            after,
            stories_after: WallMs(i64::MAX),
            acts: (i64::MAX, i64::MAX),
        });
        let mut ready = Vec::new();
        for line in state.await?.lines {
            let RecordLine::Event(event) = line else { continue };
            let (LineEvent::PictureReady { slot }, Some(story)) = (event.event, event.story) else {
                continue;
            };
            let stories = self.shared.ports.store.feed_stories(user, &[story]).await?;
            let slots = stories.first().map_or(&[][..], |story| &story.slots);
            let shown = slots.iter().find(|known| known.number == slot);
            if let Some(picture) = shown.and_then(|slot| slot.picture) {
                ready.push(ReadyPicture {
                    seq: event.seq,
                    story,
                    slot,
                    picture,
                });
            }
        }
        Ok(ready)
    }
}
