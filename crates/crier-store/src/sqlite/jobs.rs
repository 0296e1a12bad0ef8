//! Jobs that fetch pictures: which is next, what an attempt has come to, and the slots that wait for it (feed 7.3, 8.2).
//!
//! Promise: a row is a job while `due_ms` says when it is due, so a kill loses none; what is finished twice changes nothing.

use super::pen::{Halt, Pen};
use super::rows::{Columns, Word};
use crier_platform::model::change::Fact;
use crier_platform::model::job::{
    Attempt, ImageHash, Job, JobQuery, NextJob, Settlement, SourceHash, SourceRules, host_of,
};
use crier_platform::model::picture::{Cause, Fit, Picture, PictureHash, SlotPicture};
use crier_platform::model::story::SlotState;
use crier_platform::model::time::WallMs;
use crier_platform::ports::fetch::Validators;
use crier_platform::ports::store::Conflict;
use crier_proto::ids::{AppId, StoryId, Uid};
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::BTreeSet;

/// Milliseconds of an hour.
pub(super) const HOUR_MS: i64 = 3_600_000;
/// Users whose slots are filled in one transaction (feed 8.2).
const USERS_AT_ONCE: usize = 100;
/// Times that a developer may have a slot fetched again (feed 1.3).
const REFETCHES_MAX: u8 = 3;

const NEXT_APP: &str = "SELECT min(app) FROM source WHERE due_ms IS NOT NULL AND app > ?1";
const DUE: &str = "SELECT * FROM source WHERE app = ?1 AND due_ms <= ?2 ORDER BY due_ms";
const NEXT_DUE: &str =
    "SELECT due_ms FROM source WHERE state = 'waiting' AND due_ms > ?1 ORDER BY due_ms LIMIT 1";
const WORKED_ON: &str =
    "SELECT app, picture, image FROM source WHERE hash = ?1 AND state = 'waiting' AND due_ms IS NOT NULL";
const SPEND: &str = "INSERT INTO app_fetch (app, hour, fetches, bytes) VALUES (?1, ?2, 1, ?3)
  ON CONFLICT (app, hour) DO UPDATE SET fetches = fetches + 1, bytes = bytes + ?3";
const FORGET_HOURS: &str = "DELETE FROM app_fetch WHERE app = ?1 AND hour < ?2";
const TAKE: &str = "UPDATE source SET state = 'ready', fetched_ms = ?2, image = ?3, picture = ?4, etag = ?5, last_modified = ?6,
  attempts = attempts + 1, cause = NULL WHERE hash = ?1";
const STILL: &str = "UPDATE source SET state = 'ready', fetched_ms = ?2, attempts = attempts + 1, cause = NULL WHERE hash = ?1";
const FAIL: &str =
    "UPDATE source SET state = 'failed', failed_ms = ?2, cause = ?3, attempts = attempts + 1 WHERE hash = ?1";
const LATER: &str = "UPDATE source SET due_ms = ?2, cause = ?3, attempts = attempts + ?4 WHERE hash = ?1";
const KEEP: &str =
    "INSERT INTO picture (hash, type, width, height, refs, used_hour, size, bytes) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7)
  ON CONFLICT (hash) DO UPDATE SET used_hour = max(used_hour, ?5)";
const OUTCOME: &str = "SELECT state, source.picture AS picture, type, width, height, attempts, cause
  FROM source LEFT JOIN picture ON picture.hash = source.picture WHERE source.hash = ?1 AND state <> 'waiting'";
const WAITING: &str = "SELECT story_slot.story AS story, slot, user, app FROM story_slot JOIN story ON story.id = story_slot.story
  WHERE source = ?1 AND state = 'pending'";
const FILL: &str = "UPDATE story_slot SET state = ?3, picture = ?4, type = ?5, width = ?6, height = ?7, attempts = ?8, cause = ?9
  WHERE story = ?1 AND slot = ?2";
const END: &str = "UPDATE source SET due_ms = NULL WHERE hash = ?1 AND state <> 'waiting'
  AND NOT EXISTS (SELECT 1 FROM story_slot WHERE source = ?1 AND state = 'pending')";
const PLACES: &str = "SELECT coalesce(max(CASE WHEN app = ?1 THEN waiting END), 0) >= ?2
  OR coalesce(max(CASE WHEN app = 0 THEN waiting END), 0) >= ?3 FROM picture_queue WHERE app IN (0, ?1)";
const AGAIN: &str = "UPDATE story_slot SET state = 'pending', cause = NULL, refetches = refetches + 1
  WHERE story = ?1 AND slot = ?2 AND state = 'failed' AND refetches < ?4 AND source IS NOT NULL
    AND EXISTS (SELECT 1 FROM story WHERE id = ?1 AND app = ?3) RETURNING source";
const REQUEUE: &str = "UPDATE source SET state = 'waiting', due_ms = ?2, attempts = 0, app = ?3 WHERE hash = ?1 AND due_ms IS NULL";

/// A slot of a story, and whose.
pub(super) struct SlotRow {
    pub(super) story: StoryId,
    pub(super) slot: u8,
    pub(super) user: Uid,
    pub(super) app: AppId,
}

/// Reads `story`, `slot`, `user`, `app`.
pub(super) fn slot_row(row: &Row<'_>) -> rusqlite::Result<SlotRow> {
    let story = StoryId::new(row.get("story")?);
    Ok(SlotRow {
        story: story.ok_or_else(|| super::rows::bad("a story's number"))?,
        slot: row.get("slot")?,
        user: row.user("user")?,
        app: row.app("app")?,
    })
}

/// The job that is next: applications take turns, and of one application the longest due comes first.
pub(super) fn next_job(connection: &Connection, query: &JobQuery) -> rusqlite::Result<NextJob> {
    let last = query.after.map_or(0, AppId::get);
    for (from, to) in [(last, i64::MAX), (0, last)] {
        let mut app = from;
        while let Some(next) = next_app(connection, app)?.filter(|next| *next <= to) {
            app = next;
            if query.busy_apps.iter().any(|busy| busy.get() == app) {
                continue;
            }
            if let Some(job) = first_due(connection, app, query)? {
                return Ok(NextJob::Now(Box::new(job)));
            }
        }
    }
    let due: Option<i64> = connection
        .prepare_cached(NEXT_DUE)?
        .query_row([query.now.0], |row| row.get(0))
        .optional()?;
    Ok(due.map_or(NextJob::Never, |due| NextJob::At(WallMs(due))))
}

fn next_app(connection: &Connection, after: i64) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(NEXT_APP)?
        .query_row([after], |row| row.get(0))
}

fn first_due(connection: &Connection, app: i64, query: &JobQuery) -> rusqlite::Result<Option<Job>> {
    let mut statement = connection.prepare_cached(DUE)?;
    let mut rows = statement.query((app, query.now.0))?;
    while let Some(row) = rows.next()? {
        let source = SourceHash(row.get("hash")?);
        let url: String = row.get("url")?;
        let is_busy = query.busy_hosts.iter().any(|host| host == host_of(&url));
        if is_busy || query.running.contains(&source) {
            continue;
        }
        let has_picture = row.picture("picture")?.is_some();
        let validators = Validators {
            etag: row.get("etag")?,
            last_modified: row.get("last_modified")?,
        };
        return Ok(Some(Job {
            source,
            url,
            fit: Fit(row.get("side")?),
            app: row.app("app")?,
            attempts: row.get("attempts")?,
            validators: if has_picture {
                validators
            } else {
                Validators::default()
            },
            is_settled: row
                .get_ref("state")?
                .as_str()
                .is_ok_and(|state| state != "waiting"),
        }));
    }
    Ok(None)
}

impl Pen<'_> {
    /// `PictureWrite::Settle`. Nothing happens when the attempt is nobody's any more.
    pub(super) fn settle(&mut self, attempt: &Attempt) -> Result<(), Halt> {
        let hash = attempt.source.0;
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.picture("picture")?, row.get("image")?));
        let mut statement = self.connection.prepare_cached(WORKED_ON)?;
        let found: Option<(i64, Option<PictureHash>, Option<[u8; 32]>)> =
            statement.query_row([hash], read).optional()?;
        let Some((app, kept, image)) = found else {
            return Ok(());
        };
        if let Some(bytes) = attempt.spent {
            let hour = self.now.0.div_euclid(HOUR_MS);
            self.run(SPEND, (app, hour, i64::try_from(bytes).unwrap_or(i64::MAX)))?;
            self.run(FORGET_HOURS, (app, hour - 1))?;
        }
        self.note_icons(hash)?;
        match &attempt.settlement {
            Settlement::Picture {
                image,
                picture,
                validators,
            } => self.take(hash, (*image, picture), validators),
            Settlement::Own(picture) => self.take_own(hash, *picture),
            Settlement::Unchanged => match (kept, image) {
                (Some(_), Some(image)) if self.is_blocked(image)? => self.fail_source(hash, Cause::Blocked),
                (Some(_), _) => self.run(STILL, (hash, self.now.0)).map(drop),
                // The picture has gone meanwhile: its image is wanted after all.
                (None, _) => self
                    .run(LATER, (hash, self.now.0, Option::<String>::None, 0))
                    .map(drop),
            },
            Settlement::Failed(cause) => self.fail_source(hash, *cause),
            Settlement::Later { cause, due } => {
                self.run(LATER, (hash, due.0, cause.to_string(), 1)).map(drop)
            }
        }
    }

    fn take(
        &self,
        hash: [u8; 32],
        (image, picture): (ImageHash, &Picture),
        validators: &Validators,
    ) -> Result<(), Halt> {
        if self.is_blocked(image.0)? || self.is_blocked(picture.hash.0)? {
            return self.fail_source(hash, Cause::Blocked);
        }
        self.keep_picture(picture)?;
        let (etag, moment) = (&validators.etag, &validators.last_modified);
        self.run(TAKE, (hash, self.now.0, image.0, picture.hash.0, etag, moment))
            .map(drop)
    }

    /// A picture of our own site (feed 7.1); one that is not there is what a request for it would be answered.
    fn take_own(&self, hash: [u8; 32], picture: PictureHash) -> Result<(), Halt> {
        let none: (Option<[u8; 32]>, Option<String>) = (None, None);
        match self.find::<i64>("SELECT 1 FROM picture WHERE hash = ?1", [picture.0])? {
            Some(_) => {
                let row = (hash, self.now.0, none.0, picture.0, &none.1, &none.1);
                self.run(TAKE, row).map(drop)
            }
            None => self.fail_source(hash, Cause::Status(404)),
        }
    }

    fn fail_source(&self, hash: [u8; 32], cause: Cause) -> Result<(), Halt> {
        self.run(FAIL, (hash, self.now.0, cause.to_string())).map(drop)
    }

    /// Keeps the bytes of a picture; equal bytes are kept once.
    pub(super) fn keep_picture(&self, picture: &Picture) -> Result<(), Halt> {
        let hour = self.now.0.div_euclid(HOUR_MS);
        let size = i64::try_from(picture.bytes.len()).unwrap_or(i64::MAX);
        let (hash, kind) = (picture.hash.0, picture.kind.word());
        let row = (
            hash,
            kind,
            picture.width,
            picture.height,
            hour,
            size,
            &picture.bytes[..],
        );
        self.run(KEEP, row).map(drop)
    }

    /// `PictureWrite::Fill`.
    pub(super) fn fill_slots(&mut self, source: SourceHash) -> Result<(), Halt> {
        let read = |row: &Row<'_>| {
            let cause: Option<String> = row.get("cause")?;
            let picture = row.slot_picture()?;
            Ok((
                row.get::<_, String>("state")?,
                picture,
                row.get("attempts")?,
                cause,
            ))
        };
        let mut statement = self.connection.prepare_cached(OUTCOME)?;
        let outcome: Option<(String, Option<SlotPicture>, u32, Option<String>)> =
            statement.query_row([source.0], read).optional()?;
        let Some((state, picture, attempts, cause)) = outcome else {
            return Ok(());
        };
        let picture = picture.filter(|_| state == "ready");
        for slot in self.waiting_slots(source)? {
            let state = picture.map_or(SlotState::Failed, |_| SlotState::Ready);
            self.run(
                FILL,
                (
                    slot.story.get(),
                    slot.slot,
                    state.word(),
                    picture.map(|picture| picture.hash.0),
                    picture.map(|picture| picture.kind.word()),
                    picture.map(|picture| picture.width),
                    picture.map(|picture| picture.height),
                    attempts,
                    &cause,
                ),
            )?;
            if picture.is_some() {
                self.note_picture(&slot, ("picture_ready", slot.slot.to_string()))?;
            }
            self.note(&Fact::Feed(slot.user))?;
        }
        Ok(())
    }

    /// The next slots that wait for a source, of at most 100 users.
    fn waiting_slots(&self, source: SourceHash) -> Result<Vec<SlotRow>, Halt> {
        let mut statement = self.connection.prepare_cached(WAITING)?;
        let mut rows = statement.query([source.0])?;
        let (mut slots, mut users) = (Vec::new(), BTreeSet::new());
        while let Some(row) = rows.next()? {
            let slot = slot_row(row)?;
            users.insert(slot.user.get());
            if users.len() > USERS_AT_ONCE {
                break;
            }
            slots.push(slot);
        }
        Ok(slots)
    }

    /// `PictureWrite::End`.
    pub(super) fn end_job(&self, source: SourceHash) -> Result<(), Halt> {
        self.run(END, [source.0]).map(drop)
    }

    /// Whether no further job may wait, for this application or at all (feed 7.3): then its picture is turned away.
    pub(super) fn is_queue_full(&self, app: AppId, rules: SourceRules) -> Result<bool, Halt> {
        let full = self.find(PLACES, (app.get(), rules.jobs_per_app_max, rules.jobs_max))?;
        let full = full.unwrap_or(false);
        let turned_away = &self.applied.pictures_turned_away;
        turned_away.set(turned_away.get() + u64::from(full));
        Ok(full)
    }

    /// `PictureWrite::FetchAgain` (feed 1.3).
    pub(super) fn fetch_again(
        &self,
        app: AppId,
        (story, slot): (StoryId, u8),
        rules: SourceRules,
    ) -> Result<(), Halt> {
        let row = (story.get(), slot, app.get(), REFETCHES_MAX);
        let source: Option<[u8; 32]> = self.find(AGAIN, row)?;
        let source = source.ok_or(Halt::Refused(Conflict::Missing))?;
        let waits = self.find::<i64>(
            "SELECT 1 FROM source WHERE hash = ?1 AND due_ms IS NOT NULL",
            [source],
        )?;
        if waits.is_none() && self.is_queue_full(app, rules)? {
            return Err(Halt::Refused(Conflict::QueueFull));
        }
        self.run(REQUEUE, (source, self.now.0, app.get())).map(drop)
    }
}
