//! What is written to records of the News Feed: views, clicks, acts, preferences, addresses, and what all records share (feed 8.2).
//!
//! Promise: each change takes the record's next place, so that places have no gap; doing a thing again changes nothing; an act that
//! is taken back leaves the hour and the day in which it was done.

use super::events::Event;
use super::pen::{Halt, Pen};
use crier_platform::model::change::Fact;
use crier_platform::model::ranking::Slider;
use crier_platform::model::record::{FeedAct, FeedWrite, HourRows, KeptRanking, LaterPage, NewView};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Conflict, StoreFault};
use crier_proto::ids::{AppId, StoryId, Uid};
use rusqlite::{OptionalExtension, Row};
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

const OWN_STORY: &str =
    "SELECT app, exempt, hidden_ms, reported_ms, thumb_ms, clicked_ms, first_shown_ms FROM story
  WHERE id = ?1 AND user = ?2 AND blanked_ms IS NULL";
const NEXT_VIEW: &str = "INSERT INTO feed_head (user, last_seq, last_view, record)
  VALUES (?1, 0, 1, (SELECT last FROM counter WHERE name = 'feed_record'))
  ON CONFLICT (user) DO UPDATE SET last_view = last_view + 1 RETURNING last_view";
const ADD_VIEW: &str =
    "INSERT INTO feed_view (user, number, at_ms, moment, seq, version, missed, exempt, shown, pages)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1)";
/// Of many applications at once, an object in JSON: at each view most of them wait once more.
const SET_MISSED: &str =
    "INSERT INTO feed_missed (user, app, missed) SELECT ?1, CAST(key AS INTEGER), value FROM json_each(?2) WHERE true
  ON CONFLICT (user, app) DO UPDATE SET missed = excluded.missed";
const ON_PAGE_1: &str = "UPDATE story SET views = views + 1, last_verdict = ?3,
  best_slot = CASE WHEN ?4 IS NULL THEN best_slot ELSE min(coalesce(best_slot, ?4), ?4) END WHERE id = ?1 AND user = ?2";
const FIRST_SHOWN: &str = "UPDATE story SET first_shown_ms = ?3
  WHERE id = ?1 AND user = ?2 AND first_shown_ms IS NULL AND blanked_ms IS NULL";
/// Whether a view's page 1 holds a story; of a later page only that it was served (feed 2.9).
const IN_VIEW: &str = "SELECT 1 FROM feed_view WHERE user = ?1 AND number = ?2 AND iif(?4 > 1, pages >= ?4,
  EXISTS (SELECT 1 FROM json_each(shown) WHERE value = ?3) OR EXISTS (SELECT 1 FROM json_each(exempt) WHERE value = ?3))";
const SLIDE: &str = "INSERT INTO feed_preference (user, app, slider) VALUES (?1, ?2, ?3)
  ON CONFLICT (user, app) DO UPDATE SET slider = ?3 WHERE slider <> ?3";
const ADD_ADDRESS: &str =
    "INSERT INTO feed_address (token, number, user, label, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
const NEXT_ADDRESS: &str = "UPDATE counter SET last = last + 1 WHERE name = 'feed_address' RETURNING last";
/// Stories above the last blanked one, by number: they were committed in that order.
const TO_BLANK: &str =
    "SELECT id FROM story WHERE id > (SELECT last FROM counter WHERE name = 'blanked_story')
  AND published_ms < ?1 ORDER BY id LIMIT 256";

/// What of a story an act looks at.
struct OwnStory {
    app: i64,
    exempt: bool,
    hidden_ms: Option<i64>,
    reported_ms: Option<i64>,
    thumb_ms: Option<i64>,
    clicked_ms: Option<i64>,
}

impl OwnStory {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            app: row.get("app")?,
            exempt: row.get("exempt")?,
            hidden_ms: row.get("hidden_ms")?,
            reported_ms: row.get("reported_ms")?,
            thumb_ms: row.get("thumb_ms")?,
            clicked_ms: row.get("clicked_ms")?,
        })
    }
}

/// A column of the counts of acts.
#[derive(Debug, Clone, Copy)]
enum Column {
    Shown,
    Clicked,
    Thumbed,
    Hidden,
    Reported,
}

impl Column {
    /// The statements that add to the hour and to the day; nobody's day counts what was shown.
    const fn adds(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Shown => (
                "INSERT INTO app_hour (app, hour, shown) VALUES (?1, ?2, ?3)
                 ON CONFLICT (app, hour) DO UPDATE SET shown = shown + ?3",
                None,
            ),
            Self::Clicked => (
                "INSERT INTO app_hour (app, hour, clicked) VALUES (?1, ?2, ?3)
                 ON CONFLICT (app, hour) DO UPDATE SET clicked = clicked + ?3",
                Some(
                    "INSERT INTO user_app_day (user, app, day, clicked) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (user, app, day) DO UPDATE SET clicked = clicked + ?4",
                ),
            ),
            Self::Thumbed => (
                "INSERT INTO app_hour (app, hour, thumbed) VALUES (?1, ?2, ?3)
                 ON CONFLICT (app, hour) DO UPDATE SET thumbed = thumbed + ?3",
                Some(
                    "INSERT INTO user_app_day (user, app, day, thumbed) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (user, app, day) DO UPDATE SET thumbed = thumbed + ?4",
                ),
            ),
            Self::Hidden => (
                "INSERT INTO app_hour (app, hour, hidden) VALUES (?1, ?2, ?3)
                 ON CONFLICT (app, hour) DO UPDATE SET hidden = hidden + ?3",
                Some(
                    "INSERT INTO user_app_day (user, app, day, hidden) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (user, app, day) DO UPDATE SET hidden = hidden + ?4",
                ),
            ),
            Self::Reported => (
                "INSERT INTO app_hour (app, hour, reported) VALUES (?1, ?2, ?3)
                 ON CONFLICT (app, hour) DO UPDATE SET reported = reported + ?3",
                Some(
                    "INSERT INTO user_app_day (user, app, day, reported) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (user, app, day) DO UPDATE SET reported = reported + ?4",
                ),
            ),
        }
    }
}

impl Pen<'_> {
    /// `Write::Feed`.
    pub(crate) fn write_feed(&mut self, write: &FeedWrite) -> Result<(), Halt> {
        match write {
            FeedWrite::View(view) => self.add_view(view),
            FeedWrite::Later(page) => self.add_later_page(page),
            FeedWrite::Click {
                user,
                story,
                view,
                page,
            } => self.click(*user, (*story, *view, *page)),
            FeedWrite::Act { user, story, act } => self.act(*user, (*story, *act)),
            FeedWrite::Slide { user, app, slider } => self.slide(*user, (*app, *slider)),
            FeedWrite::KeepRanking(ranking) => self.keep_ranking(ranking),
            FeedWrite::KeepHour(hour) => self.keep_hour(hour),
            FeedWrite::AddAddress {
                token,
                user,
                label,
                most,
            } => self.add_address(*user, (token, label, *most)),
            FeedWrite::RevokeAddress { user, number } => self.revoke_address(*user, *number),
            FeedWrite::UseAddress(token) => self
                .run(
                    "UPDATE feed_address SET used_ms = ?2 WHERE token = ?1",
                    (&token[..], self.now.0),
                )
                .map(drop),
            FeedWrite::BlankBefore(before) => self.blank_before(*before),
            FeedWrite::TakeDown(story) => self.take_down(*story),
            FeedWrite::Bury { before, expiry } => self.bury(*before, *expiry),
            FeedWrite::TrimViews(before) => self
                .run("DELETE FROM feed_view WHERE at_ms < ?1", [before.0])
                .map(drop),
        }
    }

    /// Counts an act in the hour and the day in which it was done; exempt stories count nowhere (feed 3.6).
    fn count_act(
        &self,
        (user, story): (Uid, &OwnStory),
        column: Column,
        (done_ms, by): (i64, i64),
    ) -> Result<(), Halt> {
        if story.exempt {
            return Ok(());
        }
        let (hour, day) = column.adds();
        self.run(hour, (story.app, done_ms.div_euclid(HOUR_MS), by))?;
        if let Some(day) = day {
            self.run(day, (user.get(), story.app, done_ms.div_euclid(DAY_MS), by))?;
        }
        Ok(())
    }

    fn own_story(&self, user: Uid, story: StoryId) -> Result<OwnStory, Halt> {
        self.connection
            .prepare_cached(OWN_STORY)?
            .query_row((story.get(), user.get()), OwnStory::read)
            .optional()?
            .ok_or(Halt::Refused(Conflict::Missing))
    }

    fn act(&mut self, user: Uid, (id, act): (StoryId, FeedAct)) -> Result<(), Halt> {
        let story = self.own_story(user, id)?;
        let now = self.now.0;
        match act {
            FeedAct::Hide if story.hidden_ms.is_none() => {
                self.mark(id, "UPDATE story SET hidden_ms = ?2 WHERE id = ?1", Some(now))?;
                self.count_act((user, &story), Column::Hidden, (now, 1))?;
                self.act_event((user, &story), id, ("hidden", None))?;
            }
            FeedAct::Report(reason) if story.reported_ms.is_none() => {
                self.run(
                    "UPDATE story SET reported_ms = ?2, reported = ?3 WHERE id = ?1",
                    (id.get(), now, reason.word()),
                )?;
                self.count_act((user, &story), Column::Reported, (now, 1))?;
                self.act_event((user, &story), id, ("reported", Some(reason.word())))?;
            }
            FeedAct::Thumb if story.thumb_ms.is_none() => {
                self.mark(id, "UPDATE story SET thumb_ms = ?2 WHERE id = ?1", Some(now))?;
                self.count_act((user, &story), Column::Thumbed, (now, 1))?;
                self.act_event((user, &story), id, ("thumbed", None))?;
            }
            FeedAct::Unthumb => {
                if let Some(done) = story.thumb_ms {
                    self.mark(id, "UPDATE story SET thumb_ms = ?2 WHERE id = ?1", None)?;
                    self.count_act((user, &story), Column::Thumbed, (done, -1))?;
                    self.act_event((user, &story), id, ("unthumbed", None))?;
                }
            }
            FeedAct::Undo => self.undo(user, (id, &story))?,
            FeedAct::Hide | FeedAct::Report(_) | FeedAct::Thumb => return Ok(()),
        }
        self.note(&Fact::Feed(user))
    }

    fn undo(&self, user: Uid, (id, story): (StoryId, &OwnStory)) -> Result<(), Halt> {
        if let Some(done) = story.hidden_ms {
            self.mark(id, "UPDATE story SET hidden_ms = ?2 WHERE id = ?1", None)?;
            self.count_act((user, story), Column::Hidden, (done, -1))?;
            self.act_event((user, story), id, ("undone", Some("hidden")))?;
        }
        if let Some(done) = story.reported_ms {
            self.mark(
                id,
                "UPDATE story SET reported_ms = ?2, reported = NULL WHERE id = ?1",
                None,
            )?;
            self.count_act((user, story), Column::Reported, (done, -1))?;
            self.act_event((user, story), id, ("undone", Some("reported")))?;
        }
        Ok(())
    }

    fn mark(&self, story: StoryId, sql: &str, at: Option<i64>) -> Result<(), Halt> {
        self.run(sql, (story.get(), at)).map(drop)
    }

    fn act_event(
        &self,
        (user, story): (Uid, &OwnStory),
        id: StoryId,
        (kind, value): (&'static str, Option<&str>),
    ) -> Result<(), Halt> {
        let event = Event {
            at: self.now,
            kind,
            app: story.app,
            story: Some(id.get()),
            view: None,
            value,
        };
        self.add_feed_event(user, &event)
    }

    fn click(&self, user: Uid, (id, view, page): (StoryId, i64, u32)) -> Result<(), Halt> {
        let story = self.own_story(user, id)?;
        let found: Option<i64> = self.find(IN_VIEW, (user.get(), view, id.get(), page))?;
        if found.is_none() {
            return Err(Halt::Refused(Conflict::Missing));
        }
        if story.clicked_ms.is_some() {
            return Ok(());
        }
        let now = self.now.0;
        self.mark(id, "UPDATE story SET clicked_ms = ?2 WHERE id = ?1", Some(now))?;
        self.count_act((user, &story), Column::Clicked, (now, 1))?;
        let event = Event {
            at: self.now,
            kind: "clicked",
            app: story.app,
            story: Some(id.get()),
            view: Some(view),
            value: None,
        };
        self.add_feed_event(user, &event)
    }

    fn add_view(&self, new: &NewView) -> Result<(), Halt> {
        let NewView {
            view,
            record,
            missed_after,
            verdicts,
        } = new;
        self.require_user(view.user)?;
        let number = self.next(NEXT_VIEW, [view.user.get()])?;
        let present: i64 = self.next("SELECT record FROM feed_head WHERE user = ?1", [view.user.get()])?;
        if number != view.number || present != *record {
            return Err(Halt::Refused(Conflict::Changed));
        }
        let missed: Vec<(i64, u32)> = view
            .missed
            .iter()
            .map(|(app, missed)| (app.get(), *missed))
            .collect();
        self.run(
            ADD_VIEW,
            (
                view.user.get(),
                number,
                view.at.0,
                view.moment_secs,
                view.seq,
                view.version,
                json(&missed)?,
                json(&numbers(&view.exempt))?,
                json(&numbers(&view.shown))?,
            ),
        )?;
        let missed: BTreeMap<i64, u32> = missed_after
            .iter()
            .map(|(app, missed)| (app.get(), *missed))
            .collect();
        self.run(SET_MISSED, (view.user.get(), json(&missed)?))?;
        let slots = view.exempt.iter().map(|_| None);
        let slots = slots.chain((1_i64..).take(view.shown.len()).map(Some));
        let stories = view.exempt.iter().chain(&view.shown);
        let mut on_page_1 = self.connection.prepare_cached(ON_PAGE_1)?;
        for ((story, slot), verdict) in stories.clone().zip(slots).zip(verdicts) {
            on_page_1.execute((story.get(), view.user.get(), verdict, slot))?;
        }
        self.shown_first((view.user, number, view.at), stories)
    }

    fn add_later_page(&self, page: &LaterPage) -> Result<(), Halt> {
        let changed = self.run(
            "UPDATE feed_view SET pages = max(pages, ?3) WHERE user = ?1 AND number = ?2",
            (page.user.get(), page.view, page.page),
        )?;
        if changed == 0 {
            return Err(Halt::Refused(Conflict::Missing));
        }
        self.shown_first((page.user, page.view, page.at), &page.stories)
    }

    /// Notes which of these stories no page has shown before. One that was blanked meanwhile is not shown any more.
    fn shown_first<'s>(
        &self,
        (user, view, at): (Uid, i64, WallMs),
        stories: impl IntoIterator<Item = &'s StoryId>,
    ) -> Result<(), Halt> {
        let mut first_shown = self.connection.prepare_cached(FIRST_SHOWN)?;
        for story in stories {
            if first_shown.execute((story.get(), user.get(), at.0))? > 0 {
                self.count_first_shown((user, view), (*story, at))?;
            }
        }
        Ok(())
    }

    fn count_first_shown(&self, (user, view): (Uid, i64), (id, at): (StoryId, WallMs)) -> Result<(), Halt> {
        let story = self.own_story(user, id)?;
        self.count_act((user, &story), Column::Shown, (at.0, 1))?;
        let event = Event {
            at,
            kind: "shown",
            app: story.app,
            story: Some(id.get()),
            view: Some(view),
            value: None,
        };
        self.add_feed_event(user, &event)
    }

    fn slide(&self, user: Uid, (app, slider): (AppId, Slider)) -> Result<(), Halt> {
        let granted: Option<i64> = self.find(
            "SELECT 1 FROM \"grant\" WHERE user = ?1 AND app = ?2",
            (user.get(), app.get()),
        )?;
        if granted.is_none() {
            return Err(Halt::Refused(Conflict::Missing));
        }
        let known: Option<u8> = self.find(
            "SELECT slider FROM feed_preference WHERE user = ?1 AND app = ?2",
            (user.get(), app.get()),
        )?;
        let stop = u8::from(slider);
        if known.unwrap_or(u8::from(Slider::Normal)) == stop {
            return Ok(());
        }
        self.run(SLIDE, (user.get(), app.get(), stop))?;
        let event = Event {
            at: self.now,
            kind: "slider",
            app: app.get(),
            story: None,
            view: None,
            value: Some(&stop.to_string()),
        };
        self.add_feed_event(user, &event)?;
        self.note(&Fact::Feed(user))
    }

    fn keep_ranking(&self, ranking: &KeptRanking) -> Result<(), Halt> {
        let added = self.run(
            "INSERT INTO ranking_config (version, text, since_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            (ranking.version, &ranking.text, ranking.since.0),
        )?;
        if added == 0 {
            return Err(Halt::Refused(Conflict::Changed));
        }
        Ok(())
    }

    /// Whoever comes second finds the hour kept and leaves it as it is (feed 4.5).
    fn keep_hour(&self, hour: &HourRows) -> Result<(), Halt> {
        if self.run(
            "INSERT INTO bucket_hour (hour) VALUES (?1) ON CONFLICT DO NOTHING",
            [hour.hour],
        )? == 0
        {
            return Ok(());
        }
        for (app, row) in &hour.rows {
            let counts = row.counts;
            self.run(
                "INSERT INTO app_bucket (app, hour, shown, clicked, thumbed, hidden, reported, q, bucket)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                (
                    app.get(),
                    hour.hour,
                    whole(counts.shown),
                    whole(counts.clicked),
                    whole(counts.thumbed),
                    whole(counts.hidden),
                    whole(counts.reported),
                    row.q,
                    row.bucket.number(),
                ),
            )?;
        }
        Ok(())
    }

    fn add_address(&self, user: Uid, (token, label, most): (&[u8; 32], &str, u32)) -> Result<(), Halt> {
        self.require_user(user)?;
        let have: Option<u32> =
            self.find("SELECT count(*) FROM feed_address WHERE user = ?1", [user.get()])?;
        if have.unwrap_or(0) >= most {
            return Err(Halt::Refused(Conflict::AddressesFull));
        }
        let number = self.next(NEXT_ADDRESS, [])?;
        self.run(ADD_ADDRESS, (&token[..], number, user.get(), label, self.now.0))
            .map(drop)
    }

    fn revoke_address(&self, user: Uid, number: i64) -> Result<(), Halt> {
        let gone = self.run(
            "DELETE FROM feed_address WHERE user = ?1 AND number = ?2",
            (user.get(), number),
        )?;
        if gone == 0 {
            return Err(Halt::Refused(Conflict::Missing));
        }
        Ok(())
    }

    /// Takes text and slots of some stories that are too old; the rest follows with the next call.
    fn blank_before(&self, before: WallMs) -> Result<(), Halt> {
        let old = self.list(TO_BLANK, [before.0])?;
        for id in &old {
            self.blank_by_age(*id)?;
        }
        if let Some(last) = old.last() {
            self.run(
                "UPDATE counter SET last = ?1 WHERE name = 'blanked_story'",
                [last],
            )?;
        }
        Ok(())
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn numbers(stories: &[StoryId]) -> Vec<i64> {
    stories.iter().map(|story| story.get()).collect()
}

fn json(value: &impl serde::Serialize) -> Result<String, Halt> {
    Ok(serde_json::to_string(value).map_err(|error| StoreFault::Damaged(error.to_string()))?)
}
