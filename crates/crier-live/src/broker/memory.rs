//! The mailboxes of one process, in parts by (application, recipient).
//!
//! Promise: a place is looked at by one thread at a time; bounds on heads and totals hold; nothing is written while a part is locked.

use crate::mailbox::Mailbox;
use crate::metrics::Metrics;
use crate::place::{Place, Share, Totals};
use crate::rate::{Bucket, Rate};
use crate::records::MailboxKey;
use crate::shards::{SHARDS, Shards, lock};
use crate::snapshot::KeptPlace;
use crier_platform::model::time::ElapsedMs;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_proto::ids::{AppId, Epoch};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// How long a head rests before it leaves (live 5.7).
pub const HEAD_REST_MS: u64 = 24 * 3_600_000;
/// Idle heads looked at when one must leave: up to so many the longest unused of all leaves, above that of so many.
const EVICTION_SAMPLE: usize = 256;

/// A head that has left, and which life of its mailbox that was.
pub(crate) type HeadLeft = (MailboxKey, Epoch);

/// All places of one process.
pub(crate) struct MemoryBroker {
    places: Shards<MailboxKey, Place>,
    apps: Mutex<HashMap<AppId, Arc<Share>>>,
    entropy: Arc<dyn Entropy>,
    metrics: Metrics,
    recipient_rate: Rate,
    heads_max: usize,
    heads: AtomicUsize,
    /// Where the next search for a head to leave begins.
    eviction_turn: AtomicUsize,
    /// The totals of the process (live 5.4).
    pub(crate) process: Totals,
}

impl MemoryBroker {
    /// No mailbox yet; at most `heads_max` at once, but for those that live items or present pages pin.
    pub(crate) fn new(
        entropy: Arc<dyn Entropy>,
        metrics: Metrics,
        recipient_rate: Rate,
        heads_max: usize,
    ) -> Self {
        Self {
            places: Shards::new(),
            apps: Mutex::default(),
            entropy,
            metrics,
            recipient_rate,
            heads_max,
            heads: AtomicUsize::new(0),
            eviction_turn: AtomicUsize::new(0),
            process: Totals::default(),
        }
    }

    /// Works at one place, which is made when there is none. Says which head had to leave for it.
    pub(crate) fn at<T>(
        &self,
        key: MailboxKey,
        now: ElapsedMs,
        work: impl FnOnce(&mut Place) -> T,
    ) -> (T, Option<HeadLeft>) {
        let mut part = self.places.of(&key);
        if let Some(place) = part.get_mut(&key) {
            return (work(place), None);
        }
        drop(part);
        let evicted = self.make_room();
        let mut part = self.places.of(&key);
        let place = part.entry(key).or_insert_with(|| {
            self.heads.fetch_add(1, Ordering::Relaxed);
            let mailbox = Mailbox::new(Epoch::from_bytes(random_bytes(&*self.entropy)));
            let rate = Bucket::full(self.recipient_rate, now);
            Place::new(mailbox, self.share(key.0), now, rate)
        });
        (work(place), evicted)
    }

    /// Puts a place back that outlived a process, unless there is one.
    pub(crate) fn take_back(&self, kept: KeptPlace, now: ElapsedMs, work: impl FnOnce(&mut Place)) {
        let mut part = self.places.of(&kept.key);
        if let Entry::Vacant(vacant) = part.entry(kept.key) {
            let rate = Bucket::full(self.recipient_rate, now);
            let mut place = Place::new(kept.mailbox, self.share(kept.key.0), now, rate);
            place.pages = kept.pages;
            place.focus_turn = kept.focus_turn;
            work(vacant.insert(place));
            self.heads.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Works at one place, if there is one.
    pub(crate) fn at_known<T>(&self, key: MailboxKey, work: impl FnOnce(&mut Place) -> T) -> Option<T> {
        self.places.of(&key).get_mut(&key).map(work)
    }

    /// Works at every place, part by part.
    pub(crate) fn each(&self, mut work: impl FnMut(MailboxKey, &mut Place)) {
        self.places
            .each(|part| part.iter_mut().for_each(|(key, place)| work(*key, place)));
    }

    /// Works at the places of one part, then lets its rested heads go, and says which.
    pub(crate) fn sweep(
        &self,
        part: usize,
        now: ElapsedMs,
        mut work: impl FnMut(MailboxKey, &mut Place),
    ) -> Vec<HeadLeft> {
        let mut part = self.places.part(part);
        let mut left = Vec::new();
        part.retain(|key, place| {
            work(*key, place);
            let goes = place.is_idle() && place.used.plus_ms(HEAD_REST_MS) <= now;
            if goes {
                left.push((*key, place.mailbox.cursor().epoch));
            }
            !goes
        });
        self.heads.fetch_sub(left.len(), Ordering::Relaxed);
        left
    }

    /// Heads now.
    pub(crate) fn heads(&self) -> usize {
        self.heads.load(Ordering::Relaxed)
    }

    /// What the mailboxes of an application share.
    fn share(&self, app: AppId) -> Arc<Share> {
        let mut apps = lock(&self.apps);
        let share = apps.entry(app).or_insert_with(|| {
            Arc::new(Share {
                totals: Totals::default(),
                figures: self.metrics.of_app(app),
                tally: self.metrics.tally().of(app),
            })
        });
        Arc::clone(share)
    }

    /// Lets an idle head go when there are as many as there may be; its pages' next cursor meets another epoch. It takes the
    /// lock of one part after the other, so no part may be held by the caller.
    fn make_room(&self) -> Option<HeadLeft> {
        if self.heads() < self.heads_max {
            return None;
        }
        let (number, key) = self.longest_unused()?;
        let mut part = self.places.part(number);
        // Somebody may have come for it since it was looked at.
        if !part.get(&key)?.is_idle() {
            return None;
        }
        let gone = part.remove(&key)?;
        self.heads.fetch_sub(1, Ordering::Relaxed);
        Some((key, gone.mailbox.cursor().epoch))
    }

    /// The longest unused of the idle heads that are looked at, and the part it lies in.
    fn longest_unused(&self) -> Option<(usize, MailboxKey)> {
        let turn = self.eviction_turn.fetch_add(1, Ordering::Relaxed);
        let mut left = EVICTION_SAMPLE;
        let mut oldest: Option<(ElapsedMs, usize, MailboxKey)> = None;
        for number in (0..SHARDS).map(|step| turn.wrapping_add(step)) {
            let part = self.places.part(number);
            // Another stretch of a large part each time round, so that none of its heads is out of reach.
            let first = (turn / SHARDS * EVICTION_SAMPLE) % part.len().saturating_sub(left).max(1);
            for (key, place) in part
                .iter()
                .skip(first)
                .filter(|(_, place)| place.is_idle())
                .take(left)
            {
                left -= 1;
                if oldest.is_none_or(|(used, ..)| place.used < used) {
                    oldest = Some((place.used, number, *key));
                }
            }
            if left == 0 {
                break;
            }
        }
        oldest.map(|(_, number, key)| (number, key))
    }
}
