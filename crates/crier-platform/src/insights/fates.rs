//! Stories that were never shown: what becomes of each if its reader opens the feed now (feed 5.1, 5.7); and those that were taken
//! down, whoever had seen them.

use super::Insights;
use crate::feed::figures::FeedBound;
use crate::ports::store::StoreFault;
use crier_proto::ids::{AppId, StoryId};
use std::collections::BTreeMap;

/// Stories without a word of their own: they stand on feed page 1 as soon as their reader comes, or the reason is one that too few
/// people share. Told together, so that neither is known.
pub const NOT_TOLD: &str = "not_read_yet";

/// Stories that were taken down in a report.
const TAKEN_DOWN_MAX: u32 = 50;

/// Verdicts that a reader's own act has made.
const BY_AN_ACT: [&str; 5] = ["hidden", "reported", "slider_none", "app_off", "no_grant"];

/// How many stories have met what.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fate {
    /// A verdict's name, or [`NOT_TOLD`].
    pub verdict: &'static str,
    /// How many stories.
    pub stories: u64,
}

/// A story that an administrator has taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct TakenDownStory {
    /// Its number.
    pub story: StoryId,
    /// When it was published, in Unix seconds.
    pub published_at: i64,
    /// When it was taken down, in Unix seconds.
    pub at: i64,
}

impl Insights {
    /// The latest ones first.
    pub(super) async fn taken_down(&self, app: AppId) -> Result<Vec<TakenDownStory>, StoreFault> {
        let taken = self.ports.store.taken_down(app, TAKEN_DOWN_MAX).await?;
        let told = taken.into_iter().map(|taken| TakenDownStory {
            story: taken.story,
            published_at: taken.published_at.secs(),
            at: taken.at.secs(),
        });
        Ok(told.collect())
    }

    /// Of the people with the newest stories, at most `feed.insights_readers_max`.
    pub(super) async fn never_shown(&self, app: AppId) -> Result<Vec<Fate>, StoreFault> {
        let mut stories: BTreeMap<&'static str, (u64, u32)> = BTreeMap::new();
        let readers = self
            .ports
            .store
            .story_readers(app, self.rules.readers_max)
            .await?;
        if u32::try_from(readers.len()).is_ok_and(|many| many == self.rules.readers_max) {
            self.ports.feed_figures.bound(FeedBound::InsightsReaders);
        }
        for reader in readers {
            let mut met: BTreeMap<&'static str, u64> = BTreeMap::new();
            for verdict in self.feed.unshown(app, reader).await? {
                *met.entry(verdict).or_default() += 1;
            }
            for (verdict, count) in met {
                let (stories, readers) = stories.entry(verdict).or_default();
                *stories += count;
                *readers += 1;
            }
        }
        let mut fates: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (verdict, (count, readers)) in stories {
            let is_secret = BY_AN_ACT.contains(&verdict) && readers < self.rules.people_min;
            let stands = verdict.starts_with("shown_");
            let name = if is_secret || stands { NOT_TOLD } else { verdict };
            *fates.entry(name).or_default() += count;
        }
        let fates = fates.into_iter();
        Ok(fates
            .map(|(verdict, stories)| Fate { verdict, stories })
            .collect())
    }
}
