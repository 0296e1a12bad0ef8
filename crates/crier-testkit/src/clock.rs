//! A clock whose hand the test turns, and which may also go by itself.

use async_trait::async_trait;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_platform::ports::clock::Clock;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A clock that moves only when told to. Sleepers wake as soon as the hand has passed their moment.
pub struct ManualClock {
    hand: watch::Sender<(i64, u64)>,
    /// When it began to go by itself; absent when it does not.
    going_since: Option<Instant>,
}

impl ManualClock {
    /// A clock that stands at this wall time, its stopwatch at one hour.
    #[must_use]
    pub fn at(wall_ms: i64) -> Self {
        Self {
            hand: watch::Sender::new((wall_ms, 3_600_000)),
            going_since: None,
        }
    }

    /// A clock that also goes by itself from this wall time on, for what waits a few milliseconds of its own accord.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this clock is the port's own implementation for tests"
    )]
    pub fn going_at(wall_ms: i64) -> Self {
        Self {
            going_since: Some(Instant::now()),
            ..Self::at(wall_ms)
        }
    }

    /// Milliseconds that it has gone by itself.
    fn gone_ms(&self) -> u64 {
        let gone = self.going_since.map_or(Duration::ZERO, |began| began.elapsed());
        u64::try_from(gone.as_millis()).unwrap_or(u64::MAX)
    }

    /// Turns both hands forward.
    pub fn advance_ms(&self, ms: u64) {
        self.hand.send_modify(|(wall, elapsed)| {
            *wall = wall.saturating_add_unsigned(ms);
            *elapsed = elapsed.saturating_add(ms);
        });
    }

    /// Sets the wall alone, also backwards; `wall` still never runs backwards, `wall_raw` does.
    pub fn set_wall_ms(&self, wall_ms: i64) {
        self.hand.send_modify(|(wall, _)| *wall = wall_ms);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn wall(&self) -> WallMs {
        self.wall_raw()
    }

    fn wall_raw(&self) -> WallMs {
        WallMs(self.hand.borrow().0.saturating_add_unsigned(self.gone_ms()))
    }

    fn elapsed(&self) -> ElapsedMs {
        ElapsedMs(self.hand.borrow().1.saturating_add(self.gone_ms()))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this clock is the port's own implementation for tests"
    )]
    async fn sleep_until(&self, moment: ElapsedMs) {
        let mut hand = self.hand.subscribe();
        while self.going_since.is_some() {
            let left = moment.0.saturating_sub(self.elapsed().0);
            if left == 0 {
                return;
            }
            // Either the time has passed or the hand was turned: both are looked at again.
            let _ = tokio::time::timeout(Duration::from_millis(left), hand.changed()).await;
        }
        // The sender lives as long as the clock, so waiting cannot fail while somebody sleeps.
        let _ = hand.wait_for(|(_, elapsed)| *elapsed >= moment.0).await;
    }
}
