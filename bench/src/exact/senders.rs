//! The senders: each with a session and a connection of its own, paced, and each answer written down.

use super::Task;
use super::world::{World, text_of};
use crate::caller::{self, Answer, Caller, Keys};
use crate::chance::Chance;
use crate::page::EVENT;
use crate::stage::{Stage, first_call_id};
use crier_testkit::delivery_book::{FanOut, Sent};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const AGAIN_AFTER: Duration = Duration::from_millis(20);
/// Senders' chances begin behind those of all pages.
const CHANCE_PART: u64 = 1 << 32;

struct Sender {
    world: Rc<World>,
    keys: Keys,
    uids: Vec<String>,
    server: String,
    chance: Chance,
    call_id: u64,
    caller: Option<Caller>,
}

/// Starts all; each ends when its share is accepted.
pub fn start(task: &Task, stage: &Stage, (world, server): (&Rc<World>, SocketAddr)) -> Vec<JoinHandle<()>> {
    let count = stage.senders.len() as u64;
    let spawn = |(place, keys): (usize, &Keys)| {
        let place = place as u64;
        let sender = Sender {
            world: Rc::clone(world),
            keys: keys.clone(),
            uids: stage.people.iter().map(|person| person.uid.clone()).collect(),
            server: server.to_string(),
            chance: Chance::of(task.seed, CHANCE_PART + place),
            call_id: first_call_id(),
            caller: None,
        };
        let share = task.messages / count + u64::from(place < task.messages % count);
        let pause = Duration::from_secs_f64(count as f64 / task.rate.max(1) as f64);
        // Message numbers interleave, so that each names its sender.
        tokio::task::spawn_local(sender.run((place, count), share, pause))
    };
    stage.senders.iter().enumerate().map(spawn).collect()
}

impl Sender {
    async fn run(mut self, (place, step): (u64, u64), share: u64, pause: Duration) {
        let (mut message, mut accepted) = (place + 1, 0);
        let mut next = Instant::now();
        while accepted < share {
            // Only what is behind is caught up with, not the time that a server was away.
            next = next.max(Instant::now().checked_sub(pause * 8).unwrap_or(next)) + pause;
            tokio::time::sleep_until(next.into()).await;
            accepted += u64::from(self.send(message).await);
            message += step;
        }
    }

    /// Sends one message; true when it was accepted.
    async fn send(&mut self, message: u64) -> bool {
        let recipient = self.chance.below(self.uids.len() as u64);
        let person = usize::try_from(recipient).unwrap_or(0);
        let (fanout, fan_out) = match self.chance.below(10) {
            0..=6 => ("all", FanOut::All),
            7 | 8 => ("one", FanOut::One),
            _ => ("focused", FanOut::One),
        };
        self.call_id += 1;
        let (call_id, text) = (self.call_id.to_string(), text_of(message, person));
        let own = [
            ("recipient", self.uids.get(person).map_or("", String::as_str)),
            ("event_name", EVENT),
            ("message", &text),
            ("fanout", fanout),
            ("format", "json"),
        ];
        let request = Caller::request(&caller::body(&self.keys, "liveMessage.send", &call_id, &own));
        let sent = Sent {
            recipient,
            fan_out,
            place: None,
        };
        let mut caller = match self.caller.take() {
            Some(caller) => caller,
            None => match Caller::connect(&self.server).await {
                Ok(caller) => caller,
                Err(_) => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                    return false;
                }
            },
        };
        // From now on it may run: a page may have it before we have the answer.
        self.world.book.borrow_mut().sent(message, sent);
        let Ok(answer) = caller.exchange(&request).await else {
            self.world.counts.add("sends without an answer");
            return false;
        };
        self.caller = Some(caller);
        self.answered((message, sent), &answer)
    }

    fn answered(&mut self, (message, sent): (u64, Sent), answer: &Answer) -> bool {
        let epoch = answer.header("crier-epoch");
        let seq = answer.header("crier-seq").and_then(|seq| seq.parse().ok());
        if let ("true", Some(epoch), Some(seq)) = (answer.body.as_str(), epoch, seq) {
            let place = Some(self.world.place(epoch, seq));
            self.world.book.borrow_mut().sent(message, Sent { place, ..sent });
            self.world.accepted.set(self.world.accepted.get() + 1);
            return true;
        }
        // A server that stops refuses; what it refused must run nowhere.
        self.world.book.borrow_mut().not_sent(message);
        self.world.counts.add("sends refused");
        if !answer.body.starts_with("{\"error_code\":2,") {
            let why = format!("send {message}: {}", answer.body);
            self.world.wrong.borrow_mut().push(why);
        }
        self.caller = None;
        false
    }
}
