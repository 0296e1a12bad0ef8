//! The system's clocks behind the Clock port.
//!
//! Promise: the wall never runs backwards within a process (protocol 1.1), the raw reading may. Knows no date arithmetic.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the system for the time and sleeps"
)]

use async_trait::async_trait;
use crier_platform::model::time::{ElapsedMicros, ElapsedMs, WallMs};
use crier_platform::ports::clock::Clock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The system's wall clock and stopwatch.
pub struct SystemClock {
    started: Instant,
    latest_wall_ms: AtomicI64,
}

impl SystemClock {
    /// A clock whose stopwatch starts now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            latest_wall_ms: AtomicI64::new(0),
        }
    }
}

fn system_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock set before 1970 counts as 1970: every stored rule still holds, and the signature window refuses.
    since.map_or(0, |span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

#[async_trait]
impl Clock for SystemClock {
    fn wall(&self) -> WallMs {
        let now = system_ms();
        let before = self.latest_wall_ms.fetch_max(now, Ordering::Relaxed);
        WallMs(before.max(now))
    }

    fn wall_raw(&self) -> WallMs {
        WallMs(system_ms())
    }

    fn elapsed(&self) -> ElapsedMs {
        ElapsedMs(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn elapsed_micros(&self) -> ElapsedMicros {
        ElapsedMicros(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    async fn sleep_until(&self, moment: ElapsedMs) {
        let target = self.started.checked_add(Duration::from_millis(moment.0));
        match target {
            Some(target) => tokio::time::sleep_until(target.into()).await,
            // Further away than the clock can say: never.
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_stays_where_it_was_when_the_system_clock_goes_back() {
        let clock = SystemClock::start();
        let later = system_ms() + 3_600_000;
        clock.latest_wall_ms.store(later, Ordering::Relaxed);
        assert_eq!(clock.wall(), WallMs(later));
        assert!(clock.wall_raw() < WallMs(later));
    }

    #[tokio::test]
    async fn sleeping_until_a_past_moment_returns_at_once() {
        let clock = SystemClock::start();
        clock.sleep_until(ElapsedMs(0)).await;
        clock.sleep_until(clock.elapsed()).await;
    }
}
