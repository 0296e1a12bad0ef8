//! The three transports of a page (live 4.7): frames out, texts of frames in. Knows no frame but the hello that opens it.

use super::http::{Head, Http};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

/// How a page is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket.
    Ws,
    /// A stream of events, and posted frames.
    Sse,
    /// Long polls.
    Poll,
}

impl Transport {
    /// As the command line and the tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Sse => "sse",
            Self::Poll => "poll",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Ws, Self::Sse, Self::Poll];
        all.into_iter().find(|transport| transport.name() == name)
    }
}

/// Where a page connects to, and from.
#[derive(Debug, Clone)]
pub struct Route {
    /// The server, or a proxy before it.
    pub server: SocketAddr,
    /// The address that the page comes from.
    pub source: Ipv4Addr,
    /// `app` of the query.
    pub api_key: String,
    /// Bytes of the kernel's receive buffer; `None`: as the kernel likes.
    pub receive_buffer: Option<u32>,
}

/// An open transport.
pub enum Line {
    /// A WebSocket.
    Ws(Box<WebSocketStream<TcpStream>>),
    /// A stream of events.
    Sse(Box<Sse>),
    /// Long polls.
    Poll(Box<Poll>),
}

/// The stream, and the connection for what the page says.
pub struct Sse {
    route: Route,
    stream: Http,
    text: Vec<u8>,
    /// The answer's head, once it has come.
    head: Option<Head>,
    side: Option<Http>,
    connection: String,
}

/// The connection that polls, and the one for what the page says.
pub struct Poll {
    route: Route,
    polls: Http,
    side: Option<Http>,
    connection: String,
    got: u64,
    /// An answer is owed to us.
    asked: bool,
    /// Its head has come, its body not.
    head: Option<Head>,
}

impl Route {
    /// A socket to the server. What is left unsaid when it is dropped is thrown away, as when a process dies.
    pub async fn connect(&self) -> Result<TcpStream, String> {
        let connect = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::V4(SocketAddrV4::new(self.source, 0)))?;
            if let Some(bytes) = self.receive_buffer {
                socket.set_recv_buffer_size(bytes)?;
            }
            let stream = socket.connect(self.server).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        connect.await.map_err(|error: std::io::Error| error.to_string())
    }
}

impl Line {
    /// Opens the transport with this hello; the welcome is among the first frames heard. The error may be a bye's text.
    pub async fn open(route: &Route, transport: Transport, hello: &Value) -> Result<Self, String> {
        match transport {
            Transport::Ws => {
                let stream = route.connect().await?;
                let target = format!("ws://{}/live/ws?app={}", route.server, route.api_key);
                let request = target.into_client_request().map_err(|error| error.to_string())?;
                let small = WebSocketConfig::default()
                    .read_buffer_size(2_048)
                    .write_buffer_size(0);
                let (mut socket, _) =
                    tokio_tungstenite::client_async_with_config(request, stream, Some(small))
                        .await
                        .map_err(|error| error.to_string())?;
                let said = socket.send(Message::text(hello.to_string())).await;
                said.map_err(|error| error.to_string())?;
                Ok(Self::Ws(Box::new(socket)))
            }
            Transport::Sse => {
                let mut stream = Http::new(route.connect().await?);
                let target = format!("/live/sse?app={}", route.api_key);
                stream.post(&target, &hello.to_string()).await?;
                Ok(Self::Sse(Box::new(Sse {
                    route: route.clone(),
                    stream,
                    text: Vec::new(),
                    head: None,
                    side: None,
                    connection: String::new(),
                })))
            }
            Transport::Poll => {
                let mut polls = Http::new(route.connect().await?);
                let target = format!("/live/poll?app={}", route.api_key);
                polls.post(&target, &json!({"hello": hello}).to_string()).await?;
                Ok(Self::Poll(Box::new(Poll {
                    route: route.clone(),
                    polls,
                    side: None,
                    connection: String::new(),
                    got: 0,
                    asked: true,
                    head: None,
                })))
            }
        }
    }

    /// The secret of the welcome, which posted frames carry.
    pub fn is_welcome(&mut self, connection: &str) {
        match self {
            Self::Ws(_) => {}
            Self::Sse(line) => connection.clone_into(&mut line.connection),
            Self::Poll(line) => connection.clone_into(&mut line.connection),
        }
    }

    /// The text of the next frames; `None` at the end. May be given up and called again.
    pub async fn hear(&mut self) -> Option<String> {
        match self {
            Self::Ws(socket) => loop {
                match socket.next().await? {
                    Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                    Ok(Message::Close(_)) | Err(_) => return None,
                    Ok(_) => {}
                }
            },
            Self::Sse(line) => line.hear().await,
            Self::Poll(line) => line.hear().await.ok().flatten(),
        }
    }

    /// Whether frames can be said: what is posted names its connection, which the welcome tells.
    pub fn can_say(&self) -> bool {
        match self {
            Self::Ws(_) => true,
            Self::Sse(line) => !line.connection.is_empty(),
            Self::Poll(line) => !line.connection.is_empty(),
        }
    }

    /// Says a frame; false when the line is gone.
    pub async fn say(&mut self, frame: &Value) -> bool {
        let (route, side, connection) = match self {
            Self::Ws(socket) => return socket.send(Message::text(frame.to_string())).await.is_ok(),
            Self::Sse(line) => (&line.route, &mut line.side, &line.connection),
            Self::Poll(line) => (&line.route, &mut line.side, &line.connection),
        };
        post_frames(route, side, &json!({"connection": connection, "frames": [frame]}))
            .await
            .is_ok()
    }

    /// Whether this end says pong, as only a WebSocket's does.
    pub fn says_pong(&self) -> bool {
        matches!(self, Self::Ws(_))
    }

    /// Ends the line as a network does that fails: by a reset.
    pub fn cut(self) {
        match self {
            Self::Ws(socket) => {
                // A socket that refuses is gone already.
                let _ = socket.get_ref().set_zero_linger();
            }
            Self::Sse(line) => line.stream.cut(),
            Self::Poll(line) => line.polls.cut(),
        }
    }
}

async fn post_frames(route: &Route, side: &mut Option<Http>, body: &Value) -> Result<(), String> {
    // The server closes a connection that rests: then a new one is opened, once.
    let mut rested = side.take();
    let target = format!("/live/frames?app={}", route.api_key);
    loop {
        let fresh = rested.is_none();
        let mut http = match rested.take() {
            Some(http) => http,
            None => Http::new(route.connect().await?),
        };
        let answered = async {
            http.post(&target, &body.to_string()).await?;
            let head = http.head().await?;
            http.body(&head).await.map(|text| (head.status, text))
        };
        match answered.await {
            Ok((204, _)) => {
                *side = Some(http);
                return Ok(());
            }
            Ok((status, text)) => return Err(format!("{status}: {text}")),
            Err(why) if fresh => return Err(why),
            Err(_) => {}
        }
    }
}

impl Sse {
    async fn hear(&mut self) -> Option<String> {
        if self.head.is_none() {
            self.head = Some(self.stream.head().await.ok()?);
        }
        let head = self.head.as_ref()?;
        if head.status != 200 {
            return self.stream.body(head).await.ok().filter(|text| !text.is_empty());
        }
        loop {
            if let Some(end) = self.text.windows(2).position(|bytes| bytes == b"\n\n") {
                let event: Vec<u8> = self.text.drain(..end + 2).collect();
                let event = String::from_utf8(event).ok()?;
                if let Some(data) = event.trim_end().strip_prefix("data: ") {
                    return Some(data.to_owned());
                }
                continue;
            }
            let piece = self.stream.piece(head).await.ok()??;
            self.text.extend_from_slice(&piece);
        }
    }
}

impl Poll {
    async fn hear(&mut self) -> Result<Option<String>, String> {
        if !self.asked {
            let target = format!("/live/poll?app={}", self.route.api_key);
            let next = json!({"connection": self.connection, "got": self.got, "frames": []});
            // Written in one go while nothing else is awaited: a small request never waits for room.
            self.polls.post(&target, &next.to_string()).await?;
            self.asked = true;
        }
        if self.head.is_none() {
            self.head = Some(self.polls.head().await?);
        }
        let Some(head) = &self.head else {
            return Ok(None);
        };
        let text = self.polls.body(head).await?;
        let status = head.status;
        (self.head, self.asked) = (None, false);
        if status != 200 {
            return Ok(Some(text));
        }
        let body: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        self.got = body.get("n").and_then(Value::as_u64).unwrap_or(self.got);
        Ok(body.get("frames").map(ToString::to_string))
    }
}

/// A connection attempt that takes longer has failed (live 11.6).
pub const OPEN_WITHIN: Duration = Duration::from_secs(5);
