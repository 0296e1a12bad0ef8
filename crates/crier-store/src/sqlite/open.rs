//! Opening and closing the books: folder, key, schema, readers, writer.

use super::marks::Marks;
use super::readers::Readers;
use super::schema;
use super::writer::WriterHandle;
use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::health::Health;
use crate::metrics::StoreMetrics;
use crate::sealed::{KEY_FILE, Sealer, load_key};
use crier_platform::ports::clock::Clock;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_platform::ports::store::StoreFault;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

/// The database in the data folder.
pub(crate) const DATABASE: &str = "crier.db";
/// Held by the process that is just opening the books.
const OPENING: &str = "opening.lock";
const STATEMENTS_KEPT: usize = 128;
/// Size to which the write-ahead log is cut back after a checkpoint.
const WAL_BYTES_KEPT: i64 = 64 << 20;

/// Distinguishes the stores of one process; processes are distinguished by chance.
static OPENED: AtomicI64 = AtomicI64::new(0);

/// The books in one SQLite file, or in memory for tests.
///
/// Reads are made where they are asked, writes by one thread. Cheap to share behind an `Arc`; `close` it at the end.
pub struct SqliteStore {
    shared: Arc<Shared>,
    writer: WriterHandle,
}

/// What readers, writer and marks share.
pub(crate) struct Shared {
    pub(crate) readers: Readers,
    pub(crate) sealer: Sealer,
    pub(crate) marks: Marks,
    pub(crate) health: Arc<Health>,
    pub(crate) metrics: StoreMetrics,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: StoreConfig,
    /// The mark of this store on its changes.
    pub(crate) origin: i64,
    /// The newest change of other processes that has been obeyed.
    pub(crate) obeyed: Mutex<i64>,
    /// The data folder; books in memory have none.
    pub(crate) folder: Option<PathBuf>,
    /// Whether the files may still hold what was taken away for good.
    pub(crate) traces_left: AtomicBool,
    /// Damaged rows that have been reported.
    pub(crate) reported: Mutex<Vec<(&'static str, i64)>>,
}

impl SqliteStore {
    /// Whether a data folder holds books: a command that only looks makes none.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join(DATABASE).exists()
    }

    /// Opens the books in a data folder: makes the folder (mode 0700), `crier.db` and `keys/store.key` (both mode 0600) when they
    /// are not there, and brings the schema up to date. Blocks for some milliseconds; ready when it returns.
    ///
    /// # Errors
    /// One sentence that says what to do; nothing was changed that a second try would not change too.
    pub fn open(
        folder: &Path,
        config: &StoreConfig,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        config
            .check()
            .map_err(|(key, why)| StoreError::Config(format!("{key} {why}")))?;
        let file_error = |cause| StoreError::File {
            path: folder.to_path_buf(),
            cause,
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(file_error)?;
        // One at a time: SQLite does not wait for a lock while it changes to the write-ahead log.
        let opening = opening(folder).map_err(file_error)?;
        let path = folder.join(DATABASE);
        let said = |cause| StoreError::Database {
            path: path.clone(),
            cause,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        make_private(&path).map_err(file_error)?;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(said)?;
        prepare(&connection, config)
            .and_then(|()| prepare_writer(&connection))
            .map_err(said)?;
        schema::migrate(&mut connection, clock.wall())
            .map_err(said)?
            .map_err(|found| StoreError::TooNew {
                found,
                known: schema::newest(),
            })?;
        let sealer = sealer_of(folder, &connection, entropy)?;
        // The folder's entry of a fresh database must not be lost with the power.
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(file_error)?;
        drop(opening);
        let reader = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&path, flags)?;
            prepare(&connection, config)?;
            Ok(Arc::new(Mutex::new(connection)))
        };
        let readers: rusqlite::Result<Vec<_>> = (0..config.readers).map(|_| reader()).collect();
        Self::assemble(
            readers.map_err(said)?,
            (connection, sealer),
            config,
            (clock, Some(folder)),
        )
    }

    /// Books in memory, gone with the store: for tests. Every promise holds but durability.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_in_memory(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, StoreError> {
        let config = StoreConfig::default();
        let said = |cause| StoreError::Database {
            path: PathBuf::from(":memory:"),
            cause,
        };
        let mut connection = Connection::open_in_memory().map_err(said)?;
        prepare(&connection, &config).map_err(said)?;
        schema::migrate(&mut connection, clock.wall())
            .map_err(said)?
            .map_err(|found| StoreError::TooNew {
                found,
                known: schema::newest(),
            })?;
        let sealer = Sealer::passing(entropy);
        Self::assemble(Vec::new(), (connection, sealer), &config, (clock, None))
    }

    fn assemble(
        mut readers: Vec<Arc<Mutex<Connection>>>,
        (connection, sealer): (Connection, Sealer),
        config: &StoreConfig,
        (clock, folder): (Arc<dyn Clock>, Option<&Path>),
    ) -> Result<Self, StoreError> {
        let last = last_change(&connection).map_err(|cause| StoreError::Database {
            path: PathBuf::from(DATABASE),
            cause,
        })?;
        let writer = Arc::new(Mutex::new(connection));
        if readers.is_empty() {
            readers.push(Arc::clone(&writer));
        }
        let health = Arc::new(Health::default());
        let chance = i64::from_le_bytes(random_bytes(sealer.entropy()));
        let shared = Arc::new(Shared {
            readers: Readers::new(readers),
            marks: Marks::open(folder, config.call_order_bytes_max.0, Arc::clone(&health))?,
            sealer,
            health,
            metrics: StoreMetrics::default(),
            clock,
            config: config.clone(),
            origin: chance
                .wrapping_add(OPENED.fetch_add(1, Ordering::Relaxed))
                .wrapping_add(i64::from(std::process::id()) << 32),
            obeyed: Mutex::new(last),
            folder: folder.map(Path::to_path_buf),
            traces_left: AtomicBool::new(false),
            reported: Mutex::default(),
        });
        let writer = WriterHandle::start(writer, Arc::clone(&shared))?;
        Ok(Self { shared, writer })
    }

    /// The counters of this store.
    #[must_use]
    pub fn metrics(&self) -> &StoreMetrics {
        &self.shared.metrics
    }

    /// Finishes what is queued, syncs and folds the marks, and ends the writer. Later writes are refused; reads go on.
    ///
    /// # Errors
    /// What could not be synced.
    pub async fn close(&self) -> Result<(), StoreFault> {
        self.writer.close().await
    }

    /// Returns what the disk said once it has failed: from then on every write is refused, until the process starts again (live
    /// 5.10). Never returns while all is well, nor after `close`.
    pub async fn failed(&self) -> String {
        self.shared.health.failed().await
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn writer(&self) -> &WriterHandle {
        &self.writer
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.shared.readers
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.shared.sealer
    }

    pub(crate) fn marks(&self) -> &Marks {
        &self.shared.marks
    }
}

/// The newest change, also when it has been pruned.
pub(crate) fn last_change(connection: &Connection) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'change'")?;
    statement
        .query_row([], |row| row.get(0))
        .optional()
        .map(Option::unwrap_or_default)
}

fn prepare(connection: &Connection, config: &StoreConfig) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_millis(config.busy_timeout.0))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    let kibibytes = i64::try_from(config.page_cache.0 / 1024).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", -kibibytes)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Makes a database file that its owner alone can read; its log takes the mode from it. One that is there is not even opened:
/// closing it would give up the locks that this process holds on it.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Waits until no other process is opening these books; they stay ours to open while the file is.
fn opening(folder: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(folder.join(OPENING))?;
    file.lock()?;
    Ok(file)
}

/// Write-ahead log and a sync with each commit: what is answered is on the disk.
fn prepare_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES_KEPT, |_| Ok(()))
}

/// The sealer of a folder. The database keeps a known text, so that a wrong key is told at the start and not at the first call.
fn sealer_of(
    folder: &Path,
    connection: &Connection,
    entropy: Arc<dyn Entropy>,
) -> Result<Sealer, StoreError> {
    let said = |cause| StoreError::Database {
        path: folder.join(DATABASE),
        cause,
    };
    let find = || -> rusqlite::Result<Option<Vec<u8>>> {
        let sql = "SELECT value FROM meta WHERE name = 'key_check'";
        connection.query_row(sql, [], |row| row.get(0)).optional()
    };
    let before = find().map_err(said)?;
    let key = load_key(folder, &*entropy, before.is_some())?;
    let sealer = Sealer::new(&key, entropy);
    let check = match before {
        Some(check) => check,
        None => {
            let insert = "INSERT OR IGNORE INTO meta (name, value) VALUES ('key_check', ?1)";
            connection.execute(insert, [sealer.check_text()]).map_err(said)?;
            // Another process may have been first: what counts is what is there.
            find().map_err(said)?.unwrap_or_default()
        }
    };
    if sealer.recognises(&check) {
        Ok(sealer)
    } else {
        Err(StoreError::KeyForeign(folder.join(KEY_FILE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::still::Still;
    use crier_platform::model::quantity::{Bytes, Span};

    #[test]
    fn readers_page_cache_and_busy_timeout_are_as_configured() {
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig {
            readers: 3,
            page_cache: Bytes(128 << 10),
            busy_timeout: Span(77),
            ..StoreConfig::default()
        };
        let store = SqliteStore::open(folder.path(), &config, Arc::new(Still), Arc::new(Still)).unwrap();
        assert_eq!(store.readers().count(), 3);
        let ask = |pragma| {
            let read = |connection: &Connection| {
                connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            };
            store.readers().read(read).unwrap()
        };
        assert_eq!((ask("cache_size"), ask("busy_timeout")), (-128, 77));
    }

    #[test]
    fn every_file_of_the_folder_is_its_owner_s_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig::default();
        let store = SqliteStore::open(folder.path(), &config, Arc::new(Still), Arc::new(Still)).unwrap();
        let mode = |entry: &fs::DirEntry| entry.metadata().unwrap().permissions().mode() & 0o777;
        let entries: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        assert!(
            entries.iter().any(|entry| entry.file_name() == DATABASE),
            "{entries:?}"
        );
        for entry in &entries {
            let expected = if entry.path().is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(entry), expected, "{:?}", entry.file_name());
        }
        drop(store);
    }

    #[test]
    fn the_writer_syncs_each_commit_and_a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
        prepare_writer(&connection).unwrap();
        let synchronous: i64 = connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap();
        let journal: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!((synchronous, journal.as_str()), (2, "wal"));
        drop(connection);
        let config = StoreConfig::default();
        let store = SqliteStore::open(folder.path(), &config, Arc::new(Still), Arc::new(Still)).unwrap();
        let written = store
            .readers()
            .read(|connection| connection.execute("DELETE FROM user", []));
        assert!(matches!(written, Err(StoreFault::Unavailable(_))), "{written:?}");
    }
}
