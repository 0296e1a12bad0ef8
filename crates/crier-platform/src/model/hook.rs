//! What an application's two hooks are told, and the posts that wait to be taken (protocol 19.6).

use super::time::WallMs;
use crate::ports::store::NewSession;
use crier_proto::ids::{AppId, SessionKey, Uid};

/// The number of a post; a later post has a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HookPostId(pub i64);

/// Which hook: the posts of one application to one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookKind {
    /// `post_authorize`.
    Authorize,
    /// `post_remove`.
    Remove,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The user has accepted the application.
    Accepted {
        /// Whether they have added it too.
        added: bool,
        /// The session that was made for the application with the acceptance.
        session: SessionKey,
        /// Unix seconds; 0 never expires.
        expires: i64,
    },
    /// The user has withdrawn.
    Withdrawn,
}

impl Told {
    /// Which hook hears of it.
    #[must_use]
    pub const fn kind(&self) -> HookKind {
        match self {
            Self::Accepted { .. } => HookKind::Authorize,
            Self::Withdrawn => HookKind::Remove,
        }
    }
}

/// A post that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookPost {
    /// Its number.
    pub id: HookPostId,
    /// Whose hook.
    pub app: AppId,
    /// Who has accepted or withdrawn.
    pub user: Uid,
    /// What has happened.
    pub told: Told,
    /// When it happened.
    pub at: WallMs,
    /// Attempts that have failed.
    pub attempts: u32,
}

/// Which post is wanted: the one that is due longest of the next application, in turns. A post comes after all older ones of
/// its application and user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookQuery {
    /// Posts that are due by now.
    pub now: WallMs,
    /// Whose turn it was last.
    pub after: Option<AppId>,
    /// Hooks that may not be called now, since one of their posts is under way or they rest.
    pub busy: Vec<(AppId, HookKind)>,
}

/// What may be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPost {
    /// This one, now.
    Now(Box<HookPost>),
    /// None before this moment, unless something ends or comes.
    At(WallMs),
    /// None, unless something ends or comes.
    Never,
}

/// How full the queue is, and what has left it unposted, counted in the books since they began: other processes fill it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HookSpace {
    /// Posts that wait or are under way.
    pub waiting: u64,
    /// When the oldest of them happened.
    pub oldest: Option<WallMs>,
    /// Posts that left for newer ones.
    pub dropped: u64,
    /// Posts that were given up.
    pub expired: u64,
}

/// Writes of the queue. The first two stand before the write that they tell of, in its unit, since they look at what it changes.
#[derive(Debug, Clone)]
pub enum HookWrite {
    /// Queues a post that the session's user accepts its application, and makes that session, unless the user has accepted before.
    TellAccepted {
        /// The session.
        session: NewSession,
        /// Whether the user adds the application too.
        added: bool,
        /// Posts of one application that may wait; the oldest leave.
        waiting_max: u32,
    },
    /// Queues a post that a user withdraws, unless there is nothing to withdraw.
    TellWithdrawn {
        /// The application.
        app: AppId,
        /// The user.
        user: Uid,
        /// Posts of one application that may wait; the oldest leave.
        waiting_max: u32,
    },
    /// An attempt has failed, and the next one is due then.
    Later(HookPostId, WallMs),
    /// A post leaves the queue: it was taken, or nobody wants it.
    End(HookPostId),
    /// Posts of what happened at this moment or before it are given up.
    GiveUp(WallMs),
}
