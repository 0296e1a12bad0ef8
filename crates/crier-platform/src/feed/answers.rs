//! "Why this?" and "What didn't make it": what the record says about a view, computed again by the function that ranked (feed 5.3 to 5.5).

use super::cursor::{ViewPlace, view_of_mark};
use super::rank::Ranked;
use super::reading::Reading;
use super::verdict::explain::{Explanation, explain};
use super::verdict::lists::{left_out, would_stand};
use super::verdict::{Verdict, later_page, verdict_of};
use super::{FadedStory, FeedReader, Missed, MissedStory, ToldStory, Why};
use crate::model::ranking::Marks;
use crate::model::record::View;
use crate::model::time::WallMs;
use crate::ports::store::StoreFault;
use crier_proto::ids::{StoryId, Uid};
use std::collections::HashMap;

/// Rows of "What didn't make it" on one page (feed 5.5).
const MISSED_AT_ONCE: usize = 50;
/// Later feed pages that an explanation looks at.
const PAGES_LOOKED_AT: usize = 400;

impl FeedReader {
    /// Why a story stands where it stands, in the view of a genuine mark, else in the last view, else in the feed as it is now;
    /// `None`: the user has no such story.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn why(
        &self,
        user: Uid,
        story: StoryId,
        mark: Option<&str>,
    ) -> Result<Option<Why>, StoreFault> {
        let mut reading = self.reading_of(user, (mark, Some(story))).await?;
        if reading.0.story(story).is_none() {
            // It came after that view.
            reading = (self.now(user).await?, None);
        }
        let (reading, number) = reading;
        let ranked = reading.ranked(PAGES_LOOKED_AT);
        let snapshot = reading.snapshot();
        let known = reading.story(story).copied();
        let Some(told) = self.told(&reading, &[story]).await?.remove(&story) else {
            return Ok(None);
        };
        let explanation = match &known {
            Some(known) => explain(&snapshot, &ranked, known, number),
            None => gone((&reading, &ranked), story, number),
        };
        // What would change it are controls of today, whatever view is explained.
        let preference = match &told {
            ToldStory::Whole(placed) => self.preference_of(user, placed.view.story.app).await?,
            ToldStory::Faded(_) => None,
        };
        let exempt = known.filter(|known| known.marks.any_of(Marks::EXEMPT));
        Ok(Some(Why {
            later_page: later_page(&ranked, story),
            would_stand: exempt.and_then(|known| would_stand(&snapshot, reading.stories(), &known)),
            slider: preference.map(|(slider, _)| u8::from(slider)),
            stories_on: preference.is_none_or(|(_, on)| on),
            v: self.mark_of(&reading, number),
            at: WallMs(reading.at_secs.saturating_mul(1_000)),
            verdict: known.map_or(Verdict::Expired, |known| verdict_of(&snapshot, &ranked, &known)),
            story: told,
            explanation,
        }))
    }

    /// Stories of the last seven days that were not on feed page 1 of a view, highest D first, then newest, 50 from this offset on;
    /// `None`: no such view.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn missed(
        &self,
        user: Uid,
        mark: Option<&str>,
        offset: usize,
    ) -> Result<Option<Missed>, StoreFault> {
        self.left_out_of(user, mark, (|_| true, offset)).await
    }

    /// Of these the exempt ones alone, which were too many for feed page 1, newest first (feed 4.8); `None`: no such view.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn missed_exempt(
        &self,
        user: Uid,
        mark: Option<&str>,
        offset: usize,
    ) -> Result<Option<Missed>, StoreFault> {
        let is_exempt = |verdict: &Verdict| matches!(verdict, Verdict::Exempt { .. });
        self.left_out_of(user, mark, (is_exempt, offset)).await
    }

    async fn left_out_of(
        &self,
        user: Uid,
        mark: Option<&str>,
        (is_asked, offset): (fn(&Verdict) -> bool, usize),
    ) -> Result<Option<Missed>, StoreFault> {
        let (reading, number) = self.reading_of(user, (mark, None)).await?;
        if mark.is_some() && number.is_none() {
            return Ok(None);
        }
        let ranked = reading.ranked(1);
        let snapshot = reading.snapshot();
        let mut rows = left_out(&snapshot, &ranked, reading.stories());
        rows.retain(|(_, verdict)| is_asked(verdict));
        let all = rows.len();
        let some: Vec<_> = rows.into_iter().skip(offset).take(MISSED_AT_ONCE).collect();
        let ids: Vec<StoryId> = some.iter().map(|(story, _)| story.id).collect();
        let mut stories = self.told(&reading, &ids).await?;
        let rows = some.into_iter().filter_map(|(story, verdict)| {
            Some(MissedStory {
                story: stories.remove(&story.id)?,
                verdict,
            })
        });
        let next = offset.saturating_add(MISSED_AT_ONCE);
        Ok(Some(Missed {
            rows: rows.collect(),
            next: (next < all).then_some(next),
            view: number.unwrap_or(0),
            v: self.mark_of(&reading, number),
            at: WallMs(reading.at_secs.saturating_mul(1_000)),
        }))
    }

    /// Stories of a reading's user, those of which nothing is left to show among them.
    async fn told(
        &self,
        reading: &Reading,
        ids: &[StoryId],
    ) -> Result<HashMap<StoryId, ToldStory>, StoreFault> {
        let rows = self.shared.ports.store.feed_stories(reading.user, ids).await?;
        let kept: HashMap<StoryId, _> = rows
            .iter()
            .map(|story| (story.id, (story.app, story.published_at, story.blanked)))
            .collect();
        let whole = self.with_apps(rows).await?.into_iter();
        let whole = whole.filter(|placed| placed.view.story.blanked.is_none());
        let mut told: HashMap<StoryId, ToldStory> = whole
            .map(|placed| (placed.view.story.id, ToldStory::Whole(Box::new(placed))))
            .collect();
        for id in ids {
            if told.contains_key(id) {
                continue;
            }
            // A row that cannot be read is known by its place in the record alone.
            let by_place = || {
                let known = reading.story(*id)?;
                Some((reading.app(known.app)?.app, known.published, None))
            };
            let Some((app, published_at, blanked)) = kept.get(id).copied().or_else(by_place) else {
                continue;
            };
            let faded = FadedStory {
                id: *id,
                published_at,
                app: self.shared.ports.store.app(app).await?,
                blanked,
            };
            told.insert(*id, ToldStory::Faded(faded));
        }
        Ok(told)
    }

    /// The reading of a mark's view and its number; without a mark that of the last view, or the feed as it is now. A story that
    /// is asked about is in that of a view, however old.
    async fn reading_of(
        &self,
        user: Uid,
        (mark, about): (Option<&str>, Option<StoryId>),
    ) -> Result<(Reading, Option<i64>), StoreFault> {
        let view = match mark {
            Some(mark) => self.marked_view(user, mark).await?,
            None => self.kept_view(user, None).await?,
        };
        match view {
            Some(view) => Ok((self.then(&view, about).await?, Some(view.number))),
            None => Ok((self.now(user).await?, None)),
        }
    }
}

impl FeedReader {
    /// The view of a genuine mark.
    pub(super) async fn marked_view(&self, user: Uid, mark: &str) -> Result<Option<View>, StoreFault> {
        let Some(number) = view_of_mark(mark) else {
            return Ok(None);
        };
        let view = self.kept_view(user, Some(number)).await?;
        Ok(view.filter(|view| self.shared.key.is_mark_of(user, ViewPlace::of(view), mark)))
    }

    /// The mark of a reading that is a view; of another one a mark that vouches for none.
    pub(super) fn mark_of(&self, reading: &Reading, number: Option<i64>) -> String {
        let place = ViewPlace {
            number: number.unwrap_or(0),
            at_secs: reading.at_secs,
            seq: reading.seq,
            version: reading.config.version,
        };
        self.shared.key.mark(reading.user, place)
    }
}

/// A story that was too old to be looked at.
fn gone((reading, ranked): (&Reading, &Ranked), story: StoryId, view: Option<i64>) -> Explanation {
    Explanation {
        story,
        view,
        at: reading.at_secs,
        version: reading.config.version,
        verdict: Verdict::Expired.name(),
        slot: None,
        score: None,
        cut: ranked.cut,
        margin: None,
        factors: Vec::new(),
    }
}
