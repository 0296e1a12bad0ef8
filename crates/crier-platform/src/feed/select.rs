//! Which stories stand on a feed page: newest first (feed 6.1, 4.2, 4.8). Knows no HTML and no clock but the port.

use super::{FeedPage, FeedReader, Passed, SLOTS_MAX, StoryView};
use crate::model::app::App;
use crate::model::record::FeedAct;
use crate::model::story::Story;
use crate::model::time::WallMs;
use crate::ports::store::StoreFault;
use crier_proto::ids::{AppId, StoryId, Uid};
use std::collections::HashMap;
use std::sync::Arc;

/// Age at which a story leaves the feed (feed 1.2: 604,800 s).
const EXPIRY_MS: i64 = 604_800_000;
/// How long a story that was put away keeps its place as a line with an undo.
const HIDDEN_LINE_MS: i64 = 600_000;
/// Rows read at once.
const ROWS_AT_ONCE: u32 = 64;
/// Rows read for one page at most; whoever has put more than these away goes on with "More stories".
const ROWS_MAX: u32 = 1024;

/// What a row is to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Slot,
    Line,
    Hidden,
    NotWanted,
    Expired,
    Damaged,
}

/// A page in the making.
#[derive(Default)]
struct Selection {
    exempt: Vec<StoryView>,
    stories: Vec<StoryView>,
    slots: usize,
    passed: Passed,
    more_before: Option<i64>,
}

impl FeedReader {
    /// One feed page of a user, from the newest story or below a seq.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn page(&self, user: Uid, before: Option<i64>) -> Result<FeedPage, StoreFault> {
        let now = self.shared.ports.clock.wall();
        let mut apps: HashMap<AppId, Option<(Arc<App>, bool)>> = HashMap::new();
        let mut page = Selection::default();
        let (mut below, mut newest_seq, mut read) = (before, None, 0);
        loop {
            let rows = self.shared.ports.store.stories(user, below, ROWS_AT_ONCE).await?;
            let full = rows.len() >= usize::try_from(ROWS_AT_ONCE).unwrap_or(usize::MAX);
            newest_seq = newest_seq.or_else(|| rows.first().map(|story| story.seq));
            read += ROWS_AT_ONCE;
            for story in rows {
                if page.slots == SLOTS_MAX || page.exempt.len() == SLOTS_MAX {
                    page.more_before = below;
                    return Ok(page.finish(newest_seq));
                }
                below = Some(story.seq);
                let app = self.app_of(&mut apps, story.app, user).await?;
                page.take(story, app, now);
            }
            if !full {
                return Ok(page.finish(newest_seq));
            }
            if read >= ROWS_MAX {
                page.more_before = below;
                return Ok(page.finish(newest_seq));
            }
        }
    }

    /// Puts a story away or brings it back; false when the user has no such story.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn set_hidden(&self, user: Uid, story: StoryId, hidden: bool) -> Result<bool, StoreFault> {
        let act = if hidden { FeedAct::Hide } else { FeedAct::Undo };
        self.act(user, (story, act)).await
    }

    /// The application of a story that belongs to this user; `None` when the user has no such story.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn app_of_story(&self, user: Uid, story: StoryId) -> Result<Option<Arc<App>>, StoreFault> {
        let story = self.shared.ports.store.story(story).await?;
        match story.filter(|story| story.user == user) {
            Some(story) => self.shared.ports.store.app(story.app).await,
            None => Ok(None),
        }
    }

    /// An enabled application, and whether the user wants its stories; looked up once a page.
    pub(super) async fn app_of(
        &self,
        known: &mut HashMap<AppId, Option<(Arc<App>, bool)>>,
        id: AppId,
        user: Uid,
    ) -> Result<Option<(Arc<App>, bool)>, StoreFault> {
        if let Some(found) = known.get(&id) {
            return Ok(found.clone());
        }
        let app = self.shared.ports.store.app(id).await?.filter(|app| app.enabled);
        let found = match app {
            Some(app) => {
                let grant = self.shared.ports.store.grant(id, user).await?;
                Some((app, grant.is_some_and(|grant| grant.feed)))
            }
            None => None,
        };
        known.insert(id, found.clone());
        Ok(found)
    }
}

impl Selection {
    /// Gives a row its place, or counts why it has none.
    fn take(&mut self, story: Story, app: Option<(Arc<App>, bool)>, now: WallMs) {
        let wanted = app.filter(|(_, feed)| *feed || story.exempt);
        let verdict = judge(&story, wanted.is_some(), now);
        let Some((app, _)) = wanted else {
            self.passed.count(verdict);
            return;
        };
        match verdict {
            Verdict::Slot | Verdict::Line if story.exempt => {
                self.exempt.push(StoryView { story, app });
            }
            Verdict::Slot => {
                self.slots += 1;
                self.stories.push(StoryView { story, app });
            }
            Verdict::Line => self.stories.push(StoryView { story, app }),
            Verdict::Hidden | Verdict::NotWanted | Verdict::Expired | Verdict::Damaged => {
                self.passed.count(verdict);
            }
        }
    }

    fn finish(self, newest_seq: Option<i64>) -> FeedPage {
        FeedPage {
            exempt: self.exempt,
            stories: self.stories,
            more_before: self.more_before,
            newest_seq: newest_seq.unwrap_or(0),
            passed: self.passed,
        }
    }
}

impl Passed {
    fn count(&mut self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Hidden => &mut self.hidden,
            Verdict::NotWanted => &mut self.not_wanted,
            Verdict::Expired => &mut self.expired,
            Verdict::Damaged => &mut self.damaged,
            Verdict::Slot | Verdict::Line => return,
        };
        *counter = counter.saturating_add(1);
    }
}

/// The first rule that keeps a row from its place.
pub(super) fn judge(story: &Story, wanted: bool, now: WallMs) -> Verdict {
    if !super::is_canonical(story) {
        Verdict::Damaged
    } else if now.0.saturating_sub(story.published_at.0) >= EXPIRY_MS {
        Verdict::Expired
    } else if !wanted {
        Verdict::NotWanted
    } else if let Some(hidden_at) = story.hidden_at {
        let waits = now.0.saturating_sub(hidden_at.0) < HIDDEN_LINE_MS;
        if waits { Verdict::Line } else { Verdict::Hidden }
    } else {
        Verdict::Slot
    }
}
