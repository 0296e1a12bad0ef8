//! The books in one SQLite file: one writer thread, few readers, one file per model.

mod apps;
mod audit;
mod call_order_log;
mod copy;
mod counts;
mod developers;
mod diagnose;
mod erasure;
mod events;
mod feeds;
mod grants;
mod group;
mod hooks;
mod icons;
mod insights;
mod jobs;
mod marks;
mod messages;
mod open;
mod pen;
mod pictures;
mod readers;
mod record;
mod rows;
mod schema;
mod sessions;
mod sources;
mod store;
mod stories;
mod tokens;
mod traces;
mod upkeep;
mod users;
mod writer;

pub use diagnose::Diagnosis;
pub use open::SqliteStore;
