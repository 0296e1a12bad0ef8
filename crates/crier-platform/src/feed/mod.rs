//! The News Feed as its user reads it.

use crate::model::app::App;
use crate::model::story::Story;
use crate::ports::Ports;
use crate::ports::store::StoreFault;
use crier_proto::ids::{StoryId, Uid};
use std::sync::Arc;

/// A story with what its page needs to show it.
#[derive(Debug, Clone)]
pub struct StoryView {
    /// The story.
    pub story: Story,
    /// Its application.
    pub app: Arc<App>,
}

/// One feed page: at most 25 stories, newest first.
#[derive(Debug, Clone)]
pub struct FeedPage {
    /// The stories in order.
    pub stories: Vec<StoryView>,
    /// The seq to go on below, if there are more.
    pub more_before: Option<i64>,
    /// The newest seq of the record when this was read.
    pub newest_seq: i64,
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

    /// One feed page of a user, from the newest story or below a seq.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn page(&self, user: Uid, before: Option<i64>) -> Result<FeedPage, StoreFault> {
        let _ = (user, before, &self.ports);
        todo!()
    }

    /// The address behind a story's link `t`, `b0`…, `p1`…`p4`, for its own user only (feed 2.9).
    ///
    /// # Errors
    /// When the books fail.
    pub async fn link(&self, user: Uid, story: StoryId, key: &str) -> Result<Option<String>, StoreFault> {
        let _ = (user, story, key);
        todo!()
    }

    /// Puts a story away or brings it back; false when the user has no such story.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn set_hidden(&self, user: Uid, story: StoryId, hidden: bool) -> Result<bool, StoreFault> {
        let _ = (user, story, hidden);
        todo!()
    }
}
