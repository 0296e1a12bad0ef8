//! One kept-alive HTTP/1.1 connection of a page, read piece by piece, so that a read may be given up and taken up again.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The connection and what was read beyond what is asked for.
pub struct Http {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Status and framing of an answer.
pub struct Head {
    /// The status.
    pub status: u16,
    framing: Framing,
}

/// Where a body ends (RFC 9112, 6.3).
enum Framing {
    Length(usize),
    Chunks,
    /// With its connection.
    Close,
}

impl Http {
    /// Over a connected socket.
    pub fn new(stream: TcpStream) -> Self {
        let buffer = Vec::new();
        Self { stream, buffer }
    }

    /// Sends a POST with a JSON text.
    pub async fn post(&mut self, target: &str, body: &str) -> Result<(), String> {
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: crier\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let written = self.stream.write_all(request.as_bytes()).await;
        written.map_err(|error| error.to_string())
    }

    /// The head of the answer.
    pub async fn head(&mut self) -> Result<Head, String> {
        let end = self.find(b"\r\n\r\n").await? + 4;
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let head = String::from_utf8(head).map_err(|error| error.to_string())?;
        let head = head.to_ascii_lowercase();
        let status = head.get(9..12).and_then(|digits| digits.parse().ok());
        let length = head
            .split("content-length:")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.trim().parse().ok());
        let status = status.ok_or_else(|| format!("no status: {head}"))?;
        let framing = match length {
            _ if head.contains("transfer-encoding: chunked") => Framing::Chunks,
            Some(length) => Framing::Length(length),
            None if status == 204 => Framing::Length(0),
            None => Framing::Close,
        };
        Ok(Head { status, framing })
    }

    /// The whole body. One with a length may be given up and asked for again.
    pub async fn body(&mut self, head: &Head) -> Result<String, String> {
        let bytes = match head.framing {
            Framing::Length(length) => self.bytes(length).await?,
            Framing::Chunks | Framing::Close => {
                let mut all = Vec::new();
                while let Some(piece) = self.piece(head).await? {
                    all.extend_from_slice(&piece);
                }
                all
            }
        };
        String::from_utf8(bytes).map_err(|error| error.to_string())
    }

    /// The next piece of a body that is a stream; `None`: it has ended. May be given up and called again.
    pub async fn piece(&mut self, head: &Head) -> Result<Option<Vec<u8>>, String> {
        if matches!(head.framing, Framing::Chunks) {
            return self.chunk().await;
        }
        // An end that comes with an error, as a reset does, is an end.
        if self.buffer.is_empty() && self.more().await.is_err() {
            return Ok(None);
        }
        Ok(Some(std::mem::take(&mut self.buffer)))
    }

    /// Ends the connection as a network does that fails: by a reset.
    pub fn cut(&self) {
        // A socket that refuses is gone already.
        let _ = self.stream.set_zero_linger();
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, String> {
        let line_end = self.find(b"\r\n").await?;
        let digits = self.buffer.get(..line_end).unwrap_or_default();
        let digits = std::str::from_utf8(digits).map_err(|error| error.to_string())?;
        let size = usize::from_str_radix(digits.split(';').next().unwrap_or_default().trim(), 16)
            .map_err(|error| format!("chunk {digits:?}: {error}"))?;
        let (from, to) = (line_end + 2, line_end + 2 + size);
        while self.buffer.len() < to + 2 {
            self.more().await?;
        }
        let chunk = self.buffer.get(from..to).unwrap_or_default().to_vec();
        self.buffer.drain(..to + 2);
        Ok((size > 0).then_some(chunk))
    }

    async fn bytes(&mut self, length: usize) -> Result<Vec<u8>, String> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn find(&mut self, mark: &[u8]) -> Result<usize, String> {
        loop {
            let place = self.buffer.windows(mark.len()).position(|bytes| bytes == mark);
            if let Some(place) = place {
                return Ok(place);
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), String> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err("closed".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}
