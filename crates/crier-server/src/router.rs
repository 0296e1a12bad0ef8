//! Every URL of the public listeners on one screen.
//!
//! Promise: the REST door is found by one comparison, before any router runs; everything else is the site's and the live door's
//! router. Paths are the same below the base path and without it, since a proxy may have removed it (protocol 2.8).

use crate::listen::{Door, Then};
use crate::middleware::bounds::{BoundedBody, Pace};
use crate::middleware::headers::set_answer_headers;
use crate::rest::{RestDoor, empty};
use crate::state::AppState;
use crate::{live, site};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Uri;
use bytes::Bytes;
use crier_live::metrics::Overflow;
use crier_platform::ports::clock::Clock;
use crier_proto::frame::FRAMES_BYTES_MAX;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tower::ServiceExt;

/// All public doors.
pub struct Doors {
    base_path: String,
    rest: RestDoor,
    others: Router,
    pace: Pace,
    /// Bytes of a body that any page or live request may bring: each reads at most what its own bound says.
    body_bytes_max: u64,
    clock: Arc<dyn Clock>,
}

impl Doors {
    /// The doors over this state.
    #[must_use]
    pub fn new(state: AppState, rest: RestDoor) -> Self {
        let base_path = state.public_url.base_path.clone();
        let (pace, clock) = (rest.pace, Arc::clone(&rest.clock));
        let body_bytes_max = state.site.text_form_bytes_max.0.max(FRAMES_BYTES_MAX as u64);
        let others = Router::new()
            .route(
                "/1.0/facebook.xsd",
                axum::routing::get(|| async { schema(crier_proto::render::FACEBOOK_XSD) }),
            )
            .route(
                "/1.0/crier.xsd",
                axum::routing::get(|| async { schema(crier_proto::render::CRIER_XSD) }),
            )
            .merge(live::router())
            .merge(site::router())
            .fallback(site::not_found)
            .with_state(state);
        Self {
            base_path,
            rest,
            others,
            pace,
            body_bytes_max,
            clock,
        }
    }

    async fn answer_one(&self, request: Request<Incoming>, peer: SocketAddr) -> (Response<Body>, Then) {
        if let Some(refusal) = judge_head(&request) {
            if refusal.status() != StatusCode::BAD_REQUEST {
                self.rest.metrics.live_overflow(Overflow::RequestHead);
            }
            return (refusal.map(Body::new), Then::CloseGently);
        }
        let path = self.below_base(request.uri().path());
        if path == "/restserver.php" {
            let (response, then) = self.rest.answer(request, peer).await;
            return (response.map(Body::new), then);
        }
        let request = self.for_pages(request, peer);
        match self.others.clone().oneshot(request).await {
            Ok(mut response) => {
                let then = response.extensions_mut().remove::<Then>();
                (response, then.unwrap_or(Then::Continue))
            }
            Err(never) => match never {},
        }
    }

    fn below_base<'p>(&self, path: &'p str) -> &'p str {
        match path.strip_prefix(self.base_path.as_str()) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        }
    }

    /// The request as pages see it: origin form below the base path, its body under bounds, its source beside it.
    fn for_pages(&self, request: Request<Incoming>, peer: SocketAddr) -> Request<Body> {
        let (mut head, incoming) = request.into_parts();
        let path = self.below_base(head.uri.path());
        let target = match head.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        head.uri = Uri::try_from(target).unwrap_or_default();
        let source = self.rest.proxies.source(peer, &head.headers);
        head.extensions
            .insert(ConnectInfo(SocketAddr::new(source, peer.port())));
        let bounded = BoundedBody::new(incoming, self.body_bytes_max, self.pace, Arc::clone(&self.clock));
        Request::from_parts(head, Body::new(bounded))
    }
}

impl Door for Doors {
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = (Response<Body>, Then)> + Send {
        self.answer_one(request, peer)
    }

    fn is_live(&self, begin: &[u8]) -> bool {
        is_live(begin, &self.base_path)
    }
}

/// Whether these are the first bytes of a request to the live door below this base path.
fn is_live(begin: &[u8], base_path: &str) -> bool {
    let target = begin
        .strip_prefix(b"GET ")
        .or_else(|| begin.strip_prefix(b"POST "));
    // A proxy may have taken the base path away.
    let below = target.map(|target| target.strip_prefix(base_path.as_bytes()).unwrap_or(target));
    below.is_some_and(|below| below.starts_with(b"/live/"))
}

fn schema(text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    set_answer_headers(response.headers_mut(), "text/xml; charset=utf-8");
    response
}

/// Longest request line and longest header section (protocol 2.4).
const REQUEST_LINE_BYTES_MAX: usize = 65_534;
const HEADER_SECTION_BYTES_MAX: usize = 65_536;
/// A blank on both sides of the target, and `HTTP/1.1`.
const REQUEST_LINE_REST: usize = 10;
/// Colon, blank, CR and LF of a header line.
const HEADER_LINE_REST: usize = 4;

/// Refuses what is no well-formed HTTP/1.x, with the status of protocol 2.3 and 2.4; the connection closes.
fn judge_head<B>(request: &Request<B>) -> Option<Response<Full<Bytes>>> {
    let hosts = request.headers().get_all(http::header::HOST).iter().count();
    let host_is_right = match request.version() {
        http::Version::HTTP_11 => hosts == 1,
        _ => hosts <= 1,
    };
    if !host_is_right {
        return Some(empty(StatusCode::BAD_REQUEST));
    }
    // A body under a coding that nobody here takes off would be read for what it is not (protocol 2.5: length, or chunked).
    let mut codings = request.headers().get_all(http::header::TRANSFER_ENCODING).iter();
    let is_chunked =
        |coding: &http::HeaderValue| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if !codings.next().is_none_or(is_chunked) || codings.next().is_some() {
        return Some(empty(StatusCode::BAD_REQUEST));
    }
    let uri = request.uri();
    // Only origin form and absolute form name something here (protocol 2.2): a bare authority is a tunnel's, another scheme not ours.
    // CONNECT has no other form, and any 200 would tell its sender that the tunnel stands.
    let form_is_right = match uri.scheme() {
        Some(scheme) => *scheme == http::uri::Scheme::HTTP || *scheme == http::uri::Scheme::HTTPS,
        None => uri.authority().is_none(),
    };
    if !form_is_right || request.method() == http::Method::CONNECT {
        return Some(empty(StatusCode::BAD_REQUEST));
    }
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len())
        + uri.authority().map_or(0, |authority| authority.as_str().len())
        + uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    if request.method().as_str().len() + target + REQUEST_LINE_REST > REQUEST_LINE_BYTES_MAX {
        return Some(empty(StatusCode::URI_TOO_LONG));
    }
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        name.as_str().len() + value.len() + HEADER_LINE_REST
    };
    let section: usize = request.headers().iter().map(line).sum();
    (section > HEADER_SECTION_BYTES_MAX).then(|| empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_request_is_known_by_its_first_bytes_with_or_without_the_base_path() {
        for begin in ["GET /live/ws?app=", "POST /live/poll", "GET /crier/live/sse?"] {
            assert!(is_live(begin.as_bytes(), "/crier"), "{begin}");
        }
        for begin in [
            "",
            "GE",
            "GET /live",
            "GET /live.js",
            "POST /restserver.php",
            "POST /other/live/",
            "PUT /live/ws",
        ] {
            assert!(!is_live(begin.as_bytes(), "/crier"), "{begin}");
        }
        assert!(is_live(b"GET /live/ws", ""));
    }
}
