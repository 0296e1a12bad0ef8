//! A clock whose hand the test turns.

use async_trait::async_trait;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_platform::ports::clock::Clock;
use tokio::sync::watch;

/// A clock that moves only when told to. Sleepers wake as soon as the hand has passed their moment.
pub struct ManualClock {
    hand: watch::Sender<(i64, u64)>,
}

impl ManualClock {
    /// A clock that stands at this wall time, its stopwatch at one hour.
    #[must_use]
    pub fn at(wall_ms: i64) -> Self {
        Self {
            hand: watch::Sender::new((wall_ms, 3_600_000)),
        }
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
        WallMs(self.hand.borrow().0)
    }

    fn wall_raw(&self) -> WallMs {
        WallMs(self.hand.borrow().0)
    }

    fn elapsed(&self) -> ElapsedMs {
        ElapsedMs(self.hand.borrow().1)
    }

    async fn sleep_until(&self, moment: ElapsedMs) {
        let mut hand = self.hand.subscribe();
        // The sender lives as long as the clock, so waiting cannot fail while somebody sleeps.
        let _ = hand.wait_for(|(_, elapsed)| *elapsed >= moment.0).await;
    }
}
