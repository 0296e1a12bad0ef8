//! What a simulation counts, and whether the fairness of feed 4.7 was kept.
//!
//! Promise: sums of integers; two tallies of different seeds add up to what both saw.

use super::people::{Act, ActKind, View};
use super::population::Population;
use crate::feed::rank::Step;
use crate::model::ranking::{AppPlace, Bucket, QualityRow};
use crate::model::ranking_config::RankingConfig;
use crate::model::time::WallMs;
use std::collections::BTreeMap;

/// What one application went through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppTally {
    /// What it is called.
    pub name: String,
    /// Stories accepted.
    pub stories: u64,
    /// Stories that the twelve hours refused.
    pub refused: u64,
    /// Slots of feed page 1 that it had, all views together.
    pub shown: u64,
    /// Of them by the guarantee.
    pub guaranteed: u64,
    /// Stories shown for the first time.
    pub first_shown: u64,
    /// Stories clicked.
    pub clicks: u64,
    /// Stories thumbed.
    pub thumbs: u64,
    /// Stories hidden.
    pub hides: u64,
    /// Stories reported.
    pub reports: u64,
    /// Its bucket at the end: that of its row, else the default.
    pub last_bucket: u8,
    /// Views at which it competed, by how many in a row it had then missed; 0: it had a slot.
    pub missed: BTreeMap<u32, u64>,
    /// The greatest K that it was promised at a view for which it had a candidate: ⌈A* / f⌉.
    pub greatest_k: u32,
    /// Times that it waited longer than K permits.
    pub broken: u64,
}

impl AppTally {
    /// The longest row of missed views.
    #[must_use]
    pub fn longest(&self) -> u32 {
        self.missed.keys().next_back().copied().unwrap_or(0)
    }

    /// At 99 of 100 views at which it competed, it had missed at most so many in a row.
    #[must_use]
    pub fn percentile_99(&self) -> u32 {
        let views: u64 = self.missed.values().sum();
        let rank = (views * 99).div_ceil(100);
        let mut seen = 0;
        let reached = self.missed.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        reached.map_or(0, |(missed, _)| *missed)
    }
}

/// How many applications stood in each bucket at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketSample {
    /// Hours since the beginning.
    pub hour: u32,
    /// Applications in bucket 1 to 9.
    pub apps: [u64; Bucket::COUNT],
}

/// One view, as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewRow {
    /// Whose simulation.
    pub seed: u64,
    /// Whose view, from 1.
    pub user: usize,
    /// When.
    pub at: WallMs,
    /// Stories that competed.
    pub candidates: usize,
    /// Applications that competed.
    pub active: usize,
    /// Slots filled.
    pub slots: usize,
    /// Of them by the guarantee.
    pub guaranteed: usize,
    /// Applications among the slots.
    pub apps_shown: usize,
    /// The cut.
    pub cut: u64,
    /// The longest row of missed views of any application, after this one.
    pub longest_wait: u32,
    /// Stories clicked.
    pub clicks: usize,
    /// Stories hidden or reported.
    pub hides: usize,
}

/// Views in a row at which an application competed and had no slot, and who competed meanwhile.
#[derive(Debug, Clone, Default)]
pub(super) struct Wait {
    views: u32,
    rivals: Vec<u64>,
}

/// A simulation's counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// By application.
    pub apps: Vec<AppTally>,
    /// Views of everybody.
    pub views: u64,
    /// Slots filled, all views together.
    pub slots: u64,
    /// The buckets as time went on.
    pub buckets: Vec<BucketSample>,
    slots_guaranteed: u32,
    default_bucket: u8,
}

impl Tally {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(population: &Population, config: &RankingConfig) -> Self {
        let names = population.app_names().into_iter();
        Self {
            apps: names
                .map(|name| AppTally {
                    name,
                    ..AppTally::default()
                })
                .collect(),
            views: 0,
            slots: 0,
            buckets: Vec::new(),
            slots_guaranteed: config.constants.slots_guaranteed.max(1),
            default_bucket: config.constants.quality_bucket_default,
        }
    }

    /// Whether the promise of feed 4.7 was kept, to everybody at every view.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.apps.iter().all(|app| app.broken == 0)
    }

    /// The Gini coefficient of the applications' shares in ten-thousandths, rounded down: Σᵢⱼ|xᵢ − xⱼ| / (2nΣx) (feed 9.3).
    #[must_use]
    pub fn gini(&self) -> u64 {
        let mut shares: Vec<u128> = self.apps.iter().map(|app| u128::from(app.shown)).collect();
        shares.sort_unstable();
        let count = shares.len() as u128;
        let total: u128 = shares.iter().sum();
        // In order, every pair's difference is counted by place: xᵢ comes i times with a plus and n − 1 − i times with a minus.
        let up: u128 = shares
            .iter()
            .zip(0_u128..)
            .map(|(share, place)| share * place)
            .sum();
        let down: u128 = shares
            .iter()
            .rev()
            .zip(0_u128..)
            .map(|(share, place)| share * place)
            .sum();
        let differences = 2 * (up - down);
        let gini = (differences * 10_000).checked_div(2 * count * total).unwrap_or(0);
        u64::try_from(gini).unwrap_or(u64::MAX)
    }

    /// Adds what another seed's simulation of the same population saw; the buckets stay those of the first.
    pub fn absorb(&mut self, other: &Self) {
        self.views += other.views;
        self.slots += other.slots;
        for (app, more) in self.apps.iter_mut().zip(&other.apps) {
            app.stories += more.stories;
            app.refused += more.refused;
            app.shown += more.shown;
            app.guaranteed += more.guaranteed;
            app.first_shown += more.first_shown;
            app.clicks += more.clicks;
            app.thumbs += more.thumbs;
            app.hides += more.hides;
            app.reports += more.reports;
            app.last_bucket = more.last_bucket;
            app.greatest_k = app.greatest_k.max(more.greatest_k);
            app.broken += more.broken;
            for (missed, views) in &more.missed {
                *app.missed.entry(*missed).or_default() += views;
            }
        }
    }

    pub(super) fn accepted(&mut self, app: AppPlace) {
        if let Some(app) = self.apps.get_mut(app.index()) {
            app.stories += 1;
        }
    }

    pub(super) fn refused(&mut self, app: AppPlace) {
        if let Some(app) = self.apps.get_mut(app.index()) {
            app.refused += 1;
        }
    }

    pub(super) fn sample_buckets(&mut self, hour: u32, rows: &[Option<QualityRow>]) {
        let mut apps = [0; Bucket::COUNT];
        for row in rows {
            let bucket = self.bucket_of(row.as_ref());
            if let Some(count) = apps.get_mut(usize::from(bucket).saturating_sub(1)) {
                *count += 1;
            }
        }
        self.buckets.push(BucketSample { hour, apps });
    }

    fn bucket_of(&self, row: Option<&QualityRow>) -> u8 {
        row.map_or(self.default_bucket, |row| row.bucket.number())
    }

    pub(super) fn finish(&mut self, rows: &[Option<QualityRow>]) {
        let buckets: Vec<u8> = rows.iter().map(|row| self.bucket_of(row.as_ref())).collect();
        for (app, bucket) in self.apps.iter_mut().zip(buckets) {
            app.last_bucket = bucket;
        }
    }

    /// Counts a view, and judges for every application that competed whether it has waited too long.
    pub(super) fn viewed(&mut self, view: &View, acts: &[Act], waits: &mut [Option<Box<Wait>>]) -> ViewRow {
        let page = view.ranked.first_page();
        for pick in page {
            if let Some(app) = self.apps.get_mut(pick.app.index()) {
                app.shown += 1;
                app.guaranteed += u64::from(pick.step == Step::Guarantee);
            }
        }
        for act in acts {
            self.count(act);
        }
        self.views += 1;
        self.slots += page.len() as u64;
        let longest_wait = self.judge(view, waits);
        let of = |kinds: &[ActKind]| acts.iter().filter(|act| kinds.contains(&act.kind)).count();
        ViewRow {
            seed: 0,
            user: 0,
            at: view.at,
            candidates: view.ranked.candidates,
            active: view.ranked.active,
            slots: page.len(),
            guaranteed: page.iter().filter(|pick| pick.step == Step::Guarantee).count(),
            apps_shown: page.iter().filter(|pick| pick.placed_before == 0).count(),
            cut: view.ranked.cut.unwrap_or(0),
            longest_wait,
            clicks: of(&[ActKind::Clicked]),
            hides: of(&[ActKind::Hid, ActKind::Reported]),
        }
    }

    fn count(&mut self, act: &Act) {
        let Some(app) = self.apps.get_mut(act.app.index()) else {
            return;
        };
        *match act.kind {
            ActKind::Saw => &mut app.first_shown,
            ActKind::Clicked => &mut app.clicks,
            ActKind::Thumbed => &mut app.thumbs,
            ActKind::Hid => &mut app.hides,
            ActKind::Reported => &mut app.reports,
        } += 1;
    }

    /// An application that waits its K-th view in a row has been promised a slot by then (feed 4.7).
    fn judge(&mut self, view: &View, waits: &mut [Option<Box<Wait>>]) -> u32 {
        let active = active_set(view, waits.len());
        let mut longest = 0;
        for (wait, place) in waits.iter_mut().zip(0..) {
            let app = AppPlace(place);
            let tally = self
                .apps
                .get_mut(app.index())
                .filter(|_| view.ranked.is_active(app));
            let Some(tally) = tally else {
                *wait = None;
                continue;
            };
            let is_shown = view.ranked.picks_of(app) > 0;
            let competed = match wait {
                None if is_shown => count_of(&active),
                _ => wait.get_or_insert_default().another(&active),
            };
            let promised = competed.div_ceil(self.slots_guaranteed);
            tally.greatest_k = tally.greatest_k.max(promised);
            if is_shown {
                *wait = None;
            }
            let Some(wait) = wait else {
                *tally.missed.entry(0).or_default() += 1;
                continue;
            };
            *tally.missed.entry(wait.views).or_default() += 1;
            tally.broken += u64::from(wait.views >= promised);
            longest = longest.max(wait.views);
        }
        longest
    }
}

/// The applications that compete at a view, a bit for each.
fn active_set(view: &View, apps: usize) -> Vec<u64> {
    let mut set = vec![0_u64; apps.div_ceil(64)];
    for (place, app) in (0..apps).zip(0..) {
        if view.ranked.is_active(AppPlace(app))
            && let Some(word) = set.get_mut(place / 64)
        {
            *word |= 1 << (place % 64);
        }
    }
    set
}

impl Wait {
    /// One more view; returns A*: how many applications competed at any of them.
    fn another(&mut self, active: &[u64]) -> u32 {
        self.views += 1;
        self.rivals.resize(active.len(), 0);
        for (word, more) in self.rivals.iter_mut().zip(active) {
            *word |= more;
        }
        count_of(&self.rivals)
    }
}

/// How many bits a set has.
fn count_of(set: &[u64]) -> u32 {
    set.iter().map(|word| word.count_ones()).sum()
}
