//! The server from outside: a real socket on a free port, or the binary itself.
//!
//! - `audit`: what commands leave in the audit log, and its export
//! - `captures`: the recorded requests of period clients, and every way to change one byte of them; `period` replays them
//! - `habits`: what period clients send and expect, habit by habit
//! - `profiles`: what each setting does alone, and what each profile is made of
//! - `live`: tickets, origins and connections of pages
//! - `live_sse`, `live_poll`: streams of events, long polls and posted frames
//! - `live_transports`, `live_hostile`: one list of cases over all three transports, and what no page should do
//! - `live_floods`: long answers, and what happens while a hello waits for its turn
//! - `live_lines`: resume tokens, old and new, of one line
//! - `live_restart`: what a clean stop takes through to the next start, and what a cut does not
//! - `figures`: what the page of figures says after a scripted evening
//! - `live_status`: what became of a message, taking it back, and a repeated `ref`
//! - `slow_reader`: who is cut for reading slowly, and who is not; `stop`: the two ways of a soft stop
//! - `receipts`: signed posts to an application's server, over restarts, refusals and rotations
//! - `delivery`: exactly once or a gap, over connections that are cut
//! - `simulate`: invented people, and records computed again
//! - `pictures`: from a host of images to what a browser is served; uploads; what is taken away
//! - `rest`, `config`, `cli`, `cli_feed`, `cli_listen`: the doors of callers and operators
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that cannot go on has failed its test"
)]

mod audit;
mod bounds_page;
mod captures;
mod cli;
mod cli_feed;
mod cli_listen;
mod cli_serve;
mod config;
mod delivery;
mod echo;
mod feed_figures;
mod figures;
mod habits;
mod hooks;
mod live;
mod live_durable;
mod live_floods;
mod live_hostile;
mod live_lines;
mod live_poll;
mod live_restart;
mod live_sse;
mod live_status;
mod live_transports;
mod period;
mod pictures;
mod profiles;
mod receipts;
mod rest;
mod simulate;
mod site;
mod slow_reader;
mod stop;
