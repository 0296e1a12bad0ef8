//! Filling written as its page is (feed 4.6, 4.10): from scratch for every slot, and slow.

use crate::world::World;
use crier_platform::feed::rank::{Place, factors, place_of};
use crier_platform::model::ranking::{AppPlace, RankedStory};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

struct Slow<'w> {
    world: &'w World,
    /// B and story of every candidate without a place.
    left: Vec<(u64, &'w RankedStory)>,
    cap: u32,
    /// Of the feed page that is being filled.
    picks: BTreeMap<AppPlace, u32>,
    page: Vec<i64>,
}

/// Every feed page of a record, as story numbers.
pub fn slow_pages(world: &World) -> Vec<Vec<i64>> {
    let constants = &world.config.constants;
    let (slots, guaranteed) = (constants.slots as usize, constants.slots_guaranteed as usize);
    let mut slow = Slow::new(world);
    let mut pages = Vec::new();
    while !slow.left.is_empty() {
        if pages.is_empty() {
            slow.pick_up_to(slots - guaranteed);
            slow.guarantee(guaranteed);
        }
        slow.pick_up_to(slots);
        slow.picks.clear();
        pages.push(std::mem::take(&mut slow.page));
    }
    pages
}

impl<'w> Slow<'w> {
    fn new(world: &'w World) -> Self {
        let (snapshot, oldest_seq) = (world.snapshot(), world.ranked().oldest_seq);
        let left: Vec<_> = world
            .stories
            .iter()
            .filter(|story| place_of(&snapshot, story) == Place::Candidate && story.seq >= oldest_seq)
            .map(|story| {
                (
                    factors::base_score(&snapshot, &world.apps[story.app.index()], story),
                    story,
                )
            })
            .collect();
        let constants = &world.config.constants;
        let active = left
            .iter()
            .map(|(_, story)| story.app)
            .collect::<BTreeSet<_>>()
            .len()
            .max(1);
        let share = constants.slots.div_ceil(u32::try_from(active).expect("small"));
        Self {
            world,
            left,
            cap: constants.app_cap_min.max(share),
            picks: BTreeMap::new(),
            page: Vec::new(),
        }
    }

    fn apps_left(&self) -> BTreeSet<AppPlace> {
        self.left.iter().map(|(_, story)| story.app).collect()
    }

    fn picks_of(&self, app: AppPlace) -> u32 {
        self.picks.get(&app).copied().unwrap_or(0)
    }

    /// Where an application's best remaining story stands in what is left.
    fn best_of(&self, app: AppPlace) -> usize {
        let of_app = self
            .left
            .iter()
            .enumerate()
            .filter(|(_, (_, story))| story.app == app);
        let best = of_app.max_by_key(|(_, (base, story))| (*base, story.published, Reverse(story.id)));
        best.expect("it has one left").0
    }

    fn place(&mut self, app: AppPlace) {
        let (_, story) = self.left.remove(self.best_of(app));
        self.page.push(story.id.get());
        *self.picks.entry(app).or_default() += 1;
    }

    fn pick_up_to(&mut self, places: usize) {
        while self.page.len() < places && !self.left.is_empty() {
            let mut apps = self.apps_left();
            if apps.iter().any(|app| self.picks_of(*app) < self.cap) {
                apps.retain(|app| self.picks_of(*app) < self.cap);
            }
            let best = apps.into_iter().max_by_key(|app| {
                let (base, story) = self.left[self.best_of(*app)];
                let factor = factors::diversity(&self.world.config.constants, self.picks_of(*app));
                let score = u128::from(base) * u128::from(factor) / 65_536;
                (score, story.published, Reverse(story.id))
            });
            self.place(best.expect("stories are left"));
        }
    }

    fn guarantee(&mut self, most: usize) {
        let mut apps: Vec<AppPlace> = self.apps_left().into_iter().collect();
        apps.retain(|app| self.picks_of(*app) == 0);
        apps.sort_by_key(|app| {
            let facts = &self.world.apps[app.index()];
            (
                Reverse(facts.missed),
                Reverse(self.left[self.best_of(*app)].0),
                facts.app,
            )
        });
        for app in apps.into_iter().take(most) {
            self.place(app);
        }
    }
}
