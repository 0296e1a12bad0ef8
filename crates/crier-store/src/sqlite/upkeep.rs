//! Rows that age: changes, applied units, used-up and expired tokens, logins and links. Removed in batches, within transactions that are
//! synced anyway, so that tidying up costs no sync of its own.

use super::open::Shared;
use crier_platform::model::time::ElapsedMs;
use rusqlite::Connection;

/// Rows of one kind removed at once.
const BATCH_ROWS: i64 = 1024;
/// Time between two looks while there is little to remove.
const PAUSE_MS: u64 = 10_000;
/// How long an expired token or login stays, so that its holder is told that it has expired.
const EXPIRED_KEEP_MS: u64 = 86_400_000;

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

/// When to look next.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    next: ElapsedMs,
}

impl Upkeep {
    /// Removes what is too old when it is time, inside the writer's transaction. A failure costs nothing but the tidiness.
    pub(crate) fn prune(&mut self, connection: &Connection, shared: &Shared) {
        let now = shared.clock.elapsed();
        if now < self.next {
            return;
        }
        match prune(connection, shared) {
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
    Ok(full)
}
