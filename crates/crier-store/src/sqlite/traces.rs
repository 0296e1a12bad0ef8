//! What an erasure leaves behind in the files: frames of the write-ahead log, and copies that SQLite left in the unused part of
//! pages when it moved rows (feed 8.6).
//!
//! Promise: a note in the books says that there are traces, in the same transaction as the erasure, and goes when the books were
//! rewritten without them. Books above a bound are left as they are, and the note stays for `doctor`: rewriting takes seconds for
//! each gibibyte, and whoever writes meanwhile waits.

use super::pen::{Halt, Pen};
use crier_platform::model::quantity::Bytes;
use rusqlite::{Connection, OptionalExtension};

const NOTE: &str = "INSERT INTO meta (name, value) VALUES ('traces', x'') ON CONFLICT (name) DO NOTHING";
const FORGET: &str = "DELETE FROM meta WHERE name = 'traces'";
const NOTED: &str = "SELECT 1 FROM meta WHERE name = 'traces'";
const SIZE: &str = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";

/// Whether the books were rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rewritten {
    /// They hold no traces, or do not any more.
    Clean,
    /// They are larger than the bound.
    TooLarge,
}

impl Pen<'_> {
    /// From here to the end of the transaction what is deleted is overwritten, pages that become free included; what that does not
    /// reach is noted.
    pub(super) fn wipe(&mut self) -> Result<(), Halt> {
        self.connection
            .pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
        self.run(NOTE, [])?;
        self.applied.wiped = true;
        Ok(())
    }
}

/// Whether traces are noted.
pub(super) fn are_noted(connection: &Connection) -> rusqlite::Result<bool> {
    let noted: Option<i64> = connection.query_row(NOTED, [], |row| row.get(0)).optional()?;
    Ok(noted.is_some())
}

/// How large the books are.
pub(super) fn size(connection: &Connection) -> rusqlite::Result<Bytes> {
    let size: i64 = connection.query_row(SIZE, [], |row| row.get(0))?;
    Ok(Bytes(u64::try_from(size).unwrap_or(0)))
}

/// Rewrites books of at most this size whose traces are noted.
pub(super) fn rewrite(connection: &Connection, bytes_max: Bytes) -> rusqlite::Result<Rewritten> {
    if !are_noted(connection)? {
        return Ok(Rewritten::Clean);
    }
    if size(connection)? > bytes_max {
        return Ok(Rewritten::TooLarge);
    }
    // The copy that is made on the way need not fit into memory.
    connection.pragma_update(None, "temp_store", "FILE")?;
    let rewritten = connection.execute_batch("VACUUM");
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    rewritten?;
    connection.execute(FORGET, [])?;
    Ok(Rewritten::Clean)
}

/// Empties the write-ahead log; false when a reader or another process was in the way.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}
