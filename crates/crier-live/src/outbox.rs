//! What one connection has not yet handed to the kernel (live section 8).
//!
//! Promise: order kept; messages never exceed the bound, short control frames never exceed bound and reserve; memory is held only
//! while something waits, and the bound is one on memory: what a frame takes beside its bytes counts with them, or a reader of short
//! messages that stops would hold twice as much (live 8.5). Knows no socket, no mailbox, no ledger.

use crate::mailbox::PageNo;
use bytes::Bytes;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::ids::{MessageId, Uid};
use std::collections::VecDeque;

/// Bytes kept free for ping, gap, cancel, drain and bye (live 8.1).
pub const RESERVE_BYTES: usize = 1_024;

/// What a waiting frame takes beside its bytes: its entry in the queue, its list of pages, and what the allocator adds to both and to
/// the bytes.
pub const ENTRY_BYTES: usize = size_of::<Queued>() + 64;
/// The queue grows by so many entries: by doubling it would hold up to twice what is counted.
const ENTRIES_MORE: usize = 16;

/// Whose message a frame carries, so that its writing can be counted and its sender's withdrawal can stop it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The message.
    pub id: MessageId,
    /// Its place.
    pub seq: u64,
    /// Who sent it.
    pub sender: Uid,
    /// When it was committed: a withdrawal concerns what came before it.
    pub sent_at: WallMs,
    /// No write begins at or after this moment; the one immediate offer of `ttl=0` has no end (live 5.2).
    pub expires: ElapsedMs,
    /// The pages it was offered to by this frame.
    pub pages: Box<[PageNo]>,
}

#[derive(Debug)]
struct Queued {
    bytes: Bytes,
    receipt: Option<Receipt>,
    /// What it counts: a short frame of the server's own counts its bytes alone, so that the reserve is all for those.
    weight: usize,
}

/// One connection's waiting frames.
#[derive(Debug, Default)]
pub struct Outbox {
    frames: VecDeque<Queued>,
    bytes: usize,
    /// The first frame is with the transport: it can neither be dropped nor counted as written yet.
    in_flight: bool,
}

impl Outbox {
    /// Queues a message frame, unless it would exceed `bound`.
    pub fn offer(&mut self, bytes: Bytes, receipt: Receipt, bound: usize) -> bool {
        // A frame larger than the whole bound would never fit: it is let through alone.
        let weight = bytes.len() + ENTRY_BYTES;
        let fits = self.frames.is_empty() || self.bytes + weight <= bound;
        if fits {
            self.push(bytes, Some(receipt), weight);
        }
        fits
    }

    /// Queues a short control frame, unless it would exceed `bound` and the reserve.
    pub fn control(&mut self, bytes: Bytes, bound: usize) -> bool {
        let weight = bytes.len();
        let fits = self.bytes + weight <= bound + RESERVE_BYTES;
        if fits {
            self.push(bytes, None, weight);
        }
        fits
    }

    /// Queues an answer to a frame of the page. Answers are bounded by taking up no further frame while much waits.
    pub fn answer(&mut self, bytes: Bytes) {
        let weight = bytes.len() + ENTRY_BYTES;
        self.push(bytes, None, weight);
    }

    /// The frame to be written, when none is with the transport.
    pub fn next_frame(&mut self) -> Option<Bytes> {
        if self.in_flight {
            return None;
        }
        let bytes = self.frames.front().map(|queued| queued.bytes.clone())?;
        self.in_flight = true;
        Some(bytes)
    }

    /// Whether a frame is with the transport.
    #[must_use]
    pub const fn is_in_flight(&self) -> bool {
        self.in_flight
    }

    /// The kernel has all bytes of the frame that was with the transport: the frame, and whose message it was.
    pub fn taken(&mut self) -> Option<(Bytes, Option<Receipt>)> {
        if !self.in_flight {
            return None;
        }
        self.in_flight = false;
        let queued = self.frames.pop_front()?;
        self.bytes -= queued.weight;
        self.give_back();
        Some((queued.bytes, queued.receipt))
    }

    /// Takes the frame back from a transport that has written nothing of it: until its first byte goes it can still be dropped.
    pub fn put_back(&mut self) {
        self.in_flight = false;
    }

    /// Drops the message frames at the front whose time is over, and says whose they were. The one with the transport stays.
    pub fn lapse(&mut self, now: ElapsedMs) -> Vec<Receipt> {
        let mut lapsed = Vec::new();
        while !self.in_flight
            && let Some(receipt) = self.frames.front().and_then(|queued| queued.receipt.as_ref())
            && receipt.expires <= now
            && let Some(queued) = self.frames.pop_front()
        {
            self.bytes -= queued.weight;
            lapsed.extend(queued.receipt);
        }
        self.give_back();
        lapsed
    }

    /// Puts a short frame before everything that waits; the one with the transport is not there.
    pub fn put_first(&mut self, bytes: Bytes) {
        let weight = bytes.len();
        self.bytes += weight;
        self.make_place();
        self.frames.push_front(Queued {
            bytes,
            receipt: None,
            weight,
        });
    }

    /// Drops waiting message frames that `gone` names, and says whose they were; the one with the transport stays.
    pub fn withdraw(&mut self, gone: impl Fn(&Receipt) -> bool) -> Vec<Receipt> {
        let mut first = self.in_flight;
        let mut dropped = Vec::new();
        let bytes = &mut self.bytes;
        self.frames.retain_mut(|queued| {
            if std::mem::take(&mut first) || !queued.receipt.as_ref().is_some_and(&gone) {
                return true;
            }
            *bytes -= queued.weight;
            dropped.extend(queued.receipt.take());
            false
        });
        self.give_back();
        dropped
    }

    /// Whether a message waits or is with the transport.
    #[must_use]
    pub fn carries(&self, id: MessageId) -> bool {
        let mut receipts = self.frames.iter().filter_map(|queued| queued.receipt.as_ref());
        receipts.any(|receipt| receipt.id == id)
    }

    /// Waiting bytes, with what the messages and answers among them take beside.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Waiting frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn push(&mut self, bytes: Bytes, receipt: Option<Receipt>, weight: usize) {
        self.bytes += weight;
        self.make_place();
        self.frames.push_back(Queued {
            bytes,
            receipt,
            weight,
        });
    }

    fn make_place(&mut self) {
        if self.frames.len() == self.frames.capacity() {
            let more = if self.frames.is_empty() { 1 } else { ENTRIES_MORE };
            self.frames.reserve_exact(more);
        }
    }

    fn give_back(&mut self) {
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: usize = 100 + 4 * ENTRY_BYTES;

    fn receipt(sender: i64) -> Receipt {
        Receipt {
            id: MessageId::from_bytes([1; 16]),
            seq: 1,
            sender: Uid::new(sender).expect("a positive number is a uid"),
            sent_at: WallMs(0),
            expires: ElapsedMs(60_000),
            pages: Box::new([PageNo(1)]),
        }
    }

    fn frame(length: usize) -> Bytes {
        Bytes::from(vec![b'x'; length])
    }

    #[test]
    fn outbox_of_its_bound_takes_no_further_message_but_control_frames() {
        let bound = 100 + 2 * ENTRY_BYTES;
        let mut outbox = Outbox::default();
        assert!(outbox.offer(frame(60), receipt(1), bound));
        assert!(outbox.offer(frame(40), receipt(1), bound));
        assert!(!outbox.offer(frame(1), receipt(1), bound));
        assert!(outbox.control(frame(RESERVE_BYTES), bound));
        assert!(!outbox.control(frame(1), bound));
        assert_eq!(outbox.bytes(), bound + RESERVE_BYTES);
    }

    #[test]
    fn outbox_bytes_max_bounds_the_memory_of_short_messages_with_all_that_they_take_beside() {
        const LIVE_BOUND: usize = 65_536;
        let mut outbox = Outbox::default();
        let mut frames = 0;
        while outbox.offer(frame(100), receipt(1), LIVE_BOUND) {
            frames += 1;
        }
        assert_eq!(frames, LIVE_BOUND / (100 + ENTRY_BYTES));
        let entries = outbox.frames.capacity() * size_of::<Queued>();
        assert!(entries + frames * (100 + 64) <= LIVE_BOUND + ENTRIES_MORE * size_of::<Queued>());
        while outbox.next_frame().is_some() {
            outbox.taken();
        }
        assert_eq!((outbox.bytes(), outbox.frames.capacity()), (0, 0));
    }

    #[test]
    fn a_frame_counts_as_written_only_when_it_was_taken() {
        let mut outbox = Outbox::default();
        assert!(outbox.taken().is_none());
        outbox.offer(frame(10), receipt(1), BOUND);
        outbox.answer(frame(5));
        assert_eq!(outbox.next_frame().map(|bytes| bytes.len()), Some(10));
        assert!(outbox.next_frame().is_none());
        assert_eq!(outbox.taken(), Some((frame(10), Some(receipt(1)))));
        assert_eq!(outbox.next_frame().map(|bytes| bytes.len()), Some(5));
        assert_eq!(outbox.taken(), Some((frame(5), None)));
        assert!(outbox.is_empty() && outbox.bytes() == 0);
    }

    #[test]
    fn what_lapses_leaves_from_the_front_and_never_from_the_transport() {
        let mut outbox = Outbox::default();
        for seconds in [1, 2, 9, 3] {
            let expires = ElapsedMs(seconds * 1_000);
            outbox.offer(
                frame(10),
                Receipt {
                    expires,
                    ..receipt(1)
                },
                BOUND,
            );
        }
        let ends = |lapsed: Vec<Receipt>| lapsed.iter().map(|gone| gone.expires.0).collect::<Vec<_>>();
        assert!(ends(outbox.lapse(ElapsedMs(999))).is_empty());
        assert!(outbox.next_frame().is_some());
        assert!(
            outbox.lapse(ElapsedMs(5_000)).is_empty(),
            "the transport may have begun"
        );
        outbox.put_back();
        assert_eq!(ends(outbox.lapse(ElapsedMs(5_000))), [1_000, 2_000]);
        assert_eq!(outbox.bytes(), 2 * (10 + ENTRY_BYTES));
        outbox.put_first(frame(3));
        assert_eq!(outbox.next_frame().map(|bytes| bytes.len()), Some(3));
    }

    #[test]
    fn a_withdrawn_sender_s_messages_leave_but_for_the_one_with_the_transport() {
        let mut outbox = Outbox::default();
        for sender in [1, 2, 1] {
            outbox.offer(frame(10), receipt(sender), BOUND);
        }
        assert!(outbox.next_frame().is_some());
        assert_eq!(outbox.withdraw(|receipt| receipt.sender.get() == 1), [receipt(1)]);
        assert_eq!(outbox.bytes(), 2 * (10 + ENTRY_BYTES));
        assert_eq!(outbox.taken(), Some((frame(10), Some(receipt(1)))));
        assert!(outbox.next_frame().is_some());
        assert_eq!(outbox.taken(), Some((frame(10), Some(receipt(2)))));
    }
}
