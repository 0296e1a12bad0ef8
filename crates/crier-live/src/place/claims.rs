//! Messages that exactly one page may run: `one`, `focused`, and orphans that a new page inherits (live 1.3 c, 6.4 to 6.6).

use super::{Around, Place, Touched, touch};
use crate::durable::words::Claim;
use crate::mailbox::{Item, PageNo};
use crate::metrics::Overflow;
use crate::place::offers::shared;
use crate::place::pages::Page;
use crier_platform::model::mailbox::RowNo;
use crier_platform::model::time::ElapsedMs;
use crier_proto::frame::PageId;
use crier_proto::message::Fanout;
use std::cmp::Reverse;

/// What a page is remembered to have lost between two connections; more of it is told as one wider gap.
const LOST_CLAIMS_MAX: usize = 64;

impl Place {
    /// Gives a new message to one page; without a connected one it waits for the next that registers.
    pub(super) fn claim_new(&mut self, around: &Around<'_>, item: &Item, touched: &mut Touched) {
        let Some(index) = self.chosen(item) else { return };
        let no = self.pages[index].no;
        let Some(link) = self.pages[index].link.clone() else {
            return;
        };
        let claimed = Item {
            claim: Some(no),
            ..item.clone()
        };
        if !self.claim(around, item, no) {
            return;
        }
        let page = &self.pages[index];
        if page.behind.is_some() {
            return;
        }
        let bytes = shared(around, &claimed)
            .for_connection(std::slice::from_ref(&page.name), true, false)
            .into();
        if self.put(around, &link, (&claimed, &[index], bytes)) {
            touch(touched, &link);
        } else {
            around.metrics.overflow(Overflow::Outbox);
            self.fall_behind(&[index], item.seq);
        }
    }

    /// Gives a page the sole right to run a message; false when the books must know of it before the message is offered.
    fn claim(&mut self, around: &Around<'_>, item: &Item, page: PageNo) -> bool {
        let kept = around.keeper.is_none() || item.kept_claim == Some(page);
        if let Some(own) = self.mailbox.item_mut(item.seq) {
            own.claim = Some(page);
            if let (Some(keeper), false) = (around.keeper, kept) {
                // Until they answer, nobody knows what the books say.
                own.kept_claim = None;
                keeper.unkept.claim(around.key, own.seq);
            }
        }
        kept
    }

    /// The claim on the message at this place as the books are to have it, if they do not have it yet.
    pub(crate) fn claim_at(&self, seq: u64) -> Option<(RowNo, PageNo, Vec<u8>)> {
        let item = self.mailbox.item(seq)?;
        let no = item.claim.filter(|_| item.claim != item.kept_claim)?;
        let page = self.pages.iter().find(|page| page.no == no)?;
        let claim = Claim {
            page: page.name.clone(),
            redelivered: item.redelivered,
        };
        Some((item.row?, no, claim.words()))
    }

    /// Whether the claim on a message lets it be offered: in durable mode the books know it (ADR 12).
    pub(super) fn claim_stands(around: &Around<'_>, item: &Item) -> bool {
        around.keeper.is_none() || item.claim == item.kept_claim
    }

    /// The books know of this page's claim on the message at this place: now it may be offered.
    pub(crate) fn claim_kept(
        &mut self,
        around: &Around<'_>,
        (seq, no): (u64, PageNo),
        touched: &mut Touched,
    ) {
        let Some(item) = self.mailbox.item_mut(seq) else {
            return;
        };
        if item.claim != Some(no) {
            // Its page has ended meanwhile: the next claim is on its way.
            return;
        }
        item.kept_claim = Some(no);
        let item = item.clone();
        let Some(index) = self.pages.iter().position(|page| page.no == no) else {
            return;
        };
        let page = &mut self.pages[index];
        if !page.comes_to(&item) && !page.pending.contains(&seq) {
            page.pending.push(seq);
        }
        if let Some(link) = page.link.clone() {
            if link.state().may_read_on() || page.behind.is_none() {
                self.read_on(around, &link);
            }
            touch(touched, &link);
        }
    }

    /// Which connected page gets a message that one alone may run.
    pub(crate) fn chosen(&self, item: &Item) -> Option<usize> {
        let focused = item.fanout == Fanout::Focused;
        let candidates = self.pages.iter().enumerate().filter(|(_, page)| {
            let inherits = item.fanout != Fanout::All || page.inherit;
            page.link.is_some() && page.handles(&item.event) && inherits
        });
        let rank = |page: &Page| {
            // Its connection may lag for the sake of another page, while it misses nothing itself.
            let lagging = page.link.as_ref().is_some_and(|link| link.state().is_lagging());
            let has_focus = focused && page.focus;
            (lagging, !has_focus, Reverse(page.focused), page.seated)
        };
        candidates
            .min_by_key(|(_, page)| rank(page))
            .map(|(index, _)| index)
    }

    /// Claims for a page that comes or registers what nobody else is owed.
    pub(super) fn take_unclaimed(&mut self, around: &Around<'_>, index: usize, events: &[String]) {
        let mut taken = Vec::new();
        let page = &self.pages[index];
        let position = page.behind.map_or(u64::MAX, |behind| behind.seq);
        for item in self.mailbox.after(0) {
            let wanted = events.iter().any(|name| **name == *item.event) && page.handles(&item.event);
            // What this very page was given in order and has settled by its cursor is no orphan to it. Its cursor says nothing of a
            // claim that it has lost: that may have stood below it when it was offered.
            let offered = item.offered && !item.redelivered;
            let had = offered && item.seq <= position && around.records.was_offered(item.id, page.no);
            let held = item.maybe_owed && around.now < around.recovered_at;
            if !wanted || item.acked || item.claim.is_some() || had || held {
                continue;
            }
            match item.fanout {
                Fanout::One | Fanout::Focused => taken.push(item.seq),
                Fanout::All if page.inherit && !self.is_owed_to_anyone(item) => taken.push(item.seq),
                Fanout::All => {}
            }
        }
        let no = page.no;
        for seq in taken {
            let Some(item) = self.mailbox.item_mut(seq) else {
                continue;
            };
            item.redelivered |= item.offered;
            let item = item.clone();
            let stands = self.claim(around, &item, no);
            if stands && (seq <= position || item.fanout == Fanout::All) {
                self.pages[index].pending.push(seq);
            }
        }
    }

    /// Gives what was held for pages of an earlier process to those that are here, once the others have had their time to come
    /// back. Returns until when it is held, if it still is.
    pub(crate) fn give_held(&mut self, around: &Around<'_>) -> Option<ElapsedMs> {
        if !self.mailbox.holds_for_return() {
            return None;
        }
        if around.now < around.recovered_at {
            return Some(around.recovered_at);
        }
        self.mailbox.items_mut().for_each(|item| item.maybe_owed = false);
        for index in self.indexes(|page| page.link.is_some()) {
            let events = self.pages[index].handlers.iter();
            let events: Vec<String> = events.map(|handler| handler.event.to_string()).collect();
            self.take_unclaimed(around, index, &events);
        }
        None
    }

    /// Whether a present page has a right to this message of its own (live 1.3 a, b).
    fn is_owed_to_anyone(&self, item: &Item) -> bool {
        self.pages
            .iter()
            .any(|page| page.after(&item.event).is_some_and(|after| after < item.seq))
    }

    /// A page that has come back within its grace still has its claims: they are offered again.
    pub(super) fn regain_claims(&mut self, index: usize, start: u64) {
        let page = &mut self.pages[index];
        let own = self
            .mailbox
            .after(0)
            .filter(|item| item.claim == Some(page.no) && !item.acked);
        let again = own.filter(|item| item.seq <= start || item.fanout == Fanout::All);
        page.pending.extend(again.map(|item| item.seq));
    }

    /// A message has left the mailbox unacked: the page that alone might run it is told when it comes back, unless it acks late.
    pub(super) fn lose_claim(&mut self, item: &Item) {
        let Some(no) = item.claim.filter(|_| !item.acked) else {
            return;
        };
        if let Some(page) = self.pages.iter_mut().find(|page| page.no == no) {
            if page.lost_claims.len() == LOST_CLAIMS_MAX {
                // The gap reaches from the first to the last of them all the same.
                page.lost_claims.remove(1);
            }
            page.lost_claims.push((item.seq, item.id));
        }
    }

    /// The first and last place at or below `start` of what a page that comes back had claimed and never acked, and has lost. What
    /// lies above is told as every other loss.
    pub(super) fn claims_lost_below(
        &mut self,
        around: &Around<'_>,
        (index, start): (usize, u64),
    ) -> Option<(u64, u64)> {
        let page = &mut self.pages[index];
        let no = page.no;
        let lost = std::mem::take(&mut page.lost_claims).into_iter();
        let lost = lost.filter(|(seq, id)| *seq <= start && !around.records.was_acked_by(*id, no));
        let mut seqs = lost.map(|(seq, _)| seq);
        let first = seqs.next()?;
        Some((first, seqs.next_back().unwrap_or(first)))
    }

    /// Offers what an ended page had claimed to another, marked as offered before.
    pub(super) fn release_claims(
        &mut self,
        around: &Around<'_>,
        gone: (PageNo, &PageId),
        touched: &mut Touched,
    ) {
        let mut free = Vec::new();
        for item in self.mailbox.items_mut() {
            if item.claim == Some(gone.0) && !item.acked {
                around.records.released(item.id, gone, around.wall);
                item.claim = None;
                item.redelivered |= item.offered;
                free.push(item.clone());
            }
        }
        for item in free {
            let Some(index) = self.chosen(&item) else { continue };
            let (no, link) = (self.pages[index].no, self.pages[index].link.clone());
            if !self.claim(around, &item, no) || self.pages[index].comes_to(&item) {
                continue;
            }
            if !self.offer_claimed(around, index, item.seq) {
                // The outbox is full: its connection lags and reads on later, pending messages first.
                self.pages[index].pending.push(item.seq);
            }
            if let Some(link) = &link {
                touch(touched, link);
            }
        }
    }
}
