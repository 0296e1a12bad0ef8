//! One-time rights to open a live connection, and the permit that an accepted one becomes (live section 3).

use super::login::TokenDigest;
use super::session::SessionId;
use super::time::WallMs;
use crier_proto::ids::{AppId, Epoch, SessionKey, Uid};

/// A ticket as the server keeps it: the digest alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Digest of the ticket.
    pub token: TokenDigest,
    /// The application whose pages it opens.
    pub app: AppId,
    /// The user whose pages it opens.
    pub user: Uid,
    /// The session that asked for it.
    pub session: SessionId,
    /// That session's key.
    pub session_key: SessionKey,
    /// Whether the session secret signed the call that made it.
    pub expires_at: WallMs,
}

/// (epoch, seq): every message up to seq is settled for its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The life of the mailbox that it speaks of.
    pub epoch: Epoch,
    /// Place in that mailbox.
    pub seq: u64,
}

/// What an admitted connection may do, and until when (live 3.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// The application.
    pub app: AppId,
    /// The user.
    pub user: Uid,
    /// The session behind it.
    pub session: SessionId,
    /// That session's key.
    pub session_key: SessionKey,
    /// When the authorisation ends.
    pub until: WallMs,
    /// Whether that is also the session's own end (live 3.11).
    pub session_ends: bool,
}
