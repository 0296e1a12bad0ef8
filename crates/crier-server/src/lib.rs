//! The edges: HTTP, transports, site, command line, composition, process.
//!
//! The only room that speaks HTTP to clients, reads configuration and starts tasks. It holds use-case handles, never raw
//! ports (those exist in `boot.rs` and `books.rs` alone), and knows no SQL, signature rule, markup rule, ranking or wire error number.

pub mod adapters;
pub mod admin;
pub mod body;
mod books;
pub mod boot;
pub mod bound;
pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
mod feed_figures;
pub mod lifecycle;
pub mod listen;
pub mod live;
pub mod metrics;
pub mod middleware;
pub mod rest;
pub mod router;
pub mod sections;
pub mod site;
pub mod state;
pub mod take_over;
pub mod telemetry;
mod way_out;
