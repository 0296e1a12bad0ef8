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
/// Heads looked at when one must leave.
const EVICTION_SAMPLE: usize = 32;

/// A head that has left, and which life of its mailbox that was.
pub(crate) type HeadLeft = (MailboxKey, Epoch);

/// All places of one process.
pub(crate) struct MemoryBroker {
    places: Shards<MailboxKey, Place>,
    apps: Mutex<HashMap<AppId, Arc<Share>>>,
    entropy: Arc<dyn Entropy>,
    metrics: Metrics,
    recipient_rate: Rate,
    heads_per_shard: usize,
    heads: AtomicUsize,
    /// The totals of the process (live 5.4).
    pub(crate) process: Totals,
}

impl MemoryBroker {
    /// No mailbox yet; at most about `heads_max` at once.
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
            heads_per_shard: (heads_max / SHARDS).max(1),
            heads: AtomicUsize::new(0),
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
        let mut evicted = None;
        if !part.contains_key(&key) {
            if part.len() >= self.heads_per_shard {
                evicted = self.evict_one(&mut part);
            }
            let mailbox = Mailbox::new(Epoch::from_bytes(random_bytes(&*self.entropy)));
            let rate = Bucket::full(self.recipient_rate, now);
            part.insert(key, Place::new(mailbox, self.share(key.0), now, rate));
            self.heads.fetch_add(1, Ordering::Relaxed);
        }
        let place = part
            .get_mut(&key)
            .expect("the place was made above, under this lock");
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
            })
        });
        Arc::clone(share)
    }

    /// Lets go the longest unused of a few idle heads; its pages' next cursor meets another epoch.
    fn evict_one(&self, part: &mut HashMap<MailboxKey, Place>) -> Option<HeadLeft> {
        let idle = part
            .iter()
            .filter(|(_, place)| place.is_idle())
            .take(EVICTION_SAMPLE);
        let oldest = idle.min_by_key(|(_, place)| place.used).map(|(key, _)| *key);
        let key = oldest?;
        let gone = part.remove(&key)?;
        self.heads.fetch_sub(1, Ordering::Relaxed);
        Some((key, gone.mailbox.cursor().epoch))
    }
}
