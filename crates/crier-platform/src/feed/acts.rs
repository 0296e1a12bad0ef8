//! What people do with their feed: hide, undo, report, thumb, click, and where the sliders stand (feed 5.6, 2.9, 6.4).

use super::cursor::view_of_mark;
use super::figures::FeedBound;
use super::notebook::{Note, Noted};
use super::{FeedReader, PlacedStory};
use crate::model::ranking::Slider;
use crate::model::record::{FeedAct, FeedWrite, ReportReason};
use crate::model::time::WallMs;
use crate::ports::store::{CommitError, Conflict, StoreFault};
use crier_proto::ids::{AppId, StoryId, Uid};

impl FeedReader {
    /// Puts a story away; false when the user has no such story. So it is with the other acts.
    ///
    /// # Errors
    /// When the books fail. So it is with the other acts.
    pub async fn hide(&self, user: Uid, story: StoryId) -> Result<bool, StoreFault> {
        self.act(user, (story, FeedAct::Hide)).await
    }

    /// Takes a hide and a report back, as if they had never been; false also when the story has expired (feed 5.6).
    pub async fn undo(&self, user: Uid, story: StoryId) -> Result<bool, StoreFault> {
        let config = self.ranking().await?;
        let known = self.shared.ports.store.feed_stories(user, &[story]).await?;
        let age = |at: WallMs| self.shared.ports.clock.wall().secs() - at.secs();
        if known
            .iter()
            .all(|story| age(story.published_at) >= config.constants.expiry_secs())
        {
            return Ok(false);
        }
        self.act(user, (story, FeedAct::Undo)).await
    }

    /// Reports a story, which hides it too.
    pub async fn report(&self, user: Uid, story: StoryId, reason: ReportReason) -> Result<bool, StoreFault> {
        self.act(user, (story, FeedAct::Report(reason))).await
    }

    /// Thumbs up, or not any more.
    pub async fn thumb(&self, user: Uid, story: StoryId, up: bool) -> Result<bool, StoreFault> {
        let act = if up { FeedAct::Thumb } else { FeedAct::Unthumb };
        self.act(user, (story, act)).await
    }

    /// Moves a preference; false when the user has not accepted the application.
    pub async fn set_slider(&self, user: Uid, app: AppId, stop: u8) -> Result<bool, StoreFault> {
        let Ok(slider) = Slider::try_from(stop) else {
            return Ok(false);
        };
        self.done(user, FeedWrite::Slide { user, app, slider }).await
    }

    /// Takes a story down, whoever's it is: text and slots go at once, its places and its weight stay (feed 1.2). False when there is
    /// no such story.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn take_down(&self, story: StoryId) -> Result<bool, StoreFault> {
        self.write_notes().await;
        self.written(FeedWrite::TakeDown(story)).await
    }

    /// Notes a click of a view. Whether its mark is genuine is seen when it is written; what does not count is left out without a
    /// word.
    pub fn clicked(&self, user: Uid, story: StoryId, mark: &str) {
        if view_of_mark(mark).is_some() {
            // When too many notes wait this one is left out: what was not noted never happened.
            let click = Note::Click {
                story,
                mark: mark.to_owned(),
            };
            if let Noted::Full(_) = self.shared.notebook.note(user, click) {
                self.shared.ports.feed_figures.bound(FeedBound::Notes);
            }
        }
    }

    /// One story of this user as it is now.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn story(&self, user: Uid, story: StoryId) -> Result<Option<PlacedStory>, StoreFault> {
        Ok(self.dressed(user, &[story]).await?.remove(&story))
    }

    pub(super) async fn act(&self, user: Uid, (story, act): (StoryId, FeedAct)) -> Result<bool, StoreFault> {
        // A view that waits comes first: its stories were shown before this act.
        self.write_notes_of(user).await;
        self.done(user, FeedWrite::Act { user, story, act }).await
    }

    /// Writes; false when what it is about does not exist.
    pub(super) async fn done(&self, user: Uid, write: FeedWrite) -> Result<bool, StoreFault> {
        let done = self.written(write).await?;
        self.shared.ports.wakes.wake(user);
        Ok(done)
    }

    async fn written(&self, write: FeedWrite) -> Result<bool, StoreFault> {
        match self.write(write).await {
            Ok(()) => Ok(true),
            Err(CommitError::Refused(Conflict::Missing)) => Ok(false),
            Err(CommitError::Refused(conflict)) => Err(StoreFault::Damaged(format!("{conflict:?}"))),
            Err(CommitError::Fault(fault)) => Err(fault),
        }
    }
}
