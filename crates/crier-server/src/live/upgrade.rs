//! From a request for an upgrade to a socket with a task of its own (live 3.7, 4.12).
//!
//! Promise: nothing of the request is kept after the upgrade. The only refusals by status are those before it.

use super::answers;
use super::door::Visit;
use super::websocket;
use crate::listen::Place;
use crate::state::AppState;
use axum::body::Body;
use axum::http::Request;
use crier_live::link::Transport;
use crier_proto::frame::Bye;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Response, StatusCode, Version};
use std::future::Future;
use std::sync::Arc;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Answers a GET of `/live/ws`.
pub fn open(state: &AppState, visit: &Visit, mut request: Request<Body>) -> Response<Body> {
    // HTTP/1.0 knows no upgrade (RFC 6455, 4.1).
    if request.version() != Version::HTTP_11 || !asks_for_websocket(request.headers()) {
        let mut response = answers::status(StatusCode::UPGRADE_REQUIRED);
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return response;
    }
    let Some(key) = key_of(request.headers()) else {
        return answers::refusal(state.hub.refused(Bye::BadFrame));
    };
    let permitted = visit.permitted(state, request.headers());
    if let Err(bye @ (Bye::BadFrame | Bye::OriginRefused)) = permitted {
        return answers::refusal(state.hub.refused(bye));
    }
    let mut response = answers::status(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let place = request.extensions_mut().remove::<Place>();
    drop(request);
    // A browser cannot read the status of a refused upgrade: every other refusal is told right after it.
    match permitted {
        Ok(app) => {
            let bye = (!app.enabled).then_some(Bye::AppDisabled);
            let opening = visit.opening(&app, Transport::WebSocket);
            let door = Visit::errands(state, app);
            let served = websocket::serve(upgrade, door, opening, bye);
            state.tasks.spawn(holding(place, served));
        }
        Err(bye) => {
            let refused = state.hub.refused(bye);
            let clock = Arc::clone(&state.clock);
            let parting = websocket::refuse(upgrade, refused, clock);
            state.tasks.spawn(holding(place, parting));
        }
    }
    response
}

/// The socket's place among the server's connections is taken until its task has ended.
async fn holding(place: Option<Place>, task: impl Future<Output = ()>) {
    task.await;
    drop(place);
}

/// The client's key: sixteen bytes in base64 (RFC 6455, 4.2.1).
fn key_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    let digits = key.as_bytes().strip_suffix(b"==")?;
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    (digits.len() == 22 && digits.iter().all(is_digit)).then(|| key.clone())
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
