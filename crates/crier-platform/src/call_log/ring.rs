//! The latest calls of one kind of one application: bounded in number and in the bytes of their parameters.

use super::entry::LoggedCall;
use std::collections::VecDeque;

/// The latest calls of one kind.
#[derive(Debug, Default)]
pub(super) struct Ring {
    calls: VecDeque<LoggedCall>,
    bytes: usize,
}

/// What had to leave for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Left {
    /// Calls.
    pub(super) calls: u64,
    /// Calls that lost their parameters.
    pub(super) parameters: u64,
}

impl Ring {
    /// Adds a call; for it the oldest leave, or lose their parameters.
    pub(super) fn push(&mut self, call: LoggedCall, calls_max: usize, bytes_max: usize) -> Left {
        let mut left = Left::default();
        self.bytes += bytes_of(&call);
        self.calls.push_back(call);
        while self.calls.len() > calls_max {
            if let Some(oldest) = self.calls.pop_front() {
                self.bytes -= bytes_of(&oldest);
                left.calls += 1;
            }
        }
        for call in &mut self.calls {
            if self.bytes <= bytes_max {
                break;
            }
            self.bytes -= bytes_of(call);
            if call.request.take().is_some() {
                left.parameters += 1;
            }
        }
        left
    }

    /// The calls, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &LoggedCall> {
        self.calls.iter().rev()
    }
}

fn bytes_of(call: &LoggedCall) -> usize {
    call.request.as_ref().map_or(0, |request| request.bytes())
}
