//! Outcome records: what became of each message, kept past its end (live section 7).
//!
//! Promise: a mark counts once per (message, page), and an ack only from a page that the message was offered to. Bounded per
//! application; the oldest leave first. A leaf in the lock order: nothing is asked of others while a record is held.

mod record;
mod timeline;

pub use record::{Commit, Origin, Record, Standing};

use crate::durable::{Unkept, words::words_of};
use crate::mailbox::{Ended, PageNo};
use crate::metrics::{Metrics, Overflow};
use crate::outbox::Receipt;
use crate::receipts::InBody;
use crate::shards::Shards;
use crier_platform::model::mailbox::OutcomeMark;
use crier_platform::model::message::{Delivery, DeliveryState, Happening, WaitFor, What};
use crier_platform::model::tally::Series;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::frame::PageId;
use crier_proto::ids::{AppId, MessageId, Uid};
use record::{Reached, Told};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::Notify;

/// Milliseconds until it is looked again whether a receipt still keeps a record past its time.
const RECEIPT_KEEP_MS: u64 = 60_000;

/// One mailbox: whose, in which application.
pub type MailboxKey = (AppId, Uid);

/// One application's records in one part, oldest first, each with the moment until which it is kept.
type Queue = VecDeque<(ElapsedMs, MessageId)>;

/// A page's ack as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The message's mailbox.
    pub key: MailboxKey,
    /// Its place there.
    pub seq: u64,
    /// The commit, when this was the first ack of all.
    pub first: Option<Commit>,
    /// Its receipt is to be made for it (live 7.8).
    pub makes_receipt: bool,
}

/// A message that has left its mailbox, as its record knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Its state now.
    pub state: DeliveryState,
    /// From now on it settles: its receipt is made at a late ack, or when the time for one is over.
    pub settles: bool,
}

/// The records of one process.
pub struct Records {
    /// Each in a box: there are hundreds of thousands, and a map that grows moves what lies in it.
    records: Shards<MessageId, Box<Record>>,
    queues: Shards<AppId, Queue>,
    app_items_max: usize,
    metrics: Metrics,
    /// In durable mode: what the books do not know yet.
    unkept: Option<Arc<Unkept>>,
}

impl Records {
    /// No record yet; at most `app_items_max` of one application.
    #[must_use]
    pub fn new(app_items_max: usize, metrics: Metrics) -> Self {
        Self {
            records: Shards::new(),
            queues: Shards::new(),
            app_items_max: app_items_max.max(1),
            metrics,
            unkept: None,
        }
    }

    /// The same, telling the books of what changes.
    pub(crate) fn keeping(mut self, unkept: Option<Arc<Unkept>>) -> Self {
        self.unkept = unkept;
        self
    }

    /// Notes that the books do not know how a message stands.
    pub(crate) fn moved(&self, id: MessageId) {
        self.change(id, |_| true);
    }

    /// How a message stands, for the books; nothing when its record is gone, or was never theirs.
    pub(crate) fn mark(&self, id: MessageId) -> Option<OutcomeMark> {
        let mut part = self.records.of(&id);
        let record = part.get_mut(&id)?;
        record.set_kept();
        Some(OutcomeMark {
            row: record.row()?,
            outcome: words_of(record),
            ended: record.ended().is_some(),
        })
    }

    /// A record leaves. While its message is live, the message's row stays. Returns whether its receipt was still to be made.
    fn forget(&self, id: MessageId) -> bool {
        let gone = self.records.of(&id).remove(&id);
        let Some(record) = gone else { return false };
        if let Some(unkept) = &self.unkept
            && let (Some(row), Some(_)) = (record.row(), record.ended())
        {
            unkept.note(|taken| taken.forgotten.push((record.origin().key, row)));
        }
        record.owes_receipt()
    }

    /// Keeps a record until `keep_until`. Returns whether an older one had to leave for it.
    pub fn add(&self, record: Record, keep_until: ElapsedMs) -> bool {
        let (app, id) = (record.origin().key.0, record.id());
        let record = Box::new(record.kept_until(keep_until));
        self.records.of(&id).insert(id, record);
        let mut part = self.queues.of(&app);
        let queue = part.entry(app).or_default();
        queue.push_back((keep_until, id));
        let oldest = if queue.len() > self.app_items_max {
            queue.pop_front()
        } else {
            None
        };
        drop(part);
        if let Some((_, id)) = oldest
            && self.forget(id)
        {
            self.metrics.overflow(Overflow::ReceiptQueue);
        }
        oldest.is_some()
    }

    /// A message that an earlier process left ended and untold settles from now on.
    pub(crate) fn settle(&self, id: MessageId) {
        self.change(id, |record| {
            record.settles();
            true
        });
    }

    /// How a message stands whose time for a late ack is over; nothing when its receipt is made already.
    pub fn settled(&self, id: MessageId) -> Option<Standing> {
        let mut standing = None;
        self.change(id, |record| {
            standing = record.makes_receipt(false).then(|| record.standing());
            true
        });
        standing
    }

    /// Messages whose receipts are not made yet although they have ended, and messages whose receipts are made and not done with,
    /// both as an earlier process left them.
    pub(crate) fn receipts_to_come(&self) -> (Vec<MessageId>, Vec<(Standing, Option<InBody>)>) {
        let (mut settling, mut waiting) = (Vec::new(), Vec::new());
        self.each_kept(|_, record| {
            if record.settles_again() {
                settling.push(record.id());
            } else if record.has_receipt_to_come() && !record.owes_receipt() {
                waiting.push((record.standing(), record.in_body().cloned()));
            }
        });
        (settling, waiting)
    }

    /// The application of a message whose receipt is still to come.
    fn waits_for_receipt(&self, id: MessageId) -> Option<AppId> {
        let part = self.records.of(&id);
        let record = part.get(&id).filter(|record| record.has_receipt_to_come())?;
        Some(record.origin().key.0)
    }

    /// A message's receipt is part of a body that is about to be posted.
    pub(crate) fn in_body(&self, receipt: InBody) {
        self.change(receipt.message(), |record| {
            record.set_in_body(receipt);
            true
        });
    }

    /// A message's receipt is posted, given up or lost: nothing keeps its record any more but its own time.
    pub fn receipt_is_done(&self, id: MessageId) {
        self.change(id, |record| {
            record.tell(Told::Nothing);
            true
        });
    }

    /// Looks at the record of a message that is still told of at `now`.
    pub fn look<T>(&self, id: MessageId, now: ElapsedMs, look: impl FnOnce(&Record) -> T) -> Option<T> {
        let part = self.records.of(&id);
        let record = part.get(&id).filter(|record| record.is_kept(now))?;
        Some(look(record))
    }

    /// How one message stands.
    #[must_use]
    pub fn standing(&self, id: MessageId, now: ElapsedMs) -> Option<Standing> {
        self.look(id, now, Record::standing)
    }

    /// The first outcome of a message: what its sender was told who did not wait.
    #[must_use]
    pub fn first(&self, id: MessageId, now: ElapsedMs) -> Option<Delivery> {
        self.look(id, now, |record| record.standing().first())
    }

    /// How one message stands, and what happened to it, oldest first.
    #[must_use]
    pub fn history(&self, id: MessageId, now: ElapsedMs) -> Option<(Standing, Vec<Happening>)> {
        self.look(id, now, |record| (record.standing(), record.timeline()))
    }

    /// Notes something that happened to a message and to no page in particular.
    pub fn note(&self, id: MessageId, what: What, at: WallMs) {
        self.change(id, |record| record.note(what, None, at));
    }

    /// Notes that a message is on its way to these pages.
    pub fn offered<'a>(
        &self,
        id: MessageId,
        pages: impl ExactSizeIterator<Item = (PageNo, &'a PageId)>,
        at: WallMs,
    ) {
        self.change(id, |record| {
            record.expect_pages(pages.len());
            let mut fits = true;
            for page in pages {
                let index = record.seat(page, Reached::Offered);
                fits &= record.note(What::Offered, Some(index), at);
            }
            fits
        });
    }

    /// Notes that the page which alone might run a message has ended without an ack.
    pub fn released(&self, id: MessageId, page: (PageNo, &PageId), at: WallMs) {
        self.change(id, |record| {
            let index = record.seat(page, Reached::Claimed);
            record.note(What::Released, Some(index), at)
        });
    }

    /// Whether a message was already on its way to this page.
    #[must_use]
    pub fn was_offered(&self, id: MessageId, page: PageNo) -> bool {
        self.reached(id, page) >= Some(Reached::Offered)
    }

    /// Whether the kernel has a message for this page, which has not acked it.
    #[must_use]
    pub fn is_held_by(&self, id: MessageId, page: PageNo) -> bool {
        self.reached(id, page) == Some(Reached::Written)
    }

    /// Whether this page has acked a message.
    #[must_use]
    pub fn was_acked_by(&self, id: MessageId, page: PageNo) -> bool {
        self.reached(id, page) >= Some(Reached::Acked)
    }

    /// The newest records of an application, the newest first.
    #[must_use]
    pub fn latest(&self, app: AppId, limit: usize) -> Vec<MessageId> {
        let part = self.queues.of(&app);
        let queue = part.get(&app).into_iter().flatten();
        queue.rev().take(limit).map(|(_, id)| *id).collect()
    }

    /// Looks at every record, the oldest of each application first, with the moment until which it is kept.
    pub(crate) fn each_kept(&self, mut look: impl FnMut(ElapsedMs, &Record)) {
        let mut kept = Vec::new();
        self.queues
            .each(|part| part.values().for_each(|queue| kept.extend(queue.iter().copied())));
        for (until, id) in kept {
            if let Some(record) = self.records.of(&id).get(&id) {
                look(until, record);
            }
        }
    }

    /// Notes that the kernel has a message for these pages. Returns its commit, when it has it for the first time.
    pub fn written(&self, id: MessageId, pages: &[PageNo], at: WallMs) -> Option<Commit> {
        let (mut first, mut delivered) = (None, None);
        self.change(id, |record| {
            let mut fits = true;
            let before = record.delivery().written;
            for page in pages {
                if let Some((index, _)) = record.reach(*page, Reached::Written) {
                    fits &= record.note(What::Written, Some(index), at);
                }
            }
            if before == 0 && record.delivery().written > 0 {
                first = record.commit();
                delivered = Some(record.origin().key);
            }
            fits
        });
        self.tell_developers(delivered, (at, "delivered"));
        first
    }

    /// Notes a page's ack; `failed` when its handler threw. Returns where the message lies when the ack counts.
    pub fn acked(&self, id: MessageId, (page, failed): (PageNo, bool), at: WallMs) -> Option<Counted> {
        let (reached, what) = if failed {
            (Reached::Failed, What::Failed)
        } else {
            (Reached::Acked, What::Acked)
        };
        let (mut counted, mut first) = (None, None);
        self.change(id, |record| match record.reach(page, reached) {
            Some((index, true)) => {
                first = (record.delivery().acked == 1).then_some(record.origin().key);
                counted = Some(Counted {
                    key: record.origin().key,
                    seq: record.seq(),
                    first: record.commit().filter(|_| record.delivery().acked == 1),
                    makes_receipt: record.makes_receipt(true),
                });
                record.note(what, Some(index), at)
            }
            Some((_, false)) | None => true,
        });
        self.tell_developers(first, (at, "acked"));
        counted
    }

    /// Counts for the application of a message what has happened to it for the first time, if it has.
    fn tell_developers(&self, mailbox: Option<MailboxKey>, (at, what): (WallMs, &'static str)) {
        if let Some((app, _)) = mailbox {
            self.metrics.tally().of(app).add(at, Series::Message(what));
        }
    }

    /// Notes how a message left its mailbox; nothing when its record has left before it.
    pub fn ended(&self, id: MessageId, ended: Ended, at: WallMs) -> Option<Left> {
        let mut left = None;
        self.change(id, |record| {
            left = Some(Left {
                state: record.end(ended),
                settles: record.settles(),
            });
            record.note(what_of(ended), None, record.end_moment(ended, at))
        });
        left
    }

    /// Notes which messages a withdrawal has dropped before their write although they had left their mailbox: those that were never
    /// stored wait in outboxes alone, and end there.
    pub fn revoked(&self, dropped: &[Receipt], (now, wall): (ElapsedMs, WallMs)) {
        for receipt in dropped.iter().filter(|receipt| receipt.expires > now) {
            self.change(receipt.id, |record| {
                if record.standing().ended != Some(Ended::Expired) {
                    return true;
                }
                record.end(Ended::Revoked);
                record.note(What::Revoked, None, wall)
            });
        }
    }

    /// What wakes when the message moves, unless it has come as far as `wait` or never will.
    #[must_use]
    pub fn waiter(&self, id: MessageId, wait: WaitFor) -> Option<Arc<Notify>> {
        let mut part = self.records.of(&id);
        let record = part.get_mut(&id)?;
        (!record.is_settled(wait)).then(|| record.waiters())
    }

    /// Drops the records whose time is over, one application's oldest first.
    pub fn sweep(&self, now: ElapsedMs) {
        let mut over = Vec::new();
        self.queues.each(|part: &mut HashMap<AppId, Queue>| {
            part.retain(|_, queue| {
                while let Some((until, id)) = queue.front().copied() {
                    if until > now {
                        break;
                    }
                    queue.pop_front();
                    over.push(id);
                }
                !queue.is_empty()
            });
        });
        let mut kept = Vec::new();
        for id in over {
            match self.waits_for_receipt(id) {
                Some(app) => kept.push((app, id)),
                None => {
                    self.forget(id);
                }
            }
        }
        for (app, id) in kept {
            let again = (now.plus_ms(RECEIPT_KEEP_MS), id);
            self.queues.of(&app).entry(app).or_default().push_back(again);
        }
    }

    fn reached(&self, id: MessageId, page: PageNo) -> Option<Reached> {
        self.records.of(&id).get(&id)?.reached(page)
    }

    /// Changes a record; the change says whether its entries fitted into the timeline.
    fn change(&self, id: MessageId, change: impl FnOnce(&mut Record) -> bool) {
        let mut unkept = false;
        let fits = self.records.of(&id).get_mut(&id).is_none_or(|record| {
            unkept = record.set_unkept();
            change(record)
        });
        if let (true, Some(books)) = (unkept, &self.unkept) {
            books.note(|taken| taken.outcomes.push(id));
        }
        if !fits {
            self.metrics.overflow(Overflow::Timeline);
        }
    }
}

/// The word for an ending.
const fn what_of(ended: Ended) -> What {
    match ended {
        Ended::Cancelled => What::Cancelled,
        Ended::Dropped => What::Dropped,
        Ended::Expired => What::Expired,
        Ended::Replaced => What::Replaced,
        Ended::Revoked => What::Revoked,
    }
}

#[cfg(test)]
mod tests;
