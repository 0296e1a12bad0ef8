//! The books of the data folder as the server holds them: opened with their caches, watched while it serves, closed at its end.
//!
//! Promise: books that have failed end the process, since a sync is never retried (live 5.10). Knows nothing of what is in them.

use crate::lifecycle::Stop;
use crate::sections::Config;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::entropy::Entropy;
use crier_platform::ports::store::Store as _;
use crier_store::{CachedStore, SqliteStore};
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// The books on disk, and the caches over them.
pub(crate) struct Books {
    /// The books themselves.
    pub(crate) sqlite: Arc<SqliteStore>,
    /// What everybody but this file reads and writes.
    pub(crate) cached: Arc<CachedStore>,
}

impl Books {
    /// Opens the books of the data folder; they bring themselves to this version's shape.
    ///
    /// # Errors
    /// A sentence that names the folder and says what to do.
    pub(crate) async fn open(
        config: &Config,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self, String> {
        let folder = &config.server.data;
        let opened = SqliteStore::open(folder, &config.store, Arc::clone(clock), Arc::clone(entropy));
        let said = |why: &dyn std::fmt::Display| {
            format!(
                "cannot open the books in {}: {why}; check the folder, or name another one with --data",
                folder.display()
            )
        };
        let sqlite = Arc::new(opened.map_err(|why| said(&why))?);
        let cached = CachedStore::over(Arc::clone(&sqlite) as _, &config.store, Arc::clone(clock))
            .await
            .map(|cached| cached.counting_into(sqlite.metrics().clone()));
        Ok(Self {
            sqlite,
            cached: Arc::new(cached.map_err(|why| said(&why))?),
        })
    }

    /// Why nothing can be written now; `None` when all is well.
    pub(crate) async fn why_refusing(&self) -> Option<String> {
        self.sqlite.check().await.err().map(|fault| fault.to_string())
    }

    /// Syncs what is queued; false when that failed.
    pub(crate) async fn close(&self) -> bool {
        let closed = self.sqlite.close().await;
        if let Err(fault) = &closed {
            tracing::error!(error = %fault, "the books could not be closed");
        }
        closed.is_ok()
    }

    /// Adds the figures of the books.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let room = registry.sub_registry_with_prefix("crier_store");
        self.sqlite.metrics().register(room);
        let feed = registry.sub_registry_with_prefix("crier_feed");
        self.sqlite.metrics().events.register(feed);
    }
}

/// Ends the process when the disk has failed under the books. Returns only then.
pub(crate) async fn stop_at_failure(books: Arc<SqliteStore>, stop: Stop) {
    let cause = books.failed().await;
    tracing::error!(
        cause,
        "the disk has failed under the books and a sync is never retried: this process ends; look at the disk, then start again"
    );
    stop.fail();
}
