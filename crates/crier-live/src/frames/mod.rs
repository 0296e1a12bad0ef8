//! Frames of live connections: read strictly, written once (live sections 4.1 to 4.6).
//!
//! Promise: what is read has every field in its grammar; what is written has its fields in the order of the tables. Knows
//! nothing of who may send which frame when: that is `connection.rs`.

mod read;
mod write;

pub use read::{ClientFrame, Hello, HelloPage, PageId, Read, SendFrame, read};
pub use write::{
    MessageFrame, OutcomeObject, RefusedEvent, ServerFrame, Text, WelcomePage, bye_body, gap_name, message,
    reason, write,
};

/// Largest client message and largest array's text (live 4.1).
pub const FRAME_BYTES_MAX: usize = 65_536;
/// Frames of one array (live 4.1).
pub const FRAMES_MAX: usize = 64;
/// Ids of one ack (live 4.2).
pub const ACK_IDS_MAX: usize = 256;
/// Pages of one connection (live 6.3).
pub const PAGES_MAX: usize = 32;
/// Events of one page, and of one register frame (live 6.3).
pub const PAGE_EVENTS_MAX: usize = 64;
/// Distinct events of one connection (live 6.3).
pub const CONNECTION_EVENTS_MAX: usize = 256;
/// Every `seq` is below this, so that browsers hold it exactly (live 4.5).
pub const SEQ_END: u64 = 1 << 53;
