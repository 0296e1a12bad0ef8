//! Who waits to hear that a person's feed has changed (feed 6.8).
//!
//! Promise: a wake-up that comes while its stream is busy is kept, and many are one; nothing queues up. It says that something
//! changed and not what: that is read from the record.

use crier_proto::ids::Uid;
use futures_util::Stream;
use futures_util::task::AtomicWaker;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// All streams of this process that wait, by person.
#[derive(Default)]
pub struct FeedWakes {
    waiting: Mutex<HashMap<Uid, Vec<Arc<Bell>>>>,
}

#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    waker: AtomicWaker,
}

/// Wake-ups of one person's feed. Never ends.
pub struct Wakes {
    all: Arc<FeedWakes>,
    user: Uid,
    bell: Arc<Bell>,
}

impl Bell {
    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
    }
}

impl FeedWakes {
    /// Wake-ups of a person's feed from now on.
    pub fn of(self: &Arc<Self>, user: Uid) -> Wakes {
        let bell = Arc::new(Bell::default());
        self.waiting().entry(user).or_default().push(Arc::clone(&bell));
        Wakes {
            all: Arc::clone(self),
            user,
            bell,
        }
    }

    /// Something that this person's feed depends on has been committed.
    pub fn wake(&self, user: Uid) {
        if let Some(bells) = self.waiting().get(&user) {
            bells.iter().for_each(|bell| bell.ring());
        }
    }

    /// Something that any feed may depend on has been committed.
    pub fn wake_all(&self) {
        self.waiting().values().flatten().for_each(|bell| bell.ring());
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Uid, Vec<Arc<Bell>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Wakes {
    type Item = ();

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.bell.waker.register(cx.waker());
        if self.bell.rung.swap(false, Ordering::Acquire) {
            Poll::Ready(Some(()))
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        let mut waiting = self.all.waiting();
        if let Some(bells) = waiting.get_mut(&self.user) {
            bells.retain(|bell| !Arc::ptr_eq(bell, &self.bell));
            if bells.is_empty() {
                waiting.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt};

    fn user(uid: i64) -> Uid {
        Uid::new(uid).unwrap()
    }

    #[test]
    fn many_wake_ups_are_one_and_none_of_another_person_is_heard() {
        let all = Arc::new(FeedWakes::default());
        let (mut ada, mut bo) = (all.of(user(1)), all.of(user(2)));
        assert_eq!(ada.next().now_or_never(), None);
        all.wake(user(1));
        all.wake(user(1));
        assert_eq!(ada.next().now_or_never(), Some(Some(())));
        assert_eq!(ada.next().now_or_never(), None);
        assert_eq!(bo.next().now_or_never(), None);
        all.wake_all();
        assert_eq!(ada.next().now_or_never(), Some(Some(())));
        assert_eq!(bo.next().now_or_never(), Some(Some(())));
    }

    #[test]
    fn a_stream_that_is_dropped_leaves_nothing_behind() {
        let all = Arc::new(FeedWakes::default());
        let (one, other) = (all.of(user(1)), all.of(user(1)));
        drop(one);
        assert_eq!(all.waiting().len(), 1);
        drop(other);
        assert!(all.waiting().is_empty());
    }
}
