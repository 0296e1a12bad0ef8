//! What an application's developers learn in numbers (feed 5.7): counts as they are kept, and what records tell of people's acts,
//! quality and pictures.
//!
//! Promise: counts are added to, never replaced; who has done something is counted and never named.

use super::feeds::{count, counts as quality_counts, list};
use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::{Columns, bad};

use async_trait::async_trait;
use crier_platform::model::insight::{
    Absent, Act, ActQuery, Grain, KeptCount, SlotCount, TakenDown, Unshown,
};
use crier_platform::model::job::SourceHash;
use crier_platform::model::ranking::{Bucket, QualityCounts, QualityRow};
use crier_platform::model::tally::Count;
use crier_platform::model::time::WallMs;
use crier_platform::ports::insights::Insights;
use crier_platform::ports::store::StoreFault;
use crier_proto::ids::{AppId, StoryId, Uid};

const HOUR_MS: i64 = 3_600_000;

const ADD: &str = "INSERT INTO insight (app, span, hour, series, count) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT (app, span, hour, series) DO UPDATE SET count = count + ?5";
const TRIM: &str = "DELETE FROM insight WHERE span = ?1 AND hour < ?2";
const OLD: &str = "SELECT EXISTS (SELECT 1 FROM insight WHERE span = 1 AND hour < ?1),
  EXISTS (SELECT 1 FROM insight WHERE span = 24 AND hour < ?2)";
const COUNTS: &str =
    "SELECT hour, series, count FROM insight WHERE app = ?1 AND span = ?2 AND hour >= ?3 AND hour < ?4
  ORDER BY hour, series";
const APP_HOURS: &str = "SELECT hour, shown, clicked, thumbed, hidden, reported FROM app_hour
  WHERE app = ?1 AND hour >= ?2 AND hour < ?3 ORDER BY hour";
/// Acts that were not taken back: the story still carries the moment. The list of kinds is the index's own condition.
const PEOPLE: &str = "SELECT count(*) FROM (SELECT DISTINCT feed_event.user FROM feed_event JOIN story ON story.id = feed_event.story
  WHERE feed_event.app = ?1 AND at_ms >= ?2 AND at_ms < ?3 AND feed_event.kind IN ('clicked', 'hidden', 'reported', 'thumbed')
    AND feed_event.kind = coalesce(?4, feed_event.kind) AND NOT exempt
    AND at_ms = CASE feed_event.kind WHEN 'clicked' THEN clicked_ms WHEN 'hidden' THEN hidden_ms
      WHEN 'reported' THEN reported_ms ELSE thumb_ms END
  LIMIT ?5)";
const QUALITY: &str = "SELECT hour, shown, clicked, thumbed, hidden, reported, q, bucket FROM app_bucket
  WHERE app = ?1 AND hour >= ?2 AND hour < ?3 ORDER BY hour";
const SLOTS: &str = "SELECT state, cause, count(*) FROM story_slot WHERE publisher = ?1 GROUP BY state, cause ORDER BY state, cause";
/// Of the columns beside `max`, SQLite gives those of the row that has it: the newest slot.
const ABSENT: &str = "SELECT hash, url, story_slot.state AS state, story_slot.cause AS slot_cause, max(story_slot.attempts, source.attempts) AS slot_attempts,
    source.cause AS cause, source.attempts AS attempts, due_ms, source.app AS app, count(*) AS slots, refetches, max(story) AS newest
  FROM story_slot JOIN source ON source.hash = story_slot.source
  WHERE story_slot.publisher = ?1 AND story_slot.state IN ('pending', 'failed')
  GROUP BY hash, story_slot.state ORDER BY newest DESC, state LIMIT ?2";
const FAILED: &str =
    "SELECT story, slot FROM story_slot WHERE publisher = ?1 AND source = ?2 AND state = 'failed'
  ORDER BY story DESC, slot LIMIT ?3";
const READERS: &str = "SELECT user FROM feed_window WHERE app = ?1 ORDER BY last_ms DESC, user LIMIT ?2";
const UNSHOWN: &str = "SELECT id, blanked_ms IS NOT NULL FROM story
  WHERE user = ?1 AND app = ?2 AND first_shown_ms IS NULL AND NOT exempt ORDER BY seq";

const TAKEN_DOWN: &str =
    "SELECT id, published_ms, blanked_ms FROM story WHERE app = ?1 AND blanked_by = 'takedown'
  ORDER BY blanked_ms DESC, id DESC LIMIT ?2";

impl Pen<'_> {
    /// `Write::Count`: each into its hour and its day.
    pub(super) fn add_counts(&self, rows: &[Count]) -> Result<(), Halt> {
        for row in rows {
            if self
                .find::<i64>("SELECT 1 FROM app WHERE id = ?1", [row.app.get()])?
                .is_none()
            {
                continue;
            }
            let (series, more) = (
                row.series.to_string(),
                i64::try_from(row.more).unwrap_or(i64::MAX),
            );
            for grain in [Grain::Hour, Grain::Day] {
                let span = grain.hours();
                let begins = row.hour - row.hour.rem_euclid(span);
                self.run(ADD, (row.app.get(), span, begins, &series, more))?;
            }
        }
        Ok(())
    }

    /// `Write::TrimCounts`.
    pub(super) fn trim_counts(&self, grain: Grain, before: i64) -> Result<(), Halt> {
        self.run(TRIM, (grain.hours(), before)).map(drop)
    }
}

#[async_trait]
impl Insights for SqliteStore {
    async fn counts(
        &self,
        app: AppId,
        grain: Grain,
        (from, to): (i64, i64),
    ) -> Result<Vec<KeptCount>, StoreFault> {
        self.readers().read(|connection| {
            list(
                connection,
                (COUNTS, (app.get(), grain.hours(), from, to)),
                |row| {
                    Ok(KeptCount {
                        hour: row.get(0)?,
                        series: row.get(1)?,
                        count: count(row, 2)?,
                    })
                },
            )
        })
    }

    async fn app_hours(
        &self,
        app: AppId,
        (from, to): (i64, i64),
    ) -> Result<Vec<(i64, QualityCounts)>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (APP_HOURS, (app.get(), from, to)), |row| {
                Ok((row.get(0)?, quality_counts(row, 1)?))
            })
        })
    }

    async fn people_who_acted(&self, query: ActQuery, most: u32) -> Result<u32, StoreFault> {
        let at = |hour: i64| hour.saturating_mul(HOUR_MS);
        let kind = query.act.map(Act::word);
        let params = (query.app.get(), at(query.from), at(query.to), kind, most);
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(PEOPLE)?;
            statement.query_row(params, |row| row.get(0))
        })
    }

    async fn quality_rows(
        &self,
        app: AppId,
        (from, to): (i64, i64),
    ) -> Result<Vec<(i64, QualityRow)>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (QUALITY, (app.get(), from, to)), |row| {
                let quality = QualityRow {
                    counts: quality_counts(row, 1)?,
                    q: row.get("q")?,
                    bucket: Bucket::new(row.get("bucket")?).ok_or_else(|| bad("a bucket"))?,
                };
                Ok((row.get(0)?, quality))
            })
        })
    }

    async fn slots_by_state(&self, app: AppId) -> Result<Vec<SlotCount>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (SLOTS, [app.get()]), |row| {
                Ok(SlotCount {
                    state: row.get(0)?,
                    cause: row.get(1)?,
                    slots: count(row, 2)?,
                })
            })
        })
    }

    async fn absent_pictures(&self, app: AppId, limit: u32) -> Result<Vec<Absent>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (ABSENT, (app.get(), limit)), |row| {
                let waits = row.get_ref("state")?.as_str()? == "pending";
                let (cause, attempts) = if waits {
                    ("cause", "attempts")
                } else {
                    ("slot_cause", "slot_attempts")
                };
                Ok(Absent {
                    source: SourceHash(row.get("hash")?),
                    url: row.get("url")?,
                    waits,
                    cause: row.get(cause)?,
                    attempts: row.get(attempts)?,
                    due: if waits {
                        row.get::<_, Option<i64>>("due_ms")?
                    } else {
                        None
                    }
                    .map(WallMs),
                    charged: row.app("app")?,
                    slots: row.get::<_, i64>("slots")?.unsigned_abs(),
                    refetches: row.get("refetches")?,
                })
            })
        })
    }

    async fn taken_down(&self, app: AppId, limit: u32) -> Result<Vec<TakenDown>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (TAKEN_DOWN, (app.get(), limit)), |row| {
                Ok(TakenDown {
                    story: StoryId::new(row.get(0)?).ok_or_else(|| bad("a story's number"))?,
                    published_at: WallMs(row.get(1)?),
                    at: WallMs(row.get(2)?),
                })
            })
        })
    }

    async fn failed_slots(
        &self,
        app: AppId,
        source: SourceHash,
        limit: u32,
    ) -> Result<Vec<(StoryId, u8)>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (FAILED, (app.get(), source.0, limit)), |row| {
                let story = StoryId::new(row.get(0)?).ok_or_else(|| bad("a story's number"))?;
                Ok((story, row.get(1)?))
            })
        })
    }

    async fn story_readers(&self, app: AppId, limit: u32) -> Result<Vec<Uid>, StoreFault> {
        self.readers()
            .read(|connection| list(connection, (READERS, (app.get(), limit)), |row| row.user("user")))
    }

    async fn unshown(&self, app: AppId, user: Uid) -> Result<Vec<Unshown>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (UNSHOWN, (user.get(), app.get())), |row| {
                Ok(Unshown {
                    story: StoryId::new(row.get(0)?).ok_or_else(|| bad("a story's number"))?,
                    blanked: row.get(1)?,
                })
            })
        })
    }

    async fn has_old_counts(&self, hours: i64, days: i64) -> Result<(bool, bool), StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(OLD)?;
            statement.query_row((hours, days), |row| Ok((row.get(0)?, row.get(1)?)))
        })
    }
}
