//! What is taken away at once and for good: a story by an administrator, an application, a person (feed 1.2, 7.11, 8.6).
//!
//! Promise: nothing of what was written stays in the files (`traces`). Of an application's stories
//! places and weights stay for a day, so that no open feed page shifts; then they go too, with the views that cannot be computed
//! without them. Counts are at every moment what the rows say that are left.

use super::events::Event;
use super::jobs::SlotRow;
use super::pen::{Halt, Pen};
use super::pictures::DROP_UNUSED;
use super::rows::Word;
use crier_platform::model::change::Fact;
use crier_platform::model::quantity::Span;
use crier_platform::model::record::BlankedBy;
use crier_platform::model::session::SessionId;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::Conflict;
use crier_proto::ids::{AppId, StoryId, Uid};
use std::collections::BTreeSet;

/// Tombstones that are buried at once.
const BURIED_AT_ONCE: i64 = 64;

const BLANK: &str =
    "UPDATE story SET title = '', body = iif(body IS NULL, NULL, ''), priority_text = NULL, blanked_ms = ?2,
  blanked_by = ?3 WHERE id = ?1 AND blanked_ms IS NULL";
const SHOWN_SLOTS: &str =
    "SELECT slot, state FROM story_slot WHERE story = ?1 AND state <> 'removed' ORDER BY slot";
/// Applications leave one by one: a source's job is charged to another one whose story waits for it.
const CHARGE_OTHERS: &str = "UPDATE source SET app = (SELECT min(story.app) FROM story_slot JOIN story ON story.id = story_slot.story
    WHERE story_slot.source = source.hash)
  WHERE app = ?1 AND due_ms IS NOT NULL AND EXISTS (SELECT 1 FROM story_slot WHERE story_slot.source = source.hash)";
const HAVE_STORIES: &str =
    "INSERT INTO tombstone (app, user, upto) SELECT ?1, feed_head.user, last_seq FROM feed_head WHERE user IN
  (SELECT user FROM feed_window WHERE app = ?1 UNION SELECT user FROM story WHERE app = ?1 AND exempt = 1)";
const BURY_VIEWS: &str =
    "WITH theirs AS MATERIALIZED (SELECT seq, published_ms FROM story WHERE user = ?1 AND app = ?2)
  DELETE FROM feed_view WHERE user = ?1 AND seq <= (SELECT upto FROM tombstone WHERE user = ?1 AND app = ?2)
    AND EXISTS (SELECT 1 FROM theirs WHERE theirs.seq <= feed_view.seq AND published_ms > feed_view.moment * 1000 - ?3)";
/// What a person's stories added to the hours of applications.
const UNCOUNT: [(&str, &str); 5] = [
    ("shown", "first_shown_ms"),
    ("clicked", "clicked_ms"),
    ("thumbed", "thumb_ms"),
    ("hidden", "hidden_ms"),
    ("reported", "reported_ms"),
];
/// What goes with an application; its stories follow with their tombstones.
const ERASE: [&str; 11] = [
    "DELETE FROM app WHERE id = ?1",
    "DELETE FROM auth_token WHERE app = ?1",
    "DELETE FROM \"grant\" WHERE app = ?1",
    "DELETE FROM hook_post WHERE app = ?1",
    "DELETE FROM message WHERE app = ?1",
    "DELETE FROM mailbox WHERE app = ?1",
    "DELETE FROM feed_window WHERE app = ?1",
    "DELETE FROM feed_preference WHERE app = ?1",
    "DELETE FROM app_fetch WHERE app = ?1",
    "DELETE FROM insight WHERE app = ?1",
    "DELETE FROM picture_queue WHERE app = ?1 AND waiting = 0",
];

impl Pen<'_> {
    /// The next number of a record.
    pub(super) fn next_record(&self) -> Result<i64, Halt> {
        self.next(
            "UPDATE counter SET last = last + 1 WHERE name = 'feed_record' RETURNING last",
            [],
        )
    }

    /// Refuses what a call adds for an application that was erased while the call was under way.
    pub(super) fn refuse_erased(&self, app: AppId) -> Result<(), Halt> {
        let sql = "SELECT 1 FROM erased_app WHERE app = ?1";
        self.refuse_if(Conflict::Missing, sql, [app.get()])
    }

    /// `FeedWrite::TakeDown`.
    pub(super) fn take_down(&mut self, story: StoryId) -> Result<(), Halt> {
        let columns: Option<(i64, i64, bool)> = {
            let mut statement = self
                .connection
                .prepare_cached("SELECT user, app, blanked_ms IS NOT NULL FROM story WHERE id = ?1")?;
            let mut rows = statement.query([story.get()])?;
            match rows.next()? {
                Some(row) => Some((row.get(0)?, row.get(1)?, row.get(2)?)),
                None => None,
            }
        };
        let Some((user, app, is_blank)) = columns else {
            return Err(Halt::Refused(Conflict::Missing));
        };
        let (Some(user), Some(app)) = (Uid::new(user), AppId::new(app)) else {
            return Err(Halt::Refused(Conflict::Missing));
        };
        if is_blank {
            return Ok(());
        }
        self.wipe()?;
        self.blank(story, (user, app), BlankedBy::Takedown)?;
        self.note(&Fact::Feed(user))
    }

    /// Takes text and slots of a story, and leaves that in its record.
    fn blank(&self, story: StoryId, (user, app): (Uid, AppId), by: BlankedBy) -> Result<(), Halt> {
        for (slot, state) in self.shown_slots(story)? {
            let row = SlotRow {
                story,
                slot,
                user,
                app,
            };
            self.note_picture(&row, ("picture_removed", format!("{slot} {state}")))?;
        }
        self.remove_slots(story.get())?;
        self.run(BLANK, (story.get(), self.now.0, by.word()))?;
        let event = Event {
            at: self.now,
            kind: "blanked",
            app: app.get(),
            story: Some(story.get()),
            view: None,
            value: Some(by.word()),
        };
        self.add_feed_event(user, &event)
    }

    fn shown_slots(&self, story: StoryId) -> Result<Vec<(u8, String)>, Halt> {
        let mut statement = self.connection.prepare_cached(SHOWN_SLOTS)?;
        let slots = statement.query_map([story.get()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(slots.collect::<rusqlite::Result<_>>()?)
    }

    /// Takes text and slots of a story that is too old; the record says so by its row alone.
    pub(super) fn blank_by_age(&self, story: i64) -> Result<(), Halt> {
        self.run(BLANK, (story, self.now.0, BlankedBy::Age.word()))?;
        self.remove_slots(story)
    }

    /// Removes a story's slots, and what they alone had: addresses with their jobs, and pictures.
    pub(super) fn remove_slots(&self, story: i64) -> Result<(), Halt> {
        type Had = (Option<[u8; 32]>, Option<[u8; 32]>);
        let mut statement = self
            .connection
            .prepare_cached("DELETE FROM story_slot WHERE story = ?1 RETURNING source, picture")?;
        let had: Vec<Had> = statement
            .query_map([story], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut pictures: BTreeSet<[u8; 32]> = had.iter().filter_map(|(_, picture)| *picture).collect();
        for source in had.iter().filter_map(|(source, _)| *source) {
            pictures.extend(self.drop_source(source)?);
        }
        pictures
            .into_iter()
            .try_for_each(|picture| self.run(DROP_UNUSED, [picture]).map(drop))
    }

    /// Removes an address that no slot and no icon names any more; the picture that it had.
    fn drop_source(&self, source: [u8; 32]) -> Result<Option<[u8; 32]>, Halt> {
        let named = "SELECT 1 FROM story_slot WHERE source = ?1 UNION ALL SELECT 1 FROM app_icon WHERE source = ?1 LIMIT 1";
        if self.find::<i64>(named, [source])?.is_some() {
            return Ok(None);
        }
        let picture = self.find(
            "SELECT picture FROM source WHERE hash = ?1 AND picture IS NOT NULL",
            [source],
        )?;
        // Its job and its picture are counted by what is updated.
        self.run(
            "UPDATE source SET picture = NULL, due_ms = NULL WHERE hash = ?1",
            [source],
        )?;
        self.run("DELETE FROM source WHERE hash = ?1", [source])?;
        Ok(picture)
    }

    /// Takes a person's part out of the hours of applications, before their stories go.
    pub(super) fn uncount(&self, user: Uid) -> Result<(), Halt> {
        for (column, mark) in UNCOUNT {
            let sql = format!(
                "UPDATE app_hour SET {column} = {column} - had.many FROM
                   (SELECT app, {mark} / 3600000 AS hour, count(*) AS many FROM story
                    WHERE user = ?1 AND NOT exempt AND {mark} IS NOT NULL GROUP BY 1, 2) AS had
                 WHERE app_hour.app = had.app AND app_hour.hour = had.hour"
            );
            self.run(&sql, [user.get()])?;
        }
        Ok(())
    }

    /// `Write::EraseApp`. First the application's own word: whoever follows the facts ends its connections with it (live 3.11).
    pub(crate) fn erase_app(&mut self, app: AppId) -> Result<(), Halt> {
        let id = app.get();
        if self
            .find::<i64>("SELECT 1 FROM app WHERE id = ?1", [id])?
            .is_none()
        {
            return Err(Halt::Refused(Conflict::Missing));
        }
        self.wipe()?;
        self.note(&Fact::App(app))?;
        self.run(
            "INSERT INTO erased_app (app, erased_ms) VALUES (?1, ?2)",
            (id, self.now.0),
        )?;
        self.run(HAVE_STORIES, [id])?;
        for user in self.list("SELECT user FROM \"grant\" WHERE app = ?1", [id])? {
            if let Some(user) = Uid::new(user) {
                self.record_decision(app, user, super::events::Decision::Withdrawn)?;
                self.note(&Fact::Withdrawn(app, user))?;
            }
        }
        for pid in self.list("SELECT pid FROM photo WHERE app = ?1", [id])? {
            self.remove_photo(pid)?;
        }
        for user in self.list("SELECT user FROM tombstone WHERE app = ?1", [id])? {
            if let Some(user) = Uid::new(user) {
                self.blank_all(app, user)?;
            }
        }
        self.remove_icon(id)?;
        self.run(CHARGE_OTHERS, [id])?;
        for sql in ERASE {
            self.run(sql, [id])?;
        }
        for session in self.list("SELECT id FROM session WHERE app = ?1", [id])? {
            self.end_session(SessionId(session))?;
        }
        Ok(())
    }

    fn remove_icon(&self, app: i64) -> Result<(), Halt> {
        let source = self.find("DELETE FROM app_icon WHERE app = ?1 RETURNING source", [app])?;
        let picture = match source {
            Some(source) => self.drop_source(source)?,
            None => None,
        };
        picture.map_or(Ok(()), |picture| self.run(DROP_UNUSED, [picture]).map(drop))
    }

    /// Takes text and slots of all stories of an application in one record.
    fn blank_all(&self, app: AppId, user: Uid) -> Result<(), Halt> {
        let sql = "SELECT id FROM story WHERE user = ?1 AND app = ?2 AND blanked_ms IS NULL ORDER BY seq";
        for story in self.list(sql, (user.get(), app.get()))? {
            if let Some(story) = StoryId::new(story) {
                self.blank(story, (user, app), BlankedBy::Erasure)?;
            }
        }
        self.note(&Fact::Feed(user))
    }

    /// `FeedWrite::Bury`: some tombstones; the rest follows with the next call.
    pub(super) fn bury(&mut self, before: WallMs, expiry: Span) -> Result<(), Halt> {
        let sql = "SELECT app FROM erased_app WHERE erased_ms < ?1 ORDER BY erased_ms LIMIT 1";
        let Some(app) = self.find::<i64>(sql, [before.0])? else {
            return Ok(());
        };
        self.wipe()?;
        let users = self.list(
            "SELECT user FROM tombstone WHERE app = ?1 LIMIT ?2",
            (app, BURIED_AT_ONCE),
        )?;
        for user in &users {
            self.bury_in((app, *user), expiry)?;
        }
        if i64::try_from(users.len()).is_ok_and(|buried| buried < BURIED_AT_ONCE) {
            for table in ["app_hour", "app_bucket", "erased_app"] {
                self.run(&format!("DELETE FROM {table} WHERE app = ?1"), [app])?;
            }
        }
        Ok(())
    }

    fn bury_in(&self, (app, user): (i64, i64), expiry: Span) -> Result<(), Halt> {
        let expiry = i64::try_from(expiry.0).unwrap_or(i64::MAX);
        self.run(BURY_VIEWS, (user, app, expiry))?;
        let events = self.run(
            "DELETE FROM feed_event WHERE user = ?1 AND story IN (SELECT id FROM story WHERE user = ?1 AND app = ?2)",
            (user, app),
        )?;
        let stories = self.run("DELETE FROM story WHERE user = ?1 AND app = ?2", (user, app))?;
        for table in ["user_app_day", "feed_missed", "tombstone"] {
            self.run(
                &format!("DELETE FROM {table} WHERE user = ?1 AND app = ?2"),
                (user, app),
            )?;
        }
        let gone = i64::try_from(events + stories).unwrap_or(i64::MAX);
        self.run(
            "UPDATE feed_head SET gone = gone + ?2, record = ?3 WHERE user = ?1",
            (user, gone, self.next_record()?),
        )?;
        Uid::new(user).map_or(Ok(()), |user| self.note(&Fact::Feed(user)))
    }
}
