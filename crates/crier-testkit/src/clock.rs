//! A clock whose hand the test turns, and which may also go by itself through short waits.

use async_trait::async_trait;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_platform::ports::clock::Clock;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;

/// Real time that a task has to itself between two movements of the hand.
const MOMENT: Duration = Duration::from_millis(1);
/// The longest wait, in milliseconds, that a clock goes through by itself.
const SHORT_WAIT_MS: u64 = 50;

/// A clock that moves only when told to. Sleepers wake as soon as the hand has passed their moment.
pub struct ManualClock {
    hand: watch::Sender<(i64, u64)>,
    /// Whether it goes through short waits by itself.
    is_going: bool,
}

impl ManualClock {
    /// A clock that stands at this wall time, its stopwatch at one hour.
    #[must_use]
    pub fn at(wall_ms: i64) -> Self {
        Self {
            hand: watch::Sender::new((wall_ms, 3_600_000)),
            is_going: false,
        }
    }

    /// A clock that goes through waits of a few milliseconds by itself, for what gathers of its own accord. Nothing else makes it go:
    /// deadlines of seconds are met when the test says so, however slow the machine is.
    #[must_use]
    pub fn going_at(wall_ms: i64) -> Self {
        Self {
            is_going: true,
            ..Self::at(wall_ms)
        }
    }

    /// Turns both hands forward.
    pub fn advance_ms(&self, ms: u64) {
        self.hand.send_modify(|(wall, elapsed)| {
            *wall = wall.saturating_add_unsigned(ms);
            *elapsed = elapsed.saturating_add(ms);
        });
    }

    /// Turns both hands on by `step_ms`, again and again, until the task is done.
    ///
    /// Between two movements the task has a moment of real time: what it waits for from outside, a socket or a disk, is not outrun.
    #[expect(
        clippy::disallowed_methods,
        reason = "what comes from outside takes real time, whatever the hand shows"
    )]
    pub async fn turning<T>(&self, step_ms: u64, task: impl Future<Output = T>) -> T {
        let mut task = pin!(task);
        loop {
            match tokio::time::timeout(MOMENT, &mut task).await {
                Ok(done) => return done,
                Err(_) => self.advance_ms(step_ms),
            }
        }
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
        WallMs(self.hand.borrow().0)
    }

    fn elapsed(&self) -> ElapsedMs {
        ElapsedMs(self.hand.borrow().1)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this clock is the port's own implementation for tests"
    )]
    async fn sleep_until(&self, moment: ElapsedMs) {
        let mut hand = self.hand.subscribe();
        // The sender lives as long as the clock, so waiting cannot fail while somebody sleeps.
        let mut passed = pin!(hand.wait_for(|(_, elapsed)| *elapsed >= moment.0));
        let left = moment.0.saturating_sub(self.elapsed().0);
        if self.is_going && left <= SHORT_WAIT_MS {
            let waited = tokio::time::timeout(Duration::from_millis(left), &mut passed).await;
            if waited.is_err() {
                self.advance_ms(moment.0.saturating_sub(self.elapsed().0));
            }
        } else {
            let _ = passed.await;
        }
    }
}
