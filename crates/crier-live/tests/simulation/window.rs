//! A connection and the pages it carries: what they say, what the kernel takes, what they read.

use crate::stage::{Stage, app};
use crate::tab::Tab;
use crate::truth::Place;
use crier_live::connection::Next;
use crier_live::hub::Errand;
use crier_live::link::{Link, Opening};
use crier_live::metrics::Transport;
use crier_live::resume::OriginMark;
use crier_platform::ports::clock::Clock;
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

#[derive(Default)]
pub struct Window {
    pub link: Option<Arc<Link>>,
    /// Which of its connections this is.
    pub link_no: u64,
    pub resume: String,
    /// The epoch of all its pages' cursors: a hello names one.
    pub epoch: String,
    /// The epoch that this connection speaks of.
    pub speaks_of: String,
    pub inherit: bool,
    pub tabs: Vec<Tab>,
    /// What the kernel has taken and nobody has read.
    pub wire: VecDeque<Value>,
    /// Messages that this connection has written, by number and page.
    pub held: BTreeSet<(usize, String)>,
    /// Messages taken back that this connection must be told of.
    pub recalls: BTreeSet<String>,
}

impl Stage {
    /// The windows whose connections have not ended for the server, whatever they know of it themselves.
    pub fn connected(&self) -> impl Iterator<Item = &Window> {
        let hub = self.process.node.hub();
        let lives = |link: &Arc<Link>| hub.refusal(link).is_none();
        let windows = self.windows.iter();
        windows.filter(move |window| window.link.as_ref().is_some_and(lives))
    }

    /// Opens a connection for a window's pages.
    pub fn connect(&mut self, at: usize, mut hello: Value) {
        hello["type"] = "hello".into();
        hello["v"] = 1.into();
        hello["inherit"] = self.windows[at].inherit.into();
        let by_token = !self.windows[at].resume.is_empty() && self.throw(8) > 0;
        if by_token {
            hello["resume"] = self.windows[at].resume.clone().into();
        } else {
            hello["ticket"] = "T".into();
        }
        let link = self.process.node.hub().open(Opening {
            transport: Transport::WebSocket,
            app: app(),
            origin: OriginMark::of(None),
            address: None,
        });
        self.links += 1;
        let window = &mut self.windows[at];
        (window.link, window.link_no) = (Some(link), self.links);
        window.wire.clear();
        window.held.clear();
        window.recalls.clear();
        let _ = self.say(at, &hello);
        // The welcome is the first that the kernel takes.
        self.take(at, 1);
        let welcome = self.windows[at].wire.pop_front().unwrap();
        assert_eq!(welcome["type"], "welcome", "seed {}: {welcome}", self.seed);
        let epoch = welcome["epoch"].as_str().unwrap();
        let life = self.life(epoch);
        let window = &mut self.windows[at];
        epoch.clone_into(&mut window.speaks_of);
        welcome["resume"].as_str().unwrap().clone_into(&mut window.resume);
        if window.epoch.is_empty() {
            epoch.clone_into(&mut window.epoch);
            for (tab, told) in window.tabs.iter_mut().zip(welcome["pages"].as_array().unwrap()) {
                let seq = told["seq"].as_u64().unwrap();
                let events: Vec<&'static str> = tab.heard.iter().copied().collect();
                tab.begin(Place { life, seq }, &events);
            }
        }
    }

    pub fn come_back(&mut self, at: usize) {
        let back = if self.throw(4) == 0 { self.throw(4) } else { 0 };
        let window = &self.windows[at];
        let life = self.epochs.iter().position(|known| *known == window.epoch);
        let life = life.map_or(0, |index| u32::try_from(index).unwrap() + 1);
        let window = &mut self.windows[at];
        let ended = window.tabs.iter().any(|tab| tab.expects_epoch);
        // Whoever was told already is told again: the hello speaks of the old epoch for all.
        window.tabs.iter_mut().for_each(|tab| tab.expects_epoch = ended);
        for tab in window.tabs.iter_mut().filter(|tab| tab.life == 0) {
            // It speaks of the same history as the others.
            (tab.life, tab.expects_epoch) = (life, ended);
        }
        let pages: Vec<Value> = window.tabs.iter().map(|tab| tab.introduction(back)).collect();
        let hello = json!({"epoch": window.epoch, "pages": pages});
        self.connect(at, hello);
        // What was asked for on the old connection and not answered is asked for by the hello.
        for tab in &mut self.windows[at].tabs {
            for mut events in std::mem::take(&mut tab.registering) {
                events.retain(|event| tab.heard.contains(event));
                // What it has started already may lie above its cursor: nobody can put what lies between in order.
                let cursor = Place {
                    life: tab.life,
                    seq: tab.cursor,
                };
                let place = cursor.max(tab.in_order);
                for event in events {
                    tab.handlers.entry(event).or_insert(place);
                }
            }
        }
    }

    /// Opens the new connection before it leaves the old one, as on `drain` (live 4.3).
    pub fn move_over(&mut self, at: usize) {
        let Some(old) = self.windows[at].link.clone() else {
            return;
        };
        self.take(at, u64::MAX);
        self.read(at);
        if self.windows[at].link.is_none() {
            return;
        }
        self.windows[at]
            .tabs
            .iter_mut()
            .for_each(|tab| tab.stayed = false);
        self.come_back(at);
        let hub = self.process.node.hub();
        for frame in hub.received(&old, r#"{"type":"leave"}"#) {
            assert!(hub.frame(&old, frame).is_none(), "a leave asks for nothing");
        }
        hub.closed(&old);
    }

    /// Says a frame; an errand that only the platform can run is handed back.
    pub fn say(&mut self, at: usize, frame: &Value) -> Option<Errand> {
        let link = self.windows[at].link.clone()?;
        let hub = Arc::clone(self.process.node.hub());
        let mut left = None;
        for frame in hub.received(&link, &frame.to_string()) {
            match hub.frame(&link, frame) {
                Some(Errand::Redeem { hello, .. }) => hub.admit(&link, &hello, self.permit()),
                Some(Errand::Resume { hello }) => hub.resume(&link, &hello),
                other => left = other,
            }
        }
        left
    }

    /// The kernel takes so many frames; they are on their way then, and lost with the connection.
    pub fn take(&mut self, at: usize, frames: u64) {
        let Some(link) = self.windows[at].link.clone() else {
            return;
        };
        let hub = Arc::clone(self.process.node.hub());
        for _ in 0..frames {
            match hub.next(&link) {
                Next::Frame(bytes) => {
                    let frame: Value = serde_json::from_slice(&bytes).unwrap();
                    self.is_written(at, &frame);
                    self.windows[at].wire.push_back(frame);
                    hub.taken(&link);
                }
                Next::Close(_) | Next::Cut => {
                    self.read(at);
                    self.lose(at);
                    return;
                }
                Next::Nothing => return,
            }
        }
    }

    /// A frame has begun to be written.
    fn is_written(&mut self, at: usize, frame: &Value) {
        let window = &mut self.windows[at];
        match frame["type"].as_str() {
            Some("cancel") => {
                let ids = frame["ids"].as_array().unwrap().iter();
                ids.for_each(|id| {
                    window.recalls.remove(id.as_str().unwrap());
                });
            }
            Some("message") => {
                let (number, now) = (number_of(frame), self.clock.wall().0);
                let message = &mut self.messages[number];
                let seed = self.seed;
                let back = message.back;
                assert!(
                    back.is_none(),
                    "seed {seed}: {number} written after it was taken back: {message:?}"
                );
                let late = message.expires_at.is_some_and(|end| end <= now);
                assert!(!late, "seed {seed}: {number} written after its time: {message:?}");
                for tab in &window.tabs {
                    if is_meant(frame, tab, message.event) {
                        message.written.insert(tab.name.clone());
                        window.held.insert((number, tab.name.clone()));
                        let before = |(_, link_no): &(bool, u64)| *link_no < window.link_no;
                        let again = message.acked.get(&tab.name).is_some_and(before);
                        assert!(
                            !again,
                            "seed {seed}: {number} written to {} after its ack: {message:?}",
                            tab.name
                        );
                    }
                }
            }
            _ => {}
        }
    }

    /// Some handlers return, or all; in any order.
    pub fn ack(&mut self, at: usize, all: bool) {
        for index in 0..self.windows[at].tabs.len() {
            let running: Vec<String> = self.windows[at].tabs[index].running.keys().cloned().collect();
            let mut ids: Vec<String> = running
                .into_iter()
                .filter(|_| all || self.throw(2) == 0)
                .collect();
            let tab = &mut self.windows[at].tabs[index];
            tab.settle(&ids);
            ids.append(&mut tab.again);
            let mut failed = std::mem::take(&mut tab.failing);
            ids.append(&mut failed.clone());
            ids.extend(tab.strangers.pop());
            let page = tab.name.clone();
            if let Some(id) = ids.first().filter(|_| self.throw(4) == 0) {
                failed.push(id.clone());
            }
            failed.sort_unstable();
            failed.dedup();
            ids.sort_unstable();
            ids.dedup();
            if ids.is_empty() {
                continue;
            }
            let _ = self.say(
                at,
                &json!({"type": "ack", "page": page, "ids": ids, "failed": failed}),
            );
            let hub = self.process.node.hub();
            let link = self.windows[at].link.as_ref();
            if link.is_some_and(|link| hub.refusal(link).is_none()) {
                self.acked((&page, at), &ids, &failed);
            }
        }
    }

    fn acked(&mut self, (page, at): (&str, usize), ids: &[String], failed: &[String]) {
        let link_no = self.windows[at].link_no;
        for id in ids {
            let Some(number) = self.numbers.get(id) else {
                continue;
            };
            let message = &mut self.messages[*number];
            if message.written.contains(page) {
                let failed = failed.contains(id);
                message.acked.entry(page.to_owned()).or_insert((failed, link_no));
            }
        }
    }

    pub fn lose(&mut self, at: usize) {
        let window = &mut self.windows[at];
        if let Some(link) = window.link.take() {
            self.process.node.hub().closed(&link);
        }
        window.wire.clear();
        window.recalls.clear();
        window.tabs.iter_mut().for_each(|tab| tab.stayed = false);
    }
}

/// The sender's number of a message stands before the colon.
pub fn number_of(frame: &Value) -> usize {
    let raw = frame["raw"].as_str().unwrap();
    raw.split_once(':').unwrap().0.parse().unwrap()
}

/// Whether a frame is for this page.
pub fn is_meant(frame: &Value, tab: &Tab, event: &str) -> bool {
    match frame.get("pages").and_then(Value::as_array) {
        Some(pages) => pages.iter().any(|page| *page == tab.name),
        None => tab.handlers.contains_key(event),
    }
}
