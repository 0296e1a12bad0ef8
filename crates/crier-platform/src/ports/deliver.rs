//! Mailboxes and pages, as the rules see them.

use super::ledger::{Charge, LedgerRefusal};
use crate::model::message::{Asker, Delivery, NewMessage, SentMessage, Status, WaitFor};
use crate::model::session::SessionId;
use crate::model::ticket::Cursor;
use crate::model::time::WallMs;
use async_trait::async_trait;
use crier_proto::ids::{AppId, MessageId, Uid};

/// Why a message got no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptError {
    /// The charge was refused; nothing but what the ledger says was spent.
    Ledger(LedgerRefusal),
    /// The rate of (application, recipient) is exhausted; the charge is spent (protocol 14.1.2 i).
    RecipientRate,
    /// The application's mailbox total is full; the charge is spent (1100).
    AppMailboxFull,
    /// The process's mailbox total is full; the charge is spent (2).
    ServerMailboxFull,
    /// The disk did not take the message: it has no place, nothing of it is kept; the charge is spent (2).
    NotKept(String),
    /// The broker did not answer in time: nobody knows whether the message has a place (2, cause with the id).
    Fault(String),
}

/// The broker did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("delivery out of reach: {0}")]
pub struct DeliverFault(pub String);

/// Mailboxes and pages.
///
/// Promise: `accept` settles the charge and gives a place in the mailbox in one indivisible step, in commit order per
/// (application, recipient); a connected or returning page runs the message once or is told of a gap; a withdrawal ends
/// delivery within 1 s. A repeated message id returns the first result and changes nothing.
#[async_trait]
pub trait Deliver: Send + Sync {
    /// Settles `charge` and gives the message its place (live section 2, step 4). The outcome is as of the commit.
    async fn accept(&self, charge: Option<&Charge>, message: NewMessage) -> Result<Delivery, AcceptError>;

    /// The outcome when the first page has reached `wait`, at the time-out, or at once when nothing can be waited for (live 7.4).
    async fn watch(
        &self,
        id: MessageId,
        wait: WaitFor,
        timeout_ms: u64,
    ) -> Result<Option<Delivery>, DeliverFault>;

    /// What became of a message; nothing when it is unknown, forgotten, or out of the asker's reach (live 7.5, 7.7).
    async fn status(&self, id: MessageId, asker: Asker) -> Result<Option<Status>, DeliverFault>;

    /// The newest messages of an application of which anything is still known, the newest first; expired ones have left by then.
    async fn latest(&self, app: AppId, limit: usize) -> Result<Vec<SentMessage>, DeliverFault>;

    /// Whose message it is and how it stands; nothing as of `status`.
    async fn sent(&self, id: MessageId, asker: Asker) -> Result<Option<SentMessage>, DeliverFault>;

    /// Takes a live message that nobody has acked out of its mailbox and from the pages that hold it, and says how it stands then;
    /// nothing as of `status`. Cancelling again, or after the end, changes nothing (live 7.6).
    async fn cancel(&self, id: MessageId, asker: Asker) -> Result<Option<Delivery>, DeliverFault>;

    /// The present end of a mailbox; makes its head if there is none (live 3.2).
    async fn cursor(&self, app: AppId, user: Uid) -> Result<Cursor, DeliverFault>;

    /// Ends everything of `user` in `app` that was committed or issued up to `at`: connections, mailbox, messages sent, tickets (live 3.14).
    async fn withdraw(&self, app: AppId, user: Uid, at: WallMs) -> Result<(), DeliverFault>;

    /// Closes the connections of an ended session and voids its tickets (live 3.11).
    async fn end_session(&self, session: SessionId) -> Result<(), DeliverFault>;

    /// Closes the connections of a disabled application (live 3.11).
    async fn disable_app(&self, app: AppId) -> Result<(), DeliverFault>;
}
