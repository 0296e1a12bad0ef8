//! Whether the books may still be written: one state that the writer, the log of marks and `check` share.

use crier_platform::ports::store::StoreFault;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The state of the disk as far as writing has met it.
#[derive(Debug, Default)]
pub(crate) struct Health {
    stopped: OnceLock<String>,
    troubled: AtomicBool,
}

impl Health {
    /// The disk has failed: nothing more is acknowledged until the process starts again.
    ///
    /// After a failed sync nobody knows which pages the kernel has thrown away, so going on would promise what is not there.
    pub(crate) fn stop(&self, cause: &str) {
        if self.stopped.set(cause.to_owned()).is_ok() {
            tracing::error!(cause, "the store has stopped: nothing more is acknowledged");
        }
    }

    /// The store is closed by whoever opened it: an end, not a fault.
    pub(crate) fn close(&self) {
        if self.stopped.set("the store is closed".to_owned()).is_ok() {
            tracing::debug!("the store is closed");
        }
    }

    /// Refuses when the store has stopped.
    pub(crate) fn going(&self) -> Result<(), StoreFault> {
        match self.stopped.get() {
            Some(cause) => Err(StoreFault::Unavailable(format!("the store has stopped: {cause}"))),
            None => Ok(()),
        }
    }

    /// The last write failed; `check` must try one before it says that all is well.
    pub(crate) fn set_troubled(&self, troubled: bool) {
        self.troubled.store(troubled, Ordering::Release);
    }

    /// Whether the last write failed.
    pub(crate) fn is_troubled(&self) -> bool {
        self.troubled.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_of_a_stop_stays() {
        let health = Health::default();
        assert_eq!(health.going(), Ok(()));
        health.stop("disk gone");
        health.close();
        let said = health.going().unwrap_err();
        assert_eq!(
            said,
            StoreFault::Unavailable("the store has stopped: disk gone".to_owned())
        );
    }
}
