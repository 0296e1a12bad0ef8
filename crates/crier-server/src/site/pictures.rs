//! Pictures under the hash of their bytes: `/p/<hash>.jpg`, `/p/<hash>.png` (feed 7.9).
//!
//! Promise: what has gone is not served by the next request, and nobody learns whether it was ever there. No login is asked.

use crate::state::AppState;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use crier_proto::digest::lower_hex;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, StatusCode};

/// `GET` and `HEAD`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(name): Path<String>,
    request: HeaderMap,
) -> Response {
    let response = answer(&state, &name, &request).await;
    state.pictures.served(response.status().as_u16());
    response
}

async fn answer(state: &AppState, name: &str, request: &HeaderMap) -> Response {
    let (hash, picture) = match state.pictures.find(name).await {
        Ok(Some(found)) => found,
        Ok(None) => return absent(StatusCode::NOT_FOUND),
        Err(fault) => {
            tracing::error!(%fault, "a picture could not be read");
            return absent(StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    let tag = format!("\"{}\"", lower_hex(&hash.0));
    let is_known = knows(request, &tag);
    let headers = [
        (CACHE_CONTROL.as_str(), "public, max-age=31536000, immutable"),
        (ETAG.as_str(), tag.as_str()),
        (CONTENT_TYPE.as_str(), picture.kind.media_type()),
        (X_CONTENT_TYPE_OPTIONS.as_str(), "nosniff"),
        (CONTENT_SECURITY_POLICY.as_str(), "default-src 'none'; sandbox"),
        ("cross-origin-resource-policy", "cross-origin"),
    ];
    if is_known {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, picture.bytes).into_response()
    }
}

/// Whether the asker has the picture already.
fn knows(request: &HeaderMap, tag: &str) -> bool {
    let lists = request.get_all(IF_NONE_MATCH).iter();
    lists.filter_map(|list| list.to_str().ok()).any(|list| {
        list.split(',')
            .map(str::trim)
            .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    })
}

fn absent(status: StatusCode) -> Response {
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    (status, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_from_a_list_a_weak_form_and_a_star() {
        let tag = "\"ab\"";
        for (list, expected) in [
            ("\"ab\"", true),
            ("\"cd\", \"ab\"", true),
            ("W/\"ab\"", true),
            ("*", true),
            ("\"abc\"", false),
            ("ab", false),
            ("", false),
        ] {
            let mut request = HeaderMap::new();
            request.insert(IF_NONE_MATCH, list.parse().unwrap());
            assert_eq!(knows(&request, tag), expected, "{list}");
        }
        assert!(!knows(&HeaderMap::new(), tag));
    }
}
