//! The rules: from a raw call to its effects, one way, each stage a type that only the stage before can make.
//!
//! This room knows no technology: no HTTP types, SQL, Redis, image decoders, async runtime or concrete backends.
//! So a method's file reads like the page that specifies it.
#![deny(clippy::float_arithmetic, clippy::wildcard_enum_match_arm)]

pub mod accounts;
pub mod call_log;
mod config;
pub mod dispatch;
mod effects;
mod failed_tokens;
pub mod faults;
pub mod feed;
mod grammar;
pub mod insights;
pub mod jobs;
pub mod live_door;
pub mod messages;
mod methods;
pub mod model;
pub mod pictures;
pub mod ports;
mod replies;
mod sessions;
mod unit;
mod verified;
mod verify;
