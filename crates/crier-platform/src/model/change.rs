//! Facts that running nodes must notice: caches drop, connections end, mailboxes are purged.

use super::session::SessionId;
use super::time::WallMs;
use crier_proto::ids::{AppId, Uid};

/// A committed fact, in commit order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Rising with each change.
    pub id: i64,
    /// When it was committed.
    pub at: WallMs,
    /// What changed.
    pub fact: Fact,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// An application's row: settings, secret, enabled or not.
    App(AppId),
    /// A user's row: disabled, renamed, erased.
    User(Uid),
    /// A session has ended.
    SessionEnded(SessionId),
    /// A user has accepted an application, or moved its switch.
    Granted(AppId, Uid),
    /// A user has withdrawn from an application.
    Withdrawn(AppId, Uid),
    /// The owner has reset a session's call order.
    CallOrderReset(SessionId),
    /// A user's feed has gained a story or one of its stories has changed.
    Feed(Uid),
    /// The login of a browser has ended.
    LoginEnded(Uid),
}
