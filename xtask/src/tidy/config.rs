//! The default configuration file is the manual: a comment for each key, and for each bound a test that names it.

use crate::scan::{Role, Source};
use crate::tree;

const FILE: &str = "config/crier.default.toml";
const BOUND_ENDINGS: [&str; 5] = ["_max", "_rate", "_deadline", "_life", "_keep"];

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

/// A bound whose key no test mentions.
pub fn bounds(sources: &[Source]) -> Result<Vec<String>, String> {
    let mut proofs = String::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            let inside = source
                .test_ranges
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&(number + 1)));
            if source.role == Role::Proof || inside {
                proofs.push_str(line);
                proofs.push('\n');
            }
        }
    }
    let text = tree::read(FILE)?;
    let bounds = keys(&text)
        .into_iter()
        .filter(|(_, key)| BOUND_ENDINGS.iter().any(|ending| key.ends_with(ending)));
    let bare = bounds.filter(|(_, key)| !proofs.contains(key.as_str()));
    Ok(bare
        .map(|(number, key)| format!("{FILE}:{}: {key} is named by no test", number + 1))
        .collect())
}
