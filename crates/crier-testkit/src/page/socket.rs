//! A page's WebSocket.

use super::{End, PageAddress, Read, frames_of};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::io;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};

pub(super) struct Socket(WebSocketStream<TcpStream>);

fn failed(error: &Error) -> io::Error {
    match error {
        Error::Http(answer) => io::Error::other(format!("status {}", answer.status().as_u16())),
        other => io::Error::other(other.to_string()),
    }
}

fn request(at: &PageAddress) -> io::Result<Request> {
    let PageAddress {
        address,
        base_path,
        api_key,
        origin,
    } = at;
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

impl Socket {
    pub(super) async fn open(at: &PageAddress) -> io::Result<Self> {
        let request = request(at)?;
        let stream = TcpStream::connect(at.address).await?;
        let (socket, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .map_err(|error| failed(&error))?;
        Ok(Self(socket))
    }

    pub(super) async fn say(&mut self, text: &str) -> io::Result<()> {
        self.write(Message::text(text)).await
    }

    pub(super) async fn ping(&mut self) -> io::Result<()> {
        self.write(Message::Ping(Bytes::new())).await
    }

    async fn write(&mut self, message: Message) -> io::Result<()> {
        self.0.send(message).await.map_err(|error| failed(&error))
    }

    pub(super) async fn read(&mut self) -> io::Result<Read> {
        Ok(match self.0.next().await {
            Some(Ok(Message::Text(text))) => Read::Frames(frames_of(&text)?),
            Some(Ok(Message::Close(close))) => {
                // The answer to a close is the library's: one more read writes it.
                let _ = self.0.next().await;
                Read::End(close.map_or(End::Cut, |close| End::Closed(close.code.into())))
            }
            Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                Read::Frames(Vec::new())
            }
            Some(Err(_)) | None => Read::End(End::Cut),
        })
    }
}
