//! The simulator: people and applications invented from a seed, ranked by the very functions of feed section 4 (feed section 9).
//!
//! Promise: integers and one generator; equal populations, configurations, days and seeds give equal results on any machine. Time
//! is an argument that counts hours; nothing here reads a clock, a file or the environment.
//!
//! - `population`: who there is, as it is written down, and what is refused
//! - `dice`: the one generator
//! - `people`: a person's feed, what is published into it and what they do in it
//! - `tally`: what is counted, and whether the promise of feed 4.7 was kept
//! - `replay`: a record's views computed again

mod dice;
mod people;
pub mod population;
pub mod replay;
pub mod tally;

use super::rank::factors;
use crate::model::ranking::{QualityCounts, QualityRow};
use crate::model::ranking_config::RankingConfig;
use crate::model::time::WallMs;
use dice::Dice;
use people::{Moment, Person, Tried};
use population::Population;
use std::collections::VecDeque;
use tally::{Tally, ViewRow};

/// The first simulated moment: a UTC midnight.
const BEGIN_MS: i64 = 1_795_219_200_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_HOURS: u32 = 24;
/// Hours between two looks at the buckets.
const BUCKET_SAMPLE_HOURS: u32 = 6;
/// Days that a simulation may take.
pub const DAYS_MAX: u32 = 3_650;

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// Who there is.
    pub population: &'a Population,
    /// By what they are ranked.
    pub config: &'a RankingConfig,
    /// For how long, at most [`DAYS_MAX`].
    pub days: u32,
}

/// Whoever wants to see a simulation while it runs.
pub trait Watch {
    /// A feed page 1 was served.
    fn view(&mut self, row: &ViewRow);
    /// A day is over; days count from 1.
    fn day(&mut self, day: u32);
}

/// Runs one simulation to its end.
pub fn simulate(setup: &Setup<'_>, seed: u64, watch: &mut dyn Watch) -> Tally {
    let mut world = World::new(setup, seed);
    for hour in 0..setup.days.saturating_mul(DAY_HOURS) {
        world.begin_hour(hour);
        let moment = Moment::of_hour(hour);
        for number in 0..world.people.len() {
            world.live_an_hour(number, &moment, watch);
        }
        world.end_hour();
        if hour % DAY_HOURS == DAY_HOURS - 1 {
            watch.day(hour / DAY_HOURS + 1);
        }
    }
    world.tally.finish(&world.quality);
    world.tally
}

/// Everything that changes while time goes on.
struct World<'a> {
    setup: &'a Setup<'a>,
    dice: Dice,
    people: Vec<Person>,
    /// By application: its row of the present hour.
    quality: Vec<Option<QualityRow>>,
    /// By application: sums over the hours that count for the present one.
    sums: Vec<QualityCounts>,
    /// By hour and application: acts of the hours that count.
    hours: VecDeque<Vec<QualityCounts>>,
    /// By application: acts of the present hour.
    now: Vec<QualityCounts>,
    tally: Tally,
    seed: u64,
    next_story: i64,
}

impl<'a> World<'a> {
    fn new(setup: &'a Setup<'a>, seed: u64) -> Self {
        let apps = setup.population.apps();
        let classes = setup.population.users.iter().enumerate();
        let people =
            classes.flat_map(|(class, users)| (0..users.count).map(move |_| Person::new(class, apps)));
        Self {
            setup,
            dice: Dice::new(seed),
            people: people.collect(),
            quality: vec![None; apps],
            sums: vec![QualityCounts::default(); apps],
            hours: VecDeque::new(),
            now: vec![QualityCounts::default(); apps],
            tally: Tally::new(setup.population, setup.config),
            seed,
            next_story: 1,
        }
    }

    /// Computes every application's row of the hour: once, like the product does (feed 4.5).
    fn begin_hour(&mut self, hour: u32) {
        let constants = &self.setup.config.constants;
        for (row, counts) in self.quality.iter_mut().zip(&self.sums) {
            let has_any = *counts != QualityCounts::default();
            *row = has_any.then(|| factors::quality_row(constants, *counts));
        }
        if hour.is_multiple_of(BUCKET_SAMPLE_HOURS) {
            self.tally.sample_buckets(hour, &self.quality);
        }
    }

    fn live_an_hour(&mut self, number: usize, moment: &Moment, watch: &mut dyn Watch) {
        let Some(person) = self.people.get_mut(number) else {
            return;
        };
        let events = person.plan(self.setup.population, moment, &mut self.dice);
        for event in events {
            match event.published_by {
                Some(app) => {
                    let tried = Tried {
                        app,
                        at: event.at,
                        id: self.next_story,
                    };
                    if person.receive(self.setup.population, &tried, &mut self.dice) {
                        self.next_story += 1;
                        self.tally.accepted(app);
                    } else {
                        self.tally.refused(app);
                    }
                }
                None => {
                    let view = person.view(self.setup, &self.quality, event.at);
                    let acts = person.act(self.setup.population, &view, &mut self.dice);
                    acts.iter().for_each(|act| act.count_in(&mut self.now));
                    let row = self.tally.viewed(&view, &acts, person.waits_mut());
                    watch.view(&ViewRow {
                        seed: self.seed,
                        user: number + 1,
                        ..row
                    });
                }
            }
        }
    }

    /// The hour's acts begin to count, those of a week ago cease to (feed 4.5).
    fn end_hour(&mut self) {
        let counted = usize::try_from(self.setup.config.constants.quality_hours).unwrap_or(usize::MAX);
        let fresh = vec![QualityCounts::default(); self.now.len()];
        let over = std::mem::replace(&mut self.now, fresh);
        for (sum, acts) in self.sums.iter_mut().zip(&over) {
            *sum = combined(*sum, *acts, u64::saturating_add);
        }
        self.hours.push_back(over);
        if self.hours.len() > counted
            && let Some(gone) = self.hours.pop_front()
        {
            for (sum, acts) in self.sums.iter_mut().zip(&gone) {
                *sum = combined(*sum, *acts, u64::saturating_sub);
            }
        }
    }
}

/// Two rows of counts, column by column.
fn combined(one: QualityCounts, two: QualityCounts, with: fn(u64, u64) -> u64) -> QualityCounts {
    QualityCounts {
        shown: with(one.shown, two.shown),
        clicked: with(one.clicked, two.clicked),
        thumbed: with(one.thumbed, two.thumbed),
        hidden: with(one.hidden, two.hidden),
        reported: with(one.reported, two.reported),
    }
}

/// A moment of the simulated time.
fn begin_of(hour: u32) -> WallMs {
    WallMs(BEGIN_MS + i64::from(hour) * HOUR_MS)
}
