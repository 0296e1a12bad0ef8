//! What a feed lets go by age: texts and slots of old stories, old views (feed 1.2, 5.3).

use super::FeedReader;
use super::figures::FeedBound;
use crate::model::quantity::Span;
use crate::model::record::FeedWrite;
use crate::ports::store::CommitError;

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
        let (text, views) = (before(config.text_keep), before(config.view_keep));
        let overdue = match self.shared.ports.store.is_overdue(text, views).await {
            Ok(overdue) => overdue,
            Err(fault) => {
                tracing::warn!(%fault, "the feed could not look for what is too old");
                return;
            }
        };
        // Only what is there is written: an idle server syncs nothing.
        let writes = [
            (overdue.0, FeedBound::TextKeep, FeedWrite::BlankBefore(text)),
            (overdue.1, FeedBound::ViewKeep, FeedWrite::TrimViews(views)),
        ];
        for (_, bound, write) in writes.into_iter().filter(|(is_due, ..)| *is_due) {
            match self.write(write).await {
                Ok(()) => self.shared.ports.feed_figures.bound(bound),
                Err(CommitError::Fault(fault)) => {
                    tracing::warn!(%fault, "the feed could not let go of what is too old");
                }
                Err(CommitError::Refused(_)) => {}
            }
        }
    }
}
