//! The edges: HTTP, transports, site, command line, composition, process.
//!
//! The only room that speaks HTTP to clients, reads configuration and starts tasks. It holds use-case handles, never raw
//! ports (those exist in `boot.rs` alone), and knows no SQL, signature rule, markup rule, ranking or wire error number.

pub mod demo;
pub mod live;
pub mod site;
pub mod state;
