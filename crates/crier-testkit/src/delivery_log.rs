//! The delivery book of one recipient in one epoch, in the words of a test that has no others: exactly once, or a gap (live 1.1).
//! Judges nothing itself: the book does.

use crate::delivery_book::{Breach, DeliveryBook, FanOut, PageRecord, Place, Sent, Start, Told};
use std::collections::{BTreeMap, BTreeSet};

/// What one page lived through, in its own order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageLife {
    /// Messages with a higher seq are owed to the page (live 1.3).
    pub owed_after: u64,
    /// Seqs of the handlers that started, in order.
    pub starts: Vec<u64>,
    /// Gaps told, `from` and `to`; no `to`: everything from there on may be missing.
    pub gaps: Vec<(u64, Option<u64>)>,
    /// Starts that live 1.4 lets stand out of order: inherited and offered again.
    pub out_of_order: BTreeSet<u64>,
}

/// What the promise forbids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// A handler ran twice for one message.
    StartedTwice {
        /// The page.
        page: String,
        /// The message.
        seq: u64,
    },
    /// A message was owed, not run, and no gap covers it.
    Missed {
        /// The page.
        page: String,
        /// The message.
        seq: u64,
    },
    /// A message ran after one of a higher seq.
    OutOfOrder {
        /// The page.
        page: String,
        /// The message.
        seq: u64,
    },
    /// A message ran that nobody sent.
    NeverSent {
        /// The page.
        page: String,
        /// The message.
        seq: u64,
    },
}

/// The messages sent to one recipient of one application, and the pages that were to run them.
#[derive(Debug, Clone, Default)]
pub struct DeliveryLog {
    sent: BTreeSet<u64>,
    pages: BTreeMap<String, PageLife>,
}

impl DeliveryLog {
    /// A message was accepted at this seq.
    pub fn sent(&mut self, seq: u64) {
        self.sent.insert(seq);
    }

    /// The record of a page, made on first use.
    pub fn page(&mut self, name: &str) -> &mut PageLife {
        self.pages.entry(name.to_owned()).or_default()
    }

    /// Every breach, in order of kind, page and seq; none: the promise held.
    #[must_use]
    pub fn breaches(&self) -> Vec<Broken> {
        let mut book = DeliveryBook::default();
        for &seq in &self.sent {
            let (recipient, fan_out, place) = (0, FanOut::All, Some(at(seq)));
            book.sent(
                seq,
                Sent {
                    recipient,
                    fan_out,
                    place,
                },
            );
        }
        for (name, life) in &self.pages {
            *book.page(name) = life.record();
        }
        book.judge().breaches.into_iter().filter_map(broken).collect()
    }
}

impl PageLife {
    fn record(&self) -> PageRecord {
        let start = |&seq| Start {
            message: seq,
            place: at(seq),
            once: self.out_of_order.contains(&seq),
            redelivered: false,
        };
        let told = |&(from, to): &(u64, Option<u64>)| Told {
            from: at(from),
            to: at(to.unwrap_or(u64::MAX)),
            reason: String::new(),
        };
        PageRecord {
            owed_after: at(self.owed_after),
            starts: self.starts.iter().map(start).collect(),
            gaps: self.gaps.iter().map(told).collect(),
            ..PageRecord::default()
        }
    }
}

fn at(seq: u64) -> Place {
    Place { life: 0, seq }
}

/// The breach in a log's words; one recipient's messages for all his pages break in no other way.
fn broken(breach: Breach) -> Option<Broken> {
    match breach {
        Breach::StartedTwice { page, message: seq } => Some(Broken::StartedTwice { page, seq }),
        Breach::Missed { page, message: seq } => Some(Broken::Missed { page, seq }),
        Breach::OutOfOrder { page, message: seq } => Some(Broken::OutOfOrder { page, seq }),
        Breach::Foreign { page, message: seq } => Some(Broken::NeverSent { page, seq }),
        Breach::RanInTwo { .. } | Breach::RanNowhere { .. } => None,
    }
}
