//! Time as an argument: twelve hours and TTLs are tested by turning a hand.

use crate::model::time::{ElapsedMs, WallMs};
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

    /// Returns when the stopwatch has reached `moment`, at once if it already has.
    async fn sleep_until(&self, moment: ElapsedMs);
}
