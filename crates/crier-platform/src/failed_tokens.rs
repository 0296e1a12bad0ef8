//! How often `auth.getSession` has failed, so that the few characters of a typed code cannot be guessed (protocol 18.7).
//!
//! Promise: after 20 failures of an application within 600 s every code that is open then is void.
//! Kept in memory: a code is 600 s old at most, and so is what is known here.

use crate::model::time::{ElapsedMs, WallMs};
use crier_proto::ids::AppId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Failures that void an application's open codes (protocol 18.7).
const FAILURES_MAX: usize = 20;
/// The span in which they count, in milliseconds (protocol 18.7).
const SPAN_MS: u64 = 600_000;

/// Failures of every application that has had some.
#[derive(Debug, Default)]
pub(crate) struct FailedTokens {
    known: Mutex<HashMap<AppId, Failures>>,
    times_met: AtomicU64,
}

/// One application's; at most `FAILURES_MAX` moments.
#[derive(Debug, Default)]
struct Failures {
    at: VecDeque<ElapsedMs>,
    /// Codes made until then are void.
    voided: Option<WallMs>,
}

impl FailedTokens {
    /// A call has failed.
    pub(crate) fn count(&self, app: AppId, (elapsed, wall): (ElapsedMs, WallMs)) {
        let mut known = self.known();
        let failures = known.entry(app).or_default();
        while failures
            .at
            .front()
            .is_some_and(|first| first.plus_ms(SPAN_MS) <= elapsed)
        {
            failures.at.pop_front();
        }
        failures.at.push_back(elapsed);
        if failures.at.len() >= FAILURES_MAX {
            failures.at.clear();
            failures.voided = Some(wall);
            self.times_met.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a code that was made at this moment has been voided since.
    pub(crate) fn is_void(&self, app: AppId, made: WallMs) -> bool {
        let known = self.known();
        let voided = known.get(&app).and_then(|failures| failures.voided);
        voided.is_some_and(|voided| made <= voided)
    }

    /// How often failures have voided an application's codes.
    pub(crate) fn times_met(&self) -> u64 {
        self.times_met.load(Ordering::Relaxed)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<AppId, Failures>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(number: i64) -> AppId {
        AppId::new(number).unwrap()
    }

    fn fail(failed: &FailedTokens, times: usize, at_ms: u64) {
        for _ in 0..times {
            failed.count(app(1), (ElapsedMs(at_ms), WallMs(i64::try_from(at_ms).unwrap())));
        }
    }

    #[test]
    fn the_twentieth_failure_voids_what_is_open_and_nothing_that_comes_later() {
        let failed = FailedTokens::default();
        fail(&failed, 19, 1_000);
        assert!(!failed.is_void(app(1), WallMs(900)));
        fail(&failed, 1, 1_000);
        assert!(failed.is_void(app(1), WallMs(900)) && failed.is_void(app(1), WallMs(1_000)));
        assert!(!failed.is_void(app(1), WallMs(1_001)) && !failed.is_void(app(2), WallMs(900)));
        fail(&failed, 19, 2_000);
        assert!(!failed.is_void(app(1), WallMs(1_500)), "the count begins anew");
        assert_eq!(failed.times_met(), 1);
    }

    #[test]
    fn failures_are_forgotten_after_600_seconds() {
        let failed = FailedTokens::default();
        fail(&failed, 19, 0);
        fail(&failed, 1, 600_000);
        assert!(!failed.is_void(app(1), WallMs(0)));
        fail(&failed, 19, 600_000);
        assert!(failed.is_void(app(1), WallMs(0)));
    }
}
