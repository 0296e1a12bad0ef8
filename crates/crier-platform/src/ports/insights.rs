//! The books' side of Insights (feed 5.7): reads; what is written is `Write::Count` and `Write::TrimCounts`.

use super::store::StoreFault;
use crate::model::insight::{Absent, ActQuery, Grain, KeptCount, SlotCount, TakenDown, Unshown};
use crate::model::job::SourceHash;
use crate::model::ranking::{QualityCounts, QualityRow};
use async_trait::async_trait;
use crier_proto::ids::{AppId, StoryId, Uid};

/// Reads of what an application's developers are told.
#[async_trait]
pub trait Insights: Send + Sync {
    /// Counts of an application whose hour or day begins in these hours since 1970, from the first up to and without the last.
    async fn counts(&self, app: AppId, grain: Grain, hours: (i64, i64))
    -> Result<Vec<KeptCount>, StoreFault>;
    /// What was first shown and done with an application's stories, by hour, where there is anything.
    async fn app_hours(&self, app: AppId, hours: (i64, i64))
    -> Result<Vec<(i64, QualityCounts)>, StoreFault>;
    /// How many different people have acts that count; not more than `most` are looked for.
    async fn people_who_acted(&self, query: ActQuery, most: u32) -> Result<u32, StoreFault>;
    /// The quality rows of an application, by hour.
    async fn quality_rows(&self, app: AppId, hours: (i64, i64))
    -> Result<Vec<(i64, QualityRow)>, StoreFault>;
    /// Slots of an application's stories by state and cause.
    async fn slots_by_state(&self, app: AppId) -> Result<Vec<SlotCount>, StoreFault>;
    /// Addresses whose slots wait or have failed, those of the newest stories first.
    async fn absent_pictures(&self, app: AppId, limit: u32) -> Result<Vec<Absent>, StoreFault>;
    /// Stories of an application that administrators have taken down, the latest first, at most `limit`.
    async fn taken_down(&self, app: AppId, limit: u32) -> Result<Vec<TakenDown>, StoreFault>;
    /// Failed slots of an application's stories from this source, newest first.
    async fn failed_slots(
        &self,
        app: AppId,
        source: SourceHash,
        limit: u32,
    ) -> Result<Vec<(StoryId, u8)>, StoreFault>;
    /// People in whose feed the application has published, those with the newest stories first.
    async fn story_readers(&self, app: AppId, limit: u32) -> Result<Vec<Uid>, StoreFault>;
    /// The application's stories in a feed that were never shown, exempt ones left out.
    async fn unshown(&self, app: AppId, user: Uid) -> Result<Vec<Unshown>, StoreFault>;
    /// Whether there are counts of hours before the first, and of days before the second.
    async fn has_old_counts(&self, hours: i64, days: i64) -> Result<(bool, bool), StoreFault>;
}
