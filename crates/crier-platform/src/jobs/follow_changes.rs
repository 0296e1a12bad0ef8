//! Following committed facts: connections of an ended session end, mailboxes of a removed grant are purged (architecture section 5).
//!
//! Promise: whatever a command line beside this server commits is in force here within a second; what was withdrawn in the last 24
//! hours is known again before anything is delivered (live 3.14). Doing a fact twice changes nothing.

use crate::model::change::{Change, Fact};
use crate::model::time::WallMs;
use crate::ports::Ports;
use crate::ports::store::StoreFault;

/// Milliseconds from one look to the next: two of them and the work fit into the promised second.
const LOOK_MS: u64 = 250;
/// Changes read at once.
const READ_MAX: u32 = 256;
/// How far back a start looks, in milliseconds: the longest life of a message.
const BACK_MS: i64 = 24 * 3_600_000;

/// Why a fact is not in force here yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowFault {
    /// The books.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Mailboxes and pages.
    #[error(transparent)]
    Deliver(#[from] crate::ports::deliver::DeliverFault),
    /// Call order.
    #[error(transparent)]
    Ledger(#[from] crate::ports::ledger::LedgerFault),
}

/// A follower that knows how far it has come.
pub struct FollowChanges {
    ports: Ports,
    /// The last fact that is in force here; `None` before the first look.
    after: Option<i64>,
}

impl FollowChanges {
    /// A follower that begins with what was withdrawn in the last 24 hours.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports, after: None }
    }

    /// Brings everything committed until now into force. To be awaited before the first connection is accepted.
    ///
    /// # Errors
    /// When books, mailboxes or ledger do not answer; what was brought into force stays so.
    pub async fn catch_up(&mut self) -> Result<(), FollowFault> {
        while self.step().await? {}
        Ok(())
    }

    /// Follows for ever. A fault is reported once and tried again at the next look.
    pub async fn run(mut self) {
        let mut failing = false;
        loop {
            // A look that was slow is followed by the next one at once: the promised second counts from what it did not see.
            let next = self.ports.clock.elapsed().plus_ms(LOOK_MS);
            let done = self.catch_up().await;
            if let (Err(fault), false) = (&done, failing) {
                tracing::error!(%fault, "committed facts cannot be followed");
            }
            failing = done.is_err();
            self.ports.clock.sleep_until(next).await;
        }
    }

    /// Brings the next facts into force. Says whether there may be more.
    ///
    /// # Errors
    /// When one could not be brought into force; it comes first at the next step.
    pub async fn step(&mut self) -> Result<bool, FollowFault> {
        let after = match self.after {
            Some(after) => after,
            None => last_before(&self.ports, self.ports.clock.wall().plus_ms(-BACK_MS)).await?,
        };
        self.after = Some(after);
        let changes = self.ports.store.changes_after(after, READ_MAX).await?;
        let more = changes.len() >= usize::try_from(READ_MAX).unwrap_or(usize::MAX);
        for change in changes {
            self.enforce(&change).await?;
            self.after = Some(change.id);
        }
        Ok(more)
    }

    async fn enforce(&self, change: &Change) -> Result<(), FollowFault> {
        match change.fact {
            Fact::Withdrawn(app, user) => self.ports.deliver.withdraw(app, user, change.at).await?,
            Fact::SessionEnded(session) => self.ports.deliver.end_session(session).await?,
            Fact::App(app) => {
                // Its icon may be another one.
                self.ports.fetching.knock();
                let enabled = self.ports.store.app(app).await?.is_some_and(|app| app.enabled);
                if !enabled {
                    self.ports.deliver.disable_app(app).await?;
                }
            }
            Fact::CallOrderReset(session) => self.ports.ledger.reset(session).await?,
            // A disabled or erased user's sessions have ended, each with a fact of its own; the others concern caches and feeds.
            Fact::User(_) | Fact::Granted(..) | Fact::Feed(_) | Fact::LoginEnded(_) => {}
        }
        self.wake(&change.fact);
        Ok(())
    }
}

impl FollowChanges {
    /// Open pages of feeds look again at what the fact may have changed for them (feed 6.8), and so does who posts to hooks.
    fn wake(&self, fact: &Fact) {
        match fact {
            Fact::User(user) | Fact::Feed(user) | Fact::LoginEnded(user) => self.ports.wakes.wake(*user),
            Fact::Granted(_, user) | Fact::Withdrawn(_, user) => {
                // A command line beside this server may have queued a post with it.
                self.ports.posting.knock();
                self.ports.wakes.wake(*user);
            }
            Fact::App(_) => self.ports.wakes.wake_all(),
            Fact::SessionEnded(_) | Fact::CallOrderReset(_) => {}
        }
    }
}

/// The id of the last change before `oldest`, found by halving: old changes are not read one by one.
async fn last_before(ports: &Ports, oldest: WallMs) -> Result<i64, StoreFault> {
    let (mut low, mut high) = (0, ports.store.last_change().await?);
    while low < high {
        let middle = low + (high - low) / 2;
        let next = ports.store.changes_after(middle, 1).await?;
        match next.first() {
            Some(change) if change.at < oldest => low = change.id.max(middle + 1),
            Some(_) | None => high = middle,
        }
    }
    Ok(low)
}
