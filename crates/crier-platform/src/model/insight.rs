//! What the books tell an application's developers (feed 5.7): counts, people who acted, quality rows, pictures.

use super::job::SourceHash;
use super::time::WallMs;
use crier_proto::ids::{AppId, StoryId};

/// Which rows of counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Of an hour each, kept `feed.insights_hours_keep`.
    Hour,
    /// Of a UTC day each, kept `feed.insights_days_keep`.
    Day,
}

impl Grain {
    /// Hours of one row.
    #[must_use]
    pub const fn hours(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => 24,
        }
    }
}

/// A count as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCount {
    /// Hours since 1970 at which its hour or day begins.
    pub hour: i64,
    /// The text of a `tally::Series`.
    pub series: String,
    /// How many.
    pub count: u64,
}

/// What a person does with a story that an application is told in counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A first counted click.
    Clicked,
    /// A thumb up.
    Thumbed,
    /// Put away.
    Hidden,
    /// Reported.
    Reported,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Clicked, Self::Thumbed, Self::Hidden, Self::Reported];

    /// The event's name (feed 5.6).
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clicked => "clicked",
            Self::Thumbed => "thumbed",
            Self::Hidden => "hidden",
            Self::Reported => "reported",
        }
    }
}

/// Whose acts, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActQuery {
    /// On whose stories.
    pub app: AppId,
    /// Which; `None`: any.
    pub act: Option<Act>,
    /// From this hour since 1970 on.
    pub from: i64,
    /// Up to and without this one.
    pub to: i64,
}

/// Slots of an application's stories alike in state and cause.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SlotCount {
    /// State (feed 1.3).
    pub state: String,
    /// Why, of those that failed.
    pub cause: Option<String>,
    /// How many.
    pub slots: u64,
}

/// An address from which slots of an application's stories have no picture, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Which source.
    pub source: SourceHash,
    /// Its address, as the application gave it.
    pub url: String,
    /// Whether its slots still wait.
    pub waits: bool,
    /// Why the last attempt brought nothing.
    pub cause: Option<String>,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried next.
    pub due: Option<WallMs>,
    /// Whose budget pays for the next attempt.
    pub charged: AppId,
    /// Slots of the application's stories that show nothing for it.
    pub slots: u64,
    /// How often its newest slot was fetched again by a developer.
    pub refetches: u8,
}

/// A story of which an administrator has taken text and pictures away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenDown {
    /// Which.
    pub story: StoryId,
    /// When it was published.
    pub published_at: WallMs,
    /// When it was taken down.
    pub at: WallMs,
}

/// A story that no feed page has shown yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unshown {
    /// Which.
    pub story: StoryId,
    /// Its text was removed.
    pub blanked: bool,
}
