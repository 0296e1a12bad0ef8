//! What the platform is about: one file for each noun. No rules of the wire, no storage.

pub mod address;
pub mod app;
pub mod audit;
pub mod change;
pub mod grant;
pub mod hook;
pub mod insight;
pub mod job;
pub mod login;
pub mod mailbox;
pub mod message;
pub mod picture;
pub mod quantity;
pub mod ranking;
pub mod ranking_config;
pub mod record;
pub mod record_line;
pub mod retry;
pub mod session;
pub mod story;
pub mod tally;
pub mod test_mode;
pub mod ticket;
pub mod time;
pub mod token;
pub mod user;
