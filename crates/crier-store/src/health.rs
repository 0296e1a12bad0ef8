//! Whether the books may still be written: one state that the writer, the log of marks and `check` share, and that whoever
//! answers for the process can wait for.

use crier_platform::ports::store::StoreFault;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Why nothing more is written.
#[derive(Debug)]
enum Stopped {
    /// The disk has failed.
    Failed(String),
    /// Whoever opened the books has closed them.
    Closed,
}

/// The state of the disk as far as writing has met it.
#[derive(Debug, Default)]
pub(crate) struct Health {
    stopped: OnceLock<Stopped>,
    told: Notify,
    troubled: AtomicBool,
}

impl Health {
    /// The disk has failed: nothing more is acknowledged until the process starts again.
    ///
    /// After a failed sync nobody knows which pages the kernel has thrown away, so going on would promise what is not there.
    pub(crate) fn stop(&self, cause: &str) {
        if self.stopped.set(Stopped::Failed(cause.to_owned())).is_ok() {
            tracing::error!(cause, "the store has stopped: nothing more is acknowledged");
            self.told.notify_waiters();
        }
    }

    /// The store is closed by whoever opened it: an end, not a fault.
    pub(crate) fn close(&self) {
        if self.stopped.set(Stopped::Closed).is_ok() {
            tracing::debug!("the store is closed");
        }
    }

    /// Refuses when the store has stopped.
    pub(crate) fn going(&self) -> Result<(), StoreFault> {
        match self.stopped.get() {
            Some(Stopped::Failed(cause)) => {
                Err(StoreFault::Unavailable(format!("the store has stopped: {cause}")))
            }
            Some(Stopped::Closed) => Err(StoreFault::Unavailable("the store is closed".to_owned())),
            None => Ok(()),
        }
    }

    /// What the disk said when it failed; `None` while it has not, also when the store was closed in good order.
    pub(crate) fn failure(&self) -> Option<&str> {
        match self.stopped.get() {
            Some(Stopped::Failed(cause)) => Some(cause),
            Some(Stopped::Closed) | None => None,
        }
    }

    /// Returns what the disk said once it has failed; never after a close.
    pub(crate) async fn failed(&self) -> String {
        loop {
            // Made before the look: a stop between the look and the wait still wakes it.
            let told = self.told.notified();
            if let Some(cause) = self.failure() {
                return cause.to_owned();
            }
            told.await;
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

    #[tokio::test]
    async fn the_first_cause_of_a_stop_stays_and_wakes_who_waits_for_it() {
        let health = Health::default();
        assert_eq!((health.going(), health.failure()), (Ok(()), None));
        let (cause, ()) = tokio::join!(health.failed(), async {
            health.stop("disk gone");
            health.close();
        });
        assert_eq!(
            (cause.as_str(), health.failure()),
            ("disk gone", Some("disk gone"))
        );
        let said = health.going().unwrap_err();
        assert_eq!(
            said,
            StoreFault::Unavailable("the store has stopped: disk gone".to_owned())
        );
    }

    #[tokio::test]
    async fn a_store_that_was_closed_has_not_failed() {
        let health = Health::default();
        health.close();
        health.stop("too late to matter");
        assert!(health.going().is_err());
        assert_eq!(health.failure(), None);
        tokio::select! {
            biased;
            cause = health.failed() => panic!("{cause}"),
            () = std::future::ready(()) => {}
        }
    }
}
