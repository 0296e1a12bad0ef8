//! What a feed lets go by age: texts and slots of old stories, old views, tombstones (feed 1.2, 5.3).

use super::FeedReader;
use super::figures::FeedBound;
use crate::model::quantity::Span;
use crate::model::record::{FeedWrite, KeptSince};
use crate::ports::store::{CommitError, StoreFault};

/// For so long places and weights of an erased application's stories stay, so that no open feed page shifts (feed 1.2).
pub(super) const TOMBSTONE_KEEP: Span = Span(86_400_000);
/// Milliseconds between two rounds.
const ROUND_MS: u64 = 60_000;

impl FeedReader {
    /// Lets go for ever.
    pub async fn keep_house(&self) {
        loop {
            self.let_go().await;
            let next = self.shared.ports.clock.elapsed().plus_ms(ROUND_MS);
            self.shared.ports.clock.sleep_until(next).await;
        }
    }

    /// One round: some stories, and the views whose time is over. What is left comes with the next one.
    pub async fn let_go(&self) {
        let now = self.shared.ports.clock.wall();
        let before = |span: Span| now.plus_ms(-i64::try_from(span.0).unwrap_or(i64::MAX));
        let config = &self.shared.config;
        let since = KeptSince {
            texts: before(config.text_keep),
            views: before(config.view_keep),
            tombstones: before(TOMBSTONE_KEEP),
        };
        let looked = self.shared.ports.store.is_overdue(since).await;
        let (overdue, expiry) = match (looked, self.longest_expiry().await) {
            (Ok(overdue), Ok(expiry)) => (overdue, expiry),
            (Err(fault), _) | (_, Err(fault)) => {
                tracing::warn!(%fault, "the feed could not look for what is too old");
                return;
            }
        };
        // Only what is there is written: an idle server syncs nothing.
        let bury = FeedWrite::Bury {
            before: since.tombstones,
            expiry,
        };
        let writes = [
            (
                overdue.texts,
                Some(FeedBound::TextKeep),
                FeedWrite::BlankBefore(since.texts),
            ),
            (
                overdue.views,
                Some(FeedBound::ViewKeep),
                FeedWrite::TrimViews(since.views),
            ),
            // A day for each erasure: no bound that anybody sets.
            (overdue.tombstones, None, bury),
        ];
        for (_, bound, write) in writes.into_iter().filter(|(is_due, ..)| *is_due) {
            match self.write(write).await {
                Ok(()) => {
                    if let Some(bound) = bound {
                        self.shared.ports.feed_figures.bound(bound);
                    }
                }
                Err(CommitError::Fault(fault)) => {
                    tracing::warn!(%fault, "the feed could not let go of what is too old");
                }
                Err(CommitError::Refused(_)) => {}
            }
        }
    }

    /// The longest time for which a story competed under any ranking.
    async fn longest_expiry(&self) -> Result<Span, StoreFault> {
        let mut longest = self.ranking().await?.constants.expiry;
        for kept in self.shared.ports.store.rankings().await? {
            let config = self.ranking_of(kept.version).await?;
            longest = longest.max(config.constants.expiry);
        }
        Ok(longest)
    }
}
