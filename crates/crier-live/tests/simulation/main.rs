//! Seeded schedules over one node: sends, acks, lost and resumed connections, slow readers, time, withdrawals and clean restarts in
//! any order, then the checker of live delivery (live 1.1, 6.10): for each page alive throughout, a message starts once or a gap
//! covers it, and never twice.
//!
//! A failure prints the seed of its schedule; the same seed takes the same steps again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that cannot go on has failed its schedule"
)]

mod stage;
mod tab;

use crier_testkit::delivery_book::Breach;
use stage::Stage;

/// Schedules, each from a seed of its own.
const SCHEDULES: u64 = 300;
/// Steps of one schedule.
const STEPS: usize = 150;

#[tokio::test]
async fn every_schedule_starts_each_message_once_or_tells_a_gap() {
    let (mut starts, mut covered, mut restarts) = (0, 0, 0);
    for seed in 1..=SCHEDULES {
        let mut stage = Stage::new(seed);
        for _ in 0..STEPS {
            tokio::task::unconstrained(stage.step()).await;
        }
        stage.settle();
        let mut verdict = stage.book.judge();
        // A message for one page is owed to the page that has claimed it. When that page ends after the message has expired or was
        // dropped, nobody was owed it and nobody is told: the checker cannot see claims, so it is heard only where no tab ended.
        let by_end = |breach: &Breach| stage.tab_ended && matches!(breach, Breach::RanNowhere { .. });
        verdict.breaches.retain(|breach| !by_end(breach));
        if let Some(breach) = verdict.breaches.first() {
            panic!(
                "seed {seed}: {:?}\n{}",
                verdict.breaches,
                stage.book.around(breach)
            );
        }
        starts += verdict.starts;
        covered += verdict.covered.values().sum::<u64>();
        restarts += stage.restarts;
    }
    // A schedule in which nothing happens proves nothing.
    assert!(starts > 10 * SCHEDULES, "{starts} starts");
    assert!(covered > SCHEDULES / 10, "{covered} covered by gaps");
    assert!(restarts > SCHEDULES / 4, "{restarts} restarts");
}
