//! A record's views computed again from its lines, and what differs (feed 9.4).
//!
//! Promise: the state at a view is what the record says up to its w, and the page is what `rank` makes of it; under the recorded
//! configurations every view of an undamaged record is the same. Knows no file.

use crate::feed::EXEMPT_MAX;
use crate::feed::rank::{Ranked, factors, rank};
use crate::model::ranking::{
    Acts, AppPlace, Marks, QualityRow, RankedApp, RankedStory, Slider, Snapshot, Standing,
};
use crate::model::ranking_config::RankingConfig;
use crate::model::record_line::{EventLine, LineEvent, RecordLine, StoryLine, ViewLine};
use crate::model::time::WallMs;
use crier_proto::ids::{AppId, StoryId};
use std::collections::BTreeMap;

const DAY_SECS: i64 = 86_400;
const HOUR_SECS: i64 = 3_600;

/// A record as its lines say it.
#[derive(Debug, Clone, Default)]
pub struct Record {
    configs: BTreeMap<u32, RankingConfig>,
    buckets: BTreeMap<(i64, AppId), QualityRow>,
    stories: Vec<StoryLine>,
    events: Vec<EventLine>,
    views: Vec<ViewLine>,
}

/// A view that was computed again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Replayed {
    /// The view's number.
    pub view: i64,
    /// Whether every slot and every exempt story is the one that the record says.
    pub same: bool,
    /// Slots that differ.
    pub slots: Vec<Difference>,
}

/// A slot that holds another story than the record says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// From 1; 0: among the exempt stories.
    pub slot: usize,
    /// What the record says.
    pub recorded: Option<StoryId>,
    /// What was computed.
    pub computed: Option<StoryId>,
    /// Factors of either story that the given configuration weighs otherwise than the recorded one. None: slots, guarantee, cap
    /// or diversity made the difference, or the record does not say what was served.
    pub factors: Vec<&'static str>,
}

/// Why a record cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A view names a version that no line before it gives.
    #[error("version: view {view} was ranked by version {version}, which the record does not hold")]
    NoConfig {
        /// The view.
        view: i64,
        /// Its version.
        version: u32,
    },
    /// A configuration line that no server can have used.
    #[error("{key}: {why}")]
    BadConfig {
        /// Which key.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl Record {
    /// Takes the next line.
    ///
    /// # Errors
    /// When it is a configuration that cannot be.
    pub fn take(&mut self, line: RecordLine) -> Result<(), ReplayError> {
        match line {
            RecordLine::Config(line) => {
                let config = RankingConfig::from(*line);
                config
                    .check()
                    .map_err(|(key, why)| ReplayError::BadConfig { key, why })?;
                self.configs.insert(config.version, config);
            }
            RecordLine::Bucket(line) => {
                self.buckets.insert((line.hour, line.app), line.row);
            }
            RecordLine::Story(line) => self.stories.push(*line),
            RecordLine::Event(line) => self.events.push(line),
            RecordLine::View(line) => self.views.push(line),
        }
        Ok(())
    }

    /// Computes every view again, under its own configuration or under another one.
    ///
    /// # Errors
    /// When a view's configuration is not in the record.
    pub fn replay(&self, instead: Option<&RankingConfig>) -> Result<Vec<Replayed>, ReplayError> {
        self.views
            .iter()
            .map(|view| self.replay_view(view, instead))
            .collect()
    }

    fn replay_view(&self, view: &ViewLine, instead: Option<&RankingConfig>) -> Result<Replayed, ReplayError> {
        let recorded = self.configs.get(&view.version).ok_or(ReplayError::NoConfig {
            view: view.number,
            version: view.version,
        })?;
        let config = instead.unwrap_or(recorded);
        let state = State::at(self, view, config);
        let snapshot = Snapshot {
            at_secs: view.moment,
            config,
            apps: &state.apps,
        };
        let ranked = rank(&snapshot, &state.stories, 1);
        let before = Snapshot {
            config: recorded,
            ..snapshot
        };
        let slots = differences(view, &ranked, |story| {
            state.factors_that_differ(story, &before, &snapshot)
        });
        Ok(Replayed {
            view: view.number,
            same: slots.is_empty(),
            slots,
        })
    }
}

/// Slot by slot, what the record says and what was computed, where the two are not the same.
fn differences(
    view: &ViewLine,
    ranked: &Ranked,
    factors_of: impl Fn(StoryId) -> Vec<&'static str>,
) -> Vec<Difference> {
    let page: Vec<StoryId> = ranked.first_page().iter().map(|pick| pick.story).collect();
    let exempt: Vec<StoryId> = ranked.exempt.iter().copied().take(EXEMPT_MAX).collect();
    let mut found = Vec::new();
    for (is_exempt, recorded, computed) in [(true, &view.exempt, &exempt), (false, &view.shown, &page)] {
        for place in 0..recorded.len().max(computed.len()) {
            let (recorded, computed) = (recorded.get(place).copied(), computed.get(place).copied());
            if recorded == computed {
                continue;
            }
            let mut names: Vec<&'static str> = [recorded, computed]
                .into_iter()
                .flatten()
                .flat_map(&factors_of)
                .collect();
            let order = |name: &&'static str| factors::NAMES.iter().position(|known| known == name);
            names.sort_unstable_by_key(order);
            names.dedup();
            found.push(Difference {
                slot: if is_exempt { 0 } else { place + 1 },
                recorded,
                computed,
                factors: names,
            });
        }
    }
    found
}

/// What the record says up to a view's w.
#[derive(Debug, Clone)]
pub(in crate::feed) struct State {
    pub(in crate::feed) apps: Vec<RankedApp>,
    pub(in crate::feed) stories: Vec<RankedStory>,
}

/// What a story went through up to w.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::feed) struct Fate {
    clicked: Option<WallMs>,
    thumbed: Option<WallMs>,
    hidden: Option<WallMs>,
    reported: Option<WallMs>,
    is_blanked: bool,
    /// A bit for each slot whose picture is ready.
    ready: u8,
}

impl Fate {
    /// Notes a fact about the story.
    pub(in crate::feed) fn note(&mut self, line: &EventLine) {
        let slot = |number: u8| 1_u8.checked_shl(u32::from(number)).unwrap_or(0);
        match line.event {
            LineEvent::Clicked => self.clicked = self.clicked.or(Some(line.at_ms)),
            LineEvent::Thumbed => self.thumbed = Some(line.at_ms),
            LineEvent::Unthumbed => self.thumbed = None,
            LineEvent::Hidden => self.hidden = Some(line.at_ms),
            LineEvent::Reported { .. } => self.reported = Some(line.at_ms),
            LineEvent::Undone => (self.hidden, self.reported) = (None, None),
            LineEvent::PictureReady { slot: number } => self.ready |= slot(number),
            LineEvent::PictureRemoved { slot: number } => self.ready &= !slot(number),
            LineEvent::Blanked => self.is_blanked = true,
            LineEvent::Shown
            | LineEvent::Slider { .. }
            | LineEvent::Switched { .. }
            | LineEvent::Granted
            | LineEvent::Withdrawn => {}
        }
    }

    pub(in crate::feed) fn marks(&self, story: &StoryLine) -> Marks {
        [
            (story.exempt, Marks::EXEMPT),
            (story.damaged, Marks::DAMAGED),
            (self.is_blanked, Marks::BLANKED),
            (self.hidden.is_some(), Marks::HIDDEN),
            (self.reported.is_some(), Marks::REPORTED),
        ]
        .into_iter()
        .filter(|(is_marked, _)| *is_marked)
        .fold(Marks::none(), |marks, (_, mark)| marks.with(mark))
    }

    /// Pictures that are ready.
    pub(in crate::feed) fn pictures(&self) -> u8 {
        u8::try_from(self.ready.count_ones()).unwrap_or(u8::MAX)
    }

    /// Adds its acts of the days that count (feed 4.4, row 1).
    fn add_to(&self, acts: &mut Acts, counts: impl Fn(WallMs) -> bool) {
        for (when, count) in [
            (self.clicked, &mut acts.clicks),
            (self.thumbed, &mut acts.thumbs),
            (self.hidden, &mut acts.hides),
            (self.reported, &mut acts.reports),
        ] {
            *count = count.saturating_add(u32::from(when.is_some_and(&counts)));
        }
    }
}

impl State {
    pub(in crate::feed) fn at(record: &Record, view: &ViewLine, config: &RankingConfig) -> Self {
        let events = || record.events.iter().filter(|line| line.seq <= view.seq);
        let mut fates: BTreeMap<StoryId, Fate> = BTreeMap::new();
        for line in events() {
            if let Some(story) = line.story {
                fates.entry(story).or_default().note(line);
            }
        }
        let mut state = Self {
            apps: Vec::new(),
            stories: Vec::new(),
        };
        let mut places: BTreeMap<AppId, AppPlace> = BTreeMap::new();
        let today = view.moment.div_euclid(DAY_SECS);
        let first_day = today - i64::from(config.constants.affinity_days) + 1;
        let counts = |at: WallMs| (first_day..=today).contains(&at.secs().div_euclid(DAY_SECS));
        for story in record.stories.iter().filter(|line| line.seq <= view.seq) {
            let fate = fates.get(&story.story).copied().unwrap_or_default();
            let place = *places
                .entry(story.app)
                .or_insert_with(|| state.add_app(record, view, story.app));
            if let Some(app) = state.apps.get_mut(place.index()).filter(|_| !story.exempt) {
                fate.add_to(&mut app.acts, counts);
            }
            state.stories.push(RankedStory {
                id: story.story,
                seq: story.seq,
                published: story.published_ms,
                app: place,
                priority: story.priority_class(),
                pictures: fate.pictures(),
                has_body: story.has_body,
                marks: fate.marks(story),
            });
        }
        for line in events() {
            if let Some(app) = places
                .get(&line.app)
                .and_then(|place| state.apps.get_mut(place.index()))
            {
                (app.standing, app.slider) = moved(line.event, (app.standing, app.slider));
            }
        }
        state
    }

    fn add_app(&mut self, record: &Record, view: &ViewLine, app: AppId) -> AppPlace {
        let hour = view.moment.div_euclid(HOUR_SECS);
        let missed = view.missed.iter().find(|(missed, _)| *missed == app);
        self.apps.push(RankedApp {
            quality: record.buckets.get(&(hour, app)).copied(),
            missed: missed.map_or(0, |(_, missed)| *missed),
            ..RankedApp::new(app)
        });
        AppPlace(u32::try_from(self.apps.len() - 1).unwrap_or(u32::MAX))
    }

    /// Names of the factors of a story that two configurations weigh differently.
    fn factors_that_differ(&self, id: StoryId, one: &Snapshot<'_>, two: &Snapshot<'_>) -> Vec<&'static str> {
        let found = self.stories.iter().find(|story| story.id == id);
        let Some((story, app)) = found.and_then(|story| Some((story, self.apps.get(story.app.index())?)))
        else {
            return Vec::new();
        };
        let (one, two) = (
            factors::of_story(one, app, story),
            factors::of_story(two, app, story),
        );
        let pairs = factors::NAMES.into_iter().zip(one.into_iter().zip(two));
        pairs
            .filter(|(_, (one, two))| one != two)
            .map(|(name, _)| name)
            .collect()
    }
}

/// What a fact about an application makes of its standing and slider; an acceptance begins with the switch on.
fn moved(event: LineEvent, (standing, slider): (Standing, Slider)) -> (Standing, Slider) {
    match event {
        LineEvent::Slider { stop } => (standing, stop),
        LineEvent::Granted => (Standing::Wanted, slider),
        LineEvent::Withdrawn => (Standing::NoGrant, slider),
        LineEvent::Switched { on } if standing != Standing::NoGrant => {
            (if on { Standing::Wanted } else { Standing::Off }, slider)
        }
        LineEvent::Switched { .. }
        | LineEvent::Shown
        | LineEvent::Clicked
        | LineEvent::Hidden
        | LineEvent::Undone
        | LineEvent::Reported { .. }
        | LineEvent::Thumbed
        | LineEvent::Unthumbed
        | LineEvent::PictureReady { .. }
        | LineEvent::PictureRemoved { .. }
        | LineEvent::Blanked => (standing, slider),
    }
}
