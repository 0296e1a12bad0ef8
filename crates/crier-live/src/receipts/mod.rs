//! Receipts: what an application is told of its messages, in bodies that are posted until they are taken (live 7.8 to 7.11).
//!
//! Promise: receipts of one application leave in the order they were made, one body at a time, at most so many bodies in all; a
//! body keeps its id and its bytes on every attempt; the oldest leave when too many wait, and all are given up 24 h after their
//! message ended. A leaf in the lock order: nothing is asked of others while the queues are held. Knows no address and no secret.

mod body;
mod codec;
mod queue;
mod run;
#[cfg(test)]
mod tests;
mod told;

pub use run::{ReceiptParts, ReceiptRun};

pub(crate) use queue::{Outcome, Queue, Receipt};
pub(crate) use told::{Bodies, InBody};

use crate::config::ReceiptsConfig;
use crate::metrics::{Metrics, Overflow, ReceiptFate};
use crate::shards::lock;
use bytes::Bytes;
use crier_platform::model::time::ElapsedMs;
use crier_platform::ports::entropy::Entropy;
use crier_proto::ids::{AppId, MessageId, ReceiptId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use told::CameBack;

/// How long a message that ended unacked waits for a late ack before its receipt is made (live 7.8).
pub(crate) const SETTLE_MS: u64 = 15_000;

/// A body to be posted now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    /// Whose.
    pub(crate) app: AppId,
    /// The body's name.
    pub(crate) id: ReceiptId,
    /// A JSON text.
    pub(crate) body: Bytes,
    /// Its receipts, when the body has just been made: books that outlive the process are to know them before it is posted.
    pub(crate) fresh: Vec<InBody>,
}

/// The receipts of one process.
pub(crate) struct Receipts {
    config: ReceiptsConfig,
    settling_max: usize,
    entropy: Arc<dyn Entropy>,
    metrics: Metrics,
    state: Mutex<State>,
    /// Something may be due earlier than was thought.
    pub(crate) changed: Notify,
}

#[derive(Default)]
struct State {
    queues: HashMap<AppId, Queue>,
    /// Messages that ended unacked, by the moment at which their time for a late ack is over.
    settling: HashMap<AppId, BTreeSet<(ElapsedMs, MessageId)>>,
}

impl Receipts {
    /// No receipt yet; at most `settling_max` messages of one application wait for a late ack.
    pub(crate) fn new(
        config: ReceiptsConfig,
        settling_max: usize,
        entropy: Arc<dyn Entropy>,
        metrics: Metrics,
    ) -> Self {
        Self {
            config,
            settling_max,
            entropy,
            metrics,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Milliseconds that one attempt may take.
    pub(crate) const fn deadline_ms(&self) -> u64 {
        self.config.deadline.0
    }

    /// A message has ended unacked: its receipt is made at `until`, unless an ack comes before. Returns whose receipt is lost for it.
    pub(crate) fn settle(&self, app: AppId, id: MessageId, until: ElapsedMs) -> Option<MessageId> {
        let mut state = lock(&self.state);
        let settling = state.settling.entry(app).or_default();
        settling.insert((until, id));
        let lost = if settling.len() > self.settling_max {
            settling.pop_first().map(|(_, id)| id)
        } else {
            None
        };
        drop(state);
        if lost.is_some() {
            self.lose(1);
        }
        lost
    }

    /// The messages whose time for a late ack is over, each once.
    pub(crate) fn settled(&self, now: ElapsedMs) -> Vec<MessageId> {
        let mut over = Vec::new();
        lock(&self.state).settling.retain(|_, settling| {
            while let Some((until, id)) = settling.pop_first() {
                if until > now {
                    settling.insert((until, id));
                    break;
                }
                over.push(id);
            }
            !settling.is_empty()
        });
        over
    }

    /// A receipt is made. Returns the messages whose receipts had to leave for it.
    pub(crate) fn made(&self, app: AppId, receipt: Receipt) -> Vec<MessageId> {
        let mut state = lock(&self.state);
        let queue = state.queues.entry(app).or_default();
        let is_turn = queue.push(receipt);
        let lost = queue.keep(self.config.waiting_max.max(1));
        drop(state);
        self.lose(lost.len());
        if is_turn {
            self.changed.notify_one();
        }
        lost
    }

    /// A record had to leave before its receipt was made.
    pub(crate) fn lose(&self, receipts: usize) {
        for _ in 0..receipts {
            self.metrics.overflow(Overflow::ReceiptQueue);
            self.metrics.receipt(ReceiptFate::Dropped);
        }
    }

    /// The bodies to be posted now, those due longest first, and the messages whose receipts are given up.
    pub(crate) fn take(&self, now: ElapsedMs) -> (Vec<Work>, Vec<MessageId>) {
        let mut state = lock(&self.state);
        let mut given_up = Vec::new();
        for queue in state.queues.values_mut() {
            given_up.extend(queue.give_up(now));
        }
        let posting = state.queues.values().filter(|queue| queue.is_posting()).count();
        let free = (self.config.requests_max.max(1)).saturating_sub(posting);
        let due = state
            .queues
            .iter()
            .filter_map(|(app, queue)| Some((queue.due()?, *app)));
        let mut due: Vec<(ElapsedMs, AppId)> = due.filter(|(due, _)| *due <= now).collect();
        due.sort_unstable();
        let mut work = Vec::new();
        for (_, app) in due.into_iter().take(free) {
            let queue = state.queues.get_mut(&app);
            work.extend(queue.and_then(|queue| queue.begin(app, &*self.entropy)));
        }
        drop(state);
        for _ in &given_up {
            self.metrics.overflow(Overflow::ReceiptExpired);
            self.metrics.receipt(ReceiptFate::Expired);
        }
        (work, given_up)
    }

    /// When something is due that is not under way, if more may be under way at all.
    pub(crate) fn next_due(&self) -> Option<ElapsedMs> {
        let state = lock(&self.state);
        let posting = state.queues.values().filter(|queue| queue.is_posting()).count();
        if posting >= self.config.requests_max.max(1) {
            return None;
        }
        state.queues.values().filter_map(Queue::due).min()
    }

    /// An attempt has ended. Returns the messages whose receipts are done with.
    pub(crate) fn ended(&self, app: AppId, outcome: Outcome, now: ElapsedMs) -> Vec<MessageId> {
        let mut state = lock(&self.state);
        let Some(queue) = state.queues.get_mut(&app) else {
            return Vec::new();
        };
        let (fate, done, touched) = queue.end(outcome, now, &*self.entropy);
        if queue.is_empty() {
            state.queues.remove(&app);
        }
        drop(state);
        for _ in 0..touched {
            self.metrics.receipt(fate);
        }
        done
    }

    /// Receipts that are made and not done with, and the moment at which the oldest was made.
    pub(crate) fn standing(&self) -> (u64, Option<ElapsedMs>) {
        let state = lock(&self.state);
        let waiting = state.queues.values().map(|queue| queue.len() as u64).sum();
        (waiting, state.queues.values().filter_map(Queue::oldest).min())
    }

    /// The messages whose receipts lie in a queue.
    pub(crate) fn queued(&self) -> HashSet<MessageId> {
        let state = lock(&self.state);
        state.queues.values().flat_map(Queue::messages).collect()
    }

    /// Looks at every queue, for what is to outlive the process.
    pub(crate) fn each(&self, mut look: impl FnMut(AppId, &Queue)) {
        let state = lock(&self.state);
        state.queues.iter().for_each(|(app, queue)| look(*app, queue));
    }

    /// Puts bodies back that outlived a process which did not stop cleanly. What cannot keep its body waits for another one.
    /// Returns the messages whose receipts had to leave.
    pub(crate) fn take_back_bodies(&self, bodies: Bodies) -> Vec<MessageId> {
        let CameBack { whole, mut loose } = bodies.done();
        let mut state = lock(&self.state);
        for (app, batch, receipts) in whole {
            if !state.queues.entry(app).or_default().seat(batch) {
                loose.extend(receipts.into_iter().map(|receipt| (app, receipt)));
            }
        }
        drop(state);
        self.changed.notify_one();
        let made = loose
            .into_iter()
            .flat_map(|(app, receipt)| self.made(app, receipt));
        made.collect()
    }

    /// Puts a queue back that outlived a process.
    pub(crate) fn take_back(&self, app: AppId, queue: Queue) {
        lock(&self.state).queues.insert(app, queue);
        self.changed.notify_one();
    }
}
