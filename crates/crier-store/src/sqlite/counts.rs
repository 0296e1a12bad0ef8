//! Whether what is counted is what the rows say: places of records, marks of stories, hours and days of acts, decisions, windows,
//! pictures and their jobs (feed 8.4). `doctor` asks.
//!
//! Promise: each check is one statement and so of one moment, also while somebody writes. Nothing is changed.

use super::diagnose::Diagnosis;
use super::traces;
use crier_platform::model::quantity::Bytes;
use crier_proto::markup::{Markup, Place};
use rusqlite::{Connection, Row};

// A row's other columns are those of its greatest `seq` as long as that is looked at; so it always is.

/// A check: what is wrong with the rows that it finds, and what to do.
struct Check {
    /// What the found ones are, behind their number.
    wrong: &'static str,
    /// A query of `name`, one row for each that is wrong.
    sql: &'static str,
    /// What the operator does, and what it costs not to.
    remedy: &'static str,
}

const RESTORE: &str = "stop the server and put a backup back (crier restore FILE)";
const RESTORE_COUNTS: &str =
    "put a backup back (crier restore FILE); until then quality and affinity weigh what never happened";

const CHECKS: &[Check] = &[
    Check {
        wrong: "records whose places are not what their heads count",
        sql: "SELECT 'user ' || user AS name FROM feed_head AS head
          WHERE last_seq <> gone + (SELECT count(*) FROM story WHERE user = head.user)
              + (SELECT count(*) FROM feed_event WHERE user = head.user)
            OR last_seq < coalesce((SELECT max(seq) FROM story WHERE user = head.user), 0)
            OR last_seq < coalesce((SELECT max(seq) FROM feed_event WHERE user = head.user), 0)
          UNION SELECT 'user ' || story.user FROM story JOIN feed_event USING (user, seq)
          UNION SELECT 'user ' || user FROM (SELECT user FROM story UNION SELECT user FROM feed_event)
            WHERE user NOT IN (SELECT user FROM feed_head)",
        remedy: RESTORE,
    },
    Check {
        wrong: "views that their records cannot have had",
        sql: "SELECT 'view ' || number || ' of user ' || feed_view.user AS name FROM feed_view
          LEFT JOIN feed_head ON feed_head.user = feed_view.user
          WHERE feed_head.user IS NULL OR number > last_view OR seq > last_seq
            OR version NOT IN (SELECT version FROM ranking_config)",
        remedy: RESTORE,
    },
    Check {
        wrong: "stories whose marks are not what their events say",
        sql: "WITH last AS (
            SELECT story, 'shown' AS mark, at_ms, max(seq) AS seq FROM feed_event WHERE kind = 'shown' GROUP BY story
            UNION ALL SELECT story, 'clicked', at_ms, max(seq) AS seq FROM feed_event WHERE kind = 'clicked' GROUP BY story
            UNION ALL SELECT story, 'thumb', iif(kind = 'thumbed', at_ms, NULL), max(seq) AS seq FROM feed_event
              WHERE kind IN ('thumbed', 'unthumbed') GROUP BY story
            UNION ALL SELECT story, 'hidden', iif(kind = 'hidden', at_ms, NULL), max(seq) AS seq FROM feed_event
              WHERE kind = 'hidden' OR kind = 'undone' AND value = 'hidden' GROUP BY story
            UNION ALL SELECT story, 'reported', iif(kind = 'reported', at_ms, NULL), max(seq) AS seq FROM feed_event
              WHERE kind = 'reported' OR kind = 'undone' AND value = 'reported' GROUP BY story
            UNION ALL SELECT story, 'blanked', at_ms, max(seq) AS seq FROM feed_event WHERE kind = 'blanked' GROUP BY story),
          said AS (SELECT story, mark, at_ms FROM last WHERE at_ms IS NOT NULL AND seq > 0),
          marked AS (
            SELECT id AS story, 'shown' AS mark, first_shown_ms AS at_ms FROM story WHERE first_shown_ms IS NOT NULL
            UNION ALL SELECT id, 'clicked', clicked_ms FROM story WHERE clicked_ms IS NOT NULL
            UNION ALL SELECT id, 'thumb', thumb_ms FROM story WHERE thumb_ms IS NOT NULL
            UNION ALL SELECT id, 'hidden', hidden_ms FROM story WHERE hidden_ms IS NOT NULL
            UNION ALL SELECT id, 'reported', reported_ms FROM story WHERE reported_ms IS NOT NULL
            UNION ALL SELECT id, 'blanked', blanked_ms FROM story WHERE blanked_by IN ('takedown', 'erasure'))
          SELECT 'story ' || story AS name FROM
            (SELECT * FROM (SELECT * FROM said EXCEPT SELECT * FROM marked)
             UNION SELECT * FROM (SELECT * FROM marked EXCEPT SELECT * FROM said)) GROUP BY story",
        remedy: RESTORE,
    },
    Check {
        wrong: "hours of applications whose counts are not what the stories say",
        sql: "WITH counted AS (
            SELECT app, hour, shown, clicked, thumbed, hidden, reported FROM app_hour
            UNION ALL SELECT app, first_shown_ms / 3600000, -1, 0, 0, 0, 0 FROM story WHERE NOT exempt AND first_shown_ms IS NOT NULL
            UNION ALL SELECT app, clicked_ms / 3600000, 0, -1, 0, 0, 0 FROM story WHERE NOT exempt AND clicked_ms IS NOT NULL
            UNION ALL SELECT app, thumb_ms / 3600000, 0, 0, -1, 0, 0 FROM story WHERE NOT exempt AND thumb_ms IS NOT NULL
            UNION ALL SELECT app, hidden_ms / 3600000, 0, 0, 0, -1, 0 FROM story WHERE NOT exempt AND hidden_ms IS NOT NULL
            UNION ALL SELECT app, reported_ms / 3600000, 0, 0, 0, 0, -1 FROM story WHERE NOT exempt AND reported_ms IS NOT NULL)
          SELECT 'application ' || app || ', hour ' || hour AS name FROM counted GROUP BY app, hour
          HAVING sum(shown) <> 0 OR sum(clicked) <> 0 OR sum(thumbed) <> 0 OR sum(hidden) <> 0 OR sum(reported) <> 0",
        remedy: RESTORE_COUNTS,
    },
    Check {
        wrong: "days of people whose acts are not what their stories say",
        sql: "WITH counted AS (
            SELECT user, app, day, clicked, thumbed, hidden, reported FROM user_app_day
            UNION ALL SELECT user, app, clicked_ms / 86400000, -1, 0, 0, 0 FROM story WHERE NOT exempt AND clicked_ms IS NOT NULL
            UNION ALL SELECT user, app, thumb_ms / 86400000, 0, -1, 0, 0 FROM story WHERE NOT exempt AND thumb_ms IS NOT NULL
            UNION ALL SELECT user, app, hidden_ms / 86400000, 0, 0, -1, 0 FROM story WHERE NOT exempt AND hidden_ms IS NOT NULL
            UNION ALL SELECT user, app, reported_ms / 86400000, 0, 0, 0, -1 FROM story WHERE NOT exempt AND reported_ms IS NOT NULL)
          SELECT 'user ' || user || ', application ' || app || ', day ' || day AS name FROM counted GROUP BY user, app, day
          HAVING sum(clicked) <> 0 OR sum(thumbed) <> 0 OR sum(hidden) <> 0 OR sum(reported) <> 0",
        remedy: RESTORE_COUNTS,
    },
    Check {
        wrong: "acceptances and switches that are not what people decided",
        sql: "WITH last AS (SELECT user, app, kind, value, max(seq) AS seq FROM feed_event
            WHERE kind IN ('granted', 'withdrawn', 'switched') GROUP BY user, app),
          said AS (SELECT user, app, iif(kind = 'switched', value = 'on', 1) AS feed FROM last WHERE kind <> 'withdrawn' AND seq > 0),
          stands AS (SELECT user, app, feed FROM \"grant\")
          SELECT 'user ' || user || ', application ' || app AS name FROM
            (SELECT * FROM (SELECT * FROM said EXCEPT SELECT * FROM stands)
             UNION SELECT * FROM (SELECT * FROM stands EXCEPT SELECT * FROM said)) GROUP BY user, app",
        remedy: RESTORE,
    },
    Check {
        wrong: "sliders that do not stand where people moved them",
        sql: "WITH last AS (SELECT user, app, value, max(seq) AS seq FROM feed_event WHERE kind = 'slider' GROUP BY user, app)
          SELECT 'user ' || user || ', application ' || app AS name FROM feed_preference LEFT JOIN last USING (user, app)
          WHERE CAST(value AS INTEGER) IS NOT slider OR seq <= 0",
        remedy: RESTORE,
    },
    Check {
        wrong: "twelve-hour windows without their story",
        sql: "SELECT 'user ' || feed_window.user || ', application ' || feed_window.app AS name FROM feed_window
          LEFT JOIN story ON story.id = feed_window.story AND story.user = feed_window.user AND story.app = feed_window.app
          WHERE published_ms IS NOT last_ms",
        remedy: RESTORE,
    },
    Check {
        wrong: "rows of people or stories that do not exist",
        sql: "SELECT 'slot of story ' || story AS name FROM story_slot WHERE story NOT IN (SELECT id FROM story)
          UNION SELECT 'event of story ' || story FROM feed_event WHERE story IS NOT NULL AND story NOT IN (SELECT id FROM story)
          UNION SELECT 'user ' || user FROM (SELECT user FROM feed_head UNION SELECT user FROM \"grant\" UNION SELECT user FROM session
            UNION SELECT owner FROM photo UNION SELECT user FROM feed_address UNION SELECT user FROM feed_window)
            WHERE user NOT IN (SELECT uid FROM user)",
        remedy: RESTORE,
    },
    Check {
        wrong: "pictures whose users are not counted rightly",
        sql: "SELECT 'picture ' || lower(hex(hash)) AS name FROM picture
          WHERE refs <> (SELECT count(*) FROM source WHERE source.picture = picture.hash)
            + (SELECT count(*) FROM photo WHERE big = picture.hash) + (SELECT count(*) FROM photo WHERE normal = picture.hash)
            + (SELECT count(*) FROM photo WHERE small = picture.hash)
          UNION SELECT 'the bytes of all pictures' FROM counter
            WHERE counter.name = 'picture_bytes' AND last <> (SELECT coalesce(sum(size), 0) FROM picture)",
        remedy: RESTORE,
    },
    Check {
        wrong: "queues of pictures that are not as long as they say",
        sql: "WITH counted AS (SELECT app, waiting AS many FROM picture_queue
            UNION ALL SELECT app, -1 FROM source WHERE due_ms IS NOT NULL
            UNION ALL SELECT 0, -1 FROM source WHERE due_ms IS NOT NULL)
          SELECT iif(app = 0, 'all applications', 'application ' || app) AS name FROM counted GROUP BY app HAVING sum(many) <> 0",
        remedy: RESTORE,
    },
];

/// One line when all is well, else one for each check that found something.
pub(super) fn check(connection: &Connection) -> rusqlite::Result<Vec<Diagnosis>> {
    let mut findings = Vec::new();
    for check in CHECKS {
        let sql = format!("SELECT count(*), min(name) FROM ({})", check.sql);
        let (many, first): (i64, Option<String>) =
            connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if many > 0 {
            findings.push(Diagnosis {
                ok: false,
                text: found(check, many, &first.unwrap_or_default()),
            });
        }
    }
    findings.extend(damaged(connection)?);
    if findings.is_empty() {
        let records: i64 = connection.query_row("SELECT count(*) FROM feed_head", [], |row| row.get(0))?;
        findings.push(Diagnosis {
            ok: true,
            text: format!("counts are what the events say in {records} records"),
        });
    }
    Ok(findings)
}

fn found(check: &Check, many: i64, first: &str) -> String {
    let Check { wrong, remedy, .. } = check;
    format!("{many} {wrong}, {first} among them; {remedy}")
}

/// Stories whose row is no story, or no fixed point of the markup reader (feed 2.7, 8.5).
fn damaged(connection: &Connection) -> rusqlite::Result<Option<Diagnosis>> {
    let mut statement =
        connection.prepare("SELECT id, kind, title, body FROM story WHERE blanked_ms IS NULL")?;
    let mut rows = statement.query([])?;
    let (mut many, mut first) = (0_u64, None);
    while let Some(row) = rows.next()? {
        if !is_story(row) {
            many += 1;
            first = first.or(row.get::<_, i64>("id").ok());
        }
    }
    Ok(first.map(|first| Diagnosis {
        ok: false,
        text: format!(
            "{many} stories are damaged and shown nowhere, story {first} among them; put a backup back (crier restore FILE) or take \
             them down (crier feed takedown STORY)"
        ),
    }))
}

fn is_story(row: &Row<'_>) -> bool {
    let read = || -> rusqlite::Result<bool> {
        let (kind, title): (String, String) = (row.get("kind")?, row.get("title")?);
        let body: Option<String> = row.get("body")?;
        let is_canonical = |place, markup: &str| Markup::read_stored(place, markup).is_some();
        Ok(kind == "story"
            && !title.is_empty()
            && is_canonical(Place::Title, &title)
            && body.is_none_or(|body| is_canonical(Place::Body, &body)))
    };
    read().unwrap_or(false)
}

/// Whether anything of what was erased is left in the file.
pub(super) fn traces_left(connection: &Connection, bytes_max: Bytes) -> rusqlite::Result<Diagnosis> {
    if !traces::are_noted(connection)? {
        return Ok(Diagnosis {
            ok: true,
            text: "nothing is left of what was erased".to_owned(),
        });
    }
    let size = traces::size(connection)?;
    let ok = size <= bytes_max;
    let text = if ok {
        "what was erased is about to leave the file".to_owned()
    } else {
        format!(
            "the file still holds parts of what was erased: set store.rewrite_bytes_max above {size} and start the server anew; it is \
             busy for some seconds for each GiB"
        )
    };
    Ok(Diagnosis { ok, text })
}
