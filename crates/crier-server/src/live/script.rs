//! The browser client as a classic script: `/live.js`, and under its hash for ever (live 11.1).
//!
//! Promise: any page of any origin may load it; an unchanged copy is confirmed with 304. The text is built from `clients/js`
//! and compiled in; this file does not know what is in it.

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

const SCRIPT: &str = include_str!("../../assets/live.js");
/// Hexadecimal digits of the hash that stand in the address.
const HASH_DIGITS: usize = 16;
const AN_HOUR: &str = "public, max-age=3600";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The first 64 bits of the script's SHA-256, in hexadecimal.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hash = lower_hex(&sha256(&[SCRIPT.as_bytes()]));
    hash.truncate(HASH_DIGITS);
    hash
});

/// The path of the script that may be kept for ever, below the base path: `/live-<hash>.js`.
#[must_use]
pub fn hashed_path() -> String {
    format!("/live-{}.js", *HASH)
}

/// The routes of the script.
pub fn router() -> Router<AppState> {
    Router::new()
        .route(
            "/live.js",
            get(|headers: HeaderMap| async move { answer(&headers, AN_HOUR) }),
        )
        .route(
            &hashed_path(),
            get(|headers: HeaderMap| async move { answer(&headers, FOR_EVER) }),
        )
}

fn answer(asked: &HeaderMap, keep: &'static str) -> Response<Body> {
    let tag = format!("\"{}\"", *HASH);
    let known = asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|value| value.to_str().is_ok_and(|list| names(list, &tag)));
    let mut response = Response::new(Body::from(if known { "" } else { SCRIPT }));
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
        let response = answer(&HeaderMap::new(), AN_HOUR);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        assert_eq!(header(&response, CACHE_CONTROL), "public, max-age=3600");
        assert_eq!(header(&response, CONTENT_TYPE), "text/javascript; charset=utf-8");
    }

    #[test]
    fn an_unchanged_script_is_confirmed_with_304() {
        let tag = header(&answer(&HeaderMap::new(), AN_HOUR), ETAG).to_owned();
        for value in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"other\", {tag}"),
            "*".to_owned(),
        ] {
            assert_eq!(
                answer(&asked(&value), AN_HOUR).status(),
                StatusCode::NOT_MODIFIED,
                "{value}"
            );
        }
        assert_eq!(answer(&asked("\"other\""), AN_HOUR).status(), StatusCode::OK);
    }

    #[test]
    fn the_hashed_address_is_immutable_and_names_the_script_it_serves() {
        assert_eq!(hashed_path().len(), "/live-.js".len() + HASH_DIGITS);
        assert!(
            header(&answer(&HeaderMap::new(), FOR_EVER), ETAG).contains(&hashed_path()[6..6 + HASH_DIGITS])
        );
        assert_eq!(
            header(&answer(&HeaderMap::new(), FOR_EVER), CACHE_CONTROL),
            "public, max-age=31536000, immutable"
        );
    }

    #[test]
    fn the_first_line_names_the_sources_of_the_script() {
        let first = SCRIPT.lines().next().expect("a first line");
        assert!(
            first.starts_with("/*! crier-client sources sha256:") && first.ends_with(" */"),
            "{first}"
        );
    }
}
