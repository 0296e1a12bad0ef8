//! A page without a browser: it speaks frames (live section 4) over any of the three transports and writes down what it was given.
//!
//! Knows nothing of what a frame means, but for pings, which a WebSocket page answers, and the bye, which ends it.

mod polling;
mod posting;
mod socket;
mod stream;

use polling::Polling;
use serde_json::{Value, json};
use socket::Socket;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use stream::Stream;

use crate::patience::within;

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

/// What carries a page's frames (live 4.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// `/live/ws`.
    WebSocket,
    /// `/live/sse` and `/live/frames`.
    Sse,
    /// `/live/poll` and `/live/frames`.
    Poll,
}

impl Over {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Sse, Self::Poll];
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With this code: of the close frame, or of the bye where there is none.
    Closed(u16),
    /// Without a word.
    Cut,
}

/// One document's connection. Its page id stays the same over connections.
pub struct FakePage {
    /// The page id.
    pub page: String,
    carrier: Carrier,
    waiting: VecDeque<Value>,
    end: Option<End>,
    /// The status of the last refusal.
    refused: Option<u16>,
}

enum Carrier {
    Socket(Box<Socket>),
    Stream(Box<Stream>),
    Polling(Box<Polling>),
}

/// What reading brought.
enum Read {
    /// Frames, perhaps none.
    Frames(Vec<Value>),
    /// The end.
    End(End),
}

/// What became of a posted message.
enum Posted {
    /// It was taken.
    Taken,
    /// It was refused with this status and bye.
    Refused(u16, Value),
}

fn bad(why: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}

/// One frame or an array of them.
fn frames_of(text: &str) -> io::Result<Vec<Value>> {
    match serde_json::from_str(text).map_err(bad)? {
        Value::Array(frames) => Ok(frames),
        frame => Ok(vec![frame]),
    }
}

impl FakePage {
    /// Opens a WebSocket and says nothing yet.
    ///
    /// # Errors
    /// Those of the socket; a refused upgrade is `status N`.
    pub async fn open(at: &PageAddress, page: &str) -> io::Result<Self> {
        Self::open_over(Over::WebSocket, at, page).await
    }

    /// Opens a connection over any transport and says nothing yet: a stream and a long poll begin with their hello.
    ///
    /// # Errors
    /// Those of the socket; a refused upgrade is `status N`.
    pub async fn open_over(over: Over, at: &PageAddress, page: &str) -> io::Result<Self> {
        let carrier = match over {
            Over::WebSocket => Carrier::Socket(Box::new(within("an upgrade", Socket::open(at)).await?)),
            Over::Sse => Carrier::Stream(Box::new(Stream::at(at))),
            Over::Poll => Carrier::Polling(Box::new(Polling::at(at))),
        };
        Ok(Self {
            page: page.to_owned(),
            carrier,
            waiting: VecDeque::new(),
            end: None,
            refused: None,
        })
    }

    /// The status of the answer that refused the hello, or the last message posted; a WebSocket has none.
    #[must_use]
    pub const fn refused(&self) -> Option<u16> {
        self.refused
    }

    /// Goes away without a word: the transport is dropped, the page stays.
    pub fn vanish(self) {}

    /// Sends a frame as it is.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn say(&mut self, frame: &Value) -> io::Result<()> {
        self.say_text(&frame.to_string()).await
    }

    /// Sends any text as one client message. A refusal by status is read as the bye that it carries.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn say_text(&mut self, text: &str) -> io::Result<()> {
        let posted = within("a client message", async {
            match &mut self.carrier {
                Carrier::Socket(socket) => socket.say(text).await.map(|()| Posted::Taken),
                Carrier::Stream(stream) => stream.say(text).await,
                Carrier::Polling(polling) => polling.say(text).await,
            }
        })
        .await?;
        if let Posted::Refused(status, bye) = posted {
            self.refused = Some(status);
            if self.end.is_none() {
                self.end = Some(end_of(&bye));
                self.waiting.push_back(bye);
            }
        }
        Ok(())
    }

    /// Sends a ping of the WebSocket itself, which no frame is.
    ///
    /// # Errors
    /// Those of the socket; `Unsupported` over the other transports.
    pub async fn ping(&mut self) -> io::Result<()> {
        match &mut self.carrier {
            Carrier::Socket(socket) => within("a write", socket.ping()).await,
            Carrier::Stream(_) | Carrier::Polling(_) => Err(io::ErrorKind::Unsupported.into()),
        }
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
                if matches!(self.carrier, Carrier::Socket(_)) {
                    self.say(&json!({"type": "pong", "at": frame["at"]})).await?;
                }
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

    /// Reads what the transport gives next; false at the end.
    async fn read(&mut self) -> io::Result<bool> {
        let read = match &mut self.carrier {
            Carrier::Socket(socket) => socket.read().await?,
            Carrier::Stream(stream) => stream.read().await?,
            Carrier::Polling(polling) => polling.read().await?,
        };
        match read {
            Read::Frames(frames) => {
                self.waiting.extend(frames);
                Ok(true)
            }
            Read::End(end) => {
                self.end.get_or_insert(end);
                Ok(false)
            }
        }
    }
}

/// The end that a bye announces.
fn end_of(bye: &Value) -> End {
    let code = bye["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    code.map_or(End::Cut, End::Closed)
}
