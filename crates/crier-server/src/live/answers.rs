//! What every answer below `/live` carries, and the answers that are no connection (live 4.12, 4.13).
//!
//! Promise: a refusal is one bye frame that the page may read, with the status of its row; one for load says when to come back.
//! Knows no application and no origin rule.

use axum::body::Body;
use bytes::Bytes;
use crier_live::hub::Refused;
use crier_platform::model::time::WallMs;
use crier_proto::frame::{Bye, ServerFrame};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE, DATE,
    HeaderMap, HeaderValue, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// Milliseconds after which to come back when whoever refuses has measured nothing: the least of live 9.2.
const RETRY_MS: u64 = 1_000;

/// A refusal by status (live 4.12).
pub fn refusal((bye, retry_after_ms): Refused) -> Response<Body> {
    let wait_ms = bye
        .http_has_retry_after()
        .then_some(retry_after_ms.unwrap_or(RETRY_MS));
    let body = ServerFrame::bye(bye, wait_ms.or(retry_after_ms)).to_json();
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(bye.http_status()).unwrap_or(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait_ms) = wait_ms {
        headers.insert(RETRY_AFTER, wait_ms.div_ceil(1_000).max(1).into());
    }
    if bye == Bye::OriginRefused {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}

/// The answer to a body of another type: the bye of a bad frame with a status of its own (live 4.11, 4.12).
pub fn unsupported_media_type() -> Response<Body> {
    let mut response = refusal((Bye::BadFrame, None));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}

/// The answer to `OPTIONS`.
pub fn preflight() -> Response<Body> {
    let mut response = status(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Content-Type, Last-Event-ID"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}

/// The answer to a method that is not served here; `allowed` are those that are.
pub fn method_not_allowed(allowed: &'static str) -> Response<Body> {
    let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// An answer without a body.
pub fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Sets what every answer carries; `listed` is the request's origin when it is one of the application's.
pub fn set_live_headers(headers: &mut HeaderMap, listed: Option<&HeaderValue>) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = listed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Retry-After"),
        );
    }
}

/// The head of an answer 200 as bytes, for a socket that has left the HTTP stack. `Date` is added, as the stack does.
pub fn head_bytes(headers: &HeaderMap, now: WallMs) -> Vec<u8> {
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    let mut line = |name: &str, value: &[u8]| {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    };
    for (name, value) in headers {
        line(name.as_str(), value.as_bytes());
    }
    let moment = Timestamp::from_millisecond(now.0).unwrap_or_default();
    if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&moment) {
        line(DATE.as_str(), date.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_for_load_name_whole_seconds_rounded_up_and_others_none() {
        let header = |bye, retry| {
            let response = refusal((bye, retry));
            let value = response.headers().get(RETRY_AFTER);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        let named = [
            header(Bye::Overloaded, Some(1_001)),
            header(Bye::Restarting, Some(0)),
            header(Bye::TooManyFrames, None),
            header(Bye::TicketInvalid, None),
            header(Bye::ConnectionUnknown, None),
        ];
        assert_eq!(
            named,
            [Some("2".into()), Some("1".into()), Some("1".into()), None, None]
        );
    }

    #[test]
    fn a_head_is_written_as_the_stack_writes_it() {
        let mut headers = HeaderMap::new();
        set_live_headers(
            &mut headers,
            Some(&HeaderValue::from_static("http://game.example")),
        );
        let head = head_bytes(&headers, WallMs(1_795_219_200_000));
        let lines: Vec<&str> = std::str::from_utf8(&head).unwrap().split("\r\n").collect();
        assert_eq!((lines[0], lines.last()), ("HTTP/1.1 200 OK", Some(&"")));
        for line in [
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "vary: Origin",
            "access-control-allow-origin: http://game.example",
            "access-control-expose-headers: Retry-After",
            "date: Sat, 21 Nov 2026 00:00:00 GMT",
        ] {
            assert!(lines.contains(&line), "{line} in {lines:?}");
        }
    }
}
