//! The browser client as classic scripts: `/live.js`, the same under its hash for ever, and `/live-canvas.js` (live 11.1).
//!
//! Promise: any page of any origin may load them; an unchanged copy is confirmed with 304. The texts are built from `clients/js`
//! and compiled in; this file does not know what is in them.

use crate::state::AppState;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use crier_proto::digest::{lower_hex, sha256};
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use std::sync::LazyLock;

/// Hexadecimal digits of the hash that stand in the address.
const HASH_DIGITS: usize = 16;
const AN_HOUR: &str = "public, max-age=3600";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A script, and the first 64 bits of its SHA-256 in hexadecimal.
struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        let mut hash = lower_hex(&sha256(&[text.as_bytes()]));
        hash.truncate(HASH_DIGITS);
        Self { text, hash }
    }
}

static CLIENT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/live.js")));
static CANVAS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../assets/live-canvas.js")));

/// The path of the client that may be kept for ever, below the base path: `/live-<hash>.js`.
#[must_use]
pub fn hashed_path() -> String {
    format!("/live-{}.js", CLIENT.hash)
}

/// The routes of the scripts.
pub fn router() -> Router<AppState> {
    Router::new()
        .route(
            "/live.js",
            get(|headers: HeaderMap| async move { answer(&CLIENT, &headers, AN_HOUR) }),
        )
        .route(
            &hashed_path(),
            get(|headers: HeaderMap| async move { answer(&CLIENT, &headers, FOR_EVER) }),
        )
        .route(
            "/live-canvas.js",
            get(|headers: HeaderMap| async move { answer(&CANVAS, &headers, AN_HOUR) }),
        )
}

fn answer(script: &'static Script, asked: &HeaderMap, keep: &'static str) -> Response<Body> {
    let tag = format!("\"{}\"", script.hash);
    let known = asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|value| value.to_str().is_ok_and(|list| names(list, &tag)));
    let mut response = Response::new(Body::from(if known { "" } else { script.text }));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/javascript; charset=utf-8"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// Whether an `If-None-Match` list names our tag; weak and strong ones count alike.
fn names(list: &str, tag: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            IF_NONE_MATCH,
            HeaderValue::from_str(value).expect("a header value"),
        );
        headers
    }

    fn header(response: &Response<Body>, name: http::HeaderName) -> &str {
        response.headers()[name].to_str().expect("text")
    }

    #[test]
    fn any_origin_may_load_the_script_and_keep_it_for_an_hour() {
        let response = answer(&CLIENT, &HeaderMap::new(), AN_HOUR);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        assert_eq!(header(&response, CACHE_CONTROL), "public, max-age=3600");
        assert_eq!(header(&response, CONTENT_TYPE), "text/javascript; charset=utf-8");
    }

    #[test]
    fn an_unchanged_script_is_confirmed_with_304() {
        let tag = header(&answer(&CLIENT, &HeaderMap::new(), AN_HOUR), ETAG).to_owned();
        for value in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"other\", {tag}"),
            "*".to_owned(),
        ] {
            assert_eq!(
                answer(&CLIENT, &asked(&value), AN_HOUR).status(),
                StatusCode::NOT_MODIFIED,
                "{value}"
            );
        }
        assert_eq!(
            answer(&CLIENT, &asked("\"other\""), AN_HOUR).status(),
            StatusCode::OK
        );
    }

    #[test]
    fn the_hashed_address_is_immutable_and_names_the_script_it_serves() {
        assert_eq!(hashed_path().len(), "/live-.js".len() + HASH_DIGITS);
        assert!(
            header(&answer(&CLIENT, &HeaderMap::new(), FOR_EVER), ETAG)
                .contains(&hashed_path()[6..6 + HASH_DIGITS])
        );
        assert_eq!(
            header(&answer(&CLIENT, &HeaderMap::new(), FOR_EVER), CACHE_CONTROL),
            "public, max-age=31536000, immutable"
        );
    }

    #[test]
    fn the_canvas_script_is_another_with_a_tag_of_its_own() {
        let response = answer(&CANVAS, &HeaderMap::new(), AN_HOUR);
        assert_eq!(header(&response, ETAG), format!("\"{}\"", CANVAS.hash));
        assert_ne!(CANVAS.hash, CLIENT.hash);
    }

    #[test]
    fn the_first_line_of_each_script_names_its_sources() {
        for script in [&CLIENT, &CANVAS] {
            let first = script.text.lines().next().expect("a first line");
            assert!(
                first.starts_with("/*! crier-client sources sha256:") && first.ends_with(" */"),
                "{first}"
            );
        }
    }
}
