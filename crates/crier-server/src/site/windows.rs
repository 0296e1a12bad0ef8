//! Counts in windows of time, one for each key: what `reads` and `throttle` count with.
//!
//! Promise: never more windows than the bound; when they are full those that are over leave, else the few that end first, so that
//! nobody who invents keys makes each request slow. Forgets everything at a restart.

use crate::bound::Bound;
use crate::metrics::ServerMetrics;
use crier_platform::model::time::ElapsedMs;
use std::collections::HashMap;
use std::hash::Hash;

/// Of so many windows that are all running one leaves for a new one, together with its neighbours.
const LEAVING_SHARE: usize = 16;

/// A count and when it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// What was counted in it.
    pub(super) count: u32,
    ends: ElapsedMs,
}

impl Window {
    /// Seconds until it ends, rounded up.
    pub(super) fn secs_left(&self, now: ElapsedMs) -> u64 {
        self.ends.0.saturating_sub(now.0).div_ceil(1_000)
    }
}

/// The windows of all keys.
pub(super) struct Windows<K> {
    most: usize,
    bound: Bound,
    metrics: ServerMetrics,
    windows: HashMap<K, Window>,
}

impl<K: Eq + Hash> Windows<K> {
    /// None yet; `most` is the value of `bound`.
    pub(super) fn new((bound, most): (Bound, usize), metrics: ServerMetrics) -> Self {
        Self {
            most,
            bound,
            metrics,
            windows: HashMap::new(),
        }
    }

    /// The window of a key, if it is running.
    pub(super) fn get(&self, key: &K, now: ElapsedMs) -> Option<&Window> {
        self.windows.get(key).filter(|window| window.ends > now)
    }

    /// The running window of a key; one of this length begins now where there is none.
    pub(super) fn running(&mut self, key: K, length_ms: u64, now: ElapsedMs) -> &mut Window {
        if !self.windows.contains_key(&key) {
            self.make_room(now);
        }
        let fresh = Window {
            count: 0,
            ends: now.plus_ms(length_ms),
        };
        let window = self.windows.entry(key).or_insert(fresh);
        if window.ends <= now {
            *window = fresh;
        }
        window
    }

    /// Forgets a key.
    pub(super) fn forget(&mut self, key: &K) {
        self.windows.remove(key);
    }

    /// Takes one back from a key's count.
    pub(super) fn take_back(&mut self, key: &K) {
        if let Some(window) = self.windows.get_mut(key) {
            window.count = window.count.saturating_sub(1);
        }
    }

    fn make_room(&mut self, now: ElapsedMs) {
        if self.windows.len() < self.most {
            return;
        }
        self.windows.retain(|_, window| window.ends > now);
        if self.windows.len() < self.most {
            return;
        }
        self.metrics.bound(self.bound);
        let mut ends: Vec<u64> = self.windows.values().map(|window| window.ends.0).collect();
        let leaving = ends.len() / LEAVING_SHARE;
        let (_, last, _) = ends.select_nth_unstable(leaving);
        let last = *last;
        let mut left = leaving + 1;
        self.windows.retain(|_, window| {
            let stays = window.ends.0 > last || left == 0;
            if !stays {
                left -= 1;
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: ElapsedMs = ElapsedMs(1_000);

    fn windows(most: usize) -> (Windows<usize>, ServerMetrics) {
        let metrics = ServerMetrics::default();
        (
            Windows::new((Bound::ReadCounters, most), metrics.clone()),
            metrics,
        )
    }

    #[test]
    fn a_full_house_lets_go_what_is_over_before_anybody_who_still_counts() {
        let (mut windows, metrics) = windows(3);
        for (key, length_ms) in [(1, 10_000), (2, 20_000), (3, 30_000)] {
            windows.running(key, length_ms, START).count = 7;
        }
        windows.running(4, 30_000, START.plus_ms(10_000));
        let left = [1, 2, 3, 4].map(|key| windows.windows.contains_key(&key));
        assert_eq!(left, [false, true, true, true]);
        assert_eq!(metrics.times_met(Bound::ReadCounters), 0);
        windows.running(5, 30_000, START.plus_ms(10_000));
        let left = [2, 3, 4, 5].map(|key| windows.windows.contains_key(&key));
        assert_eq!(left, [false, true, true, true]);
        assert_eq!(metrics.times_met(Bound::ReadCounters), 1);
        assert_eq!(windows.running(3, 30_000, START).count, 7);
    }

    #[test]
    fn windows_that_end_together_leave_a_few_at_a_time() {
        let (mut windows, metrics) = windows(160);
        for key in 0..161 {
            windows.running(key, 1_000, START);
            assert!(windows.windows.len() <= 160);
        }
        assert_eq!(windows.windows.len(), 150);
        assert!(windows.windows.contains_key(&160));
        assert_eq!(metrics.times_met(Bound::ReadCounters), 1);
    }

    #[test]
    fn a_house_for_one_holds_the_newest() {
        let (mut windows, _) = windows(1);
        for key in 0..9 {
            windows.running(key, 1_000, START).count += 1;
            assert_eq!(windows.windows.len(), 1);
            assert_eq!(windows.get(&key, START).map(|window| window.count), Some(1));
        }
    }
}
