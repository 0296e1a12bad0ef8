//! Where pictures come from: one source for each address, and uploaded photos (feed 7.2, 7.3, 8.1).

use super::pen::{Halt, Pen};
use super::rows::Columns;
use super::stories::SlotBeginning;
use crier_platform::model::picture::{PictureHash, SlotPicture};
use crier_platform::model::story::SlotState;
use crier_proto::digest::sha256;
use crier_proto::ids::{AppId, Pid};
use rusqlite::OptionalExtension;

const JOIN: &str = "INSERT INTO source (hash, url, state, due_ms, app, created_ms) VALUES (?1, ?2, 'waiting', ?3, ?4, ?3)
  ON CONFLICT (hash) DO UPDATE SET state = 'waiting', due_ms = ?3, attempts = 0, app = ?4 WHERE due_ms IS NULL";
const PHOTO: &str = "SELECT picture.hash AS picture, type, width, height FROM photo JOIN picture ON picture.hash = photo.small
  WHERE pid = ?1";

impl Pen<'_> {
    /// The source of an address: joined while it waits, else queued to be asked again.
    pub(super) fn join_source(&self, url: &str, app: AppId) -> Result<([u8; 32], SlotBeginning), Halt> {
        let hash = sha256(&[url.as_bytes()]);
        self.run(JOIN, (hash, url, self.now.0, app.get()))?;
        let begins = SlotBeginning {
            state: SlotState::Pending,
            picture: None,
            cause: None,
        };
        Ok((hash, begins))
    }

    /// An uploaded photo: its picture exists since the upload (feed 7.2), unless it was deleted a moment ago.
    pub(super) fn find_photo(&self, pid: Pid) -> Result<SlotBeginning, Halt> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(SlotPicture {
                hash: row.get("picture").map(PictureHash)?,
                kind: row.word("type")?,
                width: row.get("width")?,
                height: row.get("height")?,
            })
        };
        let mut statement = self.connection.prepare_cached(PHOTO)?;
        let picture = statement.query_row([pid.get()], read).optional()?;
        Ok(SlotBeginning {
            state: picture.map_or(SlotState::Removed, |_| SlotState::Ready),
            picture,
            cause: None,
        })
    }
}
