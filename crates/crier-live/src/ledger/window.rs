//! The quota's window: opens with the first charged call, lasts 60 s (protocol 11.2).

use crier_platform::model::time::ElapsedMs;
use crier_platform::ports::ledger::{LedgerRefusal, QUOTA_WINDOW_MS};

/// One window of one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    opened: ElapsedMs,
    used: u32,
}

impl Window {
    /// A window that the first charged call opens.
    #[must_use]
    pub const fn opening(now: ElapsedMs) -> Self {
        Self { opened: now, used: 0 }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_over(&self, now: ElapsedMs) -> bool {
        now.0 >= self.opened.0.saturating_add(QUOTA_WINDOW_MS)
    }

    /// Calls charged while it is open; 0 when it is over.
    #[must_use]
    pub const fn spent(&self, now: ElapsedMs) -> u32 {
        if self.is_over(now) { 0 } else { self.used }
    }

    /// The refusal of a further call, if all `limit` calls are spent.
    #[must_use]
    pub fn refusal(&self, limit: u32, now: ElapsedMs) -> Option<LedgerRefusal> {
        if self.is_over(now) || self.used < limit {
            return None;
        }
        let left = (self.opened.0 + QUOTA_WINDOW_MS).saturating_sub(now.0);
        Some(LedgerRefusal::Quota {
            limit,
            ends_in_secs: left.div_ceil(1000),
        })
    }

    /// Charges one call, opening a new window when this one is over.
    ///
    /// # Errors
    /// `LedgerRefusal::Quota` when the window's calls are spent; nothing is charged then.
    pub fn charge(&mut self, limit: u32, now: ElapsedMs) -> Result<(), LedgerRefusal> {
        if self.is_over(now) {
            *self = Self::opening(now);
        }
        match self.refusal(limit, now) {
            Some(refusal) => Err(refusal),
            None => {
                self.used = self.used.saturating_add(1);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_after_the_last_permitted_one_is_refused_until_the_window_ends() {
        let start = ElapsedMs(5_000);
        let mut window = Window::opening(start);
        assert_eq!(window.charge(2, start), Ok(()));
        assert_eq!(window.charge(2, start.plus_ms(10)), Ok(()));
        let refusal = LedgerRefusal::Quota {
            limit: 2,
            ends_in_secs: 60,
        };
        assert_eq!(window.charge(2, start.plus_ms(999)), Err(refusal.clone()));
        assert_eq!(window.refusal(2, start.plus_ms(1)), Some(refusal));
        assert_eq!(
            window.charge(2, start.plus_ms(59_999)),
            Err(LedgerRefusal::Quota {
                limit: 2,
                ends_in_secs: 1
            })
        );
        assert_eq!(window.charge(2, start.plus_ms(60_000)), Ok(()));
    }
}
