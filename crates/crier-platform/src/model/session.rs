//! What stands behind a session key: the right of one application to act for one user (protocol section 10).

use super::time::WallMs;
use crier_proto::ids::{AppId, SessionKey, Uid};
use crier_proto::secret::Secret;

/// The row number of a session: a key given again after its session ended gets another one, and so another call order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct SessionId(pub i64);

/// A session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its row number.
    pub id: SessionId,
    /// Its key.
    pub key: SessionKey,
    /// The application it belongs to.
    pub app: AppId,
    /// The user it acts for.
    pub user: Uid,
    /// Signs calls with `ss`, and those of desktop applications.
    pub secret: Secret,
    /// Unix seconds; `None` never expires.
    pub expires: Option<i64>,
    /// How `expires` moves (protocol 10.3).
    pub kind: SessionKind,
    /// When it was made.
    pub created_at: WallMs,
}

/// How long a session lasts (protocol 10.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// As its `expires` says.
    Fixed,
    /// 86,400 s from its last call that passed the signature (desktop).
    Sliding,
}

impl Session {
    /// Whether it has expired at `now` (protocol 10.3: `expires` ≤ now).
    #[must_use]
    pub fn has_expired(&self, now: WallMs) -> bool {
        self.expires.is_some_and(|expires| expires <= now.secs())
    }
}
