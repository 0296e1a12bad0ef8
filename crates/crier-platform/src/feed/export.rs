//! A record as lines: all that a feed page was computed from (feed 8.6). What is written out here can be replayed (9.4).

use super::FeedReader;
use super::reading::{judged, line_of};
use crate::model::record_line::{BucketLine, ConfigLine, RecordLine};
use crate::ports::store::StoreFault;
use crier_proto::ids::Uid;
use std::collections::BTreeSet;

const HOUR_SECS: i64 = 3_600;

impl FeedReader {
    /// A user's record: configurations, quality rows, stories and events, views. Texts only when asked for.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn export(&self, user: Uid, with_text: bool) -> Result<Vec<RecordLine>, StoreFault> {
        let views = self.shared.ports.store.feed_views(user).await?;
        let mut lines = Vec::new();
        let versions: BTreeSet<u32> = views.iter().map(|view| view.version).collect();
        for version in versions {
            let config = self.ranking_of(version).await?;
            lines.push(RecordLine::Config(Box::new(ConfigLine::from(&*config))));
        }
        let hours: BTreeSet<i64> = views
            .iter()
            .map(|view| view.moment_secs.div_euclid(HOUR_SECS))
            .collect();
        for hour in hours {
            let rows = self.hour(hour).await?;
            lines.extend(rows.rows.iter().map(|(app, row)| {
                RecordLine::Bucket(BucketLine {
                    app: *app,
                    hour,
                    row: *row,
                })
            }));
        }
        for line in self.shared.ports.store.feed_past(user, i64::MAX).await? {
            let text = match &line {
                RecordLine::Story(story) if with_text => Some((story.title.clone(), story.body.clone())),
                RecordLine::Story(_)
                | RecordLine::Event(_)
                | RecordLine::Config(_)
                | RecordLine::Bucket(_)
                | RecordLine::View(_) => None,
            };
            let mut line = judged(line);
            if let (RecordLine::Story(story), Some((title, body))) = (&mut line, text) {
                (story.title, story.body) = (title, body);
            }
            lines.push(line);
        }
        lines.extend(views.iter().map(|view| RecordLine::View(line_of(view))));
        Ok(lines)
    }
}
