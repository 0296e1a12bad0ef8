//! The headers that every answer of the REST door carries, and nothing more (protocol 2.6, 2.7).

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};

/// Sets `Content-Type`, `X-Content-Type-Options: nosniff` and `Cache-Control: no-store`. `Content-Length` is the HTTP stack's.
pub fn set_answer_headers(headers: &mut HeaderMap, media_type: &'static str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
