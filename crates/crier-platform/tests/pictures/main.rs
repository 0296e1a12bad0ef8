//! The job that fetches pictures against real books (feed 7.3, 7.10): turns, bounds, delays, and what a kill leaves behind.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a helper that cannot go on has failed its test; the job runs as a task of the test and is cut like a killed process"
)]

mod bounds;
mod delays;
mod fairness;
mod world;
