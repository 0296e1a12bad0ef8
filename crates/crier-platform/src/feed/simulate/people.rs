//! A simulated person: a feed, what is published into it, when they look at it and what they do there.

use super::dice::Dice;
use super::population::{AppClass, Population, UserClass, Window};
use super::tally::Wait;
use super::{DAY_HOURS, HOUR_MS, Setup, begin_of};
use crate::feed::rank::{Ranked, rank};
use crate::feed::window;
use crate::model::ranking::{
    Acts, AppPlace, Marks, PriorityClass, QualityCounts, QualityRow, RankedApp, RankedStory, Snapshot,
};
use crate::model::ranking_config::RankingConstants;
use crate::model::time::WallMs;
use crier_proto::ids::{AppId, StoryId};

const DAY_SECS: i64 = 86_400;

/// An hour of the simulated time.
pub(super) struct Moment {
    begin: WallMs,
    day: u32,
    hour_of_day: u32,
}

impl Moment {
    pub(super) fn of_hour(hour: u32) -> Self {
        Self {
            begin: begin_of(hour),
            day: hour / DAY_HOURS,
            hour_of_day: hour % DAY_HOURS,
        }
    }
}

/// Something that happens to a person: an application publishes, or they look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) at: WallMs,
    /// The application; `None`: a view.
    pub(super) published_by: Option<AppPlace>,
}

/// A story that an application tries to publish.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    pub(super) app: AppPlace,
    pub(super) at: WallMs,
    /// Its number, if it is accepted.
    pub(super) id: i64,
}

/// What one application is to one person.
#[derive(Debug, Clone, Default)]
struct Bond {
    missed: u32,
    /// When its last story was accepted.
    last: Option<WallMs>,
    /// Acts by day since 1970, oldest first.
    acts: Vec<(i64, Acts)>,
}

/// A person.
pub(super) struct Person {
    class: usize,
    bonds: Vec<Bond>,
    waits: Vec<Option<Box<Wait>>>,
    /// Live stories by rising seq.
    stories: Vec<RankedStory>,
    /// Beside each story: what was done with it once and is not done again.
    done: Vec<Done>,
    next_seq: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Done {
    is_shown: bool,
    is_clicked: bool,
    is_thumbed: bool,
}

/// A feed page as it was served.
pub(super) struct View {
    pub(super) at: WallMs,
    pub(super) ranked: Ranked,
}

/// What a person did with a story on a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) app: AppPlace,
    pub(super) kind: ActKind,
}

/// Kinds of acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActKind {
    Saw,
    Clicked,
    Thumbed,
    Hid,
    Reported,
}

impl Act {
    /// Counts for the application's quality (feed 4.5).
    pub(super) fn count_in(self, counts: &mut [QualityCounts]) {
        let Some(counts) = counts.get_mut(self.app.index()) else {
            return;
        };
        *match self.kind {
            ActKind::Saw => &mut counts.shown,
            ActKind::Clicked => &mut counts.clicked,
            ActKind::Thumbed => &mut counts.thumbed,
            ActKind::Hid => &mut counts.hidden,
            ActKind::Reported => &mut counts.reported,
        } += 1;
    }
}

impl Person {
    pub(super) fn new(class: usize, apps: usize) -> Self {
        Self {
            class,
            bonds: vec![Bond::default(); apps],
            waits: (0..apps).map(|_| None).collect(),
            stories: Vec::new(),
            done: Vec::new(),
            next_seq: 1,
        }
    }

    pub(super) fn waits_mut(&mut self) -> &mut [Option<Box<Wait>>] {
        &mut self.waits
    }

    fn class_in<'p>(&self, population: &'p Population) -> Option<&'p UserClass> {
        population.users.get(self.class)
    }

    /// What will happen to this person within the hour, in order.
    pub(super) fn plan(&self, population: &Population, moment: &Moment, dice: &mut Dice) -> Vec<Event> {
        let mut events = Vec::new();
        let some_time = |dice: &mut Dice| {
            let within = dice.below(HOUR_MS.unsigned_abs());
            moment.begin.plus_ms(i64::try_from(within).unwrap_or(0))
        };
        let classes = population
            .apps
            .iter()
            .flat_map(|class| (0..class.count).map(move |_| class));
        for (class, place) in classes.zip(0..) {
            if moment.day < class.first_day {
                continue;
            }
            for _ in 0..dice.often(class.stories, u64::from(DAY_HOURS) * 1_000_000) {
                events.push(Event {
                    at: some_time(dice),
                    published_by: Some(AppPlace(place)),
                });
            }
        }
        if let Some(class) = self.class_in(population)
            && class.is_awake(moment.hour_of_day)
        {
            for _ in 0..dice.often(u64::from(class.views_per_day), u64::from(class.awake_hours())) {
                events.push(Event {
                    at: some_time(dice),
                    published_by: None,
                });
            }
        }
        events.sort_unstable();
        events
    }

    /// Takes a story into the feed; false when the twelve hours refuse it.
    pub(super) fn receive(&mut self, population: &Population, tried: &Tried, dice: &mut Dice) -> bool {
        let Tried { app, at, id } = *tried;
        let (Some(bond), Some(class)) = (self.bonds.get_mut(app.index()), population.class_of(app.index()))
        else {
            return false;
        };
        let is_closed = window::closed_until(bond.last, at).is_some();
        if population.window == Window::TwelveHours && is_closed {
            return false;
        }
        let Some(id) = StoryId::new(id) else {
            return false;
        };
        bond.last = Some(at);
        self.stories.push(RankedStory {
            id,
            seq: self.next_seq,
            published: at,
            app,
            priority: PriorityClass::of(class.priority),
            pictures: pictures(class, dice),
            has_body: dice.below(1_000) < u64::from(class.body),
            marks: Marks::none(),
        });
        self.done.push(Done::default());
        self.next_seq += 1;
        true
    }

    /// Looks at feed page 1.
    pub(super) fn view(&mut self, setup: &Setup<'_>, quality: &[Option<QualityRow>], at: WallMs) -> View {
        self.forget_expired(&setup.config.constants, at);
        let today = at.secs().div_euclid(DAY_SECS);
        let first_day = today - i64::from(setup.config.constants.affinity_days) + 1;
        let apps: Vec<RankedApp> = self
            .bonds
            .iter_mut()
            .zip(quality)
            .zip(1..)
            .filter_map(|((bond, quality), number)| {
                bond.acts.retain(|(day, _)| *day >= first_day);
                Some(RankedApp {
                    acts: bond
                        .acts
                        .iter()
                        .fold(Acts::default(), |sum, (_, acts)| added(sum, *acts)),
                    quality: *quality,
                    missed: bond.missed,
                    ..RankedApp::new(AppId::new(number)?)
                })
            })
            .collect();
        let snapshot = Snapshot {
            at_secs: at.secs(),
            config: setup.config,
            apps: &apps,
        };
        let ranked = rank(&snapshot, &self.stories, 1);
        for (bond, (_, missed)) in self.bonds.iter_mut().zip(ranked.missed_after(&snapshot)) {
            bond.missed = missed;
        }
        View { at, ranked }
    }

    /// Does something with the stories of a view, slot by slot.
    pub(super) fn act(&mut self, population: &Population, view: &View, dice: &mut Dice) -> Vec<Act> {
        let mut acts = Vec::new();
        let Some(class) = self.class_in(population) else {
            return acts;
        };
        let today = view.at.secs().div_euclid(DAY_SECS);
        for (slot, pick) in view.ranked.first_page().iter().enumerate() {
            let found = self.stories.binary_search_by_key(&pick.seq, |story| story.seq);
            let place = found.ok().and_then(|place| {
                self.stories
                    .get_mut(place)
                    .zip(self.done.get_mut(place))
                    .zip(population.class_of(pick.app.index()))
            });
            let Some(((story, done), app)) = place else {
                continue;
            };
            let from = acts.len();
            let mut note = |kind| acts.push(Act { app: pick.app, kind });
            if !std::mem::replace(&mut done.is_shown, true) {
                note(ActKind::Saw);
            }
            let mut happens =
                |chances: &[u32], weight| dice.per_million(chance(chances, slot) * u64::from(weight) / 1_000);
            if !done.is_clicked && happens(&class.click, app.attraction) {
                done.is_clicked = true;
                note(ActKind::Clicked);
            }
            if !done.is_thumbed && happens(&class.thumb, app.attraction) {
                done.is_thumbed = true;
                note(ActKind::Thumbed);
            }
            if happens(&class.hide, app.annoyance) {
                story.marks = story.marks.with(Marks::HIDDEN);
                note(ActKind::Hid);
            } else if happens(&class.report, app.annoyance) {
                story.marks = story.marks.with(Marks::REPORTED);
                note(ActKind::Reported);
            }
            if let Some(bond) = self.bonds.get_mut(pick.app.index()) {
                acts.get(from..)
                    .unwrap_or_default()
                    .iter()
                    .for_each(|act| bond.remember(today, act.kind));
            }
        }
        acts
    }

    fn forget_expired(&mut self, constants: &RankingConstants, at: WallMs) {
        let expiry = constants.expiry_secs();
        let is_over = |story: &RankedStory| at.secs() - story.published.secs() >= expiry;
        let over = self.stories.iter().take_while(|story| is_over(story)).count();
        self.stories.drain(..over);
        self.done.drain(..over);
    }
}

impl Bond {
    /// Notes an act for affinity; being shown is none.
    fn remember(&mut self, day: i64, kind: ActKind) {
        let one = |of: bool| u32::from(of);
        let act = Acts {
            clicks: one(kind == ActKind::Clicked),
            thumbs: one(kind == ActKind::Thumbed),
            hides: one(kind == ActKind::Hid),
            reports: one(kind == ActKind::Reported),
        };
        if act == Acts::default() {
            return;
        }
        match self.acts.last_mut() {
            Some((last, acts)) if *last == day => *acts = added(*acts, act),
            Some(_) | None => self.acts.push((day, act)),
        }
    }
}

fn added(one: Acts, two: Acts) -> Acts {
    Acts {
        clicks: one.clicks.saturating_add(two.clicks),
        thumbs: one.thumbs.saturating_add(two.thumbs),
        hides: one.hides.saturating_add(two.hides),
        reports: one.reports.saturating_add(two.reports),
    }
}

fn pictures(class: &AppClass, dice: &mut Dice) -> u8 {
    if dice.below(1_000) < u64::from(class.pictures) {
        u8::try_from(dice.below(4)).map_or(1, |more| more + 1)
    } else {
        0
    }
}

/// The chance at a slot, counted from 0; the last one stands for all further slots.
fn chance(chances: &[u32], slot: usize) -> u64 {
    chances.get(slot).or(chances.last()).copied().map_or(0, u64::from)
}
