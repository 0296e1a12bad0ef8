//! One timing wheel for every deadline of the process: no timer per connection (live 15.1).
//!
//! Promise: an entry comes out at the first turn at or after its moment, never before; far moments cost a few turns more.

use crier_platform::model::time::ElapsedMs;

/// Milliseconds from turn to turn.
pub const TURN_MS: u64 = 250;
/// Turns of a full circle: 128 s.
const SLOTS: u64 = 512;

/// Entries by the moment they are due.
#[derive(Debug)]
pub struct Wheel<T> {
    slots: Box<[Vec<(ElapsedMs, T)>]>,
    /// The turn that has been made last.
    turn: u64,
}

impl<T> Wheel<T> {
    /// An empty wheel that stands at `now`.
    #[must_use]
    pub fn new(now: ElapsedMs) -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            turn: now.0 / TURN_MS,
        }
    }

    /// Keeps an entry until its moment. A moment that has passed comes at the next turn.
    pub fn insert(&mut self, due: ElapsedMs, entry: T) {
        let wanted = due.0.div_ceil(TURN_MS);
        let turn = wanted.clamp(self.turn + 1, self.turn + SLOTS - 1);
        self.slot(turn).push((due, entry));
    }

    /// Turns the wheel to `now` and gives out what has come due.
    pub fn advance(&mut self, now: ElapsedMs) -> Vec<T> {
        let target = now.0 / TURN_MS;
        let mut due = Vec::new();
        let first = (self.turn + 1).max(target.saturating_sub(SLOTS - 1));
        let mut early = Vec::new();
        for turn in first..=target {
            for (moment, entry) in std::mem::take(self.slot(turn)) {
                if moment <= now {
                    due.push(entry);
                } else {
                    early.push((moment, entry));
                }
            }
        }
        self.turn = self.turn.max(target);
        for (moment, entry) in early {
            self.insert(moment, entry);
        }
        due
    }

    /// The moment of the next turn.
    #[must_use]
    pub const fn next_turn(&self) -> ElapsedMs {
        ElapsedMs((self.turn + 1) * TURN_MS)
    }

    fn slot(&mut self, turn: u64) -> &mut Vec<(ElapsedMs, T)> {
        let index = usize::try_from(turn % SLOTS).unwrap_or(0);
        &mut self.slots[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_at_the_first_turn_after_their_moment() {
        let mut wheel = Wheel::new(ElapsedMs(10_000));
        wheel.insert(ElapsedMs(10_001), "soon");
        wheel.insert(ElapsedMs(10_500), "later");
        wheel.insert(ElapsedMs(9_000), "past");
        assert_eq!(wheel.next_turn(), ElapsedMs(10_250));
        assert!(wheel.advance(ElapsedMs(10_249)).is_empty());
        assert_eq!(wheel.advance(ElapsedMs(10_250)), ["soon", "past"]);
        assert_eq!(wheel.advance(ElapsedMs(10_500)), ["later"]);
    }

    #[test]
    fn far_moments_go_round_and_come_in_time() {
        let mut wheel = Wheel::new(ElapsedMs(0));
        wheel.insert(ElapsedMs(3_600_000), "hour");
        let mut now = 0;
        while now < 3_599_750 {
            now += 250;
            assert!(wheel.advance(ElapsedMs(now)).is_empty(), "at {now}");
        }
        assert_eq!(wheel.advance(ElapsedMs(3_600_000)), ["hour"]);
    }

    #[test]
    fn a_long_jump_gives_out_everything_due_once() {
        let mut wheel = Wheel::new(ElapsedMs(0));
        for moment in [1, 100_000, 200_000, 900_000] {
            wheel.insert(ElapsedMs(moment), moment);
        }
        let mut due = wheel.advance(ElapsedMs(500_000));
        due.sort_unstable();
        assert_eq!(due, [1, 100_000, 200_000]);
        assert_eq!(wheel.advance(ElapsedMs(900_000)), [900_000]);
    }
}
