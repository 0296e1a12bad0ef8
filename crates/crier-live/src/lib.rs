//! The hub: connections, mailboxes and the call ledger of one process.
//!
//! Promise: a charge and the message it pays for are one step; every page that is owed a message runs it or is told of a gap; of
//! equal call_ids one passes; everything is bounded. This room never sees HTTP, SQL or sockets: a transport carries bytes between a
//! socket and a [`link::Link`], and runs the errands that need the platform's door.
//!
//! # For whoever composes the process
//! 1. [`node::Node::new`] with [`node::NodeParts`]; the `Arc` is the ports `Ledger`, `Deliver` and `Tickets` at once.
//! 2. Run [`node::Node::run`] under the task tracker: pings, deadlines and sweeping happen there.
//! 3. Transports take [`node::Node::hub`]: `open` a link when a socket has opened, `attach` their [`link::Pump`], give each text to
//!    `received` and each of its frames to `frame`, run the [`hub::Errand`]s, write what `next` gives, call `taken` and `closed`.
//! 4. Run [`receipts::ReceiptRun::run`] under the tracker of what a stop waits for: it ends by itself once the stop has begun.
//! 5. At a soft stop, after REST calls are refused: [`node::Node::stop`]. When all has ended: [`hub::Hub::snapshot`], whose bytes
//!    the next process gives to [`hub::Hub::restore`] before it accepts.
//!
//! Locks, outermost first: a session's entry in the ledger, a place (mailbox and pages), a connection, a record or a quota. None is
//! held across an await or while a socket is written.

mod broker;
pub mod config;
pub mod connection;
mod durable;
pub mod error;
pub mod hub;
pub mod ledger;
pub mod link;
pub mod mailbox;
pub mod metrics;
mod names;
pub mod node;
pub mod outbox;
mod place;
mod polls;
pub mod rate;
pub mod receipts;
mod records;
pub mod resume;
mod revocations;
mod shards;
pub mod snapshot;
pub mod tickets;
mod wheel;
