//! Where pictures come from: one source for each address, and uploaded photos (feed 7.2, 7.3, 8.1).

use super::pen::{Halt, Pen};
use super::rows::Columns;
use super::stories::SlotBeginning;
use crier_platform::model::picture::Cause;
use crier_platform::model::story::{NewStory, SlotState};
use crier_proto::digest::sha256;
use crier_proto::ids::Pid;
use rusqlite::{OptionalExtension, Row};

const KNOWN: &str =
    "SELECT state, source.picture AS picture, type, width, height, cause, due_ms IS NOT NULL AS waits,
    coalesce(fetched_ms > ?2, 0) AS fresh, coalesce(failed_ms > ?3, 0) AS failing
  FROM source LEFT JOIN picture ON picture.hash = source.picture WHERE source.hash = ?1";
const QUEUE: &str =
    "INSERT INTO source (hash, url, state, due_ms, app, created_ms) VALUES (?1, ?2, 'waiting', ?3, ?4, ?3)
  ON CONFLICT (hash) DO UPDATE SET state = 'waiting', due_ms = ?3, attempts = 0, cause = NULL, app = ?4";
const NAME: &str = "INSERT INTO source (hash, url, state, app, created_ms) VALUES (?1, ?2, 'failed', ?3, ?4)
  ON CONFLICT (hash) DO NOTHING";
const PHOTO: &str = "SELECT picture.hash AS picture, type, width, height FROM photo JOIN picture ON picture.hash = photo.small
  WHERE pid = ?1";

impl Pen<'_> {
    /// The source of an address (feed 7.3): used while it is fresh, believed while its failure is, joined while it waits, else
    /// queued to be asked, if there is a place in the queue.
    pub(super) fn join_source(&self, url: &str, story: &NewStory) -> Result<([u8; 32], SlotBeginning), Halt> {
        let hash = sha256(&[url.as_bytes()]);
        let (rules, now) = (story.sources, self.now.0);
        let read = |row: &Row<'_>| {
            let state: String = row.get("state")?;
            let picture = row.slot_picture()?;
            Ok(match (state.as_str(), picture) {
                ("ready", Some(picture)) if row.get("fresh")? => Some(SlotBeginning::ready(picture)),
                ("failed", _) if row.get("failing")? => Some(SlotBeginning::failed(row.get("cause")?)),
                _ if row.get("waits")? => Some(SlotBeginning::pending()),
                _ => None,
            })
        };
        let (fresh, failing) = (now - rules.fresh_ms, now - rules.negative_ttl_ms);
        let mut statement = self.connection.prepare_cached(KNOWN)?;
        let known = statement.query_row((hash, fresh, failing), read).optional()?;
        if let Some(Some(begins)) = known {
            return Ok((hash, begins));
        }
        if self.is_queue_full(story.app, rules)? {
            self.run(NAME, (hash, url, story.app.get(), now))?;
            return Ok((hash, SlotBeginning::failed(Some(Cause::QueueFull.to_string()))));
        }
        self.run(QUEUE, (hash, url, now, story.app.get()))?;
        Ok((hash, SlotBeginning::pending()))
    }

    /// An uploaded photo: its picture exists since the upload (feed 7.2), unless it was deleted a moment ago.
    pub(super) fn find_photo(&self, pid: Pid) -> Result<SlotBeginning, Halt> {
        let mut statement = self.connection.prepare_cached(PHOTO)?;
        let picture = statement
            .query_row([pid.get()], |row| row.slot_picture())
            .optional()?
            .flatten();
        Ok(SlotBeginning {
            state: picture.map_or(SlotState::Removed, |_| SlotState::Ready),
            picture,
            cause: None,
        })
    }
}
