//! Rows that age: changes, applied units, and tokens, logins, links and sessions that have expired. Removed in batches, within transactions that are
//! synced anyway, so that tidying up costs no sync of its own.

use super::open::Shared;
use crier_platform::model::session::SessionId;
use crier_platform::model::time::ElapsedMs;
use rusqlite::Connection;

/// Rows of one kind removed at once.
const BATCH_ROWS: i64 = 1024;
/// Time between two looks while there is little to remove.
const PAUSE_MS: u64 = 1000;
/// How long an expired token or login stays, so that its holder is told that it has expired.
const EXPIRED_KEEP_MS: u64 = 86_400_000;

/// How long an expired session stays; its caller is answered 102 before and after.
const SESSION_KEEP_SECS: i64 = 30 * 86_400;
/// Expired sessions looked at once.
const SESSIONS_AT_ONCE: i64 = 256;

const EXPIRED_SESSIONS: &str = "SELECT id FROM session WHERE expires IS NOT NULL AND expires < ?1 LIMIT ?2";

/// Rows in order of age; the newest of a batch may be too young, which the second condition sees.
const BY_AGE: [&str; 2] = [
    "DELETE FROM change WHERE id IN (SELECT id FROM change ORDER BY id LIMIT ?2) AND at_ms < ?1",
    "DELETE FROM unit WHERE number IN (SELECT number FROM unit ORDER BY number LIMIT ?2) AND at_ms < ?1",
];
const EXPIRED: [&str; 3] = [
    "DELETE FROM login WHERE token IN (SELECT token FROM login WHERE expires_ms < ?1 LIMIT ?2)",
    "DELETE FROM login_link WHERE token IN (SELECT token FROM login_link WHERE expires_ms < ?1 LIMIT ?2)",
    "DELETE FROM auth_token WHERE token IN (SELECT token FROM auth_token WHERE expires_ms < ?1 LIMIT ?2)",
];

/// The next changes in order, as far as they are old: the last one's id and how many they are.
const OLD_CHANGES: &str = "SELECT max(id), count(*) FROM
  (SELECT id, at_ms FROM change WHERE id > ?1 ORDER BY id LIMIT ?3) WHERE at_ms < ?2";
const FEED_CHANGES: &str = "DELETE FROM change WHERE id > ?1 AND id <= ?2 AND fact = 'feed'";

/// When to look next, and which changes have been looked at.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    next: ElapsedMs,
    /// Up to here no change of a feed is left.
    feed_changes_done: i64,
}

impl Upkeep {
    /// Removes what is too old when it is time, inside the writer's transaction. A failure costs nothing but the tidiness.
    pub(crate) fn prune(&mut self, connection: &Connection, shared: &Shared) {
        let now = shared.clock.elapsed();
        if now < self.next {
            return;
        }
        let feed = self.prune_feed_changes(connection, shared);
        match feed.and_then(|more| Ok(prune(connection, shared)? || more)) {
            // A full batch: there is more, and it must not grow faster than it is removed.
            Ok(true) => {}
            Ok(false) => self.next = now.plus_ms(PAUSE_MS),
            Err(error) => {
                self.next = now.plus_ms(PAUSE_MS);
                tracing::warn!(%error, "old rows were not removed");
            }
        }
    }
}

impl Upkeep {
    /// Removes the changes that only announce stories: a server that starts must not read one for each story of a day.
    fn prune_feed_changes(&mut self, connection: &Connection, shared: &Shared) -> rusqlite::Result<bool> {
        let before = shared
            .clock
            .wall()
            .0
            .saturating_sub_unsigned(shared.config.feed_change_keep.0);
        let mut old = connection.prepare_cached(OLD_CHANGES)?;
        let (last, count): (Option<i64>, i64) = old
            .query_row((self.feed_changes_done, before, BATCH_ROWS), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let Some(last) = last else { return Ok(false) };
        let removed = connection
            .prepare_cached(FEED_CHANGES)?
            .execute((self.feed_changes_done, last))?;
        shared.metrics.pruned.inc_by(removed as u64);
        self.feed_changes_done = last;
        Ok(count >= BATCH_ROWS)
    }
}

fn prune(connection: &Connection, shared: &Shared) -> rusqlite::Result<bool> {
    let now = shared.clock.wall();
    let before = |keep: u64| now.0.saturating_sub_unsigned(keep);
    let mut full = false;
    let mut remove = |sql: &str, before: i64| -> rusqlite::Result<()> {
        let removed = connection.prepare_cached(sql)?.execute((before, BATCH_ROWS))?;
        shared.metrics.pruned.inc_by(removed as u64);
        full |= i64::try_from(removed).is_ok_and(|removed| removed >= BATCH_ROWS);
        Ok(())
    };
    let [changes, units] = BY_AGE;
    remove(changes, before(shared.config.change_keep.0))?;
    remove(units, before(shared.config.unit_keep.0))?;
    for sql in EXPIRED {
        remove(sql, before(EXPIRED_KEEP_MS))?;
    }
    remove_sessions(connection, shared, now.secs().saturating_sub(SESSION_KEEP_SECS))?;
    Ok(full)
}

/// Removes sessions that expired before, unless the log of marks says that they have lasted longer.
fn remove_sessions(connection: &Connection, shared: &Shared, before: i64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(EXPIRED_SESSIONS)?;
    let found: Vec<i64> = statement
        .query_map((before, SESSIONS_AT_ONCE), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for session in found {
        if shared
            .marks
            .expiry(SessionId(session))
            .is_some_and(|expires| expires >= before)
        {
            continue;
        }
        connection
            .prepare_cached("DELETE FROM session WHERE id = ?1")?
            .execute([session])?;
        connection
            .prepare_cached("DELETE FROM call_order WHERE session = ?1")?
            .execute([session])?;
        shared.metrics.pruned.inc();
    }
    Ok(())
}
