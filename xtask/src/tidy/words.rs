//! Words that may not stand in the tree: marks of unfinished work, tricks in tests, names from outside.

use crate::scan::{Role, Source};
use crate::tree;

/// This file names what it forbids.
const OURSELVES: &str = "xtask/src/tidy/words.rs";

/// `allow` attributes, marks of things to do, code in comments.
pub fn leftovers(sources: &[Source]) -> Result<Vec<String>, String> {
    let marks = [
        "TODO",
        "FIXME",
        "XXX",
        "HACK",
        "todo!(",
        "unimplemented!(",
        "#[allow(",
        "#![allow(",
    ];
    let starts = [
        "let ", "fn ", "pub fn ", "use ", "pub use ", "impl ", "struct ", "return ", "if let ", "match ",
        "#[",
    ];
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| source.file != OURSELVES) {
        for (number, line) in source.text.lines().enumerate() {
            let place = || format!("{}:{}: {}", source.file, number + 1, line.trim());
            if marks.iter().any(|mark| line.contains(mark)) {
                broken.push(place());
            }
            let comment = line.trim_start().strip_prefix("// ").unwrap_or_default();
            let is_code = starts.iter().any(|start| comment.starts_with(start))
                && (comment.ends_with(';') || comment.ends_with('{') || comment.ends_with(']'));
            if is_code {
                broken.push(place());
            }
        }
    }
    Ok(broken)
}

/// Ignored tests, sleeping and retrying in tests.
pub fn tests(sources: &[Source]) -> Result<Vec<String>, String> {
    let marks = ["#[ignore", "thread::sleep(", "time::sleep(", "retries", "flaky"];
    let mut broken = Vec::new();
    for source in sources
        .iter()
        .filter(|source| source.file != OURSELVES && source.room != "bench")
    {
        for (number, line) in source.text.lines().enumerate() {
            let in_test = source.role == Role::Proof
                || source
                    .test_ranges
                    .iter()
                    .any(|(from, to)| (*from..=*to).contains(&(number + 1)));
            let code = line.split("//").next().unwrap_or_default();
            if in_test && marks.iter().any(|mark| code.contains(mark)) {
                broken.push(format!("{}:{}: {}", source.file, number + 1, line.trim()));
            }
        }
    }
    let scripts = tree::files()?
        .into_iter()
        .filter(|file| file.starts_with("e2e/") || file.starts_with("clients/js/test"));
    for file in scripts.filter(|file| file.ends_with(".ts") || file.ends_with(".mjs")) {
        for (number, line) in tree::read(&file)?.lines().enumerate() {
            if [
                "waitForTimeout",
                "test.skip",
                "test.only",
                "test.fixme",
                "retries:",
            ]
            .iter()
            .any(|mark| line.contains(mark))
            {
                broken.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    Ok(broken)
}

/// Hosts of package registries and paths of somebody's machine.
pub fn outsiders(_: &[Source]) -> Result<Vec<String>, String> {
    // Written in two halves, so that the rule does not break itself.
    let halves = [
        ("crates", ".io"),
        ("pypi", ".org"),
        ("registry.", "npmjs"),
        ("deb.", "debian.org"),
        ("proxy.", "golang.org"),
        ("repo1.", "maven"),
    ];
    let hosts = halves.map(|(one, other)| format!("{one}{other}"));
    let paths = ["/home/", "/root/", "/work/", "/Users/"];
    let mut broken = Vec::new();
    for file in tree::files()?.into_iter().filter(|file| file != OURSELVES) {
        // Cargo writes the registry's name into its lock file itself.
        if file.ends_with("Cargo.lock") || file.starts_with("fixtures/period/") {
            continue;
        }
        let Some(text) = tree::read_text(&file) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if hosts
                .iter()
                .map(String::as_str)
                .chain(paths)
                .any(|word| line.contains(word))
            {
                broken.push(format!("{file}:{}", number + 1));
            }
        }
    }
    Ok(broken)
}
