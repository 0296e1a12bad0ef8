//! What administrators see of stories: one whoever's it is, and those that were reported (feed 5.6).

use super::{FeedReader, StoryView};
use crate::ports::store::StoreFault;
use crier_proto::ids::StoryId;

impl FeedReader {
    /// A story, whoever's it is. Absent too when its application is gone.
    ///
    /// # Errors
    /// When the books fail. So it is with the next.
    pub async fn anyones_story(&self, story: StoryId) -> Result<Option<StoryView>, StoreFault> {
        let found = self.shared.ports.store.story(story).await?;
        let view = self.with_apps(found.into_iter().collect()).await?.pop();
        Ok(view.map(|placed| placed.view))
    }

    /// Stories that their users have reported, newest report first; without those that were taken down.
    pub async fn reported(&self, limit: u32) -> Result<Vec<StoryView>, StoreFault> {
        let stories = self.shared.ports.store.reported(limit).await?;
        let placed = self.with_apps(stories).await?;
        Ok(placed.into_iter().map(|placed| placed.view).collect())
    }
}
