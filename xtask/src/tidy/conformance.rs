//! `docs/conformance.md`: every statement of the two seed pages has a row, and every row a test that exists.

use crate::scan::Source;
use crate::tree;
use std::collections::BTreeSet;

const FILE: &str = "docs/conformance.md";

/// Words of Rust sources that follow `fn`, and the quoted titles of script tests.
fn known_tests(sources: &[Source]) -> Result<BTreeSet<String>, String> {
    let mut known = BTreeSet::new();
    for source in sources {
        for line in source.text.lines() {
            let Some((_, after)) = line.split_once("fn ") else {
                continue;
            };
            let name: String = after
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect();
            known.insert(name);
        }
    }
    for file in tree::files()?
        .into_iter()
        .filter(|file| file.starts_with("e2e/") || file.starts_with("clients/js/test"))
    {
        let Some(text) = tree::read_text(&file) else {
            continue;
        };
        for quote in ['"', '\'', '`'] {
            known.extend(text.split(quote).map(str::to_owned));
        }
    }
    Ok(known)
}

/// A row that names no test, or one that does not exist. Tests stand in backticks in the last column.
pub fn rows(sources: &[Source]) -> Result<Vec<String>, String> {
    rows_of(FILE, sources)
}

/// The same of any page whose tables end with a column of tests.
pub fn rows_of(file: &str, sources: &[Source]) -> Result<Vec<String>, String> {
    let known = known_tests(sources)?;
    let text = tree::read(file)?;
    let mut broken = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let is_row = line.starts_with("| ")
            && !line.starts_with("| #")
            && !line.starts_with("| -")
            && !line.ends_with(" test |");
        if !is_row {
            continue;
        }
        let last = line
            .trim_end_matches('|')
            .rsplit(" | ")
            .next()
            .unwrap_or_default();
        let names: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            broken.push(format!("{file}:{}: names no test", number + 1));
        }
        let missing = names.iter().filter(|name| !known.contains(**name));
        broken.extend(missing.map(|name| format!("{file}:{}: no test {name}", number + 1)));
    }
    Ok(broken)
}
