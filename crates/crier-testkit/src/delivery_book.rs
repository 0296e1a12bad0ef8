//! The checker of live delivery for many recipients, restarts and crashes (live 1.1 to 1.4, 6.4 to 6.6, 6.10). Pure: it judges what
//! was written down, and every breach names the page and the message.
//!
//! Epochs are put in order by whoever writes: each is a life of the mailbox, and a message's place is its life and its seq.

use std::collections::{BTreeMap, BTreeSet};

/// A place in the history of one recipient's mailbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the epoch: a later epoch of one mailbox has a higher number.
    pub life: u32,
    /// The seq within the epoch.
    pub seq: u64,
}

/// Who is to run a message (live 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FanOut {
    /// Every page that is owed it.
    All,
    /// One page: `one` and `focused`.
    One,
}

/// A message that its sender gave away.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Whose pages are to run it.
    pub recipient: u64,
    /// Which of them.
    pub fan_out: FanOut,
    /// Where it was accepted; `None`: no answer came, so that it may run and is not owed.
    pub place: Option<Place>,
}

/// A handler that started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The sender's number of the message.
    pub message: u64,
    /// The place that the frame named.
    pub place: Place,
    /// The frame said `once`: it was claimed, so its order is free (live 1.4).
    pub once: bool,
    /// The frame said `redelivered`.
    pub redelivered: bool,
}

/// A gap told to a page: everything between the two places, both included, may have been missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The first place.
    pub from: Place,
    /// The last place.
    pub to: Place,
    /// The frame's reason.
    pub reason: String,
}

/// What one page lived through, in its own order.
#[derive(Debug, Clone, Default)]
pub struct PageRecord {
    /// Whose page it is.
    pub recipient: u64,
    /// Messages behind this place are owed to it (live 1.3).
    pub owed_after: Place,
    /// Handlers that started.
    pub starts: Vec<Start>,
    /// Gaps told.
    pub gaps: Vec<Told>,
    /// It ended before the log did: it is owed nothing behind its last start in order (live 1.2).
    pub ended: bool,
}

/// What the promise forbids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// A handler ran twice in one page.
    StartedTwice {
        /// The page.
        page: String,
        /// The message.
        message: u64,
    },
    /// A message was owed to the page, not run, and no gap covers it.
    Missed {
        /// The page.
        page: String,
        /// The message.
        message: u64,
    },
    /// A message ran after one that stands behind it.
    OutOfOrder {
        /// The page.
        page: String,
        /// The message.
        message: u64,
    },
    /// A message ran that nobody sent to this page's user.
    Foreign {
        /// The page.
        page: String,
        /// The message.
        message: u64,
    },
    /// A message for one page ran in a second one, and `redelivered` did not say so.
    RanInTwo {
        /// The page of the later start, in order of names.
        page: String,
        /// The message.
        message: u64,
    },
    /// A message for one page ran nowhere, and no gap that any page was told covers it.
    RanNowhere {
        /// The message.
        message: u64,
    },
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Every breach, in order of kind, page and message; none: the promise held.
    pub breaches: Vec<Breach>,
    /// Handlers that started.
    pub starts: u64,
    /// Starts that said `redelivered`.
    pub redelivered: u64,
    /// Messages for one page that ran nowhere, when no page lived from before them to the end.
    pub nobody_there: u64,
    /// Owed and not run, but covered by a gap: how many by the reason of the gap.
    pub covered: BTreeMap<String, u64>,
}

impl Verdict {
    /// Whether a message has not run that should have: it may still be on its way.
    #[must_use]
    pub fn owes_something(&self) -> bool {
        let is_owed = |breach: &Breach| matches!(breach, Breach::Missed { .. } | Breach::RanNowhere { .. });
        self.breaches.iter().any(is_owed)
    }
}

/// All messages and all pages of one run.
#[derive(Debug, Clone, Default)]
pub struct DeliveryBook {
    sent: BTreeMap<u64, Sent>,
    pages: BTreeMap<String, PageRecord>,
}

impl PageRecord {
    fn gap_over(&self, place: Place) -> Option<&Told> {
        self.gaps.iter().find(|gap| gap.from <= place && place <= gap.to)
    }

    fn last_in_order(&self) -> Place {
        let in_order = self.starts.iter().filter(|start| !start.once);
        in_order.map(|start| start.place).max().unwrap_or_default()
    }
}

impl DeliveryBook {
    /// A message was given away under the sender's number for it.
    pub fn sent(&mut self, message: u64, sent: Sent) {
        self.sent.insert(message, sent);
    }

    /// A message was refused after all: it may run nowhere.
    pub fn not_sent(&mut self, message: u64) {
        self.sent.remove(&message);
    }

    /// How many pages there were.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Doubles one delivery of this record and loses another, and names both messages: what a checker must find. `None` when no page
    /// has run three messages in order.
    pub fn spoil(&mut self) -> Option<(u64, u64)> {
        let sent = &self.sent;
        let is_owed = |start: &Start| {
            let of_all = sent.get(&start.message).map(|sent| sent.fan_out == FanOut::All);
            !start.once && of_all == Some(true)
        };
        let rich = |page: &&mut PageRecord| {
            page.gaps.is_empty() && page.starts.iter().filter(|start| is_owed(start)).count() > 2
        };
        let page = self.pages.values_mut().find(rich)?;
        let first = page.starts.iter().position(is_owed)?;
        let lost = page.starts.remove(first);
        let again = *page.starts.iter().rev().find(|start| is_owed(start))?;
        page.starts.push(again);
        Some((again.message, lost.message))
    }

    /// The record of a page, made on first use.
    pub fn page(&mut self, name: &str) -> &mut PageRecord {
        if !self.pages.contains_key(name) {
            self.pages.insert(name.to_owned(), PageRecord::default());
        }
        self.pages.entry(name.to_owned()).or_default()
    }

    /// Judges everything that was written down.
    #[must_use]
    pub fn judge(&self) -> Verdict {
        let mut verdict = Verdict::default();
        let mut owed: BTreeMap<u64, Vec<(Place, u64)>> = BTreeMap::new();
        for (&message, sent) in &self.sent {
            if let (FanOut::All, Some(place)) = (sent.fan_out, sent.place) {
                owed.entry(sent.recipient).or_default().push((place, message));
            }
        }
        for (name, page) in &self.pages {
            self.judge_starts((name, page), &mut verdict);
            let owed = owed.get(&page.recipient).map_or(&[][..], Vec::as_slice);
            judge_owed((name, page), owed, &mut verdict);
        }
        self.judge_claims(&mut verdict);
        verdict.breaches.sort_unstable();
        verdict
    }

    /// What stands around a breach, for whoever has to find its cause.
    #[must_use]
    pub fn around(&self, breach: &Breach) -> String {
        let (Breach::StartedTwice { page, message }
        | Breach::RanInTwo { page, message }
        | Breach::Missed { page, message }
        | Breach::OutOfOrder { page, message }
        | Breach::Foreign { page, message }) = breach
        else {
            return self.around_nowhere(breach);
        };
        let Some(record) = self.pages.get(page) else {
            return String::new();
        };
        let sent = self.sent.get(message);
        let place = sent.and_then(|sent| sent.place);
        let at = record.starts.iter().rposition(|start| start.message == *message);
        let behind = || record.starts.iter().position(|start| Some(start.place) > place);
        let at = at.or_else(behind).unwrap_or(record.starts.len());
        let near = record
            .starts
            .get(at.saturating_sub(3)..record.starts.len().min(at + 3));
        format!(
            "{sent:?}; page owed after {:?}, ended {}, gaps {:?}, near {near:?}",
            record.owed_after, record.ended, record.gaps
        )
    }

    fn around_nowhere(&self, breach: &Breach) -> String {
        let Breach::RanNowhere { message } = breach else {
            return String::new();
        };
        let sent = self.sent.get(message);
        let own = |page: &&PageRecord| sent.is_some_and(|sent| sent.recipient == page.recipient);
        let pages = self.pages.iter().filter(|(_, page)| own(page));
        let told: Vec<String> = pages
            .map(|(name, page)| {
                let (after, gaps) = (page.owed_after, &page.gaps);
                let last = page.starts.last();
                format!(
                    "{name} owed after {after:?}, ended {}, gaps {gaps:?}, last {last:?}",
                    page.ended
                )
            })
            .collect();
        format!("{sent:?}; {}", told.join("; "))
    }

    fn judge_starts(&self, (name, page): (&str, &PageRecord), verdict: &mut Verdict) {
        let mut started = BTreeSet::new();
        let mut highest = Place::default();
        for start in &page.starts {
            let (page_name, message) = (|| name.to_owned(), start.message);
            verdict.starts += 1;
            verdict.redelivered += u64::from(start.redelivered);
            let sent = self.sent.get(&message);
            if !started.insert(message) {
                let page = page_name();
                verdict.breaches.push(Breach::StartedTwice { page, message });
            } else if sent.is_none_or(|sent| sent.recipient != page.recipient) {
                let page = page_name();
                verdict.breaches.push(Breach::Foreign { page, message });
            }
            if !start.once {
                if start.place < highest {
                    let page = page_name();
                    verdict.breaches.push(Breach::OutOfOrder { page, message });
                }
                highest = highest.max(start.place);
            }
        }
    }

    fn judge_claims(&self, verdict: &mut Verdict) {
        let mut ran: BTreeMap<u64, u64> = BTreeMap::new();
        for (name, page) in &self.pages {
            for start in &page.starts {
                let sent = self.sent.get(&start.message);
                if sent.is_none_or(|sent| sent.fan_out != FanOut::One) {
                    continue;
                }
                let unsaid = ran.entry(start.message).or_insert(0);
                *unsaid += u64::from(!start.redelivered);
                if *unsaid > 1 && !start.redelivered {
                    let (page, message) = (name.clone(), start.message);
                    verdict.breaches.push(Breach::RanInTwo { page, message });
                }
            }
        }
        let idle = self.sent.iter().filter(|(message, sent)| {
            sent.fan_out == FanOut::One && sent.place.is_some() && !ran.contains_key(message)
        });
        for (&message, sent) in idle {
            let place = sent.place.unwrap_or_default();
            // Only a page that lived through it can tell that nothing was said (live 1.2).
            let lived: Vec<&PageRecord> = self
                .pages
                .values()
                .filter(|page| page.recipient == sent.recipient && !page.ended && page.owed_after < place)
                .collect();
            // Whoever is told of a new epoch knows that nothing is known of the old one, wherever in it he was.
            let covers = |gap: &&Told| gap.to.life > place.life || (gap.from <= place && place <= gap.to);
            match lived.iter().find_map(|page| page.gaps.iter().find(covers)) {
                Some(gap) => *verdict.covered.entry(gap.reason.clone()).or_insert(0) += 1,
                None if lived.is_empty() => verdict.nobody_there += 1,
                None => verdict.breaches.push(Breach::RanNowhere { message }),
            }
        }
    }
}

fn judge_owed((name, page): (&str, &PageRecord), owed: &[(Place, u64)], verdict: &mut Verdict) {
    let started: BTreeSet<u64> = page.starts.iter().map(|start| start.message).collect();
    let until = page.last_in_order();
    for &(place, message) in owed {
        let is_owed = place > page.owed_after && (!page.ended || place <= until);
        if !is_owed || started.contains(&message) {
            continue;
        }
        match page.gap_over(place) {
            Some(gap) => *verdict.covered.entry(gap.reason.clone()).or_insert(0) += 1,
            None => verdict.breaches.push(Breach::Missed {
                page: name.to_owned(),
                message,
            }),
        }
    }
}
