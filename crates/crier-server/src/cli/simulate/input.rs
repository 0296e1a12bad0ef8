//! What a simulation is given: population and ranking files. A refusal names file, line and key.

use super::super::Failure;
use super::wrong;
use crate::config::{Sources, load};
use crier_platform::feed::simulate::population::{Population, Wrong};
use crier_platform::model::ranking_config::RankingConfig;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Populations that are there without a file.
const STOCK: [(&str, &str); 3] = [
    ("small", include_str!("../../../populations/small.toml")),
    ("hundred", include_str!("../../../populations/hundred.toml")),
    ("flood", include_str!("../../../populations/flood.toml")),
];

/// A stock population, or that of a file.
pub(super) fn population(named: &str) -> Result<Population, Failure> {
    let stock = STOCK.iter().find(|(name, _)| *name == named);
    let text = match stock {
        Some((_, text)) => (*text).to_owned(),
        None => std::fs::read_to_string(named).map_err(|why| {
            wrong(format!(
                "{named} is no stock population and cannot be read as a file: {why}"
            ))
        })?,
    };
    let read: Population = toml::from_str(&text).map_err(|why| wrong(not_readable(named, &text, &why)))?;
    read.check().map_err(|why| {
        let line = line_of_entry(&text, &why).unwrap_or(1);
        let Wrong {
            table,
            entry,
            key,
            why,
        } = why;
        wrong(format!("{named} line {line}: {table}[{entry}].{key}: {why}"))
    })?;
    Ok(read)
}

/// The ranking of a configuration file, the environment left out; `None` without a file.
pub(super) fn ranking(file: Option<&Path>) -> Result<Option<RankingConfig>, Failure> {
    let Some(file) = file else {
        return Ok(None);
    };
    let sources = Sources {
        file: Some(file.to_path_buf()),
        ..Sources::default()
    };
    let loaded = load(&sources).map_err(wrong)?;
    Ok(Some(loaded.config.feed.ranking(1)))
}

/// File, line, the key that stands there, and what is wrong with it.
fn not_readable(named: &str, text: &str, why: &toml::de::Error) -> String {
    let offset = why.span().map_or(0, |span| span.start);
    let line = line_at(text, offset);
    let key = text
        .lines()
        .nth(line - 1)
        .and_then(|line| line.split_once('='))
        .map_or(String::new(), |(key, _)| format!("{}: ", key.trim()));
    format!("{named} line {line}: {key}{}", why.message())
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The line of a key, or of its entry when the key is left out there.
fn line_of_entry(text: &str, place: &Wrong) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let (_, list) = root
        .get_ref()
        .iter()
        .find(|(name, _)| name.get_ref() == place.table)?;
    let DeValue::Array(entries) = list.get_ref() else {
        return None;
    };
    let entry = entries.get(place.entry)?;
    let DeValue::Table(keys) = entry.get_ref() else {
        return None;
    };
    let key = keys.iter().find(|(name, _)| name.get_ref() == place.key);
    let offset = key.map_or(entry.span().start, |(name, _)| name.span().start);
    Some(line_at(text, offset))
}
