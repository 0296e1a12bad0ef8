//! A record as lines: all that a feed page was computed from (feed 8.6). What is written out here can be replayed (9.4).

use super::FeedReader;
use super::reading::{judged, line_of};
use crate::model::record::View;
use crate::model::record_line::{BucketLine, ConfigLine, RecordLine};
use crate::ports::store::StoreFault;
use crier_proto::ids::{AppId, Uid};
use std::collections::BTreeSet;

const HOUR_SECS: i64 = 3_600;

impl FeedReader {
    /// A user's record: configurations, quality rows of the applications in it, stories and events, views. Texts only when asked
    /// for; of a story that is blanked there is none.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn export(&self, user: Uid, with_text: bool) -> Result<Vec<RecordLine>, StoreFault> {
        // Views first: whatever they saw is in the record that is read after them.
        let views = self.shared.ports.store.feed_views(user).await?;
        let past = self.shared.ports.store.feed_past(user, i64::MAX).await?;
        let mut lines = Vec::new();
        let versions: BTreeSet<u32> = views.iter().map(|view| view.version).collect();
        for version in versions {
            let config = self.ranking_of(version).await?;
            lines.push(RecordLine::Config(Box::new(ConfigLine::from(&*config))));
        }
        lines.extend(self.buckets(&views, &apps_of(&past)).await?);
        lines.extend(past.into_iter().map(|line| dressed(line, with_text)));
        lines.extend(views.iter().map(|view| RecordLine::View(line_of(view))));
        Ok(lines)
    }

    /// The quality rows that these views were ranked by.
    async fn buckets(&self, views: &[View], apps: &BTreeSet<AppId>) -> Result<Vec<RecordLine>, StoreFault> {
        let hours: BTreeSet<i64> = views
            .iter()
            .map(|view| view.moment_secs.div_euclid(HOUR_SECS))
            .collect();
        let mut lines = Vec::new();
        for hour in hours {
            let rows = self.hour(hour).await?;
            let known = rows.rows.iter().filter(|(app, _)| apps.contains(app));
            lines.extend(known.map(|(app, row)| {
                RecordLine::Bucket(BucketLine {
                    app: *app,
                    hour,
                    row: *row,
                })
            }));
        }
        Ok(lines)
    }
}

/// Applications with a story in a record.
fn apps_of(lines: &[RecordLine]) -> BTreeSet<AppId> {
    let app = |line: &RecordLine| match line {
        RecordLine::Story(story) => Some(story.app),
        RecordLine::Event(_) | RecordLine::Config(_) | RecordLine::Bucket(_) | RecordLine::View(_) => None,
    };
    lines.iter().filter_map(app).collect()
}

/// A line as it is written out: judged, and with its text when that is wanted and there.
fn dressed(line: RecordLine, with_text: bool) -> RecordLine {
    let text = match &line {
        RecordLine::Story(story) if with_text => story
            .title
            .clone()
            .filter(|title| !title.is_empty())
            .map(|title| (title, story.body.clone())),
        RecordLine::Story(_)
        | RecordLine::Event(_)
        | RecordLine::Config(_)
        | RecordLine::Bucket(_)
        | RecordLine::View(_) => None,
    };
    let mut line = judged(line);
    if let (RecordLine::Story(story), Some((title, body))) = (&mut line, text) {
        (story.title, story.body) = (Some(title), body);
    }
    line
}
