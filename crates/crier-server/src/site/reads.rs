//! How often a feed may be read: `feed.reads_per_user` a minute for each person, `feed.reads_per_address` an hour for each private
//! address (feed 10).
//!
//! Promise: memory is bounded, and what a person reads slows nobody else. Forgets everything at a restart.

use super::config::SiteConfig;
use super::windows::Windows;
use crate::bound::Bound;
use crate::metrics::ServerMetrics;
use crier_platform::feed::config::FeedConfig;
use crier_platform::feed::figures::FeedBound;
use crier_platform::model::time::ElapsedMs;
use crier_proto::ids::Uid;
use std::sync::{Mutex, PoisonError};

/// Length of a person's window.
const USER_WINDOW_MS: u64 = 60_000;
/// Length of a private address's window.
const ADDRESS_WINDOW_MS: u64 = 3_600_000;

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Reader {
    User(Uid),
    Address(String),
}

/// Counts reads.
pub struct Reads {
    per_user: u32,
    per_address: u32,
    metrics: ServerMetrics,
    windows: Mutex<Windows<Reader>>,
}

impl Reads {
    /// No read yet, under the bounds of these sections.
    #[must_use]
    pub fn new((feed, site): (&FeedConfig, &SiteConfig), metrics: ServerMetrics) -> Self {
        let counters = (Bound::ReadCounters, site.read_counters_max);
        Self {
            per_user: feed.reads_per_user,
            per_address: feed.reads_per_address,
            windows: Mutex::new(Windows::new(counters, metrics.clone())),
            metrics,
        }
    }

    /// Counts a read of a person; the seconds to wait when it is one too many.
    pub(crate) fn by_user(&self, user: Uid, now: ElapsedMs) -> Result<(), u64> {
        let done = self.count(Reader::User(user), (self.per_user, USER_WINDOW_MS), now);
        done.inspect_err(|_| self.metrics.feed().bound(FeedBound::Reads))
    }

    /// Counts a read of a private address.
    pub(crate) fn by_address(&self, token: &str, now: ElapsedMs) -> Result<(), u64> {
        let reader = Reader::Address(crier_proto::digest::lower_hex(&crier_proto::digest::sha256(&[
            token.as_bytes(),
        ])));
        let done = self.count(reader, (self.per_address, ADDRESS_WINDOW_MS), now);
        done.inspect_err(|_| self.metrics.feed().bound(FeedBound::AddressReads))
    }

    fn count(&self, reader: Reader, (most, length_ms): (u32, u64), now: ElapsedMs) -> Result<(), u64> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.running(reader, length_ms, now);
        if window.count >= most {
            return Err(window.secs_left(now));
        }
        window.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: ElapsedMs = ElapsedMs(1_000);

    fn reads() -> Reads {
        Reads::new(
            (&FeedConfig::default(), &SiteConfig::default()),
            ServerMetrics::default(),
        )
    }

    fn met(reads: &Reads, name: &str) -> u64 {
        let bounds = reads.metrics.feed().bounds();
        bounds.into_iter().find(|(word, _)| *word == name).unwrap().1
    }

    #[test]
    fn reads_per_user_lets_120_pass_in_a_minute_and_tells_the_next_how_long_to_wait() {
        let (reads, ada) = (reads(), Uid::new(1).unwrap());
        for _ in 0..120 {
            assert_eq!(reads.by_user(ada, START), Ok(()));
        }
        assert_eq!(met(&reads, "reads_per_user"), 0);
        assert_eq!(reads.by_user(ada, START.plus_ms(500)), Err(60));
        assert_eq!(met(&reads, "reads_per_user"), 1);
        assert_eq!(reads.by_user(Uid::new(2).unwrap(), START), Ok(()));
        assert_eq!(reads.by_user(ada, START.plus_ms(60_000)), Ok(()));
    }

    #[test]
    fn reads_per_address_lets_60_pass_in_an_hour() {
        let reads = reads();
        for _ in 0..60 {
            assert_eq!(reads.by_address("token", START), Ok(()));
        }
        assert_eq!(met(&reads, "reads_per_address"), 0);
        assert_eq!(reads.by_address("token", START.plus_ms(1)), Err(3_600));
        assert_eq!(met(&reads, "reads_per_address"), 1);
        assert_eq!(reads.by_address("other", START), Ok(()));
    }

    #[test]
    fn read_counters_max_lets_go_who_read_first_and_counts_it() {
        let site = SiteConfig {
            read_counters_max: 2,
            ..SiteConfig::default()
        };
        let feed = FeedConfig {
            reads_per_user: 1,
            ..FeedConfig::default()
        };
        let reads = Reads::new((&feed, &site), ServerMetrics::default());
        let user = |uid| Uid::new(uid).unwrap();
        for (uid, after_ms) in [(1, 0), (2, 1)] {
            assert_eq!(reads.by_user(user(uid), START.plus_ms(after_ms)), Ok(()));
        }
        assert_eq!(reads.by_user(user(1), START.plus_ms(1)), Err(60));
        assert_eq!(reads.by_user(user(3), START.plus_ms(2)), Ok(()));
        assert_eq!(reads.metrics.times_met(Bound::ReadCounters), 1);
        assert_eq!(reads.by_user(user(2), START.plus_ms(2)), Err(60));
        assert_eq!(reads.by_user(user(1), START.plus_ms(2)), Ok(()));
    }
}
