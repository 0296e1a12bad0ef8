//! Alive, ready and figures, on their own listener (operating section 2).
//!
//! Promise: it answers while the public doors drain. Knows no application and no person.

use crate::lifecycle::Stop;
use crate::listen::{Door, Then};
use crate::metrics;
use crate::middleware::headers::set_answer_headers;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::sync::Arc;

/// The admin door.
pub struct AdminDoor {
    /// Figures of every room.
    pub registry: Arc<Registry>,
    /// Whether the server is draining.
    pub stop: Stop,
}

impl Door for AdminDoor {
    async fn answer(&self, request: Request<Incoming>, _: SocketAddr) -> (Response<Body>, Then) {
        (self.page_of(&request).map(Body::new), Then::Continue)
    }
}

impl AdminDoor {
    /// Answers one request; its body is not read.
    fn page_of<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return page(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".into());
        }
        match request.uri().path() {
            "/healthz" => page(StatusCode::OK, "alive\n".into()),
            "/readyz" if self.stop.has_begun() => page(StatusCode::SERVICE_UNAVAILABLE, "draining\n".into()),
            "/readyz" => page(StatusCode::OK, "ready\n".into()),
            "/metrics" => answer(
                (StatusCode::OK, metrics::MEDIA_TYPE),
                metrics::text(&self.registry),
            ),
            _ => page(StatusCode::NOT_FOUND, "/healthz /readyz /metrics\n".into()),
        }
    }
}

fn page(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    answer((status, "text/plain; charset=utf-8"), text)
}

fn answer((status, media_type): (StatusCode, &'static str), text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    set_answer_headers(response.headers_mut(), media_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CONTENT_TYPE;

    #[test]
    fn figures_say_the_format_that_they_are_written_in() {
        let door = AdminDoor {
            registry: Arc::new(Registry::default()),
            stop: Stop::new(),
        };
        assert!(metrics::text(&door.registry).ends_with("# EOF\n"));
        let media_type = |path: &str| {
            let request = Request::builder().uri(path).body(()).unwrap();
            let response = door.page_of(&request);
            response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned()
        };
        assert_eq!(
            media_type("/metrics"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        );
        assert_eq!(media_type("/healthz"), "text/plain; charset=utf-8");
    }

    fn status(door: &AdminDoor, method: Method, path: &str) -> StatusCode {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        door.page_of(&request).status()
    }

    #[test]
    fn readiness_ends_when_the_soft_stop_begins_and_life_goes_on() {
        let door = AdminDoor {
            registry: Arc::new(Registry::default()),
            stop: Stop::new(),
        };
        assert_eq!(status(&door, Method::GET, "/readyz"), StatusCode::OK);
        door.stop.advance();
        assert_eq!(
            status(&door, Method::GET, "/readyz"),
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(status(&door, Method::GET, "/healthz"), StatusCode::OK);
        assert_eq!(status(&door, Method::GET, "/metrics"), StatusCode::OK);
        assert_eq!(
            status(&door, Method::POST, "/healthz"),
            StatusCode::METHOD_NOT_ALLOWED
        );
        assert_eq!(status(&door, Method::GET, "/"), StatusCode::NOT_FOUND);
    }
}
