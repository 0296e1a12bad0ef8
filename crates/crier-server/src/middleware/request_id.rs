//! A number for each request, for log lines alone: the wire never carries it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives out request numbers: unique within a process, scattered so that two processes' logs can be laid together.
pub struct RequestIds {
    base: u64,
    given: AtomicU64,
}

/// One request's number: 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl RequestIds {
    /// Numbers scattered by this random base.
    #[must_use]
    pub fn from_base(base: u64) -> Self {
        Self {
            base,
            given: AtomicU64::new(0),
        }
    }

    /// The next number.
    pub fn give(&self) -> RequestId {
        // An odd factor makes the step a bijection of 64 bits: no number comes twice.
        let step = self
            .given
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        RequestId(self.base ^ step)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_repeat_and_have_sixteen_digits() {
        let ids = RequestIds::from_base(42);
        let given: std::collections::HashSet<_> = (0..1000).map(|_| ids.give()).collect();
        assert_eq!(given.len(), 1000);
        assert!(given.iter().all(|id| id.to_string().len() == 16));
    }
}
