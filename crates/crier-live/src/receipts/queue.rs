//! The receipts of one application, in order: those that wait, and the one body that is on its way or will be again.
//!
//! Promise: a body never changes and is never taken apart; the time until the next attempt grows with each failure in a row. Pure:
//! knows no clock, no lock, no other application.

use super::told::InBody;
use super::{Work, body};
use crate::metrics::ReceiptFate;
use bytes::Bytes;
use crier_platform::model::message::Delivery;
use crier_platform::model::retry::delay_ms;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_proto::ids::{AppId, MessageId, ReceiptId, Uid};
use crier_proto::receipt::RECEIPTS_PER_BODY_MAX;
use std::collections::VecDeque;
use std::sync::Arc;

/// How long receipts are gathered before a body is made of them (live 7.8).
pub(super) const GATHER_MS: u64 = 1_000;
/// One receipt as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The outcome at that moment.
    pub(crate) delivery: Delivery,
    /// Pages among `acked` whose handler threw.
    pub(crate) failed: u32,
    /// Whom the message was for.
    pub(crate) recipient: Uid,
    /// Its event.
    pub(crate) event: Arc<str>,
    /// When the receipt was made.
    pub(crate) at: WallMs,
    /// The same on the stopwatch.
    pub(crate) made: ElapsedMs,
    /// When it is given up.
    pub(crate) until: ElapsedMs,
}

/// A body, and of what it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) id: ReceiptId,
    pub(super) body: Bytes,
    pub(super) messages: Vec<MessageId>,
    /// When the oldest of its receipts was made.
    pub(super) made: ElapsedMs,
    /// When the last of its receipts is given up.
    pub(super) until: ElapsedMs,
}

impl Batch {
    /// The body of these receipts; nothing when there are none.
    pub(super) fn of(id: ReceiptId, body: Bytes, receipts: &[Receipt]) -> Option<Self> {
        Some(Self {
            id,
            body,
            made: receipts.first()?.made,
            until: receipts.iter().map(|receipt| receipt.until).max()?,
            messages: receipts.iter().map(|receipt| receipt.delivery.id).collect(),
        })
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver has it.
    Posted,
    /// It has not.
    Failed,
    /// The application wants no receipts any more.
    Off,
}

/// The receipts of one application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Queue {
    pub(super) waiting: VecDeque<Receipt>,
    pub(super) batch: Option<Batch>,
    /// Attempts that failed in a row.
    pub(super) failures: u32,
    /// No attempt before this moment.
    pub(super) not_before: ElapsedMs,
    pub(super) posting: bool,
    /// No waiting receipt is given up before this moment.
    pub(super) soonest: ElapsedMs,
}

impl Queue {
    /// Adds a receipt behind all others. Returns whether the next attempt is due earlier for it.
    pub(super) fn push(&mut self, receipt: Receipt) -> bool {
        self.soonest = self.soonest.min(receipt.until);
        self.waiting.push_back(receipt);
        matches!(self.waiting.len(), 1 | RECEIPTS_PER_BODY_MAX)
    }

    /// Receipts that are not done with.
    pub(super) fn len(&self) -> usize {
        let batch = self.batch.as_ref().map_or(0, |batch| batch.messages.len());
        self.waiting.len() + batch
    }

    /// The messages whose receipts these are, in order.
    pub(super) fn messages(&self) -> impl Iterator<Item = MessageId> + '_ {
        let batch = self.batch.iter().flat_map(|batch| batch.messages.iter().copied());
        batch.chain(self.waiting.iter().map(|receipt| receipt.delivery.id))
    }

    /// Whether no receipt is left.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a body is on its way.
    pub(super) const fn is_posting(&self) -> bool {
        self.posting
    }

    /// When the oldest receipt was made.
    pub(super) fn oldest(&self) -> Option<ElapsedMs> {
        let waiting = self.waiting.front().map(|receipt| receipt.made);
        self.batch.as_ref().map(|batch| batch.made).or(waiting)
    }

    /// Lets the oldest leave until at most `waiting_max` are left. A body leaves whole, since it never changes; while it is on its
    /// way those behind it leave.
    pub(super) fn keep(&mut self, waiting_max: usize) -> Vec<MessageId> {
        let mut lost = Vec::new();
        while self.len() > waiting_max {
            match self.batch.take_if(|_| !self.posting) {
                Some(batch) => lost.extend(batch.messages),
                None => match self.waiting.pop_front() {
                    Some(receipt) => lost.push(receipt.delivery.id),
                    None => break,
                },
            }
        }
        lost
    }

    /// Gives up what is too old. A body is given up with the last of its receipts, and never while it is on its way.
    pub(super) fn give_up(&mut self, now: ElapsedMs) -> Vec<MessageId> {
        let mut over = Vec::new();
        if !self.posting
            && let Some(batch) = self.batch.take_if(|batch| batch.until <= now)
        {
            over.extend(batch.messages);
        }
        if self.soonest > now {
            return over;
        }
        self.waiting.retain(|receipt| {
            let is_over = receipt.until <= now;
            if is_over {
                over.push(receipt.delivery.id);
            }
            !is_over
        });
        let left = self.waiting.iter().map(|receipt| receipt.until);
        self.soonest = left.min().unwrap_or(ElapsedMs(u64::MAX));
        over
    }

    /// When the next attempt is due; nothing while one is under way, or when nothing is left.
    pub(super) fn due(&self) -> Option<ElapsedMs> {
        if self.posting {
            return None;
        }
        if self.batch.is_some() {
            return Some(self.not_before);
        }
        let oldest = self.waiting.front()?.made;
        let gathered = if self.waiting.len() >= RECEIPTS_PER_BODY_MAX {
            oldest
        } else {
            oldest.plus_ms(GATHER_MS)
        };
        Some(gathered.max(self.not_before))
    }

    /// Begins an attempt: the body there is, or a new one of the oldest receipts.
    pub(super) fn begin(&mut self, app: AppId, entropy: &dyn Entropy) -> Option<Work> {
        let mut fresh = Vec::new();
        if self.batch.is_none() {
            let count = self.waiting.len().min(RECEIPTS_PER_BODY_MAX);
            let receipts: Vec<Receipt> = self.waiting.drain(..count).collect();
            let id = ReceiptId::from_bytes(random_bytes(entropy));
            self.batch = Batch::of(id, body::of(app, &receipts), &receipts);
            fresh = InBody::all(id, &receipts);
        }
        let batch = self.batch.as_ref()?;
        self.posting = true;
        Some(Work {
            app,
            id: batch.id,
            body: batch.body.clone(),
            fresh,
        })
    }

    /// Puts back a body that an earlier process made; false when there is one already.
    pub(super) fn seat(&mut self, batch: Batch) -> bool {
        let is_free = self.batch.is_none();
        if is_free {
            self.batch = Some(batch);
        }
        is_free
    }

    /// Ends an attempt. Returns what is to be counted, the messages whose receipts are done with, and how many it counts for.
    pub(super) fn end(
        &mut self,
        outcome: Outcome,
        now: ElapsedMs,
        entropy: &dyn Entropy,
    ) -> (ReceiptFate, Vec<MessageId>, usize) {
        self.posting = false;
        match outcome {
            Outcome::Posted => {
                self.failures = 0;
                self.not_before = now;
                let done = self.batch.take().map(|batch| batch.messages).unwrap_or_default();
                let count = done.len();
                (ReceiptFate::Posted, done, count)
            }
            Outcome::Failed => {
                self.not_before = now.plus_ms(delay_ms(self.failures, entropy));
                self.failures = self.failures.saturating_add(1);
                let count = self.batch.as_ref().map_or(0, |batch| batch.messages.len());
                (ReceiptFate::Retried, Vec::new(), count)
            }
            Outcome::Off => {
                let mut done = self.batch.take().map(|batch| batch.messages).unwrap_or_default();
                done.extend(self.waiting.drain(..).map(|receipt| receipt.delivery.id));
                let count = done.len();
                (ReceiptFate::Off, done, count)
            }
        }
    }
}
