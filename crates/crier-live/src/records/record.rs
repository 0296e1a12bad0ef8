//! One outcome record: how far a message has come at each page, how it ended, and its timeline (live section 7).
//!
//! Promise: a mark counts once per page, and only from a page that the message was offered to. Knows no other record, no lock and
//! no clock.

use super::MailboxKey;
use super::timeline::{ENTRIES_MAX, Timeline};
use crate::mailbox::{Ended, PageNo};
use crate::receipts::InBody;
use crate::snapshot::codec::{In, Out};
use crier_platform::model::mailbox::RowNo;
use crier_platform::model::message::{Asker, Delivery, DeliveryState, Happening, WaitFor, What};
use crier_platform::model::time::{ElapsedMicros, ElapsedMs, WallMs};
use crier_proto::frame::PageId;
use crier_proto::ids::{AppId, Epoch, MessageId, Uid};
use crier_proto::message::Fanout;
use std::sync::Arc;
use tokio::sync::Notify;

/// How far one message has come at one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    /// The page alone might run it, and nothing was put on its way yet.
    Claimed,
    Offered,
    Written,
    Acked,
    /// Acked, but the handler threw or rejected.
    Failed,
}

impl Reached {
    const ALL: [Self; 5] = [
        Self::Claimed,
        Self::Offered,
        Self::Written,
        Self::Acked,
        Self::Failed,
    ];

    const fn code(self) -> u8 {
        match self {
            Self::Claimed => 0,
            Self::Offered => 1,
            Self::Written => 2,
            Self::Acked => 3,
            Self::Failed => 4,
        }
    }
}

/// One page of a record.
#[derive(Debug)]
struct AtPage {
    no: PageNo,
    name: PageId,
    reached: Reached,
}

/// A commit in this process, for figures alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// When.
    pub at: ElapsedMicros,
    /// For whom.
    pub fanout: Fanout,
}

/// Where a message comes from and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Where its mailbox is.
    pub key: MailboxKey,
    /// Who sent it.
    pub sender: Uid,
    /// Its event.
    pub event: Arc<str>,
    /// When it got its place.
    pub at: WallMs,
}

impl Origin {
    /// Whether who asks may know of it (live 7.7).
    #[must_use]
    pub fn is_reached_by(&self, asker: Asker) -> bool {
        asker.app == self.key.0 && asker.sender.is_none_or(|sender| sender == self.sender)
    }
}

/// How far a message's receipt has come (live 7.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// None is wanted, or it is done with.
    Nothing,
    /// It is made at the first ack.
    Wanted,
    /// The message has ended unacked; the receipt is made at the first ack or when the time for it is over.
    Settling,
    /// It is made and not done with.
    Waiting,
}

impl Told {
    const ALL: [Self; 4] = [Self::Nothing, Self::Wanted, Self::Settling, Self::Waiting];
}

/// What became of one message.
#[derive(Debug)]
pub struct Record {
    origin: Origin,
    delivery: Delivery,
    ended: Option<Ended>,
    pages: Vec<AtPage>,
    timeline: Timeline,
    waiters: Option<Arc<Notify>>,
    /// Until when it is told of.
    keep_until: ElapsedMs,
    /// Absent when it was in another process, whose stopwatch says nothing here.
    commit: Option<Commit>,
    /// Its number in the books, in durable mode.
    row: Option<RowNo>,
    /// The books are to learn of its last change.
    unkept: bool,
    told: Told,
    /// What the body says that carries its receipt, in durable mode.
    in_body: Option<Box<InBody>>,
}

/// A record as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where it comes from.
    pub origin: Origin,
    /// The outcome; `pages`, `handlers` and the state are as if no page had come or gone since the commit.
    pub delivery: Delivery,
    /// How it left its mailbox; absent while it is live.
    pub ended: Option<Ended>,
    /// Pages among `acked` whose handler threw.
    pub failed: u32,
}

impl Standing {
    /// The outcome with the pages that are present now, and those of them with a handler (live 7.1).
    #[must_use]
    pub fn with_presence(&self, (pages, handlers): (u32, u32)) -> Delivery {
        let delivery = Delivery {
            pages,
            handlers,
            ..self.delivery
        };
        Delivery {
            state: state_of(&delivery, self.ended),
            ..delivery
        }
    }

    /// The outcome as of the commit: what a sender who did not wait was told.
    #[must_use]
    pub fn first(&self) -> Delivery {
        let delivery = Delivery {
            written: 0,
            acked: 0,
            ..self.delivery
        };
        Delivery {
            state: state_of(&delivery, None),
            ..delivery
        }
    }
}

impl Record {
    /// The record of a message that has just got its place.
    #[must_use]
    pub fn new(origin: Origin, delivery: Delivery) -> Self {
        Self {
            origin,
            delivery,
            ended: None,
            pages: Vec::new(),
            timeline: Timeline::default(),
            waiters: None,
            keep_until: ElapsedMs(u64::MAX),
            commit: None,
            row: None,
            unkept: false,
            told: Told::Nothing,
            in_body: None,
        }
    }

    /// The same, with what figures want to know of its commit.
    pub(crate) fn committed(self, at: ElapsedMicros, fanout: Fanout) -> Self {
        Self {
            commit: Some(Commit { at, fanout }),
            ..self
        }
    }

    pub(super) const fn commit(&self) -> Option<Commit> {
        self.commit
    }

    /// The outcome as it is counted.
    pub(crate) const fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The same, with its number in the books.
    pub(crate) fn in_row(mut self, row: Option<RowNo>) -> Self {
        self.row = row;
        self
    }

    /// Its number in the books.
    pub(super) const fn row(&self) -> Option<RowNo> {
        self.row
    }

    /// When its message's time is over.
    pub(crate) const fn expires_at(&self) -> WallMs {
        self.delivery.expires_at
    }

    /// How its message left the mailbox.
    pub(crate) const fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// Whether it may have been on its way to a page: one had a handler at the commit, or one is on the list.
    pub(crate) fn may_have_been_offered(&self) -> bool {
        self.delivery.handlers > 0 || !self.pages.is_empty()
    }

    /// Notes that the books do not know its last change; false when that was noted before, or when it is not in the books.
    pub(super) fn set_unkept(&mut self) -> bool {
        self.row.is_some() && !std::mem::replace(&mut self.unkept, true)
    }

    /// Notes that the books are about to learn how it stands.
    pub(super) fn set_kept(&mut self) {
        self.unkept = false;
    }

    /// The same, told of until then.
    pub(super) fn kept_until(mut self, keep_until: ElapsedMs) -> Self {
        self.keep_until = keep_until;
        self
    }

    /// Whether it is still told of: also as long as its receipt waits (live 7.5).
    pub(super) fn is_kept(&self, now: ElapsedMs) -> bool {
        self.keep_until > now || self.has_receipt_to_come()
    }

    /// Whether its receipt is still to be made or waits.
    pub(super) fn has_receipt_to_come(&self) -> bool {
        self.told != Told::Nothing
    }

    /// Whether its receipt is still to be made: without the record it never will be.
    pub(super) fn owes_receipt(&self) -> bool {
        matches!(self.told, Told::Wanted | Told::Settling)
    }

    /// Whether it has ended unacked and its receipt is not made, as an earlier process left it.
    pub(super) fn settles_again(&self) -> bool {
        self.owes_receipt() && self.ended.is_some()
    }

    /// The same, wanting a receipt or not.
    #[must_use]
    pub(crate) fn wanting_receipt(mut self, wanted: bool) -> Self {
        if wanted {
            self.told = Told::Wanted;
        }
        self
    }

    /// Its receipt is wanted, made, or done with.
    pub(super) fn tell(&mut self, told: Told) {
        self.told = told;
        self.in_body = None;
    }

    /// A body carries its receipt from now on, and says this.
    pub(super) fn set_in_body(&mut self, receipt: InBody) {
        if self.told == Told::Waiting {
            self.in_body = Some(Box::new(receipt));
        }
    }

    /// What the body says that carries its receipt.
    pub(super) fn in_body(&self) -> Option<&InBody> {
        self.in_body.as_deref()
    }

    /// It has ended unacked and wants a receipt: from now on it settles.
    pub(super) fn settles(&mut self) -> bool {
        let settles = self.told == Told::Wanted && self.ended.is_some();
        if settles {
            self.told = Told::Settling;
        }
        settles
    }

    /// Its receipt is made now, once: at the first ack, or because its time for one is over.
    pub(super) fn makes_receipt(&mut self, acked: bool) -> bool {
        let makes = match self.told {
            Told::Wanted => acked,
            Told::Settling => true,
            Told::Nothing | Told::Waiting => false,
        };
        if makes {
            self.told = Told::Waiting;
        }
        makes
    }

    /// The message.
    #[must_use]
    pub const fn id(&self) -> MessageId {
        self.delivery.id
    }

    /// Its place in the mailbox.
    pub(super) const fn seq(&self) -> u64 {
        self.delivery.seq
    }

    /// Where it comes from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// As it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let failed = self.pages.iter().filter(|page| page.reached == Reached::Failed);
        Standing {
            origin: self.origin.clone(),
            delivery: Delivery {
                state: state_of(&self.delivery, self.ended),
                ..self.delivery
            },
            ended: self.ended,
            failed: u32::try_from(failed.count()).unwrap_or(u32::MAX),
        }
    }

    /// What happened to it, oldest first.
    #[must_use]
    pub fn timeline(&self) -> Vec<Happening> {
        let first = |what| Happening {
            at: self.origin.at,
            what,
            page: None,
        };
        let mut all = vec![first(What::Accepted)];
        if self.delivery.handlers == 0 {
            all.push(first(What::NoHandler));
        }
        all.extend(self.timeline.entries().map(|entry| {
            Happening {
                at: self.origin.at.plus_ms(entry.after_ms.into()),
                what: entry.what,
                page: entry
                    .page()
                    .and_then(|page| self.pages.get(page))
                    .map(|page| page.name.clone()),
            }
        }));
        all
    }

    /// How far it has come at a page; nothing when it never concerned that page.
    pub(super) fn reached(&self, no: PageNo) -> Option<Reached> {
        self.pages
            .iter()
            .find(|page| page.no == no)
            .map(|page| page.reached)
    }

    /// Notes what happened to it; false when the timeline is full.
    pub(super) fn note(&mut self, what: What, page: Option<usize>, at: WallMs) -> bool {
        let after = at.0.saturating_sub(self.origin.at.0).max(0);
        let after = u32::try_from(after).unwrap_or(u32::MAX);
        // What follows from the record itself counts too.
        let first = 1 + usize::from(self.delivery.handlers == 0);
        self.timeline.note(what, (page, after), ENTRIES_MAX - first)
    }

    /// Puts a page on the list, unless it is there; returns its place.
    pub(super) fn seat(&mut self, (no, name): (PageNo, &PageId), reached: Reached) -> usize {
        let known = self.pages.iter().position(|page| page.no == no);
        let index = known.unwrap_or_else(|| {
            self.pages.push(AtPage {
                no,
                name: name.clone(),
                reached,
            });
            self.pages.len() - 1
        });
        let page = &mut self.pages[index];
        page.reached = page.reached.max(reached);
        index
    }

    /// Makes room for so many pages that are about to come, and no more.
    pub(super) fn expect_pages(&mut self, more: usize) {
        self.pages.reserve_exact(more);
    }

    /// Moves one page forward. Returns its place on the list, and whether it had not been there before; nothing when the message
    /// was never offered to it.
    pub(super) fn reach(&mut self, no: PageNo, reached: Reached) -> Option<(usize, bool)> {
        let index = self.pages.iter().position(|page| page.no == no)?;
        let page = &mut self.pages[index];
        let before = page.reached;
        if before < Reached::Offered {
            return None;
        }
        if before >= reached || before >= Reached::Acked {
            return Some((index, false));
        }
        page.reached = reached;
        self.delivery.written += u32::from(before < Reached::Written);
        self.delivery.acked += u32::from(reached >= Reached::Acked);
        self.wake();
        Some((index, true))
    }

    /// Notes how it left its mailbox.
    pub(super) fn end(&mut self, ended: Ended) -> DeliveryState {
        self.ended = Some(ended);
        self.wake();
        state_of(&self.delivery, self.ended)
    }

    /// When it ended that is found to have ended `at`: what expires does so at its time, whenever that is noticed.
    pub(super) fn end_moment(&self, ended: Ended, at: WallMs) -> WallMs {
        match ended {
            Ended::Expired => at.min(self.delivery.expires_at),
            Ended::Cancelled | Ended::Dropped | Ended::Replaced | Ended::Revoked => at,
        }
    }

    /// Whether nothing is left to wait for: it has come so far, or it never will (live 7.4).
    pub(super) fn is_settled(&self, wait: WaitFor) -> bool {
        let reached = match wait {
            WaitFor::Accepted => true,
            WaitFor::Written => self.delivery.written > 0,
            WaitFor::Acked => self.delivery.acked > 0,
        };
        reached
            || match self.ended {
                None => false,
                // Pages that hold it are told to drop it.
                Some(Ended::Cancelled | Ended::Replaced | Ended::Revoked) => true,
                // Whoever has it already may still run it.
                Some(Ended::Dropped | Ended::Expired) => {
                    !self.pages.iter().any(|page| page.reached >= Reached::Offered)
                }
            }
    }

    /// What wakes who waits for it.
    pub(super) fn waiters(&mut self) -> Arc<Notify> {
        Arc::clone(self.waiters.get_or_insert_default())
    }

    fn wake(&mut self) {
        if let Some(waiters) = &self.waiters {
            waiters.notify_waiters();
        }
    }

    /// Writes it into a snapshot. Who waits for it waits no longer.
    pub(crate) fn write(&self, out: &mut Out) {
        let Origin {
            key,
            sender,
            event,
            at,
        } = &self.origin;
        let delivery = &self.delivery;
        out.signed(key.0.get());
        out.signed(key.1.get());
        out.signed(sender.get());
        out.text(event);
        out.signed(at.0);
        out.raw(delivery.id.as_bytes());
        out.long(delivery.seq);
        out.raw(delivery.epoch.as_bytes());
        for count in [
            delivery.pages,
            delivery.handlers,
            delivery.written,
            delivery.acked,
        ] {
            out.short(count);
        }
        out.signed(delivery.expires_at.0);
        out.byte(match self.ended {
            None => 0,
            Some(Ended::Dropped) => 1,
            Some(Ended::Expired) => 2,
            Some(Ended::Replaced) => 3,
            Some(Ended::Revoked) => 4,
            Some(Ended::Cancelled) => 5,
        });
        out.count(self.pages.len());
        for page in &self.pages {
            out.long(page.no.0);
            out.text(page.name.as_str());
            out.byte(page.reached.code());
        }
        self.timeline.write(out);
        out.byte(self.told as u8);
        out.flag(self.in_body.is_some());
        if let Some(receipt) = &self.in_body {
            receipt.write(out);
        }
    }

    /// Reads what `write` wrote.
    pub(crate) fn read(payload: &mut In<'_>) -> Option<Self> {
        let origin = Origin {
            key: (AppId::new(payload.signed()?)?, Uid::new(payload.signed()?)?),
            sender: Uid::new(payload.signed()?)?,
            event: payload.text()?.into(),
            at: WallMs(payload.signed()?),
        };
        let mut delivery = Delivery {
            id: MessageId::from_bytes(payload.array()?),
            seq: payload.long()?,
            epoch: Epoch::from_bytes(payload.array()?),
            state: DeliveryState::NoHandler,
            pages: payload.short()?,
            handlers: payload.short()?,
            written: payload.short()?,
            acked: payload.short()?,
            expires_at: WallMs(payload.signed()?),
        };
        let ended = match payload.byte()? {
            0 => None,
            1 => Some(Ended::Dropped),
            2 => Some(Ended::Expired),
            3 => Some(Ended::Replaced),
            4 => Some(Ended::Revoked),
            5 => Some(Ended::Cancelled),
            _ => return None,
        };
        delivery.state = state_of(&delivery, ended);
        let pages = payload.all(|payload| {
            Some(AtPage {
                no: PageNo(payload.long()?),
                name: payload.text()?.parse().ok()?,
                reached: *Reached::ALL.get(usize::from(payload.byte()?))?,
            })
        })?;
        let timeline = Timeline::read(payload, pages.len())?;
        let told = *Told::ALL.get(usize::from(payload.byte()?))?;
        let in_body = if payload.flag()? {
            Some(Box::new(InBody::read(payload)?))
        } else {
            None
        };
        Some(Self {
            in_body,
            ended,
            pages,
            timeline,
            told,
            ..Self::new(origin, delivery)
        })
    }
}

/// The first state of protocol 16.1 that holds.
fn state_of(delivery: &Delivery, ended: Option<Ended>) -> DeliveryState {
    match ended {
        _ if delivery.acked > 0 => DeliveryState::Acked,
        Some(Ended::Cancelled) => DeliveryState::Cancelled,
        Some(Ended::Dropped) => DeliveryState::Dropped,
        Some(Ended::Expired) => DeliveryState::Expired,
        Some(Ended::Replaced) => DeliveryState::Replaced,
        Some(Ended::Revoked) => DeliveryState::Revoked,
        None if delivery.written > 0 => DeliveryState::Written,
        None if delivery.handlers > 0 => DeliveryState::Queued,
        None => DeliveryState::NoHandler,
    }
}
