//! What a running node does about committed facts that it did not commit itself: another process, or the command line, did.
//!
//! Promise: a withdrawal, an ended session and a disabled application end delivery here within a turn of their commit. Every
//! action may be repeated without harm, so facts of our own process are obeyed like any other. Knows no socket and no SQL.

use crate::model::change::{Change, Fact};
use crate::ports::Ports;
use crate::ports::deliver::DeliverFault;
use crate::ports::ledger::LedgerFault;
use crate::ports::store::StoreFault;

/// Changes read at once.
const TURN_ROWS: u32 = 1024;
/// Milliseconds between two turns: a fact is in force within 1 s (operating section 3).
const TURN_MS: u64 = 250;

/// Why a turn ended early; the next one begins where it stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowFault {
    /// The books.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Mailboxes and pages.
    #[error(transparent)]
    Deliver(#[from] DeliverFault),
    /// Call order.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
}

/// Follows the books of one process.
pub struct Follower {
    ports: Ports,
    obeyed: i64,
}

impl Follower {
    /// A follower that begins with the oldest fact that is kept: what was withdrawn before a restart stays withdrawn after it.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports, obeyed: 0 }
    }

    /// Obeys what has been committed since the last turn.
    ///
    /// # Errors
    /// What did not answer; what was obeyed before stays obeyed.
    pub async fn turn(&mut self) -> Result<(), FollowFault> {
        loop {
            let changes = self.ports.store.changes_after(self.obeyed, TURN_ROWS).await?;
            for change in &changes {
                self.obey(change).await?;
                self.obeyed = self.obeyed.max(change.id);
            }
            if u32::try_from(changes.len()).is_ok_and(|rows| rows < TURN_ROWS) {
                return Ok(());
            }
        }
    }

    /// Turn after turn, for ever: run it under the process's task tracker.
    pub async fn run(mut self) {
        loop {
            if let Err(fault) = self.turn().await {
                tracing::warn!(error = %fault, "changes could not be followed; trying again");
            }
            let next = self.ports.clock.elapsed().plus_ms(TURN_MS);
            self.ports.clock.sleep_until(next).await;
        }
    }

    async fn obey(&self, change: &Change) -> Result<(), FollowFault> {
        match change.fact {
            Fact::App(app) => {
                let row = self.ports.store.app(app).await?;
                if row.is_none_or(|app| !app.enabled) {
                    self.ports.deliver.disable_app(app).await?;
                }
            }
            Fact::SessionEnded(session) => self.ports.deliver.end_session(session).await?,
            Fact::Withdrawn(app, user) => self.ports.deliver.withdraw(app, user, change.at).await?,
            Fact::CallOrderReset(session) => self.ports.ledger.reset(session).await?,
            // A disabled or erased user's sessions end as facts of their own; the others concern caches alone.
            Fact::User(_) | Fact::Granted(_, _) | Fact::Feed(_) | Fact::LoginEnded(_) => {}
        }
        Ok(())
    }
}
