//! Putting messages and gaps into the outboxes of pages that are owed them (live 5.5, 6.4, 8.2).

use super::{Around, Place, Touched, touch};
use crate::link::Link;
use crate::mailbox::Item;
use crate::metrics::Overflow;
use crate::outbox::Receipt;
use crate::place::pages::{Behind, Page};
use bytes::Bytes;
use crier_platform::model::message::Via;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::frame::{GapReason, MessageFrame, PageId, ServerFrame, SharedMessage};
use crier_proto::message::{Fanout, data_of};
use std::sync::Arc;

/// Pages named by one gap frame: more would not fit into the reserve.
const GAP_PAGES_MAX: usize = 16;

/// First and last place that may have been missed, and why.
type Missed = (u64, Option<u64>, GapReason);

/// What some pages may have missed: equal losses share a frame.
#[derive(Default)]
struct Gaps(Vec<(Missed, Vec<usize>)>);

impl Gaps {
    fn add(&mut self, gap: Missed, page: usize) {
        match self.0.iter_mut().find(|(known, _)| *known == gap) {
            Some((_, pages)) => pages.push(page),
            None => self.0.push((gap, vec![page])),
        }
    }
}

/// Which frame of a message some pages of one connection need.
enum Meant {
    /// Every page of the connection with the handler.
    All,
    /// These alone.
    Named,
    /// One page, by claim.
    Claimed,
}

impl Place {
    /// Offers a message that has just been committed.
    pub(super) fn offer_new(&mut self, around: &Around<'_>, item: &Item, touched: &mut Touched) {
        match item.fanout {
            Fanout::All => self.offer_to_all(around, item, touched),
            Fanout::One | Fanout::Focused => self.claim_new(around, item, touched),
        }
    }

    fn offer_to_all(&mut self, around: &Around<'_>, item: &Item, touched: &mut Touched) {
        let mut shared: Option<Bytes> = None;
        for at in 0..self.links.len() {
            let Some(link) = self.links.get(at).map(Arc::clone) else {
                break;
            };
            let handling: Vec<usize> = self.indexes(|page| page.is_on(link.no) && page.handles(&item.event));
            let current: Vec<usize> = handling
                .iter()
                .copied()
                .filter(|index| self.pages[*index].behind.is_none())
                .collect();
            if current.is_empty() {
                continue;
            }
            let bytes = if current.len() == handling.len() {
                let frame = shared.get_or_insert_with(|| self.frame(around, item, (&current, &Meant::All)));
                frame.clone()
            } else {
                self.frame(around, item, (&current, &Meant::Named))
            };
            if self.put(around, &link, (item, &current, bytes)) {
                touch(touched, &link);
            } else {
                around.metrics.overflow(Overflow::Outbox);
                self.fall_behind(&current, item.seq);
            }
        }
    }

    /// Puts a frame into a connection's outbox for these pages; false when it does not fit.
    pub(super) fn put(
        &mut self,
        around: &Around<'_>,
        link: &Arc<Link>,
        (item, pages, bytes): (&Item, &[usize], Bytes),
    ) -> bool {
        let receipt = Receipt {
            id: item.id,
            seq: item.seq,
            sender: item.sender,
            sent_at: item.sent_at,
            // What is never stored has its one offer now, and that has no end.
            expires: if item.expires > around.now {
                item.expires
            } else {
                ElapsedMs(u64::MAX)
            },
            pages: pages.iter().map(|index| self.pages[*index].no).collect(),
        };
        let mut connection = link.state();
        let taken = connection.offer((bytes, receipt), around.terms, around.now);
        if taken {
            // Noted before the bytes can leave: an ack may come back at once.
            let named = pages.iter().map(|index| &self.pages[*index]);
            let named = named.map(|page| (page.no, &page.name));
            around.records.offered(item.id, named, around.wall);
        }
        drop(connection);
        if taken && let Some(kept) = self.mailbox.item_mut(item.seq) {
            kept.offered = true;
        }
        taken
    }

    /// These pages will read on from the mailbox when their outbox is nearly empty.
    pub(super) fn fall_behind(&mut self, pages: &[usize], seq: u64) {
        for index in pages {
            let page = &mut self.pages[*index];
            page.behind.get_or_insert(Behind {
                seq: seq.saturating_sub(1),
                lagging: true,
            });
        }
    }

    /// Offers what is waiting for the pages of one connection: gaps, claims, then the mailbox in order, as far as it fits.
    pub(crate) fn read_on(&mut self, around: &Around<'_>, link: &Arc<Link>) {
        self.expire(around);
        link.state().read_on();
        // Before claims too: whoever does not know its epoch yet could not place them (live 4.3).
        self.tell_gaps(around, link);
        if !self.offer_pending(around, link) {
            return;
        }
        let late = self.indexes(|page| page.is_on(link.no) && page.behind.is_some());
        let Some(start) = late
            .iter()
            .filter_map(|index| self.pages[*index].behind)
            .map(|at| at.seq)
            .min()
        else {
            return;
        };
        let seqs: Vec<u64> = self.mailbox.after(start).map(|item| item.seq).collect();
        for seq in seqs {
            if !self.read_on_at(around, link, (&late, seq)) {
                for index in &late {
                    if let Some(behind) = &mut self.pages[*index].behind {
                        behind.seq = behind.seq.max(seq - 1);
                        behind.lagging = true;
                    }
                }
                return;
            }
        }
        for index in late {
            self.pages[index].behind = None;
        }
    }

    /// Offers the message at one place to the late pages that are owed it; false when it does not fit.
    fn read_on_at(&mut self, around: &Around<'_>, link: &Arc<Link>, (late, seq): (&[usize], u64)) -> bool {
        let Some(item) = self.mailbox.item(seq).cloned() else {
            return true;
        };
        let owed: Vec<usize> = late
            .iter()
            .copied()
            .filter(|index| {
                let page = &self.pages[*index];
                is_owed(around, page, &item) && !(item.acked && around.records.was_acked_by(item.id, page.no))
            })
            .collect();
        if owed.is_empty() {
            return true;
        }
        let meant = match item.fanout {
            Fanout::One | Fanout::Focused => Meant::Claimed,
            Fanout::All => {
                let handling = self.indexes(|page| page.is_on(link.no) && page.handles(&item.event));
                if handling.len() == owed.len() {
                    Meant::All
                } else {
                    Meant::Named
                }
            }
        };
        let bytes = self.frame(around, &item, (&owed, &meant));
        self.put(around, link, (&item, &owed, bytes))
    }

    /// Offers claimed messages that lie below their page's position; false when one does not fit.
    fn offer_pending(&mut self, around: &Around<'_>, link: &Arc<Link>) -> bool {
        for index in self.indexes(|page| page.is_on(link.no) && !page.pending.is_empty()) {
            for seq in std::mem::take(&mut self.pages[index].pending) {
                if !self.offer_claimed(around, index, seq) {
                    self.pages[index].pending.push(seq);
                }
            }
            if !self.pages[index].pending.is_empty() {
                return false;
            }
        }
        true
    }

    /// Offers one message to the page that has claimed it; false when it does not fit now.
    pub(super) fn offer_claimed(&mut self, around: &Around<'_>, index: usize, seq: u64) -> bool {
        let page = &self.pages[index];
        let (Some(link), Some(item)) = (page.link.clone(), self.mailbox.item(seq).cloned()) else {
            return true;
        };
        if !Self::claim_stands(around, &item) {
            return true;
        }
        if item.claim != Some(page.no) || item.acked {
            return true;
        }
        if item.redelivered {
            around.metrics.redelivered();
        }
        let bytes = self.frame(around, &item, (&[index], &Meant::Claimed));
        self.put(around, &link, (&item, &[index], bytes))
    }

    /// Tells late pages what they may have missed, before anything with a higher place. Whoever is told of another epoch stands at
    /// its beginning then, and is told next what that life has lost already (live 5.5, 5.8).
    fn tell_gaps(&mut self, around: &Around<'_>, link: &Arc<Link>) {
        let (mut unknown, mut lost) = (Gaps::default(), Gaps::default());
        for index in self.indexes(|page| page.is_on(link.no) && page.lost_below.is_some()) {
            if let Some((from, to)) = self.pages[index].lost_below.take() {
                lost.add((from, Some(to), GapReason::Expired), index);
            }
        }
        for index in self.indexes(|page| page.is_on(link.no) && page.behind.is_some()) {
            let low = self.mailbox.low();
            let page = &mut self.pages[index];
            let Some(behind) = page.behind else { continue };
            if let Some(from) = page.unknown_from.take() {
                unknown.add((from, None, GapReason::Epoch), index);
            }
            let known = behind.seq.max(page.told);
            let Some(gone) = self.mailbox.lost_after(known) else {
                continue;
            };
            let reason = if behind.lagging {
                GapReason::Overflow
            } else {
                gone.reason
            };
            page.told = page.told.max(low);
            lost.add((known + 1, Some(gone.to), reason), index);
        }
        let mut frames = self.gap_frames(around, unknown);
        frames.extend(self.gap_frames(around, lost));
        for frame in frames {
            link.state().answer(frame, around.now);
        }
    }

    /// Tells the pages of a connection, before anything else that waits for it, what expired in its outbox; then reads on if that has
    /// made room (live 5.2, 5.5). A gap speaks of the lost messages alone: what else lies about them may still be on its way.
    pub(crate) fn tell_lapsed(&mut self, around: &Around<'_>, link: &Arc<Link>, lapsed: &[Receipt]) {
        let mut gaps = Gaps::default();
        for index in 0..self.pages.len() {
            let no = self.pages[index].no;
            let mut lost: Option<(u64, u64)> = None;
            for seq in lapsed
                .iter()
                .filter(|gone| gone.pages.contains(&no))
                .map(|gone| gone.seq)
            {
                lost = match lost {
                    Some((from, to)) if to < seq => Some((from, seq)),
                    Some((from, to)) => {
                        gaps.add((from, Some(to), GapReason::Expired), index);
                        Some((seq, seq))
                    }
                    None => Some((seq, seq)),
                };
            }
            if let Some((from, to)) = lost {
                gaps.add((from, Some(to), GapReason::Expired), index);
            }
        }
        let frames = self.gap_frames(around, gaps);
        let mut state = link.state();
        for frame in frames.into_iter().rev() {
            state.tell_first(frame);
        }
        let reads_on = state.may_read_on();
        drop(state);
        if reads_on {
            self.read_on(around, link);
        }
    }

    fn gap_frames(&self, around: &Around<'_>, gaps: Gaps) -> Vec<Bytes> {
        let mut frames = Vec::new();
        for ((from, to, reason), pages) in gaps.0 {
            around.metrics.gap(reason);
            for some in pages.chunks(GAP_PAGES_MAX) {
                let names = some.iter().map(|index| self.pages[*index].name.clone());
                let frame = ServerFrame::Gap {
                    from,
                    to,
                    reason,
                    epoch: self.mailbox.cursor().epoch,
                    pages: names.collect(),
                };
                frames.push(frame.to_json().into());
            }
        }
        frames
    }

    /// The place up to which everything is in this connection's outbox or is not for it.
    pub(crate) fn position(&self, link: &Link) -> u64 {
        let end = self.mailbox.cursor().seq;
        let late = self.pages.iter().filter(|page| page.is_on(link.no));
        late.filter_map(|page| page.behind.map(|behind| behind.seq))
            .min()
            .unwrap_or(end)
    }

    pub(super) fn indexes(&self, wanted: impl Fn(&Page) -> bool) -> Vec<usize> {
        let pages = self.pages.iter().enumerate();
        pages
            .filter(|(_, page)| wanted(page))
            .map(|(index, _)| index)
            .collect()
    }

    fn frame(&self, around: &Around<'_>, item: &Item, (pages, meant): (&[usize], &Meant)) -> Bytes {
        let shared = shared(around, item);
        let names = || -> Vec<PageId> {
            pages
                .iter()
                .map(|index| self.pages[*index].name.clone())
                .collect()
        };
        match meant {
            Meant::All if item.redelivered => shared.for_connection(&[], false, true).into(),
            Meant::All => Bytes::from(shared.into_boxed_str().into_boxed_bytes()),
            Meant::Named => shared.for_connection(&names(), false, item.redelivered).into(),
            Meant::Claimed => shared.for_connection(&names(), true, item.redelivered).into(),
        }
    }
}

/// The part of a message frame that is equal for all connections.
pub(super) fn shared(around: &Around<'_>, item: &Item) -> SharedMessage {
    let WallMs(sent_at) = item.sent_at;
    MessageFrame {
        id: item.id,
        seq: item.seq,
        event: &item.event,
        from: item.sender,
        via: match item.via {
            Via::App => "app",
            Via::User => "user",
        },
        app: around.key.0,
        sent_at,
        raw: &item.text,
        data: data_of(&item.text).as_deref(),
    }
    .share()
}

/// Whether a late page is owed this message by registration or cursor, or by its claim.
fn is_owed(around: &Around<'_>, page: &Page, item: &Item) -> bool {
    let above = page.behind.is_some_and(|behind| behind.seq < item.seq);
    let after = page.after(&item.event).is_some_and(|after| after < item.seq);
    match item.fanout {
        Fanout::All => above && after,
        Fanout::One | Fanout::Focused => {
            above && item.claim == Some(page.no) && !item.acked && Place::claim_stands(around, item)
        }
    }
}
