//! What is new on a page that speaks up to a seq (feed 6.8): read from the books when it is asked.

use super::select::{Verdict, judge};
use super::wakes::Wakes;
use super::{FeedReader, StoreFault};
use crier_proto::ids::Uid;
use std::collections::HashMap;

/// Rows read at once.
const ROWS_AT_ONCE: u32 = 64;
/// Rows read for one answer at most: beyond that "new" stays at what was counted.
const ROWS_MAX: u32 = 1_024;

/// What is new above a seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct News {
    /// The newest seq of the record.
    pub w: i64,
    /// Stories above the asked seq that would be shown.
    pub new: u32,
}

impl FeedReader {
    /// Wake-ups whenever this person's feed may have changed: a story, an act, a picture, an acceptance, a log out.
    #[must_use]
    pub fn wakes(&self, user: Uid) -> Wakes {
        self.ports.wakes.of(user)
    }

    /// What is new above `after`.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn news(&self, user: Uid, after: i64) -> Result<News, StoreFault> {
        let now = self.ports.clock.wall();
        let mut apps = HashMap::new();
        let (mut news, mut below, mut read) = (News::default(), None, 0);
        loop {
            let rows = self.ports.store.stories(user, below, ROWS_AT_ONCE).await?;
            let full = rows.len() >= usize::try_from(ROWS_AT_ONCE).unwrap_or(usize::MAX);
            news.w = news.w.max(rows.first().map_or(0, |story| story.seq));
            read += ROWS_AT_ONCE;
            let older = rows.last().is_none_or(|story| story.seq <= after);
            below = rows.last().map(|story| story.seq);
            for story in rows.into_iter().filter(|story| story.seq > after) {
                let app = self.app_of(&mut apps, story.app, user).await?;
                let wanted = app.is_some_and(|(_, feed)| feed || story.exempt);
                if judge(&story, wanted, now) == Verdict::Slot {
                    news.new += 1;
                }
            }
            if older || !full || read >= ROWS_MAX {
                return Ok(news);
            }
        }
    }
}
