//! Time as an argument: twelve hours and TTLs are tested by turning a hand.

use crate::model::time::{ElapsedMicros, ElapsedMs, WallMs};
use async_trait::async_trait;

/// The time of one process.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock; never runs backwards within a process.
    fn wall(&self) -> WallMs;

    /// The wall clock as the system gives it, for the signature window alone (protocol 1.1, 8.4).
    fn wall_raw(&self) -> WallMs;

    /// The stopwatch.
    fn elapsed(&self) -> ElapsedMs;

    /// The stopwatch as finely as it is known, for figures alone: no rule may depend on it.
    fn elapsed_micros(&self) -> ElapsedMicros {
        ElapsedMicros(self.elapsed().0.saturating_mul(1_000))
    }

    /// Returns when the stopwatch has reached `moment`, at once if it already has.
    async fn sleep_until(&self, moment: ElapsedMs);
}
