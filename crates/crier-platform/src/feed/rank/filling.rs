//! Filling feed pages: merit, guarantee and fill on the first, picks alone on later ones (feed 4.6, 4.7, 4.10).
//!
//! Promise: each candidate is placed once; an application has more than its cap only when every application with candidates left
//! has reached it. Control stands in [`Filling`]; nothing here knows what a score is made of.

use super::factors::{diversity, weigh};
use super::{Pick, Share, Step};
use crate::model::ranking::{AppPlace, Snapshot};
use crate::model::ranking_config::RankingConstants;
use crate::model::time::WallMs;
use crier_proto::ids::StoryId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A story that competes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) app: AppPlace,
    pub(super) base: u64,
    pub(super) published: WallMs,
    pub(super) id: StoryId,
    pub(super) seq: i64,
}

/// An application's candidates, best first, as a range of the sorted list; those before `next` are placed.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    next: usize,
    end: usize,
    /// Picks on the feed page that is being filled.
    picks: u32,
}

impl Line {
    const fn has_left(self) -> bool {
        self.next < self.end
    }
}

/// The best remaining story of an application, as it competes; the greatest is picked (feed 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    score: u64,
    published: WallMs,
    id: Reverse<StoryId>,
    app: AppPlace,
    /// The line as it stood when this was offered: an offer whose line has moved is passed over.
    next: usize,
    picks: u32,
}

/// Feed pages in the making.
pub(super) struct Filling<'s> {
    snapshot: &'s Snapshot<'s>,
    /// By application, then best first.
    candidates: Vec<Candidate>,
    lines: Vec<Line>,
    offers: BinaryHeap<Offer>,
    /// Applications with candidates left that have reached the cap on this feed page.
    capped: Vec<AppPlace>,
    /// Applications with a pick on this feed page.
    touched: Vec<AppPlace>,
    is_over_cap: bool,
    active: usize,
    left: usize,
}

impl<'s> Filling<'s> {
    pub(super) fn new(snapshot: &'s Snapshot<'s>, mut candidates: Vec<Candidate>) -> Self {
        candidates.sort_unstable_by_key(|one| {
            (
                one.app,
                Reverse(one.base),
                Reverse(one.published),
                one.id,
                one.seq,
            )
        });
        let mut lines = vec![Line::default(); snapshot.apps.len()];
        for (place, candidate) in candidates.iter().enumerate() {
            let line = &mut lines[candidate.app.index()];
            if line.end == 0 {
                line.next = place;
            }
            line.end = place + 1;
        }
        let mut filling = Self {
            snapshot,
            left: candidates.len(),
            candidates,
            active: lines.iter().filter(|line| line.has_left()).count(),
            lines,
            offers: BinaryHeap::new(),
            capped: Vec::new(),
            touched: Vec::new(),
            is_over_cap: false,
        };
        let apps = filling
            .apps()
            .filter_map(|app| filling.offer_of(app))
            .collect::<Vec<_>>();
        filling.offers = BinaryHeap::from(apps);
        filling
    }

    fn constants(&self) -> &'s RankingConstants {
        &self.snapshot.config.constants
    }

    fn apps(&self) -> impl Iterator<Item = AppPlace> + use<'s> {
        (0_u32..).map(AppPlace).take(self.snapshot.apps.len())
    }

    pub(super) const fn candidates(&self) -> usize {
        self.candidates.len()
    }

    /// A.
    pub(super) const fn active(&self) -> usize {
        self.active
    }

    pub(super) const fn has_left(&self) -> bool {
        self.left > 0
    }

    pub(super) fn shares(&self) -> Vec<Share> {
        let share = |line: &Line| Share {
            candidates: u32::try_from(line.end - line.next).unwrap_or(u32::MAX),
            picks: 0,
        };
        self.lines.iter().map(share).collect()
    }

    /// max(`app_cap_min`, ⌈slots / A⌉).
    pub(super) fn cap(&self) -> u32 {
        let active = u32::try_from(self.active).unwrap_or(u32::MAX).max(1);
        let constants = self.constants();
        constants.app_cap_min.max(constants.slots.div_ceil(active))
    }

    /// Feed page 1: merit, guarantee, fill (feed 4.6).
    pub(super) fn first_page(&mut self) -> Vec<Pick> {
        let slots = slots(self.constants());
        let guaranteed = usize::try_from(self.constants().slots_guaranteed).unwrap_or(usize::MAX);
        let mut page = Vec::with_capacity(slots.min(self.left));
        self.pick_up_to(slots.saturating_sub(guaranteed), Step::Merit, &mut page);
        for app in self.most_missed(guaranteed) {
            page.push(self.place(app, Step::Guarantee));
        }
        self.pick_up_to(slots, Step::Fill, &mut page);
        self.turn_over();
        page
    }

    /// A later feed page: picks over what is left, diversity and cap counted anew (feed 4.10).
    pub(super) fn later_page(&mut self) -> Vec<Pick> {
        let slots = slots(self.constants());
        let mut page = Vec::with_capacity(slots.min(self.left));
        self.pick_up_to(slots, Step::Later, &mut page);
        self.turn_over();
        page
    }

    fn pick_up_to(&mut self, places: usize, step: Step, page: &mut Vec<Pick>) {
        while page.len() < places
            && let Some(app) = self.next_app()
        {
            page.push(self.place(app, step));
        }
    }

    /// The application whose best remaining story has the greatest D, among those below the cap; if there is none, among all.
    fn next_app(&mut self) -> Option<AppPlace> {
        if self.left == 0 {
            return None;
        }
        loop {
            while let Some(offer) = self.offers.pop() {
                let line = self.lines[offer.app.index()];
                if (line.next, line.picks) == (offer.next, offer.picks) {
                    return Some(offer.app);
                }
            }
            self.is_over_cap = true;
            let capped = std::mem::take(&mut self.capped);
            if capped.is_empty() {
                return None;
            }
            let offers = capped
                .into_iter()
                .filter_map(|app| self.offer_of(app))
                .collect::<Vec<_>>();
            self.offers.extend(offers);
        }
    }

    /// Places an application's best remaining story.
    fn place(&mut self, app: AppPlace, step: Step) -> Pick {
        let line = &mut self.lines[app.index()];
        let candidate = self.candidates[line.next];
        let placed_before = line.picks;
        line.next += 1;
        line.picks += 1;
        let (has_left, picks) = (line.has_left(), line.picks);
        self.left -= 1;
        if placed_before == 0 {
            self.touched.push(app);
        }
        if has_left && picks >= self.cap() && !self.is_over_cap {
            self.capped.push(app);
        } else {
            let offer = self.offer_of(app);
            self.offers.extend(offer);
        }
        Pick {
            story: candidate.id,
            seq: candidate.seq,
            app,
            step,
            base: candidate.base,
            placed_before,
            score: weigh(candidate.base, diversity(self.constants(), placed_before)),
        }
    }

    fn offer_of(&self, app: AppPlace) -> Option<Offer> {
        let line = self.lines[app.index()];
        let best = self.candidates.get(line.next).filter(|_| line.has_left())?;
        Some(Offer {
            score: weigh(best.base, diversity(self.constants(), line.picks)),
            published: best.published,
            id: Reverse(best.id),
            app,
            next: line.next,
            picks: line.picks,
        })
    }

    /// Of the active applications without a pick, up to `most` with the highest `missed`, then the highest best B, then the
    /// smallest number, in this order.
    fn most_missed(&self, most: usize) -> Vec<AppPlace> {
        let waiting = |app: &AppPlace| {
            let line = self.lines[app.index()];
            line.picks == 0 && line.has_left()
        };
        let urgency = |app: &AppPlace| {
            let facts = &self.snapshot.apps[app.index()];
            let best = self.candidates[self.lines[app.index()].next].base;
            (Reverse(facts.missed), Reverse(best), facts.app)
        };
        let mut apps: Vec<AppPlace> = self.apps().filter(waiting).collect();
        if most < apps.len() {
            apps.select_nth_unstable_by_key(most, urgency);
            apps.truncate(most);
        }
        apps.sort_unstable_by_key(urgency);
        apps
    }

    /// Ends a feed page: every application begins the next one without a pick.
    fn turn_over(&mut self) {
        self.is_over_cap = false;
        self.capped.clear();
        for app in std::mem::take(&mut self.touched) {
            self.lines[app.index()].picks = 0;
            let offer = self.offer_of(app);
            self.offers.extend(offer);
        }
    }
}

fn slots(constants: &RankingConstants) -> usize {
    usize::try_from(constants.slots).unwrap_or(usize::MAX)
}
