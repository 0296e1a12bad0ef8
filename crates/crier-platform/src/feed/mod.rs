//! The News Feed as its user reads it.
//!
//! - `config`: section `[feed]`
//! - `cursor`: what vouches for "More stories" and for clicks
//! - `index`: loaded users' stories in memory, bounded
//! - `news`: what is new on an open page; `wakes`: who waits to hear of it
//! - `rank`: ranking v1, a pure function of a snapshot
//! - `select`: which stories stand on a page, newest first
//! - `simulate`: invented people and applications, ranked by the same functions; records computed again
//! - `target`: the address behind a story's link
//! - `verdict`: why a story was shown or not, and what it weighs, in words
//! - `window`: the twelve hours

pub mod config;
pub mod cursor;
pub mod index;
pub mod news;
pub mod rank;
mod select;
pub mod simulate;
mod target;
pub mod verdict;
pub mod wakes;
pub mod window;

use crate::model::app::App;
use crate::model::story::Story;
use crate::ports::Ports;
use std::sync::Arc;

/// What reading a feed may fail with: the books' own fault, for those who may not see the port.
pub use crate::ports::store::StoreFault;

/// Slots of one feed page (feed, conventions).
pub const SLOTS_MAX: usize = 25;

/// A story with what its page needs to show it.
#[derive(Debug, Clone)]
pub struct StoryView {
    /// The story. One that was just put away carries `hidden_at` and is shown as a line with an undo.
    pub story: Story,
    /// Its application.
    pub app: Arc<App>,
}

/// One feed page, newest first: at most 25 stories, and between them those just put away.
#[derive(Debug, Clone)]
pub struct FeedPage {
    /// Stories of an application's owner to himself: they take no slot and stand first.
    pub exempt: Vec<StoryView>,
    /// The stories in order.
    pub stories: Vec<StoryView>,
    /// The seq to go on below, if there are more.
    pub more_before: Option<i64>,
    /// The newest seq of the record when this was read.
    pub newest_seq: i64,
    /// What was passed over on the way, for the page that has nothing else to show.
    pub passed: Passed,
}

/// Stories that were read and not shown, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Put away by their user.
    pub hidden: u32,
    /// Of an application that is switched off, not accepted any more or disabled.
    pub not_wanted: u32,
    /// Older than seven days.
    pub expired: u32,
    /// Rows that are no canonical markup any more (feed 2.7): never rendered.
    pub damaged: u32,
}

/// Reads feeds.
#[derive(Clone)]
pub struct FeedReader {
    ports: Ports,
}

impl FeedReader {
    /// A reader over these ports.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }
}
