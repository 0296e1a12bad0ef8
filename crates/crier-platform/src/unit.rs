//! One call's reads and collected writes, and what a method decides: its outcome, on paper.
//!
//! A method sees the world through here alone. Nothing is written, sent or spent before dispatch has settled the call.

use crate::config::{DispatcherConfig, OwnPages};
use crate::failed_tokens::FailedTokens;
use crate::faults::Fault;
use crate::feed::figures::FeedBound;
use crate::model::app::Settings;
use crate::model::grant::Grant;
use crate::model::job::Photo;
use crate::model::login::TokenDigest;
use crate::model::message::{Asker, Delivery, NewMessage, Status, WaitFor};
use crate::model::picture::{Fit, Picture};
use crate::model::session::SessionId;
use crate::model::ticket::{Cursor, Ticket};
use crate::model::time::WallMs;
use crate::model::token::AuthToken;
use crate::model::user::User;
use crate::ports::Ports;
use crate::ports::deliver::DeliverFault;
use crate::ports::entropy::random_bytes;
use crate::ports::images::NoPicture;
use crate::ports::store::{Conflict, StoreFault, Write};
use bytes::Bytes;
use crier_proto::error::Refusal;
use crier_proto::ids::{AppId, MessageId, Pid, Uid};
use crier_proto::reply::Reply;
use std::borrow::Cow;
use std::sync::Arc;

/// What a refusal by the store's condition means on the wire; `None` where the method cannot cause that condition.
pub(crate) type OnConflict = fn(&Settings, Conflict) -> Option<Refusal>;

/// What units know of the server beside its ports.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'u> {
    /// The server's own settings that methods speak of.
    pub(crate) config: &'u DispatcherConfig,
    /// Where this server's own pages are.
    pub(crate) own_pages: &'u OwnPages,
    /// How often tokens have failed.
    pub(crate) failed_tokens: &'u FailedTokens,
}

/// Reads and collected writes of one call.
pub(crate) struct Unit<'u> {
    ports: &'u Ports,
    around: Surroundings<'u>,
    now: WallMs,
    writes: Vec<Write>,
    on_conflict: OnConflict,
}

impl<'u> Unit<'u> {
    /// An empty unit.
    pub(crate) fn new(ports: &'u Ports, around: Surroundings<'u>, now: WallMs) -> Self {
        Self {
            ports,
            around,
            now,
            writes: Vec::new(),
            on_conflict: |_, _| None,
        }
    }

    /// *Now* of the call.
    pub(crate) fn now(&self) -> WallMs {
        self.now
    }

    /// The server's own settings that methods speak of.
    pub(crate) fn config(&self) -> &'u DispatcherConfig {
        self.around.config
    }

    /// A bound of the feed was met.
    pub(crate) fn met(&self, bound: FeedBound) {
        self.ports.feed_figures.bound(bound);
    }

    /// Where this server's own pages are.
    pub(crate) fn own_pages(&self) -> &'u OwnPages {
        self.around.own_pages
    }

    /// `N` random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        random_bytes(&*self.ports.entropy)
    }

    /// Whether and how a user has accepted an application.
    pub(crate) async fn grant(&self, app: AppId, user: Uid) -> Result<Option<Grant>, StoreFault> {
        self.ports.store.grant(app, user).await
    }

    /// A user's account.
    pub(crate) async fn user(&self, uid: Uid) -> Result<Option<Arc<User>>, StoreFault> {
        self.ports.store.user(uid).await
    }

    /// An uploaded photo.
    pub(crate) async fn photo(&self, pid: Pid) -> Result<Option<Photo>, StoreFault> {
        self.ports.store.photo(pid).await
    }

    /// The photos of a user, by number.
    pub(crate) async fn photos_of(&self, owner: Uid) -> Result<Vec<Photo>, StoreFault> {
        self.ports.store.photos_of(owner).await
    }

    /// The picture of an image that is here.
    pub(crate) async fn picture_of(&self, image: Bytes, fit: Fit) -> Result<Picture, NoPicture> {
        self.ports.images.thumbnail_of(image, fit).await
    }

    /// When the last story of an application for a user was committed.
    pub(crate) async fn window(&self, app: AppId, user: Uid) -> Result<Option<WallMs>, StoreFault> {
        self.ports.store.window(app, user).await
    }

    /// An auth token in any state.
    pub(crate) async fn auth_token(&self, token: TokenDigest) -> Result<Option<AuthToken>, StoreFault> {
        self.ports.store.auth_token(token).await
    }

    /// Remembers that a call with a token has failed (protocol 18.7).
    pub(crate) fn count_failed_token(&self, app: AppId) {
        let elapsed = self.ports.clock.elapsed();
        self.around.failed_tokens.count(app, (elapsed, self.now));
    }

    /// Whether a typed code that was made at this moment is void by now (protocol 18.7).
    pub(crate) fn is_code_void(&self, app: AppId, made: WallMs) -> bool {
        self.around.failed_tokens.is_void(app, made)
    }

    /// What became of a message, as far as the asker may know.
    pub(crate) async fn status(&self, id: MessageId, asker: Asker) -> Result<Option<Status>, DeliverFault> {
        self.ports.deliver.status(id, asker).await
    }

    /// Adds a write; all of a unit happen together or none.
    pub(crate) fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Says what the refusal of a write's condition means for this method.
    pub(crate) fn on_conflict(&mut self, meaning: OnConflict) {
        self.on_conflict = meaning;
    }

    /// The collected writes and what their refusal means.
    pub(crate) fn into_parts(self) -> (Vec<Write>, OnConflict) {
        (self.writes, self.on_conflict)
    }
}

/// A message and how far its sender waits.
pub(crate) struct Sending {
    /// The message.
    pub(crate) message: NewMessage,
    /// How far to wait before answering (protocol 16.2).
    pub(crate) wait: WaitFor,
    /// Longest wait in milliseconds, 0 to 5,000.
    pub(crate) timeout_ms: u64,
}

/// An effect that is due after the commit. If it is lost, the change row of the commit repairs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Connections of an ended session close now rather than when the change is noticed.
    EndSession(SessionId),
    /// Pictures are fetched now rather than when the queue is looked at the next time.
    FetchPictures,
    /// Open pages of this user's feed hear of it now rather than when the change is noticed.
    WakeFeed(Uid),
}

/// Stage 4 of the street: what a method has decided. Its writes lie in the unit.
pub(crate) enum Outcome {
    /// A value, once the unit is committed; then these effects.
    Value {
        /// The value.
        reply: Reply,
        /// What is due after the commit.
        after: Vec<After>,
        /// What figures tell it apart by, if they do.
        kind: Option<&'static str>,
    },
    /// A message, which rides in the settlement; the value is a function of what became of it.
    OfDelivery {
        /// The message.
        sending: Box<Sending>,
        /// The value.
        reply: fn(&Delivery) -> Reply,
    },
    /// A ticket, issued after settlement; the value is a function of the mailbox's cursor at that moment.
    OfCursor {
        /// The ticket.
        ticket: Box<Ticket>,
        /// The value.
        reply: Box<dyn FnOnce(Cursor) -> Reply + Send>,
    },
    /// The urlencoded items of a batch, run one after another once it is settled; the value is the list of their documents.
    OfBatch {
        /// The items, 20 at most.
        items: Vec<String>,
    },
    /// A message taken back after settlement; the value is a function of how it stands then.
    OfCancel {
        /// The message.
        id: MessageId,
        /// Whose messages may be taken back.
        asker: Asker,
        /// The value.
        reply: fn(&Delivery) -> Reply,
    },
}

impl Outcome {
    /// A value without effects outside the unit.
    pub(crate) fn value(reply: Reply) -> Self {
        Self::Value {
            reply,
            after: Vec::new(),
            kind: None,
        }
    }
}

/// Why a method has no outcome.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The caller's call is refused.
    Refused(Refusal),
    /// Something of ours failed.
    Fault(Fault),
}

impl Halt {
    /// What the caller is told.
    pub(crate) fn refusal(&self) -> Cow<'_, Refusal> {
        match self {
            Self::Refused(refusal) => Cow::Borrowed(refusal),
            Self::Fault(fault) => Cow::Owned(fault.refusal()),
        }
    }
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreFault> for Halt {
    fn from(fault: StoreFault) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<DeliverFault> for Halt {
    fn from(fault: DeliverFault) -> Self {
        Self::Fault(fault.into())
    }
}
