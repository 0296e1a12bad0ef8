//! How often a feed may be read: `feed.reads_per_user` a minute for each person, 60 an hour for each private address (feed 10).
//!
//! Promise: memory is bounded, and what a person reads slows nobody else. Forgets everything at a restart.

use crate::metrics::ServerMetrics;
use crier_platform::feed::figures::FeedBound;
use crier_platform::model::time::ElapsedMs;
use crier_proto::ids::Uid;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Length of a person's window.
const USER_WINDOW_MS: u64 = 60_000;
/// Reads of one private address in its window.
const ADDRESS_READS_MAX: u32 = 60;
/// Length of a private address's window.
const ADDRESS_WINDOW_MS: u64 = 3_600_000;
/// Counters kept; beyond that the one that ends first leaves.
const COUNTERS_MAX: usize = 20_000;

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Reader {
    User(Uid),
    Address(String),
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    reads: u32,
    ends: ElapsedMs,
}

/// Counts reads.
pub struct Reads {
    per_user: u32,
    metrics: ServerMetrics,
    counters: Mutex<HashMap<Reader, Counter>>,
}

impl Reads {
    /// No read yet; `per_user` is `feed.reads_per_user`.
    #[must_use]
    pub fn new(per_user: u32, metrics: ServerMetrics) -> Self {
        Self {
            per_user,
            metrics,
            counters: Mutex::default(),
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
        let done = self.count(reader, (ADDRESS_READS_MAX, ADDRESS_WINDOW_MS), now);
        done.inspect_err(|_| self.metrics.feed().bound(FeedBound::AddressReads))
    }

    fn count(&self, reader: Reader, (most, window): (u32, u64), now: ElapsedMs) -> Result<(), u64> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut counters, &reader, now);
        let fresh = Counter {
            reads: 0,
            ends: now.plus_ms(window),
        };
        let counter = counters.entry(reader).or_insert(fresh);
        if counter.ends <= now {
            *counter = fresh;
        }
        if counter.reads >= most {
            return Err(counter.ends.0.saturating_sub(now.0).div_ceil(1000));
        }
        counter.reads += 1;
        Ok(())
    }
}

/// Drops what is over, and if that frees nothing the counter that ends first.
fn make_room(counters: &mut HashMap<Reader, Counter>, reader: &Reader, now: ElapsedMs) {
    if counters.len() < COUNTERS_MAX || counters.contains_key(reader) {
        return;
    }
    counters.retain(|_, counter| counter.ends > now);
    if counters.len() >= COUNTERS_MAX {
        let first = counters
            .iter()
            .min_by_key(|(_, counter)| counter.ends)
            .map(|(reader, _)| reader.clone());
        first.map(|reader| counters.remove(&reader));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: ElapsedMs = ElapsedMs(1_000);

    fn reads() -> Reads {
        Reads::new(120, ServerMetrics::default())
    }

    #[test]
    fn reads_per_user_lets_120_pass_in_a_minute_and_tells_the_next_how_long_to_wait() {
        let (reads, ada) = (reads(), Uid::new(1).unwrap());
        for _ in 0..120 {
            assert_eq!(reads.by_user(ada, START), Ok(()));
        }
        assert_eq!(reads.by_user(ada, START.plus_ms(500)), Err(60));
        assert_eq!(reads.by_user(Uid::new(2).unwrap(), START), Ok(()));
        assert_eq!(reads.by_user(ada, START.plus_ms(60_000)), Ok(()));
    }

    #[test]
    fn reads_per_user_of_a_private_address_lets_60_pass_in_an_hour() {
        let reads = reads();
        for _ in 0..60 {
            assert_eq!(reads.by_address("token", START), Ok(()));
        }
        assert_eq!(reads.by_address("token", START.plus_ms(1)), Err(3_600));
        assert_eq!(reads.by_address("other", START), Ok(()));
    }

    #[test]
    fn counters_are_bounded() {
        let reads = reads();
        for uid in 1..=i64::try_from(COUNTERS_MAX).unwrap() + 50 {
            assert_eq!(reads.by_user(Uid::new(uid).unwrap(), START), Ok(()));
        }
        assert_eq!(reads.counters.lock().unwrap().len(), COUNTERS_MAX);
    }
}
