//! Configuration: flag before environment before file before default, each value with its origin.
//!
//! Promise: an unknown key or a bad value is one sentence that names the key, where it stands and what would be right. The
//! default page `config/crier.default.toml` is the list of all keys. Knows nothing of what the values do.

use crate::sections::Config;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// The page of all keys, their defaults and comments.
pub const DEFAULT_PAGE: &str = include_str!("../../../config/crier.default.toml");
/// Read when it lies in the working folder and no `--config` was given.
pub const FILE_NAME: &str = "crier.toml";
const ENVIRONMENT_PREFIX: &str = "CRIER__";
/// Keys whose environment variable may name a file instead of holding the value.
const SECRET_KEYS: [&str; 2] = ["server.store", "server.broker"];

/// Why the configuration cannot be used: one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The default page.
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File(path, line) => write!(out, "{} line {line}", path.display()),
            Self::Environment(name) => write!(out, "environment {name}"),
            Self::Flag(name) => write!(out, "flag {name}"),
        }
    }
}

/// A value that a flag of the command line sets.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The key it sets.
    pub key: &'static str,
    /// How it is written: `--listen`.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
}

/// Where configuration may come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`: a file that must be there.
    pub file: Option<PathBuf>,
    /// Variables by name; only those that begin with `CRIER__` count.
    pub environment: Vec<(String, String)>,
    /// Flags that were given.
    pub flags: Vec<Flag>,
}

impl Sources {
    /// The process's environment and, unless a file is named, `crier.toml` if it lies in the working folder.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the environment"
        )]
        let environment = std::env::vars().collect();
        let beside = || Path::new(FILE_NAME).exists().then(|| PathBuf::from(FILE_NAME));
        Self {
            file: file.or_else(beside),
            environment,
            flags,
        }
    }
}

/// Where a person's profiles of keys lie unless they say otherwise: `~/.config/crier/profiles.toml`.
#[must_use]
pub fn profiles_file() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    let home = std::env::var_os("HOME")?;
    Some(PathBuf::from(home).join(".config/crier/profiles.toml"))
}

/// The configuration and where each value comes from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values, by room.
    pub config: Config,
    entries: Entries,
}

type Entries = BTreeMap<String, (Value, Origin)>;

impl Loaded {
    /// Every key in order, its value as TOML, and its origin.
    pub fn entries(&self) -> impl Iterator<Item = (&str, String, &Origin)> {
        self.entries
            .iter()
            .map(|(key, (value, origin))| (key.as_str(), value.to_string(), origin))
    }
}

/// Reads the configuration.
///
/// # Errors
/// One sentence that names the key, where it stands, and what would be right.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut entries = Entries::new();
    let defaults: Table = toml::from_str(DEFAULT_PAGE)
        .map_err(|why| ConfigError(format!("the default page is no TOML: {}", why.message())))?;
    flatten("", defaults, &mut |key, value| {
        entries.insert(key, (value, Origin::Default));
    });
    if let Some(path) = &sources.file {
        overlay_file(path, &mut entries)?;
    }
    overlay_environment(&sources.environment, &mut entries)?;
    for flag in &sources.flags {
        set(
            &mut entries,
            flag.key,
            flag.value.clone(),
            Origin::Flag(flag.name),
        )?;
    }
    let config = read(&entries).map_err(|why| first_bad_value(&entries, &why))?;
    config
        .judge()
        .map_err(|(key, why)| ConfigError(described(&entries, key, &why)))?;
    Ok(Loaded { config, entries })
}

/// Calls `found` with each leaf's dotted key.
fn flatten(prefix: &str, table: Table, found: &mut impl FnMut(String, Value)) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Table(inner) => flatten(&key, inner, found),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => found(key, value),
        }
    }
}

fn overlay_file(path: &Path, entries: &mut Entries) -> Result<(), ConfigError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|why| ConfigError(format!("cannot read the configuration file {shown}: {why}")))?;
    let not_toml = |why: toml::de::Error| {
        let line = why.span().map_or(1, |span| line_of(&text, span.start));
        ConfigError(format!("{shown} line {line} is no TOML: {}", why.message()))
    };
    let spans = DeTable::parse(&text).map_err(not_toml)?;
    let table: Table = toml::from_str(&text).map_err(not_toml)?;
    let mut lines = BTreeMap::new();
    note_lines("", spans.get_ref(), &text, &mut lines);
    let mut leaves = Vec::new();
    flatten("", table, &mut |key, value| leaves.push((key, value)));
    for (key, value) in leaves {
        let line = lines.get(&key).copied().unwrap_or(1);
        set(
            entries,
            listed(&key),
            value,
            Origin::File(path.to_path_buf(), line),
        )?;
    }
    Ok(())
}

fn note_lines(prefix: &str, table: &DeTable<'_>, text: &str, lines: &mut BTreeMap<String, usize>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        if let DeValue::Table(inner) = value.get_ref() {
            note_lines(&key, inner, text, lines);
        } else {
            lines.insert(key, line_of(text, name.span().start));
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        .saturating_add(1)
}

fn overlay_environment(variables: &[(String, String)], entries: &mut Entries) -> Result<(), ConfigError> {
    for (name, text) in variables {
        let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
            continue;
        };
        let key = rest.to_ascii_lowercase().replace("__", ".");
        let key = listed(&key).to_owned();
        let origin = Origin::Environment(name.clone());
        let secret = key.strip_suffix("_file").filter(|key| SECRET_KEYS.contains(key));
        let (key, text) = match secret {
            Some(key) => {
                let held = std::fs::read_to_string(text).map_err(|why| {
                    ConfigError(format!("{name} names {text}, which cannot be read: {why}"))
                })?;
                (key.to_owned(), held.trim_end().to_owned())
            }
            None => (key, text.clone()),
        };
        let value = match entries.get(&key) {
            Some((pattern, _)) => of_text(&text, pattern)
                .ok_or_else(|| ConfigError(format!("{key} ({origin}): expected {}", kind(pattern))))?,
            None => Value::String(text),
        };
        set(entries, &key, value, origin)?;
    }
    Ok(())
}

/// A variable's text as a value of the same kind as the default.
fn of_text(text: &str, pattern: &Value) -> Option<Value> {
    match pattern {
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Float(_) => text.parse().ok().map(Value::Float),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        Value::Array(like) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            let item = |item: &str| match like.first() {
                Some(Value::Integer(_)) => item.parse().ok().map(Value::Integer),
                _ => Some(Value::String(item.into())),
            };
            items.map(item).collect::<Option<_>>().map(Value::Array)
        }
        Value::String(_) | Value::Datetime(_) | Value::Table(_) => Some(Value::String(text.into())),
    }
}

/// A key as the default page lists it: receipts are a part of live delivery, so their section may also stand inside `live`.
fn listed(key: &str) -> &str {
    key.strip_prefix("live.")
        .filter(|rest| rest.starts_with("receipts."))
        .unwrap_or(key)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text in quotes",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

fn set(entries: &mut Entries, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
    let Some(slot) = entries.get_mut(key) else {
        let nearest = nearest(key, entries.keys());
        return Err(ConfigError(format!(
            "unknown key {key} ({origin}): the nearest known key is {nearest}"
        )));
    };
    if !slot.0.same_type(&value) {
        let wanted = kind(&slot.0);
        return Err(ConfigError(format!(
            "{key} ({origin}): expected {wanted}, found {}",
            kind(&value)
        )));
    }
    // One place may spell a key in two ways (`receipts`, `live.receipts`); which of the two was meant is not ours to choose.
    let twice = match (&slot.1, &origin) {
        (Origin::File(..), Origin::File(..)) => true,
        (Origin::Environment(first), Origin::Environment(second)) => first != second,
        _one_goes_before_the_other => false,
    };
    if twice {
        return Err(ConfigError(format!(
            "{key} ({origin}): is set by {} too; keep one of the two",
            slot.1
        )));
    }
    *slot = (value, origin);
    Ok(())
}

/// The known key that takes the fewest changed letters.
fn nearest<'k>(key: &str, known: impl Iterator<Item = &'k String>) -> &'k str {
    known
        .min_by_key(|candidate| distance(key, candidate))
        .map_or("", String::as_str)
}

/// Changed letters of the whole key, or of its last part alone when that was put into a wrong section.
fn distance(key: &str, candidate: &str) -> usize {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let whole = changed_letters(key, candidate);
    let letters = changed_letters(&last(key), &last(candidate));
    // A last part of which nothing is right names no key.
    if letters >= last(key).chars().count() {
        return whole;
    }
    whole.min(letters.saturating_add(1))
}

fn changed_letters(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (slot, other) in row.iter_mut().skip(1).zip(&two) {
            let replaced = diagonal.saturating_add(usize::from(letter != *other));
            diagonal = *slot;
            left = replaced.min(slot.saturating_add(1)).min(left.saturating_add(1));
            *slot = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// The entries as a nested table.
fn nested<'e>(entries: impl Iterator<Item = (&'e String, &'e Value)>) -> Table {
    let mut root = Table::new();
    for (key, value) in entries {
        let mut parts: Vec<&str> = key.split('.').collect();
        let leaf = parts.pop().unwrap_or_default();
        let mut table = &mut root;
        for part in parts {
            let below = table
                .entry(part)
                .or_insert_with(|| Value::Table(Table::new()))
                .as_table_mut();
            table =
                below.expect("a key that leads through a value is refused by set, which knows leaves alone");
        }
        table.insert(leaf.to_owned(), value.clone());
    }
    root
}

fn read(entries: &Entries) -> Result<Config, toml::de::Error> {
    Config::deserialize(Value::Table(nested(
        entries.iter().map(|(key, (value, _))| (key, value)),
    )))
}

fn described(entries: &Entries, key: &str, why: &str) -> String {
    match entries.get(key) {
        Some((_, origin)) => format!("{key} ({origin}): {why}"),
        None => why.to_owned(),
    }
}

/// Names the value that cannot be read: the first that fails when it alone replaces its default.
fn first_bad_value(entries: &Entries, why: &toml::de::Error) -> ConfigError {
    let mut defaults = Table::new();
    if let Ok(table) = toml::from_str::<Table>(DEFAULT_PAGE) {
        defaults = table;
    }
    let mut leaves = BTreeMap::new();
    flatten("", defaults, &mut |key, value| {
        leaves.insert(key, value);
    });
    let alone = |key: &String, value: &Value| {
        let mut trial = leaves.clone();
        trial.insert(key.clone(), value.clone());
        Config::deserialize(Value::Table(nested(trial.iter()))).err()
    };
    for (key, (value, origin)) in entries {
        let set_by_someone = *origin != Origin::Default;
        if let Some(why) = set_by_someone.then(|| alone(key, value)).flatten() {
            let why = match value {
                Value::Integer(number) if *number < 0 => "must not be negative",
                Value::Integer(_) => "is too great",
                _ => why.message(),
            };
            return ConfigError(described(entries, key, why));
        }
    }
    ConfigError(why.message().to_owned())
}
