//! A knock at the door of a job that sleeps.

use futures_util::task::AtomicWaker;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// Wakes one sleeper. A knock while nobody sleeps is kept, several are one.
#[derive(Debug, Default)]
pub struct Wake {
    knocked: AtomicBool,
    sleeper: AtomicWaker,
}

impl Wake {
    /// Knocks.
    pub fn knock(&self) {
        self.knocked.store(true, Ordering::Release);
        self.sleeper.wake();
    }

    /// Returns at the next knock, at once if there was one. One sleeper at a time.
    pub async fn knocked(&self) {
        poll_fn(|cx| {
            self.sleeper.register(cx.waker());
            if self.knocked.swap(false, Ordering::Acquire) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::poll_immediate;

    #[tokio::test]
    async fn a_knock_is_heard_once_also_by_who_comes_later() {
        let wake = Wake::default();
        assert_eq!(poll_immediate(wake.knocked()).await, None);
        wake.knock();
        wake.knock();
        assert_eq!(poll_immediate(wake.knocked()).await, Some(()));
        assert_eq!(poll_immediate(wake.knocked()).await, None);
    }
}
