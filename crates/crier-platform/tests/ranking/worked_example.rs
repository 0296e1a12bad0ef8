//! The worked example of feed 4.12, number for number, from `fixtures/ranking/worked_example.json`.

use crier_platform::feed::rank::{Ranked, factors, rank};
use crier_platform::feed::verdict::explain::{Line, explain, lines, times};
use crier_platform::feed::verdict::{Below, Verdict, later_page, verdict_of};
use crier_platform::model::ranking::{
    Acts, AppPlace, Marks, PriorityClass, QualityCounts, RankedApp, RankedStory, Slider, Snapshot,
};
use crier_platform::model::ranking_config::RankingConfig;
use crier_platform::model::time::WallMs;
use crier_proto::ids::{AppId, StoryId};
use serde::Deserialize;

const TABLE: &str = include_str!("../../../../fixtures/ranking/worked_example.json");

#[derive(Deserialize)]
struct Example {
    config: Places,
    at_secs: i64,
    active: usize,
    cap: u32,
    apps: Vec<AppRow>,
    stories: Vec<StoryRow>,
    pages: Vec<Vec<i64>>,
    cut: u64,
    without_guarantee: i64,
}

#[derive(Deserialize)]
struct Places {
    slots: u32,
    slots_guaranteed: u32,
    app_cap_min: u32,
}

#[derive(Deserialize)]
struct AppRow {
    app: i64,
    counts: Option<[u64; 5]>,
    q: i64,
    bucket: u8,
    acts: [u32; 4],
    points: i32,
    affinity: u32,
    slider: Slider,
    missed: u32,
    missed_after: u32,
    because: String,
}

#[derive(Deserialize)]
struct StoryRow {
    story: i64,
    app: u32,
    age: i64,
    body: bool,
    pictures: u8,
    priority: Option<u8>,
    affinity: u64,
    quality: u64,
    kind: u64,
    body_score: u64,
    pictures_score: u64,
    priority_score: u64,
    slider: u64,
    decay: [u32; 3],
    base: u64,
    verdict: String,
    slot: Option<usize>,
    score: u64,
    margin: Option<u64>,
    percent: Option<u64>,
    later_page: Option<usize>,
}

struct World {
    example: Example,
    config: RankingConfig,
    apps: Vec<RankedApp>,
    stories: Vec<RankedStory>,
}

impl World {
    fn read() -> Self {
        let example: Example = serde_json::from_str(TABLE).expect("the fixture is JSON");
        let mut config = RankingConfig::default();
        config.constants.slots = example.config.slots;
        config.constants.slots_guaranteed = example.config.slots_guaranteed;
        config.constants.app_cap_min = example.config.app_cap_min;
        config.check().expect("the example's configuration is possible");
        let apps = example.apps.iter().map(|row| row.app(&config)).collect();
        let stories = example
            .stories
            .iter()
            .map(|row| row.story(example.at_secs))
            .collect();
        Self {
            example,
            config,
            apps,
            stories,
        }
    }

    fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            at_secs: self.example.at_secs,
            config: &self.config,
            apps: &self.apps,
        }
    }

    fn ranked(&self) -> Ranked {
        rank(&self.snapshot(), &self.stories, usize::MAX)
    }

    fn lines_of(&self, row: &StoryRow) -> Vec<Line> {
        let story = row.story(self.example.at_secs);
        lines(&self.snapshot(), &self.apps[story.app.index()], &story, 0)
    }
}

impl AppRow {
    fn app(&self, config: &RankingConfig) -> RankedApp {
        let [clicks, thumbs, hides, reports] = self.acts;
        let quality = self.counts.map(|[shown, clicked, thumbed, hidden, reported]| {
            let counts = QualityCounts {
                shown,
                clicked,
                thumbed,
                hidden,
                reported,
            };
            factors::quality_row(&config.constants, counts)
        });
        RankedApp {
            slider: self.slider,
            acts: Acts {
                clicks,
                thumbs,
                hides,
                reports,
            },
            quality,
            missed: self.missed,
            ..RankedApp::new(AppId::new(self.app).expect("positive"))
        }
    }
}

impl StoryRow {
    fn story(&self, at_secs: i64) -> RankedStory {
        RankedStory {
            id: StoryId::new(self.story).expect("positive"),
            seq: self.story - 100,
            published: WallMs((at_secs - self.age) * 1_000),
            app: AppPlace(self.app - 1),
            priority: PriorityClass::of(self.priority),
            pictures: self.pictures,
            has_body: self.body,
            marks: Marks::none(),
        }
    }
}

#[test]
fn the_applications_of_the_worked_example_have_its_buckets_and_affinities() {
    let world = World::read();
    let constants = &world.config.constants;
    for (row, app) in world.example.apps.iter().zip(&world.apps) {
        let counts = app.quality.map(|row| row.counts).unwrap_or_default();
        assert_eq!(
            factors::quality_row(constants, counts).q,
            row.q,
            "q of app {}",
            row.app
        );
        assert_eq!(factors::bucket_of(constants, app.quality.as_ref()), row.bucket);
        assert_eq!(factors::affinity_points(constants, app.acts), row.points);
        let story = &world.stories[0];
        let affinity = &lines(&world.snapshot(), app, story, 0)[0];
        assert_eq!((affinity.factor, &affinity.because), (row.affinity, &row.because));
    }
}

#[test]
fn every_line_of_the_worked_example_is_computed_number_for_number() {
    let world = World::read();
    for row in &world.example.stories {
        let lines = world.lines_of(row);
        let scores: Vec<u64> = lines.iter().map(|line| line.score).collect();
        let expected = [
            row.affinity,
            row.quality,
            row.kind,
            row.body_score,
            row.pictures_score,
            row.priority_score,
            row.slider,
            row.base,
            row.base,
        ];
        assert_eq!(scores, expected, "story {}", row.story);
        let [halvings, step, decay] = row.decay;
        assert_eq!(lines[7].factor, decay, "decay of story {}", row.story);
        assert_eq!(i64::from(halvings), row.age / 86_400);
        assert_eq!(i64::from(step), row.age % 86_400 * 64 / 86_400);
    }
}

#[test]
fn the_worked_example_fills_its_two_pages_and_moves_missed() {
    let world = World::read();
    let (snapshot, ranked) = (world.snapshot(), world.ranked());
    let ids = |page: &Vec<_>| {
        page.iter()
            .map(|pick: &crier_platform::feed::rank::Pick| pick.story.get())
            .collect()
    };
    let pages: Vec<Vec<i64>> = ranked.pages.iter().map(ids).collect();
    assert_eq!(pages, world.example.pages);
    assert_eq!(
        (ranked.active, ranked.cap),
        (world.example.active, world.example.cap)
    );
    assert_eq!(ranked.cut, Some(world.example.cut));
    let after: Vec<u32> = ranked.missed_after(&snapshot).map(|(_, missed)| missed).collect();
    let expected: Vec<u32> = world.example.apps.iter().map(|row| row.missed_after).collect();
    assert_eq!(after, expected);
}

#[test]
fn the_verdicts_of_the_worked_example_carry_score_margin_and_percent() {
    let world = World::read();
    let (snapshot, ranked) = (world.snapshot(), world.ranked());
    for (row, story) in world.example.stories.iter().zip(&world.stories) {
        let verdict = verdict_of(&snapshot, &ranked, story);
        assert_eq!(
            (verdict.name(), verdict.slot(), verdict.score()),
            (row.verdict.as_str(), row.slot, Some(row.score)),
            "story {}",
            row.story
        );
        if let (Some(margin), Some(percent)) = (row.margin, row.percent) {
            let below = Below {
                score: row.score,
                cut: world.example.cut,
                margin,
                percent,
            };
            assert_eq!(verdict, Verdict::BelowCut(below));
        }
        assert_eq!(later_page(&ranked, story.id), row.later_page);
    }
}

#[test]
fn without_the_guarantee_the_last_slot_of_the_worked_example_would_be_105() {
    let mut world = World::read();
    world.config.constants.slots_guaranteed = 0;
    let page = world.ranked().pages.remove(0);
    assert_eq!(page[3].story.get(), world.example.without_guarantee);
}

#[test]
fn why_this_answers_in_the_fields_of_its_page() {
    let world = World::read();
    let explanation = explain(&world.snapshot(), &world.ranked(), &world.stories[1], Some(7));
    let json = serde_json::to_string(&explanation).expect("it is JSON");
    let head = r#"{"story":102,"view":7,"at":2000000,"version":1,"verdict":"shown_merit","slot":3,"score":3212054236,"cut":3212054236,"margin":null,"factors":[{"name":"affinity","factor":90112,"score":5905580032,"because":"you clicked 3 of its stories and thumbed 1 in 28 days"},"#;
    assert!(json.starts_with(head), "{json}");
    let last = r#"{"name":"diversity","factor":45875,"score":3212054236,"because":"it is the 2nd story of its application on this page"}]}"#;
    assert!(json.ends_with(last), "{json}");
    assert_eq!(times(explanation.factors[0].factor), "×1.37");
}

/// A constant that is changed by accident is a version of its own: its text is not this one any more.
#[test]
fn every_constant_of_ranking_v1_is_what_its_page_says() {
    let page = include_str!("../../../../fixtures/ranking/v1.json");
    let expected: String = page.split_whitespace().collect();
    assert_eq!(RankingConfig::default().canonical_text(), expected);
}
