//! The REST door: HTTP to request parts, rendered bytes to HTTP (protocol sections 2 and 3).
//!
//! Promise: HTTP status 200 for every answer but 413 and 503; every answer with its length, type and two headers, and nothing
//! else. It knows no parameter, no signature and no error number: `crier_platform::dispatch` does.

use crate::body::Kind;
use crate::bound::Bound;
use crate::lifecycle::Stop;
use crate::listen::Then;
use crate::metrics::ServerMetrics;
use crate::middleware::bounds::{BodyFault, BoundedBody, Pace};
use crate::middleware::headers::set_answer_headers;
use crate::middleware::real_ip::TrustedProxies;
use crate::middleware::request_id::{RequestId, RequestIds};
use bytes::Bytes;
use crier_live::metrics::Overflow;
use crier_platform::dispatch::{Answer, Dispatcher, ItemTold};
use crier_platform::model::message::{Delivery, Door};
use crier_platform::ports::clock::Clock;
use crier_proto::call::{Body, RequestParts};
use crier_proto::error::{Code, Refusal};
use crier_proto::render::{self, Format, Style};
use http::header::{CONNECTION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::fmt::{Display, Write};
use std::net::SocketAddr;
use std::sync::Arc;

/// The door, shared by all connections.
pub struct RestDoor {
    /// The street behind it.
    pub dispatcher: Arc<Dispatcher>,
    /// Base path followed by `/restserver.php`.
    pub path: String,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: TrustedProxies,
    /// How slow a body may be.
    pub pace: Pace,
    /// Time, for bodies.
    pub clock: Arc<dyn Clock>,
    /// Numbers for log lines.
    pub request_ids: RequestIds,
    /// Figures.
    pub metrics: ServerMetrics,
    /// Whether the server is draining.
    pub stop: Stop,
    /// Calls are served on for a while after the stop has begun.
    pub hands_over: bool,
}

/// The call whose refusals are figures of live delivery too (live section 13).
const SEND: &str = "liveMessage.send";

/// An answer and what becomes of its connection.
pub type Answered = (Response<Full<Bytes>>, Then);

impl RestDoor {
    /// Answers one request.
    pub async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answered {
        let began = self.clock.elapsed();
        let (head, incoming) = request.into_parts();
        let kind = Kind::of(&head.headers);
        let mut parts = RequestParts {
            verb: head.method.as_str().to_owned(),
            path: self.path.clone(),
            query: head.uri.query().unwrap_or_default().as_bytes().to_vec(),
            body: Body::Empty,
            source: self.proxies.source(peer, &head.headers),
        };
        let bounded = BoundedBody::new(incoming, kind.limit(), self.pace, Arc::clone(&self.clock));
        match bounded.whole().await {
            Ok(bytes) if head.method == Method::POST => parts.body = kind.wire_body(bytes),
            // What a GET brings is discarded; a verb that is neither is refused by its name.
            Ok(_) => {
                if kind == Kind::Encoded {
                    parts.body = Body::Encoded;
                }
            }
            Err(BodyFault::TooLarge) => return self.too_large(),
            Err(BodyFault::Broken) => {
                self.metrics.live_overflow(Overflow::RequestBody);
                // Framing that cannot be read is told to whoever is still there to read it (protocol 2.4).
                return (empty(StatusCode::BAD_REQUEST), Then::CloseGently);
            }
            Err(BodyFault::TooSlow) => {
                self.metrics.live_overflow(Overflow::RequestBody);
                return (empty(StatusCode::BAD_REQUEST), Then::Drop);
            }
        }
        let (answer, status) = if self.refuses_calls() {
            (self.dispatcher.draining(parts), StatusCode::SERVICE_UNAVAILABLE)
        } else {
            (self.dispatcher.answer(parts).await, StatusCode::OK)
        };
        let took_ms = self.clock.elapsed().0.saturating_sub(began.0);
        self.report(&answer, status, took_ms);
        (written(answer, status), Then::Continue)
    }

    /// Whether new calls are refused: from the beginning of a stop, or only when the lead of a handover is over (live 9.6).
    fn refuses_calls(&self) -> bool {
        if self.hands_over {
            self.stop.refuses_calls()
        } else {
            self.stop.has_begun()
        }
    }

    fn too_large(&self) -> Answered {
        self.metrics.bound(Bound::RequestBodyBytes);
        let style = Style {
            format: Format::Xml,
            callback: None,
            root: String::new(),
        };
        let refusal = Refusal::because(Code::InvalidParameter, "the request body is over its limit");
        let rendered = render::error(&style, &refusal, &[]);
        let mut response = Response::new(Full::new(Bytes::from(rendered.body)));
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        set_answer_headers(response.headers_mut(), rendered.media_type);
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        (response, Then::CloseGently)
    }

    /// The figures of one item of a batch, which is a call like any other; a log line only for a fault of ours.
    fn report_item(&self, item: &ItemTold) {
        let code = item.error.map_or(0, Code::number);
        let method = item.method.unwrap_or("unknown");
        self.metrics.call(method, code);
        if method == SEND
            && let Some(code) = item.error
        {
            self.metrics.live().send_refused(Door::Batch, (code, item.bound));
        }
        if let Some(fault) = &item.fault {
            tracing::error!(error = %fault, call.method = method, "an item of a batch failed on our side");
        }
    }

    /// One figure and one log line: a refusal is told at info, a success at debug, so that a busy server does not write per call.
    fn report(&self, answer: &Answer, status: StatusCode, took_ms: u64) {
        let code = answer.error.map_or(0, Code::number);
        let method = answer.method.unwrap_or("unknown");
        self.metrics.call(method, code);
        if method == SEND
            && let Some(code) = answer.error
        {
            self.metrics.live().send_refused(Door::Rest, (code, answer.bound));
        }
        for item in &answer.items {
            self.report_item(item);
        }
        if let Some(fault) = &answer.fault {
            tracing::error!(error = %fault, call.method = method, "a call failed on our side");
        }
        let ids = || CallIds {
            request: self.request_ids.give(),
            app: answer.app.map(|app| app.get()),
            user: answer.user.map(|user| user.get()),
        };
        macro_rules! line {
            ($level:ident) => {{
                let CallIds { request, app, user } = ids();
                tracing::$level!(
                    request.id = %request, app.id = app, user.id = user, call.method = method,
                    error.code = code, http.status = status.as_u16(), took_ms, "call"
                );
            }};
        }
        if code == 0 {
            if tracing::enabled!(tracing::Level::DEBUG) {
                line!(debug);
            }
        } else {
            line!(info);
        }
    }
}

struct CallIds {
    request: RequestId,
    app: Option<i64>,
    user: Option<i64>,
}

/// An answer without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}

fn written(answer: Answer, status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.rendered.body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    set_answer_headers(headers, answer.rendered.media_type);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Some(delivery) = answer.delivery {
        set_delivery_headers(headers, &delivery);
    }
    response
}

/// The names of protocol 13.11, made once: parsing them for each answer costs more than the mailbox step.
static DELIVERY_HEADERS: [HeaderName; 9] = [
    HeaderName::from_static("crier-id"),
    HeaderName::from_static("crier-seq"),
    HeaderName::from_static("crier-epoch"),
    HeaderName::from_static("crier-state"),
    HeaderName::from_static("crier-pages"),
    HeaderName::from_static("crier-handlers"),
    HeaderName::from_static("crier-written"),
    HeaderName::from_static("crier-acked"),
    HeaderName::from_static("crier-expires-at"),
];

/// Bytes of all values of an outcome, as good as always.
const DELIVERY_TEXT_BYTES: usize = 96;

/// The outcome of a `liveMessage.send` (protocol 13.11).
fn set_delivery_headers(headers: &mut HeaderMap, delivery: &Delivery) {
    let values: [&dyn Display; 9] = [
        &delivery.id,
        &delivery.seq,
        &delivery.epoch,
        &delivery.state.as_str(),
        &delivery.pages,
        &delivery.handlers,
        &delivery.written,
        &delivery.acked,
        &delivery.expires_at.secs_rounded_up(),
    ];
    // All values share one piece of memory.
    let (mut text, mut ends) = (String::with_capacity(DELIVERY_TEXT_BYTES), [0; 9]);
    for (value, end) in values.iter().zip(&mut ends) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{value}");
        *end = text.len();
    }
    let text = Bytes::from(text);
    let mut from = 0;
    let values = ends.map(|end| {
        let value = HeaderValue::from_maybe_shared(text.slice(from..end));
        from = end;
        value.unwrap_or(HeaderValue::from_static(""))
    });
    // Room for these and the four that every answer carries, so that the map grows once.
    headers.reserve(values.len() + 4);
    headers.extend(DELIVERY_HEADERS.iter().cloned().zip(values));
}
