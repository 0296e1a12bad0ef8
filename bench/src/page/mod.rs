//! A page as the browser client makes one (live 4.6, 6.7 to 6.9, 9.1): it connects, runs each message once, acks, and comes back.
//!
//! Promise: what it runs, what it is told and how it ends is told to its witness, in its own order. It judges nothing itself.

pub mod frames;
mod http;
pub mod line;
mod settled;

use crate::chance::Chance;
use crate::stage::Desk;
use frames::Frame;
use line::{Line, OPEN_WITHIN, Route, Transport};
use serde_json::{Value, json};
use settled::Settled;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until, timeout};

/// The event of every page.
pub const EVENT: &str = "turn";
const LIVED_MS: u128 = 30_000;
const BACKOFF_MS: u64 = 500;
const BACKOFF_MOST_MS: u64 = 30_000;
const UNTOLD_END: u16 = 4_100;
const ACKS_AT_ONCE: usize = 256;

/// Who is told what a page lives through.
pub trait Witness {
    /// The page is connected. The first time with its cursor: what is committed behind it is owed.
    fn welcome(&mut self, epoch: &str, begins_at: Option<u64>);
    /// A handler started.
    fn started(&mut self, epoch: &str, message: &Frame<'_>);
    /// Messages may have been missed, `from` in the epoch that the page knew, `to` in the gap's.
    fn gap(&mut self, known: &str, gap: &Frame<'_>);
    /// The connection ended with this code; 4100 without one.
    fn away(&mut self, code: u16, retry_after: u64);
    /// Its socket was reset by an order, or it leaves it for another transport.
    fn cut(&mut self) {}
    /// The page has stopped for good, on a bye of 4300 or more.
    fn stopped(&mut self, code: u16);
    /// Something that no server may do.
    fn wrong(&mut self, what: String);
}

/// How long a page's handlers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// They return at once.
    Prompt,
    /// They return promises that settle within half a second, in any order.
    Promises,
    /// They take two to five seconds.
    Slow,
}

/// What happens to a page.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Its socket is reset; when held, it waits for `Go` before it returns.
    Cut {
        /// Waits for `Go`.
        held: bool,
    },
    /// It returns.
    Go,
    /// It goes on over this transport; beside the old one or after it.
    Change(Transport, bool),
    /// It gains or loses the focus.
    Focus(bool),
    /// It stops reading, for good.
    Stall,
    /// It unregisters and leaves.
    Leave,
}

/// What a page is made of.
pub struct Plan {
    /// Its id.
    pub id: String,
    /// Its user, by his place at the desk.
    pub person: usize,
    /// Ways to the server; each connection takes one by chance.
    pub routes: Rc<Vec<Route>>,
    /// Its first transport.
    pub transport: Transport,
    /// Its handlers.
    pub habit: Habit,
    /// It begins at the cursor of its first ticket, as a page does whose server got it while rendering.
    pub from_ticket: bool,
    /// Its chance.
    pub chance: Chance,
}

/// A page and what it knows.
pub struct Page<W> {
    plan: Plan,
    desk: Rc<Desk>,
    witness: W,
    orders: Receiver<Order>,
    resume: Option<String>,
    epoch: Option<String>,
    /// The epoch of the last welcome: another one than ours is told by a gap before any message.
    told_epoch: String,
    settled: Settled,
    focus: bool,
    held: bool,
    welcomed: bool,
    /// When the connection that is being opened must be welcome (live 11.6).
    welcome_by: Option<Instant>,
}

/// Why a connection is over.
enum Over {
    /// The page comes back.
    Away { code: u16, retry_after: u64 },
    /// It was cut by us.
    Cut,
    /// It goes on elsewhere.
    Moved,
    /// The page has ended.
    Ended,
}

impl<W: Witness> Page<W> {
    /// A page that has not been opened. When the other end of `orders` is dropped the page dies without a word.
    pub fn new(plan: Plan, desk: Rc<Desk>, witness: W, orders: Receiver<Order>) -> Self {
        Self {
            plan,
            desk,
            witness,
            orders,
            resume: None,
            epoch: None,
            told_epoch: String::new(),
            settled: Settled::default(),
            focus: false,
            held: false,
            welcomed: false,
            welcome_by: None,
        }
    }

    /// Lives until it is told to end.
    pub async fn run(mut self) {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            self.welcome_by = Some(began + OPEN_WITHIN);
            let over = match self.open().await {
                Ok(line) => self.live(line).await,
                Err(over) => over,
            };
            if began.elapsed().as_millis() >= LIVED_MS {
                failures = 0;
            }
            let retry_after = match over {
                Over::Ended => return,
                Over::Moved => {
                    self.witness.cut();
                    continue;
                }
                Over::Cut => {
                    self.witness.cut();
                    0
                }
                Over::Away { code, retry_after } => {
                    self.witness.away(code, retry_after);
                    match code {
                        4_300.. => return self.witness.stopped(code),
                        4_200.. => self.resume = None,
                        _ => {}
                    }
                    retry_after
                }
            };
            let most = BACKOFF_MOST_MS.min(BACKOFF_MS << failures.min(16));
            failures += 1;
            let delay = retry_after + self.plan.chance.below(most);
            if !self.rest(Duration::from_millis(delay)).await {
                return;
            }
        }
    }

    /// Waits before it comes back; false when it never does.
    async fn rest(&mut self, delay: Duration) -> bool {
        let mut until = Instant::now() + delay;
        loop {
            let order = tokio::select! {
                order = self.orders.recv() => order,
                () = sleep_until(until), if !self.held => return true,
            };
            match order {
                None | Some(Order::Leave) => return false,
                Some(Order::Go) => {
                    self.held = false;
                    let delay = self.plan.chance.below(BACKOFF_MS);
                    until = Instant::now() + Duration::from_millis(delay);
                }
                Some(Order::Cut { held }) => self.held |= held,
                Some(Order::Change(to, _)) => self.plan.transport = to,
                Some(Order::Focus(focus)) => self.focus = focus,
                Some(Order::Stall) => {}
            }
        }
    }

    fn hello(&mut self, credential: (&str, &str)) -> Value {
        let mut page = json!({"page": self.plan.id, "events": [EVENT], "focus": self.focus});
        let mut hello = json!({"type": "hello", "v": 1, credential.0: credential.1});
        if let Some(epoch) = &self.epoch {
            hello["epoch"] = json!(epoch);
            page["seq"] = json!(self.settled.cursor());
        }
        hello["pages"] = json!([page]);
        hello
    }

    async fn connect(&mut self, transport: Transport) -> Result<Line, String> {
        let hello = match self.resume.clone() {
            Some(token) => self.hello(("resume", &token)),
            None => {
                let ticket = self.desk.ticket(self.plan.person).await?;
                if self.plan.from_ticket && self.epoch.is_none() {
                    self.settled = Settled::at(ticket.seq);
                    self.epoch = Some(ticket.epoch);
                }
                self.hello(("ticket", &ticket.ticket))
            }
        };
        let routes = Rc::clone(&self.plan.routes);
        let route = self.plan.chance.pick(&routes).ok_or("no way to the server")?;
        Line::open(route, transport, &hello).await
    }

    /// Opens a connection; its first frames are still to be heard.
    async fn open(&mut self) -> Result<Line, Over> {
        let away = Over::Away {
            code: UNTOLD_END,
            retry_after: 0,
        };
        match timeout(OPEN_WITHIN, self.connect(self.plan.transport)).await {
            Ok(Ok(line)) => Ok(line),
            _ => Err(away),
        }
    }

    async fn live(&mut self, mut line: Line) -> Over {
        loop {
            let due = self.settled.next_ack().filter(|_| line.can_say());
            let order = tokio::select! {
                biased;
                order = self.orders.recv() => Some(order),
                heard = line.hear() => match heard {
                    Some(text) => match self.take(&text, &mut line).await {
                        Some(over) => return over,
                        None => continue,
                    },
                    None => return Over::Away { code: UNTOLD_END, retry_after: 0 },
                },
                () = sleep_until(self.welcome_by.unwrap_or_else(Instant::now)), if self.welcome_by.is_some() => {
                    return Over::Away { code: UNTOLD_END, retry_after: 0 };
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => None,
            };
            match order {
                // A line on which nothing can be said is over, though it may still be heard.
                None if !self.ack(&mut line).await => {
                    return Over::Away {
                        code: UNTOLD_END,
                        retry_after: 0,
                    };
                }
                None => {}
                Some(order) => {
                    if let Some(over) = self.obey(order, &mut line).await {
                        if matches!(over, Over::Cut) {
                            line.cut();
                        }
                        return over;
                    }
                }
            }
        }
    }

    async fn obey(&mut self, order: Option<Order>, line: &mut Line) -> Option<Over> {
        match order {
            None => return Some(Over::Ended),
            Some(Order::Leave) => {
                line.say(&json!({"type": "unregister", "page": self.plan.id}))
                    .await;
                line.say(&json!({"type": "leave"})).await;
                return Some(Over::Ended);
            }
            Some(Order::Cut { held }) => {
                self.held |= held;
                return Some(Over::Cut);
            }
            Some(Order::Change(to, false)) => {
                self.plan.transport = to;
                return Some(Over::Moved);
            }
            Some(Order::Change(to, true)) => {
                self.plan.transport = to;
                return self.change_beside(line).await;
            }
            Some(Order::Focus(focus)) => {
                self.focus = focus;
                line.say(&json!({"type": "focus", "page": self.plan.id, "focus": focus}))
                    .await;
            }
            Some(Order::Stall) => {
                // Until the test ends nothing is read and nothing is said.
                while self.orders.recv().await.is_some() {}
                return Some(Over::Ended);
            }
            Some(Order::Go) => {}
        }
        None
    }

    /// Opens the new transport before the old one ends; what the old one still says is heard first.
    async fn change_beside(&mut self, old: &mut Line) -> Option<Over> {
        let Ok(mut new) = self.open().await else {
            return None;
        };
        let Ok(Some(first)) = timeout(OPEN_WITHIN, new.hear()).await else {
            return None;
        };
        while let Ok(Some(text)) = timeout(OPEN_WITHIN, old.hear()).await {
            if self.take(&text, old).await.is_some() {
                break;
            }
        }
        std::mem::swap(old, &mut new);
        self.take(&first, old).await
    }

    /// Acts on what was heard; `Some` when the connection is over.
    async fn take(&mut self, text: &str, line: &mut Line) -> Option<Over> {
        let frames = match frames::read(text) {
            Ok(frames) => frames,
            Err(why) => {
                self.witness.wrong(why);
                return Some(Over::Ended);
            }
        };
        for frame in &frames {
            match &*frame.kind {
                "welcome" => {
                    self.welcome(frame, line);
                    self.say_acks(self.settled.repeated_acks(ACKS_AT_ONCE), line)
                        .await;
                }
                "message" => self.message(frame),
                "gap" => self.gap(frame),
                "ping" => {
                    self.settled.pinged(frame.seq);
                    if line.says_pong() {
                        line.say(&json!({"type": "pong", "at": frame.at})).await;
                    }
                }
                "renewed" => self.resume = Some(frame.resume.clone().into_owned()),
                "bye" => {
                    let (code, retry_after) = (frame.code, frame.retry_after);
                    return Some(Over::Away { code, retry_after });
                }
                "drain" => return Some(Over::Moved),
                "error" => self.witness.wrong(format!("error: {text}")),
                _ => {}
            }
        }
        None
    }

    fn welcome(&mut self, frame: &Frame<'_>, line: &mut Line) {
        self.welcome_by = None;
        self.resume = Some(frame.resume.clone().into_owned());
        line.is_welcome(&frame.connection);
        self.told_epoch = frame.epoch.clone().into_owned();
        if self.epoch.is_none() {
            let begins = frame.pages.get(0).and_then(|page| page.get("seq")?.as_u64());
            self.settled = Settled::at(begins.unwrap_or(0));
            self.epoch = Some(frame.epoch.clone().into_owned());
        }
        let begins_at = (!self.welcomed).then(|| self.settled.cursor());
        self.welcomed = true;
        self.witness
            .welcome(self.epoch.as_deref().unwrap_or_default(), begins_at);
    }

    fn message(&mut self, frame: &Frame<'_>) {
        if self.epoch.as_deref() != Some(&self.told_epoch) {
            self.witness
                .wrong(format!("message {} of a new epoch before its gap", frame.id));
        }
        let returns_after = match self.plan.habit {
            Habit::Prompt => 0,
            Habit::Promises => self.plan.chance.below(500),
            Habit::Slow => 2_000 + self.plan.chance.below(3_000),
        };
        if self.settled.receive(frame, Duration::from_millis(returns_after)) {
            let epoch = self.epoch.as_deref().unwrap_or_default();
            self.witness.started(epoch, frame);
        }
    }

    fn gap(&mut self, frame: &Frame<'_>) {
        self.told_epoch = frame.epoch.clone().into_owned();
        let known = self.epoch.replace(frame.epoch.clone().into_owned());
        self.witness.gap(&known.unwrap_or_default(), frame);
        self.settled.skip_to(frame.to);
    }

    async fn ack(&mut self, line: &mut Line) -> bool {
        let ids = self.settled.due_acks(ACKS_AT_ONCE);
        self.say_acks(ids, line).await
    }

    /// Says these acks; false when the line is gone.
    async fn say_acks(&self, ids: Vec<String>, line: &mut Line) -> bool {
        ids.is_empty()
            || line
                .say(&json!({"type": "ack", "page": self.plan.id, "ids": ids}))
                .await
    }
}
