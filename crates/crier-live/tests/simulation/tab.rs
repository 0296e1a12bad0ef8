//! A page as the browser client keeps it (live 5.5, 6.6 to 6.9): its cursor, what it has started, what it has yet to ack.

use crate::truth::Place;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A gap that a page was told of.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub from: Place,
    /// `None`: everything before it may have been missed.
    pub to: Option<u64>,
    /// How many messages had been sent then.
    pub sent: usize,
}

#[derive(Default)]
pub struct Tab {
    pub name: String,
    /// Its handlers as it knows them, and the places above which it is owed their events.
    pub handlers: BTreeMap<&'static str, Place>,
    /// Its handlers as the server has heard of them.
    pub heard: BTreeSet<&'static str>,
    /// Registrations that have not been answered, oldest first.
    pub registering: VecDeque<Vec<&'static str>>,
    pub focus: bool,
    /// The cursor's epoch.
    pub life: u32,
    /// Everything up to here is settled.
    pub cursor: u64,
    /// The highest place that it has received or was told of.
    highest: u64,
    /// Messages whose handler runs, by id.
    pub running: BTreeMap<String, Place>,
    pub started: BTreeSet<String>,
    /// Ids that it has been given again after it had acked them.
    pub again: Vec<String>,
    /// Claims for handlers that it has no more: acked as failed (live 6.9).
    pub failing: Vec<String>,
    /// The last start that had to be in order (live 1.4).
    pub in_order: Place,
    /// Messages that had ended before it came: an ack of theirs must count nothing (live 6.9).
    pub strangers: Vec<String>,
    pub gaps: Vec<Told>,
    /// It has had one connection from its first frame on.
    pub stayed: bool,
    /// The history of its cursor has ended without its knowing (live 5.8).
    pub expects_epoch: bool,
}

impl Tab {
    pub fn new(name: String) -> Self {
        Self {
            name,
            stayed: true,
            ..Self::default()
        }
    }

    /// Where it begins when it brings no cursor.
    pub fn begin(&mut self, at: Place, events: &[&'static str]) {
        (self.life, self.cursor, self.highest) = (at.life, at.seq, at.seq);
        self.handlers = events.iter().map(|event| (*event, at)).collect();
    }

    /// A message arrives; true when its handler starts.
    pub fn receive(&mut self, id: &str, place: Place) -> bool {
        self.highest = self.highest.max(place.seq);
        let starts = self.started.insert(id.to_owned());
        if starts {
            self.running.insert(id.to_owned(), place);
        } else if !self.running.contains_key(id) {
            self.again.push(id.to_owned());
        }
        starts
    }

    /// Nothing up to here will come any more.
    pub fn skip_to(&mut self, seq: u64) {
        self.highest = self.highest.max(seq);
        self.move_cursor();
    }

    /// Nothing is known of the history that its cursor speaks of.
    pub fn begin_life(&mut self, life: u32) {
        self.life = life;
        (self.cursor, self.highest) = (0, 0);
        self.expects_epoch = false;
    }

    /// The handlers of these have returned and their ack is on its way.
    pub fn settle(&mut self, ids: &[String]) {
        for id in ids {
            self.running.remove(id);
        }
        self.move_cursor();
    }

    /// How it says hello again; `back` asks for what it has settled once more.
    pub fn introduction(&self, back: u64) -> Value {
        let events: Vec<&str> = self.heard.iter().copied().collect();
        let seq = self.cursor.saturating_sub(back);
        serde_json::json!({"page": self.name, "seq": seq, "events": events, "focus": self.focus})
    }

    fn move_cursor(&mut self) {
        let own = self.running.values().filter(|place| place.life == self.life);
        let open = own.map(|place| place.seq).min();
        let settled = open.map_or(self.highest, |seq| seq - 1);
        self.cursor = self.cursor.max(settled.min(self.highest));
    }
}
