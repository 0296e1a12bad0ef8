//! Pictures and photos: kept once under the hash of their bytes, dropped when the cache is full, removed when somebody may say so
//! (feed 7.9 to 7.12).

use super::icons;
use super::jobs::{self, HOUR_MS, SlotRow, slot_row};
use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::{Columns, bad};
use async_trait::async_trait;
use crier_platform::model::change::Fact;
use crier_platform::model::job::{
    AppFetches, JobQuery, KeptPicture, NewPhoto, NextJob, Photo, PictureSpace, PictureWrite, SourceHash,
};
use crier_platform::model::picture::PictureHash;
use crier_platform::model::time::WallMs;
use crier_platform::ports::pictures::Pictures;
use crier_platform::ports::store::{Conflict, StoreFault};
use crier_proto::ids::{AppId, Pid, Uid};
use rusqlite::{OptionalExtension, Row};
use std::collections::BTreeSet;

/// Milliseconds for which a story is live (feed 1.2).
const LIVE_MS: i64 = 604_800_000;

/// Whether a picture may be evicted: no live story, no application, no photo and no job has it.
const IS_FREE: &str = "NOT EXISTS (SELECT 1 FROM story_slot JOIN story ON story.id = story_slot.story
    WHERE story_slot.picture = picture.hash AND state = 'ready' AND published_ms > ?1 AND blanked_ms IS NULL)
  AND NOT EXISTS (SELECT 1 FROM photo WHERE big = picture.hash)
  AND NOT EXISTS (SELECT 1 FROM photo WHERE normal = picture.hash)
  AND NOT EXISTS (SELECT 1 FROM photo WHERE small = picture.hash)
  AND NOT EXISTS (SELECT 1 FROM source WHERE source.picture = picture.hash
    AND (due_ms IS NOT NULL OR EXISTS (SELECT 1 FROM app_icon WHERE app_icon.source = source.hash)))";
const FILLABLE: &str = "SELECT 1 FROM story_slot JOIN source ON source.hash = story_slot.source
  WHERE story_slot.source = ?1 AND story_slot.state = 'pending' AND source.state <> 'waiting' LIMIT 1";
const USE: &str = "UPDATE picture SET used_hour = max(used_hour, ?2) WHERE hash = ?1";
const EVICT_SLOTS: &str = "UPDATE story_slot SET state = 'evicted' WHERE picture = ?1 AND state = 'ready'";
const EVICT_SOURCES: &str = "UPDATE source SET state = 'evicted', picture = NULL, etag = NULL, last_modified = NULL WHERE picture = ?1";
const BLOCK_SOURCES: &str =
    "UPDATE source SET state = CASE WHEN due_ms IS NULL OR state <> 'waiting' THEN 'failed' ELSE state END,
  failed_ms = ?2, cause = 'blocked', picture = NULL, etag = NULL, last_modified = NULL WHERE picture = ?1";
pub(super) const DROP_UNUSED: &str = "DELETE FROM picture WHERE hash = ?1 AND refs = 0
  AND NOT EXISTS (SELECT 1 FROM story_slot WHERE picture = ?1 AND state = 'ready')";
const CLEAR: &str = "UPDATE story_slot SET state = 'removed', picture = NULL, type = NULL, width = NULL, height = NULL, cause = NULL
  WHERE story = ?1 AND slot = ?2";
const ADD_PHOTO: &str = "INSERT INTO photo (pid, owner, app, caption, image, big, normal, small, created_ms)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const IMAGES_OF: &str = "SELECT image FROM source WHERE picture = ?1 AND image IS NOT NULL
  UNION SELECT image FROM photo WHERE big = ?1 UNION SELECT image FROM photo WHERE normal = ?1
  UNION SELECT image FROM photo WHERE small = ?1 UNION SELECT image FROM source WHERE image = ?1
  UNION SELECT image FROM photo WHERE image = ?1";
const PICTURES_OF: &str = "SELECT picture FROM source WHERE image = ?1 AND picture IS NOT NULL
  UNION SELECT big FROM photo WHERE image = ?1 UNION SELECT normal FROM photo WHERE image = ?1
  UNION SELECT small FROM photo WHERE image = ?1";
impl Pen<'_> {
    /// `Write::Picture`.
    pub(crate) fn write_picture(&mut self, write: &PictureWrite) -> Result<(), Halt> {
        match write {
            PictureWrite::Settle(attempt) => self.settle(attempt),
            PictureWrite::Fill(source) => self.fill_slots(*source),
            PictureWrite::End(source) => self.end_job(*source),
            PictureWrite::WantIcons(rules) => self.want_icons(*rules),
            PictureWrite::Use(hashes) => self.use_pictures(hashes),
            PictureWrite::Evict(hashes) => hashes.iter().try_for_each(|hash| self.evict(hash.0)),
            PictureWrite::AddPhoto(photo) => self.add_photo(photo),
            PictureWrite::RemovePhoto { owner, pid } => self.remove_photo_of(*owner, *pid),
            PictureWrite::Block(hash) => self.block(hash.0),
            PictureWrite::FetchAgain {
                rules,
                app,
                story,
                slot,
            } => self.fetch_again(*app, (*story, *slot), *rules),
        }
    }

    /// Whether an administrator has blocked this image or picture.
    pub(super) fn is_blocked(&self, hash: [u8; 32]) -> Result<bool, Halt> {
        let found: Option<i64> = self.find("SELECT 1 FROM picture_block WHERE hash = ?1", [hash])?;
        Ok(found.is_some())
    }

    fn use_pictures(&self, hashes: &[PictureHash]) -> Result<(), Halt> {
        let hour = self.now.0.div_euclid(HOUR_MS);
        hashes
            .iter()
            .try_for_each(|hash| self.run(USE, (hash.0, hour)).map(drop))
    }

    /// Drops a picture, unless something has come to need it since it was chosen.
    fn evict(&self, hash: [u8; 32]) -> Result<(), Halt> {
        let free = format!("SELECT 1 FROM picture WHERE {IS_FREE} AND hash = ?2");
        let oldest = self.now.0.saturating_sub(LIVE_MS);
        if self.find::<i64>(&free, (oldest, hash))?.is_none() {
            return Ok(());
        }
        self.run(EVICT_SLOTS, [hash])?;
        self.run(EVICT_SOURCES, [hash])?;
        self.run("DELETE FROM picture WHERE hash = ?1", [hash]).map(drop)
    }

    fn add_photo(&self, photo: &NewPhoto) -> Result<(), Halt> {
        self.require_user(photo.owner)?;
        self.refuse_erased(photo.app)?;
        self.refuse_if(
            Conflict::IdTaken,
            "SELECT 1 FROM photo WHERE pid = ?1",
            [photo.pid.get()],
        )?;
        let count: Option<u32> =
            self.find("SELECT count(*) FROM photo WHERE owner = ?1", [photo.owner.get()])?;
        if count.unwrap_or(0) >= photo.per_user_max {
            return Err(Halt::Refused(Conflict::PhotosFull));
        }
        let mut hashes = vec![photo.image.0];
        hashes.extend(photo.pictures.iter().map(|picture| picture.hash.0));
        for hash in hashes {
            if self.is_blocked(hash)? {
                return Err(Halt::Refused(Conflict::Blocked));
            }
        }
        photo
            .pictures
            .iter()
            .try_for_each(|picture| self.keep_picture(picture))?;
        let [big, normal, small] = &photo.pictures;
        self.run(
            ADD_PHOTO,
            (
                photo.pid.get(),
                photo.owner.get(),
                photo.app.get(),
                &photo.caption,
                photo.image.0,
                big.hash.0,
                normal.hash.0,
                small.hash.0,
                self.now.0,
            ),
        )
        .map(drop)
    }

    fn remove_photo_of(&self, owner: Uid, pid: Pid) -> Result<(), Halt> {
        let row = (pid.get(), owner.get());
        match self.find::<i64>("SELECT 1 FROM photo WHERE pid = ?1 AND owner = ?2", row)? {
            Some(_) => self.remove_photo(pid.get()),
            None => Err(Halt::Refused(Conflict::Missing)),
        }
    }

    /// Removes a photo: its slots are empty from now on, its pictures go unless something else has the same.
    pub(super) fn remove_photo(&self, pid: i64) -> Result<(), Halt> {
        self.clear_slots("pid = ?1", pid)?;
        let read = |row: &Row<'_>| Ok([row.get("big")?, row.get("normal")?, row.get("small")?]);
        let mut statement = self
            .connection
            .prepare_cached("DELETE FROM photo WHERE pid = ?1 RETURNING big, normal, small")?;
        let pictures: Vec<[[u8; 32]; 3]> = statement
            .query_map([pid], read)?
            .collect::<rusqlite::Result<_>>()?;
        pictures
            .into_iter()
            .flatten()
            .try_for_each(|hash| self.run(DROP_UNUSED, [hash]).map(drop))
    }

    /// Empties slots, with an event for each that showed something or still might.
    fn clear_slots(&self, which: &str, key: impl rusqlite::ToSql) -> Result<(), Halt> {
        let sql = format!(
            "SELECT story_slot.story AS story, slot, user, app, state FROM story_slot JOIN story ON story.id = story_slot.story
             WHERE {which} AND state <> 'removed'"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let read = |row: &Row<'_>| Ok((slot_row(row)?, row.get("state")?));
        let slots: Vec<(SlotRow, String)> = statement
            .query_map([key], read)?
            .collect::<rusqlite::Result<_>>()?;
        for (slot, state) in slots {
            self.run(CLEAR, (slot.story.get(), slot.slot))?;
            self.note_picture(&slot, ("picture_removed", format!("{} {state}", slot.slot)))?;
            self.note(&Fact::Feed(slot.user))?;
        }
        Ok(())
    }

    /// Removes a picture or an image everywhere, and every picture that was made of the same image (feed 7.11), also by way of a
    /// picture of ours: a slot may name a photo by its address.
    fn block(&self, hash: [u8; 32]) -> Result<(), Halt> {
        let images = self.reached(IMAGES_OF, BTreeSet::from([hash]))?;
        let pictures = self.reached(PICTURES_OF, images.clone())?;
        for refused in images.iter().chain(&pictures) {
            let row = (refused, self.now.0);
            self.run(
                "INSERT INTO picture_block (hash, blocked_ms) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING",
                row,
            )?;
        }
        for image in &images {
            for pid in self.list("SELECT pid FROM photo WHERE image = ?1", [image])? {
                self.remove_photo(pid)?;
            }
        }
        for picture in pictures {
            for source in self.hashes("SELECT hash FROM source WHERE picture = ?1", picture)? {
                self.note_icons(source)?;
            }
            self.clear_slots("story_slot.picture = ?1", picture)?;
            self.run(BLOCK_SOURCES, (picture, self.now.0))?;
            self.run("DELETE FROM picture WHERE hash = ?1", [picture])?;
        }
        Ok(())
    }

    /// These hashes and all that the query leads to from them, step by step.
    fn reached(&self, sql: &str, from: BTreeSet<[u8; 32]>) -> Result<BTreeSet<[u8; 32]>, Halt> {
        let mut all = from.clone();
        let mut ahead: Vec<[u8; 32]> = from.into_iter().collect();
        while let Some(hash) = ahead.pop() {
            ahead.extend(
                self.hashes(sql, hash)?
                    .into_iter()
                    .filter(|found| all.insert(*found)),
            );
        }
        Ok(all)
    }

    fn hashes(&self, sql: &str, key: [u8; 32]) -> Result<Vec<[u8; 32]>, Halt> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([key], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The photos of a user who is erased, and what only their stories showed.
    pub(super) fn erase_pictures(&self, user: Uid) -> Result<(), Halt> {
        for pid in self.list("SELECT pid FROM photo WHERE owner = ?1", [user.get()])? {
            self.remove_photo(pid)?;
        }
        let shown =
            "SELECT DISTINCT story FROM story_slot WHERE story IN (SELECT id FROM story WHERE user = ?1)";
        for story in self.list(shown, [user.get()])? {
            self.remove_slots(story)?;
        }
        Ok(())
    }
}

/// A column that never falls below zero.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn read_photo(row: &Row<'_>) -> rusqlite::Result<Photo> {
    Ok(Photo {
        pid: Pid::new(row.get("pid")?).ok_or_else(|| bad("a photo's number"))?,
        owner: row.user("owner")?,
        app: row.app("app")?,
        caption: row.get("caption")?,
        created_at: row.wall("created_ms")?,
        big: PictureHash(row.get("big")?),
        normal: PictureHash(row.get("normal")?),
        small: PictureHash(row.get("small")?),
    })
}

#[async_trait]
impl Pictures for SqliteStore {
    async fn picture(&self, hash: PictureHash) -> Result<Option<KeptPicture>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM picture WHERE hash = ?1")?;
            let read = |row: &Row<'_>| {
                Ok(KeptPicture {
                    kind: row.word("type")?,
                    bytes: row.get::<_, Vec<u8>>("bytes")?.into(),
                    width: row.get("width")?,
                    height: row.get("height")?,
                    used_hour: row.get("used_hour")?,
                })
            };
            statement.query_row([hash.0], read).optional()
        })
    }

    async fn image_of(&self, source: SourceHash) -> Result<Option<PictureHash>, StoreFault> {
        self.readers().read(|connection| {
            let sql = "SELECT coalesce(image, picture) AS found FROM source WHERE hash = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_row([source.0], |row| row.picture("found"));
            Ok(found.optional()?.flatten())
        })
    }

    async fn knows_picture(&self, hash: PictureHash) -> Result<bool, StoreFault> {
        self.readers().read(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM picture WHERE hash = ?1)
              OR EXISTS (SELECT 1 FROM source WHERE image = ?1) OR EXISTS (SELECT 1 FROM photo WHERE image = ?1)";
            connection.prepare_cached(sql)?.query_row([hash.0], |row| row.get(0))
        })
    }

    async fn photo(&self, pid: Pid) -> Result<Option<Photo>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM photo WHERE pid = ?1")?;
            statement.query_row([pid.get()], read_photo).optional()
        })
    }

    async fn photos_of(&self, owner: Uid) -> Result<Vec<Photo>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM photo WHERE owner = ?1 ORDER BY pid")?;
            statement.query_map([owner.get()], read_photo)?.collect()
        })
    }

    async fn next_job(&self, query: JobQuery) -> Result<NextJob, StoreFault> {
        self.readers()
            .read(|connection| jobs::next_job(connection, &query))
    }

    async fn has_waiting_slots(&self, source: SourceHash) -> Result<bool, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(FILLABLE)?;
            statement.exists([source.0])
        })
    }

    async fn icons_are_wanted(&self) -> Result<bool, StoreFault> {
        let now = self.shared().clock.wall();
        self.readers()
            .read(|connection| icons::are_wanted(connection, now))
    }

    async fn app_fetches(&self, app: AppId, hour: i64) -> Result<AppFetches, StoreFault> {
        let found = self.readers().read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT fetches, bytes FROM app_fetch WHERE app = ?1 AND hour = ?2")?;
            let read = |row: &Row<'_>| {
                Ok(AppFetches {
                    fetches: count(row.get("fetches")?),
                    bytes: count(row.get("bytes")?),
                })
            };
            statement.query_row((app.get(), hour), read).optional()
        })?;
        Ok(found.unwrap_or_default())
    }

    async fn picture_space(&self) -> Result<PictureSpace, StoreFault> {
        self.readers().read(|connection| {
            let one = |sql: &str| -> rusqlite::Result<u64> {
                let number: Option<i64> = connection
                    .prepare_cached(sql)?
                    .query_row([], |row| row.get(0))
                    .optional()?;
                Ok(count(number.unwrap_or(0)))
            };
            Ok(PictureSpace {
                jobs: one("SELECT waiting FROM picture_queue WHERE app = 0")?,
                bytes: one("SELECT last FROM counter WHERE name = 'picture_bytes'")?,
            })
        })
    }

    async fn evictable(&self, limit: u32) -> Result<(Vec<(PictureHash, u64)>, u64), StoreFault> {
        let oldest: WallMs = self.shared().clock.wall().plus_ms(-LIVE_MS);
        self.readers().read(|connection| {
            let free =
                format!("SELECT hash, size FROM picture WHERE {IS_FREE} ORDER BY used_hour, number LIMIT ?2");
            let mut statement = connection.prepare_cached(&free)?;
            let rows = statement.query_map((oldest.0, limit), |row| {
                Ok((PictureHash(row.get(0)?), count(row.get(1)?)))
            })?;
            let free = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let held = format!("SELECT coalesce(sum(size), 0) FROM picture WHERE NOT ({IS_FREE})");
            let floor = connection
                .prepare_cached(&held)?
                .query_row([oldest.0], |row| row.get(0).map(count))?;
            Ok((free, floor))
        })
    }
}
