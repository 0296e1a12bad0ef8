//! Stories, their slots, and the twelve hours of an application and a user (feed 3.4, 8.1, 8.2).

use super::jobs::SlotRow;
use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::{Columns, Word, bad};
use async_trait::async_trait;
use crier_platform::model::change::Fact;
use crier_platform::model::picture::SlotPicture;
use crier_platform::model::story::{NewSlot, NewStory, Priority, Slot, SlotState, Story};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Conflict, Made, StoreFault, Stories};
use crier_proto::ids::{AppId, Pid, StoryId, Uid};
use crier_proto::story::{ImageSource, WINDOW_SECS};
use rusqlite::{Connection, OptionalExtension, Row};

const WINDOW_MS: i64 = WINDOW_SECS * 1000;

const OPEN_WINDOW: &str = "INSERT INTO feed_window (app, user, last_ms, story) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (app, user) DO UPDATE SET last_ms = ?3, story = ?4 WHERE feed_window.last_ms <= ?3 - ?5";
const LAST_STORY_AT: &str = "SELECT last_ms FROM feed_window WHERE app = ?1 AND user = ?2";
const NEXT_ID: &str = "UPDATE counter SET last = last + 1 WHERE name = 'story' RETURNING last";
const INSERT: &str =
    "INSERT INTO story (user, seq, id, app, title, body, priority, priority_text, exempt, published_ms)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const INSERT_SLOT: &str =
    "INSERT INTO story_slot (story, slot, source, pid, link, state, picture, type, width, height, cause, publisher)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
/// What [`read`] takes, in its order.
macro_rules! story_columns {
    () => {
        "id, seq, user, app, title, body, priority, priority_text, exempt, published_ms, hidden_ms, reported_ms, reported, thumb_ms,
         first_shown_ms, blanked_ms, blanked_by"
    };
}
pub(super) use story_columns;

const ONE: &str = concat!("SELECT ", story_columns!(), " FROM story WHERE id = ?1");
const LIST: &str = concat!(
    "SELECT ",
    story_columns!(),
    " FROM story WHERE user = ?1 AND seq < ?2 ORDER BY seq DESC"
);
/// What `read_slots` takes, in its order.
const SLOTS: &str =
    "SELECT slot, url, pid, link, story_slot.state, story_slot.picture, type, width, height, story_slot.attempts, story_slot.cause
  FROM story_slot LEFT JOIN source ON source.hash = story_slot.source WHERE story = ?1 ORDER BY slot";

/// What a slot begins with.
pub(super) struct SlotBeginning {
    pub(super) state: SlotState,
    pub(super) picture: Option<SlotPicture>,
    pub(super) cause: Option<String>,
}

impl SlotBeginning {
    /// Its picture is there.
    pub(super) fn ready(picture: SlotPicture) -> Self {
        Self {
            state: SlotState::Ready,
            picture: Some(picture),
            cause: None,
        }
    }

    /// Its picture is on its way.
    pub(super) fn pending() -> Self {
        Self {
            state: SlotState::Pending,
            picture: None,
            cause: None,
        }
    }

    /// There will be none.
    pub(super) fn failed(cause: Option<String>) -> Self {
        Self {
            state: SlotState::Failed,
            picture: None,
            cause,
        }
    }
}

impl Pen<'_> {
    /// `Write::PublishStory`. The window is judged first and nothing is written when it is closed.
    pub(crate) fn publish_story(&mut self, story: &NewStory) -> Result<(), Halt> {
        self.require_user(story.user)?;
        self.refuse_erased(story.app)?;
        let seq = self.next_place(story.user)?;
        let id = StoryId::new(self.next(NEXT_ID, [])?)
            .ok_or_else(|| StoreFault::Damaged("the counter of stories is not positive".to_owned()))?;
        if !story.exempt {
            self.open_window(story, id)?;
        }
        let (priority, priority_text) = match &story.priority {
            Priority::Absent => (None, None),
            Priority::Number(number) => (Some(*number), None),
            Priority::Text(text) => (None, Some(text)),
        };
        self.run(
            INSERT,
            (
                story.user.get(),
                seq,
                id.get(),
                story.app.get(),
                &story.title,
                &story.body,
                priority,
                priority_text,
                story.exempt,
                story.published_at.0,
            ),
        )?;
        story
            .slots
            .iter()
            .try_for_each(|slot| self.add_slot(id, story, slot))?;
        self.applied.made.push(Made::Story { id, seq });
        self.note(&Fact::Feed(story.user))
    }

    pub(super) fn next(&self, sql: &str, params: impl rusqlite::Params) -> Result<i64, Halt> {
        let damaged = || Halt::Fault(StoreFault::Damaged("a counter is missing".to_owned()));
        self.find(sql, params)?.ok_or_else(damaged)
    }

    /// Opens a new window, or refuses with the time at which the present one ends. The stored time is obeyed also when
    /// the clock has stepped back behind it.
    fn open_window(&self, story: &NewStory, id: StoryId) -> Result<(), Halt> {
        let (app, user, now) = (story.app.get(), story.user.get(), story.published_at);
        if self.run(OPEN_WINDOW, (app, user, now.0, id.get(), WINDOW_MS))? > 0 {
            return Ok(());
        }
        let last = self.find(LAST_STORY_AT, (app, user))?.unwrap_or(now.0);
        Err(Halt::Refused(Conflict::WindowClosed {
            next_allowed: WallMs(last).plus_ms(WINDOW_MS),
        }))
    }

    /// A slot and, for an address, its source: joined where it is known, else queued to be fetched at once.
    fn add_slot(&self, id: StoryId, story: &NewStory, slot: &NewSlot) -> Result<(), Halt> {
        let (source, pid, begins) = match &slot.source {
            ImageSource::Url(url) => {
                let (hash, begins) = self.join_source(url, story)?;
                (Some(hash), None, begins)
            }
            ImageSource::Pid(pid) => (None, Some(pid.get()), self.find_photo(*pid)?),
        };
        let picture = begins.picture;
        self.run(
            INSERT_SLOT,
            (
                id.get(),
                slot.number,
                source,
                pid,
                &slot.link,
                begins.state.word(),
                picture.map(|picture| picture.hash.0),
                picture.map(|picture| picture.kind.word()),
                picture.map(|picture| picture.width),
                picture.map(|picture| picture.height),
                begins.cause,
                story.app.get(),
            ),
        )?;
        if begins.state != SlotState::Ready {
            return Ok(());
        }
        // It weighs from the beginning on.
        let row = SlotRow {
            story: id,
            slot: slot.number,
            user: story.user,
            app: story.app,
        };
        self.note_picture(&row, ("picture_ready", slot.number.to_string()))
    }
}

/// A story, of a row of `story_columns`, with its slots.
pub(super) fn read(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Story> {
    let id = StoryId::new(row.get(0)?).ok_or_else(|| bad("a story's number"))?;
    let number: Option<u8> = row.get(6)?;
    let text: Option<String> = row.get(7)?;
    let priority = match (number, text) {
        (Some(number), _) => Priority::Number(number),
        (None, Some(text)) => Priority::Text(text),
        (None, None) => Priority::Absent,
    };
    Ok(Story {
        id,
        seq: row.get(1)?,
        user: row.user(2)?,
        app: row.app(3)?,
        title: row.get(4)?,
        body: row.get(5)?,
        priority,
        exempt: row.get(8)?,
        published_at: row.wall(9)?,
        hidden_at: row.get::<_, Option<i64>>(10)?.map(WallMs),
        reported: row.stamped(11, 12)?,
        thumbed: row.get::<_, Option<i64>>(13)?.is_some(),
        first_shown_at: row.get::<_, Option<i64>>(14)?.map(WallMs),
        blanked: row.stamped(15, 16)?,
        slots: read_slots(connection, id)?,
    })
}

fn read_source(row: &Row<'_>) -> rusqlite::Result<ImageSource> {
    let pid: Option<i64> = row.get(2)?;
    match (row.get(1)?, pid.and_then(Pid::new)) {
        (Some(url), None) => Ok(ImageSource::Url(url)),
        (None, Some(pid)) => Ok(ImageSource::Pid(pid)),
        (Some(_), Some(_)) | (None, None) => Err(bad("source of a picture")),
    }
}

fn read_slots(connection: &Connection, story: StoryId) -> rusqlite::Result<Vec<Slot>> {
    let mut statement = connection.prepare_cached(SLOTS)?;
    let read = |row: &Row<'_>| {
        Ok(Slot {
            number: row.get(0)?,
            source: read_source(row)?,
            link: row.get(3)?,
            state: row.word(4)?,
            picture: row.slot_picture()?,
            attempts: row.get(9)?,
            cause: row.get(10)?,
        })
    };
    statement.query_map([story.get()], read)?.collect()
}

#[async_trait]
impl Stories for SqliteStore {
    /// A damaged row is set aside and reported; the rest is served (feed 8.5).
    async fn stories(&self, user: Uid, before: Option<i64>, limit: u32) -> Result<Vec<Story>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            let mut rows = statement.query((user.get(), before.unwrap_or(i64::MAX)))?;
            let mut stories = Vec::new();
            while stories.len() < limit as usize {
                let Some(row) = rows.next()? else { break };
                match read(connection, row) {
                    Ok(story) => stories.push(story),
                    Err(error) if error.sqlite_error_code().is_some() => return Err(error),
                    Err(error) => self.set_aside(("story", row.get("id").unwrap_or(0)), &error),
                }
            }
            Ok(stories)
        })
    }

    async fn story(&self, id: StoryId) -> Result<Option<Story>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(ONE)?;
            statement
                .query_row([id.get()], |row| read(connection, row))
                .optional()
        })
    }

    async fn window(&self, app: AppId, user: Uid) -> Result<Option<WallMs>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(LAST_STORY_AT)?;
            statement
                .query_row((app.get(), user.get()), |row| row.get(0).map(WallMs))
                .optional()
        })
    }
}
