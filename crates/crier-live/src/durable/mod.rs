//! Durable mode: mailboxes whose messages are in the books before anybody is told of them (live 5.10).
//!
//! Promise: a message is shown to nobody, and its place given to nobody, before its row is synced; a claim likewise. What may
//! follow later (marks, endings) is gathered here and rides in a later commit. In memory mode there is no `Keeper`, and none of
//! this happens. Knows neither SQL nor files: the books are the port `Messages`.

mod load;
mod staged;
mod unkept;
pub(crate) mod words;

pub use load::Loaded;
pub(crate) use load::load;
pub(crate) use staged::{Answer, Asked, Staged, Told};
pub(crate) use unkept::{Taken, Unkept};

use crier_platform::model::mailbox::RowNo;
use crier_platform::ports::store::Messages;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The way of one process's mailboxes into the books.
pub(crate) struct Keeper {
    /// The books.
    pub(crate) messages: Arc<dyn Messages>,
    /// What they do not know yet.
    pub(crate) unkept: Arc<Unkept>,
    next_row: AtomicI64,
}

impl Keeper {
    /// A keeper whose books are empty, until they are loaded.
    pub(crate) fn new(messages: Arc<dyn Messages>) -> Self {
        Self {
            messages,
            unkept: Arc::default(),
            next_row: AtomicI64::new(1),
        }
    }

    /// A number that no message has.
    pub(crate) fn number(&self) -> RowNo {
        RowNo(self.next_row.fetch_add(1, Ordering::Relaxed))
    }

    /// The number that comes next.
    pub(crate) fn next(&self) -> RowNo {
        RowNo(self.next_row.load(Ordering::Relaxed))
    }

    /// Gives no number up to this one.
    pub(crate) fn begin_after(&self, last: RowNo) {
        self.next_row
            .fetch_max(last.0.saturating_add(1), Ordering::Relaxed);
    }
}
