//! A page's long poll: one request at a time, each confirming the answer before it (live 4.8).

use super::posting::Posting;
use super::{End, PageAddress, Posted, Read, bad, end_of};
use serde_json::{Value, json};
use std::io;

pub(super) struct Polling {
    polls: Posting,
    posting: Posting,
    connection: Option<String>,
    /// The number of the last answer.
    got: u64,
    /// A poll has been sent and not been answered.
    parked: bool,
    /// Frames that came with the answer to the hello.
    first: Vec<Value>,
    bye: Option<Value>,
}

impl Polling {
    pub(super) fn at(at: &PageAddress) -> Self {
        Self {
            polls: Posting::at(at),
            posting: Posting::at(at),
            connection: None,
            got: 0,
            parked: false,
            first: Vec::new(),
            bye: None,
        }
    }

    /// The first message opens the connection; later ones are posted.
    pub(super) async fn say(&mut self, text: &str) -> io::Result<Posted> {
        if let Some(connection) = &self.connection {
            return self.posting.frames(connection, text).await;
        }
        self.polls.send("poll", &format!("{{\"hello\":{text}}}")).await?;
        let answer = self.polls.answer().await?;
        if answer.status != 200 {
            return Ok(Posted::Refused(answer.status, answer.json()));
        }
        self.first = self.taken(answer.json())?;
        Ok(Posted::Taken)
    }

    pub(super) async fn read(&mut self) -> io::Result<Read> {
        if !self.first.is_empty() {
            return Ok(Read::Frames(std::mem::take(&mut self.first)));
        }
        if let Some(bye) = &self.bye {
            return Ok(Read::End(end_of(bye)));
        }
        let Some(connection) = &self.connection else {
            return Ok(Read::End(End::Cut));
        };
        if !self.parked {
            let body = json!({"connection": connection, "got": self.got});
            if self.polls.send("poll", &body.to_string()).await.is_err() {
                return Ok(Read::End(End::Cut));
            }
            self.parked = true;
        }
        let answer = self.polls.answer().await;
        self.parked = false;
        match answer {
            Ok(answer) if answer.status == 200 => Ok(Read::Frames(self.taken(answer.json())?)),
            Ok(answer) => Ok(Read::End(end_of(&answer.json()))),
            Err(why) if why.kind() == io::ErrorKind::InvalidData => Err(why),
            Err(_) => Ok(Read::End(End::Cut)),
        }
    }

    /// The frames of an answer, whose number must be the next.
    fn taken(&mut self, mut answer: Value) -> io::Result<Vec<Value>> {
        let n = answer["n"].as_u64().ok_or_else(|| bad("an answer has its n"))?;
        if n != self.got + 1 {
            return Err(bad(format!("answer {n} after {}", self.got)));
        }
        self.got = n;
        let Value::Array(frames) = answer["frames"].take() else {
            return Err(bad("an answer has its frames"));
        };
        for frame in &frames {
            if frame["type"] == "welcome" {
                self.connection = frame["connection"].as_str().map(str::to_owned);
            } else if frame["type"] == "bye" {
                self.bye = Some(frame.clone());
            }
        }
        Ok(frames)
    }
}
