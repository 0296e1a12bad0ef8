//! The simulator: repeatable, bounded by the twelve hours, and able to see a broken promise (feed section 9).

use crier_platform::feed::simulate::population::{AppClass, Population, UserClass, Window};
use crier_platform::feed::simulate::tally::{AppTally, Tally, ViewRow};
use crier_platform::feed::simulate::{Setup, Watch, simulate};
use crier_platform::model::ranking_config::RankingConfig;

#[derive(Default)]
struct Seen {
    views: Vec<ViewRow>,
    days: Vec<u32>,
}

impl Watch for Seen {
    fn view(&mut self, row: &ViewRow) {
        self.views.push(*row);
    }
    fn day(&mut self, day: u32) {
        self.days.push(day);
    }
}

fn app(name: &str, count: u32, stories: u64) -> AppClass {
    AppClass {
        name: name.to_owned(),
        count,
        stories,
        body: 500,
        pictures: 500,
        priority: None,
        attraction: 1_000,
        annoyance: 1_000,
        first_day: 0,
    }
}

fn population(apps: Vec<AppClass>, window: Window) -> Population {
    let population = Population {
        window,
        users: vec![UserClass {
            count: 6,
            views_per_day: 5,
            awake: [7, 23],
            click: vec![100_000, 50_000],
            hide: vec![10_000],
            report: vec![2_000],
            thumb: vec![20_000],
        }],
        apps,
    };
    population.check().expect("a possible population");
    population
}

fn run(population: &Population, config: &RankingConfig, seed: u64) -> (Tally, Seen) {
    let setup = Setup {
        population,
        config,
        days: 5,
    };
    let mut seen = Seen::default();
    let tally = simulate(&setup, seed, &mut seen);
    (tally, seen)
}

#[test]
fn equal_seeds_give_equal_simulations_and_others_do_not() {
    let population = population(
        vec![app("a", 40, 900_000), app("b", 3, 100_000)],
        Window::TwelveHours,
    );
    let config = RankingConfig::default();
    let (one, seen) = run(&population, &config, 7);
    let (again, seen_again) = run(&population, &config, 7);
    assert_eq!((&one, &seen.views), (&again, &seen_again.views));
    assert_ne!(run(&population, &config, 8).1.views, seen.views);
    assert_eq!(seen.days, [1, 2, 3, 4, 5]);
    assert_eq!((one.views, one.apps.len()), (seen.views.len() as u64, 43));
    let slots: u64 = seen.views.iter().map(|view| view.slots as u64).sum();
    assert_eq!(
        (one.slots, one.apps.iter().map(|app| app.shown).sum::<u64>()),
        (slots, slots)
    );
}

#[test]
fn the_twelve_hours_hold_each_application_to_two_stories_a_day_and_can_be_switched_off() {
    let greedy = || vec![app("greedy", 1, 50_000_000)];
    let config = RankingConfig::default();
    let (held, _) = run(&population(greedy(), Window::TwelveHours), &config, 1);
    let (free, _) = run(&population(greedy(), Window::Off), &config, 1);
    assert!(held.apps[0].stories <= 6 * 10 && held.apps[0].refused > 1_000);
    assert!(free.apps[0].stories > 1_000 && free.apps[0].refused == 0);
}

#[test]
fn the_guarantee_is_kept_under_every_possible_number_of_slots() {
    let population = population(
        vec![app("loud", 2, 5_000_000), app("quiet", 30, 400_000)],
        Window::Off,
    );
    for (slots, guaranteed) in [(2, 1), (5, 4), (10, 3), (25, 5)] {
        let mut config = RankingConfig::default();
        (config.constants.slots, config.constants.slots_guaranteed) = (slots, guaranteed);
        config.constants.app_cap_min = 1;
        let (tally, seen) = run(&population, &config, 3);
        assert!(tally.is_kept(), "{slots} slots, {guaranteed} guaranteed");
        // At the fullest view each of those that compete is promised at least what that view alone promises.
        let (all, fullest) = (tally.apps.len(), seen.views.iter().map(|view| view.active).max());
        let [least, most] = [fullest.unwrap(), all].map(|apps| apps.div_ceil(guaranteed as usize));
        let greatest = tally.apps.iter().map(|app| app.greatest_k as usize).max();
        assert!((least..=most).contains(&greatest.unwrap()), "{greatest:?}");
        assert!(tally.apps.iter().all(|app| app.longest() < app.greatest_k));
        let longest = seen.views.iter().map(|view| view.longest_wait).max();
        assert_eq!(longest, tally.apps.iter().map(AppTally::longest).max());
        assert!(slots > 10 || longest > Some(1));
    }
}

#[test]
fn a_simulation_without_the_guarantee_is_seen_to_break_it() {
    let population = population(
        vec![app("loud", 2, 5_000_000), app("quiet", 8, 400_000)],
        Window::Off,
    );
    let mut config = RankingConfig::default();
    (config.constants.slots, config.constants.slots_guaranteed) = (4, 0);
    config.constants.quality = [1; 9];
    let (tally, _) = run(&population, &config, 3);
    assert!(!tally.is_kept());
}

#[test]
fn the_gini_of_equal_shares_is_zero_and_of_one_owner_nearly_one() {
    let config = RankingConfig::default();
    let mut tally = Tally::new(&population(vec![app("a", 4, 0)], Window::Off), &config);
    assert_eq!(tally.gini(), 0);
    for (shown, gini) in [
        ([5, 5, 5, 5], 0),
        ([0, 0, 0, 9], 7_500),
        ([1, 2, 3, 4], 2_500),
        ([0, 0, 1, 2], 5_833),
    ] {
        for (app, shown) in tally.apps.iter_mut().zip(shown) {
            app.shown = shown;
        }
        assert_eq!(tally.gini(), gini, "{shown:?}");
    }
}

#[test]
fn the_99th_percentile_is_the_wait_that_99_of_100_views_do_not_exceed() {
    let mut app = AppTally::default();
    assert_eq!((app.percentile_99(), app.longest()), (0, 0));
    app.missed.extend([(0, 98), (1, 1), (7, 1)]);
    assert_eq!((app.percentile_99(), app.longest()), (1, 7));
    app.missed.insert(7, 2);
    assert_eq!(app.percentile_99(), 7);
}

#[test]
fn impossible_populations_are_refused_by_table_entry_and_key() {
    let good = population(vec![app("a", 1, 1)], Window::Off);
    let refused = |change: fn(&mut Population)| {
        let mut population = good.clone();
        change(&mut population);
        let wrong = population.check().unwrap_err();
        (wrong.table, wrong.entry, wrong.key)
    };
    assert_eq!(refused(|all| all.users[0].awake = [9, 9]), ("users", 0, "awake"));
    assert_eq!(refused(|all| all.users[0].awake = [9, 25]), ("users", 0, "awake"));
    assert_eq!(
        refused(|all| all.users[0].hide = vec![1_000_001]),
        ("users", 0, "hide")
    );
    assert_eq!(refused(|all| all.users[0].thumb.clear()), ("users", 0, "thumb"));
    assert_eq!(refused(|all| all.users[0].count = 0), ("users", 0, "count"));
    assert_eq!(
        refused(|all| all.users[0].count = 5_000_001),
        ("users", 0, "count")
    );
    assert_eq!(refused(|all| all.apps[0].count = 0), ("apps", 0, "count"));
    assert_eq!(refused(|all| all.apps[0].body = 1_001), ("apps", 0, "body"));
    assert_eq!(
        refused(|all| all.apps[0].priority = Some(101)),
        ("apps", 0, "priority")
    );
    assert_eq!(refused(|all| all.apps.clear()), ("apps", 0, "count"));
}
