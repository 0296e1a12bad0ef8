//! Following committed facts: connections of an ended session end, mailboxes of a removed grant are purged (architecture section 5).
//!
//! Promise: whatever a command line beside this server commits is in force here within a second; what was withdrawn in the last 24
//! hours is known again before anything is delivered (live 3.14). Doing a fact twice changes nothing.

use crate::model::change::{Change, Fact};
use crate::model::time::WallMs;
use crate::ports::Ports;
use crate::ports::store::StoreFault;

/// Milliseconds between two looks: two of them and the work fit into the promised second.
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
    after: i64,
}

impl FollowChanges {
    /// Brings the facts of the last 24 hours into force. To be awaited before the first connection is accepted.
    ///
    /// # Errors
    /// When the books or the mailboxes do not answer.
    pub async fn start(ports: Ports) -> Result<Self, FollowFault> {
        let oldest = ports.clock.wall().plus_ms(-BACK_MS);
        let after = last_before(&ports, oldest).await?;
        let mut follower = Self { ports, after };
        while follower.step().await? {}
        Ok(follower)
    }

    /// Follows for ever. A fault is reported once and tried again at the next look.
    pub async fn run(mut self) {
        let mut failing = false;
        loop {
            let next = self.ports.clock.elapsed().plus_ms(LOOK_MS);
            self.ports.clock.sleep_until(next).await;
            loop {
                match self.step().await {
                    Ok(true) => {}
                    Ok(false) => {
                        failing = false;
                        break;
                    }
                    Err(fault) => {
                        if !failing {
                            tracing::error!(%fault, "committed facts cannot be followed");
                        }
                        failing = true;
                        break;
                    }
                }
            }
        }
    }

    /// Brings the next facts into force. Says whether there may be more.
    ///
    /// # Errors
    /// When one could not be brought into force; it comes first at the next step.
    pub async fn step(&mut self) -> Result<bool, FollowFault> {
        let changes = self.ports.store.changes_after(self.after, READ_MAX).await?;
        let more = changes.len() >= usize::try_from(READ_MAX).unwrap_or(usize::MAX);
        for change in changes {
            self.enforce(&change).await?;
            self.after = change.id;
        }
        Ok(more)
    }

    async fn enforce(&self, change: &Change) -> Result<(), FollowFault> {
        match change.fact {
            Fact::Withdrawn(app, user) => self.ports.deliver.withdraw(app, user, change.at).await?,
            Fact::SessionEnded(session) => self.ports.deliver.end_session(session).await?,
            Fact::App(app) => {
                let enabled = self.ports.store.app(app).await?.is_some_and(|app| app.enabled);
                if !enabled {
                    self.ports.deliver.disable_app(app).await?;
                }
            }
            Fact::CallOrderReset(session) => self.ports.ledger.reset(session).await?,
            // A disabled or erased user's sessions have ended, each with a fact of its own; the others concern caches and feeds.
            Fact::User(_) | Fact::Granted(..) | Fact::Feed(_) | Fact::LoginEnded(_) => {}
        }
        Ok(())
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
