//! The books: implements the store port; the only room that speaks SQL and the only one that seals secrets at rest.
//!
//! ```no_run
//! # use std::{path::Path, sync::Arc};
//! # use crier_platform::ports::{clock::Clock, entropy::Entropy, store::Store};
//! # async fn boot(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<(), Box<dyn std::error::Error>> {
//! use crier_store::{CachedStore, SqliteStore, StoreConfig};
//!
//! let config = StoreConfig::default();
//! // Makes the folder (mode 0700), its database and its key when they are not there; brings the schema up to date.
//! let books = Arc::new(SqliteStore::open(Path::new("crier-data"), &config, Arc::clone(&clock), Arc::clone(&entropy))?);
//! // In tests: SqliteStore::open_in_memory(Arc::clone(&clock), entropy)?
//! let store: Arc<dyn Store> = Arc::new(CachedStore::over(books.clone(), &config, clock).await?);
//! // At the end, when no call is in flight: syncs the marks and ends the writer.
//! books.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Promise: a unit of writes is whole or absent, its conditions are judged inside its transaction, and it is synced before
//! `commit` returns; units that wait together share one sync. After an I/O error nothing more is acknowledged. Reads see our
//! own commits at once and other processes' within 1 s. Marks of live calls survive kill −9 and are synced within 1 s.
//!
//! Does not know: HTTP, live connections, pictures, the rules of the wire.

mod cached;
mod changes;
mod config;
mod error;
mod health;
mod metrics;
mod sealed;
mod sqlite;
#[cfg(test)]
mod still;

pub use cached::CachedStore;
pub use config::{CACHE_AGE_MS_MAX, StoreConfig};
pub use error::StoreError;
pub use metrics::{Metric, PREFIX, StoreMetrics};
pub use sealed::KEY_FILE;
pub use sqlite::{Diagnosis, SqliteStore};
