//! Records of the News Feed as they are read (feed 8.1). What is written stands in `record`.
//!
//! Promise: what is read together is of one moment. A row that is no story or event any more is told as damaged, never guessed.

use super::open::SqliteStore;
use super::rows::{Columns, bad};
use super::stories::{self, story_columns};
use async_trait::async_trait;
use crier_platform::model::ranking::{Acts, Bucket, QualityCounts, QualityRow, Slider};
use crier_platform::model::record::{
    FeedAddress, FeedCounts, FeedHead, FeedState, HourRows, KeptRanking, KeptSince, OlderStories, Overdue,
    PastQuery, PastStories, StateQuery, View,
};
use crier_platform::model::record_line::{EventLine, LineEvent, LineReason, RecordLine, StoryLine};
use crier_platform::model::story::Story;
use crier_platform::model::time::WallMs;
use crier_platform::ports::feeds::{Feeds, Rankings};
use crier_platform::ports::store::StoreFault;
use crier_proto::ids::{AppId, StoryId, Uid};
use rusqlite::{Connection, OptionalExtension, Params, Row};

const HEAD: &str = "SELECT last_seq, last_view, record FROM feed_head WHERE user = ?1";
/// The number that a record would begin with now.
const NEXT_RECORD: &str = "SELECT last FROM counter WHERE name = 'feed_record'";
const STORIES: &str = "SELECT seq, id, app, published_ms, priority, exempt, title, body, kind FROM story
  WHERE user = ?1 AND seq > ?2 AND seq <= ?3 AND published_ms > ?4 ORDER BY seq";
const EVENTS: &str = "SELECT seq, at_ms, kind, app, story, view, value FROM feed_event
  WHERE user = ?1 AND seq > ?2 AND seq <= ?3 AND (?4 OR kind <> 'shown') ORDER BY seq";
/// Stories by number: those that people did something with from a moment on, and one more; which alone comes with its text.
const ACTED_ON: &str = "SELECT seq, id, app, published_ms, priority, exempt, iif(id IS ?4, title, '') AS title,
    iif(id IS ?4, body, NULL) AS body, kind FROM story
  WHERE user = ?1 AND seq <= ?2 AND id IN (SELECT ?4 UNION ALL
    SELECT story FROM feed_event INDEXED BY feed_event_done WHERE user = ?1 AND seq <= ?2 AND at_ms >= ?3 AND story IS NOT NULL
      AND kind IN ('clicked', 'hidden', 'reported', 'undone', 'thumbed', 'unthumbed', 'slider', 'switched', 'granted', 'withdrawn'))";
/// What people did: little beside what was shown to them.
const DONE: &str = "SELECT seq, at_ms, kind, app, story, view, value FROM feed_event INDEXED BY feed_event_done
  WHERE user = ?1 AND seq <= ?2
    AND kind IN ('clicked', 'hidden', 'reported', 'undone', 'thumbed', 'unthumbed', 'slider', 'switched', 'granted', 'withdrawn')";
/// What happened to stories without anybody of the feed.
const HAPPENED: &str = "SELECT seq, at_ms, kind, app, story, view, value FROM feed_event
  WHERE user = ?1 AND seq <= ?2 AND seq > ?3 AND kind IN ('picture_ready', 'picture_removed', 'blanked')";
const GRANTS: &str = "SELECT app, feed FROM \"grant\" WHERE user = ?1";
const SLIDERS: &str = "SELECT app, slider FROM feed_preference WHERE user = ?1";
const ACTS: &str = "SELECT app, sum(clicked), sum(thumbed), sum(hidden), sum(reported) FROM user_app_day
  WHERE user = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY app";
const MISSED: &str = "SELECT app, missed FROM feed_missed WHERE user = ?1";
const VIEW: &str = "SELECT * FROM feed_view WHERE user = ?1 AND number = ?2";
const VIEWS: &str = "SELECT * FROM feed_view WHERE user = ?1 ORDER BY number";
const LAST_VIEW: &str = "SELECT * FROM feed_view WHERE user = ?1 ORDER BY number DESC LIMIT 1";
const STORY: &str = concat!(
    "SELECT ",
    story_columns!(),
    " FROM story WHERE id = ?1 AND user = ?2"
);
const PUT_AWAY: &str = concat!(
    "SELECT ",
    story_columns!(),
    " FROM story WHERE user = ?1 AND published_ms > ?2
  AND (hidden_ms IS NOT NULL OR reported_ms IS NOT NULL) AND blanked_ms IS NULL
  ORDER BY max(coalesce(hidden_ms, 0), coalesce(reported_ms, 0)) DESC, seq DESC"
);
const REPORTED: &str = concat!(
    "SELECT ",
    story_columns!(),
    " FROM story WHERE reported IS NOT NULL AND blanked_ms IS NULL ORDER BY reported_ms DESC LIMIT ?1"
);
const OLDER: &str = "SELECT count(*), count(blanked_ms) FROM story WHERE user = ?1 AND published_ms <= ?2";
const COUNTS: &str =
    "SELECT app, count(*), count(first_shown_ms), count(clicked_ms), count(thumb_ms), count(hidden_ms),
    count(reported_ms) FROM story WHERE user = ?1 AND published_ms > ?2 GROUP BY app";
const RANKINGS: &str = "SELECT version, text, since_ms FROM ranking_config ORDER BY version";
const HOUR: &str = "SELECT 1 FROM bucket_hour WHERE hour = ?1";
const HOUR_ROWS: &str = "SELECT app, shown, clicked, thumbed, hidden, reported, q, bucket FROM app_bucket
  WHERE hour = ?1 ORDER BY app";
const HOUR_COUNTS: &str = "SELECT app, sum(shown), sum(clicked), sum(thumbed), sum(hidden), sum(reported)
  FROM app_hour WHERE hour >= ?1 AND hour < ?2 GROUP BY app ORDER BY app";
/// Stories above the last blanked one, by number: the first of them is the oldest.
const OVERDUE: &str = "SELECT
  coalesce((SELECT published_ms < ?1 FROM story WHERE id > (SELECT last FROM counter WHERE name = 'blanked_story')
    ORDER BY id LIMIT 1), 0),
  EXISTS (SELECT 1 FROM feed_view WHERE at_ms < ?2),
  EXISTS (SELECT 1 FROM erased_app WHERE erased_ms < ?3)";
const ADDRESSES: &str = "SELECT * FROM feed_address WHERE user = ?1 ORDER BY number";
const ADDRESS: &str = "SELECT * FROM feed_address WHERE token = ?1";

pub(super) fn list<T>(
    connection: &Connection,
    (sql, params): (&str, impl Params),
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(params, read)?.collect()
}

/// Rows that can be read; one that is damaged is set aside under its number, and the rest is served (feed 8.5).
fn sound<T>(
    store: &SqliteStore,
    (connection, sql, params): (&Connection, &str, impl Params),
    (table, number): (&'static str, &str),
    mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut sound = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(read) => sound.push(read),
            Err(error) if error.sqlite_error_code().is_some() => return Err(error),
            Err(error) => store.set_aside((table, row.get(number).unwrap_or(0)), &error),
        }
    }
    Ok(sound)
}

fn slider(row: &Row<'_>) -> rusqlite::Result<Slider> {
    let stop: u8 = row.get(1)?;
    Slider::try_from(stop).map_err(|_| bad("a slider's stop"))
}

/// A count; one below zero would be damage, and counts as none.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

pub(super) fn counts(row: &Row<'_>, first: usize) -> rusqlite::Result<QualityCounts> {
    Ok(QualityCounts {
        shown: count(row, first)?,
        clicked: count(row, first + 1)?,
        thumbed: count(row, first + 2)?,
        hidden: count(row, first + 3)?,
        reported: count(row, first + 4)?,
    })
}

/// A story's line, of a row of `STORIES` or `ACTED_ON`. A row that cannot be read as one is a damaged story, so that it has its
/// verdict (feed 8.5).
fn story(row: &Row<'_>) -> rusqlite::Result<RecordLine> {
    let id = StoryId::new(row.get(1)?).ok_or_else(|| bad("a story's number"))?;
    let (seq, app) = (row.get(0)?, row.app(2)?);
    let damaged = || StoryLine {
        seq,
        story: id,
        app,
        published_ms: WallMs(0),
        priority: None,
        exempt: false,
        has_body: false,
        damaged: true,
        title: None,
        body: None,
    };
    let read = || -> rusqlite::Result<StoryLine> {
        if row.get_ref(8)?.as_str()? != "story" {
            return Err(bad("a kind of story"));
        }
        let body: Option<String> = row.get(7)?;
        Ok(StoryLine {
            published_ms: row.wall(3)?,
            priority: row.get(4)?,
            exempt: row.get(5)?,
            has_body: body.is_some(),
            damaged: false,
            title: row.get(6)?,
            body,
            ..damaged()
        })
    };
    match read() {
        Ok(line) => Ok(RecordLine::Story(Box::new(line))),
        Err(error) if error.sqlite_error_code().is_some() => Err(error),
        Err(_) => Ok(RecordLine::Story(Box::new(damaged()))),
    }
}

/// A line of a row of `EVENTS`, `DONE` or `HAPPENED`.
fn event(row: &Row<'_>) -> rusqlite::Result<RecordLine> {
    let number: Option<i64> = row.get(4)?;
    let value = row.get_ref(6)?.as_str_or_null()?.unwrap_or_default();
    let slot = || {
        let digits = value.split(' ').next().unwrap_or_default();
        digits.parse::<u8>().map_err(|_| bad("a slot"))
    };
    let event = match row.get_ref(2)?.as_str()? {
        "shown" => LineEvent::Shown,
        "clicked" => LineEvent::Clicked,
        "hidden" => LineEvent::Hidden,
        "undone" => LineEvent::Undone,
        "reported" => LineEvent::Reported {
            reason: match value {
                "spam" => LineReason::Spam,
                "offensive" => LineReason::Offensive,
                "not_mine" => LineReason::NotMine,
                _ => LineReason::Other,
            },
        },
        "thumbed" => LineEvent::Thumbed,
        "unthumbed" => LineEvent::Unthumbed,
        "slider" => {
            let stop = value
                .parse::<u8>()
                .ok()
                .and_then(|stop| Slider::try_from(stop).ok());
            LineEvent::Slider {
                stop: stop.ok_or_else(|| bad("a slider's stop"))?,
            }
        }
        "switched" => LineEvent::Switched { on: value == "on" },
        "granted" => LineEvent::Granted,
        "withdrawn" => LineEvent::Withdrawn,
        "picture_ready" => LineEvent::PictureReady { slot: slot()? },
        "picture_removed" => LineEvent::PictureRemoved { slot: slot()? },
        "blanked" => LineEvent::Blanked,
        _ => return Err(bad("a kind of event")),
    };
    Ok(RecordLine::Event(EventLine {
        seq: row.get(0)?,
        at_ms: row.wall(1)?,
        event,
        app: row.app(3)?,
        story: number.and_then(StoryId::new),
        view: row.get(5)?,
    }))
}

const fn seq_of(line: &RecordLine) -> i64 {
    match line {
        RecordLine::Story(story) => story.seq,
        RecordLine::Event(event) => event.seq,
        RecordLine::Config(_) | RecordLine::Bucket(_) | RecordLine::View(_) => 0,
    }
}

/// Lines of stories; a damaged one is told.
fn stories(store: &SqliteStore, rows: (&Connection, &str, impl Params)) -> rusqlite::Result<Vec<RecordLine>> {
    let lines = sound(store, rows, ("story", "id"), story)?;
    for line in &lines {
        if let RecordLine::Story(story) = line
            && story.damaged
        {
            store.set_aside(("story", story.story.get()), &"it is no story");
        }
    }
    Ok(lines)
}

/// What ranking looks at of a record up to a place, in order; `None` when it is another record than is known.
fn past(
    store: &SqliteStore,
    connection: &Connection,
    query: &PastQuery,
) -> rusqlite::Result<Option<Vec<RecordLine>>> {
    let (user, upto) = (query.user.get(), query.upto);
    let (mut lines, mut from) = match query.stories {
        PastStories::After(moment) => {
            let lines = stories(store, (connection, STORIES, (user, 0, upto, moment.0)))?;
            let from = lines.first().map_or(upto, seq_of);
            (lines, from)
        }
        PastStories::Known { record, .. } if record != head_of(connection, query.user)?.record => {
            return Ok(None);
        }
        PastStories::Known { from, .. } => (Vec::new(), from),
    };
    let also = query.also.map(StoryId::get);
    let acted_on = (connection, ACTED_ON, (user, upto, query.acts_from.0, also));
    let acted_on = stories(store, acted_on)?;
    let is_asked =
        |line: &&RecordLine| matches!(line, RecordLine::Story(story) if Some(story.story) == query.also);
    if let Some(asked) = acted_on.iter().find(is_asked) {
        from = from.min(seq_of(asked));
    }
    lines.extend(acted_on);
    let number = ("feed_event", "seq");
    lines.extend(sound(store, (connection, DONE, (user, upto)), number, event)?);
    lines.extend(sound(
        store,
        (connection, HAPPENED, (user, upto, from)),
        number,
        event,
    )?);
    lines.sort_by_key(seq_of);
    lines.dedup_by_key(|line| seq_of(line));
    Ok(Some(lines))
}

/// Stories and events above one place up to another, in order.
fn lines(
    (store, connection): (&SqliteStore, &Connection),
    (user, after, upto): (Uid, i64, i64),
    (stories_after, with_shown): (WallMs, bool),
) -> rusqlite::Result<Vec<RecordLine>> {
    if after >= upto {
        return Ok(Vec::new());
    }
    let user = user.get();
    let mut lines = stories(store, (connection, STORIES, (user, after, upto, stories_after.0)))?;
    let events = (connection, EVENTS, (user, after, upto, with_shown));
    lines.extend(sound(store, events, ("feed_event", "seq"), event)?);
    lines.sort_by_key(seq_of);
    Ok(lines)
}

fn view(row: &Row<'_>) -> rusqlite::Result<View> {
    let text = |column: &str| row.get::<_, String>(column);
    let ids = |column: &str| -> rusqlite::Result<Vec<StoryId>> {
        let numbers: Vec<i64> = serde_json::from_str(&text(column)?).map_err(|_| bad("a list of stories"))?;
        numbers
            .into_iter()
            .map(|number| StoryId::new(number).ok_or_else(|| bad("a story's number")))
            .collect()
    };
    let missed: Vec<(i64, u32)> =
        serde_json::from_str(&text("missed")?).map_err(|_| bad("a list of misses"))?;
    let missed = missed
        .into_iter()
        .map(|(app, missed)| Some((AppId::new(app)?, missed)))
        .collect::<Option<_>>()
        .ok_or_else(|| bad("an application's number"))?;
    Ok(View {
        user: row.user("user")?,
        number: row.get("number")?,
        at: row.wall("at_ms")?,
        moment_secs: row.get("moment")?,
        seq: row.get("seq")?,
        version: row.get("version")?,
        missed,
        exempt: ids("exempt")?,
        shown: ids("shown")?,
        pages: row.get("pages")?,
    })
}

fn address(row: &Row<'_>) -> rusqlite::Result<FeedAddress> {
    Ok(FeedAddress {
        number: row.get("number")?,
        user: row.user("user")?,
        label: row.get("label")?,
        created_at: row.wall("created_ms")?,
        used_at: row.get::<_, Option<i64>>("used_ms")?.map(WallMs),
    })
}

/// Where a record stands; one that is not begun would begin like this.
fn head_of(connection: &Connection, user: Uid) -> rusqlite::Result<FeedHead> {
    let read = |row: &Row<'_>| {
        Ok(FeedHead {
            last_seq: row.get(0)?,
            last_view: row.get(1)?,
            record: row.get(2)?,
        })
    };
    let mut statement = connection.prepare_cached(HEAD)?;
    match statement.query_row([user.get()], read).optional()? {
        Some(head) => Ok(head),
        None => Ok(FeedHead {
            record: connection
                .prepare_cached(NEXT_RECORD)?
                .query_row([], |row| row.get(0))?,
            ..FeedHead::default()
        }),
    }
}

/// Reads within one transaction: what a writer commits meanwhile is not half seen.
fn at_one_moment<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    if !connection.is_autocommit() {
        return work(connection);
    }
    let transaction = connection.unchecked_transaction()?;
    let read = work(&transaction)?;
    transaction.finish()?;
    Ok(read)
}

#[async_trait]
impl Feeds for SqliteStore {
    async fn feed_state(&self, query: StateQuery) -> Result<FeedState, StoreFault> {
        let user = query.user.get();
        self.readers().read(|connection| {
            at_one_moment(connection, |connection| {
                let head = head_of(connection, query.user)?;
                let span = (query.user, query.after, head.last_seq);
                Ok(FeedState {
                    head,
                    lines: lines((self, connection), span, (query.stories_after, false))?,
                    grants: list(connection, (GRANTS, [user]), |row| Ok((row.app(0)?, row.get(1)?)))?,
                    sliders: list(connection, (SLIDERS, [user]), |row| {
                        Ok((row.app(0)?, slider(row)?))
                    })?,
                    acts: list(connection, (ACTS, (user, query.acts.0, query.acts.1)), |row| {
                        let acts = Acts {
                            clicks: row.get(1)?,
                            thumbs: row.get(2)?,
                            hides: row.get(3)?,
                            reports: row.get(4)?,
                        };
                        Ok((row.app(0)?, acts))
                    })?,
                    missed: list(connection, (MISSED, [user]), |row| Ok((row.app(0)?, row.get(1)?)))?,
                })
            })
        })
    }

    async fn feed_past(&self, user: Uid, upto: i64) -> Result<Vec<RecordLine>, StoreFault> {
        self.readers().read(|connection| {
            at_one_moment(connection, |connection| {
                lines((self, connection), (user, 0, upto), (WallMs(i64::MIN), true))
            })
        })
    }

    async fn feed_at(&self, query: PastQuery) -> Result<Option<Vec<RecordLine>>, StoreFault> {
        self.readers()
            .read(|connection| at_one_moment(connection, |connection| past(self, connection, &query)))
    }

    async fn feed_views(&self, user: Uid) -> Result<Vec<View>, StoreFault> {
        self.readers().read(|connection| {
            sound(
                self,
                (connection, VIEWS, [user.get()]),
                ("feed_view", "number"),
                view,
            )
        })
    }

    async fn feed_view(&self, user: Uid, number: Option<i64>) -> Result<Option<View>, StoreFault> {
        let number_of = ("feed_view", "number");
        let found = self.readers().read(|connection| match number {
            Some(number) => sound(self, (connection, VIEW, (user.get(), number)), number_of, view),
            None => sound(self, (connection, LAST_VIEW, [user.get()]), number_of, view),
        })?;
        Ok(found.into_iter().next())
    }

    async fn feed_stories(&self, user: Uid, ids: &[StoryId]) -> Result<Vec<Story>, StoreFault> {
        self.readers().read(|connection| {
            at_one_moment(connection, |connection| {
                let mut statement = connection.prepare_cached(STORY)?;
                let mut stories = Vec::with_capacity(ids.len());
                for id in ids {
                    let mut rows = statement.query((id.get(), user.get()))?;
                    let Some(row) = rows.next()? else { continue };
                    match stories::read(connection, row) {
                        Ok(story) => stories.push(story),
                        Err(error) if error.sqlite_error_code().is_some() => return Err(error),
                        Err(error) => self.set_aside(("story", id.get()), &error),
                    }
                }
                Ok(stories)
            })
        })
    }

    async fn put_away(&self, user: Uid, since: WallMs) -> Result<Vec<Story>, StoreFault> {
        self.readers().read(|connection| {
            let rows = (connection, PUT_AWAY, (user.get(), since.0));
            sound(self, rows, ("story", "id"), |row| stories::read(connection, row))
        })
    }

    async fn reported(&self, limit: u32) -> Result<Vec<Story>, StoreFault> {
        self.readers().read(|connection| {
            let rows = (connection, REPORTED, [limit]);
            sound(self, rows, ("story", "id"), |row| stories::read(connection, row))
        })
    }

    async fn older_stories(&self, user: Uid, before: WallMs) -> Result<OlderStories, StoreFault> {
        self.readers().read(|connection| {
            connection
                .prepare_cached(OLDER)?
                .query_row((user.get(), before.0), |row| {
                    let (all, blanked) = (count(row, 0)?, count(row, 1)?);
                    Ok(OlderStories {
                        expired: all - blanked,
                        blanked,
                    })
                })
        })
    }

    async fn feed_counts(&self, user: Uid, since: WallMs) -> Result<Vec<(AppId, FeedCounts)>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (COUNTS, (user.get(), since.0)), |row| {
                let counts = FeedCounts {
                    published: count(row, 1)?,
                    shown: count(row, 2)?,
                    clicked: count(row, 3)?,
                    thumbed: count(row, 4)?,
                    hidden: count(row, 5)?,
                    reported: count(row, 6)?,
                };
                Ok((row.app(0)?, counts))
            })
        })
    }
}

#[async_trait]
impl Rankings for SqliteStore {
    async fn rankings(&self) -> Result<Vec<KeptRanking>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (RANKINGS, []), |row| {
                Ok(KeptRanking {
                    version: row.get(0)?,
                    text: row.get(1)?,
                    since: WallMs(row.get(2)?),
                })
            })
        })
    }

    async fn hour_rows(&self, hour: i64) -> Result<Option<HourRows>, StoreFault> {
        self.readers().read(|connection| {
            at_one_moment(connection, |connection| {
                let known: Option<i64> = connection
                    .prepare_cached(HOUR)?
                    .query_row([hour], |row| row.get(0))
                    .optional()?;
                if known.is_none() {
                    return Ok(None);
                }
                let rows = list(connection, (HOUR_ROWS, [hour]), |row| {
                    let bucket = Bucket::new(row.get("bucket")?).ok_or_else(|| bad("a bucket"))?;
                    let row_of = QualityRow {
                        counts: counts(row, 1)?,
                        q: row.get("q")?,
                        bucket,
                    };
                    Ok((row.app(0)?, row_of))
                })?;
                Ok(Some(HourRows { hour, rows }))
            })
        })
    }

    async fn hour_counts(&self, from: i64, to: i64) -> Result<Vec<(AppId, QualityCounts)>, StoreFault> {
        self.readers().read(|connection| {
            list(connection, (HOUR_COUNTS, (from, to)), |row| {
                Ok((row.app(0)?, counts(row, 1)?))
            })
        })
    }

    async fn is_overdue(&self, before: KeptSince) -> Result<Overdue, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(OVERDUE)?;
            let moments = (before.texts.0, before.views.0, before.tombstones.0);
            statement.query_row(moments, |row| {
                Ok(Overdue {
                    texts: row.get(0)?,
                    views: row.get(1)?,
                    tombstones: row.get(2)?,
                })
            })
        })
    }

    async fn feed_addresses(&self, user: Uid) -> Result<Vec<FeedAddress>, StoreFault> {
        self.readers()
            .read(|connection| list(connection, (ADDRESSES, [user.get()]), address))
    }

    async fn feed_address(&self, token: [u8; 32]) -> Result<Option<FeedAddress>, StoreFault> {
        self.readers().read(|connection| {
            connection
                .prepare_cached(ADDRESS)?
                .query_row([token], address)
                .optional()
        })
    }
}
