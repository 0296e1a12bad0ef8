//! The queue of hellos: so many are judged at once, so many wait, none waits long, and who comes back stands before who is new
//! (live 9.3). What it knows of itself is the delay that refusals for load name (live 9.2).
//!
//! Promise: a place is given back however its waiting ends; a turn given to nobody goes to the next. REST calls never pass through
//! here. Knows no connection and no transport: whoever judges a hello awaits its turn first and drops it afterwards.

use super::Hub;
use crate::connection::Phase;
use crate::link::Link;
use crate::metrics::Overflow;
use crate::shards::lock;
use crier_platform::model::time::ElapsedMs;
use crier_proto::frame::Bye;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// How long a place in the queue is good, in milliseconds (live 9.3).
const PLACE_AGE_MS: u64 = 10_000;
/// The least and the longest delay that a refusal for load names, in milliseconds (live 9.2).
const RETRY_LEAST_MS: u64 = 1_000;
const RETRY_MOST_MS: u64 = 30_000;
/// Admissions are counted over the last second, in tenths of it.
const TENTH_MS: u64 = 100;
const TENTHS: usize = 10;

/// Who comes; in this order they get their turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coming {
    /// With a resume token: it was here before.
    Resume,
    /// With a ticket.
    New,
}

/// The queue.
pub(super) struct Admission {
    running_max: usize,
    places_max: usize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    running: usize,
    /// By precedence, then by arrival.
    waiting: BTreeMap<(Coming, u64), Waiting>,
    arrivals: u64,
    admitted: LastSecond,
}

struct Waiting {
    since: ElapsedMs,
    /// Says that the turn has come; dropped, that it never will.
    call: oneshot::Sender<()>,
}

/// What one arrival gets.
enum Entry<'a> {
    Turn(Turn<'a>),
    Place(Place<'a>),
    Full,
}

/// The right to be judged now; dropping it calls the next.
pub struct Turn<'a> {
    hub: &'a Hub,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.hub.admission.release(self.hub.clock.elapsed());
    }
}

/// A place in the queue; dropping it gives it back, and the turn with it if that has just come.
struct Place<'a> {
    hub: &'a Hub,
    at: (Coming, u64),
    called: oneshot::Receiver<()>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let admission = &self.hub.admission;
        lock(&admission.queue).waiting.remove(&self.at);
        if self.called.try_recv().is_ok() {
            admission.release(self.hub.clock.elapsed());
        }
    }
}

impl Admission {
    pub(super) fn new(running_max: usize, places_max: usize) -> Self {
        Self {
            running_max: running_max.max(1),
            places_max,
            queue: Mutex::default(),
        }
    }

    fn enter<'a>(&self, hub: &'a Hub, coming: Coming) -> Entry<'a> {
        let now = hub.clock.elapsed();
        let mut queue = lock(&self.queue);
        if queue.running < self.running_max {
            queue.running += 1;
            return Entry::Turn(Turn { hub });
        }
        if queue.waiting.len() >= self.places_max {
            return Entry::Full;
        }
        queue.arrivals += 1;
        let at = (coming, queue.arrivals);
        let (call, called) = oneshot::channel();
        queue.waiting.insert(at, Waiting { since: now, call });
        Entry::Place(Place { hub, at, called })
    }

    /// One admission has ended: the first in the queue that still waits, and has not waited too long, has its turn.
    fn release(&self, now: ElapsedMs) {
        let mut queue = lock(&self.queue);
        queue.running = queue.running.saturating_sub(1);
        queue.admitted.add(now);
        while queue.running < self.running_max {
            let Some((_, first)) = queue.waiting.pop_first() else {
                return;
            };
            let good = now < first.since.plus_ms(PLACE_AGE_MS);
            if good && first.call.send(()).is_ok() {
                queue.running += 1;
            }
        }
    }

    /// Takes the places that have grown too old from whoever waits on them.
    pub(super) fn age(&self, now: ElapsedMs) {
        let mut queue = lock(&self.queue);
        for coming in [Coming::Resume, Coming::New] {
            let of_kind = (coming, 0)..=(coming, u64::MAX);
            // In each kind the first is the oldest.
            while let Some((at, first)) = queue.waiting.range(of_kind.clone()).next()
                && now >= first.since.plus_ms(PLACE_AGE_MS)
            {
                let at = *at;
                queue.waiting.remove(&at);
            }
        }
    }

    /// Sends everybody away who waits: a stop has begun.
    pub(super) fn clear(&self) {
        lock(&self.queue).waiting.clear();
    }

    /// Waiting divided by admitted per second over the last second, between its bounds (live 9.2).
    fn retry_ms(&self, now: ElapsedMs) -> u64 {
        let mut queue = lock(&self.queue);
        let waiting = queue.waiting.len() as u64;
        let admitted = queue.admitted.count(now);
        let ms = match (waiting, admitted) {
            (0, _) => RETRY_LEAST_MS,
            (_, 0) => RETRY_MOST_MS,
            (waiting, admitted) => waiting.saturating_mul(1_000) / admitted,
        };
        ms.clamp(RETRY_LEAST_MS, RETRY_MOST_MS)
    }
}

/// How often something happened within the last second.
#[derive(Debug, Default)]
struct LastSecond {
    /// The tenth of a second, counted from the clock's start, that was looked at last.
    tenth: u64,
    counts: [u32; TENTHS],
}

impl LastSecond {
    fn add(&mut self, now: ElapsedMs) {
        self.move_to(now);
        let count = self.count_of(self.tenth);
        *count = count.saturating_add(1);
    }

    fn count(&mut self, now: ElapsedMs) -> u64 {
        self.move_to(now);
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Forgets what is older than a second.
    fn move_to(&mut self, now: ElapsedMs) {
        let tenth = now.0 / TENTH_MS;
        let passed = tenth.saturating_sub(self.tenth).min(TENTHS as u64);
        for step in 1..=passed {
            *self.count_of(tenth - passed + step) = 0;
        }
        self.tenth = self.tenth.max(tenth);
    }

    fn count_of(&mut self, tenth: u64) -> &mut u32 {
        let index = usize::try_from(tenth % TENTHS as u64).unwrap_or(0);
        &mut self.counts[index]
    }
}

impl Hub {
    /// Waits for the turn of a hello; hold it until the hello is judged. `None`: the queue was full or too slow, or the connection
    /// has ended meanwhile; either way it has got its bye.
    pub async fn turn(&self, link: &Arc<Link>, coming: Coming) -> Option<Turn<'_>> {
        let began = self.clock.elapsed_micros();
        match self.admission.enter(self, coming) {
            Entry::Turn(turn) => {
                self.metrics.admission_waited(coming, 0);
                return Some(turn);
            }
            Entry::Place(mut place) => {
                if (&mut place.called).await.is_ok() {
                    let waited = self.clock.elapsed_micros().since(began);
                    self.metrics.admission_waited(coming, waited);
                    return Some(Turn { hub: self });
                }
            }
            Entry::Full => {}
        }
        if link.state().phase() != Phase::Closing {
            self.metrics.overflow(Overflow::Admit);
            self.metrics.admission(coming, Some(Bye::Overloaded));
            self.end(link, Bye::Overloaded, None);
        }
        None
    }

    /// The delay, in milliseconds, that a refusal with this bye names: for those made for load the backlog decides (live 9.2), for
    /// a stop the window (live 9.7). `None`: the bye speaks of something else than load.
    #[must_use]
    pub fn retry_after_ms(&self, bye: Bye) -> Option<u64> {
        match bye {
            Bye::Overloaded
            | Bye::TooManyFrames
            | Bye::InternalError
            | Bye::BrokerUnavailable
            | Bye::TooManyConnections => Some(self.admission.retry_ms(self.clock.elapsed())),
            Bye::Moved | Bye::Restarting => Some(self.spread_ms()),
            Bye::ConnectionUnknown
            | Bye::NoProgress
            | Bye::PingTimeout
            | Bye::NoHello
            | Bye::TicketInvalid
            | Bye::AuthorisationExpired
            | Bye::ResumeInvalid
            | Bye::SessionEnded
            | Bye::BadFrame
            | Bye::FrameTooLarge
            | Bye::OriginRefused
            | Bye::Superseded
            | Bye::AppDisabled
            | Bye::Withdrawn
            | Bye::VersionNotSpoken => None,
        }
    }
}
