//! What `doctor` asks of the books: is the file sound, do the counts agree, do the secrets open.

use super::open::SqliteStore;
use super::schema;
use crier_platform::ports::store::{Apps, Store, StoreFault};
use rusqlite::Connection;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, and when it is not ok what to do.
    pub text: String,
}

const UNEQUAL_HEADS: &str = "SELECT count(*) FROM feed_head AS head
  WHERE last_seq <> (SELECT count(*) FROM story WHERE user = head.user) + (SELECT count(*) FROM feed_event WHERE user = head.user)
     OR last_seq <> max(coalesce((SELECT max(seq) FROM story WHERE user = head.user), 0),
                        coalesce((SELECT max(seq) FROM feed_event WHERE user = head.user), 0))";
const HEADLESS: &str =
    "SELECT count(DISTINCT user) FROM (SELECT user FROM story UNION ALL SELECT user FROM feed_event)
  WHERE user NOT IN (SELECT user FROM feed_head)";

impl SqliteStore {
    /// Looks at everything once; reads all pages, so it takes seconds on large books. Changes nothing.
    pub async fn diagnose(&self) -> Vec<Diagnosis> {
        let mut findings = vec![
            finding(self.readers().read(quick_check)),
            finding(self.readers().read(schema_state)),
            finding(self.readers().read(counts)),
        ];
        findings.push(finding(self.apps().await.map(|apps| Diagnosis {
            ok: true,
            text: format!("secrets of {} applications open with the key file", apps.len()),
        })));
        findings.push(finding(self.check().await.map(|()| Diagnosis {
            ok: true,
            text: "the writer takes units".to_owned(),
        })));
        findings
    }
}

fn finding(found: Result<Diagnosis, StoreFault>) -> Diagnosis {
    found.unwrap_or_else(|fault| Diagnosis {
        ok: false,
        text: fault.to_string(),
    })
}

fn quick_check(connection: &Connection) -> rusqlite::Result<Diagnosis> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    let ok = said == "ok";
    let text = if ok {
        "the database file is sound".to_owned()
    } else {
        format!("the database file is damaged ({said}); restore a backup")
    };
    Ok(Diagnosis { ok, text })
}

fn schema_state(connection: &Connection) -> rusqlite::Result<Diagnosis> {
    let (found, known) = (schema::version(connection)?, schema::newest());
    Ok(Diagnosis {
        ok: found == known,
        text: format!("schema {found}, known up to {known}"),
    })
}

fn counts(connection: &Connection) -> rusqlite::Result<Diagnosis> {
    let unequal: i64 = connection.query_row(UNEQUAL_HEADS, [], |row| row.get(0))?;
    let headless: i64 = connection.query_row(HEADLESS, [], |row| row.get(0))?;
    let users: i64 = connection.query_row("SELECT count(*) FROM feed_head", [], |row| row.get(0))?;
    let wrong = unequal + headless;
    let text = if wrong == 0 {
        format!("stories are counted rightly for {users} users")
    } else {
        format!("stories of {wrong} users are not what their heads count; restore a backup")
    };
    Ok(Diagnosis { ok: wrong == 0, text })
}
