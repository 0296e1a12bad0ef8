//! The ranking alone: feed page 1 of many competing stories, ranked, judged and explained, in this process (feed 11.1, goal 4).
//!
//! Each round is checked against the first; one that differs voids the run. Shapes: 25 applications, one, and one for each story.

use crate::chance::Chance;
use crate::number;
use crier_platform::feed::rank::{Ranked, rank};
use crier_platform::feed::verdict::explain::explain;
use crier_platform::feed::verdict::verdict_of;
use crier_platform::model::ranking::{
    Acts, AppPlace, Bucket, Marks, PriorityClass, QualityCounts, QualityRow, RankedApp, RankedStory, Snapshot,
};
use crier_platform::model::ranking_config::RankingConfig;
use crier_platform::model::time::WallMs;
use crier_proto::ids::{AppId, StoryId};
use std::time::Instant;

/// S of every snapshot.
const AT_SECS: i64 = 1_795_219_200;
/// Goals of feed 11.1, row 4, for the function alone and for a whole page.
const GOAL_1000_US: f64 = 250.0;
const GOAL_10000_US: f64 = 5_000.0;
/// Spans and applications of the printed table.
const SHAPES: [(u64, u64, &str); 6] = [
    (1_000, 25, "25 applications"),
    (1_000, 1, "1 application"),
    (1_000, 1_000, "1,000 applications"),
    (10_000, 25, "25 applications"),
    (10_000, 1, "1 application"),
    (10_000, 10_000, "10,000 applications"),
];

/// `rank [--rounds N] [--seed N]`.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let rounds = number(arguments, "--rounds", 2_000)?.max(1);
    let seed = number(arguments, "--seed", 1)?;
    println!(
        "| candidates | shape | rank p50 µs | rank p99 µs | with 25 explained p99 µs | all judged p99 µs | goal µs |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (stories, apps, shape) in SHAPES {
        let world = World::new(&mut Chance::of(seed, stories + apps), stories, apps)?;
        let snapshot = world.snapshot();
        let first = rank(&snapshot, &world.stories, 1);
        let (mut alone, mut explained, mut judged) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let begin = Instant::now();
            let ranked = rank(&snapshot, &world.stories, 1);
            alone.push(begin.elapsed());
            let lines = world.explain_page(&ranked);
            explained.push(begin.elapsed());
            let begin = Instant::now();
            let verdicts = world
                .stories
                .iter()
                .map(|story| verdict_of(&snapshot, &ranked, story));
            let shown = verdicts.filter(|verdict| verdict.slot().is_some()).count();
            judged.push(begin.elapsed());
            if ranked != first || lines != 25 * 9 || shown != 25 {
                return Err(format!("{stories} of {shape}: a round differs from the first"));
            }
        }
        let at = |times: &mut Vec<std::time::Duration>, share: usize| {
            times.sort_unstable();
            let place = (times.len() * share).div_ceil(100).saturating_sub(1);
            times
                .get(place)
                .map_or(0.0, |time| time.as_nanos() as f64 / 1_000.0)
        };
        let goal = if stories == 1_000 {
            GOAL_1000_US
        } else {
            GOAL_10000_US
        };
        println!(
            "| {stories} | {shape} | {:.1} | {:.1} | {:.1} | {:.1} | {goal:.0} |",
            at(&mut alone, 50),
            at(&mut alone, 99),
            at(&mut explained, 99),
            at(&mut judged, 99)
        );
    }
    Ok(())
}

/// Stories that all compete.
struct World {
    config: RankingConfig,
    apps: Vec<RankedApp>,
    stories: Vec<RankedStory>,
}

impl World {
    fn new(chance: &mut Chance, stories: u64, apps: u64) -> Result<Self, String> {
        let mut below = |bound: u64| chance.below(bound) as i64;
        let made = (1..=apps).map(|number| {
            let app = AppId::new(number as i64)?;
            Some(RankedApp {
                acts: Acts {
                    clicks: below(6) as u32,
                    thumbs: below(3) as u32,
                    hides: below(2) as u32,
                    reports: 0,
                },
                quality: Bucket::new(below(10) as u8).map(|bucket| QualityRow {
                    counts: QualityCounts::default(),
                    q: 0,
                    bucket,
                }),
                missed: below(5) as u32,
                ..RankedApp::new(app)
            })
        });
        let apps: Option<Vec<_>> = made.collect();
        let apps = apps.ok_or("an application has no number")?;
        let stories: Option<Vec<_>> = (1..=stories as i64)
            .map(|number| {
                Some(RankedStory {
                    id: StoryId::new(number)?,
                    seq: number,
                    published: WallMs((AT_SECS - below(604_800)) * 1_000),
                    app: AppPlace(((number as u64 * 7_919) % apps.len() as u64) as u32),
                    priority: PriorityClass::of(Some(below(5) as u8)),
                    pictures: below(4) as u8,
                    has_body: below(2) == 0,
                    marks: Marks::none(),
                })
            })
            .collect();
        Ok(Self {
            config: RankingConfig::default(),
            apps,
            stories: stories.ok_or("a story has no number")?,
        })
    }

    fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            at_secs: AT_SECS,
            config: &self.config,
            apps: &self.apps,
        }
    }

    /// Explains the 25 stories of the page; returns how many lines that took.
    fn explain_page(&self, ranked: &Ranked) -> usize {
        let snapshot = self.snapshot();
        let stories = ranked.first_page().iter().filter_map(|pick| {
            let place = usize::try_from(pick.seq - 1).ok()?;
            self.stories.get(place)
        });
        stories
            .map(|story| explain(&snapshot, ranked, story, Some(1)).factors.len())
            .sum()
    }
}
