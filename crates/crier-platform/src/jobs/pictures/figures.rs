//! Figures of pictures: counted here, shown by the server (feed 10.1). Promise: no figure names a person or an address.

use crate::model::job::PictureSpace;
use std::sync::atomic::{AtomicU64, Ordering};

/// Statuses with which pictures are answered.
pub const SERVED_STATUSES: [u16; 3] = [200, 304, 404];

/// The figures.
#[derive(Debug, Default)]
pub struct PictureFigures {
    jobs: AtomicU64,
    running: AtomicU64,
    cache_bytes: AtomicU64,
    floor_bytes: AtomicU64,
    evicted: AtomicU64,
    served: [AtomicU64; SERVED_STATUSES.len()],
}

impl PictureFigures {
    pub(super) fn set_space(&self, space: PictureSpace) {
        self.jobs.store(space.jobs, Ordering::Relaxed);
        self.cache_bytes.store(space.bytes, Ordering::Relaxed);
    }

    pub(super) fn set_running(&self, jobs: usize) {
        self.running.store(jobs as u64, Ordering::Relaxed);
    }

    pub(super) fn set_floor(&self, bytes: u64) {
        self.floor_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn add_evicted(&self, pictures: usize) {
        self.evicted.fetch_add(pictures as u64, Ordering::Relaxed);
    }

    /// A request for a picture was answered with this status.
    pub fn add_served(&self, status: u16) {
        let known = SERVED_STATUSES.iter().zip(&self.served);
        if let Some((_, count)) = known.into_iter().find(|(known, _)| **known == status) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Jobs by state, `waiting` and `running`.
    #[must_use]
    pub fn jobs(&self) -> [(&'static str, u64); 2] {
        let running = self.running.load(Ordering::Relaxed);
        let all = self.jobs.load(Ordering::Relaxed);
        [("waiting", all.saturating_sub(running)), ("running", running)]
    }

    /// Bytes of all pictures.
    #[must_use]
    pub fn cache_bytes(&self) -> u64 {
        self.cache_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of pictures that are never evicted.
    #[must_use]
    pub fn floor_bytes(&self) -> u64 {
        self.floor_bytes.load(Ordering::Relaxed)
    }

    /// Pictures evicted since the start.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Answers to requests for pictures, by status.
    #[must_use]
    pub fn served(&self) -> Vec<(u16, u64)> {
        let counts = self.served.iter().map(|count| count.load(Ordering::Relaxed));
        SERVED_STATUSES.into_iter().zip(counts).collect()
    }
}
