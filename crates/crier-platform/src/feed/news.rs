//! What is new on a page that speaks up to a seq (feed 6.8): read from the books when it is asked.

use super::rank::{Place, place_of};
use super::wakes::Wakes;
use super::{FeedReader, PictureNews, StoreFault};
use crate::model::picture::SlotPicture;
use crate::model::record::StateQuery;
use crate::model::record_line::{LineEvent, RecordLine};
use crate::model::story::SlotState;
use crate::model::time::WallMs;
use crier_proto::ids::{StoryId, Uid};
use std::collections::BTreeSet;

/// What is new above a seq.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// Where the record stands.
    pub w: i64,
    /// Candidates and exempt stories above the asked seq.
    pub new: u32,
    /// Pictures that became ready or were removed above it, in order.
    pub pictures: Vec<PictureNews>,
    /// Of the slots that the page waits for those that will show nothing: a failed picture is no event of the record (feed 1.3).
    pub closed: Vec<(StoryId, u8)>,
}

impl FeedReader {
    /// Wake-ups whenever this person's feed may have changed: a story, an act, a picture, an acceptance, a log out.
    #[must_use]
    pub fn wakes(&self, user: Uid) -> Wakes {
        self.shared.ports.wakes.of(user)
    }

    /// What is new above `after`, and which of the slots that are waited for have closed up.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn news(&self, user: Uid, after: i64, waiting: &[(StoryId, u8)]) -> Result<News, StoreFault> {
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
            pictures: self.pictures_above(user, after).await?,
            closed: self.closed_of(user, waiting).await?,
        })
    }

    async fn pictures_above(&self, user: Uid, after: i64) -> Result<Vec<PictureNews>, StoreFault> {
        let state = self.shared.ports.store.feed_state(StateQuery {
            user,
            after,
            stories_after: WallMs(i64::MAX),
            acts: (i64::MAX, i64::MAX),
        });
        let mut news = Vec::new();
        for line in state.await?.lines {
            let RecordLine::Event(event) = line else { continue };
            let Some(story) = event.story else { continue };
            let (slot, picture) = if let LineEvent::PictureReady { slot } = event.event {
                // One that has gone again is told by an event of its own.
                let Some(picture) = self.picture_of(user, (story, slot)).await? else {
                    continue;
                };
                (slot, Some(picture))
            } else if let LineEvent::PictureRemoved { slot } = event.event {
                (slot, None)
            } else {
                continue;
            };
            news.push(PictureNews {
                seq: event.seq,
                story,
                slot,
                picture,
            });
        }
        Ok(news)
    }

    async fn picture_of(
        &self,
        user: Uid,
        (story, slot): (StoryId, u8),
    ) -> Result<Option<SlotPicture>, StoreFault> {
        let stories = self.shared.ports.store.feed_stories(user, &[story]).await?;
        let slots = stories.first().map_or(&[][..], |story| &story.slots);
        let shown = slots.iter().find(|known| known.number == slot);
        Ok(shown.and_then(|slot| slot.picture))
    }

    async fn closed_of(
        &self,
        user: Uid,
        waiting: &[(StoryId, u8)],
    ) -> Result<Vec<(StoryId, u8)>, StoreFault> {
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let ids: BTreeSet<StoryId> = waiting.iter().map(|(story, _)| *story).collect();
        let ids: Vec<StoryId> = ids.into_iter().collect();
        let stories = self.shared.ports.store.feed_stories(user, &ids).await?;
        let open: BTreeSet<(StoryId, u8)> = stories
            .iter()
            .flat_map(|story| story.slots.iter().map(|slot| (story.id, slot)))
            .filter(|(_, slot)| matches!(slot.state, SlotState::Pending | SlotState::Ready))
            .map(|(story, slot)| (story, slot.number))
            .collect();
        Ok(waiting
            .iter()
            .filter(|one| !open.contains(one))
            .copied()
            .collect())
    }
}
