//! Unmodified client libraries of the period, each in its own language, against a whole server (protocol 20).
//!
//! `perl`: Debian package libwww-facebook-api-perl. `minifb`: Debian package jython, and the package that `requirements.txt` pins,
//! below `target/period-clients`; `cargo xtask test` puts both there.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that cannot go on has failed its test"
)]

mod errors;
mod minifb;
mod perl;
mod stage;
