//! What happened to one message, in a few bytes each (live 7.5).
//!
//! Promise: at most 64 entries, the first ones kept, in the order in which they happened. Pages stand as places in their record's
//! list, moments as what has passed since the commit. Knows no record and no clock.

use crate::snapshot::codec::{In, Out};
use crier_platform::model::message::What;

/// Entries of one message at most (live 7.5).
pub(super) const ENTRIES_MAX: usize = 64;

/// The place of no page.
const NO_PAGE: u16 = u16::MAX;

/// What a snapshot writes for each word: its place here. `Accepted` and `NoHandler` follow from the record and are never kept.
const KEPT: [What; 11] = [
    What::Offered,
    What::Written,
    What::Acked,
    What::Failed,
    What::Released,
    What::Cancelled,
    What::Replaced,
    What::Revoked,
    What::Dropped,
    What::Expired,
    What::ReceiptPosted,
];

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Milliseconds since the commit.
    pub(super) after_ms: u32,
    page: u16,
    /// What.
    pub(super) what: What,
}

impl Entry {
    /// The page's place in the record's list.
    pub(super) fn page(self) -> Option<usize> {
        (self.page != NO_PAGE).then_some(self.page.into())
    }
}

/// The entries that do not follow from the record itself. The first lies here: most messages that no page has a handler for have
/// no other, and are spared an allocation that would be kept as long as their record.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    first: Option<Entry>,
    later: Vec<Entry>,
}

impl Timeline {
    /// Adds an entry; false when `entries_max` of them are there, and it is left out.
    pub(super) fn note(
        &mut self,
        what: What,
        (page, after_ms): (Option<usize>, u32),
        entries_max: usize,
    ) -> bool {
        let fits = self.len() < entries_max;
        if fits {
            // The wall clock may be set back by its owner; the order of entries is that of what happened.
            let before = self.later.last().or(self.first.as_ref());
            self.add(Entry {
                after_ms: after_ms.max(before.map_or(0, |entry| entry.after_ms)),
                page: page.and_then(|page| u16::try_from(page).ok()).unwrap_or(NO_PAGE),
                what,
            });
        }
        fits
    }

    /// The entries, oldest first.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.first.iter().chain(&self.later)
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.later.len()
    }

    fn add(&mut self, entry: Entry) {
        match self.first {
            None => self.first = Some(entry),
            Some(_) => self.later.push(entry),
        }
    }

    /// Writes it into a snapshot.
    pub(super) fn write(&self, out: &mut Out) {
        out.count(self.len());
        for entry in self.entries() {
            let code = KEPT.iter().position(|what| *what == entry.what);
            out.byte(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX));
            out.short(entry.after_ms);
            out.short(entry.page.into());
        }
    }

    /// Reads what `write` wrote, of a record with so many pages.
    pub(super) fn read(payload: &mut In<'_>, pages: usize) -> Option<Self> {
        let entries = payload.all(|payload| {
            let what = *KEPT.get(usize::from(payload.byte()?))?;
            let after_ms = payload.short()?;
            let page = u16::try_from(payload.short()?).ok()?;
            let known = page == NO_PAGE || usize::from(page) < pages;
            known.then_some(Entry { after_ms, page, what })
        })?;
        (entries.len() <= ENTRIES_MAX).then(|| {
            let mut timeline = Self::default();
            entries.into_iter().for_each(|entry| timeline.add(entry));
            timeline
        })
    }
}
