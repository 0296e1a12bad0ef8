//! `crier listen`: a page-like connection that prints each message frame as a JSON line (live 4.3).
//!
//! Promise: as long as it runs nothing is printed twice, and what is not printed is told by a gap on standard error, however often
//! the connection is lost, moved or renewed. It ends when the server refuses it for good, or when nobody reads what it prints.

mod line;
mod page;
mod refusals;

use super::call::KeyArgs;
use super::output::complain;
use super::{Ended, failed};
use crate::adapters::clock::SystemClock;
use crate::adapters::entropy::OsEntropy;
use crate::client::{Client, ClientError, Order, SigVersion};
use crier_platform::model::time::ElapsedMs;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::entropy::random_bytes;
use crier_proto::digest::base64url;
use crier_proto::frame::PAGE_EVENTS_MAX;
use crier_proto::message::EVENT_NAME_BYTES_MAX;
use line::{End, Line};
use page::{Deed, Page, SUPERSEDED, Then};
use refusals::{NoTicket, nothing_answered, refused, ticket_of};
use serde_json::{Value, json};
use std::io::Write;

/// Milliseconds from the first byte to the welcome; a server under load lets wait for ten seconds (live 9.3).
const WELCOME_MS: u64 = 15_000;
/// Milliseconds without a frame after which the connection is given up (live 4.14).
const SILENCE_MS: u64 = 40_000;
/// Milliseconds that a connection must have lived for earlier failures to be forgotten (live 9.1).
const LIVED_MS: u64 = 30_000;
/// Milliseconds until a renewal that failed is tried again.
const RENEW_AGAIN_MS: u64 = 30_000;

const EXAMPLES: &str = "\
Examples:
  crier listen rochambeau --as demo
  crier listen move chat --api-key K --secret S --session-key SK --origin http://127.0.0.1:8420

Without --origin no Origin is sent, which the application's setting native_clients must permit.
Exit status: 0 nobody reads its output any more, 3 the server refused it for good, 4 nothing answered at the start.
When the connection is lost it comes back by itself; a gap is told on standard error.";

/// `listen`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Listen {
    /// Names of the events to handle
    #[arg(required = true, value_name = "EVENT", num_args = 1..=PAGE_EVENTS_MAX, value_parser = event_name)]
    events: Vec<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// Origin to send, one of the application's
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
}

/// A page would be told after its welcome, and wait for messages that cannot come.
fn event_name(text: &str) -> Result<String, String> {
    match text.len() {
        1..=EVENT_NAME_BYTES_MAX => Ok(text.to_owned()),
        _ => Err(format!("an event name has 1 to {EVENT_NAME_BYTES_MAX} bytes")),
    }
}

/// Why it goes on no longer, or not on this connection.
enum Over {
    /// This connection, or the attempt at one.
    Line(End),
    /// Everything: nobody reads, or the server refused for good.
    All(Ended),
}

impl From<End> for Over {
    fn from(end: End) -> Self {
        Self::Line(end)
    }
}

/// What is to be done on a connection by itself, and when.
struct Due {
    welcome: ElapsedMs,
    silence: ElapsedMs,
    renewal: Option<ElapsedMs>,
    moving: Option<ElapsedMs>,
    /// A connection that we opened beside it may have taken over.
    ceded: bool,
}

struct Listener {
    client: Client,
    clock: SystemClock,
    entropy: OsEntropy,
    origin: Option<String>,
    page: Page,
    was_welcome: bool,
}

impl Listen {
    /// Runs the command.
    pub fn run(self) -> Ended {
        if let Some(origin) = &self.origin {
            http::HeaderValue::from_str(origin).map_err(|_| failed("--origin is no header value"))?;
        }
        let entropy = OsEntropy::open().map_err(failed)?;
        let name = base64url(&random_bytes::<16>(&entropy));
        let mut listener = Listener {
            client: self.keys.client(SigVersion::Two)?,
            clock: SystemClock::start(),
            entropy,
            origin: self.origin,
            page: Page::new(name, self.events),
            was_welcome: false,
        };
        super::block_on(async { listener.listen().await })
    }
}

impl Listener {
    /// Connection after connection.
    async fn listen(&mut self) -> Ended {
        loop {
            let mut lived = false;
            let over = match self.open().await {
                Ok((line, mut due)) => {
                    self.was_welcome = true;
                    complain("crier: listening");
                    let over = self.stay(line, &mut due).await;
                    lived = self.clock.elapsed().0.saturating_sub(due.welcome.0) >= LIVED_MS;
                    over
                }
                Err(over) => over,
            };
            let end = match over {
                Over::All(ended) => return ended,
                Over::Line(end) => end,
            };
            let then = end.then();
            if then == Then::Stop {
                return Err(refused(&end, self.origin.is_some()));
            }
            self.page.ended(then, lived);
            let wait_ms = self.page.wait_ms((then, end.retry_after), self.random());
            complain(&format!(
                "crier: the connection is lost ({}), coming back in {wait_ms} ms",
                end.why
            ));
            self.clock.sleep_until(self.in_ms(wait_ms)).await;
        }
    }

    /// A connection that is welcome.
    async fn open(&mut self) -> Result<(Line, Due), Over> {
        let ticket = if self.page.can_resume() {
            None
        } else {
            let ticket = self.ticket().await.map_err(|none| match none {
                NoTicket::Later(end) => Over::Line(end),
                NoTicket::Never(failure) => Over::All(Err(failure)),
            })?;
            self.page.begins_at(&ticket);
            Some(ticket)
        };
        let hello = self.page.hello(ticket.as_ref());
        let (client, origin) = (&self.client, self.origin.as_deref());
        let until = self.in_ms(WELCOME_MS);
        let welcome = async {
            let mut line = Line::open(client, origin).await?;
            line.say(&hello).await?;
            let text = line.next().await?;
            Ok::<_, End>((line, serde_json::from_str::<Value>(&text).unwrap_or_default()))
        };
        let (mut line, frame) = tokio::select! {
            opened = welcome => opened?,
            () = self.clock.sleep_until(until) => return Err(End::lost("no welcome came in 15 s").into()),
        };
        match self.page.heard(&frame) {
            Deed::Welcome => {}
            Deed::End {
                code,
                reason,
                retry_after,
            } => return Err(said_bye((code, &reason), retry_after).into()),
            _ => return Err(End::lost("it did not begin with a welcome").into()),
        }
        if let Some(acks) = self.page.acks_again() {
            line.say(&acks).await?;
        }
        let due = Due {
            welcome: self.clock.elapsed(),
            silence: self.in_ms(SILENCE_MS),
            renewal: Some(self.renewal_at(&frame)),
            moving: None,
            ceded: false,
        };
        Ok((line, due))
    }

    /// Listens until the end.
    async fn stay(&mut self, mut line: Line, due: &mut Due) -> Over {
        loop {
            let next = [due.renewal, due.moving].into_iter().flatten();
            let next = next.fold(due.silence, Ord::min);
            let heard = tokio::select! {
                heard = line.next() => Some(heard),
                () = self.clock.sleep_until(next) => None,
            };
            let done = match heard {
                Some(Ok(text)) => self.frame(&text, &mut line, due).await,
                Some(Err(end)) => Err(end.into()),
                None => self.on_time(&mut line, due).await,
            };
            match done {
                Ok(()) => {}
                // The server ended it for the sake of one that we opened, which did not last.
                Err(Over::Line(end)) if due.ceded && end.code == SUPERSEDED => {
                    return End::lost(end.why).into();
                }
                Err(over) => return over,
            }
        }
    }

    async fn on_time(&mut self, line: &mut Line, due: &mut Due) -> Result<(), Over> {
        let now = self.clock.elapsed();
        let has_come = |moment: Option<ElapsedMs>| moment.is_some_and(|moment| moment <= now);
        if has_come(due.moving) {
            due.ceded = true;
            due.moving = None;
            match self.open().await {
                Ok((newer, its)) => (*line, *due) = (newer, its),
                Err(Over::Line(end)) if end.then() < Then::NewTicket => {
                    self.page.ended(end.then(), false);
                    let wait_ms = self.page.wait_ms((end.then(), end.retry_after), self.random());
                    due.moving = Some(self.in_ms(wait_ms));
                }
                Err(over) => return Err(over),
            }
        } else if has_come(due.renewal) {
            due.renewal = Some(self.in_ms(RENEW_AGAIN_MS));
            match self.ticket().await {
                Ok(ticket) => {
                    let renew = json!({"type": "renew", "ticket": ticket["ticket"]});
                    line.say(&renew).await?;
                }
                Err(NoTicket::Later(end)) => complain(&format!("crier: not renewed yet: {}", end.why)),
                Err(NoTicket::Never(failure)) => return Err(Over::All(Err(failure))),
            }
        } else if due.silence <= now {
            return Err(End::lost("no frame came for 40 s").into());
        }
        Ok(())
    }

    async fn frame(&mut self, text: &str, line: &mut Line, due: &mut Due) -> Result<(), Over> {
        due.silence = self.in_ms(SILENCE_MS);
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        match self.page.heard(&frame) {
            Deed::Nothing | Deed::Welcome => {}
            Deed::Tell(words) => complain(&format!("crier: {words}")),
            Deed::Answer(answer) => line.say(&answer).await?,
            Deed::Renewed => due.renewal = Some(self.renewal_at(&frame)),
            Deed::Move(after_ms) => due.moving = Some(self.in_ms(after_ms)),
            Deed::End {
                code,
                reason,
                retry_after,
            } => return Err(said_bye((code, &reason), retry_after).into()),
            Deed::Print => {
                // Nobody reads any more: what was not read is not acked either.
                if writeln!(std::io::stdout().lock(), "{text}").is_err() {
                    return Err(Over::All(Ok(0)));
                }
                let ack = self.page.printed(&frame);
                line.say(&ack).await?;
            }
        }
        Ok(())
    }

    async fn ticket(&self) -> Result<Value, NoTicket> {
        let order = Order {
            method: "liveMessage.createTicket".into(),
            parameters: vec![("format".into(), "json".into())],
            file: None,
        };
        match self.client.call(&order).await {
            Ok(answer) => ticket_of(&answer),
            Err(ClientError::Silent(why)) if self.was_welcome => Err(NoTicket::Later(End::lost(why))),
            Err(ClientError::Silent(why)) => Err(NoTicket::Never(nothing_answered(why))),
            Err(ClientError::Asked(why)) => Err(NoTicket::Never(failed(why))),
        }
    }

    /// At a random point between 70 and 90 % of the span to `until` (live 3.8).
    fn renewal_at(&self, frame: &Value) -> ElapsedMs {
        let until = frame["until"].as_i64().unwrap_or(0);
        // By the server's own clock where it says it.
        let now = frame["now"].as_i64().unwrap_or(self.clock.wall().0);
        let left = u64::try_from(until.saturating_sub(now)).unwrap_or(0);
        self.in_ms(renewal_ms(left, self.random()))
    }

    fn in_ms(&self, ms: u64) -> ElapsedMs {
        self.clock.elapsed().plus_ms(ms)
    }

    fn random(&self) -> u64 {
        u64::from_le_bytes(random_bytes(&self.entropy))
    }
}

fn said_bye((code, reason): (u64, &str), retry_after: u64) -> End {
    End {
        code,
        why: format!("{code} {reason}"),
        retry_after,
    }
}

/// Milliseconds until the renewal of a right that has so many left; `random` is any number.
const fn renewal_ms(left: u64, random: u64) -> u64 {
    left / 10 * 7 + random % (left / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_renewed_between_seven_and_nine_tenths_of_its_span() {
        assert_eq!(
            [
                renewal_ms(1_000, 0),
                renewal_ms(1_000, 200),
                renewal_ms(1_000, 201)
            ],
            [700, 900, 700]
        );
        assert_eq!(renewal_ms(0, 5), 0);
    }
}
