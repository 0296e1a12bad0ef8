//! Alive, ready and figures, on their own listener (operating section 2).
//!
//! Promise: it answers while the public doors drain. Knows no application and no person.

use crate::books::Books;
use crate::lifecycle::Stop;
use crate::listen::{Door, Then};
use crate::metrics;
use crate::middleware::headers::set_answer_headers;
use axum::body::Body;
use bytes::Bytes;
use http::header::ACCEPT;
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
    /// The books: while they refuse, no call is accepted.
    pub(crate) books: Arc<Books>,
}

impl Door for AdminDoor {
    async fn answer(&self, request: Request<Incoming>, _: SocketAddr) -> (Response<Body>, Then) {
        (self.page_of(&request).await.map(Body::new), Then::Continue)
    }
}

impl AdminDoor {
    /// Answers one request; its body is not read.
    async fn page_of<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return page(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".into());
        }
        match request.uri().path() {
            "/healthz" => page(StatusCode::OK, "alive\n".into()),
            "/readyz" => match self.why_not_ready().await {
                Some(reason) => page(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
                None => page(StatusCode::OK, "ready\n".into()),
            },
            "/metrics" if wants_open_metrics(request) => answer(
                (StatusCode::OK, metrics::MEDIA_TYPE),
                metrics::text(&self.registry),
            ),
            "/metrics" => answer(
                (StatusCode::OK, metrics::PLAIN_MEDIA_TYPE),
                metrics::plain_text(&self.registry),
            ),
            _ => page(StatusCode::NOT_FOUND, "/healthz /readyz /metrics\n".into()),
        }
    }
}

impl AdminDoor {
    /// What the books refuse with comes first: it needs somebody.
    async fn why_not_ready(&self) -> Option<String> {
        let refused = self.books.why_refusing().await;
        refused.or_else(|| self.stop.has_begun().then(|| "draining".to_owned()))
    }
}

/// Prometheus itself asks for OpenMetrics by name; people and simpler readers get the plain text.
fn wants_open_metrics<B>(request: &Request<B>) -> bool {
    let mut accepted = request.headers().get_all(ACCEPT).iter();
    accepted.any(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.contains("application/openmetrics-text"))
    })
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
    use crate::adapters::clock::SystemClock;
    use crate::adapters::entropy::OsEntropy;
    use crate::config::{self, Sources};
    use crier_platform::ports::clock::Clock;
    use crier_platform::ports::entropy::Entropy;
    use http::header::CONTENT_TYPE;
    use http_body_util::BodyExt;
    use tempfile::TempDir;

    async fn answered(door: &AdminDoor, method: Method, path: &str) -> (StatusCode, Bytes) {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        let (head, body) = door.page_of(&request).await.into_parts();
        (head.status, body.collect().await.unwrap().to_bytes())
    }

    async fn door(folder: &TempDir) -> AdminDoor {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy::open().unwrap());
        let mut config = config::load(&Sources::default()).unwrap().config;
        config.server.data = folder.path().to_path_buf();
        AdminDoor {
            registry: Arc::new(Registry::default()),
            stop: Stop::new(),
            books: Arc::new(Books::open(&config, &clock, &entropy).await.unwrap()),
        }
    }

    const NOT_READY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

    #[tokio::test]
    async fn figures_say_the_format_that_they_are_written_in() {
        let folder = TempDir::new().unwrap();
        let door = door(&folder).await;
        assert!(metrics::text(&door.registry).ends_with("# EOF\n"));
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4";
        for (path, accept, expected) in [
            (
                "/metrics",
                prometheus,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ),
            ("/metrics", "*/*", "text/plain; version=0.0.4; charset=utf-8"),
            ("/healthz", "*/*", "text/plain; charset=utf-8"),
        ] {
            let request = Request::builder()
                .uri(path)
                .header(ACCEPT, accept)
                .body(())
                .unwrap();
            let response = door.page_of(&request).await;
            assert_eq!(response.headers()[CONTENT_TYPE], expected);
        }
    }

    #[tokio::test]
    async fn readiness_ends_when_the_soft_stop_begins_and_life_goes_on() {
        let folder = TempDir::new().unwrap();
        let door = door(&folder).await;
        let ready = answered(&door, Method::GET, "/readyz").await;
        assert_eq!(ready, (StatusCode::OK, "ready\n".into()));
        door.stop.advance();
        let draining = answered(&door, Method::GET, "/readyz").await;
        assert_eq!(draining, (NOT_READY, "draining\n".into()));
        for (method, path, status) in [
            (Method::GET, "/healthz", StatusCode::OK),
            (Method::GET, "/metrics", StatusCode::OK),
            (Method::POST, "/healthz", StatusCode::METHOD_NOT_ALLOWED),
            (Method::GET, "/", StatusCode::NOT_FOUND),
        ] {
            assert_eq!(answered(&door, method, path).await.0, status, "{path}");
        }
    }

    #[tokio::test]
    async fn readiness_ends_with_the_reason_when_the_books_refuse() {
        let folder = TempDir::new().unwrap();
        let door = door(&folder).await;
        assert!(door.books.close().await);
        let said = answered(&door, Method::GET, "/readyz").await;
        assert_eq!(said.0, NOT_READY);
        assert!(said.1.ends_with(b"the store is closed\n"), "{:?}", said.1);
        assert_eq!(answered(&door, Method::GET, "/healthz").await.0, StatusCode::OK);
    }
}
