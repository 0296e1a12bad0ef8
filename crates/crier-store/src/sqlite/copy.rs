//! Backup and restore: one file that is the books at one moment, taken while others read and write.
//!
//! The copy holds sealed secrets and not the key: whoever keeps it keeps `keys/store.key` too, in another place.

use super::audit;
use super::marks;
use super::messages::renew_heads;
use super::open::{DATABASE, SqliteStore, make_private};
use super::schema;
use crate::error::StoreError;
use crate::sealed::{KEY_FILE, Sealer, load_key};
use crier_platform::model::time::WallMs;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_proto::ids::Epoch;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a copy waits for a lock.
const BUSY_MS: u64 = 30_000;
/// The first schema with mailboxes.
const KEEPS_MAILBOXES: i64 = 2;
/// The first schema with the audit log.
const KEEPS_AUDIT: i64 = 8;
/// Where a backup is made ready before it takes the place of the books.
const READIED: &str = "restoring.db";

impl SqliteStore {
    /// Writes the books as they are now into a new file (mode 0600). Blocks while it copies: call it off the async threads.
    ///
    /// # Errors
    /// The file exists, or what the disk said; what has been written of the file stays.
    pub fn backup(&self, path: &Path) -> Result<(), StoreError> {
        let file_error = |cause| StoreError::File {
            path: path.to_path_buf(),
            cause,
        };
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(file_error)?;
        let said = |cause| StoreError::Database {
            path: path.to_path_buf(),
            cause,
        };
        // The log first: what is folded meanwhile is then in the copy of the database.
        let overlay = self.marks().snapshot();
        let mut copy = Connection::open(path).map_err(said)?;
        match &self.shared().folder {
            Some(folder) => {
                copy_all(&read_only(&folder.join(DATABASE)).map_err(said)?, &mut copy).map_err(said)?;
            }
            None => {
                let copied = self.readers().read(|source| copy_all(source, &mut copy));
                copied.map_err(|fault| StoreError::Config(fault.to_string()))?;
            }
        }
        copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
            .map_err(said)?;
        let transaction = copy.transaction().map_err(said)?;
        for (session, entry) in &overlay {
            for value in &entry.values {
                let insert = "INSERT OR IGNORE INTO call_order (session, value)
                  SELECT id, ?2 FROM session WHERE id = ?1";
                transaction
                    .execute(insert, (session.0, value.sortable()))
                    .map_err(said)?;
            }
            let update =
                "UPDATE session SET expires = ?2 WHERE id = ?1 AND kind = 'sliding' AND expires < ?2";
            transaction
                .execute(update, (session.0, entry.expiry))
                .map_err(said)?;
        }
        transaction.commit().map_err(said)?;
        drop(copy);
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(file_error)
    }

    /// Makes this process the one that serves the data folder, until the store is dropped: no other may serve it, and no
    /// backup takes its place meanwhile. Commands beside a server open the books without it.
    ///
    /// # Errors
    /// `Served` while another process does, or what the disk said.
    pub fn serve(&self) -> Result<(), StoreError> {
        self.marks().claim()?;
        // A process that was killed may have left there what it took away.
        let shared = self.shared();
        shared.traces_left.store(true, Ordering::Relaxed);
        self.writer().nudge();
        // A restore that was killed may have left its copy.
        shared.folder.as_deref().map_or(Ok(()), remove_readied)
    }

    /// Puts a backup in the place of the books of a data folder that nobody serves. The folder's key must be the one of the backup.
    /// Every mailbox begins a new life: pages that have seen what came after the backup are told by a gap (live 5.8). The audit log
    /// of the backup goes on with an entry that says so. A file that is no database any more is set aside as `crier.db.damaged`. Backup and entry take the books' place in one step; until then the copy
    /// needs as much space again.
    ///
    /// # Errors
    /// `Served`, `NotABackup`, `TooNew`, `KeyMissing`, `KeyForeign`, or what the disk said.
    pub fn restore(
        folder: &Path,
        backup: &Path,
        (now, entropy): (WallMs, Arc<dyn Entropy>),
    ) -> Result<(), StoreError> {
        let said = |cause| StoreError::Database {
            path: folder.join(DATABASE),
            cause,
        };
        let no_backup = |_| StoreError::NotABackup(backup.to_path_buf());
        if let Err(cause) = File::open(backup) {
            return Err(StoreError::File {
                path: backup.to_path_buf(),
                cause,
            });
        }
        let source = read_only(backup).map_err(no_backup)?;
        let found = schema::version(&source).map_err(no_backup)?;
        if found > schema::newest() {
            return Err(StoreError::TooNew {
                found,
                known: schema::newest(),
            });
        }
        let check: Vec<u8> = source
            .query_row("SELECT value FROM meta WHERE name = 'key_check'", [], |row| {
                row.get(0)
            })
            .map_err(no_backup)?;
        let sound: String = source
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(no_backup)?;
        if sound != "ok" {
            return Err(StoreError::NotABackup(backup.to_path_buf()));
        }
        let key = load_key(folder, &*entropy, true)?;
        let sealer = Sealer::new(&key, entropy);
        if !sealer.recognises(&check) {
            return Err(StoreError::KeyForeign(folder.join(KEY_FILE)));
        }
        let _lock = marks::clear(folder)?;
        let file_error = |name: &str| {
            let path = folder.join(name);
            move |cause| StoreError::File { path, cause }
        };
        remove_readied(folder)?;
        make_private(&folder.join(READIED)).map_err(file_error(READIED))?;
        let mut readied = Connection::open(folder.join(READIED)).map_err(said)?;
        copy_all(&source, &mut readied).map_err(said)?;
        if found >= KEEPS_MAILBOXES {
            let epoch = || Epoch::from_bytes(random_bytes(sealer.entropy()));
            renew_heads(&readied, epoch).map_err(said)?;
        }
        if found >= KEEPS_AUDIT {
            // Books that are damaged or not there tell nothing of their log.
            let replaced = read_only(&folder.join(DATABASE)).and_then(|books| audit::head(&books));
            audit::add_restored(&readied, now, replaced.ok()).map_err(said)?;
        }
        set_aside_what_is_no_database(folder).map_err(file_error(DATABASE))?;
        make_private(&folder.join(DATABASE)).map_err(file_error(DATABASE))?;
        let mut books = Connection::open(folder.join(DATABASE)).map_err(said)?;
        books.busy_timeout(Duration::from_millis(BUSY_MS)).map_err(said)?;
        copy_all(&readied, &mut books).map_err(said)?;
        books
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .map_err(said)?;
        drop(readied);
        remove_readied(folder)
    }
}

/// SQLite writes no copy over a file that it does not know as a database.
fn set_aside_what_is_no_database(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(DATABASE);
    let version = read_only(&path).and_then(|books| schema::version(&books));
    let code = version.err().and_then(|cause| cause.sqlite_error_code());
    if code != Some(rusqlite::ErrorCode::NotADatabase) {
        return Ok(());
    }
    for beside in ["", "-wal", "-shm"] {
        let from = folder.join(format!("{DATABASE}{beside}"));
        match fs::rename(from, folder.join(format!("{DATABASE}.damaged{beside}"))) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
    }
    Ok(())
}

/// Takes away what a restore has made ready, and what SQLite keeps beside it.
fn remove_readied(folder: &Path) -> Result<(), StoreError> {
    for name in [READIED.to_owned(), format!("{READIED}-journal")] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                return Err(StoreError::File { path, cause });
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_millis(BUSY_MS))?;
    Ok(connection)
}

/// Copies all pages in one step: one moment, whatever is written meanwhile.
fn copy_all(source: &Connection, copy: &mut Connection) -> rusqlite::Result<()> {
    let busy = || {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        rusqlite::Error::SqliteFailure(code, Some("another process holds the books".to_owned()))
    };
    match Backup::new(source, copy)?.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(busy()),
    }
}
