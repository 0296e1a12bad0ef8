//! The door of all transports: who may come in, and what every answer carries (live 3.7, 4.7, 4.12, 4.13).
//!
//! Promise: the Origin rule is judged before anything is upgraded, opened or read; every answer has the headers of live 4.13. What
//! a transport does with a visitor who may come in is its own file's.

use super::answers;
use super::body::{self, Unread};
use super::errands::Door;
use super::{frames, origin, poll, sse, upgrade};
use crate::listen::Then;
use crate::state::AppState;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::Request;
use crier_live::link::{Opening, Transport};
use crier_live::resume::OriginMark;
use crier_platform::model::app::App;
use crier_proto::frame::Bye;
use http::header::{HeaderMap, HeaderValue};
use http::{Method, Response};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What a request says of itself, judged against the application that it names.
pub struct Visit {
    /// From where.
    address: IpAddr,
    /// The one origin that it claims.
    claimed: Option<HeaderValue>,
    /// Whether it names an application at all.
    named: bool,
    /// The application.
    app: Result<Option<Arc<App>>, Bye>,
    /// Whether the claimed origin is one of the application's.
    listed: bool,
}

/// Answers `/live/ws`.
pub async fn websocket(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    let visit = Visit::read(&state, peer.ip(), (request.headers(), request.uri().query())).await;
    let response = match *request.method() {
        Method::OPTIONS => answers::preflight(),
        Method::GET => upgrade::open(&state, &visit, request),
        _ => answers::method_not_allowed("GET, OPTIONS"),
    };
    visit.dressed(response)
}

/// Answers `/live/sse`.
pub async fn sse(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    let visit = Visit::read(&state, peer.ip(), (request.headers(), request.uri().query())).await;
    let response = match visit.posted(&state, request).await {
        Ok((app, text)) => {
            let opening = visit.opening(&app, Transport::Sse);
            let head = visit.head();
            sse::open(Visit::errands(&state, app), opening, (&text, head)).await
        }
        Err(response) => response,
    };
    visit.dressed(response)
}

/// Answers `/live/poll`.
pub async fn poll(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    let visit = Visit::read(&state, peer.ip(), (request.headers(), request.uri().query())).await;
    let keeps_alive = poll::keeps_alive(request.version(), request.headers());
    let response = match visit.posted(&state, request).await {
        Ok((app, text)) => {
            let opening = visit.opening(&app, Transport::Poll);
            let listed = visit.listed_origin().cloned();
            let head = poll::Head { listed, keeps_alive };
            poll::answer(Visit::errands(&state, app), opening, (&text, head)).await
        }
        Err(response) => response,
    };
    visit.dressed(response)
}

/// Answers `/live/frames`.
pub async fn frames(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    let visit = Visit::read(&state, peer.ip(), (request.headers(), request.uri().query())).await;
    let response = match visit.posted(&state, request).await {
        Ok((app, text)) => {
            let from = visit.opening(&app, Transport::Sse);
            frames::take(&Visit::errands(&state, app), &from, &text).await
        }
        Err(response) => response,
    };
    visit.dressed(response)
}

/// Answers every other address below `/live/`, with the headers that all of them have.
pub async fn elsewhere(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    let visit = Visit::read(&state, peer.ip(), (request.headers(), request.uri().query())).await;
    visit.dressed(with_the_body_unread(answers::status(http::StatusCode::NOT_FOUND)))
}

impl Visit {
    async fn read(state: &AppState, address: IpAddr, (headers, query): (&HeaderMap, Option<&str>)) -> Self {
        let claimed = match origin::Claimed::read(headers) {
            origin::Claimed::One(origin) => HeaderValue::from_str(origin).ok(),
            origin::Claimed::Missing | origin::Claimed::Unusable => None,
        };
        let named = app_named(query);
        let app = match &named {
            Some(key) => state.live_door.app(key).await,
            None => Ok(None),
        };
        let listed = match (&app, &claimed) {
            (Ok(Some(app)), Some(value)) => value.to_str().is_ok_and(|text| origin::is_listed(app, text)),
            _ => false,
        };
        Self {
            address,
            claimed,
            named: named.is_some(),
            app,
            listed,
        }
    }

    /// The application, whether or not it is enabled, if this request's origin may connect for it.
    ///
    /// # Errors
    /// The bye that says why not.
    pub fn permitted(&self, state: &AppState, headers: &HeaderMap) -> Result<Arc<App>, Bye> {
        if !self.named {
            return Err(Bye::BadFrame);
        }
        match &self.app {
            Ok(Some(app)) if origin::permits(app, headers, &state.public_url.origin) => Ok(Arc::clone(app)),
            // Nobody's origin is listed with an application that does not exist.
            Ok(_) => Err(Bye::OriginRefused),
            Err(bye) => Err(*bye),
        }
    }

    /// The application and the body of a POST from a permitted origin, or the answer that says why not.
    async fn posted(
        &self,
        state: &AppState,
        request: Request<Body>,
    ) -> Result<(Arc<App>, String), Response<Body>> {
        match *request.method() {
            Method::POST => {}
            Method::OPTIONS => return Err(answers::preflight()),
            _ => return Err(answers::method_not_allowed("POST, OPTIONS")),
        }
        let permitted = self.permitted(state, request.headers());
        let app = permitted
            .and_then(|app| {
                if app.enabled {
                    Ok(app)
                } else {
                    Err(Bye::AppDisabled)
                }
            })
            .map_err(|bye| with_the_body_unread(answers::refusal(state.hub.refused(bye))))?;
        let (head, body) = request.into_parts();
        match body::text(&head.headers, body).await {
            Ok(text) => Ok((app, text)),
            Err(why) => {
                let refused = state.hub.refused(match why {
                    Unread::TooLarge => Bye::FrameTooLarge,
                    Unread::MediaType | Unread::Malformed | Unread::TooSlow => Bye::BadFrame,
                });
                let mut response = match why {
                    Unread::MediaType => answers::unsupported_media_type(),
                    Unread::TooLarge | Unread::Malformed | Unread::TooSlow => answers::refusal(refused),
                };
                if why == Unread::TooSlow {
                    state.hub.body_too_slow();
                    response.extensions_mut().insert(Then::Drop);
                    return Err(response);
                }
                Err(with_the_body_unread(response))
            }
        }
    }

    /// How a connection of this visitor is opened.
    #[must_use]
    pub fn opening(&self, app: &App, transport: Transport) -> Opening {
        let origin = self.claimed.as_ref().and_then(|value| value.to_str().ok());
        Opening {
            transport,
            app: app.id,
            origin: OriginMark::of(origin),
            address: Some(self.address),
        }
    }

    /// What a connection's errands need.
    #[must_use]
    pub fn errands(state: &AppState, app: Arc<App>) -> Door {
        Door {
            hub: Arc::clone(&state.hub),
            live_door: Arc::clone(&state.live_door),
            clock: Arc::clone(&state.clock),
            app,
        }
    }

    /// The headers of an answer to this visitor.
    fn head(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        self.dress(&mut headers);
        headers
    }

    fn dress(&self, headers: &mut HeaderMap) {
        answers::set_live_headers(headers, self.listed_origin());
    }

    /// The origin that the visitor names, when it is one of the application's.
    fn listed_origin(&self) -> Option<&HeaderValue> {
        self.claimed.as_ref().filter(|_| self.listed)
    }

    fn dressed(&self, mut response: Response<Body>) -> Response<Body> {
        self.dress(response.headers_mut());
        response
    }
}

/// An answer that goes out before the request's body was read: the connection closes, and not before the answer has arrived.
fn with_the_body_unread(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().insert(Then::CloseGently);
    response
}

/// The one `app` of the query; `None` when it is missing, empty or given twice.
fn app_named(query: Option<&str>) -> Option<String> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut keys = pairs.filter(|(name, _)| name == "app").map(|(_, value)| value);
    let key = keys.next().filter(|key| !key.is_empty())?;
    keys.next().is_none().then(|| key.into_owned())
}
