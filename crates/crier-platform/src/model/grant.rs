//! A user's acceptance of an application's terms.

use super::time::WallMs;
use crier_proto::ids::{AppId, Uid};

/// A user's acceptance of an application's terms (seed: "users who have authorized your application").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The application.
    pub app: AppId,
    /// The user.
    pub user: Uid,
    /// Whether its stories may enter the user's feed; off makes the call answer 0.
    pub feed: bool,
    /// Whether the user has added the application (protocol 18.8).
    pub added: bool,
    /// Whether sessions of the user never expire (protocol 10.3).
    pub offline_access: bool,
    /// When the user accepted.
    pub granted_at: WallMs,
}
