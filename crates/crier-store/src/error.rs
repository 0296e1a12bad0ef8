//! What goes wrong while the books are opened, copied or read. Knows no wire number and no status.

use crier_platform::ports::store::StoreFault;
use rusqlite::ErrorCode;
use std::path::PathBuf;

/// Why the books could not be opened, copied or restored: one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder refuses.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The database refuses.
    #[error("{path}: {cause}")]
    Database {
        /// Which.
        path: PathBuf,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// The key file is gone while sealed secrets are there.
    #[error(
        "{0} is missing, and the secrets in the database cannot be read without it; put it back from where it is kept"
    )]
    KeyMissing(PathBuf),
    /// The key file is not 32 bytes.
    #[error("{0} is not a key of 32 bytes; put it back from where it is kept")]
    KeyMalformed(PathBuf),
    /// The key file is another database's.
    #[error("{0} is not the key of this database; put the right one back")]
    KeyForeign(PathBuf),
    /// The database was written by a newer version.
    #[error("the database has schema {found}, this version knows up to {known}; run a newer version")]
    TooNew {
        /// What the database says.
        found: i64,
        /// What this version knows.
        known: i64,
    },
    /// A bound that would break a promise.
    #[error("{0}")]
    Config(String),
    /// The writer's thread could not be started.
    #[error("the writer's thread did not start: {0}")]
    Thread(std::io::Error),
    /// Another process serves this data folder.
    #[error("another process serves this data folder; stop it first")]
    Served,
    /// The copy to restore is not ours.
    #[error("{0} is not a backup of these books")]
    NotABackup(PathBuf),
}

/// What a failed statement means to the caller. Nothing of it was applied.
pub(crate) fn fault(error: &rusqlite::Error) -> StoreFault {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::OperationInterrupted
            | ErrorCode::OperationAborted,
        ) => StoreFault::Unavailable(text),
        _ => StoreFault::Damaged(text),
    }
}

/// Whether the disk itself has failed: after that nothing more is acknowledged.
pub(crate) fn is_io_error(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}
