//! The schema's history: numbered migrations, append-only, each applied once in a transaction of its own.

use crier_platform::model::time::WallMs;
use crier_proto::digest::sha256;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, TransactionBehavior};

/// Number, name and text of every migration, in order.
pub(crate) const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "begin_the_books",
        include_str!("../../migrations/0001_begin_the_books.sql"),
    ),
    (
        2,
        "keep_mailboxes",
        include_str!("../../migrations/0002_keep_mailboxes.sql"),
    ),
    (
        3,
        "add_receipt_secrets",
        include_str!("../../migrations/0003_add_receipt_secrets.sql"),
    ),
    (
        4,
        "keep_the_record",
        include_str!("../../migrations/0004_keep_the_record.sql"),
    ),
    (
        5,
        "queue_pictures",
        include_str!("../../migrations/0005_queue_pictures.sql"),
    ),
    (
        6,
        "index_what_people_did",
        include_str!("../../migrations/0006_index_what_people_did.sql"),
    ),
    (
        7,
        "show_icons",
        include_str!("../../migrations/0007_show_icons.sql"),
    ),
    (
        8,
        "begin_the_audit_log",
        include_str!("../../migrations/0008_begin_the_audit_log.sql"),
    ),
    (
        9,
        "bury_what_is_erased",
        include_str!("../../migrations/0009_bury_what_is_erased.sql"),
    ),
    (
        10,
        "keep_tests_apart",
        include_str!("../../migrations/0010_keep_tests_apart.sql"),
    ),
    (
        11,
        "count_for_developers",
        include_str!("../../migrations/0011_count_for_developers.sql"),
    ),
    (
        12,
        "list_reports",
        include_str!("../../migrations/0012_list_reports.sql"),
    ),
    (
        13,
        "queue_hook_posts",
        include_str!("../../migrations/0013_queue_hook_posts.sql"),
    ),
    (
        14,
        "list_takedowns",
        include_str!("../../migrations/0014_list_takedowns.sql"),
    ),
];

/// The newest schema that this version knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |(number, ..)| *number)
}

/// The schema that a database has.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database to the newest schema; `Ok(Err(found))` when it is already newer than we know.
pub(crate) fn migrate(connection: &mut Connection, now: WallMs) -> rusqlite::Result<Result<(), i64>> {
    let mut found = version(connection)?;
    if found > newest() {
        return Ok(Err(found));
    }
    add_sha256(connection)?;
    for (number, name, text) in MIGRATIONS {
        if *number <= found {
            continue;
        }
        // Immediate: of two processes that start at once, the second waits and then finds the work done.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        found = version(&transaction)?;
        if *number <= found {
            continue;
        }
        transaction.execute_batch(
            "CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms INTEGER NOT NULL) STRICT",
        )?;
        transaction.execute_batch(text)?;
        transaction.execute(
            "INSERT INTO migration (number, name, applied_ms) VALUES (?1, ?2, ?3)",
            (number, name, now.0),
        )?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
        found = *number;
    }
    Ok(Ok(()))
}

/// SQLite has no digest of its own; migration 4 gives each address the key of its source.
fn add_sha256(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("sha256", 1, flags, |context| {
        let text = context.get_raw(0).as_str()?;
        Ok(sha256(&[text.as_bytes()]).to_vec())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_by_one_from_one() {
        for (index, (number, ..)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(*number).unwrap(), index + 1);
        }
    }

    #[test]
    fn a_fresh_database_is_brought_to_the_newest_schema_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(migrate(&mut connection, WallMs(5)).unwrap(), Ok(()));
        assert_eq!(migrate(&mut connection, WallMs(6)).unwrap(), Ok(()));
        let applied: i64 = connection
            .query_row("SELECT sum(applied_ms) FROM migration", [], |row| row.get(0))
            .unwrap();
        assert_eq!(applied, 5 * newest());
        assert_eq!(version(&connection).unwrap(), newest());
    }

    #[test]
    fn each_migration_runs_on_real_rows_and_leaves_them() {
        let before = include_str!("../../migrations/before/0002_keep_mailboxes.sql");
        let mut connection = Connection::open_in_memory().unwrap();
        let (_, _, first) = MIGRATIONS[0];
        connection
            .execute_batch("CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms INTEGER NOT NULL) STRICT")
            .unwrap();
        connection.execute_batch(first).unwrap();
        connection.execute_batch(before).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        assert_eq!(migrate(&mut connection, WallMs(5)).unwrap(), Ok(()));
        let count = |table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table}");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let kept = [
            "user",
            "app",
            "\"grant\"",
            "session",
            "story",
            "feed_head",
            "change",
        ]
        .map(count);
        assert_eq!(kept, [2, 1, 1, 1, 1, 1, 1]);
        assert_eq!(["mailbox", "message"].map(count), [0, 0]);
        let counters: String = connection
            .query_row("SELECT group_concat(name || last) FROM counter", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(
            counters,
            "blanked_story0,feed_address0,feed_record0,hook_posts_dropped0,hook_posts_expired0,mailbox_wall_ms0,picture_bytes0,story1"
        );
    }

    #[test]
    fn stories_of_older_books_keep_text_marks_and_pictures_and_their_records_begin_as_things_stand() {
        let mut connection = Connection::open_in_memory().unwrap();
        let created = "CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms INTEGER NOT NULL) STRICT";
        connection.execute_batch(created).unwrap();
        let before = MIGRATIONS
            .iter()
            .take_while(|(_, name, _)| *name != "keep_the_record");
        for (number, _, text) in before {
            connection.execute_batch(text).unwrap();
            connection.pragma_update(None, "user_version", number).unwrap();
        }
        connection
            .execute_batch(include_str!("../../migrations/before/0004_keep_the_record.sql"))
            .unwrap();
        assert_eq!(migrate(&mut connection, WallMs(5)).unwrap(), Ok(()));
        let rows = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        assert_eq!(
            rows(
                "SELECT concat_ws(' ', seq, id, kind, title, body, priority, priority_text, hidden_ms, views) FROM story ORDER BY seq"
            ),
            [
                "1 1 story a title a <b>body</b> 7 0",
                "2 2 story put away very 1795291200500 0",
                "3 3 story to himself 0"
            ]
        );
        assert_eq!(
            rows(
                "SELECT concat_ws(' ', url, source.state, due_ms, app) FROM source JOIN story_slot ON source = hash ORDER BY story"
            ),
            ["http://x.example/a.png waiting 1795291200020 4"; 2]
        );
        assert_eq!(
            rows("SELECT concat_ws(' ', story, slot, pid, link, state) FROM story_slot ORDER BY story, slot"),
            [
                "1 1 http://x.example/1 pending",
                "1 3 99 http://x.example/3 removed",
                "2 2 http://x.example/2 pending"
            ]
        );
        assert_eq!(
            rows(
                "SELECT concat_ws(' ', user, seq, at_ms, kind, app, story, value) FROM feed_event ORDER BY user, seq"
            ),
            [
                "7 1 1795291200001 granted 5",
                "8 4 1795291200002 granted 4",
                "8 5 1795291200003 granted 5",
                "8 6 1795291200003 switched 5 off",
                "8 7 1795291200500 hidden 5 2"
            ]
        );
        assert_eq!(
            rows("SELECT concat_ws(' ', user, last_seq, last_view) FROM feed_head ORDER BY user"),
            ["7 1 0", "8 7 0"]
        );
        assert_eq!(
            rows("SELECT concat_ws(' ', app, hour, hidden) FROM app_hour"),
            ["5 498692 1"]
        );
        assert_eq!(
            rows("SELECT concat_ws(' ', user, app, day, hidden) FROM user_app_day"),
            ["8 5 20778 1"]
        );
    }

    #[test]
    fn books_in_use_keep_their_addresses_for_receipts_and_have_no_secret_yet() {
        let mut connection = Connection::open_in_memory().unwrap();
        let created = "CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms INTEGER NOT NULL) STRICT";
        connection.execute_batch(created).unwrap();
        let before = MIGRATIONS
            .iter()
            .take_while(|(_, name, _)| *name != "add_receipt_secrets");
        for (number, _, text) in before {
            connection.execute_batch(text).unwrap();
            connection.pragma_update(None, "user_version", number).unwrap();
        }
        connection
            .execute_batch(include_str!(
                "../../migrations/before/0003_add_receipt_secrets.sql"
            ))
            .unwrap();
        assert_eq!(migrate(&mut connection, WallMs(5)).unwrap(), Ok(()));
        let kept: (String, Option<Vec<u8>>, Option<i64>) = connection
            .query_row(
                "SELECT receipts, receipt_secret, receipts_ended_ms FROM app",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .unwrap();
        assert_eq!(kept, ("https://game.example/r".to_owned(), None, None));
    }

    #[test]
    fn a_database_of_a_newer_version_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .pragma_update(None, "user_version", newest() + 1)
            .unwrap();
        assert_eq!(migrate(&mut connection, WallMs(5)).unwrap(), Err(newest() + 1));
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }
}
