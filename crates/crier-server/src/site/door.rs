//! The site's door: from an HTTP request to a `Visit`, from a document's answer to headers.
//!
//! Promise: no `post` runs without a form token of this very browser, and every answer, errors included, has the same
//! strict headers (feed 6.7). Knows no document.

use super::error::SiteError;
use super::fields::{BadFields, Fields};
use super::visit::Visit;
use crate::bound::Bound;
use crate::middleware::bounds::{BodyFault, read_whole};
use crate::state::AppState;
use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use crier_live::metrics::Overflow;
use crier_platform::model::quantity::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use std::future::Future;

/// What a document answers.
pub(crate) type Answer = Result<Response, SiteError>;

/// The policy of every page (feed 6.7).
const POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A document that is read: GET and HEAD.
pub(crate) fn page<F, Fut>(document: F) -> MethodRouter<AppState>
where
    F: Fn(Visit) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    get(
        move |State(state): State<AppState>, request: Request| async move {
            let (head, _) = request.into_parts();
            let answer = match Visit::read(&state, &head).await {
                Ok(visit) => document(visit).await,
                Err(error) => Err(error),
            };
            finished(&state, answer)
        },
    )
}

/// A document round a frame: its query is the framed page's, which may hold what no document of ours takes.
pub(crate) fn frame<F, Fut>(document: F) -> MethodRouter<AppState>
where
    F: Fn(Visit) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    get(
        move |State(state): State<AppState>, request: Request| async move {
            let (head, _) = request.into_parts();
            let answer = match Visit::with_query(&state, &head, Fields::default()).await {
                Ok(visit) => document(visit).await,
                Err(error) => Err(error),
            };
            finished(&state, answer)
        },
    )
}

/// A document that changes something: POST, with a form token.
pub(crate) fn form<F, Fut>(document: F) -> MethodRouter<AppState>
where
    F: Fn(Visit, Fields) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    post(
        move |State(state): State<AppState>, request: Request| async move {
            let size = (Bound::FormBytes, state.site.form_bytes_max);
            let answer = match read_form(&state, request, (size, Fields::read)).await {
                Ok((visit, fields)) => document(visit, fields).await,
                Err(error) => Err(error),
            };
            finished(&state, answer)
        },
    )
}

/// As `form`, for texts of several lines.
pub(crate) fn text_form<F, Fut>(document: F) -> MethodRouter<AppState>
where
    F: Fn(Visit, Fields) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    post(
        move |State(state): State<AppState>, request: Request| async move {
            let size = (Bound::TextFormBytes, state.site.text_form_bytes_max);
            let answer = match read_form(&state, request, (size, Fields::read_texts)).await {
                Ok((visit, fields)) => document(visit, fields).await,
                Err(error) => Err(error),
            };
            finished(&state, answer)
        },
    )
}

/// How the fields of a form are read, and how many there may be.
type ReadFields = fn(&[u8], usize) -> Result<Fields, BadFields>;

/// Reads and judges a form before any document sees it.
async fn read_form(
    state: &AppState,
    request: Request,
    ((bound, bytes_max), read): ((Bound, Bytes), ReadFields),
) -> Result<(Visit, Fields), SiteError> {
    let (head, body) = request.into_parts();
    let visit = Visit::read(state, &head).await?;
    if is_foreign(&head.headers, &state.public_url.origin) {
        return Err(SiteError::ForeignForm);
    }
    let bytes = read_whole(body, bytes_max).await.map_err(|fault| match fault {
        BodyFault::TooLarge => {
            state.metrics.bound(bound);
            SiteError::bad_request(format!(
                "This form is too large: at most {bytes_max} of it are read."
            ))
        }
        BodyFault::TooSlow => {
            state.metrics.live_overflow(Overflow::RequestBody);
            SiteError::bad_request("This form came too slowly. Send it once more.")
        }
        BodyFault::Broken => SiteError::bad_request("This form is damaged."),
    })?;
    let fields_max = state.site.fields_max;
    let fields = read(&bytes, fields_max).map_err(|why| match why {
        BadFields::TooMany => {
            state.metrics.bound(Bound::Fields);
            SiteError::bad_request(format!(
                "This form has too many fields: at most {fields_max} of them are read."
            ))
        }
        BadFields::Malformed => SiteError::bad_request("This form is damaged."),
    })?;
    if !fields.value("form_token").is_some_and(|token| visit.gave(token)) {
        return Err(SiteError::ForeignForm);
    }
    Ok((visit, fields))
}

/// Whether a form was sent from another site's page, as far as the browser tells. `Origin: null` says nothing: our own
/// pages send it too, because they send no referrer.
fn is_foreign(headers: &HeaderMap, own_origin: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    headers
        .get_all(header::ORIGIN)
        .iter()
        .any(|origin| origin != own_origin && origin != "null")
}

/// A page's bytes.
///
/// # Errors
/// `Template` when it cannot be rendered, which no value can cause.
pub(crate) fn render(status: StatusCode, template: &impl Template) -> Answer {
    let html = template.render().map_err(|_| SiteError::Template)?;
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    Ok(response)
}

/// A value as JSON.
///
/// # Errors
/// `Template` when it cannot be written, which no value can cause.
pub(crate) fn json(value: &impl Serialize) -> Answer {
    let text = serde_json::to_string(value).map_err(|_| SiteError::Template)?;
    let mut response = Response::new(Body::from(text));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

/// Leads on to an address: after a form, so that reloading repeats nothing.
pub(crate) fn see_other(address: &str) -> Answer {
    let location = HeaderValue::from_str(address).map_err(|_| SiteError::Template)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// An answer with a cookie.
pub(crate) fn with_cookie(answer: Answer, cookie: Option<HeaderValue>) -> Answer {
    let mut response = answer?;
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A page that shows a secret this once: nothing on its way keeps it.
pub(crate) fn unkept(answer: Answer) -> Answer {
    let mut response = answer?;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

/// A page whose form may lead on to another site's address: browsers hold `form-action` against redirects too.
pub(crate) fn with_form_target(answer: Answer, target: &str) -> Answer {
    let mut response = answer?;
    if let Some(origin) = crier_platform::accounts::origins::origin_of(target) {
        let policy = POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response
                .headers_mut()
                .insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    Ok(response)
}

/// A page that shows a frame of this one origin (protocol 18.1, 18.9). It may stand in a frame of this site, and nowhere is it kept.
pub(crate) fn framing(answer: Answer, origin: &str) -> Answer {
    let mut response = answer?;
    let frames = format!("frame-src {origin}; frame-ancestors 'self'");
    let policy = POLICY.replace("frame-ancestors 'none'", &frames);
    let policy = HeaderValue::from_str(&policy).map_err(|_| SiteError::Template)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    Ok(response)
}

/// The answer, or the page that helps on in its place, with the headers of every page that it has not set itself.
pub(crate) fn finished(state: &AppState, answer: Answer) -> Response {
    let mut response = answer.unwrap_or_else(|error| error.page(&state.public_url));
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn a_form_of_another_site_is_known_by_what_the_browser_says() {
        let own = "http://127.0.0.1:8420";
        for (pairs, foreign) in [
            (&[][..], false),
            (&[("origin", "http://127.0.0.1:8420")], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://evil.example")], true),
            (&[("origin", "null"), ("sec-fetch-site", "cross-site")], true),
            (&[("origin", "null"), ("sec-fetch-site", "same-site")], true),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
        ] {
            assert_eq!(is_foreign(&headers(pairs), own), foreign, "{pairs:?}");
        }
    }
}
