//! A page's requests: one connection that is kept as long as the server keeps it.

use super::{PageAddress, Posted};
use crate::raw::{Answer, RawClient};
use std::io;

pub(super) struct Posting {
    at: PageAddress,
    client: Option<RawClient>,
}

impl Posting {
    pub(super) fn at(at: &PageAddress) -> Self {
        Self {
            at: at.clone(),
            client: None,
        }
    }

    /// The bytes of a POST below `/live`.
    pub(super) fn request(at: &PageAddress, door: &str, body: &str) -> Vec<u8> {
        let PageAddress {
            address,
            base_path,
            api_key,
            origin,
        } = at;
        let origin = origin
            .as_ref()
            .map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
        let length = body.len();
        format!(
            "POST {base_path}/live/{door}?app={api_key} HTTP/1.1\r\nHost: {address}\r\n{origin}Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// Sends a request, on the connection that is there if it still is.
    pub(super) async fn send(&mut self, door: &str, body: &str) -> io::Result<()> {
        let request = Self::request(&self.at, door, body);
        if let Some(client) = &mut self.client
            && !client.has_ended()
            && client.send(&request).await.is_ok()
        {
            return Ok(());
        }
        let client = self.client.insert(RawClient::connect(self.at.address).await?);
        client.send(&request).await
    }

    /// The answer to the request that was sent last.
    pub(super) async fn answer(&mut self) -> io::Result<Answer> {
        let client = self.client.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let answer = client.unhurried_answer().await;
        if answer.is_err() {
            self.client = None;
        }
        answer
    }

    /// Posts frames of this connection.
    pub(super) async fn frames(&mut self, connection: &str, text: &str) -> io::Result<Posted> {
        let body = format!("{{\"connection\":\"{connection}\",\"frames\":{text}}}");
        self.send("frames", &body).await?;
        let answer = self.answer().await?;
        Ok(match answer.status {
            204 => Posted::Taken,
            status => Posted::Refused(status, answer.json()),
        })
    }
}
