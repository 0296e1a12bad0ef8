//! What an answer means: an image here, the same image as before, another address, or nothing (feed 7.4).
//!
//! Promise: only 200 has a body for us; a redirect leads to what is an acceptable link and to nothing else. Knows no sockets.

use bytes::{Bytes, BytesMut};
use crier_platform::model::picture::Cause;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::fetch::{FetchFailed, Got, Validators};
use crier_proto::story::{ImageSource, read_image_source};
use http::header::{CONTENT_ENCODING, ETAG, HeaderName, LAST_MODIFIED, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::time::UNIX_EPOCH;
use url::Url;

/// Bytes of a validator that is kept at most.
const VALIDATOR_BYTES_MAX: usize = 1_024;

/// What came of one request.
pub(super) enum Answered {
    /// The end of the way.
    Here(Got),
    /// A redirect.
    Elsewhere(Url),
}

/// What a head says.
pub(super) enum Head {
    /// All there is.
    Done(Answered),
    /// A body follows.
    Body {
        /// The body, unread.
        body: Incoming,
        /// To ask with next time.
        validators: Validators,
    },
}

/// What one answer is judged by.
pub(super) struct Judge<'a> {
    url: &'a Url,
    asked_with: &'a Validators,
    clock: &'a dyn Clock,
}

impl<'a> Judge<'a> {
    /// The judge of an answer to a request for this address with these validators.
    pub(super) fn new(url: &'a Url, asked_with: &'a Validators, clock: &'a dyn Clock) -> Self {
        Self {
            url,
            asked_with,
            clock,
        }
    }

    /// What the head says; a body that is too long by its own word, or compressed, is left unread.
    pub(super) fn head(&self, answer: Response<Incoming>, body_bytes_max: u64) -> Result<Head, FetchFailed> {
        let status = answer.status();
        match status {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if !self.asked_with.is_empty() => {
                return Ok(Head::Done(Answered::Here(Got::Unchanged)));
            }
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT => {
                let next = self.redirect(status, answer.headers())?;
                return Ok(Head::Done(Answered::Elsewhere(next)));
            }
            _ => return Err(self.refused(status, answer.headers())),
        }
        if is_encoded(answer.headers()) {
            return Err(Cause::EncodedBody.into());
        }
        let validators = Validators {
            etag: text(answer.headers(), &ETAG),
            last_modified: text(answer.headers(), &LAST_MODIFIED),
        };
        let body = answer.into_body();
        if body.size_hint().lower() > body_bytes_max {
            return Err(Cause::TooBig.into());
        }
        Ok(Head::Body { body, validators })
    }

    /// The address that a redirect names, by the rules of a source (feed 2.8, 7.1). Whether it may be dialled is for the dialler.
    fn redirect(&self, status: StatusCode, head: &HeaderMap) -> Result<Url, FetchFailed> {
        let mut locations = head.get_all(LOCATION).iter();
        let (Some(location), None) = (locations.next(), locations.next()) else {
            return Err(Cause::Status(status.as_u16()).into());
        };
        let location = location.to_str().ok();
        // The parser would quietly repair what no link may hold.
        let plain = location.filter(|text| !text.contains(['\t', ' ', '"', '<', '>', '\\']));
        let target = plain.and_then(|text| self.url.join(text).ok());
        match target.map(|target| read_image_source(target.as_str())) {
            Some(Some(ImageSource::Url(target))) => {
                Url::parse(&target).map_err(|_| Cause::ForbiddenAddress.into())
            }
            Some(Some(ImageSource::Pid(_)) | None) | None => Err(Cause::ForbiddenAddress.into()),
        }
    }

    fn refused(&self, status: StatusCode, head: &HeaderMap) -> FetchFailed {
        FetchFailed {
            cause: Cause::Status(status.as_u16()),
            retry_after_ms: text(head, &RETRY_AFTER).and_then(|text| self.wait(&text)),
        }
    }

    /// Milliseconds that a `Retry-After` asks for: seconds, or a date.
    fn wait(&self, text: &str) -> Option<u64> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds: u64 = text.parse().unwrap_or(u64::MAX);
            return Some(seconds.saturating_mul(1_000));
        }
        let date = httpdate::parse_http_date(text)
            .ok()?
            .duration_since(UNIX_EPOCH)
            .ok()?;
        let date = i64::try_from(date.as_millis()).ok()?;
        Some(u64::try_from(date.saturating_sub(self.clock.wall().0)).unwrap_or(0))
    }
}

/// A field that stands once and is printable.
fn text(head: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = head.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let text = value.to_str().ok()?.trim();
    (!text.is_empty() && text.len() <= VALIDATOR_BYTES_MAX).then(|| text.to_owned())
}

fn is_encoded(head: &HeaderMap) -> bool {
    head.get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// Reads a body up to its bound.
///
/// # Errors
/// `TooBig` as soon as the bound is passed; `CutBody` when the body ends before its end.
pub(super) async fn read_body(mut body: Incoming, bytes_max: u64) -> Result<Bytes, Cause> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Cause::CutBody)?;
        let Some(part) = frame.data_ref() else { continue };
        if (bytes.len() + part.len()) as u64 > bytes_max {
            return Err(Cause::TooBig);
        }
        bytes.extend_from_slice(part);
    }
    Ok(bytes.freeze())
}
