//! A map in many parts, each behind its own short lock: strangers never wait for each other.
//!
//! Promise: a key always lies in the same part; no lock outlives the closure that it was taken for.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts of a map. A power of two well above the number of threads.
pub(crate) const SHARDS: usize = 64;

/// Takes a lock whose holder may have panicked: what it guards is kept consistent by single assignments.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A hash map in `SHARDS` parts.
pub(crate) struct Shards<K, V> {
    parts: Box<[Mutex<HashMap<K, V>>]>,
    hasher: RandomState,
}

impl<K: Hash + Eq, V> Shards<K, V> {
    /// An empty map.
    pub(crate) fn new() -> Self {
        Self {
            parts: (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The locked part in which `key` lies.
    pub(crate) fn of(&self, key: &K) -> MutexGuard<'_, HashMap<K, V>> {
        let hash = self.hasher.hash_one(key);
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        lock(&self.parts[index])
    }

    /// All parts, each locked while the closure looks at it.
    pub(crate) fn each(&self, mut look: impl FnMut(&mut HashMap<K, V>)) {
        self.parts.iter().for_each(|part| look(&mut lock(part)));
    }

    /// One part by its number, for sweeping the map piece by piece.
    pub(crate) fn part(&self, number: usize) -> MutexGuard<'_, HashMap<K, V>> {
        lock(&self.parts[number % SHARDS])
    }
}
