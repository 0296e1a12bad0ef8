//! What becomes of an application's stories that nobody has seen, if their reader opens the feed now (feed 5.1, 5.7).

use super::FeedReader;
use super::verdict::verdict_of;
use crate::model::ranking::QualityRow;
use crate::ports::store::StoreFault;
use crier_proto::ids::{AppId, Uid};

impl FeedReader {
    /// The verdict's name of each of them.
    ///
    /// # Errors
    /// When the books fail.
    pub(crate) async fn unshown(&self, app: AppId, reader: Uid) -> Result<Vec<&'static str>, StoreFault> {
        let unshown = self.shared.ports.store.unshown(app, reader).await?;
        if unshown.is_empty() {
            return Ok(Vec::new());
        }
        let reading = self.now(reader).await?;
        let ranked = reading.ranked(1);
        let snapshot = reading.snapshot();
        let verdicts = unshown.iter().map(|unshown| {
            let story = reading.story(unshown.story);
            match story {
                Some(story) => verdict_of(&snapshot, &ranked, story).name(),
                // Memory has let it go by its age.
                None if unshown.blanked => "blanked",
                None => "expired",
            }
        });
        Ok(verdicts.collect())
    }

    /// The quality row of an application in an hour since 1970, computed now if nobody has.
    ///
    /// # Errors
    /// When the books fail.
    pub(crate) async fn quality_of(&self, app: AppId, hour: i64) -> Result<Option<QualityRow>, StoreFault> {
        let rows = self.hour(hour).await?;
        let found = rows.rows.binary_search_by_key(&app, |(known, _)| *known);
        Ok(found.ok().and_then(|at| rows.rows.get(at)).map(|(_, row)| *row))
    }
}
