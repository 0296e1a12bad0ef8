//! Few connections that only read, each behind its own lock; a read takes tens of microseconds and is made where it is asked.

use crate::error::fault;
use crier_platform::ports::store::StoreFault;
use rusqlite::Connection;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The pool. Books in memory have one connection, which is also the writer's.
pub(crate) struct Readers {
    all: Vec<Arc<Mutex<Connection>>>,
    next: AtomicUsize,
}

impl Readers {
    /// A pool of these; at least one.
    pub(crate) fn new(all: Vec<Arc<Mutex<Connection>>>) -> Self {
        Self {
            all,
            next: AtomicUsize::new(0),
        }
    }

    /// Reads with the first connection that is free, whose cache holds what was read last, or waits for one in turn. Never call it
    /// while holding another lock of this room.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreFault> {
        let connection = self
            .take()
            .ok_or_else(|| StoreFault::Unavailable("no reader".to_owned()))?;
        work(&connection).map_err(|error| fault(&error))
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    fn take(&self) -> Option<MutexGuard<'_, Connection>> {
        let free = self.all.iter().find_map(|one| one.try_lock().ok());
        free.or_else(|| {
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            let one = self.all.get(turn % self.all.len().max(1))?;
            Some(one.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }
}
