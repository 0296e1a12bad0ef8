//! What the books keep of mailboxes in durable mode (live 5.10): heads, messages, and what became of each.
//!
//! Knows neither pages nor connections: claims and outcomes are texts of the hub, which alone reads them.

use super::message::Via;
use super::time::WallMs;
use crier_proto::frame::GapReason;
use crier_proto::ids::{AppId, Epoch, MessageId, Uid};
use crier_proto::message::Fanout;
use std::sync::Arc;

/// A message's number in the books: rising with each message of the process's mailboxes, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowNo(pub i64);

/// The head of one mailbox (live section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptHead {
    /// The application.
    pub app: AppId,
    /// The recipient.
    pub user: Uid,
    /// Names this life of the mailbox.
    pub epoch: Epoch,
    /// Messages of this life have this number or a higher one.
    pub first: RowNo,
    /// The place given last, as far as rows that are gone tell: a later message's row says more.
    pub last: u64,
    /// The highest place that was lost, in the same way.
    pub low: u64,
    /// Why.
    pub low_reason: GapReason,
    /// When the mailbox was used last.
    pub used_at: WallMs,
}

/// A message that waits in its mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptItem {
    /// Whose secret vouches for the text.
    pub via: Via,
    /// Event name.
    pub event: Arc<str>,
    /// The text, byte for byte.
    pub text: Arc<str>,
    /// Replaces an older one of equal sender, event and key.
    pub collapse_key: Option<Box<str>>,
    /// Which pages get it.
    pub fanout: Fanout,
}

/// A message as the books keep it, until its outcome is forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// Its number.
    pub row: RowNo,
    /// The application.
    pub app: AppId,
    /// The recipient.
    pub user: Uid,
    /// Its place.
    pub seq: u64,
    /// Its id.
    pub id: MessageId,
    /// The session's user.
    pub sender: Uid,
    /// When it was committed.
    pub sent_at: WallMs,
    /// No write begins at or after this moment.
    pub expires_at: WallMs,
    /// The message; `None` when it has left its mailbox.
    pub item: Option<KeptItem>,
    /// Who alone may run it, in the hub's words; empty: nobody.
    pub claim: Vec<u8>,
    /// What became of it, in the hub's words.
    pub outcome: Vec<u8>,
}

/// What became of a message that is kept already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeMark {
    /// Which.
    pub row: RowNo,
    /// As in `KeptMessage`.
    pub outcome: Vec<u8>,
    /// It has left its mailbox: its text goes.
    pub ended: bool,
}

/// Writes to mailboxes that are applied together or not at all, in the order of the fields.
#[derive(Debug, Clone, Default)]
pub struct MailWrites {
    /// The highest wall time seen: a later process whose clock stepped back begins there (live 5.11).
    pub now: WallMs,
    /// Heads whose life begins, or that are put in the place of what was there.
    pub heads: Vec<KeptHead>,
    /// New messages, numbers rising.
    pub messages: Vec<KeptMessage>,
    /// Who alone may run a message, as in `KeptMessage`.
    pub claims: Vec<(RowNo, Vec<u8>)>,
    /// What became of messages.
    pub outcomes: Vec<OutcomeMark>,
    /// Heads that have moved; one that is not there any more stays away.
    pub moved: Vec<KeptHead>,
    /// Messages whose outcomes are forgotten.
    pub forgotten: Vec<RowNo>,
    /// Heads whose life is over; another life of the same mailbox stays.
    pub ended: Vec<(AppId, Uid, Epoch)>,
}

impl MailWrites {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
            && self.messages.is_empty()
            && self.claims.is_empty()
            && self.outcomes.is_empty()
            && self.moved.is_empty()
            && self.forgotten.is_empty()
            && self.ended.is_empty()
    }
}

/// What a row was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// As it was written.
    Whole(T),
    /// Its checksum is wrong, or a column is not what it should be.
    Damaged {
        /// Its number, or 0 for a head.
        row: RowNo,
        /// Whose mailbox and which place, as far as the columns can be read.
        place: Option<(AppId, Uid, u64)>,
    },
}
