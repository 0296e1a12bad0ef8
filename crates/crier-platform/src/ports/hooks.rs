//! Signed posts to applications, as the rules see them, and what they must know of an application for it.

use crate::model::hook::{HookQuery, HookSpace, NextPost};
use crate::model::time::WallMs;
use crate::ports::store::StoreFault;
use async_trait::async_trait;
use bytes::Bytes;
use crier_proto::ids::{AppId, ReceiptId};
use crier_proto::receipt::ReceiptKey;

/// One attempt to post a body.
#[derive(Clone)]
pub struct Hook {
    /// `http://` or `https://`; whether it may be dialled is judged where it is dialled (feed 7.5).
    pub url: String,
    /// What is posted.
    pub content: Content,
    /// Milliseconds from the look-up of the name to the status of the answer.
    pub deadline_ms: u64,
}

/// What is posted, and what vouches for it.
#[derive(Clone)]
pub enum Content {
    /// Receipts, signed in headers (live 7.8).
    Receipts {
        /// Names the body on every attempt.
        id: ReceiptId,
        /// Sign it, the newest first; two while a secret is rotated.
        keys: Vec<ReceiptKey>,
        /// A JSON text.
        body: Bytes,
    },
    /// A urlencoded set that carries its own signature (protocol 19.6).
    Set(Bytes),
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// A 2xx came in time.
    Delivered,
    /// 410: the receiver wants no further post.
    Refused,
    /// Anything else, with the cause for the log: no part of the answer but its status.
    TryLater(String),
}

/// Signed posts to applications.
///
/// Promise: no forbidden address is ever connected to; receipts are signed with the time of this attempt; it ends within its
/// deadline; no redirect is followed, and of the answer's body at most 1 KiB is read. Never retries by itself.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Posts once.
    async fn post(&self, hook: Hook) -> Posted;
}

/// Where an application's receipts go.
#[derive(Clone)]
pub struct ReceiptTarget {
    /// The setting `receipts`, not empty.
    pub url: String,
    /// What signs now, the newest first; none for an application whose address is older than its secret.
    pub keys: Vec<ReceiptKey>,
}

/// What the rules know of receipts.
#[async_trait]
pub trait ReceiptBook: Send + Sync {
    /// Where an application's receipts go at this moment; nothing when it wants none or is gone.
    async fn target(&self, app: AppId, now: WallMs) -> Result<Option<ReceiptTarget>, StoreFault>;

    /// Turns receipts off because this address answered 410. False, and nothing is changed, when the setting holds another one by
    /// now.
    async fn turn_off(&self, app: AppId, url: &str) -> Result<bool, StoreFault>;
}

/// Reads of the posts that wait (protocol 19.6); what is written is in `HookWrite`.
#[async_trait]
pub trait HookQueue: Send + Sync {
    /// The post that is next.
    async fn next_post(&self, query: HookQuery) -> Result<NextPost, StoreFault>;
    /// How full the queue is.
    async fn hook_space(&self) -> Result<HookSpace, StoreFault>;
}
