//! What a memory mailbox takes through a clean restart: heads, messages, pages within their grace, outcomes, tickets,
//! unposted receipts (live 5.8, 5.9).
//!
//! Promise: bytes in, bytes out; a snapshot is taken back whole or not at all; no bytes make the reader panic. Moments of the
//! stopwatch are written as what is left of them, and the time that the server was away is taken off. Knows no file.

pub(crate) mod codec;
mod parts;

use crate::mailbox::Mailbox;
use crate::place::Page;
use crate::receipts::Queue;
use crate::records::{MailboxKey, Record};
use codec::{Blocks, In, Out, Sealed};
use crier_platform::model::ticket::Ticket;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::ids::AppId;

/// The first words of a snapshot of this shape; any other shape has others.
const WORDS: &[u8] = b"crier live snapshot 5\n";

const HEADER: u8 = 1;
const PLACE: u8 = 2;
const RECORD: u8 = 3;
const TICKET: u8 = 4;
const END: u8 = 5;
const RECEIPTS: u8 = 6;

/// Why a snapshot is not taken back. Then every mailbox begins a new life, and pages are told so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFault {
    /// Its first words are not ours.
    #[error("it was written by another version")]
    Foreign,
    /// A seal or a field is wrong, or the end is missing.
    #[error("it is damaged")]
    Damaged,
}

/// The moment at which a snapshot is written or read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: ElapsedMs,
    pub(crate) wall: WallMs,
}

/// What is written before all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// When.
    pub(crate) taken_at: WallMs,
    /// The span within which its pages were told to come back, in milliseconds.
    pub(crate) window_ms: u64,
    /// The first turn of a page's coming that is not given yet.
    pub(crate) next_page: u64,
}

/// One (application, user), as far as it outlives the process.
pub(crate) struct KeptPlace {
    pub(crate) key: MailboxKey,
    pub(crate) mailbox: Mailbox,
    /// Without connections.
    pub(crate) pages: Vec<Page>,
    pub(crate) focus_turn: u64,
}

/// A snapshot that has been read.
pub(crate) struct Contents {
    pub(crate) header: Header,
    pub(crate) places: Vec<KeptPlace>,
    /// With the moments until which they are kept, oldest first for each application.
    pub(crate) records: Vec<(ElapsedMs, Record)>,
    pub(crate) tickets: Vec<Ticket>,
    /// Receipts that are not posted.
    pub(crate) receipts: Vec<(AppId, Queue)>,
}

/// A snapshot that is being written.
pub(crate) struct Writer {
    blocks: Blocks,
    now: ElapsedMs,
}

impl Writer {
    /// Begins.
    pub(crate) fn new(header: &Header, now: ElapsedMs) -> Self {
        let mut blocks = Blocks::beginning(WORDS);
        blocks.add(HEADER, |out| {
            out.signed(header.taken_at.0);
            out.long(header.window_ms);
            out.long(header.next_page);
        });
        Self { blocks, now }
    }

    /// Adds one (application, user).
    pub(crate) fn place(&mut self, key: MailboxKey, place: (&Mailbox, &[Page], u64)) {
        let now = self.now;
        self.blocks
            .add(PLACE, |out| parts::write_place(out, key, place, now));
    }

    /// Adds an outcome record that is kept until then.
    pub(crate) fn record(&mut self, until: ElapsedMs, record: &Record) {
        let left = until.0.saturating_sub(self.now.0);
        self.blocks.add(RECORD, |out| {
            out.long(left);
            record.write(out);
        });
    }

    /// Adds a ticket.
    pub(crate) fn ticket(&mut self, ticket: &Ticket) {
        self.blocks.add(TICKET, |out| parts::write_ticket(out, ticket));
    }

    /// Adds an application's receipts.
    pub(crate) fn receipts(&mut self, app: AppId, queue: &Queue) {
        let now = self.now;
        self.blocks.add(RECEIPTS, |out| {
            out.signed(app.get());
            queue.write(out, now);
        });
    }

    /// Ends.
    pub(crate) fn done(mut self) -> Vec<u8> {
        self.blocks.add(END, |_| ());
        self.blocks.done()
    }
}

/// Reads a snapshot at this moment.
///
/// # Errors
/// `SnapshotFault`; nothing of it can be used then.
pub(crate) fn read(bytes: &[u8], moment: Moment) -> Result<Contents, SnapshotFault> {
    let mut sealed = Sealed::beginning(WORDS, bytes).ok_or(SnapshotFault::Foreign)?;
    read_blocks(&mut sealed, moment).ok_or(SnapshotFault::Damaged)
}

fn read_blocks(sealed: &mut Sealed<'_>, moment: Moment) -> Option<Contents> {
    let (HEADER, mut first) = sealed.next()? else {
        return None;
    };
    let header = read_header(&mut first)?;
    // A wall clock that has stepped back has no time gone by: nothing ends early, nothing lives longer than it was promised.
    let away = moment.wall.0.saturating_sub(header.taken_at.0).max(0);
    let shift = Shift {
        now: moment.now,
        away_ms: u64::try_from(away).unwrap_or(0),
    };
    let mut contents = Contents {
        header,
        places: Vec::new(),
        records: Vec::new(),
        tickets: Vec::new(),
        receipts: Vec::new(),
    };
    loop {
        let (tag, mut payload) = sealed.next()?;
        match tag {
            PLACE => contents.places.push(parts::read_place(&mut payload, shift)?),
            RECORD => {
                let until = shift.moment(payload.long()?);
                contents.records.push((until, Record::read(&mut payload)?));
            }
            TICKET => contents.tickets.push(parts::read_ticket(&mut payload)?),
            RECEIPTS => {
                let app = AppId::new(payload.signed()?)?;
                contents.receipts.push((app, Queue::read(&mut payload, shift)?));
            }
            END => {
                payload.end()?;
                sealed.end()?;
                return Some(contents);
            }
            _ => return None,
        }
        payload.end()?;
    }
}

fn read_header(payload: &mut In<'_>) -> Option<Header> {
    let header = Header {
        taken_at: WallMs(payload.signed()?),
        window_ms: payload.long()?,
        next_page: payload.long()?,
    };
    payload.end()?;
    Some(header)
}

/// From what was left of a span at the stop to the moment of this process at which it is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shift {
    now: ElapsedMs,
    away_ms: u64,
}

impl Shift {
    /// The moment; now, when it passed while the server was away.
    pub(crate) const fn moment(self, left_ms: u64) -> ElapsedMs {
        self.now.plus_ms(left_ms.saturating_sub(self.away_ms))
    }
}

/// Writes a number of pages, messages or the like with the count before them.
fn write_all<T>(out: &mut Out, items: &[T], write: impl Fn(&mut Out, &T)) {
    out.count(items.len());
    for item in items {
        write(out, item);
    }
}

#[cfg(test)]
mod tests;
