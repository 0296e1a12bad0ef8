//! `/feed/ranking` and `.json`: the formula and the configuration in force, with their version (feed 4.1): published, so no login is asked.

use super::door::{Answer, render};
use super::error::SiteError;
use super::layout::Chrome;
use super::visit::Visit;
use askama::Template;
use axum::body::Body;
use axum::response::Response;
use crier_platform::model::ranking_config::RankingConfig;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

#[derive(Template)]
#[template(path = "ranking.html")]
pub(super) struct RankingPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) version: u32,
    /// Keys as the configuration file names them, each with its values.
    pub(super) keys: Vec<(String, Vec<String>)>,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let ranking = visit.state.feed.ranking().await?;
    let page = RankingPage {
        chrome: Chrome::of(&visit, "How stories are ranked", "feed"),
        version: ranking.version,
        keys: keys(&ranking).ok_or(SiteError::Template)?,
    };
    render(StatusCode::OK, &page)
}

/// The configuration as it is kept for ever: its canonical text.
pub(crate) async fn get_json(visit: Visit) -> Answer {
    let ranking = visit.state.feed.ranking().await?;
    let mut response = Response::new(Body::from(ranking.canonical_text()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

/// What the canonical text says, key by key; `None` if that text were none.
fn keys(ranking: &RankingConfig) -> Option<Vec<(String, Vec<String>)>> {
    let text = ranking.canonical_text();
    let (candidates_max, constants) = serde_json::from_str::<(Value, Value)>(&text).ok()?;
    let constants = constants.as_object()?.iter();
    let mut keys = vec![("feed.candidates_max".to_owned(), values(&candidates_max))];
    keys.extend(constants.map(|(name, value)| (format!("feed.ranking.{name}"), values(value))));
    Some(keys)
}

fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(values).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![value.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_with_its_values_as_the_file_would_write_them() {
        let keys = keys(&RankingConfig::default()).unwrap();
        let of = |name: &str| {
            let found = keys.iter().find(|(known, _)| known == name);
            found.map(|(_, values)| values.join(" "))
        };
        assert_eq!(of("feed.candidates_max").as_deref(), Some("10000"));
        assert_eq!(of("feed.ranking.slots").as_deref(), Some("25"));
        assert_eq!(
            of("feed.ranking.slider").as_deref(),
            Some("32768 65536 98304 131072")
        );
        assert_eq!(of("feed.ranking.half_life").as_deref(), Some("1d"));
        assert_eq!(
            of("feed.ranking.decay").map(|values| values.split(' ').count()),
            Some(64)
        );
    }
}
