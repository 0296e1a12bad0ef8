//! What has happened since the books were written last: marks, endings, claims and heads that are to follow.
//!
//! Promise: everything noted is taken once, and put back when it could not be written. Bounded by what is in memory anyway: a
//! message is noted once however often it moves. A leaf in the lock order.

use crate::records::MailboxKey;
use crate::shards::lock;
use crier_platform::model::mailbox::RowNo;
use crier_proto::ids::{AppId, Epoch, MessageId, Uid};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// What is to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    /// Messages whose outcome has moved.
    pub(crate) outcomes: Vec<MessageId>,
    /// Messages whose outcome is forgotten, and in whose mailbox they were.
    pub(crate) forgotten: Vec<(MailboxKey, RowNo)>,
    /// Rows that are of no use and of nobody's mailbox.
    pub(crate) rows: Vec<RowNo>,
    /// Heads that have moved.
    pub(crate) moved: HashSet<MailboxKey>,
    /// Heads whose life has begun without a message.
    pub(crate) begun: HashSet<MailboxKey>,
    /// Heads whose life is over.
    pub(crate) ended: Vec<(AppId, Uid, Epoch)>,
}

impl Taken {
    fn append(&mut self, mut other: Self) {
        self.outcomes.append(&mut other.outcomes);
        self.forgotten.append(&mut other.forgotten);
        self.rows.append(&mut other.rows);
        self.moved.extend(other.moved);
        self.begun.extend(other.begun);
        self.ended.append(&mut other.ended);
    }
}

/// What the books do not know yet.
#[derive(Debug, Default)]
pub(crate) struct Unkept {
    later: Mutex<Taken>,
    /// Claimed messages that nobody may be given before their claim is kept.
    claims: Mutex<Vec<(MailboxKey, u64)>>,
    has_claims: AtomicBool,
    /// Something was noted since the last writing.
    pending: AtomicBool,
    /// Wakes whoever writes.
    wake: Notify,
}

impl Unkept {
    /// Notes something that may follow later.
    pub(crate) fn note(&self, note: impl FnOnce(&mut Taken)) {
        note(&mut lock(&self.later));
        self.call();
    }

    /// Notes that the claim on the message at this place must be kept before it is offered.
    pub(crate) fn claim(&self, key: MailboxKey, seq: u64) {
        lock(&self.claims).push((key, seq));
        self.has_claims.store(true, Ordering::Release);
        self.call();
    }

    fn call(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            self.wake.notify_one();
        }
    }

    /// Returns when something is to be written.
    pub(crate) async fn called(&self) {
        while !self.pending.load(Ordering::Acquire) {
            self.wake.notified().await;
        }
    }

    /// What is noted from now on calls again.
    pub(crate) fn heard(&self) {
        self.pending.store(false, Ordering::Release);
    }

    /// Takes what may follow later.
    pub(crate) fn take(&self) -> Taken {
        std::mem::take(&mut *lock(&self.later))
    }

    /// Puts back what could not be written.
    pub(crate) fn put_back(&self, taken: Taken) {
        lock(&self.later).append(taken);
        self.call();
    }

    /// Takes the claims.
    pub(crate) fn take_claims(&self) -> Vec<(MailboxKey, u64)> {
        if !self.has_claims.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        std::mem::take(&mut *lock(&self.claims))
    }
}
