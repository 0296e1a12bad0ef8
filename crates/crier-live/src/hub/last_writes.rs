//! How long a withdrawal takes: from its commit to the last byte on the last of the connections that it ended (live section 13).
//!
//! Promise: one figure for each withdrawal, also when it ended no connection; a connection that is cut has written its last.

use super::Hub;
use crate::link::{ConnectionNo, Link};
use crate::metrics::Metrics;
use crate::shards::lock;
use crier_platform::model::time::WallMs;
use crier_platform::ports::clock::Clock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The connections that still have something to write, each with the withdrawal that ended it.
pub(super) type LastWrites = Mutex<HashMap<ConnectionNo, Arc<Timed>>>;

/// One withdrawal. Counted when nobody holds it any more.
pub(super) struct Timed {
    committed: WallMs,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

impl Drop for Timed {
    fn drop(&mut self) {
        // The commit may be another process's, of which only the wall is known.
        let ms = self.clock.wall().0.saturating_sub(self.committed.0);
        let ms = u64::try_from(ms).unwrap_or(0);
        self.metrics.withdrawn_in(ms.saturating_mul(1_000));
    }
}

impl Hub {
    pub(super) fn timed(&self, committed: WallMs) -> Arc<Timed> {
        Arc::new(Timed {
            committed,
            clock: Arc::clone(&self.clock),
            metrics: self.metrics.clone(),
        })
    }

    /// A connection has its last bytes before it.
    pub(super) fn writes_its_last(&self, link: &Link, timed: &Arc<Timed>) {
        lock(&self.last_writes).insert(link.no, Arc::clone(timed));
        // One that has closed meanwhile takes no entry out any more.
        if !self.links.of(&link.no).contains_key(&link.no) {
            self.has_written_last(link);
        }
    }

    /// A connection has written all it had, or never will.
    pub(super) fn has_written_last(&self, link: &Link) {
        let timed = lock(&self.last_writes).remove(&link.no);
        drop(timed);
    }
}
