//! Frames between server and page, and why a connection ends (live section 4).
//!
//! Shapes only: who may send which frame when is `crier-live`'s. `client` and `bodies` read what pages send, `server` and `shared`
//! write what they get, `bye` is the table of ends.

mod bodies;
mod bye;
mod client;
mod items;
mod names;
mod refused;
mod server;
mod shared;
mod strict;

pub use bodies::{PollBody, PostedFrames};
pub use bye::{AfterBye, Bye};
pub use client::{ClientFrame, Hello, HelloPage, Opening, Register, Send, read_frames};
pub use items::has_too_many_items;
pub use names::{BadName, PageId, Ref};
pub use refused::refused_in_parts;
pub use server::{GapReason, Outcome, PageCursor, RefusedEvent, ServerFrame, batch_to_json, poll_to_json};
pub use shared::{MessageFrame, SharedMessage};

/// Largest WebSocket message, POST body or poll response, in bytes, either direction (live 4.1).
pub const FRAMES_BYTES_MAX: usize = 65_536;
/// Largest single server frame in bytes (live 4.1).
pub const SERVER_FRAME_BYTES_MAX: usize = 16_384;
/// Most frames in an array (live 4.1).
pub const FRAMES_MAX: usize = 64;
/// Most pages of a hello (live 4.2).
pub const PAGES_MAX: usize = 32;
/// Most event names of one page, and of one `register` (live 4.2, 6.3).
pub const PAGE_EVENTS_MAX: usize = 64;
/// Most ids of one `ack` (live 4.2).
pub const ACK_IDS_MAX: usize = 256;
/// Longest `client` of a hello in bytes (live 4.2).
pub const CLIENT_BYTES_MAX: usize = 64;
/// Longest resume token in bytes (live 3.9).
pub const RESUME_BYTES_MAX: usize = 300;
/// Highest sequence number: below 2^53, so that a browser's number holds it (live 4.5).
pub const SEQ_MAX: u64 = (1 << 53) - 1;
/// The protocol version that is spoken here (live 4.2, `v`).
pub const VERSION: u64 = 1;
