//! Random records of feeds, and the pages that they are computed to (feed 9.4, 11.1 goal 15).
//!
//! A seed gives the same lines and, if the promise of 4.1 holds, the same bytes in every build. The views say nothing of what was
//! shown, so that a replay tells every slot of every page 1.

use crier_platform::feed::simulate::replay::{Record, ReplayError};
use crier_platform::model::ranking::{Bucket, QualityCounts, QualityRow, Slider};
use crier_platform::model::ranking_config::RankingConfig;
use crier_platform::model::record_line::{
    BucketLine, ConfigLine, EventLine, LineEvent, LineReason, RecordLine, StoryLine, ViewLine,
};
use crier_platform::model::time::WallMs;
use crier_proto::ids::{AppId, StoryId};

/// When the first story of a record is published: a whole hour.
const BEGIN_SECS: i64 = 1_795_219_200;
const HOUR_SECS: i64 = 3_600;
/// What a record holds at most.
const APPS_MAX: u64 = 40;
const FACTS_MAX: u64 = 160;
const VIEWS: i64 = 3;

/// A source of choices that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }

    fn upto(&mut self, bound: i64) -> i64 {
        i64::try_from(self.below(bound.unsigned_abs() + 1)).unwrap_or(0)
    }

    fn small(&mut self, bound: u64) -> u8 {
        u8::try_from(self.below(bound)).unwrap_or(0)
    }
}

/// The record of a seed.
#[must_use]
pub fn random_record(seed: u64) -> Vec<RecordLine> {
    let mut dice = Dice::of(seed);
    let config = config(&mut dice);
    let apps: Vec<AppId> = (1..=dice.upto(39) + 1).filter_map(AppId::new).collect();
    debug_assert!(apps.len() as u64 <= APPS_MAX, "{}", apps.len());
    let mut lines = vec![RecordLine::Config(Box::new(ConfigLine::from(&config)))];
    let (mut seq, mut at_secs) = (0, BEGIN_SECS);
    let mut facts = Vec::new();
    for app in &apps {
        seq += 1;
        facts.push(event(seq, at_secs, (LineEvent::Granted, *app, None)));
    }
    let mut stories: Vec<(StoryId, AppId)> = Vec::new();
    let mut views = Vec::new();
    let all = 20 + dice.below(FACTS_MAX - 20);
    for fact in 0..all {
        seq += 1;
        at_secs += dice.upto(2 * HOUR_SECS);
        let app = apps[usize::try_from(dice.below(apps.len() as u64)).unwrap_or(0)];
        if dice.below(3) > 0 || stories.is_empty() {
            if let Some(id) = StoryId::new(1_000 + seq) {
                facts.push(RecordLine::Story(Box::new(story(
                    &mut dice,
                    (seq, id, app),
                    at_secs,
                ))));
                stories.push((id, app));
            }
        } else {
            let (id, of) = stories[usize::try_from(dice.below(stories.len() as u64)).unwrap_or(0)];
            let (what, app, about) = match dice.below(15) {
                0 => (
                    LineEvent::Slider {
                        stop: stop(&mut dice),
                    },
                    app,
                    None,
                ),
                1 => (
                    LineEvent::Switched {
                        on: dice.below(2) == 0,
                    },
                    app,
                    None,
                ),
                2 => (LineEvent::Withdrawn, app, None),
                3 => (LineEvent::Granted, app, None),
                act => (act_of(act, &mut dice), of, Some(id)),
            };
            facts.push(event(seq, at_secs, (what, app, about)));
        }
        if views.len() < 3 && fact + 1 >= all * (views.len() as u64 + 1) / VIEWS.unsigned_abs() {
            let number = views.len() as i64 + 1;
            views.push(view(&mut dice, (number, seq, at_secs), &apps));
        }
    }
    for view in &views {
        lines.extend(apps.iter().filter_map(|app| bucket(&mut dice, *app, view.moment)));
    }
    lines.extend(facts);
    lines.extend(views.into_iter().map(RecordLine::View));
    lines
}

/// What the pages of a record's views are, as JSON: each slot of each page 1, with what weighs otherwise under a second configuration.
///
/// # Errors
/// When a line is impossible.
pub fn pages_of(lines: &[RecordLine]) -> Result<String, ReplayError> {
    let mut record = Record::default();
    for line in lines {
        record.take(line.clone())?;
    }
    let (own, other) = (
        record.replay(None)?,
        record.replay(Some(&RankingConfig::default()))?,
    );
    Ok(serde_json::to_string(&(own, other)).unwrap_or_default())
}

fn config(dice: &mut Dice) -> RankingConfig {
    let mut config = RankingConfig::default();
    let constants = &mut config.constants;
    constants.slots = 2 + u32::from(dice.small(30));
    constants.slots_guaranteed = 1 + u32::from(dice.small(u64::from(constants.slots) - 1));
    constants.app_cap_min = 1 + u32::from(dice.small(6));
    config.candidates_max = 5 + u32::from(dice.small(200));
    config
}

fn story(dice: &mut Dice, (seq, story, app): (i64, StoryId, AppId), at_secs: i64) -> StoryLine {
    StoryLine {
        seq,
        story,
        app,
        published_ms: WallMs(at_secs * 1_000 + dice.upto(999)),
        priority: (dice.below(2) == 0).then(|| dice.small(101)),
        exempt: dice.below(20) == 0,
        has_body: dice.below(2) == 0,
        damaged: dice.below(40) == 0,
        title: None,
        body: None,
    }
}

fn stop(dice: &mut Dice) -> Slider {
    Slider::try_from(dice.small(5)).unwrap_or_default()
}

fn act_of(kind: u64, dice: &mut Dice) -> LineEvent {
    let slot = 1 + dice.small(4);
    match kind {
        4 => LineEvent::Hidden,
        5 => LineEvent::Undone,
        6 => LineEvent::Reported {
            reason: LineReason::Spam,
        },
        7 => LineEvent::Thumbed,
        8 => LineEvent::Unthumbed,
        9 => LineEvent::Clicked,
        10 => LineEvent::PictureRemoved { slot },
        11 => LineEvent::Blanked,
        12 => LineEvent::Shown,
        _ => LineEvent::PictureReady { slot },
    }
}

fn event(seq: i64, at_secs: i64, (event, app, story): (LineEvent, AppId, Option<StoryId>)) -> RecordLine {
    RecordLine::Event(EventLine {
        seq,
        at_ms: WallMs(at_secs * 1_000),
        event,
        app,
        story,
        view: None,
    })
}

fn view(dice: &mut Dice, (number, seq, at_secs): (i64, i64, i64), apps: &[AppId]) -> ViewLine {
    let missed: Vec<(AppId, u32)> = apps
        .iter()
        .map(|app| (*app, u32::from(dice.small(4))))
        .filter(|(_, missed)| *missed > 0)
        .collect();
    ViewLine {
        number,
        at_ms: WallMs(at_secs * 1_000),
        moment: at_secs,
        // Now and then a view of an earlier place than the last.
        seq: seq - dice.upto(3).min(seq - 1),
        version: 1,
        missed,
        exempt: Vec::new(),
        shown: Vec::new(),
        pages: 1,
    }
}

fn bucket(dice: &mut Dice, app: AppId, at_secs: i64) -> Option<RecordLine> {
    let bucket = Bucket::new(dice.small(10))?;
    Some(RecordLine::Bucket(BucketLine {
        app,
        hour: at_secs.div_euclid(HOUR_SECS),
        row: QualityRow {
            counts: QualityCounts::default(),
            q: dice.upto(400) - 100,
            bucket,
        },
    }))
}
