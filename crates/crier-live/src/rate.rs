//! A token bucket: so many at once, so many a second after that.
//!
//! Promise: integers only, exact over any pause, never more than the burst. Knows neither clock nor what it counts.

use crier_platform::model::time::ElapsedMs;

/// A rate and the burst that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come back each second, at least 1.
    pub per_second: u32,
    /// Tokens of a full bucket, at least 1.
    pub burst: u32,
}

/// What is left of one bucket. Sixteen bytes: every connection and mailbox has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Thousandths of a token.
    thousandths: u64,
    /// When they were counted.
    at: ElapsedMs,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub const fn full(rate: Rate, now: ElapsedMs) -> Self {
        Self {
            thousandths: rate.burst as u64 * 1000,
            at: now,
        }
    }

    /// Takes one token, if there is one.
    pub fn take(&mut self, rate: Rate, now: ElapsedMs) -> bool {
        let gained = now
            .0
            .saturating_sub(self.at.0)
            .saturating_mul(u64::from(rate.per_second));
        self.thousandths = self
            .thousandths
            .saturating_add(gained)
            .min(u64::from(rate.burst) * 1000);
        self.at = self.at.max(now);
        match self.thousandths.checked_sub(1000) {
            Some(rest) => {
                self.thousandths = rest;
                true
            }
            None => false,
        }
    }

    /// Whether the bucket would be full by now: then it need not be remembered.
    #[must_use]
    pub fn is_full(&self, rate: Rate, now: ElapsedMs) -> bool {
        let gained = now
            .0
            .saturating_sub(self.at.0)
            .saturating_mul(u64::from(rate.per_second));
        self.thousandths.saturating_add(gained) >= u64::from(rate.burst) * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 20,
        burst: 60,
    };

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_its_rate() {
        let start = ElapsedMs(1_000);
        let mut bucket = Bucket::full(RATE, start);
        assert_eq!((0..100).filter(|_| bucket.take(RATE, start)).count(), 60);
        assert!(!bucket.take(RATE, start.plus_ms(49)));
        assert!(bucket.take(RATE, start.plus_ms(50)));
        let later = start.plus_ms(1_050);
        assert_eq!((0..100).filter(|_| bucket.take(RATE, later)).count(), 20);
    }

    #[test]
    fn a_long_pause_never_gives_more_than_the_burst() {
        let mut bucket = Bucket::full(RATE, ElapsedMs(0));
        let later = ElapsedMs(u64::MAX);
        assert_eq!((0..100).filter(|_| bucket.take(RATE, later)).count(), 60);
        assert!(!bucket.is_full(RATE, later));
    }
}
