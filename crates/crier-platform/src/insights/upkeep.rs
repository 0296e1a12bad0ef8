//! Counts on their way into the books, and those that are let go by age.
//!
//! Promise: whoever counts never waits for the books. A kill loses what waits, at most a minute's counts while the books take writes.

use super::Insights;
use crate::feed::figures::FeedBound;
use crate::model::audit::Actor;
use crate::model::insight::Grain;
use crate::model::quantity::Span;
use crate::model::tally::{Count, HOUR_MS};
use crate::ports::entropy::random_bytes;
use crate::ports::store::{Batch, CommitError, StoreFault, UnitId, Write};

/// Milliseconds between two rounds.
const ROUND_MS: u64 = 60_000;
/// Counts of one unit.
const ROWS_AT_ONCE: usize = 500;

impl Insights {
    /// Writes and lets go for ever.
    pub async fn keep_counts(&self) {
        loop {
            let next = self.ports.clock.elapsed().plus_ms(ROUND_MS);
            self.ports.clock.sleep_until(next).await;
            self.write_counts().await;
            self.let_go().await;
        }
    }

    /// Writes what was counted since the last time. What the books do not take waits for the next time.
    pub async fn write_counts(&self) {
        let _turn = self.turn.lock().await;
        let mut waiting = self.ports.tally.take();
        while !waiting.is_empty() {
            let some = waiting.split_off(waiting.len().saturating_sub(ROWS_AT_ONCE));
            match self.commit(Write::Count(some.clone())).await {
                Ok(()) => {}
                // It may be there: to count it again would be worse than to miss it.
                Err(CommitError::Refused(_) | CommitError::Fault(StoreFault::OutcomeUnknown(_))) => {}
                Err(CommitError::Fault(fault)) => {
                    tracing::warn!(%fault, "counts for developers wait: the books did not take them");
                    self.put_back(some);
                    self.put_back(waiting);
                    return;
                }
            }
        }
    }

    fn put_back(&self, counts: Vec<Count>) {
        if !self.ports.tally.put_back(counts, self.ports.clock.wall()) {
            self.ports.feed_figures.bound(FeedBound::InsightsWaiting);
        }
    }

    /// One round of letting go: counts of hours and days whose time is over.
    pub async fn let_go(&self) {
        let hour = self.ports.clock.wall().0.div_euclid(HOUR_MS);
        let before = |span: Span| hour - i64::try_from(span.0).unwrap_or(i64::MAX) / HOUR_MS;
        let (hours, days) = (before(self.rules.hours_keep), before(self.rules.days_keep));
        let old = match self.ports.store.has_old_counts(hours, days).await {
            Ok(old) => old,
            Err(fault) => {
                tracing::warn!(%fault, "counts for developers could not be looked through");
                return;
            }
        };
        // Only what is there is written: an idle server syncs nothing.
        let writes = [
            (old.0, FeedBound::InsightsHours, (Grain::Hour, hours)),
            (old.1, FeedBound::InsightsDays, (Grain::Day, days)),
        ];
        for (_, bound, (grain, before)) in writes.into_iter().filter(|(is_due, ..)| *is_due) {
            match self.commit(Write::TrimCounts { grain, before }).await {
                Ok(()) => self.ports.feed_figures.bound(bound),
                Err(CommitError::Fault(fault)) => {
                    tracing::warn!(%fault, "old counts for developers could not be let go");
                }
                Err(CommitError::Refused(_)) => {}
            }
        }
    }

    async fn commit(&self, write: Write) -> Result<(), CommitError> {
        let batch = Batch {
            id: UnitId(random_bytes(&*self.ports.entropy)),
            by: Actor::System,
            now: self.ports.clock.wall(),
            writes: vec![write],
        };
        self.ports.store.commit(batch).await.map(drop)
    }
}
