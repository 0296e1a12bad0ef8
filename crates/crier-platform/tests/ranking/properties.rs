//! What holds for every record: complete, repeatable, fair, capped (feed 4.6, 4.7, 4.10, 5.1).

use crate::slow::slow_pages;
use crate::world::{AT_SECS, World, story, worlds};
use crier_platform::feed::rank::{Place, Ranked, Step, place_of, rank};
use crier_platform::feed::verdict::explain::explain;
use crier_platform::feed::verdict::lists;
use crier_platform::feed::verdict::{Verdict, later_page, verdict_of};
use crier_platform::model::ranking::{AppPlace, RankedApp, Snapshot};
use crier_platform::model::ranking_config::RankingConfig;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};

fn ids(ranked: &Ranked) -> Vec<Vec<i64>> {
    let of_page = |page: &Vec<_>| {
        page.iter()
            .map(|pick: &crier_platform::feed::rank::Pick| pick.story.get())
            .collect()
    };
    ranked.pages.iter().map(of_page).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn pages_are_those_of_the_rule_written_out_slowly(world in worlds()) {
        prop_assert_eq!(ids(&world.ranked()), slow_pages(&world));
    }

    #[test]
    fn every_candidate_stands_on_exactly_one_page_and_every_page_but_the_last_is_full(world in worlds()) {
        let ranked = world.ranked();
        let snapshot = world.snapshot();
        let mut placed: Vec<i64> = ids(&ranked).concat();
        placed.sort_unstable();
        let expected: Vec<i64> = world
            .stories
            .iter()
            .filter(|story| place_of(&snapshot, story) == Place::Candidate && story.seq >= ranked.oldest_seq)
            .map(|story| story.id.get())
            .collect();
        prop_assert_eq!(&placed, &expected);
        prop_assert_eq!(placed.len(), ranked.candidates);
        prop_assert!(placed.len() <= world.config.candidates_max as usize);
        let slots = world.config.constants.slots as usize;
        let full = ranked.pages.iter().rev().skip(1).all(|page| page.len() == slots);
        prop_assert!(full && ranked.pages.last().is_none_or(|page| (1..=slots).contains(&page.len())));
    }

    #[test]
    fn the_order_of_the_stories_given_changes_nothing(world in worlds(), cuts in proptest::collection::vec(any::<Index>(), 0..40)) {
        let before = world.ranked();
        let mut mixed = world.clone();
        for cut in cuts.chunks_exact(2).filter(|_| !world.stories.is_empty()) {
            mixed.stories.swap(cut[0].index(world.stories.len()), cut[1].index(world.stories.len()));
        }
        prop_assert_eq!(mixed.ranked(), before);
    }

    #[test]
    fn every_story_has_one_verdict_and_the_explanation_says_the_same(world in worlds()) {
        let (snapshot, ranked) = (world.snapshot(), world.ranked());
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for story in &world.stories {
            let verdict = verdict_of(&snapshot, &ranked, story);
            *counts.entry(verdict.name()).or_default() += 1;
            let explanation = explain(&snapshot, &ranked, story, None);
            prop_assert_eq!(explanation.verdict, verdict.name());
            prop_assert_eq!(explanation.factors.len(), if verdict.score().is_some() { 9 } else { 0 });
            prop_assert_eq!(explanation.factors.last().map(|line| line.score), verdict.score());
            let slot = ranked.first_page().iter().position(|pick| pick.story == story.id);
            prop_assert_eq!(verdict.slot(), slot.map(|slot| slot + 1));
            prop_assert_eq!(verdict.score().is_some(), slot.is_some() || later_page(&ranked, story.id).is_some());
            if let Verdict::BelowCut(below) = verdict {
                prop_assert!(below.score < below.cut || ranked.picks_of(story.app) < ranked.cap);
                prop_assert_eq!(below.margin, below.cut.saturating_sub(below.score));
            }
            if let Verdict::Exempt { place } = verdict {
                prop_assert_eq!(ranked.exempt[place - 1], story.id);
            }
        }
        prop_assert_eq!(counts.values().sum::<usize>(), world.stories.len());
        let listed = lists::counts(&snapshot, &ranked, &world.stories);
        for (name, count) in listed {
            prop_assert_eq!(count, counts.get(name).copied().unwrap_or(0) as u64, "{}", name);
        }
        prop_assert_eq!(listed.iter().map(|(_, count)| *count).sum::<u64>(), world.stories.len() as u64);
        prop_assert_eq!(counts.get("exempt").copied().unwrap_or(0), ranked.exempt.len());
    }

    #[test]
    fn what_did_not_make_it_is_every_young_story_off_the_page_by_falling_score(world in worlds()) {
        let (snapshot, ranked) = (world.snapshot(), world.ranked());
        let list = lists::left_out(&snapshot, &ranked, &world.stories);
        let expected = world.stories.iter().filter(|story| {
            let verdict = verdict_of(&snapshot, &ranked, story);
            let is_on_page = if let Verdict::Exempt { place } = verdict { place <= 25 } else { verdict.slot().is_some() };
            !is_on_page && AT_SECS - story.published.secs() < 604_800
        });
        prop_assert_eq!(list.len(), expected.count());
        prop_assert_eq!(lists::left_out_count(&snapshot, &ranked, &world.stories), list.len());
        for pair in list.windows(2) {
            let [(one, first), (two, second)] = pair else { unreachable!("windows of two") };
            let rank = |score: Option<u64>, published, id| (std::cmp::Reverse(score), std::cmp::Reverse(published), id);
            prop_assert!(rank(first.score(), one.published, one.id) < rank(second.score(), two.published, two.id));
        }
    }

    #[test]
    fn an_exempt_story_would_stand_where_it_stands_when_it_competes(world in worlds()) {
        let snapshot = world.snapshot();
        let pages = ids(&world.ranked());
        for (stories, page) in pages.iter().zip(1_usize..) {
            for (id, slot) in stories.iter().zip(1_usize..) {
                let story = world.stories.iter().find(|story| story.id.get() == *id).expect("it was placed");
                prop_assert_eq!(lists::would_stand(&snapshot, &world.stories, story), Some((page, slot)));
            }
        }
    }

    #[test]
    fn no_application_exceeds_the_cap_while_another_below_it_could_pick(world in worlds()) {
        let ranked = world.ranked();
        let slots = world.config.constants.slots as usize;
        for (number, page) in ranked.pages.iter().enumerate() {
            let mut picks: BTreeMap<AppPlace, u32> = BTreeMap::new();
            for pick in page {
                let before = picks.entry(pick.app).or_default();
                prop_assert_eq!(pick.placed_before, *before);
                *before += 1;
            }
            let over = picks.values().any(|picks| *picks > ranked.cap);
            let later: BTreeSet<AppPlace> = ranked.pages[number + 1..].iter().flatten().map(|pick| pick.app).collect();
            let below = later.iter().any(|app| picks.get(app).copied().unwrap_or(0) < ranked.cap);
            prop_assert!(!(over && below), "page {} of {} slots", number + 1, slots);
        }
        let cut = ranked.first_page().iter().filter(|pick| pick.step != Step::Guarantee).map(|pick| pick.score).min();
        prop_assert_eq!(ranked.cut, cut);
    }

    #[test]
    fn the_first_page_alone_is_the_first_page_of_all(world in worlds()) {
        let snapshot = world.snapshot();
        let alone = rank(&snapshot, &world.stories, 1);
        let all = world.ranked();
        prop_assert_eq!(alone.first_page(), all.first_page());
        prop_assert_eq!(alone.cut, all.cut);
        prop_assert!(alone.missed_after(&snapshot).eq(all.missed_after(&snapshot)));
        prop_assert!(rank(&snapshot, &world.stories, 0).pages.is_empty());
    }

    /// Feed 4.7: an application that competes at each of K consecutive views stands on at least one of them.
    #[test]
    fn nobody_is_missed_longer_than_the_minimum_promises(
        apps in 2..40_u32,
        guaranteed in 1..6_u32,
        views in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 40), 1..60),
    ) {
        let mut config = RankingConfig::default();
        (config.constants.slots, config.constants.slots_guaranteed) = (guaranteed + 1, guaranteed);
        config.constants.app_cap_min = 1;
        let mut world = World {
            config,
            apps: (0..apps as usize).map(|number| RankedApp::new(crate::world::app_id(number))).collect(),
            stories: Vec::new(),
        };
        // Views in a row for which each application has waited, and which others competed meanwhile.
        let mut waiting: Vec<Vec<BTreeSet<usize>>> = vec![Vec::new(); apps as usize];
        for is_active in views {
            world.stories = (0..apps)
                .filter(|app| is_active[*app as usize])
                .map(|app| story(i64::from(app) + 1, app, i64::from(app) * 1_000))
                .collect();
            let ranked = world.ranked();
            let active: BTreeSet<usize> = world.stories.iter().map(|story| story.app.index()).collect();
            for app in 0..apps {
                let place = AppPlace(app);
                let line = &mut waiting[place.index()];
                if !active.contains(&place.index()) || ranked.picks_of(place) > 0 {
                    line.clear();
                    continue;
                }
                line.push(active.clone());
                let rivals = line.iter().flatten().collect::<BTreeSet<_>>().len();
                prop_assert!(line.len() < rivals.div_ceil(guaranteed as usize), "app {app} waits {} views", line.len());
            }
            let after: Vec<u32> = ranked.missed_after(&world.snapshot()).map(|(_, missed)| missed).collect();
            for (app, missed) in world.apps.iter_mut().zip(after) {
                app.missed = missed;
            }
        }
    }
}

#[test]
fn up_to_25_candidates_all_stand_on_the_first_page() {
    let apps = [
        RankedApp::new(crate::world::app_id(0)),
        RankedApp::new(crate::world::app_id(1)),
    ];
    let config = RankingConfig::default();
    let snapshot = Snapshot {
        at_secs: AT_SECS,
        config: &config,
        apps: &apps,
    };
    let stories: Vec<_> = (1..=26)
        .map(|number| story(number, u32::from(number == 1), number))
        .collect();
    assert_eq!(rank(&snapshot, &stories[..25], usize::MAX).first_page().len(), 25);
    let sizes: Vec<usize> = rank(&snapshot, &stories, usize::MAX)
        .pages
        .iter()
        .map(Vec::len)
        .collect();
    assert_eq!(sizes, [25, 1]);
}
