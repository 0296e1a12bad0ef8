//! One (application, user) in this process: its mailbox, its pages, and who is owed which message (live sections 1, 5, 6).
//!
//! Promise: a committed message goes in order to every page that is owed it, or a gap precedes the next one; a claimed message goes
//! to one page. Everything here happens under the lock of the place, so that no commit falls between a registration and its answer.

mod claims;
mod offers;
mod pages;
mod recalls;
mod receipts;

pub(crate) use receipts::make as make_receipt;

pub(crate) use pages::{Handler, Introduction, Page};

use crate::config::LiveConfig;
use crate::connection::Terms;
use crate::durable::{Keeper, Staged};
use crate::link::Link;
use crate::mailbox::{Ended, Item, Mailbox, PageNo, RingBounds};
use crate::metrics::{AppFigures, Ending, Metrics, Overflow};
use crate::names::Names;
use crate::rate::Bucket;
use crate::receipts::Receipts;
use crate::records::{MailboxKey, Origin, Record, Records};
use crier_platform::model::message::{Delivery, DeliveryState, Door};
use crier_platform::model::session::SessionId;
use crier_platform::model::tally::{AppTally, Series};
use crier_platform::model::time::{ElapsedMicros, ElapsedMs, WallMs};
use crier_proto::ids::MessageId;
use recalls::Relieved;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What an application's mailboxes hold together (live 5.4).
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) items: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Totals {
    fn add(&self, items: usize, bytes: usize) {
        self.items.fetch_add(items as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn remove(&self, items: usize, bytes: usize) {
        self.items.fetch_sub(items as u64, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes as u64, Ordering::Relaxed);
    }
}

/// What the mailboxes of one application share.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) totals: Totals,
    pub(crate) figures: Arc<AppFigures>,
    pub(crate) tally: Arc<AppTally>,
}

/// What every step at a place needs from its surroundings.
pub(crate) struct Around<'a> {
    pub(crate) key: MailboxKey,
    pub(crate) config: &'a LiveConfig,
    pub(crate) terms: &'a Terms,
    pub(crate) records: &'a Records,
    pub(crate) receipts: &'a Receipts,
    pub(crate) metrics: &'a Metrics,
    pub(crate) process: &'a Totals,
    pub(crate) names: &'a Names,
    pub(crate) next_page: &'a AtomicU64,
    /// In durable mode: the way into the books.
    pub(crate) keeper: Option<&'a Keeper>,
    /// Until then a page of an earlier process may come back for what it is owed.
    pub(crate) recovered_at: ElapsedMs,
    pub(crate) now: ElapsedMs,
    /// The same moment more finely, for figures alone.
    pub(crate) micros: ElapsedMicros,
    pub(crate) wall: WallMs,
}

/// Connections that have something to write once the lock is given back.
pub(crate) type Touched = Vec<Arc<Link>>;

/// Adds a connection once.
pub(crate) fn touch(touched: &mut Touched, link: &Arc<Link>) {
    if touched.iter().all(|known| known.no != link.no) {
        touched.push(Arc::clone(link));
    }
}

/// One (application, user).
pub(crate) struct Place {
    pub(crate) mailbox: Mailbox,
    pub(crate) rate: Bucket,
    pub(crate) pages: Vec<Page>,
    pub(crate) links: Vec<Arc<Link>>,
    /// What the sessions of this user have sent from pages lately.
    pub(crate) senders: Vec<(SessionId, Bucket)>,
    pub(crate) share: Arc<Share>,
    pub(crate) used: ElapsedMs,
    pub(crate) focus_turn: u64,
    /// What it has to do with the books, in durable mode.
    pub(crate) staged: Option<Box<Staged>>,
}

/// Whether a message that gets its place is put on its way to pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// To those who are owed it.
    Now,
    /// To nobody: it is about to be taken back.
    Never,
}

impl Place {
    /// A place whose mailbox begins its life.
    pub(crate) fn new(mailbox: Mailbox, share: Arc<Share>, around_now: ElapsedMs, rate: Bucket) -> Self {
        Self {
            mailbox,
            rate,
            pages: Vec::new(),
            links: Vec::new(),
            senders: Vec::new(),
            share,
            used: around_now,
            focus_turn: 0,
            staged: None,
        }
    }

    /// Counts what came back with a snapshot; its pages have their grace.
    pub(crate) fn come_back(&mut self, around: &Around<'_>, grace_ends: ElapsedMs) {
        self.share.totals.add(self.mailbox.len(), self.mailbox.bytes());
        around.process.add(self.mailbox.len(), self.mailbox.bytes());
        for page in &mut self.pages {
            page.grace_ends = grace_ends;
            for handler in &mut page.handlers {
                handler.event = around.names.of(&handler.event);
            }
        }
        self.expire(around);
    }

    /// Whether nothing but the head is left, so that it may leave (live 5.7).
    pub(crate) fn is_idle(&self) -> bool {
        self.mailbox.is_empty()
            && self.pages.is_empty()
            && self.links.is_empty()
            && self.staged.as_ref().is_none_or(|staged| staged.is_idle())
    }

    /// Present pages, and those of them with a handler for `event`.
    pub(crate) fn presence(&self, event: &str) -> (u32, u32) {
        let handlers = self.pages.iter().filter(|page| page.handles(event)).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        (count(self.pages.len()), count(handlers))
    }

    /// Pages with a handler for `event` whose connections lag.
    pub(crate) fn lagging(&self, event: &str) -> u32 {
        let lags = |link: &Arc<Link>| link.state().is_lagging();
        let lagging = self
            .pages
            .iter()
            .filter(|page| page.handles(event) && page.link.as_ref().is_some_and(lags));
        u32::try_from(lagging.count()).unwrap_or(u32::MAX)
    }

    /// Gives a message its place, offers it to whom it is owed, and keeps its record.
    pub(crate) fn commit(
        &mut self,
        around: &Around<'_>,
        (item, offer): (Item, Offer),
        touched: &mut Touched,
    ) -> Delivery {
        self.expire(around);
        self.used = around.now;
        let stored = item.expires > around.now;
        let bounds = RingBounds {
            items_max: around.config.ring_items_max,
            bytes_max: usize::try_from(around.config.ring_bytes_max.0).unwrap_or(usize::MAX),
        };
        let mut item = item;
        let (seq, left) = self.mailbox.commit(item.clone(), stored, bounds);
        item.seq = seq;
        if stored {
            self.count_in(around, item.size());
        }
        let mut relieved = Relieved::new();
        for (old, ended) in left {
            self.leave(around, &old, ended);
            if ended == Ended::Replaced {
                relieved.extend(self.recall(around, &old, touched));
            } else {
                around.metrics.overflow(Overflow::MailboxRing);
            }
        }
        let keep_until = item.expires.plus_ms(around.config.status_keep.0);
        let record = self.record(around, &item);
        let delivery = *record.delivery();
        if around.records.add(record, keep_until) {
            around.metrics.overflow(Overflow::Status);
        }
        if delivery.handlers == 0 {
            self.share.figures.no_handler();
            self.share.tally.add(around.wall, Series::Message("no_handler"));
        }
        // In durable mode the disk may have been slower than the message's life: then no write begins.
        if offer == Offer::Now && (stored || item.instant) {
            self.offer_new(around, &item, touched);
        }
        if !stored {
            self.count_ended(around, &item, Ended::Expired);
        }
        // Only now: the new message has its record, and whoever reads on finds it in its place.
        self.relieve(around, relieved, touched);
        delivery
    }

    /// The record of a message that gets its place now.
    pub(crate) fn record(&self, around: &Around<'_>, item: &Item) -> Record {
        let (pages, handlers) = self.presence(&item.event);
        let ttl_ms = i64::try_from(item.expires.0.saturating_sub(around.now.0)).unwrap_or(i64::MAX);
        let delivery = Delivery {
            id: item.id,
            seq: item.seq,
            epoch: self.mailbox.cursor().epoch,
            state: if handlers > 0 {
                DeliveryState::Queued
            } else {
                DeliveryState::NoHandler
            },
            pages,
            handlers,
            written: 0,
            acked: 0,
            expires_at: around.wall.plus_ms(ttl_ms),
        };
        let origin = Origin {
            key: around.key,
            sender: item.sender,
            event: Arc::clone(&item.event),
            at: item.sent_at,
        };
        Record::new(origin, delivery)
            .committed(around.micros, item.fanout)
            .in_row(item.row)
            .wanting_receipt(item.receipt)
    }

    /// Counts a message that has got its place.
    pub(crate) fn count_placed(&self, around: &Around<'_>, door: Door) {
        around.metrics.send_placed(door);
        self.share.tally.add(around.wall, Series::Message("accepted"));
    }

    /// Lets go what has expired.
    pub(crate) fn expire(&mut self, around: &Around<'_>) {
        for item in self.mailbox.expire(around.now) {
            self.leave(around, &item, Ended::Expired);
        }
    }

    /// Notes acks of a page on this connection, and which of them stand for a handler that threw (live 6.8, 6.9).
    pub(crate) fn ack(
        &mut self,
        around: &Around<'_>,
        page: PageNo,
        (ids, failed): (&[MessageId], &[MessageId]),
    ) {
        for id in ids {
            let counted = around
                .records
                .acked(*id, (page, failed.contains(id)), around.wall);
            let Some(counted) = counted else { continue };
            if let Some(commit) = counted.first {
                let took = around.micros.since(commit.at);
                around.metrics.acked_after(commit.fanout, took);
            }
            if let Some(item) = self.mailbox.item_mut(counted.seq) {
                item.acked = true;
            }
            if counted.makes_receipt {
                self.make_receipt(around, *id);
            }
        }
    }

    pub(crate) fn count_in(&self, around: &Around<'_>, size: usize) {
        self.share.totals.add(1, size);
        around.process.add(1, size);
    }

    pub(crate) fn count_out(&self, around: &Around<'_>, size: usize) {
        self.share.totals.remove(1, size);
        around.process.remove(1, size);
    }

    /// An item has left the mailbox.
    fn leave(&mut self, around: &Around<'_>, item: &Item, ended: Ended) {
        self.count_out(around, item.size());
        if matches!(ended, Ended::Expired | Ended::Dropped) {
            self.lose_claim(item);
        }
        self.count_ended(around, item, ended);
    }

    /// Notes how a message has ended, and counts it by the state that it has now.
    fn count_ended(&self, around: &Around<'_>, item: &Item, ended: Ended) {
        let left = around.records.ended(item.id, ended, around.wall);
        if let (None, Some(keeper), Some(row)) = (left, around.keeper, item.row) {
            // Its record was forgotten before it: nothing else is left of it.
            keeper
                .unkept
                .note(|taken| taken.forgotten.push((around.key, row)));
        }
        // Without a record, which may have left before its message, the item says what it knows.
        let without = if item.acked { Ending::Acked } else { ended.into() };
        let ending = left.and_then(|left| Ending::of(left.state)).unwrap_or(without);
        self.share.figures.ended(ending);
        self.share.tally.add(around.wall, Series::Ended(ending.as_str()));
        if left.is_some_and(|left| left.settles) {
            // That a message's time was over may be seen later than it was.
            around.settle(item.id, around.now.min(item.expires));
        }
    }
}
