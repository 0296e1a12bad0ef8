//! Books for mailboxes that outlive a node, answer at once or when told to, and fail as told.

use async_trait::async_trait;
use crier_platform::model::mailbox::{Found, KeptHead, KeptMessage, MailWrites, RowNo};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Flush, Messages, StoreFault, WhenKept};
use crier_proto::ids::{AppId, Uid};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

/// What is in the books, and what waits for them.
#[derive(Default)]
pub struct Books {
    pub heads: BTreeMap<(AppId, Uid), KeptHead>,
    pub messages: BTreeMap<RowNo, KeptMessage>,
    /// Rows that are told as damaged.
    pub damaged: Vec<RowNo>,
    seen: WallMs,
    fault: Option<StoreFault>,
    holding: bool,
    held: VecDeque<(MailWrites, WhenKept)>,
    /// Writes that somebody waited for, and those that nobody did.
    pub synced: usize,
    pub unsynced: usize,
}

/// The books of one data folder.
#[derive(Default)]
pub struct KeptMessages(Mutex<Books>);

impl Books {
    fn apply(&mut self, writes: MailWrites) {
        self.seen = self.seen.max(writes.now);
        for head in writes.heads {
            self.heads.insert((head.app, head.user), head);
        }
        for message in writes.messages {
            assert!(self.messages.insert(message.row, message).is_none());
        }
        for (row, claim) in writes.claims {
            if let Some(message) = self.messages.get_mut(&row) {
                message.claim = claim;
            }
        }
        for mark in writes.outcomes {
            if let Some(message) = self.messages.get_mut(&mark.row) {
                message.outcome = mark.outcome;
                if mark.ended {
                    message.item = None;
                    message.claim = Vec::new();
                }
            }
        }
        for head in writes.moved {
            if let Some(known) = self.heads.get_mut(&(head.app, head.user))
                && known.epoch == head.epoch
            {
                *known = head;
            }
        }
        for row in writes.forgotten {
            self.messages.remove(&row);
        }
        for (app, user, epoch) in writes.ended {
            if self
                .heads
                .get(&(app, user))
                .is_some_and(|head| head.epoch == epoch)
            {
                self.heads.remove(&(app, user));
            }
        }
    }

    fn take(&mut self, writes: MailWrites) -> Result<(), StoreFault> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => {
                self.apply(writes);
                Ok(())
            }
        }
    }
}

impl KeptMessages {
    pub fn look(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }

    /// Answers nobody until `answer`.
    pub fn hold(&self) {
        self.look().holding = true;
    }

    /// Answers the oldest write that waits; false when none does.
    pub fn answer(&self) -> bool {
        let mut books = self.look();
        let Some((writes, when)) = books.held.pop_front() else {
            return false;
        };
        let kept = books.take(writes);
        drop(books);
        when(kept);
        true
    }

    /// Answers everything, and at once from now on.
    pub fn go_on(&self) {
        self.look().holding = false;
        while self.answer() {}
    }

    /// Fails every write from now on, or no more.
    pub fn fail(&self, fault: Option<StoreFault>) {
        self.look().fault = fault;
    }

    /// The process dies: what waits was never written, and nobody is left to be told.
    pub fn forget_waiting(&self) {
        let mut books = self.look();
        books.held.clear();
        books.holding = false;
        books.fault = None;
    }
}

#[async_trait]
impl Messages for KeptMessages {
    fn keep(&self, writes: MailWrites, flush: Flush, when: WhenKept) {
        let mut books = self.look();
        match flush {
            Flush::Now => books.synced += 1,
            Flush::Later => books.unsynced += 1,
        }
        if books.holding {
            books.held.push_back((writes, when));
            return;
        }
        let kept = books.take(writes);
        drop(books);
        when(kept);
    }

    async fn kept_messages(&self, after: RowNo, limit: u32) -> Result<Vec<Found<KeptMessage>>, StoreFault> {
        let books = self.look();
        let rows = books.messages.values().filter(|message| message.row > after);
        let found = rows.take(limit as usize).map(|message| {
            if books.damaged.contains(&message.row) {
                Found::Damaged {
                    row: message.row,
                    place: Some((message.app, message.user, message.seq)),
                }
            } else {
                Found::Whole(message.clone())
            }
        });
        Ok(found.collect())
    }

    async fn kept_heads(&self) -> Result<(Vec<Found<KeptHead>>, WallMs), StoreFault> {
        let books = self.look();
        let heads = books.heads.values().copied().map(Found::Whole).collect();
        Ok((heads, books.seen))
    }
}
