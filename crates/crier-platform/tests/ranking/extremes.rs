//! Hostile and extreme snapshots (feed 12, "ranking"): no overflow, no panic, a complete repeatable order.

use crate::world::{AT_SECS, World, app_id, story};
use crier_platform::feed::rank::{Place, factors, place_of, rank};
use crier_platform::feed::verdict::explain::explain;
use crier_platform::feed::verdict::lists;
use crier_platform::feed::verdict::{Verdict, verdict_of};
use crier_platform::model::ranking::{
    Acts, Marks, PriorityClass, QualityCounts, RankedApp, RankedStory, Slider, Snapshot, Standing,
};
use crier_platform::model::ranking_config::{FACTOR_MAX, RankingConfig};
use crier_platform::model::time::WallMs;
use std::collections::BTreeSet;

fn apps(count: usize) -> Vec<RankedApp> {
    (0..count).map(|number| RankedApp::new(app_id(number))).collect()
}

fn world(apps: Vec<RankedApp>, stories: Vec<RankedStory>) -> World {
    World {
        config: RankingConfig::default(),
        apps,
        stories,
    }
}

#[test]
fn ten_thousand_equal_candidates_come_by_newer_then_smaller_id_and_are_complete() {
    let stories: Vec<RankedStory> = (1..=10_000).map(|number| story(number, 0, 3_600)).collect();
    let ranked = world(apps(1), stories).ranked();
    let order: Vec<i64> = ranked
        .pages
        .iter()
        .flatten()
        .map(|pick| pick.story.get())
        .collect();
    assert_eq!(order, (1..=10_000).collect::<Vec<_>>());
    assert_eq!((ranked.pages.len(), ranked.cap, ranked.active), (400, 25, 1));
}

#[test]
fn ten_thousand_applications_with_a_story_each_are_complete_and_take_turns_by_what_they_missed() {
    let mut apps = apps(10_000);
    apps[9_999].missed = 7;
    apps[9_998].missed = u32::MAX;
    let stories = (0..10_000)
        .map(|app| story(i64::from(app) + 1, app, i64::from(app) * 60))
        .collect();
    let world = world(apps, stories);
    let ranked = world.ranked();
    let first: Vec<i64> = ranked.first_page().iter().map(|pick| pick.story.get()).collect();
    assert_eq!(first[..20], (1..=20).collect::<Vec<_>>());
    assert_eq!(first[20..], [9_999, 10_000, 21, 22, 23]);
    assert_eq!(
        ranked
            .pages
            .iter()
            .flatten()
            .map(|pick| pick.story)
            .collect::<BTreeSet<_>>()
            .len(),
        10_000
    );
    let after: Vec<u32> = ranked
        .missed_after(&world.snapshot())
        .map(|(_, missed)| missed)
        .collect();
    assert_eq!((after[0], after[9_998], after[9_997]), (0, 0, 1));
}

#[test]
fn missed_at_its_end_stays_there() {
    let mut apps = apps(3);
    apps.iter_mut().for_each(|app| app.missed = u32::MAX);
    let mut world = world(
        apps,
        (0..3).map(|app| story(i64::from(app) + 1, app, 60)).collect(),
    );
    (
        world.config.constants.slots,
        world.config.constants.slots_guaranteed,
    ) = (2, 1);
    let after: Vec<u32> = world
        .ranked()
        .missed_after(&world.snapshot())
        .map(|(_, missed)| missed)
        .collect();
    assert_eq!(after, [0, 0, u32::MAX]);
}

#[test]
fn candidates_max_keeps_the_newest_and_the_others_are_overflow() {
    let mut world = world(
        apps(1),
        (1..=10).map(|number| story(number, 0, 100 - number)).collect(),
    );
    world.config.candidates_max = 4;
    // What does not compete takes no place among the newest.
    world.stories[9].marks = Marks::HIDDEN;
    let ranked = world.ranked();
    let verdicts: Vec<&str> = world
        .stories
        .iter()
        .map(|story| verdict_of(&world.snapshot(), &ranked, story).name())
        .collect();
    let expected: Vec<&str> = ["overflow"; 5]
        .into_iter()
        .chain(["shown_merit"; 4])
        .chain(["hidden"])
        .collect();
    assert_eq!(verdicts, expected);
}

#[test]
fn age_is_judged_to_the_second_at_the_expiry() {
    let world = world(
        apps(1),
        vec![story(1, 0, 604_799), story(2, 0, 604_800), story(3, 0, 604_801)],
    );
    let places: Vec<Place> = world
        .stories
        .iter()
        .map(|story| place_of(&world.snapshot(), story))
        .collect();
    assert_eq!(places, [Place::Candidate, Place::Expired, Place::Expired]);
    // A millisecond before the second is over, the story is still a second younger.
    let mut late = story(1, 0, 604_800);
    late.published = late.published.plus_ms(1_000);
    assert_eq!(place_of(&world.snapshot(), &late), Place::Candidate);
    late.published = late.published.plus_ms(-1);
    assert_eq!(place_of(&world.snapshot(), &late), Place::Expired);
}

#[test]
fn clocks_at_zero_at_their_ends_and_in_the_future_do_no_harm() {
    let apps = apps(1);
    let config = RankingConfig::default();
    for at_secs in [i64::MIN, -1, 0, 1, AT_SECS, i64::MAX] {
        for published in [i64::MIN, -1, 0, 999, AT_SECS * 1_000, i64::MAX] {
            let snapshot = Snapshot {
                at_secs,
                config: &config,
                apps: &apps,
            };
            let mut one = story(1, 0, 0);
            one.published = WallMs(published);
            let ranked = rank(&snapshot, [&one], usize::MAX);
            let shown = usize::from(place_of(&snapshot, &one) == Place::Candidate);
            assert_eq!(ranked.candidates, shown);
            assert_eq!(explain(&snapshot, &ranked, &one, None).factors.len(), shown * 9);
        }
    }
}

#[test]
fn counts_at_their_ends_are_held_by_affinity_max_and_by_the_buckets() {
    let constants = RankingConfig::default().constants;
    let acts = |clicks, thumbs, hides, reports| Acts {
        clicks,
        thumbs,
        hides,
        reports,
    };
    let end = u32::MAX;
    for (acts, points) in [
        (acts(end, end, 0, 0), 12),
        (acts(0, 0, end, end), -12),
        (acts(end, end, end, end), -12),
        (acts(12, 0, 0, 0), 12),
        (acts(13, 0, 0, 0), 12),
        (acts(0, 0, 3, 0), -12),
        (acts(3, 0, 1, 1), -9),
    ] {
        assert_eq!(factors::affinity_points(&constants, acts), points);
    }
    let end = u64::MAX;
    for (counts, q, bucket) in [
        ([0, 0, 0, 0, 0], 40, 5),
        ([end, end, end, end, end], -7_000, 1),
        ([0, end, 0, 0, 0], 368_934_881_474_191_032_340_i128, 9),
        ([0, 0, 0, 0, end], -2_951_479_051_793_528_258_560_i128 + 40, 1),
        ([end, 0, 0, 0, 0], 0, 5),
    ] {
        let [shown, clicked, thumbed, hidden, reported] = counts;
        let row = factors::quality_row(
            &constants,
            QualityCounts {
                shown,
                clicked,
                thumbed,
                hidden,
                reported,
            },
        );
        let held = q.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        assert_eq!(
            (i128::from(row.q), row.bucket.number()),
            (held, bucket),
            "{counts:?}"
        );
    }
}

#[test]
fn quality_rounds_down_below_zero_and_buckets_begin_at_their_thresholds() {
    let constants = RankingConfig::default().constants;
    let row = |shown, clicked, hidden| {
        let counts = QualityCounts {
            shown,
            clicked,
            hidden,
            ..QualityCounts::default()
        };
        let row = factors::quality_row(&constants, counts);
        (row.q, row.bucket.number())
    };
    // (2000 − 2000 × 2) / 51 = −39.2, rounded down.
    assert_eq!(row(1, 0, 2), (-40, 4));
    assert_eq!(row(50, 4, 0), (60, 6));
    assert_eq!(row(52, 4, 0), (58, 5));
    assert_eq!(row(50, 10, 0), (120, 7));
    assert_eq!(row(50, 18, 0), (200, 8));
    assert_eq!(row(50, 30, 0), (320, 9));
    assert_eq!(row(50, 0, 1), (0, 5));
    assert_eq!(row(50, 0, 3), (-40, 4));
    assert_eq!(row(50, 0, 6), (-100, 3));
    assert_eq!(row(50, 0, 11), (-200, 2));
    assert_eq!(row(49, 0, 11), (-203, 1));
}

#[test]
fn all_sliders_at_none_show_nothing_and_say_why() {
    let mut apps = apps(3);
    apps.iter_mut().for_each(|app| app.slider = Slider::None);
    let world = world(
        apps,
        (0..3).map(|app| story(i64::from(app) + 1, app, 60)).collect(),
    );
    let ranked = world.ranked();
    assert!(ranked.pages.is_empty() && ranked.cut.is_none() && ranked.active == 0);
    let names = world
        .stories
        .iter()
        .map(|story| verdict_of(&world.snapshot(), &ranked, story).name());
    assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(["slider_none"]));
    assert!(
        ranked
            .missed_after(&world.snapshot())
            .all(|(_, missed)| missed == 0)
    );
}

#[test]
fn the_first_reason_of_the_table_is_the_verdict() {
    let mut apps = apps(3);
    (apps[0].standing, apps[0].slider) = (Standing::NoGrant, Slider::None);
    (apps[1].standing, apps[1].slider) = (Standing::Off, Slider::None);
    let all = Marks::HIDDEN.with(Marks::REPORTED);
    let marked = |number, app, age, marks| RankedStory {
        marks,
        ..story(number, app, age)
    };
    let old = 700_000;
    let world = world(
        apps,
        vec![
            marked(
                1,
                0,
                old,
                all.with(Marks::BLANKED).with(Marks::DAMAGED).with(Marks::EXEMPT),
            ),
            marked(2, 0, old, all.with(Marks::DAMAGED).with(Marks::EXEMPT)),
            marked(3, 0, 60, Marks::EXEMPT),
            marked(4, 0, old, Marks::EXEMPT),
            marked(5, 0, old, all),
            marked(6, 0, 60, all),
            marked(7, 1, 60, all),
            marked(8, 2, 60, all),
            marked(9, 2, 60, Marks::HIDDEN),
            marked(10, 0, 60, all.with(Marks::EXEMPT)),
            marked(11, 99, 60, Marks::none()),
        ],
    );
    let ranked = world.ranked();
    let names: Vec<&str> = world
        .stories
        .iter()
        .map(|story| verdict_of(&world.snapshot(), &ranked, story).name())
        .collect();
    let expected = [
        "blanked", "damaged", "exempt", "expired", "expired", "no_grant", "app_off", "reported", "hidden",
        "reported", "no_grant",
    ];
    assert_eq!(names, expected);
}

#[test]
fn exempt_stories_stand_newest_first_whatever_competes_and_move_nothing() {
    let mut apps = apps(2);
    apps[1].slider = Slider::None;
    let exempt = |number, age| RankedStory {
        marks: Marks::EXEMPT,
        ..story(number, 1, age)
    };
    let stories = vec![
        exempt(1, 50),
        exempt(2, 10),
        exempt(4, 30),
        exempt(3, 30),
        story(5, 0, 1),
    ];
    let world = world(apps, stories);
    let ranked = world.ranked();
    assert_eq!(
        ranked.exempt.iter().map(|id| id.get()).collect::<Vec<_>>(),
        [2, 3, 4, 1]
    );
    assert_eq!(
        (ranked.candidates, ranked.active, ranked.first_page().len()),
        (1, 1, 1)
    );
    assert!(
        ranked
            .missed_after(&world.snapshot())
            .all(|(_, missed)| missed == 0)
    );
    // Its owner is told where it would have stood among the others, although the slider is at none.
    let place = lists::would_stand(&world.snapshot(), &world.stories, &world.stories[1]);
    assert_eq!(place, Some((1, 2)));
}

#[test]
fn an_application_at_its_cap_is_told_so_when_its_story_would_have_reached_the_cut() {
    let stories = (1..=4)
        .map(|number| story(number, 0, 0))
        .chain((5..=34).map(|number| story(number, u32::try_from(number).expect("small") - 4, 500_000)));
    let world = world(apps(31), stories.collect());
    let ranked = world.ranked();
    let names: Vec<&str> = world.stories[..5]
        .iter()
        .map(|story| verdict_of(&world.snapshot(), &ranked, story).name())
        .collect();
    assert_eq!(
        names,
        [
            "shown_merit",
            "shown_merit",
            "shown_merit",
            "app_cap",
            "shown_merit"
        ]
    );
    let Verdict::AppCap { score, cut } = verdict_of(&world.snapshot(), &ranked, &world.stories[3]) else {
        panic!("{names:?}")
    };
    assert!(score >= cut, "{score} {cut}");
}

#[test]
fn the_greatest_possible_configuration_scores_without_leaving_64_bits() {
    let mut config = RankingConfig::default();
    let constants = &mut config.constants;
    (constants.kind, constants.priority) = (FACTOR_MAX, [FACTOR_MAX; 4]);
    (constants.slider, constants.quality) = ([65_536; 4], [65_536; 9]);
    (constants.pictures, constants.affinity_step) = ([65_536; 3], 0);
    constants.diversity = [FACTOR_MAX; 5];
    assert_eq!(config.check(), Ok(()));
    let app = RankedApp::new(app_id(0));
    let snapshot = Snapshot {
        at_secs: AT_SECS,
        config: &config,
        apps: &[app],
    };
    let one = RankedStory {
        priority: PriorityClass::High,
        ..story(1, 0, 0)
    };
    let ranked = rank(&snapshot, [&one], 1);
    let base = (1_u128 << 32) * u128::from(FACTOR_MAX) / 65_536 * u128::from(FACTOR_MAX) / 65_536;
    let score = base * u128::from(FACTOR_MAX) / 65_536;
    let pick = ranked.first_page()[0];
    assert_eq!((u128::from(pick.base), u128::from(pick.score)), (base, score));
    // Three such factors still stay below 2⁴⁴, a fourth does not.
    config.constants.slider = [65_536, 65_536, 65_536, FACTOR_MAX];
    assert_eq!(config.check(), Ok(()));
    config.constants.pictures = [65_536, 65_536, FACTOR_MAX];
    let (key, _) = config.check().unwrap_err();
    assert_eq!(key, "feed.ranking.slider");
}
