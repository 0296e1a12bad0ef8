//! `crier listen`: a page-like connection that prints each message frame as a JSON line (live 4.3).
//!
//! It buys a ticket by a signed call, says hello with one page and its events, acknowledges what it prints, and comes back with
//! its cursor when the connection is lost: nothing is printed twice, and a gap is said on standard error.

use super::call::KeyArgs;
use super::output::{complain, say};
use super::{Ended, Failure, failed};
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::OsEntropy;
use crate::client::{Client, ClientError, Order, SigVersion};
use crier_platform::ports::clock::Clock;
use crier_platform::ports::entropy::random_bytes;
use crier_proto::digest::base64url;
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as Refused, Message};

/// Longest wait before coming back, in milliseconds.
const PAUSE_MS_MAX: u64 = 30_000;
/// Bye codes from here on mean: do not come back (live 4.6).
const FINAL_BYES: u64 = 4300;
/// Milliseconds before the end of the authorised span at which a new ticket is asked for.
const RENEW_BEFORE_MS: u64 = 300_000;

const EXAMPLES: &str = "\
Examples:
  crier listen rochambeau --as demo
  crier listen move chat --api-key K --secret S --session-key SK --origin http://127.0.0.1:8420

Without --origin no Origin is sent, which the application's setting native_clients must permit.";

/// `listen`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Listen {
    /// Names of the events to handle
    #[arg(required = true, value_name = "EVENT")]
    events: Vec<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// Origin to send, one of the application's
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
}

/// Why a connection is over.
enum End {
    /// Come back after so many milliseconds, at the cursor.
    Again(u64),
    /// The server does not want this listener again.
    Final(String),
}

/// Why there is no ticket.
enum NoTicket {
    /// The next try may get one.
    Later(String),
    /// None will.
    Never(String),
}

type Socket = WebSocketStream<TcpStream>;

/// What outlives a connection.
struct Listener {
    client: Client,
    clock: SystemClock,
    origin: Option<String>,
    page: String,
    events: Vec<String>,
    /// (epoch, seq) of the last frame that settled something.
    cursor: Option<(Value, Value)>,
}

impl Listen {
    /// Runs the command.
    pub fn run(self) -> Ended {
        let entropy = OsEntropy::open().map_err(failed)?;
        let mut listener = Listener {
            client: self.keys.client(SigVersion::Two)?,
            clock: SystemClock::start(),
            origin: self.origin,
            page: base64url(&random_bytes::<16>(&entropy)),
            events: self.events,
            cursor: None,
        };
        super::block_on(async { listener.listen().await })
    }
}

impl Listener {
    async fn listen(&mut self) -> Ended {
        let mut pause_ms = 500;
        loop {
            let came_from = self.cursor.clone();
            match self.connection().await? {
                End::Final(why) => return Err(failed(why)),
                End::Again(least_ms) => {
                    pause_ms = if came_from == self.cursor {
                        PAUSE_MS_MAX.min(pause_ms * 2)
                    } else {
                        500
                    };
                    complain("crier: the connection is lost, coming back");
                    let until = self.clock.elapsed().plus_ms(pause_ms.max(least_ms));
                    self.clock.sleep_until(until).await;
                }
            }
        }
    }

    /// One connection from ticket to end. A fault of the first one is final, a later one is come back from.
    async fn connection(&mut self) -> Result<End, Failure> {
        let was_here = self.cursor.is_some();
        let ticket = match self.ticket().await {
            Ok(ticket) => ticket,
            Err(NoTicket::Later(_)) if was_here => return Ok(End::Again(0)),
            Err(NoTicket::Later(why) | NoTicket::Never(why)) => return Err(failed(why)),
        };
        let mut socket = match self.open().await {
            Ok(socket) => socket,
            Err(_) if was_here => return Ok(End::Again(0)),
            Err(failure) => return Err(failure),
        };
        let mut page = json!({"page": self.page, "events": self.events});
        let mut hello =
            json!({"type": "hello", "v": 1, "ticket": ticket["ticket"], "client": "crier-listen"});
        if let Some((epoch, seq)) = &self.cursor {
            hello["epoch"] = epoch.clone();
            page["seq"] = seq.clone();
        }
        hello["pages"] = json!([page]);
        if socket.send(Message::text(hello.to_string())).await.is_err() {
            return Ok(End::Again(0));
        }
        self.frames(&mut socket).await
    }

    async fn frames(&mut self, socket: &mut Socket) -> Result<End, Failure> {
        let mut renew_at = None;
        loop {
            let renewal = async {
                match renew_at {
                    Some(moment) => self.clock.sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            let received = tokio::select! {
                received = socket.next() => received,
                () = renewal => {
                    renew_at = None;
                    if let Ok(ticket) = self.ticket().await {
                        let renew = json!({"type": "renew", "ticket": ticket["ticket"]});
                        let _ = socket.send(Message::text(renew.to_string())).await;
                    }
                    continue;
                }
            };
            let Some(Ok(message)) = received else {
                return Ok(End::Again(0));
            };
            let Message::Text(text) = message else { continue };
            for raw in frames_of(&text) {
                let Ok(frame) = serde_json::from_str::<Value>(raw) else {
                    continue;
                };
                if let Some(until) = frame["until"].as_u64() {
                    let left = until.saturating_sub(u64::try_from(self.clock.wall().0).unwrap_or(0));
                    renew_at = Some(self.clock.elapsed().plus_ms(left.saturating_sub(RENEW_BEFORE_MS)));
                }
                if let Some(end) = self.frame(raw, &frame, socket).await {
                    return Ok(end);
                }
            }
        }
    }

    /// Acts on one frame; an end when it was the last.
    async fn frame(&mut self, raw: &str, frame: &Value, socket: &mut Socket) -> Option<End> {
        let answer = match frame["type"].as_str()? {
            "welcome" => {
                let seq = frame["pages"][0]["seq"].clone();
                self.cursor = Some((frame["epoch"].clone(), seq));
                complain("crier: listening");
                return None;
            }
            "message" => {
                say(raw);
                self.settle(&frame["seq"]);
                json!({"type": "ack", "page": self.page, "ids": [frame["id"]]})
            }
            "ping" => {
                self.settle(&frame["seq"]);
                json!({"type": "pong", "at": frame["at"]})
            }
            "gap" => {
                complain(&format!("crier: messages may have been missed: {frame}"));
                self.cursor =
                    Some((frame["epoch"].clone(), frame["to"].clone())).filter(|(_, to)| to.is_u64());
                return None;
            }
            "drain" => return Some(End::Again(frame["retry_after"].as_u64().unwrap_or(0))),
            "bye" => {
                let code = frame["code"].as_u64().unwrap_or(0);
                let reason = frame["reason"].as_str().unwrap_or("");
                if code >= FINAL_BYES {
                    return Some(End::Final(format!(
                        "the server ended the connection: {code} {reason}"
                    )));
                }
                return Some(End::Again(frame["retry_after"].as_u64().unwrap_or(0)));
            }
            _ => return None,
        };
        let sent = socket.send(Message::text(answer.to_string())).await;
        sent.is_err().then_some(End::Again(0))
    }

    fn settle(&mut self, seq: &Value) {
        if let Some((_, last)) = &mut self.cursor
            && seq.as_u64() > last.as_u64()
        {
            *last = seq.clone();
        }
    }

    async fn ticket(&self) -> Result<Value, NoTicket> {
        let order = Order {
            method: "liveMessage.createTicket".into(),
            parameters: vec![("format".into(), "json".into())],
            file: None,
        };
        let answer = self.client.call(&order).await.map_err(|why| match why {
            ClientError::Silent(why) => NoTicket::Later(why),
            ClientError::Asked(why) => NoTicket::Never(why),
        })?;
        let ticket: Value = serde_json::from_slice(&answer.body).map_err(|_| {
            NoTicket::Never(format!(
                "{} gave no ticket: HTTP {}",
                self.client.url(),
                answer.status
            ))
        })?;
        let Some(why) = ticket["error_msg"].as_str() else {
            return Ok(ticket);
        };
        let why = format!("no ticket: {} {why}", ticket["error_code"]);
        // A server that drains, or calls that overtook each other: the next try may get one.
        if answer.status != StatusCode::OK || ticket["error_code"] == 103 {
            return Err(NoTicket::Later(why));
        }
        Err(NoTicket::Never(why))
    }

    async fn open(&self) -> Result<Socket, Failure> {
        let base = self
            .client
            .url()
            .as_str()
            .trim_end_matches('/')
            .replacen("http", "ws", 1);
        let address = format!("{base}/live/ws?app={}", self.client.api_key());
        let mut request = address.into_client_request().map_err(failed)?;
        if let Some(origin) = &self.origin {
            let origin = origin
                .parse()
                .map_err(|_| failed("--origin is no header value"))?;
            request.headers_mut().insert("origin", origin);
        }
        let stream = self.client.connect().await.map_err(failed)?;
        let opened = tokio_tungstenite::client_async(request, stream).await;
        let (socket, _) = opened.map_err(|why| {
            let refused = matches!(&why, Refused::Http(answer) if answer.status() == StatusCode::FORBIDDEN);
            let hint = match (refused, &self.origin) {
                (false, _) => "",
                (true, None) => "; without --origin the application's setting native_clients must be on",
                (true, Some(_)) => "; --origin must be one of the application's origins",
            };
            failed(format!("the live door refused the connection: {why}{hint}"))
        })?;
        Ok(socket)
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
    fn frames_are_printed_as_they_were_sent() {
        assert_eq!(
            frames_of(r#"{"type":"ping", "at":1}"#),
            [r#"{"type":"ping", "at":1}"#]
        );
        let both = r#"[{"b":1,"a":2},{"type":"x"}]"#;
        assert_eq!(frames_of(both), [r#"{"b":1,"a":2}"#, r#"{"type":"x"}"#]);
    }
}
