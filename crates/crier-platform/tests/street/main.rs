//! The street against the real books in memory and the real hub: every row of the order of checks with what it spends, the
//! methods' tables of checks, sessions, tickets, profiles and many calls at once.

mod asked;
mod batch;
mod call_log;
mod checked_story;
mod faults;
mod feed;
mod harness;
mod live_message;
mod order;
mod parallel;
mod period;
mod profiles;
mod properties;
mod seed_feed;
mod seed_live_message;
mod sessions;
mod status;
mod tickets;
mod try_out;
