//! The default configuration file is the manual: a comment for each key, and for each bound a test that proves it.

use super::conformance;
use crate::scan::Source;
use crate::tree;

const FILE: &str = "config/crier.default.toml";
const BOUNDS: &str = "docs/guide/bounds.md";

fn keys(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate();
    let keyed = lines.filter(|(_, line)| !line.trim_start().starts_with(['#', '[']) && line.contains('='));
    keyed
        .filter_map(|(number, line)| Some((number, line.split('=').next()?.trim().to_owned())))
        .collect()
}

/// A key without a comment line directly above it.
pub fn comments(_: &[Source]) -> Result<Vec<String>, String> {
    let text = tree::read(FILE)?;
    let lines: Vec<&str> = text.lines().collect();
    let bare = keys(&text).into_iter().filter(|(number, _)| {
        number
            .checked_sub(1)
            .and_then(|above| lines.get(above))
            .is_none_or(|above| !above.starts_with('#'))
    });
    Ok(bare
        .map(|(number, key)| format!("{FILE}:{}: {key}", number + 1))
        .collect())
}

/// A row of the page of bounds that names no test, or one that does not exist. That every bound has its row is a test of the server.
pub fn bounds(sources: &[Source]) -> Result<Vec<String>, String> {
    conformance::rows_of(BOUNDS, sources)
}
