//! People, applications, acceptances, logins and feeds over the real books in memory; what delivery is told is recorded.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test that meets a surprise fails its test"
)]

mod agreement;
mod apps;
mod developer;
mod feed;
mod harness;
mod hooks;
mod insights;
mod logins;
mod people;
mod receipts;
mod record;
mod sessions;
mod terms;
mod views;
