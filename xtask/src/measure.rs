//! `cargo xtask measure`: the marks of the tree and of each crate, with the worst offenders by name.

use crate::scan::{self, Role, Source};
use std::collections::BTreeMap;
use std::process::Command;

const OFFENDERS: usize = 5;

fn at(sorted: &[usize], hundredth: usize) -> usize {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last * hundredth).div_ceil(100)).copied().unwrap_or(0)
}

fn row(name: &str, sources: &[&Source]) {
    let code: Vec<&&Source> = sources
        .iter()
        .filter(|source| source.role == Role::Code)
        .collect();
    let mut files: Vec<usize> = code.iter().map(|source| source.code_lines).collect();
    let mut functions: Vec<usize> = code
        .iter()
        .flat_map(|source| source.functions.iter().map(|one| one.lines))
        .collect();
    files.sort_unstable();
    functions.sort_unstable();
    let sum = |part: fn(&Source) -> usize| -> usize { sources.iter().map(|source| part(source)).sum() };
    let (code_lines, test_lines) = (sum(|source| source.code_lines), sum(|source| source.test_lines));
    // Docs and panicking calls are marks of the product; a test may name its helpers as it likes.
    let of_code = |part: fn(&Source) -> usize| -> usize { code.iter().map(|source| part(source)).sum() };
    let public = of_code(|source| source.public_items);
    let documented = public.saturating_sub(of_code(|source| source.undocumented.len()));
    let calls = of_code(|source| source.unwraps + source.expects);
    let comments = sum(|source| source.comment_lines);
    println!(
        "{name:<18} {:>5} {code_lines:>7} {test_lines:>7} {:>5} {:>5} {:>5} {:>6} {:>6} {:>6}% {:>5} {:>4}%",
        code.len(),
        at(&files, 50),
        at(&files, 90),
        files.last().copied().unwrap_or(0),
        at(&functions, 95),
        functions.last().copied().unwrap_or(0),
        (documented * 100).checked_div(public).unwrap_or(100),
        format!(
            "{}.{}",
            calls * 1000 / code_lines.max(1),
            calls * 10_000 / code_lines.max(1) % 10
        ),
        (comments * 100).checked_div(code_lines + test_lines).unwrap_or(0),
    );
}

fn linked_crates() -> Option<usize> {
    let output = Command::new("cargo")
        .args(["tree", "-e", "normal", "-p", "crier-server", "--prefix", "none"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let names: std::collections::BTreeSet<&str> =
        text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    Some(names.len())
}

/// Prints the table.
pub fn command() -> Result<(), String> {
    let sources = scan::sources()?;
    let mut rooms: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in &sources {
        rooms.entry(&source.room).or_default().push(source);
    }
    println!(
        "{:<18} {:>5} {:>7} {:>7} {:>5} {:>5} {:>5} {:>6} {:>6} {:>7} {:>5} {:>5}",
        "room", "files", "code", "tests", "med", "p90", "max", "fn p95", "fn max", "docs", "‰exp", "comm"
    );
    rooms.iter().for_each(|(name, files)| row(name, files));
    row("all", &sources.iter().collect::<Vec<_>>());
    println!("\nlongest files");
    let mut files: Vec<&Source> = sources
        .iter()
        .filter(|source| source.role == Role::Code)
        .collect();
    files.sort_by_key(|source| std::cmp::Reverse(source.code_lines));
    files
        .iter()
        .take(OFFENDERS)
        .for_each(|source| println!("  {:>5} {}", source.code_lines, source.file));
    println!("longest functions");
    let mut functions: Vec<(usize, &str, &str)> = files
        .iter()
        .flat_map(|source| {
            source
                .functions
                .iter()
                .map(|one| (one.lines, one.name.as_str(), source.file.as_str()))
        })
        .collect();
    functions.sort_by_key(|(lines, ..)| std::cmp::Reverse(*lines));
    functions
        .iter()
        .take(OFFENDERS)
        .for_each(|(lines, name, file)| println!("  {lines:>5} {name} in {file}"));
    if let Some(count) = linked_crates() {
        println!("crates linked into crier: {count} (mark 300, limit 340)");
    }
    Ok(())
}
