//! A published item of one user's feed (feed section 1).

use super::job::SourceRules;
use super::picture::SlotPicture;
use super::record::{BlankedBy, ReportReason};
use super::time::WallMs;
use crier_proto::ids::{AppId, StoryId, Uid};
use crier_proto::story::ImageSource;

/// A story on its way into the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStory {
    /// The session's user.
    pub user: Uid,
    /// The calling application.
    pub app: AppId,
    /// Canonical markup.
    pub title: String,
    /// Canonical markup.
    pub body: Option<String>,
    /// As given: 0 to 100, or any other text under `strictness=lenient`, which weighs nothing.
    pub priority: Priority,
    /// Published by an application's owner to himself: no window, always shown (feed 3.6).
    pub exempt: bool,
    /// *Now* at the commit; the twelve hours are judged by it.
    pub published_at: WallMs,
    /// Filled slots, numbers rising.
    pub slots: Vec<NewSlot>,
    /// What decides what they begin with.
    pub sources: SourceRules,
}

/// `priority` as given (protocol 14.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Priority {
    /// Not given.
    #[default]
    Absent,
    /// 0 to 100.
    Number(u8),
    /// Any other text up to 64 bytes, kept and without weight.
    Text(String),
}

/// A filled picture slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSlot {
    /// 1 to 4.
    pub number: u8,
    /// Where the picture comes from.
    pub source: ImageSource,
    /// Where a click on it goes.
    pub link: String,
}

/// A story as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Unique, rising per store.
    pub id: StoryId,
    /// Position in the user's record: gapless, in commit order.
    pub seq: i64,
    /// Whose feed it is in.
    pub user: Uid,
    /// Who published it.
    pub app: AppId,
    /// Canonical markup.
    pub title: String,
    /// Canonical markup.
    pub body: Option<String>,
    /// As given.
    pub priority: Priority,
    /// Always shown.
    pub exempt: bool,
    /// When it was committed.
    pub published_at: WallMs,
    /// When its user put it away, if so.
    pub hidden_at: Option<WallMs>,
    /// When its user reported it, and as what.
    pub reported: Option<(WallMs, ReportReason)>,
    /// Its user's thumb is up.
    pub thumbed: bool,
    /// When a feed page with it was served first.
    pub first_shown_at: Option<WallMs>,
    /// When its text and slots were removed, and by whom.
    pub blanked: Option<(WallMs, BlankedBy)>,
    /// Slots, numbers rising.
    pub slots: Vec<Slot>,
}

/// A picture slot as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// 1 to 4.
    pub number: u8,
    /// Where the picture comes from.
    pub source: ImageSource,
    /// Where a click on it goes.
    pub link: String,
    /// What has become of its picture.
    pub state: SlotState,
    /// The picture: present when the slot is ready, and while it remembers one that was evicted.
    pub picture: Option<SlotPicture>,
    /// Fetches that were tried for it.
    pub attempts: u32,
    /// Why the last one failed, or why the slot is empty; a word of a closed set (feed 7.3).
    pub cause: Option<String>,
}

/// Picture states (feed 1.3). The story stands whatever its pictures do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotState {
    /// Its fetch is queued, running or waiting for its retry: an empty box that carries the link.
    Pending,
    /// The picture is stored.
    Ready,
    /// A permanent cause, or retries spent: the slot closes up.
    Failed,
    /// Dropped by the cache's bound after its story had expired: the slot closes up.
    Evicted,
    /// Taken down, its photo deleted, or its story blanked: nothing.
    Removed,
}
