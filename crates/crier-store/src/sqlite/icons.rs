//! Icons of applications: which are still to be fetched, and whom a fetched one concerns (feed 6.2, 7.3).
//!
//! Promise: what is wanted follows from the applications' rows, so no door that sets an icon can forget it and a kill loses none.

use super::pen::{Halt, Pen};
use crier_platform::model::change::Fact;
use crier_platform::model::job::SourceRules;
use crier_platform::model::picture::Fit;
use crier_platform::model::time::WallMs;
use crier_proto::digest::sha256;
use crier_proto::ids::AppId;
use crier_proto::story::{ImageSource, read_image_source};
use rusqlite::Connection;

/// Milliseconds after which an icon, or its failure, is asked about again.
const AGAIN_MS: i64 = 86_400_000;

const WANTED: &str = "SELECT app.id AS id, app.icon AS icon FROM app LEFT JOIN app_icon ON app_icon.app = app.id AND app_icon.url = app.icon
  LEFT JOIN source ON source.hash = app_icon.source
  WHERE app.icon <> '' AND (source.hash IS NULL
    OR source.due_ms IS NULL AND max(coalesce(fetched_ms, 0), coalesce(failed_ms, 0)) < ?1)";
const STALE: &str = "SELECT 1 FROM app_icon WHERE NOT EXISTS (SELECT 1 FROM app WHERE app.id = app_icon.app AND app.icon = app_icon.url)";
const FORGET: &str = "DELETE FROM app_icon WHERE NOT EXISTS (SELECT 1 FROM app WHERE app.id = app_icon.app AND app.icon = app_icon.url)";
const NAME: &str = "INSERT INTO app_icon (app, url, source) VALUES (?1, ?2, ?3) ON CONFLICT (app) DO UPDATE SET url = ?2, source = ?3";
const QUEUE: &str = "INSERT INTO source (hash, url, state, due_ms, app, created_ms, side) VALUES (?1, ?2, 'waiting', ?3, ?4, ?3, ?5)
  ON CONFLICT (hash) DO UPDATE SET state = 'waiting', due_ms = ?3, attempts = 0, cause = NULL, app = ?4
  WHERE due_ms IS NULL AND max(coalesce(fetched_ms, 0), coalesce(failed_ms, 0)) < ?6";

/// Whether `PictureWrite::WantIcons` would change anything.
pub(super) fn are_wanted(connection: &Connection, now: WallMs) -> rusqlite::Result<bool> {
    let mut wanted = connection.prepare_cached(WANTED)?;
    if wanted.exists([now.0 - AGAIN_MS])? {
        return Ok(true);
    }
    connection.prepare_cached(STALE)?.exists([])
}

impl Pen<'_> {
    /// `PictureWrite::WantIcons`.
    pub(super) fn want_icons(&self, rules: SourceRules) -> Result<(), Halt> {
        self.run(FORGET, [])?;
        let mut statement = self.connection.prepare_cached(WANTED)?;
        let wanted: Vec<(i64, String)> = statement
            .query_map([self.now.0 - AGAIN_MS], |row| {
                Ok((row.get("id")?, row.get("icon")?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (app, icon) in wanted {
            let Some(app) = AppId::new(app) else { continue };
            let canonical = match read_image_source(&icon) {
                Some(ImageSource::Url(url)) => url,
                Some(ImageSource::Pid(_)) | None => continue,
            };
            if self.is_queue_full(app, rules)? {
                continue;
            }
            // The same address may also be a picture of a story, at another size.
            let hash = sha256(&[b"icon ", canonical.as_bytes()]);
            let row = (
                hash,
                &canonical,
                self.now.0,
                app.get(),
                Fit::ICON.0,
                self.now.0 - rules.fresh_ms,
            );
            self.run(QUEUE, row)?;
            self.run(NAME, (app.get(), &icon, hash))?;
            // One that is here already, for another application, is shown at once.
            self.note(&Fact::App(app))?;
        }
        Ok(())
    }

    /// The applications whose icon this source is look different from now on.
    pub(super) fn note_icons(&self, source: [u8; 32]) -> Result<(), Halt> {
        for app in self.list("SELECT app FROM app_icon WHERE source = ?1", [source])? {
            if let Some(app) = AppId::new(app) {
                self.note(&Fact::App(app))?;
            }
        }
        Ok(())
    }
}
