//! A page's stream of server-sent events, read as browsers read it.

use super::posting::Posting;
use super::{End, PageAddress, Posted, Read, bad, end_of, frames_of};
use crate::raw::RawClient;
use serde_json::Value;
use std::io;

pub(super) struct Stream {
    at: PageAddress,
    /// The stream, once the hello was accepted.
    events: Option<RawClient>,
    posting: Posting,
    /// The secret that the welcome brought.
    connection: Option<String>,
    bye: Option<Value>,
}

impl Stream {
    pub(super) fn at(at: &PageAddress) -> Self {
        Self {
            at: at.clone(),
            events: None,
            posting: Posting::at(at),
            connection: None,
            bye: None,
        }
    }

    /// The first message opens the stream; later ones are posted.
    pub(super) async fn say(&mut self, text: &str) -> io::Result<Posted> {
        if self.events.is_none() {
            return self.open(text).await;
        }
        let connection = self.connection.as_ref().ok_or_else(|| bad("no welcome yet"))?;
        self.posting.frames(connection, text).await
    }

    async fn open(&mut self, hello: &str) -> io::Result<Posted> {
        let mut client = RawClient::connect(self.at.address).await?;
        client.send(&Posting::request(&self.at, "sse", hello)).await?;
        let head = client.head().await?;
        if head.status != 200 {
            let answer = client.body_of(head).await?;
            return Ok(Posted::Refused(answer.status, answer.json()));
        }
        if head.header("content-type") != Some("text/event-stream") {
            return Err(bad("a stream has the type of one"));
        }
        self.events = Some(client);
        Ok(Posted::Taken)
    }

    pub(super) async fn read(&mut self) -> io::Result<Read> {
        let Some(events) = &mut self.events else {
            return Ok(Read::End(End::Cut));
        };
        let event = match events.until(b"\n\n").await {
            Ok(event) => String::from_utf8(event).map_err(bad)?,
            Err(why) if why.kind() == io::ErrorKind::InvalidData => return Err(why),
            // An end of any other kind is the transport's.
            Err(_) => return Ok(Read::End(self.bye.as_ref().map_or(End::Cut, end_of))),
        };
        let mut frames = Vec::new();
        for line in event.lines() {
            if let Some(data) = line.strip_prefix("data: ") {
                frames.extend(frames_of(data)?);
            } else if !line.starts_with("retry: ") {
                return Err(bad(format!("no line of a stream of ours: {line}")));
            }
        }
        for frame in &frames {
            if self.bye.is_some() {
                return Err(bad("a frame behind the bye"));
            }
            if frame["type"] == "welcome" {
                self.connection = frame["connection"].as_str().map(str::to_owned);
            } else if frame["type"] == "bye" {
                self.bye = Some(frame.clone());
            }
        }
        Ok(Read::Frames(frames))
    }
}
