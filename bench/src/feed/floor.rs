//! The floor: the same stories read from the same file by SQLite alone, in this process, with nothing judged and nothing rendered.

use super::books::Reader;
use crate::latency::Latencies;
use crier_proto::ids::StoryId;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Instant;

const DAY_MS: i64 = 86_400_000;
const ALL: &str =
    "SELECT seq, id, app, published_ms, priority, exempt, title, body, hidden_ms, reported_ms, blanked_ms
  FROM story WHERE user = ?1 AND published_ms > ?2 ORDER BY seq";
const ONE: &str = "SELECT * FROM story WHERE id = ?1 AND user = ?2";
const SLOTS: &str = "SELECT * FROM story_slot WHERE story = ?1 ORDER BY slot";

/// A connection of its own to the server's file.
pub struct Floor {
    connection: Connection,
}

impl Floor {
    /// Opens the file for reading, at settings that are good for it: the file mapped, 64 MiB of pages kept, statements prepared once.
    pub fn open(data: &Path) -> Result<Self, String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(data.join("crier.db"), flags);
        let connection = connection.map_err(|error| error.to_string())?;
        connection
            .execute_batch("PRAGMA cache_size = -65536; PRAGMA mmap_size = 268435456;")
            .map_err(|error| error.to_string())?;
        Ok(Self { connection })
    }

    /// All stories of a reader that are younger than seven days, every column of each: what whoever ranks outside the books
    /// must load each time. Gives their number.
    pub fn all(&self, reader: &Reader, now: i64, times: &mut Latencies) -> Result<u64, String> {
        let begin = Instant::now();
        let rows = self.read(ALL, (reader.user.get(), now - 7 * DAY_MS));
        let (rows, _) = rows.map_err(|error| error.to_string())?;
        times.record(micros(begin));
        Ok(rows)
    }

    /// The 25 stories of a page by number, with their picture slots: what is left to whoever knew them before.
    pub fn known(&self, reader: &Reader, stories: &[StoryId], times: &mut Latencies) -> Result<u64, String> {
        let begin = Instant::now();
        let mut found = 0;
        for story in stories {
            let one = self.read(ONE, (story.get(), reader.user.get()));
            found += one.map_err(|error| error.to_string())?.0;
            self.read(SLOTS, [story.get()])
                .map_err(|error| error.to_string())?;
        }
        times.record(micros(begin));
        Ok(found)
    }

    /// Rows, and the bytes of their texts, so that every column has been read.
    fn read(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<(u64, usize)> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params)?;
        let (mut count, mut bytes) = (0, 0);
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                bytes += match row.get_ref(column)? {
                    rusqlite::types::ValueRef::Text(text) => text.len(),
                    _ => 8,
                };
            }
            count += 1;
        }
        Ok((count, bytes))
    }
}

/// Microseconds since then.
pub fn micros(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX)
}
