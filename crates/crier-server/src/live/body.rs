//! The bodies of live requests (live 4.1, 4.11; section 12, `frame_size` and `request_body`).
//!
//! Promise: JSON in UTF-8 whatever the body calls itself, if it calls itself `text/plain` or `application/json` or nothing at all: a
//! page that names no type has asked for no preflight either. At most 65,536 bytes are ever held. Does not know what they say.

use crate::middleware::bounds::{BodyFault, read_whole};
use axum::body::Body;
use crier_platform::model::quantity::Bytes;
use crier_proto::frame::FRAMES_BYTES_MAX;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It calls itself something else.
    MediaType,
    /// It is over its bound.
    TooLarge,
    /// It came too slowly.
    TooSlow,
    /// It broke off, or is no UTF-8.
    Malformed,
}

/// Reads a request's body to its end.
///
/// # Errors
/// `Unread`; the rest of the body has not been read.
pub async fn text(headers: &HeaderMap, body: Body) -> Result<String, Unread> {
    if !is_read_here(headers) {
        return Err(Unread::MediaType);
    }
    let bytes = read_whole(body, Bytes(FRAMES_BYTES_MAX as u64)).await;
    let bytes = bytes.map_err(|fault| match fault {
        BodyFault::TooSlow => Unread::TooSlow,
        BodyFault::TooLarge => Unread::TooLarge,
        BodyFault::Broken => Unread::Malformed,
    })?;
    String::from_utf8(bytes).map_err(|_| Unread::Malformed)
}

fn is_read_here(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else {
        return !headers.contains_key(CONTENT_TYPE);
    };
    let named = first.to_str().unwrap_or_default();
    let essence = named.split(';').next().unwrap_or_default().trim();
    ["text/plain", "application/json"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(types: &[&'static str], body: &str) -> Result<String, Unread> {
        let mut headers = HeaderMap::new();
        for one in types {
            headers.append(CONTENT_TYPE, one.parse().unwrap());
        }
        text(&headers, Body::from(body.to_owned())).await
    }

    #[tokio::test]
    async fn plain_text_json_and_no_type_are_read_and_others_are_not() {
        for types in [
            &["text/plain"][..],
            &["text/plain;charset=UTF-8"],
            &["Application/JSON ; charset=utf-8"],
            &[],
        ] {
            assert_eq!(read(types, "{}").await, Ok("{}".to_owned()), "{types:?}");
        }
        for types in [
            &["text/html"][..],
            &[""],
            &["application/jsonp"],
            &["application/x-www-form-urlencoded"],
            &["text/plain", "text/plain"],
        ] {
            assert_eq!(read(types, "{}").await, Err(Unread::MediaType), "{types:?}");
        }
    }

    #[tokio::test]
    async fn frame_size_bounds_a_body_to_the_byte() {
        let most = "x".repeat(FRAMES_BYTES_MAX);
        assert_eq!(read(&[], &most).await.map(|text| text.len()), Ok(65_536));
        assert_eq!(read(&[], &format!("{most}x")).await, Err(Unread::TooLarge));
    }

    #[tokio::test]
    async fn a_body_that_is_no_text_is_malformed() {
        let body = Body::from(vec![b'"', 0xff, b'"']);
        assert_eq!(text(&HeaderMap::new(), body).await, Err(Unread::Malformed));
    }
}
