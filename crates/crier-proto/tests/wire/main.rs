//! The wire against its tables: period vectors, fixtures and properties.
//!
//! Needs nothing but the files under `fixtures/`.

mod calls;
mod frames;
mod period;
mod properties;
mod readings;
mod replies;
mod support;
