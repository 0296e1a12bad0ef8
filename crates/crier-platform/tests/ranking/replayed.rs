//! The worked example as a record of lines: its view computed again, and what a change of it is told by (feed 9.4).

use crier_platform::feed::simulate::replay::{Difference, Record, ReplayError, Replayed};
use crier_platform::model::ranking_config::RankingConfig;
use crier_platform::model::record_line::RecordLine;
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::ids::StoryId;
use crier_testkit::records::{pages_of, random_record};

const LINES: &str = include_str!("../../../../fixtures/ranking/record.jsonl");

fn lines() -> Vec<RecordLine> {
    LINES
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of a record"))
        .collect()
}

fn record_of(lines: Vec<RecordLine>) -> Record {
    let mut record = Record::default();
    lines
        .into_iter()
        .for_each(|line| record.take(line).expect("a possible line"));
    record
}

fn config() -> RankingConfig {
    let mut configs = lines().into_iter().filter_map(|line| match line {
        RecordLine::Config(config) => Some(RankingConfig::from(*config)),
        _ => None,
    });
    configs.next().expect("the record begins with one")
}

fn story(number: i64) -> Option<StoryId> {
    StoryId::new(number)
}

#[test]
fn lines_are_written_as_they_were_read() {
    for (line, text) in lines().iter().zip(LINES.lines()) {
        assert_eq!(serde_json::to_string(line).expect("JSON"), text);
    }
}

#[test]
fn the_worked_example_replays_from_its_record() {
    let replayed = record_of(lines()).replay(None).expect("every version is there");
    let same = Replayed {
        view: 3,
        same: true,
        slots: Vec::new(),
    };
    assert_eq!(replayed, [same]);
}

#[test]
fn another_configuration_names_the_slots_that_differ_and_the_factors_that_make_it() {
    let mut instead = config();
    instead.constants.slider[2] = 20_000;
    instead.constants.diversity = [65_536; 5];
    let replayed = record_of(lines())
        .replay(Some(&instead))
        .expect("every version is there");
    let slots = vec![
        Difference {
            slot: 2,
            recorded: story(104),
            computed: story(102),
            factors: vec!["slider"],
        },
        Difference {
            slot: 3,
            recorded: story(102),
            computed: story(104),
            factors: vec!["slider"],
        },
    ];
    assert_eq!((replayed[0].same, &replayed[0].slots), (false, &slots));
}

#[test]
fn a_record_that_says_something_else_differs_by_no_factor() {
    let mut lines = lines();
    if let Some(RecordLine::View(view)) = lines.last_mut() {
        view.shown.pop();
        view.exempt.extend(story(101));
    }
    let slots = &record_of(lines).replay(None).expect("every version is there")[0].slots;
    let expected = [
        Difference {
            slot: 0,
            recorded: story(101),
            computed: None,
            factors: Vec::new(),
        },
        Difference {
            slot: 4,
            recorded: None,
            computed: story(106),
            factors: Vec::new(),
        },
    ];
    assert_eq!(slots[..], expected);
}

#[test]
fn every_kind_of_fact_up_to_w_moves_the_page_and_nothing_after_it_does() {
    let same_without = |number: usize| {
        let mut lines = lines();
        lines.remove(number);
        record_of(lines).replay(None).map(|replayed| replayed[0].same)
    };
    let count = lines().len();
    // The first line is the configuration without which there is nothing, the last but one was done after the view.
    assert_eq!(
        same_without(0),
        Err(ReplayError::NoConfig { view: 3, version: 1 })
    );
    assert_eq!(same_without(count - 2), Ok(true));
    let stories = lines()
        .iter()
        .filter(|line| matches!(line, RecordLine::Story(_)))
        .count();
    let moved = (1..count - 1)
        .filter(|number| same_without(*number) == Ok(false))
        .count();
    assert!(moved >= 4 && stories == 8, "{moved} lines move the page");
    let withdrawn = LINES.replace(r#""event":"granted","app":1"#, r#""event":"withdrawn","app":1"#);
    let lines = withdrawn
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line"))
        .collect();
    assert!(!record_of(lines).replay(None).expect("every version is there")[0].same);
}

#[test]
fn an_impossible_configuration_is_refused_with_its_key() {
    let impossible = LINES
        .lines()
        .next()
        .expect("a line")
        .replace(r#""slots_guaranteed":1"#, r#""slots_guaranteed":4"#);
    let refused = Record::default()
        .take(serde_json::from_str(&impossible).expect("a line"))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "feed.ranking.slots_guaranteed: must be less than feed.ranking.slots, which is 4"
    );
}

/// The digest is that of the first build that computed it: any other build, machine or year has to come to the same bytes (feed
/// 4.1). `bench -- replay` does the same with ten thousand.
#[test]
fn three_hundred_random_records_have_the_same_pages_again_and_in_every_build() {
    let mut all = [0; 32];
    for seed in 0..300 {
        let lines = random_record(seed);
        let pages = pages_of(&lines).expect("possible lines");
        let written: Vec<String> = lines
            .iter()
            .map(|line| serde_json::to_string(line).expect("JSON"))
            .collect();
        let read: Vec<RecordLine> = written
            .iter()
            .map(|line| serde_json::from_str(line).expect("a line of a record"))
            .collect();
        assert_eq!(pages_of(&read).expect("possible lines"), pages, "record {seed}");
        all = sha256(&[&all, pages.as_bytes()]);
    }
    assert_eq!(
        lower_hex(&all),
        "681cb3fde0e3b9e596678a7f163c82bf7be3e5f1d857988fbf43a06a9873ae3a"
    );
}
