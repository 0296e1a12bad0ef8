//! Outcome records: what became of each message, kept past its end (live section 7).
//!
//! Promise: a mark counts once per (message, page), and an ack only from a page that the message was offered to. Bounded per
//! application; the oldest leave first. A leaf in the lock order: nothing is asked of others while a record is held.

use crate::mailbox::{Ended, PageNo};
use crate::shards::{SHARDS, Shards};
use crate::snapshot::codec::{In, Out};
use crier_platform::model::message::{Delivery, DeliveryState, WaitFor};
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::ids::{AppId, Epoch, MessageId, Uid};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::Notify;

/// One mailbox: whose, in which application.
pub type MailboxKey = (AppId, Uid);

/// How far one message has come at one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Offered,
    Written,
    Acked,
}

/// What became of one message.
#[derive(Debug)]
pub struct Record {
    /// Where its mailbox is.
    pub key: MailboxKey,
    /// Its event.
    pub event: Arc<str>,
    delivery: Delivery,
    ended: Option<Ended>,
    pages: Vec<(PageNo, Reached)>,
    waiters: Option<Arc<Notify>>,
}

/// A record as it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Where its mailbox is.
    pub key: MailboxKey,
    /// Its event.
    pub event: Arc<str>,
    /// The outcome; `pages` and `handlers` are those of the commit.
    pub delivery: Delivery,
}

impl Record {
    /// The record of a message that has just got its place, and of the pages it was offered to.
    #[must_use]
    pub fn new(key: MailboxKey, event: Arc<str>, delivery: Delivery) -> Self {
        Self {
            key,
            event,
            delivery,
            ended: None,
            pages: Vec::new(),
            waiters: None,
        }
    }

    /// Writes it into a snapshot. Who waits for it waits no longer.
    pub(crate) fn write(&self, out: &mut Out) {
        let delivery = &self.delivery;
        out.signed(self.key.0.get());
        out.signed(self.key.1.get());
        out.text(&self.event);
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
        });
        out.count(self.pages.len());
        for (page, reached) in &self.pages {
            out.long(page.0);
            out.byte(match reached {
                Reached::Offered => 0,
                Reached::Written => 1,
                Reached::Acked => 2,
            });
        }
    }

    /// Reads what `write` wrote.
    pub(crate) fn read(payload: &mut In<'_>) -> Option<Self> {
        let key = (AppId::new(payload.signed()?)?, Uid::new(payload.signed()?)?);
        let event = payload.text()?.into();
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
            _ => return None,
        };
        delivery.state = state_of(&delivery, ended);
        let pages = payload.all(|payload| {
            let page = PageNo(payload.long()?);
            let reached = match payload.byte()? {
                0 => Reached::Offered,
                1 => Reached::Written,
                2 => Reached::Acked,
                _ => return None,
            };
            Some((page, reached))
        })?;
        Some(Self {
            ended,
            pages,
            ..Self::new(key, event, delivery)
        })
    }

    fn standing(&self) -> Standing {
        Standing {
            key: self.key,
            event: Arc::clone(&self.event),
            delivery: Delivery {
                state: state_of(&self.delivery, self.ended),
                ..self.delivery
            },
        }
    }

    /// Moves one page forward; false when the message was never offered to it or it was already there.
    fn reach(&mut self, page: PageNo, reached: Reached) -> bool {
        let Some((_, at)) = self.pages.iter_mut().find(|(known, _)| *known == page) else {
            return false;
        };
        let before = *at;
        if before >= reached {
            return false;
        }
        *at = reached;
        self.delivery.written += u32::from(before < Reached::Written);
        self.delivery.acked += u32::from(reached == Reached::Acked);
        self.wake();
        true
    }

    fn wake(&mut self) {
        if let Some(waiters) = &self.waiters {
            waiters.notify_waiters();
        }
    }
}

/// The first state of protocol 16.1 that holds.
#[must_use]
pub fn state_of(delivery: &Delivery, ended: Option<Ended>) -> DeliveryState {
    match ended {
        _ if delivery.acked > 0 => DeliveryState::Acked,
        Some(Ended::Dropped) => DeliveryState::Dropped,
        Some(Ended::Expired) => DeliveryState::Expired,
        Some(Ended::Replaced) => DeliveryState::Replaced,
        Some(Ended::Revoked) => DeliveryState::Revoked,
        None if delivery.written > 0 => DeliveryState::Written,
        None if delivery.handlers > 0 => DeliveryState::Queued,
        None => DeliveryState::NoHandler,
    }
}

/// One application's records in one part, oldest first, each with the moment until which it is kept.
type Queue = VecDeque<(ElapsedMs, MessageId)>;

/// The records of one process.
pub struct Records {
    records: Shards<MessageId, Record>,
    queues: Shards<AppId, Queue>,
    app_items_max: usize,
}

impl Records {
    /// No record yet; at most `app_items_max` of one application.
    #[must_use]
    pub fn new(app_items_max: usize) -> Self {
        Self {
            records: Shards::new(),
            queues: Shards::new(),
            app_items_max: app_items_max.max(SHARDS),
        }
    }

    /// Keeps a record until `keep_until`. Returns whether an older one had to leave for it.
    pub fn add(&self, record: Record, keep_until: ElapsedMs) -> bool {
        let (app, id) = (record.key.0, record.delivery.id);
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
        if let Some((_, id)) = oldest {
            self.records.of(&id).remove(&id);
        }
        oldest.is_some()
    }

    /// How one message stands.
    #[must_use]
    pub fn standing(&self, id: MessageId) -> Option<Standing> {
        self.records.of(&id).get(&id).map(Record::standing)
    }

    /// Notes that a message is on its way to these pages.
    pub fn offered(&self, id: MessageId, pages: &[PageNo]) {
        if let Some(record) = self.records.of(&id).get_mut(&id) {
            for page in pages {
                if record.pages.iter().all(|(known, _)| known != page) {
                    record.pages.push((*page, Reached::Offered));
                }
            }
        }
    }

    /// Whether a message was already on its way to this page.
    #[must_use]
    pub fn was_offered(&self, id: MessageId, page: PageNo) -> bool {
        let part = self.records.of(&id);
        let record = part.get(&id);
        record.is_some_and(|record| record.pages.iter().any(|(known, _)| *known == page))
    }

    /// Whether this page has acked a message.
    #[must_use]
    pub fn was_acked_by(&self, id: MessageId, page: PageNo) -> bool {
        let part = self.records.of(&id);
        let record = part.get(&id);
        record.is_some_and(|record| record.pages.contains(&(page, Reached::Acked)))
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

    /// Notes that the kernel has a message for these pages.
    pub fn written(&self, id: MessageId, pages: &[PageNo]) {
        if let Some(record) = self.records.of(&id).get_mut(&id) {
            for page in pages {
                record.reach(*page, Reached::Written);
            }
        }
    }

    /// Notes a page's ack. Returns the message's mailbox and place when it counts.
    pub fn acked(&self, id: MessageId, page: PageNo) -> Option<(MailboxKey, u64)> {
        let mut part = self.records.of(&id);
        let record = part.get_mut(&id)?;
        record
            .reach(page, Reached::Acked)
            .then_some((record.key, record.delivery.seq))
    }

    /// Notes how a message left its mailbox.
    pub fn ended(&self, id: MessageId, ended: Ended) -> Option<DeliveryState> {
        let mut part = self.records.of(&id);
        let record = part.get_mut(&id)?;
        record.ended = Some(ended);
        record.wake();
        Some(state_of(&record.delivery, record.ended))
    }

    /// What wakes when the message moves, unless it has come as far as `wait` or has ended.
    #[must_use]
    pub fn waiter(&self, id: MessageId, wait: WaitFor) -> Option<Arc<Notify>> {
        let mut part = self.records.of(&id);
        let record = part.get_mut(&id)?;
        let reached = match wait {
            WaitFor::Accepted => true,
            WaitFor::Written => record.delivery.written > 0,
            WaitFor::Acked => record.delivery.acked > 0,
        };
        if reached {
            return None;
        }
        Some(Arc::clone(record.waiters.get_or_insert_default()))
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
        for id in over {
            self.records.of(&id).remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> MessageId {
        MessageId::from_bytes([number; 16])
    }

    fn record(number: u8) -> Record {
        let key = (
            AppId::new(1).expect("1 is an application id"),
            Uid::new(2).expect("2 is a uid"),
        );
        let delivery = Delivery {
            id: id(number),
            seq: u64::from(number),
            epoch: Epoch::from_bytes([0; 8]),
            state: DeliveryState::Queued,
            pages: 1,
            handlers: 1,
            written: 0,
            acked: 0,
            expires_at: WallMs(0),
        };
        Record::new(key, "e".into(), delivery)
    }

    #[test]
    fn a_mark_counts_once_per_page_and_only_from_a_page_it_was_offered_to() {
        let records = Records::new(1_000);
        records.add(record(1), ElapsedMs(10));
        records.offered(id(1), &[PageNo(5), PageNo(6), PageNo(5)]);
        records.written(id(1), &[PageNo(5), PageNo(5), PageNo(9)]);
        assert!(records.acked(id(1), PageNo(9)).is_none());
        assert_eq!(records.acked(id(1), PageNo(6)).map(|(_, seq)| seq), Some(1));
        assert!(records.acked(id(1), PageNo(6)).is_none());
        let now = records.standing(id(1)).expect("the record is kept").delivery;
        assert_eq!((now.written, now.acked, now.state), (2, 1, DeliveryState::Acked));
    }

    #[test]
    fn states_are_the_first_of_the_table_that_holds() {
        let records = Records::new(1_000);
        records.add(record(1), ElapsedMs(10));
        let state = || {
            records
                .standing(id(1))
                .expect("the record is kept")
                .delivery
                .state
        };
        assert_eq!(state(), DeliveryState::Queued);
        records.offered(id(1), &[PageNo(1)]);
        records.written(id(1), &[PageNo(1)]);
        assert_eq!(state(), DeliveryState::Written);
        assert_eq!(records.ended(id(1), Ended::Expired), Some(DeliveryState::Expired));
        assert_eq!(state(), DeliveryState::Expired);
        records.acked(id(1), PageNo(1));
        assert_eq!(state(), DeliveryState::Acked);
    }

    #[test]
    fn status_bound_lets_the_oldest_leave_first() {
        let records = Records::new(SHARDS);
        let last = u8::try_from(SHARDS).expect("shards are few");
        for number in 0..last {
            assert!(!records.add(record(number), ElapsedMs(1_000)));
        }
        assert!(records.add(record(last), ElapsedMs(1_000)));
        assert!(records.standing(id(0)).is_none());
        assert!(records.standing(id(1)).is_some());
        records.sweep(ElapsedMs(1_000));
        assert!(records.standing(id(1)).is_none());
    }

    #[test]
    fn nobody_waits_for_what_has_happened() {
        let records = Records::new(1_000);
        records.add(record(1), ElapsedMs(10));
        assert!(records.waiter(id(1), WaitFor::Accepted).is_none());
        assert!(records.waiter(id(1), WaitFor::Written).is_some());
        records.offered(id(1), &[PageNo(1)]);
        records.acked(id(1), PageNo(1));
        assert!(records.waiter(id(1), WaitFor::Written).is_none());
    }
}
