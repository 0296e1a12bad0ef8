//! A caller with one kept-alive connection: signs, sends, reads one answer at a time.

use crier_proto::digest::{lower_hex, md5};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Keys of one session of one application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Keys {
    /// The application's key.
    pub api_key: String,
    /// The application's secret.
    pub secret: String,
    /// The session's key.
    pub session_key: String,
}

fn encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// The urlencoded body of a call, signed by version 1.
pub fn body(keys: &Keys, method: &str, call_id: &str, own: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(&str, &str)> = vec![
        ("api_key", &keys.api_key),
        ("call_id", call_id),
        ("method", method),
        ("session_key", &keys.session_key),
        ("v", "1.0"),
    ];
    pairs.extend_from_slice(own);
    pairs.sort_unstable();
    let text: String = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let sig = lower_hex(&md5(&[text.as_bytes(), keys.secret.as_bytes()]));
    let mut body = String::with_capacity(text.len() * 2);
    for (name, value) in pairs {
        body.push_str(name);
        body.push('=');
        encode(value, &mut body);
        body.push('&');
    }
    body.push_str("sig=");
    body.push_str(&sig);
    body
}

/// One answer.
pub struct Answer {
    /// Status line and header section in lower case.
    head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The status code; 0: there is none.
    pub fn status(&self) -> u16 {
        let code = self.head.split(' ').nth(1);
        code.and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(held, _)| *held == name)
            .map(|(_, value)| value.trim())
    }
}

/// One connection to the REST door.
pub struct Caller {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Caller {
    /// Connects.
    pub async fn connect(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// The whole request of a body.
    pub fn request(body: &str) -> String {
        format!(
            "POST /restserver.php HTTP/1.1\r\nHost: crier\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Sends one request and reads its answer's body; an error when the connection ended first.
    pub async fn call(&mut self, request: &str) -> Result<String, String> {
        self.exchange(request).await.map(|answer| answer.body)
    }

    /// As `call`, with the answer's head.
    pub async fn exchange(&mut self, request: &str) -> Result<Answer, String> {
        self.stream
            .write_all(request.as_bytes())
            .await
            .map_err(|error| error.to_string())?;
        loop {
            if let Some(answer) = self.take() {
                return answer;
            }
            let count = self
                .stream
                .read_buf(&mut self.buffer)
                .await
                .map_err(|error| error.to_string())?;
            if count == 0 {
                return Err("connection closed".to_owned());
            }
        }
    }

    fn take(&mut self) -> Option<Result<Answer, String>> {
        let head_end = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(self.buffer.get(..head_end)?)
            .ok()?
            .to_ascii_lowercase();
        let length = head
            .split("content-length:")
            .nth(1)?
            .lines()
            .next()?
            .trim()
            .parse::<usize>()
            .ok()?;
        let body = self.buffer.get(head_end..head_end + length)?.to_vec();
        self.buffer.drain(..head_end + length);
        let body = String::from_utf8(body).map_err(|error| error.to_string());
        Some(body.map(|body| Answer { head, body }))
    }
}
