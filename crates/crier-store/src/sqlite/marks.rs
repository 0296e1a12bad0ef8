//! Marks of live calls: one write to the end of `call_order.log`, no thread hop, no sync, and an overlay in memory of what
//! the log holds. The writer syncs the log at most a second later and folds it into the database when it has grown.
//!
//! Three files: `call_order.log` (young), `call_order.folding` (a full log on its way into the database; read before the
//! young one), `call_order.lock` (held by the one process that serves this data folder). A process that only opens the books,
//! as the command line does, never takes the lock and never marks. Knows nothing of SQL.

use super::call_order_log::{Record, read};
use crate::error::StoreError;
use crate::health::Health;
use crier_platform::model::session::SessionId;
use crier_platform::ports::ledger::CALL_IDS_KEPT;
use crier_platform::ports::store::StoreFault;
use crier_proto::decimal::Decimal;
use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const LOG: &str = "call_order.log";
const FOLDING: &str = "call_order.folding";
const LOCK: &str = "call_order.lock";

/// What the log holds of one session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// Accepted values, greatest last, at most `CALL_IDS_KEPT`.
    pub(crate) values: VecDeque<Decimal>,
    /// A moved expiry, in Unix seconds.
    pub(crate) expiry: Option<i64>,
}

impl Entry {
    fn add(&mut self, value: Decimal) {
        // Nearly every call is the greatest of its session: it goes to the end without a search.
        if self.values.back().is_none_or(|greatest| *greatest < value) {
            self.values.push_back(value);
        } else if let Err(place) = self.values.binary_search(&value) {
            self.values.insert(place, value);
        }
        if self.values.len() > CALL_IDS_KEPT {
            self.values.pop_front();
        }
    }
}

/// What the log holds, by session.
pub(crate) type Overlay = HashMap<SessionId, Entry>;

/// What the writer should do after a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Nothing: it knows already.
    No,
    /// Sync soon, and fold when the bound is reached.
    Soon,
}

/// The log and its overlay.
pub(crate) struct Marks {
    folder: Option<PathBuf>,
    bytes_max: u64,
    health: Arc<Health>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The log, when this process serves the folder; books in memory have none.
    log: Option<Log>,
    bytes: u64,
    dirty: bool,
    young: Overlay,
    folding: Arc<Overlay>,
    /// Moved expiries of the last fold: a session's row that was read before that fold must still meet its mark.
    folded: HashMap<SessionId, i64>,
}

struct Log {
    file: Arc<File>,
    _lock: File,
}

impl Marks {
    /// Reads what the last process left.
    pub(crate) fn open(
        folder: Option<&Path>,
        bytes_max: u64,
        health: Arc<Health>,
    ) -> Result<Self, StoreError> {
        let mut state = State::default();
        if let Some(folder) = folder {
            state.reload(folder).map_err(|cause| StoreError::File {
                path: folder.join(LOG),
                cause,
            })?;
        }
        Ok(Self {
            folder: folder.map(Path::to_path_buf),
            bytes_max,
            health,
            state: Mutex::new(state),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a record. Returns when the operating system has it.
    ///
    /// # Errors
    /// `Unavailable`: the disk is full or has failed, or another process serves this folder. Nothing was kept.
    pub(crate) fn append(&self, record: Record) -> Result<Wake, StoreFault> {
        self.append_to(&mut self.lock(), record)
    }

    fn append_to(&self, state: &mut State, record: Record) -> Result<Wake, StoreFault> {
        self.health.going()?;
        self.own(state)?;
        let bytes = record.encode();
        if let Some(log) = &state.log {
            self.write(&log.file, state.bytes, &bytes)?;
        }
        state.bytes += bytes.len() as u64;
        let wake = if state.dirty { Wake::No } else { Wake::Soon };
        state.dirty = true;
        state.apply(record);
        Ok(wake)
    }

    fn write(&self, mut file: &File, end: u64, bytes: &[u8]) -> Result<(), StoreFault> {
        let cause = match file.write(bytes) {
            Ok(written) if written == bytes.len() => return Ok(()),
            Ok(_) => io::Error::from(ErrorKind::StorageFull),
            Err(cause) => cause,
        };
        // Half a record in the middle would hide all that follow it.
        if let Err(stuck) = file.set_len(end) {
            self.health.stop(&format!("{LOG}: {stuck}"));
        }
        self.health.set_troubled(true);
        Err(StoreFault::Unavailable(format!("{LOG}: {cause}")))
    }

    /// Makes this process the one that serves the folder, before its first mark.
    ///
    /// # Errors
    /// `Served` while another process does, or what the disk said.
    pub(crate) fn claim(&self) -> Result<(), StoreError> {
        match self.own(&mut self.lock()) {
            Ok(()) => Ok(()),
            Err(_) if self.is_served_by_another() => Err(StoreError::Served),
            Err(fault) => Err(StoreError::Config(fault.to_string())),
        }
    }

    fn is_served_by_another(&self) -> bool {
        let lock = self.folder.as_ref().map(|folder| appendable(&folder.join(LOCK)));
        matches!(lock, Some(Ok(lock)) if lock.try_lock().is_err())
    }

    /// Makes this process the one that marks, once.
    fn own(&self, state: &mut State) -> Result<(), StoreFault> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if state.log.is_some() {
            return Ok(());
        }
        let said = |cause: io::Error| StoreFault::Unavailable(format!("{LOG}: {cause}"));
        let lock = appendable(&folder.join(LOCK)).map_err(said)?;
        if lock.try_lock().is_err() {
            return Err(StoreFault::Unavailable(
                "another process serves this data folder".to_owned(),
            ));
        }
        state.reload(folder).map_err(said)?;
        let file = appendable(&folder.join(LOG)).map_err(said)?;
        file.set_len(state.bytes).map_err(said)?;
        state.log = Some(Log {
            file: Arc::new(file),
            _lock: lock,
        });
        Ok(())
    }

    /// The accepted values that the log holds of a session, greatest last.
    pub(crate) fn call_ids(&self, session: SessionId) -> Vec<Decimal> {
        let mut state = self.lock();
        self.refresh(&mut state);
        let layers = [state.folding.get(&session), state.young.get(&session)];
        let mut all = Entry::default();
        layers
            .into_iter()
            .flatten()
            .flat_map(|entry| &entry.values)
            .for_each(|value| all.add(value.clone()));
        all.values.into()
    }

    /// All that the log holds, for a copy of the books.
    pub(crate) fn snapshot(&self) -> Overlay {
        let mut state = self.lock();
        self.refresh(&mut state);
        let mut all = Overlay::clone(&state.folding);
        for (session, young) in &state.young {
            let entry = all.entry(*session).or_default();
            young.values.iter().for_each(|value| entry.add(value.clone()));
            entry.expiry = entry.expiry.max(young.expiry);
        }
        all
    }

    /// Whoever only reads beside a serving process reads what that process has written by now.
    fn refresh(&self, state: &mut State) {
        if self.own(state).is_err()
            && let Some(folder) = &self.folder
            && let Err(cause) = state.reload(folder)
        {
            tracing::warn!(%cause, "the log of accepted call_ids cannot be read");
        }
    }

    /// The moved expiry that the log holds of a session.
    pub(crate) fn expiry(&self, session: SessionId) -> Option<i64> {
        let state = self.lock();
        let layers = [state.folding.get(&session), state.young.get(&session)];
        let younger = layers
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.expiry)
            .max();
        younger.max(state.folded.get(&session).copied())
    }

    /// Drops an ended session from the overlay; its number never comes back, so the log may keep it.
    pub(crate) fn drop_session(&self, session: SessionId) {
        self.lock().remove(session);
    }

    /// Forgets the call order of a session, synced: a power cut must not bring it back after its owner was answered.
    ///
    /// # Errors
    /// `Unavailable` when the log refuses; the call order may then come back at the next start.
    pub(crate) fn forget(&self, session: SessionId) -> Result<(), StoreFault> {
        if self.forget_unsynced(session)? {
            self.sync()?;
        }
        Ok(())
    }

    /// Forgets the call order of a session that another process has reset.
    pub(crate) fn forget_foreign(&self, session: SessionId) {
        if let Err(cause) = self.forget_unsynced(session) {
            tracing::warn!(%cause, "a reset call order may come back at the next start");
        }
    }

    fn forget_unsynced(&self, session: SessionId) -> Result<bool, StoreFault> {
        let mut state = self.lock();
        if !state.folding.contains_key(&session) && !state.young.contains_key(&session) {
            return Ok(false);
        }
        // Beside a serving process the log is not ours; that process follows the change that was committed.
        if self.own(&mut state).is_err() {
            state.forget_values(session);
            return Ok(false);
        }
        // Under the lock: a mark that comes after the reset must also lie behind it in the log.
        self.append_to(&mut state, Record::Forget(session)).map(|_| true)
    }

    /// Syncs the log when something was written since the last time; returns whether it did.
    ///
    /// # Errors
    /// After a failed sync the store stops.
    pub(crate) fn sync(&self) -> Result<bool, StoreFault> {
        let file = {
            let mut state = self.lock();
            if !std::mem::take(&mut state.dirty) {
                return Ok(false);
            }
            state.log.as_ref().map(|log| Arc::clone(&log.file))
        };
        // Outside the lock, so that no live call waits for the disk.
        let Some(file) = file else { return Ok(false) };
        file.sync_data().map(|()| true).map_err(|cause| {
            self.health.stop(&format!("{LOG}: {cause}"));
            StoreFault::Unavailable(format!("{LOG}: {cause}"))
        })
    }

    /// Whether something waits for its sync.
    pub(crate) fn is_dirty(&self) -> bool {
        self.lock().dirty
    }

    /// Takes the full log out of the way and returns what is to be written into the database; `None` while there is nothing to do.
    ///
    /// # Errors
    /// What the file system said; nothing was lost.
    pub(crate) fn begin_fold(&self, even_when_small: bool) -> io::Result<Option<Arc<Overlay>>> {
        let mut state = self.lock();
        if self.folder.is_some() && state.log.is_none() {
            // What lies here is a serving process's; it folds for itself.
            return Ok(None);
        }
        if !state.folding.is_empty() {
            return Ok(Some(Arc::clone(&state.folding)));
        }
        if state.young.is_empty() || (state.bytes < self.bytes_max && !even_when_small) {
            return Ok(None);
        }
        if let (Some(folder), Some(log)) = (&self.folder, &mut state.log) {
            // A sync that failed once may claim to succeed the next time, without the bytes.
            let stop = |cause: &io::Error| self.health.stop(&format!("{LOG}: {cause}"));
            log.file.sync_data().inspect_err(stop)?;
            fs::rename(folder.join(LOG), folder.join(FOLDING))?;
            let next = appendable(&folder.join(LOG)).and_then(|file| {
                File::open(folder)?.sync_all()?;
                Ok(file)
            });
            // Going on would append to a file that is about to be removed.
            log.file = Arc::new(next.inspect_err(stop)?);
        }
        state.bytes = 0;
        state.dirty = false;
        state.folding = Arc::new(std::mem::take(&mut state.young));
        Ok(Some(Arc::clone(&state.folding)))
    }

    /// What `begin_fold` returned is in the database now.
    ///
    /// # Errors
    /// What the file system said; folding it again changes nothing.
    pub(crate) fn end_fold(&self) -> io::Result<()> {
        let mut state = self.lock();
        let done = std::mem::take(&mut state.folding);
        state.folded = done
            .iter()
            .filter_map(|(session, entry)| Some((*session, entry.expiry?)))
            .collect();
        match &self.folder {
            Some(folder) if state.log.is_some() => remove(&folder.join(FOLDING)),
            _ => Ok(()),
        }
    }
}

impl State {
    fn apply(&mut self, record: Record) {
        match record {
            Record::Call(session, value) => self.young.entry(session).or_default().add(value),
            Record::Expiry(session, expires) => {
                let entry = self.young.entry(session).or_default();
                entry.expiry = entry.expiry.max(Some(expires));
            }
            Record::Forget(session) => self.forget_values(session),
        }
    }

    fn forget_values(&mut self, session: SessionId) {
        if let Some(entry) = self.young.get_mut(&session) {
            entry.values.clear();
        }
        if self.folding.contains_key(&session)
            && let Some(entry) = Arc::make_mut(&mut self.folding).get_mut(&session)
        {
            entry.values.clear();
        }
    }

    fn remove(&mut self, session: SessionId) {
        self.young.remove(&session);
        if self.folding.contains_key(&session) {
            Arc::make_mut(&mut self.folding).remove(&session);
        }
    }

    /// Reads both files anew. `bytes` becomes the whole part of the young one.
    fn reload(&mut self, folder: &Path) -> io::Result<()> {
        self.young.clear();
        self.folding = Arc::default();
        let old = read_or_nothing(&folder.join(FOLDING))?;
        read(&old, |record| self.apply(record));
        self.folding = Arc::new(std::mem::take(&mut self.young));
        let young = read_or_nothing(&folder.join(LOG))?;
        self.bytes = read(&young, |record| self.apply(record)) as u64;
        Ok(())
    }
}

/// Removes what live calls have left in a folder that nobody serves: the numbers of restored sessions are other sessions'.
/// Nobody else serves the folder while the returned file is open.
///
/// # Errors
/// `Served` while another process marks.
pub(crate) fn clear(folder: &Path) -> Result<File, StoreError> {
    let said = |cause| StoreError::File {
        path: folder.join(LOG),
        cause,
    };
    let lock = appendable(&folder.join(LOCK)).map_err(said)?;
    lock.try_lock().map_err(|_| StoreError::Served)?;
    remove(&folder.join(FOLDING))
        .and_then(|()| remove(&folder.join(LOG)))
        .map_err(said)?;
    Ok(lock)
}

fn appendable(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

fn read_or_nothing(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
