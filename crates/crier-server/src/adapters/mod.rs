//! The ports that are the process itself: its clock, its chance, its password hashing.
//!
//! Promise: the system's clock, its random source and its hashing are touched here and nowhere else. Knows no rule.

pub mod clock;
pub mod entropy;
pub mod key_file;
pub mod passwords;
pub mod snapshot_file;
pub mod workbench;
