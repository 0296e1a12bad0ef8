//! What was sent, and what became of it in the eyes of whoever sees everything.

use crate::tab::Tab;
use crier_proto::ids::MessageId;
use crier_proto::message::Fanout;
use std::collections::{BTreeMap, BTreeSet};

/// A place in the history of the mailbox: its life, numbered, and the place within it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub life: u32,
    pub seq: u64,
}

/// A handler that started.
#[derive(Debug, Clone)]
pub struct Start {
    pub page: String,
    pub once: bool,
    pub redelivered: bool,
}

/// How a message was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    Cancelled,
    Replaced,
    Revoked,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: MessageId,
    pub event: &'static str,
    pub fanout: Fanout,
    pub place: Place,
    pub key: Option<u64>,
    /// No write begins at or after this moment; `None`: `ttl` was 0.
    pub expires_at: Option<i64>,
    pub back: Option<Back>,
    /// The mailbox says that it has ended.
    pub over: bool,
    /// Pages whose ack the server has heard: whether they failed, and on which connection.
    pub acked: BTreeMap<String, (bool, u64)>,
    /// Pages that the kernel has taken a frame of it for.
    pub written: BTreeSet<String>,
    pub starts: Vec<Start>,
    /// Pages that had the handler on a connection at the commit, and which connection.
    pub there: Vec<(String, u64)>,
    pub claim: Claim,
}

/// Who alone may run a message, as far as it can be seen from outside.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    pub releases: usize,
    /// The page that it was offered to last.
    pub holder: Option<String>,
    /// A page on a lagging connection has it, and it was not offered yet.
    pub unseen: bool,
    /// The holder's connection when the message ended, if it had one, and whether the holder's cursor was past the message then.
    pub at_end: Option<(u64, bool)>,
}

impl Message {
    /// Whether the promise still stands.
    pub fn is_owed(&self) -> bool {
        self.back.is_none()
    }

    /// Whether a page was told that it may have missed it.
    fn is_covered(&self, number: usize, tab: &Tab) -> bool {
        tab.gaps.iter().any(|gap| match gap.to {
            Some(to) => gap.from.life == self.place.life && (gap.from.seq..=to).contains(&self.place.seq),
            None => number < gap.sent && (self.place.life < gap.from.life || self.over),
        })
    }

    /// What the promise forbids of what has become of it; `alive` are the pages that live.
    pub fn breach(&self, number: usize, alive: &[(u64, &Tab)]) -> Option<String> {
        let untold = self
            .starts
            .iter()
            .filter(|start| start.once && !start.redelivered);
        if untold.count() > 1 {
            return Some("ran in two pages and did not say so".to_owned());
        }
        if !self.is_owed() {
            return None;
        }
        match self.fanout {
            Fanout::All => alive.iter().find_map(|(_, tab)| {
                let owed = tab
                    .handlers
                    .get(self.event)
                    .is_some_and(|after| *after < self.place);
                let ran = self.starts.iter().any(|start| start.page == tab.name);
                let missed = owed && !ran && !self.is_covered(number, tab);
                missed.then(|| format!("missed by {}, gaps {:?}", tab.name, tab.gaps))
            }),
            Fanout::One | Fanout::Focused => {
                // Who has given up the handler acks it as failed (live 6.9), and may have lost that ack with its connection.
                let is_holder = |tab: &Tab| {
                    Some(&tab.name) == self.claim.holder.as_ref() && tab.handlers.contains_key(self.event)
                };
                let holder = alive.iter().find(|(_, tab)| is_holder(tab));
                let idle = self.starts.is_empty() && self.acked.is_empty();
                let told = alive.iter().any(|(_, tab)| self.is_covered(number, tab));
                // Who has ended is owed nothing (live 1.2), and who was away when its time ended did not come back in time (live 1.1). A
                // cursor that is past a waiting message cannot say that it was lost on its way with the connection (ADR 11).
                let owed = self
                    .claim
                    .at_end
                    .is_some_and(|(link_no, past)| holder.is_some_and(|(now, _)| *now == link_no || !past));
                let missed = idle && !told && owed;
                missed.then(|| "ran nowhere, and nobody was told".to_owned())
            }
        }
    }
}
