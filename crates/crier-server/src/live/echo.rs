//! `/live/echo`: says every WebSocket message again, for an independent suite of the protocol. Only tests build it; a release with it
//! does not compile.
//!
//! It stands on the framing, the bounds and the way to the kernel of `/live/ws`. What it does not share is what a page never sees
//! here: no hello is needed, binary messages are answered, and a breach of RFC 6455 is closed with that RFC's own code, where
//! `/live/ws` says a bye and closes with 4300 or 4301.

use super::counted::Counted;
use super::wire::framed;
use crate::state::AppState;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

#[cfg(not(debug_assertions))]
compile_error!("the feature `echo` is for tests: no release has it");

/// Answers `/live/echo`.
pub async fn answer(State(state): State<AppState>, mut request: Request<Body>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY) else {
        *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
        return response;
    };
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    state.tasks.spawn(serve(hyper::upgrade::on(&mut request)));
    response
}

async fn serve(upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        return;
    };
    let mut stream = framed(parts.io.into_inner(), parts.read_buf.to_vec()).await;
    loop {
        let said = match stream.next().await {
            Some(Ok(Message::Text(text))) => {
                stream.get_mut().begin_text(Bytes::from(text));
                stream.flush().await
            }
            Some(Ok(Message::Binary(bytes))) => {
                stream.get_mut().begin_binary(bytes);
                stream.flush().await
            }
            Some(Ok(_)) => stream.flush().await,
            Some(Err(error)) => return close(stream, &error).await,
            None => return,
        };
        if said.is_err() {
            return;
        }
    }
}

/// Says why, and waits for the other side's end, so that the close is not taken away by a reset.
async fn close(mut stream: WebSocketStream<Counted>, error: &Error) {
    let code = match error {
        Error::Capacity(_) => CloseCode::Size,
        Error::Utf8(_) => CloseCode::Invalid,
        Error::Protocol(_) => CloseCode::Protocol,
        _ => return,
    };
    let reason = Utf8Bytes::from_static("");
    // A socket that takes no close has gone.
    let _ = stream
        .send(Message::Close(Some(CloseFrame { code, reason })))
        .await;
    poll_fn(|cx| stream.get_mut().poll_to_end(cx, true)).await;
}
