//! The ring of committed messages of one (application, recipient), and its head (live section 5).
//!
//! Promise: `seq` rises by one with each commit; what leaves by overflow or time moves `low`, what is replaced, revoked or
//! cancelled does not; bounds hold after every step. Knows no lock, no clock, no page's connection, no ledger.

use crier_platform::model::mailbox::RowNo;
use crier_platform::model::message::{NewMessage, Via};
use crier_platform::model::ticket::Cursor;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::digest::sha256;
use crier_proto::frame::{GapReason, PageId};
use crier_proto::ids::{Epoch, MessageId, Uid};
use crier_proto::message::Fanout;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a message counts beside its texts (live 5.1).
const ITEM_BYTES: usize = 128;

/// Bounds of one ring (live 5.3).
#[derive(Debug, Clone, Copy)]
pub struct RingBounds {
    /// Messages.
    pub items_max: usize,
    /// Their bytes.
    pub bytes_max: usize,
}

/// How a message left the mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended {
    /// Pushed out by the ring's bounds.
    Dropped,
    /// By its time.
    Expired,
    /// By a newer one of equal sender, event and collapse key.
    Replaced,
    /// By a withdrawal.
    Revoked,
    /// By its sender, `liveMessage.cancel`.
    Cancelled,
}

/// A page's number: a digest of its name, so that it is the same in every process that meets the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageNo(pub u64);

impl PageNo {
    /// The number of the page of this name.
    #[must_use]
    pub fn of(name: &PageId) -> Self {
        let digest = sha256(&[name.as_str().as_bytes()]);
        let mut number = [0; 8];
        number.copy_from_slice(&digest[..8]);
        // 0 stands for no page.
        Self(u64::from_le_bytes(number).max(1))
    }
}

/// A committed message.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its place.
    pub seq: u64,
    /// Its id.
    pub id: MessageId,
    /// The session's user.
    pub sender: Uid,
    /// Whose secret vouches for the text.
    pub via: Via,
    /// Event name.
    pub event: Arc<str>,
    /// The text, byte for byte.
    pub text: Arc<str>,
    /// Replaces a live one of equal sender, event and key.
    pub collapse_key: Option<Box<str>>,
    /// Which pages get it.
    pub fanout: Fanout,
    /// When it was committed.
    pub sent_at: WallMs,
    /// No write begins at or after this moment.
    pub expires: ElapsedMs,
    /// A page has acked it.
    pub acked: bool,
    /// The page that alone may run it (live 6.5).
    pub claim: Option<PageNo>,
    /// It is or was on its way to a page.
    pub offered: bool,
    /// It was offered to a page that vanished before its ack.
    pub redelivered: bool,
    /// Its life is the moment of its commit: `ttl` was 0.
    pub instant: bool,
    /// Its application wants to be told what became of it (live 7.8); its record remembers.
    pub receipt: bool,
    /// Its number in the books, in durable mode.
    pub row: Option<RowNo>,
    /// The claim that the books know of.
    pub kept_claim: Option<PageNo>,
    /// A page that has not come back since a crash may be owed it.
    pub maybe_owed: bool,
}

impl Item {
    /// The item of a new message; its place is given by the commit.
    #[must_use]
    pub fn of(message: NewMessage, sent_at: WallMs, now: ElapsedMs) -> Self {
        Self {
            seq: 0,
            id: message.id,
            sender: message.sender,
            via: message.via,
            event: message.event,
            text: message.text,
            collapse_key: message.collapse_key,
            fanout: message.fanout,
            sent_at,
            expires: now.plus_ms(message.ttl_ms),
            acked: false,
            claim: None,
            offered: false,
            redelivered: false,
            instant: message.ttl_ms == 0,
            receipt: message.receipt,
            row: None,
            kept_claim: None,
            maybe_owed: false,
        }
    }

    /// Bytes it counts (live 5.1).
    #[must_use]
    pub fn size(&self) -> usize {
        let key = self.collapse_key.as_deref().map_or(0, str::len);
        self.text.len() + self.event.len() + key + ITEM_BYTES
    }

    fn replaces(&self, older: &Self) -> bool {
        self.collapse_key.is_some()
            && self.collapse_key == older.collapse_key
            && self.sender == older.sender
            && self.event == older.event
    }
}

/// What a page may have missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The last of them.
    pub to: u64,
    /// Why.
    pub reason: GapReason,
}

/// A mailbox's life, without its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Names this life.
    pub epoch: Epoch,
    /// The place given last.
    pub last: u64,
    /// The highest place that was lost.
    pub low: u64,
    /// Why.
    pub low_reason: GapReason,
}

/// Places are below this, so that a page's numbers hold them exactly (live 4.5).
const SEQ_MAX: u64 = 1 << 53;

/// One mailbox.
#[derive(Debug)]
pub struct Mailbox {
    epoch: Epoch,
    last: u64,
    low: u64,
    low_reason: GapReason,
    items: VecDeque<Item>,
    bytes: usize,
    /// The earliest end of an item, or later than it: when to look again.
    next_end: ElapsedMs,
}

impl Mailbox {
    /// An empty mailbox whose life begins.
    #[must_use]
    pub const fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            last: 0,
            low: 0,
            low_reason: GapReason::Expired,
            items: VecDeque::new(),
            bytes: 0,
            next_end: ElapsedMs(u64::MAX),
        }
    }

    /// A mailbox whose life goes on; nothing when these messages cannot be those of this head.
    #[must_use]
    pub fn restored(head: Head, items: Vec<Item>) -> Option<Self> {
        let rising = items.windows(2).all(|pair| pair[0].seq < pair[1].seq);
        let placed = items.iter().all(|item| (1..=head.last).contains(&item.seq));
        let known = head.low <= head.last && head.last < SEQ_MAX;
        (rising && placed && known).then(|| Self {
            epoch: head.epoch,
            last: head.last,
            low: head.low,
            low_reason: head.low_reason,
            bytes: items.iter().map(Item::size).sum(),
            next_end: items
                .iter()
                .map(|item| item.expires)
                .min()
                .unwrap_or(ElapsedMs(u64::MAX)),
            items: items.into(),
        })
    }

    /// Its life, without its messages.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head {
            epoch: self.epoch,
            last: self.last,
            low: self.low,
            low_reason: self.low_reason,
        }
    }

    /// Its present end.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor {
            epoch: self.epoch,
            seq: self.last,
        }
    }

    /// Live messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether no message lives.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes of the live messages.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives a message its place. Returns the place and what left for it, with the manner.
    ///
    /// `stored` false (a `ttl` of 0): the place is given and at once given up, for whoever is not connected it has expired.
    pub fn commit(&mut self, mut item: Item, stored: bool, bounds: RingBounds) -> (u64, Vec<(Item, Ended)>) {
        let mut left = Vec::new();
        if item.collapse_key.is_some()
            && let Some(index) = self.items.iter().position(|older| item.replaces(older))
            && let Some(older) = self.take(index)
        {
            left.push((older, Ended::Replaced));
        }
        self.last += 1;
        let seq = self.last;
        item.seq = seq;
        if !stored {
            self.lose(seq, GapReason::Expired);
            return (seq, left);
        }
        let size = item.size();
        while self.items.len() >= bounds.items_max || self.bytes + size > bounds.bytes_max {
            let Some(oldest) = self.take(0) else { break };
            self.lose(oldest.seq, GapReason::Overflow);
            left.push((oldest, Ended::Dropped));
        }
        self.bytes += size;
        self.next_end = self.next_end.min(item.expires);
        self.items.push_back(item);
        (seq, left)
    }

    /// Puts a message back that outlived the process, in the order of its first commit. Returns what left for it, with the manner:
    /// the same that left then.
    pub fn put_back(&mut self, item: Item, bounds: RingBounds) -> Vec<(Item, Ended)> {
        let seq = item.seq;
        self.last = seq.saturating_sub(1).max(self.last);
        let (given, left) = self.commit(item, true, bounds);
        debug_assert_eq!(given, seq, "rows come in the order of their places");
        left
    }

    /// Notes a place whose message has left the mailbox, and whether that was a loss.
    pub fn pass_over(&mut self, seq: u64, lost: Option<GapReason>) {
        if seq >= SEQ_MAX {
            return;
        }
        self.last = self.last.max(seq);
        if let Some(reason) = lost {
            self.lose(seq, reason);
        }
    }

    /// Takes out what has expired by `now`.
    pub fn expire(&mut self, now: ElapsedMs) -> Vec<Item> {
        if now < self.next_end {
            return Vec::new();
        }
        let gone = self.take_where(|item| item.expires <= now);
        if let Some(last) = gone.last() {
            self.lose(last.seq, GapReason::Expired);
        }
        let ends = self.items.iter().map(|item| item.expires).min();
        self.next_end = ends.unwrap_or(ElapsedMs(u64::MAX));
        gone
    }

    /// Takes out what `revoked` names; `low` stays (live 5.5).
    pub fn revoke(&mut self, revoked: impl Fn(&Item) -> bool) -> Vec<Item> {
        self.take_where(revoked)
    }

    /// Takes out the live message of this id at this place; `low` stays (live 5.5).
    pub fn remove(&mut self, (id, seq): (MessageId, u64)) -> Option<Item> {
        let index = self.items.binary_search_by_key(&seq, |item| item.seq).ok()?;
        self.items.get(index).filter(|item| item.id == id)?;
        self.take(index)
    }

    /// What a page that has settled everything up to `seq` may have missed.
    #[must_use]
    pub fn lost_after(&self, seq: u64) -> Option<Lost> {
        (seq < self.low).then_some(Lost {
            to: self.low,
            reason: self.low_reason,
        })
    }

    /// The highest place that was lost.
    #[must_use]
    pub const fn low(&self) -> u64 {
        self.low
    }

    /// Live messages above `seq`, in order.
    pub fn after(&self, seq: u64) -> impl Iterator<Item = &Item> {
        let start = self.items.partition_point(|item| item.seq <= seq);
        self.items.range(start..)
    }

    /// Whether something waits for a page of an earlier process that may be owed it.
    #[must_use]
    pub fn holds_for_return(&self) -> bool {
        self.items.iter().any(|item| item.maybe_owed)
    }

    /// All live messages, in order.
    pub fn items_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        self.items.iter_mut()
    }

    /// The live message at this place.
    #[must_use]
    pub fn item(&self, seq: u64) -> Option<&Item> {
        let index = self.items.binary_search_by_key(&seq, |item| item.seq).ok()?;
        self.items.get(index)
    }

    /// The live message at this place, to be changed.
    pub fn item_mut(&mut self, seq: u64) -> Option<&mut Item> {
        let index = self.items.binary_search_by_key(&seq, |item| item.seq).ok()?;
        self.items.get_mut(index)
    }

    fn lose(&mut self, seq: u64, reason: GapReason) {
        if seq > self.low {
            self.low = seq;
            self.low_reason = reason;
        }
    }

    fn take(&mut self, index: usize) -> Option<Item> {
        let item = self.items.remove(index)?;
        self.bytes -= item.size();
        self.give_back();
        Some(item)
    }

    fn take_where(&mut self, gone: impl Fn(&Item) -> bool) -> Vec<Item> {
        let mut taken = Vec::new();
        self.items.retain(|item| {
            let goes = gone(item);
            if goes {
                taken.push(item.clone());
            }
            !goes
        });
        self.bytes -= taken.iter().map(Item::size).sum::<usize>();
        self.give_back();
        taken
    }

    /// An empty ring holds no memory: most heads are empty most of the time.
    fn give_back(&mut self) {
        if self.items.is_empty() {
            self.items = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crier_platform::model::message::Door;
    use crier_proto::ids::AppId;

    const BOUNDS: RingBounds = RingBounds {
        items_max: 1_000,
        bytes_max: 1 << 20,
    };

    fn uid(number: i64) -> Uid {
        Uid::new(number).expect("a positive number is a uid")
    }

    fn item(text: &str, ttl_ms: u64) -> Item {
        let message = NewMessage {
            id: MessageId::from_bytes([7; 16]),
            door: Door::Rest,
            app: AppId::new(1).expect("1 is an application id"),
            sender: uid(1),
            recipient: uid(2),
            via: Via::App,
            event: "e".into(),
            text: text.into(),
            ttl_ms,
            collapse_key: None,
            fanout: Fanout::All,
            receipt: false,
        };
        Item::of(message, WallMs(0), ElapsedMs(0))
    }

    fn keyed(text: &str, key: &str) -> Item {
        Item {
            collapse_key: Some(key.into()),
            ..item(text, 60_000)
        }
    }

    fn mailbox() -> Mailbox {
        Mailbox::new(Epoch::from_bytes([1; 8]))
    }

    fn texts(mailbox: &Mailbox, after: u64) -> Vec<(u64, &str)> {
        mailbox.after(after).map(|item| (item.seq, &*item.text)).collect()
    }

    #[test]
    fn places_rise_by_one_from_one() {
        let mut mailbox = mailbox();
        for expected in 1..=3 {
            assert_eq!(mailbox.commit(item("x", 60_000), true, BOUNDS).0, expected);
        }
        assert_eq!(mailbox.cursor().seq, 3);
        assert_eq!(texts(&mailbox, 1), [(2, "x"), (3, "x")]);
        assert_eq!(mailbox.lost_after(0), None);
    }

    #[test]
    fn mailbox_ring_of_1001_messages_drops_the_oldest_and_says_so() {
        let mut mailbox = mailbox();
        for _ in 0..1_000 {
            assert!(mailbox.commit(item("x", 60_000), true, BOUNDS).1.is_empty());
        }
        let (seq, left) = mailbox.commit(item("y", 60_000), true, BOUNDS);
        assert_eq!(seq, 1_001);
        assert_eq!((left.len(), left[0].0.seq, left[0].1), (1, 1, Ended::Dropped));
        assert_eq!(mailbox.len(), 1_000);
        let lost = Lost {
            to: 1,
            reason: GapReason::Overflow,
        };
        assert_eq!(mailbox.lost_after(0), Some(lost));
        assert_eq!(mailbox.lost_after(1), None);
    }

    #[test]
    fn mailbox_ring_of_one_mebibyte_drops_until_the_new_message_fits() {
        let mut mailbox = mailbox();
        let text = "z".repeat(1_024);
        for _ in 0..1_000 {
            mailbox.commit(item(&text, 60_000), true, BOUNDS);
            assert!(mailbox.bytes() <= 1 << 20);
        }
        assert_eq!(mailbox.len(), (1 << 20) / (1_024 + 1 + 128));
        assert_eq!(mailbox.bytes(), mailbox.after(0).map(Item::size).sum::<usize>());
    }

    #[test]
    fn what_expires_in_the_middle_moves_low_and_leaves_the_others() {
        let mut mailbox = mailbox();
        mailbox.commit(item("long", 5_000), true, BOUNDS);
        mailbox.commit(item("short", 1_000), true, BOUNDS);
        assert!(mailbox.expire(ElapsedMs(999)).is_empty());
        let gone = mailbox.expire(ElapsedMs(1_000));
        assert_eq!(gone.len(), 1);
        assert_eq!(texts(&mailbox, 0), [(1, "long")]);
        let lost = Lost {
            to: 2,
            reason: GapReason::Expired,
        };
        assert_eq!(mailbox.lost_after(0), Some(lost));
        assert_eq!(mailbox.expire(ElapsedMs(5_000)).len(), 1);
        assert_eq!((mailbox.bytes(), mailbox.is_empty(), mailbox.low()), (0, true, 2));
    }

    #[test]
    fn a_collapse_key_replaces_without_a_loss() {
        let mut mailbox = mailbox();
        mailbox.commit(keyed("old", "k"), true, BOUNDS);
        mailbox.commit(keyed("other", "j"), true, BOUNDS);
        let (_, left) = mailbox.commit(keyed("new", "k"), true, BOUNDS);
        assert_eq!((&*left[0].0.text, left[0].1), ("old", Ended::Replaced));
        assert_eq!(texts(&mailbox, 0), [(2, "other"), (3, "new")]);
        assert_eq!(mailbox.lost_after(0), None);
        let foreign = Item {
            sender: uid(9),
            ..keyed("foreign", "k")
        };
        assert!(mailbox.commit(foreign, true, BOUNDS).1.is_empty());
    }

    #[test]
    fn a_message_without_life_takes_a_place_and_is_at_once_lost() {
        let mut mailbox = mailbox();
        assert_eq!(mailbox.commit(item("now", 0), false, BOUNDS).0, 1);
        assert!(mailbox.is_empty());
        assert_eq!(mailbox.lost_after(0).map(|lost| lost.to), Some(1));
    }

    #[test]
    fn a_removed_message_leaves_without_a_loss_and_once() {
        let mut mailbox = mailbox();
        mailbox.commit(item("a", 60_000), true, BOUNDS);
        mailbox.commit(item("b", 60_000), true, BOUNDS);
        let place = (MessageId::from_bytes([7; 16]), 1);
        assert_eq!(mailbox.remove(place).map(|item| item.text), Some("a".into()));
        assert!(mailbox.remove(place).is_none());
        assert_eq!(texts(&mailbox, 0), [(2, "b")]);
        assert_eq!((mailbox.lost_after(0), mailbox.bytes()), (None, 1 + 1 + 128));
    }

    #[test]
    fn revoked_messages_leave_without_a_loss() {
        let mut mailbox = mailbox();
        mailbox.commit(item("a", 60_000), true, BOUNDS);
        mailbox.commit(item("b", 60_000), true, BOUNDS);
        assert_eq!(mailbox.revoke(|item| &*item.text == "a").len(), 1);
        assert_eq!(texts(&mailbox, 0), [(2, "b")]);
        assert_eq!(mailbox.lost_after(0), None);
        assert!(mailbox.item(1).is_none());
        assert!(
            mailbox.remove((MessageId::from_bytes([8; 16]), 2)).is_none(),
            "another message"
        );
        assert_eq!(mailbox.item_mut(2).map(|item| item.seq), Some(2));
    }
}
