//! The queue of hellos with tickets: so many are judged at once, so many wait, none waits long (live 9.3).
//!
//! A resume needs no database and is judged at once: it stands before every ticket. REST calls never pass through here.

use super::{Hub, RETRY_MS};
use crate::link::Link;
use crier_proto::frame::Bye;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a place in the queue is good, in milliseconds.
const PLACE_AGE_MS: u64 = 10_000;

/// The queue.
pub(super) struct Admission {
    running: Semaphore,
    places_max: usize,
    waiting: AtomicUsize,
}

impl Admission {
    pub(super) fn new(running_max: usize, places_max: usize) -> Self {
        Self {
            running: Semaphore::new(running_max.clamp(1, Semaphore::MAX_PERMITS)),
            places_max,
            waiting: AtomicUsize::new(0),
        }
    }
}

/// A place that is given back however the waiting ends.
struct Place<'a>(&'a Admission);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Hub {
    /// Waits for the turn of a hello with a ticket. `None`: the queue was full or too slow, and the connection has got its bye.
    pub async fn turn(&self, link: &Arc<Link>) -> Option<SemaphorePermit<'_>> {
        let before = self.admission.waiting.fetch_add(1, Ordering::AcqRel);
        let place = Place(&self.admission);
        if before < self.admission.places_max {
            let deadline = self.clock.elapsed().plus_ms(PLACE_AGE_MS);
            let turn = pin!(self.admission.running.acquire());
            if let Either::Left((Ok(turn), _)) = select(turn, self.clock.sleep_until(deadline)).await {
                drop(place);
                return Some(turn);
            }
        }
        self.metrics.overflow("admit");
        self.end(link, Bye::Overloaded, Some(RETRY_MS));
        None
    }
}
