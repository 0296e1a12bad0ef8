//! A caller that sends exactly the bytes it is given and takes one answer apart. It knows HTTP/1.1's framing and nothing else.

use crate::patience::within;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Fields in order, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first field of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(held, _)| held.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text; empty when it is no UTF-8, which no answer of ours may be.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// `error_code` of an error document in JSON or XML; `None` for any other answer.
    #[must_use]
    pub fn error_code(&self) -> Option<u64> {
        let json = self.json();
        json.get("error_code")
            .and_then(serde_json::Value::as_u64)
            .or_else(|| {
                let (_, rest) = self.text().split_once("<error_code>")?;
                rest.split_once('<')?.0.parse().ok()
            })
    }
}

/// A connection that stays open as long as the server keeps it.
pub struct RawClient {
    socket: TcpStream,
    /// Bytes read beyond the last answer.
    ahead: Vec<u8>,
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl RawClient {
    /// Connects.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = within("a connection", TcpStream::connect(address)).await?;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            ahead: Vec::new(),
        })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        within("a write", self.socket.write_all(bytes)).await
    }

    /// The next answer; interim answers (1xx) are passed over.
    ///
    /// # Errors
    /// Those of the socket; `InvalidData` for what is no HTTP/1.1 answer; `UnexpectedEof` when it ends early.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        within("an answer", self.read_answer()).await
    }

    /// Returns when the server has said that it waits for the body of a request with `Expect: 100-continue`.
    ///
    /// # Errors
    /// Those of the socket; `InvalidData` for another answer.
    pub async fn is_asked_to_continue(&mut self) -> io::Result<()> {
        let head = within("an interim answer", self.until(b"\r\n\r\n")).await?;
        if head != b"HTTP/1.1 100 Continue" {
            return Err(bad("the answer is no 100"));
        }
        Ok(())
    }

    /// The next answer, however long it takes: a long poll has a bound of its own.
    ///
    /// # Errors
    /// As `answer`.
    pub(crate) async fn unhurried_answer(&mut self) -> io::Result<Answer> {
        self.read_answer().await
    }

    /// The head of the next answer, whose body is a stream, or which has none.
    ///
    /// # Errors
    /// As `answer`.
    pub async fn head(&mut self) -> io::Result<Answer> {
        let head = self.until(b"\r\n\r\n").await?;
        head_of(std::str::from_utf8(&head).map_err(|_| bad("a head is text"))?)
    }

    /// The answer of this head, with its body.
    ///
    /// # Errors
    /// As `answer`.
    pub(crate) async fn body_of(&mut self, mut head: Answer) -> io::Result<Answer> {
        head.body = self.read_body(&head).await?;
        Ok(head)
    }

    /// Whether the server has ended this idle connection, as far as is known here.
    pub(crate) fn has_ended(&self) -> bool {
        !matches!(self.socket.try_read(&mut [0]), Err(why) if why.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends one request on a connection of its own and reads its answer.
    ///
    /// # Errors
    /// As `connect`, `send` and `answer`.
    pub async fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<Answer> {
        let mut client = Self::connect(address).await?;
        client.send(request).await?;
        client.answer().await
    }

    /// Whether the server has closed the connection: waits for its end and is false when bytes come instead.
    ///
    /// # Errors
    /// Those of the socket but for a reset, which is an end too.
    pub async fn is_closed(&mut self) -> io::Result<bool> {
        match within("the end of the connection", self.more()).await {
            Ok(more) => Ok(!more && self.ahead.is_empty()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Reads once; false at the end.
    async fn more(&mut self) -> io::Result<bool> {
        Ok(self.socket.read_buf(&mut self.ahead).await? > 0)
    }

    async fn at_least(&mut self, bytes: usize) -> io::Result<()> {
        while self.ahead.len() < bytes {
            if !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Bytes up to this mark, which is dropped.
    pub(crate) async fn until(&mut self, mark: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(place) = self.ahead.windows(mark.len()).position(|window| window == mark) {
                let taken = self.ahead.drain(..place).collect();
                self.ahead.drain(..mark.len());
                return Ok(taken);
            }
            if !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn read_answer(&mut self) -> io::Result<Answer> {
        loop {
            let head = self.until(b"\r\n\r\n").await?;
            let head = String::from_utf8(head).map_err(|_| bad("a head is text"))?;
            let mut answer = head_of(&head)?;
            if answer.status == 101 {
                return Ok(answer);
            }
            if answer.status >= 200 {
                answer.body = self.read_body(&answer).await?;
                return Ok(answer);
            }
        }
    }

    async fn read_body(&mut self, head: &Answer) -> io::Result<Vec<u8>> {
        if matches!(head.status, 204 | 304) {
            return Ok(Vec::new());
        }
        if head
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            return self.read_chunks().await;
        }
        if let Some(length) = head.header("content-length") {
            let length = length.parse().map_err(|_| bad("a length is a number"))?;
            self.at_least(length).await?;
            return Ok(self.ahead.drain(..length).collect());
        }
        while self.more().await? {}
        Ok(std::mem::take(&mut self.ahead))
    }

    async fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line =
                String::from_utf8(self.until(b"\r\n").await?).map_err(|_| bad("a chunk's size is text"))?;
            let digits = line.split(';').next().unwrap_or_default();
            let length =
                usize::from_str_radix(digits.trim(), 16).map_err(|_| bad("a chunk's size is a number"))?;
            self.at_least(length).await?;
            body.extend(self.ahead.drain(..length));
            self.until(b"\r\n").await?;
            if length == 0 {
                return Ok(body);
            }
        }
    }
}

fn head_of(head: &str) -> io::Result<Answer> {
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        // What was asked by HTTP/1.0 is answered so.
        .or_else(|| status_line.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3)?.parse().ok());
    let headers: Option<Vec<_>> = lines
        .map(|line| {
            line.split_once(':')
                .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        })
        .collect();
    Ok(Answer {
        status: status.ok_or_else(|| bad("an answer begins with its HTTP version and a status"))?,
        headers: headers.ok_or_else(|| bad("a header field has a colon"))?,
        body: Vec::new(),
    })
}
