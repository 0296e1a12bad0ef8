//! The wire against its tables: period vectors, fixtures and properties.
//!
//! Needs nothing but the files under `fixtures/`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that cannot go on has failed its test"
)]

mod calls;
mod frames;
mod period;
mod properties;
mod readings;
mod replies;
mod support;
