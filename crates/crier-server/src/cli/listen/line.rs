//! One WebSocket of a listener: frames in, frames out, and why it ended (live 4.6, 4.7).
//!
//! Promise: an end has a code, the bye's, the socket's, or none. Judges no frame.

use super::page::{NO_BYE, Then, then};
use crate::client::Client;
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Why a connection, or an attempt at one, is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// As live 4.6, or that of the socket's close, or none.
    pub code: u64,
    /// In words.
    pub why: String,
    /// Milliseconds that the server asks to wait at least.
    pub retry_after: u64,
}

impl End {
    /// An end that the server gave no code for.
    pub fn lost(why: impl std::fmt::Display) -> Self {
        Self {
            code: NO_BYE,
            why: why.to_string(),
            retry_after: 0,
        }
    }

    /// What it makes us do.
    pub const fn then(&self) -> Then {
        then(self.code)
    }
}

/// An open socket.
pub struct Line {
    socket: WebSocketStream<TcpStream>,
    waiting: VecDeque<String>,
}

impl Line {
    /// Opens a socket to the live door of this client's server.
    ///
    /// # Errors
    /// Nobody is there, or the door refused: then with its code and reason.
    pub async fn open(client: &Client, origin: Option<&str>) -> Result<Self, End> {
        let url = client.url().as_str().trim_end_matches('/');
        let address = format!(
            "{}/live/ws?app={}",
            url.replacen("http", "ws", 1),
            client.api_key()
        );
        let mut request = address.into_client_request().map_err(End::lost)?;
        if let Some(origin) = origin.and_then(|origin| origin.parse().ok()) {
            request.headers_mut().insert("origin", origin);
        }
        let stream = client.connect().await.map_err(End::lost)?;
        let opened = tokio_tungstenite::client_async(request, stream).await;
        let (socket, _) = opened.map_err(|why| match why {
            Error::Http(answer) => refused(&answer),
            why => End::lost(why),
        })?;
        Ok(Self {
            socket,
            waiting: VecDeque::new(),
        })
    }

    /// The next frame as it was sent. May be dropped while it waits; then nothing is lost.
    ///
    /// # Errors
    /// The socket has ended.
    pub async fn next(&mut self) -> Result<String, End> {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                return Ok(frame);
            }
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    self.waiting
                        .extend(frames_of(&text).into_iter().map(str::to_owned));
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    let code = u16::from(close.code);
                    return Err(End {
                        code: code.into(),
                        why: format!("{code} {}", close.reason),
                        retry_after: 0,
                    });
                }
                Some(Ok(_)) => {}
                Some(Err(why)) => return Err(End::lost(why)),
                None => return Err(End::lost("it ended without a word")),
            }
        }
    }

    /// Says one frame.
    ///
    /// # Errors
    /// The socket has ended.
    pub async fn say(&mut self, frame: &Value) -> Result<(), End> {
        let sent = self.socket.send(Message::text(frame.to_string())).await;
        sent.map_err(End::lost)
    }
}

/// The door answered by a status: its bye, if it is the door's own answer (live 4.12).
fn refused(answer: &Response) -> End {
    let status = answer.status();
    let body = answer.body().as_deref().unwrap_or_default();
    let bye: Value = serde_json::from_slice(body).unwrap_or_default();
    let own = match status {
        StatusCode::BAD_REQUEST => 4300,
        StatusCode::FORBIDDEN => 4302,
        // Whoever stands before a server that is away says so; only an address that is not ours at all will not change.
        StatusCode::NOT_FOUND | StatusCode::UPGRADE_REQUIRED | StatusCode::METHOD_NOT_ALLOWED => 4300,
        _ => NO_BYE,
    };
    End {
        code: bye["code"].as_u64().unwrap_or(own),
        why: match bye["reason"].as_str() {
            Some(reason) => format!("{} {reason}", bye["code"]),
            None => format!("HTTP {status}"),
        },
        retry_after: bye["retry_after"].as_u64().unwrap_or(0),
    }
}

/// The frames of a message, each as it was sent: one, or an array of them.
fn frames_of(text: &str) -> Vec<&str> {
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(frames) => frames.into_iter().map(RawValue::get).collect(),
        Err(_) => vec![text],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_handed_on_as_they_were_sent() {
        assert_eq!(
            frames_of(r#"{"type":"ping", "at":1}"#),
            [r#"{"type":"ping", "at":1}"#]
        );
        let both = r#"[{"b":1,"a":2},{"type":"x"}]"#;
        assert_eq!(frames_of(both), [r#"{"b":1,"a":2}"#, r#"{"type":"x"}"#]);
    }

    #[test]
    fn an_answer_by_status_acts_by_its_bye_and_without_one_by_its_status() {
        let end = |status: u16, body: &str| {
            let mut answer = Response::new(Some(body.as_bytes().to_vec()));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            let end = refused(&answer);
            (end.then(), end.why, end.retry_after)
        };
        let disabled = r#"{"type":"bye","code":4304,"reason":"application disabled"}"#;
        assert_eq!(
            end(403, disabled),
            (Then::Stop, "4304 application disabled".into(), 0)
        );
        let busy = r#"{"type":"bye","code":4100,"reason":"overloaded","retry_after":1500}"#;
        assert_eq!(end(503, busy), (Then::BackOff, "4100 overloaded".into(), 1_500));
        assert_eq!(
            end(502, "bad gateway"),
            (Then::BackOff, "HTTP 502 Bad Gateway".into(), 0)
        );
        assert_eq!(end(404, ""), (Then::Stop, "HTTP 404 Not Found".into(), 0));
        assert_eq!(end(403, ""), (Then::Stop, "HTTP 403 Forbidden".into(), 0));
    }
}
