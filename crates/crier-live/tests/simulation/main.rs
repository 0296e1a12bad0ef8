//! Seeded schedules over one node: sends, acks, lost and resumed connections, slow readers, pages that come and go, time,
//! withdrawals, clean restarts and crashes in any order, then the checker of live delivery (live 1.1, 6.10): for each page alive
//! throughout, a message starts once or a gap covers it, and never twice.
//!
//! A failure prints the seed of its schedule; the same seed takes the same steps again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that cannot go on has failed its schedule"
)]

mod process;
mod reading;
mod sends;
mod stage;
mod tab;
mod truth;
mod watch;
mod window;

use stage::Stage;
use std::collections::BTreeMap;

/// Schedules, each from a seed of its own.
const SCHEDULES: u64 = 120;
/// Steps of one schedule.
const STEPS: usize = 250;

#[tokio::test]
async fn every_schedule_starts_each_message_once_or_tells_a_gap() {
    let (mut starts, mut restarts, mut crashes, mut recalled) = (0, 0, 0, 0);
    let mut gaps: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 1..=SCHEDULES {
        let mut stage = Stage::new(seed);
        for _ in 0..STEPS {
            tokio::task::unconstrained(stage.step()).await;
            tokio::task::unconstrained(stage.watch()).await;
        }
        stage.settle();
        tokio::task::unconstrained(stage.watch()).await;
        let breaches = tokio::task::unconstrained(stage.judge()).await;
        assert!(breaches.is_empty(), "seed {seed}: {breaches:#?}");
        starts += stage.starts;
        restarts += stage.restarts;
        crashes += stage.crashes;
        recalled += stage.recalled;
        for (reason, count) in stage.gaps {
            *gaps.entry(reason).or_default() += count;
        }
    }
    // A schedule in which nothing happens proves nothing.
    assert!(starts > 10 * SCHEDULES, "{starts} starts");
    assert!(restarts > SCHEDULES, "{restarts} restarts");
    assert!(crashes > SCHEDULES / 4, "{crashes} crashes");
    assert!(
        recalled > SCHEDULES / 4,
        "{recalled} taken back from pages that held them"
    );
    for reason in ["overflow", "expired", "epoch"] {
        let told = gaps.get(reason).copied().unwrap_or(0);
        assert!(told > SCHEDULES / 10, "{told} gaps: {reason}");
    }
}
