//! A tab as the browser client keeps it (live 5.5, 6.6 to 6.9): its cursor, what it has started, what it has yet to ack.

use crier_live::link::Link;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub struct Tab {
    pub name: String,
    pub link: Option<Arc<Link>>,
    pub resume: String,
    pub epoch: String,
    /// Everything up to here is settled.
    pub cursor: u64,
    /// What the kernel has taken and the page has not read.
    pub wire: VecDeque<Value>,
    /// Messages whose handler runs, by id.
    pub running: BTreeMap<String, u64>,
    pub started: BTreeSet<String>,
    /// The highest place it has received in order.
    highest: u64,
    /// Ids that it has been given again after it had acked them.
    pub again: Vec<String>,
    pub focus: bool,
}

impl Tab {
    pub fn new(name: String) -> Self {
        Self {
            name,
            link: None,
            resume: String::new(),
            epoch: String::new(),
            cursor: 0,
            wire: VecDeque::new(),
            running: BTreeMap::new(),
            started: BTreeSet::new(),
            highest: 0,
            again: Vec::new(),
            focus: false,
        }
    }

    /// A message arrives; true when its handler starts.
    pub fn receive(&mut self, id: &str, seq: u64) -> bool {
        self.highest = self.highest.max(seq);
        let starts = self.started.insert(id.to_owned());
        if starts {
            self.running.insert(id.to_owned(), seq);
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

    /// The handlers of these have returned and their ack is on its way.
    pub fn settle(&mut self, ids: &[String]) {
        for id in ids {
            self.running.remove(id);
        }
        self.move_cursor();
    }

    fn move_cursor(&mut self) {
        let open = self.running.values().min().map_or(self.highest, |seq| seq - 1);
        self.cursor = self.cursor.max(open.min(self.highest));
    }
}
