//! Generated records: a configuration, applications and stories, small enough to shrink and odd enough to hurt.

use crier_platform::feed::rank::{Ranked, rank};
use crier_platform::model::ranking::{
    Acts, AppPlace, Bucket, Marks, PriorityClass, QualityCounts, QualityRow, RankedApp, RankedStory, Slider,
    Snapshot, Standing,
};
use crier_platform::model::ranking_config::RankingConfig;
use crier_platform::model::time::WallMs;
use crier_proto::ids::{AppId, StoryId};
use proptest::prelude::*;

/// S of every generated snapshot.
pub const AT_SECS: i64 = 2_000_000;

/// A snapshot that owns what it needs.
#[derive(Debug, Clone)]
pub struct World {
    pub config: RankingConfig,
    pub apps: Vec<RankedApp>,
    pub stories: Vec<RankedStory>,
}

impl World {
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            at_secs: AT_SECS,
            config: &self.config,
            apps: &self.apps,
        }
    }

    pub fn ranked(&self) -> Ranked {
        rank(&self.snapshot(), &self.stories, usize::MAX)
    }
}

pub fn app_id(number: usize) -> AppId {
    AppId::new(i64::try_from(number).expect("small") + 1).expect("positive")
}

/// A story of an application, this many seconds old; its id and seq are its number.
pub fn story(number: i64, app: u32, age: i64) -> RankedStory {
    RankedStory {
        id: StoryId::new(number).expect("positive"),
        seq: number,
        published: WallMs((AT_SECS - age) * 1_000),
        app: AppPlace(app),
        priority: PriorityClass::One,
        pictures: 0,
        has_body: true,
        marks: Marks::none(),
    }
}

fn slider() -> impl Strategy<Value = Slider> {
    (0..=4_u8).prop_map(|stop| Slider::try_from(stop).expect("a stop"))
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        8 => Just(Standing::Wanted),
        1 => Just(Standing::NoGrant),
        1 => Just(Standing::Off),
    ]
}

fn app(number: usize) -> impl Strategy<Value = RankedApp> {
    let acts = (0..5_u32, 0..3_u32, 0..3_u32, 0..2_u32);
    (standing(), slider(), acts, 0..10_u8, 0..9_u32).prop_map(
        move |(standing, slider, acts, bucket, missed)| {
            let (clicks, thumbs, hides, reports) = acts;
            RankedApp {
                standing,
                slider,
                acts: Acts {
                    clicks,
                    thumbs,
                    hides,
                    reports,
                },
                quality: Bucket::new(bucket).map(|bucket| QualityRow {
                    counts: QualityCounts::default(),
                    q: 0,
                    bucket,
                }),
                missed,
                ..RankedApp::new(app_id(number))
            }
        },
    )
}

fn marks() -> impl Strategy<Value = Marks> {
    prop_oneof![
        12 => Just(Marks::none()),
        1 => Just(Marks::EXEMPT),
        1 => Just(Marks::EXEMPT.with(Marks::HIDDEN)),
        1 => Just(Marks::HIDDEN),
        1 => Just(Marks::REPORTED),
        1 => Just(Marks::BLANKED),
        1 => Just(Marks::DAMAGED),
    ]
}

/// What a story is made of: application, age, class of its priority, pictures, body, marks.
type Made = (u32, i64, Option<u8>, u8, bool, Marks);

fn made(apps: u32) -> impl Strategy<Value = Made> {
    let age = prop_oneof![
        8 => 0..604_800_i64,
        2 => (0..4_i64).prop_map(|days| days * 86_400),
        1 => 604_799..604_802_i64,
    ];
    let priority = prop_oneof![Just(None), (0..=100_u8).prop_map(Some)];
    (0..apps, age, priority, 0..=4_u8, any::<bool>(), marks())
}

/// Any record of up to 30 applications and 120 stories under small pages.
pub fn worlds() -> impl Strategy<Value = World> {
    (1..30_usize).prop_flat_map(|count| {
        let apps: Vec<_> = (0..count).map(app).collect();
        let stories = proptest::collection::vec(made(u32::try_from(count).expect("small")), 0..120);
        let places = (2..12_u32, 1..6_u32, 0..4_u32, 1..60_u32);
        (apps, stories, places).prop_map(|(apps, stories, (slots, guaranteed, cap, candidates_max))| {
            let mut config = RankingConfig {
                candidates_max: candidates_max * 2,
                ..RankingConfig::default()
            };
            config.constants.slots = slots;
            config.constants.slots_guaranteed = guaranteed.min(slots - 1);
            config.constants.app_cap_min = cap;
            config.check().expect("every generated configuration is possible");
            let stories = stories.into_iter().zip(1..).map(|(made, number)| {
                let (app, age, priority, pictures, has_body, marks) = made;
                RankedStory {
                    priority: PriorityClass::of(priority),
                    pictures,
                    has_body,
                    marks,
                    ..story(number, app, age)
                }
            });
            World {
                config,
                apps,
                stories: stories.collect(),
            }
        })
    })
}
