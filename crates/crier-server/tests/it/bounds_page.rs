//! The page of bounds against the configuration and against the figures of a fresh server: what it says is so, and nothing is left out.

use crate::figures::scrape;
use crier_server::config::{Sources, load};
use crier_testkit::TestServer;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../../../docs/guide/bounds.md");

/// The cells of every row that names a key.
fn rows() -> Vec<Vec<&'static str>> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// Whether a value is a number, a size, a span, or a list of spans: what can be met.
fn can_be_met(value: &toml::Value) -> bool {
    use crier_platform::model::quantity::{Bytes, Span};
    match value {
        toml::Value::Integer(_) => true,
        toml::Value::String(text) => text.parse::<Span>().is_ok() || text.parse::<Bytes>().is_ok(),
        toml::Value::Array(items) => {
            items.iter().all(|item| item.is_str() && can_be_met(item)) && !items.is_empty()
        }
        toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Table(_) => false,
    }
}

fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[test]
fn every_bound_of_the_configuration_stands_on_the_page_of_bounds_with_its_default() {
    let loaded = load(&Sources::default()).unwrap();
    let values: BTreeMap<String, toml::Value> = loaded
        .entries()
        .filter(|(key, _, _)| !key.starts_with("feed.ranking."))
        .map(|(key, value, _)| {
            let value: toml::Table = toml::from_str(&format!("v = {value}")).unwrap();
            (key.to_owned(), value["v"].clone())
        })
        .collect();
    let expected: BTreeMap<&str, String> = values
        .iter()
        .filter(|(_, value)| can_be_met(value))
        .map(|(key, value)| (key.as_str(), shown(value)))
        .collect();
    assert!(expected.len() > 120, "{}", expected.len());
    let rows = rows();
    let told: BTreeMap<&str, String> = rows
        .iter()
        .filter(|cells| cells.len() == 5)
        .map(|cells| (cells[0].trim_matches('`'), cells[1].to_owned()))
        .collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn every_series_on_the_page_of_bounds_is_there_from_the_start_at_0() {
    let server = TestServer::start().await.unwrap();
    let page = scrape(&server).await;
    let counted: BTreeSet<&str> = PAGE
        .lines()
        .filter(|line| line.starts_with("| "))
        .filter_map(|line| line.split('|').rev().nth(2))
        .filter_map(|cell| cell.trim().strip_prefix('`')?.strip_suffix('`'))
        .collect();
    assert!(counted.len() > 80, "{}", counted.len());
    for series in counted {
        let moved = series.starts_with("crier_store_");
        assert!(
            page.get(series).is_some_and(|value| moved || *value == 0.0),
            "{series}"
        );
    }
}
