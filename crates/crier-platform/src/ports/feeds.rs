//! The books' side of the News Feed: records as they are read (feed 8.1). What is written stands in `model::record::FeedWrite`.

use super::store::StoreFault;
use crate::model::ranking::QualityCounts;
use crate::model::record::{
    FeedAddress, FeedCounts, FeedState, HourRows, KeptRanking, KeptSince, OlderStories, Overdue, PastQuery,
    StateQuery, View,
};
use crate::model::record_line::RecordLine;
use crate::model::story::Story;
use crate::model::time::WallMs;
use async_trait::async_trait;
use crier_proto::ids::{AppId, StoryId, Uid};

/// Reads of records.
#[async_trait]
pub trait Feeds: Send + Sync {
    /// How a feed stands: one moment of the books.
    async fn feed_state(&self, query: StateQuery) -> Result<FeedState, StoreFault>;
    /// The whole record up to a place, in order: stories with their texts, and every event.
    async fn feed_past(&self, user: Uid, upto: i64) -> Result<Vec<RecordLine>, StoreFault>;
    /// Of a record up to a place what ranking looks at, in order: stories with their texts, and what was done; `None`: what is
    /// known is of another record.
    async fn feed_at(&self, query: PastQuery) -> Result<Option<Vec<RecordLine>>, StoreFault>;
    /// A view, or with `None` the last one.
    async fn feed_view(&self, user: Uid, number: Option<i64>) -> Result<Option<View>, StoreFault>;
    /// All views that are kept, in order.
    async fn feed_views(&self, user: Uid) -> Result<Vec<View>, StoreFault>;
    /// Stories of this user by number, in the order asked; those that are not theirs or cannot be read are left out.
    async fn feed_stories(&self, user: Uid, ids: &[StoryId]) -> Result<Vec<Story>, StoreFault>;
    /// Stories that are hidden or reported and not older than this, newest act first.
    async fn put_away(&self, user: Uid, since: WallMs) -> Result<Vec<Story>, StoreFault>;
    /// Stories that their users have reported and that still have their text, newest report first.
    async fn reported(&self, limit: u32) -> Result<Vec<Story>, StoreFault>;
    /// Stories of a record that have expired by then, counted.
    async fn older_stories(&self, user: Uid, before: WallMs) -> Result<OlderStories, StoreFault>;
    /// Counts of a feed by application since then.
    async fn feed_counts(&self, user: Uid, since: WallMs) -> Result<Vec<(AppId, FeedCounts)>, StoreFault>;
}

/// Reads of what all records share.
#[async_trait]
pub trait Rankings: Send + Sync {
    /// Versions of the ranking, in order.
    async fn rankings(&self) -> Result<Vec<KeptRanking>, StoreFault>;
    /// The quality rows of an hour; `None`: they were not computed yet.
    async fn hour_rows(&self, hour: i64) -> Result<Option<HourRows>, StoreFault>;
    /// Counts of every application over hours from the first on, up to and without the last.
    async fn hour_counts(&self, from: i64, to: i64) -> Result<Vec<(AppId, QualityCounts)>, StoreFault>;
    /// Whether anything is older than it may be.
    async fn is_overdue(&self, before: KeptSince) -> Result<Overdue, StoreFault>;
    /// Addresses of a user's private feeds, oldest first.
    async fn feed_addresses(&self, user: Uid) -> Result<Vec<FeedAddress>, StoreFault>;
    /// The address of a token's hash.
    async fn feed_address(&self, token: [u8; 32]) -> Result<Option<FeedAddress>, StoreFault>;
}
