//! The delivery-log checker: exactly once, or a gap (live 1.1, 6.10). Pure: it judges what a test wrote down.

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

    /// Every breach, in order of page and kind; none: the promise held.
    #[must_use]
    pub fn breaches(&self) -> Vec<Broken> {
        let mut breaches: Vec<Broken> = self
            .pages
            .iter()
            .flat_map(|(name, life)| self.breaches_of(name, life))
            .collect();
        breaches.sort_unstable();
        breaches
    }

    fn breaches_of(&self, name: &str, life: &PageLife) -> Vec<Broken> {
        let page = || name.to_owned();
        let mut breaches = Vec::new();
        let mut started = BTreeSet::new();
        let mut highest = 0;
        for &seq in &life.starts {
            if !started.insert(seq) {
                breaches.push(Broken::StartedTwice { page: page(), seq });
            } else if !self.sent.contains(&seq) {
                breaches.push(Broken::NeverSent { page: page(), seq });
            }
            if !life.out_of_order.contains(&seq) {
                if seq < highest {
                    breaches.push(Broken::OutOfOrder { page: page(), seq });
                }
                highest = highest.max(seq);
            }
        }
        let is_told = |seq: u64| {
            life.gaps
                .iter()
                .any(|(from, to)| *from <= seq && to.is_none_or(|to| seq <= to))
        };
        let owed = self.sent.iter().copied().filter(|seq| *seq > life.owed_after);
        let missed = owed.filter(|seq| !started.contains(seq) && !is_told(*seq));
        breaches.extend(missed.map(|seq| Broken::Missed { page: page(), seq }));
        breaches
    }
}
