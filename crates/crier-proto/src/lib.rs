//! The wire: every byte a caller can send to Crier and every byte it gets back, as pure values and functions.
//!
//! This room does no I/O: no files, sockets, clocks, chance, environment or logging. So the wire is tested by
//! tables and fuzzed as functions. Normative page: the wire contract; the two seed pages outrank it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::wildcard_enum_match_arm
)]

pub mod call;
pub mod decimal;
pub mod digest;
pub mod error;
pub mod frame;
pub mod ids;
pub mod markup;
pub mod message;
pub mod mistake;
pub mod multipart;
pub mod pairs;
pub mod params;
pub mod reading;
pub mod receipt;
pub mod render;
pub mod reply;
pub mod secret;
pub mod signature;
pub mod signed_set;
pub mod story;
