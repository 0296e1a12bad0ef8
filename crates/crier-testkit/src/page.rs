//! A page without a browser: a WebSocket client that speaks frames (live section 4) and writes down what it was given.

use crate::patience::within;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Where and as whom a page connects.
#[derive(Debug, Clone)]
pub struct PageAddress {
    /// The server.
    pub address: SocketAddr,
    /// The server's base path, empty or `/crier`.
    pub base_path: String,
    /// `app` of the query.
    pub api_key: String,
    /// `Origin`; none: the header is left out.
    pub origin: Option<String>,
}

/// How the socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With this close code.
    Closed(u16),
    /// Without a close frame.
    Cut,
}

/// One document's connection. Its page id stays the same over connections.
pub struct FakePage {
    /// The page id.
    pub page: String,
    socket: WebSocketStream<TcpStream>,
    waiting: VecDeque<Value>,
    end: Option<End>,
}

fn failed(error: &Error) -> io::Error {
    match error {
        Error::Http(answer) => io::Error::other(format!("status {}", answer.status().as_u16())),
        other => io::Error::other(other.to_string()),
    }
}

impl PageAddress {
    fn request(&self) -> io::Result<Request> {
        let Self {
            address,
            base_path,
            api_key,
            origin,
        } = self;
        let url = format!("ws://{address}{base_path}/live/ws?app={api_key}");
        let mut request = url.into_client_request().map_err(|error| failed(&error))?;
        if let Some(origin) = origin {
            let value = origin
                .parse()
                .map_err(|_| io::Error::other("an origin is a header value"))?;
            request.headers_mut().insert("Origin", value);
        }
        Ok(request)
    }
}

impl FakePage {
    /// Opens a socket and says nothing yet.
    ///
    /// # Errors
    /// Those of the socket; a refused upgrade is `status N`.
    pub async fn open(at: &PageAddress, page: &str) -> io::Result<Self> {
        let request = at.request()?;
        let socket = within("an upgrade", async {
            let stream = TcpStream::connect(at.address).await?;
            let (socket, _) = tokio_tungstenite::client_async(request, stream)
                .await
                .map_err(|error| failed(&error))?;
            Ok(socket)
        })
        .await?;
        Ok(Self {
            page: page.to_owned(),
            socket,
            waiting: VecDeque::new(),
            end: None,
        })
    }

    /// Sends a frame as it is.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn say(&mut self, frame: &Value) -> io::Result<()> {
        self.say_text(&frame.to_string()).await
    }

    /// Sends any text.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn say_text(&mut self, text: &str) -> io::Result<()> {
        let message = Message::text(text);
        within("a write", async {
            self.socket.send(message).await.map_err(|error| failed(&error))
        })
        .await
    }

    /// Sends a ping of the WebSocket itself, which no frame is.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn ping(&mut self) -> io::Result<()> {
        let message = Message::Ping(Bytes::new());
        within("a write", async {
            self.socket.send(message).await.map_err(|error| failed(&error))
        })
        .await
    }

    /// Says hello with a ticket and these events, and returns the welcome.
    ///
    /// # Errors
    /// Those of the socket, and any other frame than `welcome`.
    pub async fn hello(&mut self, ticket: &str, events: &[&str]) -> io::Result<Value> {
        let page = json!({"page": self.page, "events": events});
        self.say(&json!({"type": "hello", "v": 1, "ticket": ticket, "pages": [page]}))
            .await?;
        self.next_of("welcome").await
    }

    /// Says hello with a ticket at a cursor, epoch and seq, as a page does whose server got it while rendering (live 3.3).
    ///
    /// # Errors
    /// As `hello`.
    pub async fn hello_from(
        &mut self,
        ticket: &str,
        cursor: (&str, u64),
        events: &[&str],
    ) -> io::Result<Value> {
        let page = json!({"page": self.page, "seq": cursor.1, "events": events});
        self.say(&json!({"type": "hello", "v": 1, "ticket": ticket, "epoch": cursor.0, "pages": [page]}))
            .await?;
        self.next_of("welcome").await
    }

    /// Comes back with a resume token at a cursor, and returns the welcome.
    ///
    /// # Errors
    /// As `hello`.
    pub async fn resume(&mut self, token: &str, cursor: (&str, u64), events: &[&str]) -> io::Result<Value> {
        let page = json!({"page": self.page, "seq": cursor.1, "events": events});
        self.say(&json!({"type": "hello", "v": 1, "resume": token, "epoch": cursor.0, "pages": [page]}))
            .await?;
        self.next_of("welcome").await
    }

    /// Registers events and returns the answer.
    ///
    /// # Errors
    /// As `hello`.
    pub async fn register(&mut self, events: &[&str]) -> io::Result<Value> {
        self.say(&json!({"type": "register", "page": self.page, "events": events}))
            .await?;
        self.next_of("registered").await
    }

    /// Acknowledges messages by id.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn ack(&mut self, ids: &[&str]) -> io::Result<()> {
        self.say(&json!({"type": "ack", "page": self.page, "ids": ids}))
            .await
    }

    /// Sends a message from the page; the answer, `sent` or `error`, is a frame to be waited for.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send(&mut self, reference: &str, to: (&str, &str), message: &str) -> io::Result<()> {
        let (recipient, event) = to;
        self.say(&json!({"type": "send", "ref": reference, "page": self.page, "recipient": recipient, "event": event,
            "message": message}))
            .await
    }

    /// The next frame that is no ping; pings are answered. `None` once the connection has ended.
    ///
    /// # Errors
    /// `InvalidData` for a frame that is no JSON; `TimedOut`.
    pub async fn next(&mut self) -> io::Result<Option<Value>> {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                if frame["type"] != "ping" {
                    return Ok(Some(frame));
                }
                self.say(&json!({"type": "pong", "at": frame["at"]})).await?;
            } else if self.end.is_some() || !within("a frame", self.read()).await? {
                return Ok(None);
            }
        }
    }

    /// The next frame, which must be of this type.
    ///
    /// # Errors
    /// As `next`; `InvalidData` for another type or an end.
    pub async fn next_of(&mut self, kind: &str) -> io::Result<Value> {
        let frame = self.next().await?;
        match frame {
            Some(frame) if frame["type"] == kind => Ok(frame),
            other => {
                let end = self.end;
                let told = format!("expected {kind}, got {other:?}, end {end:?}");
                Err(io::Error::new(io::ErrorKind::InvalidData, told))
            }
        }
    }

    /// Reads on to the end and says how it came; frames before it are kept for `next`.
    ///
    /// # Errors
    /// As `next`.
    pub async fn end(&mut self) -> io::Result<End> {
        loop {
            if let Some(end) = self.end {
                return Ok(end);
            }
            within("the end", self.read()).await?;
        }
    }

    /// Reads one WebSocket message; false at the end.
    async fn read(&mut self) -> io::Result<bool> {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let frames: Value = serde_json::from_str(&text)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                match frames {
                    Value::Array(frames) => self.waiting.extend(frames),
                    frame => self.waiting.push_back(frame),
                }
                Ok(true)
            }
            Some(Ok(Message::Close(close))) => {
                self.end = Some(close.map_or(End::Cut, |close| End::Closed(close.code.into())));
                // The answer to a close is the library's: one more read writes it.
                let _ = self.socket.next().await;
                Ok(false)
            }
            Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                Ok(true)
            }
            Some(Err(_)) | None => {
                self.end.get_or_insert(End::Cut);
                Ok(false)
            }
        }
    }
}
