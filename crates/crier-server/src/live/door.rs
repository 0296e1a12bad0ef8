//! `/live/ws`: from a request to an upgraded socket, or to the one HTTP answer that says why not (live 3.7, 4.12, 4.13).
//!
//! Promise: every answer carries the headers of live 4.13; nothing of the request is kept after the upgrade.

use super::errands::Door;
use super::{origin, websocket};
use crate::state::AppState;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::Request;
use bytes::Bytes;
use crier_live::link::Opening;
use crier_live::resume::OriginMark;
use crier_platform::model::app::App;
use crier_proto::frame::{Bye, ServerFrame};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONNECTION, CONTENT_TYPE,
    HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Answers `/live/ws`.
pub async fn answer(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response<Body> {
    let method = request.method().clone();
    let claimed = match origin::Claimed::read(request.headers()) {
        origin::Claimed::One(origin) => HeaderValue::from_str(origin).ok(),
        origin::Claimed::Missing | origin::Claimed::Unusable => None,
    };
    let named = app_named(request.uri().query());
    let app = match &named {
        Some(key) => state.live_door.app(key).await,
        None => Ok(None),
    };
    let listed = match (&app, &claimed) {
        (Ok(Some(app)), Some(value)) => value.to_str().is_ok_and(|text| origin::is_listed(app, text)),
        _ => false,
    };
    let mut response = match method {
        Method::OPTIONS => preflight(),
        Method::GET => open(&state, peer, (request, named.is_some()), app),
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    };
    common_headers(response.headers_mut(), claimed.filter(|_| listed));
    response
}

/// The one `app` of the query; `None` when it is missing, empty or given twice.
fn app_named(query: Option<&str>) -> Option<String> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut keys = pairs.filter(|(name, _)| name == "app").map(|(_, value)| value);
    let key = keys.next().filter(|key| !key.is_empty())?;
    keys.next().is_none().then(|| key.into_owned())
}

fn open(
    state: &AppState,
    peer: SocketAddr,
    (mut request, named): (Request<Body>, bool),
    app: Result<Option<Arc<App>>, Bye>,
) -> Response<Body> {
    if !asks_for_websocket(request.headers()) {
        let mut response = status(StatusCode::UPGRADE_REQUIRED);
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return response;
    }
    let key = request.headers().get(SEC_WEBSOCKET_KEY).cloned();
    let (Some(key), true) = (key, named) else {
        return refusal(Bye::BadFrame);
    };
    let (app, bye) = match app {
        Ok(Some(app)) if origin::permits(&app, request.headers(), &state.public_url.origin) => {
            let bye = (!app.enabled).then_some(Bye::AppDisabled);
            (app, bye)
        }
        // Nobody's origin is listed with an application that does not exist.
        Ok(_) => return refusal(Bye::OriginRefused),
        Err(bye) => return refusal(bye),
    };
    let origin = match origin::Claimed::read(request.headers()) {
        origin::Claimed::One(origin) => Some(origin),
        origin::Claimed::Missing | origin::Claimed::Unusable => None,
    };
    let opening = Opening {
        app: app.id,
        origin: OriginMark::of(origin),
        address: Some(peer.ip()),
    };
    let mut response = status(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    let upgrade = hyper::upgrade::on(&mut request);
    drop(request);
    let door = Door {
        hub: Arc::clone(&state.hub),
        live_door: Arc::clone(&state.live_door),
        app,
    };
    state.tasks.spawn(websocket::serve(upgrade, door, opening, bye));
    response
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let has = |name: HeaderName, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','))
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    };
    let version = headers.get(SEC_WEBSOCKET_VERSION);
    has(CONNECTION, "upgrade") && has(UPGRADE, "websocket") && version.is_some_and(|version| version == "13")
}

/// An HTTP refusal before any upgrade: the page may read why.
fn refusal(bye: Bye) -> Response<Body> {
    let body = ServerFrame::bye(bye, None).to_json();
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(bye.http_status()).unwrap_or(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if bye == Bye::OriginRefused {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}

fn preflight() -> Response<Body> {
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

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn common_headers(headers: &mut HeaderMap, listed: Option<HeaderValue>) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = listed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Retry-After"),
        );
    }
}
