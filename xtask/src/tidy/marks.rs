//! The hard limits of the marks: heads, lengths, panics, docs.

use crate::scan::{Role, Source};

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 100;
const INVARIANT_LETTERS_MIN: usize = 12;

/// A file without `//!` at its start.
pub fn heads(sources: &[Source]) -> Result<Vec<String>, String> {
    Ok(sources
        .iter()
        .filter(|source| !source.has_head)
        .map(|source| source.file.clone())
        .collect())
}

/// A file over 800 lines of code, a function over 100.
pub fn lengths(sources: &[Source]) -> Result<Vec<String>, String> {
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| source.role == Role::Code) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            broken.push(format!("{}: {lines} lines", source.file));
        }
        let long = source
            .functions
            .iter()
            .filter(|function| function.lines > FUNCTION_LINES_MAX);
        broken.extend(
            long.map(|function| format!("{}: {} has {} lines", source.file, function.name, function.lines)),
        );
    }
    Ok(broken)
}

/// A call of `unwrap`, or of `expect` whose text is too short to name an invariant.
pub fn panics(sources: &[Source]) -> Result<Vec<String>, String> {
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| source.role == Role::Code) {
        if source.unwraps > 0 {
            broken.push(format!("{}: {} unwrap", source.file, source.unwraps));
        }
        for (number, line) in source.code_text().lines().enumerate() {
            let Some((_, after)) = line.split_once(".expect(\"") else {
                continue;
            };
            if after.split('"').next().unwrap_or_default().len() < INVARIANT_LETTERS_MIN {
                broken.push(format!(
                    "{}:{}: expect without its invariant",
                    source.file,
                    number + 1
                ));
            }
        }
    }
    Ok(broken)
}

/// A public item without a doc, in proto, in the ports and in the registry; elsewhere the compiler refuses it already.
pub fn docs(sources: &[Source]) -> Result<Vec<String>, String> {
    let strict = |source: &&Source| {
        source.role == Role::Code
            && (source.room == "crier-proto"
                || source.file.contains("/ports/")
                || source.file.ends_with("registry.rs"))
    };
    let broken = sources.iter().filter(strict);
    Ok(broken
        .flat_map(|source| {
            source
                .undocumented
                .iter()
                .map(move |name| format!("{}: {name}", source.file))
        })
        .collect())
}
