//! What a page has run and acked, and the cursor that follows from it (live 6.7 to 6.9).

use super::frames::Frame;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

const IDS_KEPT: usize = 2_048;
/// How long acks are gathered (live 6.8).
const GATHER: Duration = Duration::from_millis(20);

/// The page's own books.
#[derive(Debug, Default)]
pub struct Settled {
    started: HashSet<String>,
    order: VecDeque<String>,
    /// Moment of the handler's return, seq and id of what is to be acked.
    acks: BTreeSet<(Instant, u64, String)>,
    /// Acked in this ping interval and in the one before: a dying connection may have swallowed these.
    told: [Vec<String>; 2],
    /// Received in this epoch and not acked.
    open: BTreeSet<u64>,
    highest: u64,
    /// The cursor as it stood last: a claimed message of a lower seq does not take it back.
    cursor: u64,
}

impl Settled {
    /// Everything up to this seq is settled.
    pub fn at(seq: u64) -> Self {
        Self {
            highest: seq,
            cursor: seq,
            ..Self::default()
        }
    }

    /// The highest seq below which all that was received is acked.
    pub fn cursor(&mut self) -> u64 {
        let settled = match self.open.first() {
            Some(first) => first.saturating_sub(1).min(self.highest),
            None => self.highest,
        };
        self.cursor = self.cursor.max(settled);
        self.cursor
    }

    /// Takes a message in; true when its handler starts now, false when it has started before: then it is only acked again.
    pub fn receive(&mut self, frame: &Frame<'_>, returns_after: Duration) -> bool {
        let id = frame.id.clone().into_owned();
        self.highest = self.highest.max(frame.seq);
        let is_new = self.started.insert(id.clone());
        let pending = !is_new && self.acks.iter().any(|(_, _, held)| *held == id);
        if pending {
            return false;
        }
        if is_new {
            self.order.push_back(id.clone());
            if self.order.len() > IDS_KEPT
                && let Some(oldest) = self.order.pop_front()
            {
                self.started.remove(&oldest);
            }
        }
        self.open.insert(frame.seq);
        self.acks.insert((Instant::now() + returns_after, frame.seq, id));
        is_new
    }

    /// Everything up to this seq has been written or is not for this page: without unsettled messages the cursor follows.
    pub fn pinged(&mut self, seq: u64) {
        self.told.swap(0, 1);
        self.told[0].clear();
        if self.open.is_empty() {
            self.highest = self.highest.max(seq);
        }
    }

    /// After a gap: to its end, or to the beginning of a new epoch.
    pub fn skip_to(&mut self, to: Option<u64>) {
        match to {
            Some(to) => {
                self.open = self.open.split_off(&(to + 1));
                self.highest = self.highest.max(to);
                self.cursor = self.cursor.max(to);
            }
            None => {
                self.open.clear();
                (self.highest, self.cursor) = (0, 0);
                // What is still to be acked stands at no seq of the new epoch.
                let acks = std::mem::take(&mut self.acks);
                self.acks = acks.into_iter().map(|(due, _, id)| (due, 0, id)).collect();
            }
        }
    }

    /// On a new connection: acks that the old one may not have delivered, to be repeated (live 4.10).
    pub fn repeated_acks(&self, most: usize) -> Vec<String> {
        let mut ids: Vec<String> = self.told.iter().flatten().cloned().collect();
        ids.drain(..ids.len().saturating_sub(most));
        ids
    }

    /// When the next ack is due.
    pub fn next_ack(&self) -> Option<Instant> {
        self.acks.first().map(|(returned, _, _)| *returned + GATHER)
    }

    /// The ids of which the handlers have returned, at most so many; they are settled from now on.
    pub fn due_acks(&mut self, most: usize) -> Vec<String> {
        let now = Instant::now();
        let mut ids = Vec::new();
        while ids.len() < most
            && self.acks.first().is_some_and(|(returned, _, _)| *returned <= now)
            && let Some((_, seq, id)) = self.acks.pop_first()
        {
            self.open.remove(&seq);
            self.told[0].push(id.clone());
            ids.push(id);
        }
        ids
    }
}
