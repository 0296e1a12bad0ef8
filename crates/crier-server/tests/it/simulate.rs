//! `crier simulate` as its users meet it: files, table, JSON, exit status, and sentences that name the line and the key.

use crate::cli::{refused, run, said, text};
use serde_json::Value;
use tempfile::TempDir;

const RECORD: &str = include_str!("../../../../fixtures/ranking/record.jsonl");
const POPULATION: &str = r#"
window = "off"
[[users]]
count = 3
views_per_day = 6
awake = [0, 24]
click = [100000]
hide = [10000]
report = [0]
thumb = [5000]
[[apps]]
name = "a <b> & c"
count = 12
stories = 2000000
body = 500
pictures = 500
attraction = 1000
annoyance = 1000
"#;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn flood_keeps_the_guarantee_under_twenty_seeds() {
    let folder = folder();
    let words = [
        "simulate",
        "--population",
        "flood",
        "--days",
        "8",
        "--seeds",
        "20",
    ];
    let output = run(&folder, &words);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(
        table.ends_with("the guarantee was kept to every application\n"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 1 + 10 + 2);
    assert!(text(&output.stderr).ends_with("seed 20 of 20\n"));
}

#[test]
fn equal_arguments_give_equal_bytes_in_every_file() {
    let folder = folder();
    std::fs::write(folder.path().join("p.toml"), POPULATION).unwrap();
    let files = [
        "report.json",
        "apps.csv",
        "views.csv",
        "share.svg",
        "starvation.svg",
        "buckets.svg",
    ];
    let written = |out: &str, seed: &str| {
        let words = [
            "simulate",
            "--population",
            "p.toml",
            "--days",
            "3",
            "--seed",
            seed,
            "--out",
            out,
            "--json",
        ];
        let printed = said(&folder, &words);
        let read = |name| std::fs::read_to_string(folder.path().join(out).join(name)).unwrap();
        (printed, files.map(read))
    };
    let (printed, one) = written("one", "5");
    assert_eq!(written("two", "5"), (printed.clone(), one.clone()));
    assert_ne!(written("three", "6").1[0], one[0]);
    assert_eq!(printed, one[0]);
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&report["days"], &report["users"], &report["kept"]),
        (&3.into(), &3.into(), &true.into())
    );
    assert_eq!(report["apps"].as_array().unwrap().len(), 12);
    assert_eq!(report["apps"][11]["app"], "a <b> & c 12");
    let decimals = printed
        .split("\"gini\":")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    assert_eq!(decimals.len(), "0.1234".len());
    assert_eq!(one[1].lines().count(), 13);
    assert_eq!(
        one[2].lines().count() as u64,
        report["views"].as_u64().unwrap() + 1
    );
    for plot in &one[3..] {
        assert!(plot.starts_with("<svg ") && plot.ends_with("</svg>\n") && !plot.contains("<b>"));
        assert!(plot.contains("prefers-color-scheme:dark") && !plot.contains("http://www.w3.org/1999"));
    }
}

#[test]
fn wrong_input_ends_with_2_and_names_line_and_key() {
    let folder = folder();
    for (change, expected) in [
        (("count = 3", "count = \"many\""), "p.toml line 4: count: "),
        (
            ("hide = [10000]", "hide = [1000001]"),
            "p.toml line 8: users[0].hide: must be chances from 0 to 1000000",
        ),
        (
            ("thumb = [5000]", "thump = [5000]"),
            "p.toml line 10: thump: unknown field `thump`",
        ),
        (
            ("body = 500", "body = 1001"),
            "p.toml line 15: apps[0].body: must be at most 1000 per mille",
        ),
        (
            ("window = \"off\"", "window = \"6h\""),
            "p.toml line 2: window: unknown variant `6h`",
        ),
        (("awake = [0, 24]", ""), "p.toml line 3: missing field `awake`"),
        (("[[apps]]", "[[apps"), "p.toml line 11: "),
    ] {
        std::fs::write(
            folder.path().join("p.toml"),
            POPULATION.replacen(change.0, change.1, 1),
        )
        .unwrap();
        let (status, sentence) = refused(&folder, &["simulate", "--population", "p.toml"]);
        assert_eq!(status, 2, "{sentence}");
        assert!(sentence.starts_with(&format!("crier: {expected}")), "{sentence}");
    }
    std::fs::write(
        folder.path().join("r.toml"),
        "[feed.ranking]\nslots_guaranteed = 25\n",
    )
    .unwrap();
    let (status, sentence) = refused(&folder, &["simulate", "--ranking", "r.toml"]);
    assert_eq!(status, 2);
    assert!(
        sentence.starts_with("crier: feed.ranking.slots_guaranteed (r.toml line 2): "),
        "{sentence}"
    );
    for words in [
        &["simulate", "--population", "nowhere.toml"][..],
        &["simulate", "--days", "0"],
        &["simulate", "--seeds", "0"],
        &["simulate", "--seed", "1", "--seeds", "2"],
        &["simulate", "--replay", "nowhere.jsonl"],
        &["simulate", "--replay", "r.toml", "--days", "3"],
        &["simulate", "--days", "1", "--out", "p.toml/below"],
    ] {
        assert_eq!(refused(&folder, words).0, 2, "{words:?}");
    }
}

#[test]
fn a_record_replays_to_the_same_page_and_a_changed_one_is_told_by_slot_and_factor() {
    let folder = folder();
    std::fs::write(folder.path().join("record.jsonl"), RECORD).unwrap();
    let replay = ["simulate", "--replay", "record.jsonl"];
    assert_eq!(
        said(&folder, &replay),
        "view 3: the same\n1 of 1 feed pages are the same\n"
    );
    let json = said(&folder, &[&replay[..], &["--json"]].concat());
    assert_eq!(json, "{\"view\":3,\"same\":true,\"slots\":[]}\n");
    let ranking = "[feed.ranking]\nslots = 4\nslots_guaranteed = 1\napp_cap_min = 2\nslider = [32768, 65536, 20000, 131072]\ndiversity = [65536, 65536, 65536, 65536, 65536]\n";
    std::fs::write(folder.path().join("r.toml"), ranking).unwrap();
    assert_eq!(
        said(&folder, &[&replay[..], &["--ranking", "r.toml"]].concat()),
        "view 3: slot 2 holds story 102 where story 104 was recorded (by slider); slot 3 holds story 104 where story 102 was recorded \
         (by slider)\n0 of 1 feed pages are the same\n"
    );
    let lies = RECORD.replace("[101,104,102,106]", "[101,104,102,105]");
    std::fs::write(folder.path().join("lies.jsonl"), lies).unwrap();
    let output = run(&folder, &["simulate", "--replay", "lies.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "view 3: slot 4 holds story 106 where story 105 was recorded (no factor differs)\n0 of 1 feed pages are the same\n"
    );
    std::fs::write(folder.path().join("bad.jsonl"), "\n{\"line\":\"stori\"}\n").unwrap();
    let (status, sentence) = refused(&folder, &["simulate", "--replay", "bad.jsonl"]);
    assert_eq!(status, 2);
    assert!(
        sentence.starts_with("crier: bad.jsonl line 2: unknown variant `stori`"),
        "{sentence}"
    );
}
