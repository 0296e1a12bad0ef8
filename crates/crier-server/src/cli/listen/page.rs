//! What a listener remembers between its connections, and what each frame makes of it (live 4.3, 4.6, 6.7 to 6.9, 9.1).
//!
//! Promise: a message of the last 2,048 is printed once; the cursor never passes one that was not printed; acks that a dying
//! connection may have swallowed are said again. Knows no socket, no clock and no chance.

use serde_json::{Value, json};
use std::collections::VecDeque;

/// Ids that are remembered, so that none of them is printed again (live 6.7).
const WINDOW: usize = 2_048;
/// Ids of one ack frame (live 4.2).
const ACK_IDS_MAX: usize = 256;
/// Bounds of the random wait (live 9.1).
const WAIT_MS_FIRST: u64 = 500;
const WAIT_MS_MAX: u64 = 30_000;

/// Code of an end without a bye.
pub const NO_BYE: u64 = 0;
/// Another connection with our resume token has taken over.
pub const SUPERSEDED: u64 = 4303;

/// What the end of a connection makes a client do (live 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Then {
    /// Come back with the resume token when the server said.
    Resume,
    /// Come back with the resume token, backing off.
    BackOff,
    /// Come back with a new ticket, backing off.
    NewTicket,
    /// Stay away.
    Stop,
}

/// By the code's range; a close code that tells of our own wrong bytes acts as 4300.
pub const fn then(code: u64) -> Then {
    match code {
        4000..=4099 => Then::Resume,
        4200..=4299 => Then::NewTicket,
        4300..=4399 | 1002 | 1003 | 1007 | 1009 => Then::Stop,
        _ => Then::BackOff,
    }
}

/// What a frame asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Nothing.
    Nothing,
    /// Print it, then say what `printed` answers.
    Print,
    /// Say this frame.
    Answer(Value),
    /// Tell the user.
    Tell(String),
    /// It is welcome: the new span of its right is in `until`.
    Welcome,
    /// The new span of its right is in `until`.
    Renewed,
    /// Open another connection after so many milliseconds, and keep this one until then.
    Move(u64),
    /// It was the last frame.
    End {
        /// The bye's code.
        code: u64,
        /// The bye's words.
        reason: String,
        /// Milliseconds.
        retry_after: u64,
    },
}

/// One page of a user, over all its connections.
pub struct Page {
    name: String,
    events: Vec<String>,
    /// (epoch, seq): every message up to it is settled.
    cursor: Option<(String, u64)>,
    resume: Option<String>,
    printed: VecDeque<String>,
    /// Acks of the ping interval before this one, and of this one.
    told: [Vec<String>; 2],
    failures: u32,
}

impl Page {
    /// A page that has heard nothing yet; `name` as in live 4.2.
    pub fn new(name: String, events: Vec<String>) -> Self {
        Self {
            name,
            events,
            cursor: None,
            resume: None,
            printed: VecDeque::new(),
            told: [Vec::new(), Vec::new()],
            failures: 0,
        }
    }

    /// Whether it can come back without a ticket.
    pub const fn can_resume(&self) -> bool {
        self.resume.is_some()
    }

    /// Its cursor begins at the first ticket's; those of later tickets say nothing of what was printed.
    pub fn begins_at(&mut self, ticket: &Value) {
        if self.cursor.is_none() {
            self.cursor = cursor_of(&ticket["epoch"], &ticket["seq"]);
        }
    }

    /// The first frame of a connection, with this ticket or with the resume token.
    pub fn hello(&self, ticket: Option<&Value>) -> Value {
        let mut page = json!({"page": self.name, "events": self.events});
        let mut hello = json!({"type": "hello", "v": 1, "client": "crier-listen"});
        match (ticket, &self.resume) {
            (Some(ticket), _) => hello["ticket"] = ticket["ticket"].clone(),
            (None, resume) => hello["resume"] = json!(resume),
        }
        if let Some((epoch, seq)) = &self.cursor {
            hello["epoch"] = json!(epoch);
            page["seq"] = json!(seq);
        }
        hello["pages"] = json!([page]);
        hello
    }

    /// Takes one frame.
    pub fn heard(&mut self, frame: &Value) -> Deed {
        match frame["type"].as_str().unwrap_or_default() {
            "welcome" => {
                self.keep_token(frame);
                if self.cursor.is_none() {
                    self.cursor = cursor_of(&frame["epoch"], &frame["pages"][0]["seq"]);
                }
                Deed::Welcome
            }
            "renewed" => {
                self.keep_token(frame);
                Deed::Renewed
            }
            "message" if self.printed.iter().any(|id| frame["id"] == **id) => Deed::Answer(self.ack(frame)),
            "message" => Deed::Print,
            "ping" => {
                self.settle(&frame["seq"]);
                // What was acked before the last ping has been read.
                self.told[0] = std::mem::take(&mut self.told[1]);
                Deed::Answer(json!({"type": "pong", "at": frame["at"]}))
            }
            "gap" => {
                let to = frame["to"].as_u64();
                self.cursor = cursor_of(&frame["epoch"], &json!(to.unwrap_or(0)));
                Deed::Tell(gap_in_words(frame))
            }
            "error" => Deed::Tell(format!(
                "the server says: {} {}",
                frame["code"],
                frame["text"].as_str().unwrap_or_default()
            )),
            "drain" => Deed::Move(frame["retry_after"].as_u64().unwrap_or(0)),
            "bye" => Deed::End {
                code: frame["code"].as_u64().unwrap_or(NO_BYE),
                reason: frame["reason"].as_str().unwrap_or_default().to_owned(),
                retry_after: frame["retry_after"].as_u64().unwrap_or(0),
            },
            _ => Deed::Nothing,
        }
    }

    /// A message has been printed; its ack.
    pub fn printed(&mut self, frame: &Value) -> Value {
        self.settle(&frame["seq"]);
        if self.printed.len() == WINDOW {
            self.printed.pop_front();
        }
        self.printed
            .push_back(frame["id"].as_str().unwrap_or_default().to_owned());
        self.ack(frame)
    }

    /// After a welcome: the ack of what an earlier connection may not have brought to the server.
    pub fn acks_again(&self) -> Option<Value> {
        let ids: Vec<&String> = self.told.iter().flatten().rev().take(ACK_IDS_MAX).collect();
        (!ids.is_empty()).then(|| json!({"type": "ack", "page": self.name, "ids": ids}))
    }

    /// A connection, or an attempt at one, has ended; `lived` when it was welcome for 30 s.
    pub fn ended(&mut self, then: Then, lived: bool) {
        self.failures = if lived { 0 } else { self.failures.saturating_add(1) };
        if then == Then::NewTicket {
            self.resume = None;
        }
    }

    /// Milliseconds until the next attempt; `random` is any number.
    pub fn wait_ms(&self, (then, retry_after): (Then, u64), random: u64) -> u64 {
        // The server chose the moment; it is believed as long as that works.
        if then == Then::Resume && self.failures < 2 {
            return retry_after;
        }
        let most = WAIT_MS_MAX.min(WAIT_MS_FIRST << self.failures.min(8));
        retry_after.saturating_add(random % (most + 1))
    }

    fn keep_token(&mut self, frame: &Value) {
        self.resume = frame["resume"].as_str().map(str::to_owned);
    }

    fn ack(&mut self, frame: &Value) -> Value {
        self.told[1].push(frame["id"].as_str().unwrap_or_default().to_owned());
        json!({"type": "ack", "page": self.name, "ids": [frame["id"]]})
    }

    fn settle(&mut self, seq: &Value) {
        if let (Some((_, last)), Some(seq)) = (&mut self.cursor, seq.as_u64()) {
            *last = seq.max(*last);
        }
    }
}

fn cursor_of(epoch: &Value, seq: &Value) -> Option<(String, u64)> {
    Some((epoch.as_str()?.to_owned(), seq.as_u64()?))
}

fn gap_in_words(gap: &Value) -> String {
    let which = match (&gap["from"], gap["to"].as_u64()) {
        (from, Some(to)) if *from == to => format!("message {to}"),
        (from, Some(to)) => format!("messages {from} to {to}"),
        (from, None) => format!("messages from {from} on"),
    };
    let reason = gap["reason"].as_str().unwrap_or_default();
    let why = match reason {
        "overflow" => "more came than is kept",
        "expired" => "their time was over before they could be delivered",
        "epoch" => "the server does not know this mailbox's history any more, as after a crash",
        "damaged" => "the server's books are damaged there",
        other => other,
    };
    format!("{which} may have been missed: {why} ({reason})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page::new("page-0123456789abcdef".into(), vec!["e".into()])
    }

    fn message(id: &str, seq: u64) -> Value {
        json!({"type": "message", "id": id, "seq": seq})
    }

    #[test]
    fn a_code_acts_by_its_range() {
        for (code, expected) in [
            (4001, Then::Resume),
            (4099, Then::Resume),
            (4100, Then::BackOff),
            (NO_BYE, Then::BackOff),
            (1006, Then::BackOff),
            (4202, Then::NewTicket),
            (4399, Then::Stop),
            (1007, Then::Stop),
            (4400, Then::BackOff),
        ] {
            assert_eq!(then(code), expected, "{code}");
        }
    }

    #[test]
    fn a_hello_goes_from_the_ticket_to_the_token_and_back_and_its_cursor_only_forward() {
        let mut page = page();
        let first = json!({"ticket": "t1", "epoch": "a", "seq": 3});
        page.begins_at(&first);
        let hello = page.hello(Some(&first));
        assert_eq!(
            (&hello["ticket"], &hello["epoch"], &hello["pages"][0]["seq"]),
            (&json!("t1"), &json!("a"), &json!(3))
        );
        page.heard(&json!({"type": "welcome", "resume": "r1", "epoch": "a", "pages": [{"seq": 3}]}));
        page.printed(&message("i", 5));
        page.printed(&message("inherited", 4));
        let hello = page.hello(None);
        assert_eq!(
            (&hello["resume"], &hello["pages"][0]["seq"], hello.get("ticket")),
            (&json!("r1"), &json!(5), None)
        );
        page.ended(then(4001), false);
        assert!(page.can_resume());
        page.ended(then(4202), false);
        assert!(!page.can_resume());
        let second = json!({"ticket": "t2", "epoch": "a", "seq": 9});
        page.begins_at(&second);
        assert_eq!(page.hello(Some(&second))["pages"][0]["seq"], 5);
    }

    #[test]
    fn a_message_that_was_printed_is_only_acked_again() {
        let mut page = page();
        let frame = message("i", 5);
        assert_eq!(page.heard(&frame), Deed::Print);
        let ack = page.printed(&frame);
        assert_eq!(ack["ids"], json!(["i"]));
        assert_eq!(page.heard(&frame), Deed::Answer(ack));
        for number in 0..WINDOW {
            page.printed(&message(&format!("n{number}"), 6));
        }
        assert_eq!(page.heard(&frame), Deed::Print);
    }

    #[test]
    fn acks_are_said_again_until_two_pings_have_passed() {
        let mut page = page();
        page.printed(&message("i", 5));
        let ping = json!({"type": "ping", "at": 1, "seq": 5});
        page.heard(&ping);
        assert_eq!(
            page.acks_again().map(|ack| ack["ids"].clone()),
            Some(json!(["i"]))
        );
        page.heard(&ping);
        assert_eq!(page.acks_again(), None);
    }

    #[test]
    fn gaps_are_told_in_words_and_move_the_cursor() {
        let mut page = page();
        let gap = |to: Value, reason: &str| json!({"type": "gap", "from": 2, "to": to, "reason": reason, "epoch": "b"});
        assert_eq!(
            page.heard(&gap(json!(7), "overflow")),
            Deed::Tell("messages 2 to 7 may have been missed: more came than is kept (overflow)".into())
        );
        assert_eq!(page.hello(None)["pages"][0]["seq"], 7);
        let told = page.heard(&gap(Value::Null, "epoch"));
        assert!(matches!(told, Deed::Tell(words) if words.starts_with("messages from 2 on may")));
        assert_eq!(page.hello(None)["pages"][0]["seq"], 0);
    }

    #[test]
    fn waits_are_the_servers_then_full_jitter_over_a_bound_that_doubles() {
        let mut page = page();
        page.ended(Then::Resume, true);
        assert_eq!(page.wait_ms((Then::Resume, 700), 99), 700);
        assert_eq!(page.wait_ms((Then::BackOff, 700), 500), 1_200);
        assert_eq!(page.wait_ms((Then::BackOff, 700), 501), 700);
        page.ended(Then::Resume, false);
        page.ended(Then::Resume, false);
        assert_eq!(page.wait_ms((Then::Resume, 0), 2_000), 2_000);
        assert_eq!(page.wait_ms((Then::Resume, 0), 2_001), 0);
        for _ in 0..40 {
            page.ended(Then::BackOff, false);
        }
        assert_eq!(page.wait_ms((Then::BackOff, 1), 30_000), 30_001);
        assert_eq!(page.wait_ms((Then::BackOff, 1), 30_001), 1);
    }
}
