//! The live message, and what became of it (protocol 14.1, 16.1; live section 7).

use super::time::WallMs;
use crier_proto::frame::PageId;
use crier_proto::ids::{AppId, Epoch, MessageId, Uid};
use crier_proto::message::Fanout;
use std::sync::Arc;

/// Who signed what is sent (live 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The application's secret.
    App,
    /// A session secret, or a page: the text is under the user's control.
    User,
}

/// By which door a message comes (live section 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A signed call of its own.
    Rest,
    /// One of the calls of a `batch.run`.
    Batch,
    /// A page's `send` frame.
    Page,
}

/// A message on its way into a mailbox.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Its id: a repeat of an id returns the first result and changes nothing.
    pub id: MessageId,
    /// By which door it comes.
    pub door: Door,
    /// The application.
    pub app: AppId,
    /// The session's user.
    pub sender: Uid,
    /// Who gets it.
    pub recipient: Uid,
    /// Whose secret vouches for the text.
    pub via: Via,
    /// `event_name`, 1 to 128 bytes.
    pub event: Arc<str>,
    /// `message`, 1 to 1,024 bytes, passed on byte for byte.
    pub text: Arc<str>,
    /// Milliseconds in the mailbox; 0: only pages connected at the commit.
    pub ttl_ms: u64,
    /// Replaces a waiting message of equal sender, event and key.
    pub collapse_key: Option<Box<str>>,
    /// Which pages get it.
    pub fanout: Fanout,
    /// Whether the application wants to be told what became of it (live 7.8).
    pub receipt: bool,
}

/// The outcome object's states (protocol 16.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// A handler has returned.
    Acked,
    /// Ended by `liveMessage.cancel`.
    Cancelled,
    /// Ended by a collapse key.
    Replaced,
    /// Ended by a withdrawal.
    Revoked,
    /// Ended by the mailbox bound.
    Dropped,
    /// Ended by its time.
    Expired,
    /// Written to a page.
    Written,
    /// A page has a handler; nothing is written yet.
    Queued,
    /// No present page has a handler.
    NoHandler,
}

impl DeliveryState {
    /// The state as the wire spells it (protocol 16.1).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acked => "acked",
            Self::Cancelled => "cancelled",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Dropped => "dropped",
            Self::Expired => "expired",
            Self::Written => "written",
            Self::Queued => "queued",
            Self::NoHandler => "no_handler",
        }
    }
}

/// What became of a message: the wire's "outcome object", fields in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub id: MessageId,
    /// Place in the recipient's mailbox, rising from 1 within the epoch.
    pub seq: u64,
    /// The mailbox's life.
    pub epoch: Epoch,
    /// The first state that holds.
    pub state: DeliveryState,
    /// Present pages of the recipient for this application.
    pub pages: u32,
    /// Of these, pages with a handler for the event.
    pub handlers: u32,
    /// Pages to whose connection the message has been written.
    pub written: u32,
    /// Pages whose handler has returned.
    pub acked: u32,
    /// When it leaves the mailbox (on the wire: seconds, rounded up).
    pub expires_at: WallMs,
}

/// How far a sender waits before the answer (protocol 16.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WaitFor {
    /// The message is in the mailbox.
    #[default]
    Accepted,
    /// A page's connection has it.
    Written,
    /// A page's handler has returned.
    Acked,
}

/// What happened to a message: the words of its timeline (live 7.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// It got its place.
    Accepted,
    /// No present page had a handler then.
    NoHandler,
    /// It was put on its way to a page.
    Offered,
    /// A page's connection has it.
    Written,
    /// A page's handler has returned.
    Acked,
    /// A page's handler threw or rejected: an ack too.
    Failed,
    /// The page that alone might run it has ended without an ack.
    Released,
    /// `liveMessage.cancel` ended it.
    Cancelled,
    /// A collapse key ended it.
    Replaced,
    /// A withdrawal ended it.
    Revoked,
    /// The mailbox bound ended it.
    Dropped,
    /// Its time ended it.
    Expired,
    /// The application has confirmed its receipt.
    ReceiptPosted,
}

impl What {
    /// The word as the wire spells it (live 7.5).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NoHandler => "no_handler",
            Self::Offered => "offered",
            Self::Written => "written",
            Self::Acked => "acked",
            Self::Failed => "failed",
            Self::Released => "released",
            Self::Cancelled => "cancelled",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Dropped => "dropped",
            Self::Expired => "expired",
            Self::ReceiptPosted => "receipt_posted",
        }
    }
}

/// One entry of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// When.
    pub at: WallMs,
    /// What.
    pub what: What,
    /// At which page, if at one: the id that the page chose for itself.
    pub page: Option<PageId>,
}

/// Who asks what became of a message, or wants it back (live 7.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The application.
    pub app: AppId,
    /// The user whose messages alone it may reach; absent: all of the application.
    pub sender: Option<Uid>,
}

/// A message as its application's developer sees it: whose it is and how it stands, never what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentMessage {
    /// When it got its place.
    pub at: WallMs,
    /// Who sent it.
    pub sender: Uid,
    /// Who gets it.
    pub recipient: Uid,
    /// `event_name`.
    pub event: Arc<str>,
    /// The outcome now.
    pub delivery: Delivery,
}

/// All that is known of a message (live 7.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The outcome now.
    pub delivery: Delivery,
    /// Pages among `acked` whose handler threw.
    pub failed: u32,
    /// Pages with the handler on lagging connections.
    pub lagging: u32,
    /// What happened, oldest first, 64 entries at most.
    pub timeline: Vec<Happening>,
}
