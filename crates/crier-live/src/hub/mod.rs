//! The connections of this process, and everything that may happen to one (live sections 3, 4, 9).
//!
//! Promise: bounds are counted before anything is held; a transport only carries bytes in and out; no lock is held while a socket
//! is written. Knows no socket, no HTTP and no database: whoever needs those gets an `Errand`.

mod admission;
mod admit;
mod books;
mod drain;
mod ends;
mod kept;
mod last_writes;
mod polling;
mod posts;
mod speak;
mod standing;
mod time;

pub use admission::{Coming, Turn};
pub use admit::Errand;
pub(crate) use books::Staging;
pub use polling::Parked;
pub use posts::Refused;
pub use time::Due;

use crate::broker::memory::MemoryBroker;
use crate::config::{LiveConfig, ReceiptsConfig};
use crate::connection::{Connection, Next, Phase, Terms};
use crate::durable::Keeper;
use crate::link::{ConnectionNo, Link, Opening};
use crate::metrics::{Metrics, Overflow, Watched};
use crate::names::Names;
use crate::outbox::Receipt;
use crate::place::{Around, Place, Touched};
use crate::receipts::Receipts;
use crate::records::{MailboxKey, Records};
use crate::resume::ResumeKey;
use crate::revocations::Revocations;
use crate::shards::{Shards, lock};
use crate::tickets::MemoryTickets;
use crate::wheel::Wheel;
use admission::Admission;
use bytes::Bytes;
use crier_platform::model::time::ElapsedMs;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_proto::frame::{Bye, ClientFrame, has_too_many_items};
use drain::Leaving;
use last_writes::LastWrites;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// What the hub is made of.
pub(crate) struct HubParts {
    pub(crate) config: LiveConfig,
    pub(crate) receipts: ReceiptsConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) metrics: Metrics,
    pub(crate) resume_key: [u8; 32],
    pub(crate) tickets: Arc<MemoryTickets>,
    /// In durable mode: the way into the books.
    pub(crate) keeper: Option<Keeper>,
}

/// The connections of this process.
pub struct Hub {
    pub(crate) config: LiveConfig,
    pub(crate) terms: Terms,
    pub(crate) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    pub(crate) metrics: Metrics,
    pub(crate) resume_key: ResumeKey,
    pub(crate) tickets: Arc<MemoryTickets>,
    pub(crate) broker: MemoryBroker,
    pub(crate) records: Records,
    pub(crate) receipts: Receipts,
    pub(crate) revocations: Revocations,
    pub(crate) keeper: Option<Keeper>,
    /// Until then pages of an earlier process may come back for what they are owed; set when the books are loaded.
    recovered_at: AtomicU64,
    me: Weak<Hub>,
    names: Names,
    links: Shards<ConnectionNo, Arc<Link>>,
    /// By the first connection of a token line: the one that carries the line on, if another does.
    heirs: Shards<ConnectionNo, ConnectionNo>,
    addresses: Shards<IpAddr, u32>,
    open: AtomicU32,
    greeting: AtomicU32,
    next_page: AtomicU64,
    wheel: Mutex<Wheel<Due>>,
    admission: Admission,
    leaving: Leaving,
    last_writes: LastWrites,
}

impl Hub {
    pub(crate) fn new(parts: HubParts) -> Arc<Self> {
        let config = parts.config;
        let terms = Terms {
            frames: config.frame_rate(),
            outbox_bytes_max: usize::try_from(config.outbox_bytes_max.0).unwrap_or(usize::MAX),
            hello_ms: config.hello_deadline.0,
            ping_ms: config.ping.0,
            pong_ms: config.pong_deadline.0,
            progress_ms: config.progress_deadline.0,
        };
        let wheel = Wheel::new(parts.clock.elapsed());
        let unkept = parts.keeper.as_ref().map(|keeper| Arc::clone(&keeper.unkept));
        let hub = Arc::new_cyclic(|me| Self {
            broker: MemoryBroker::new(
                Arc::clone(&parts.entropy),
                parts.metrics.clone(),
                config.recipient_rate(),
                config.heads_max,
            ),
            records: Records::new(config.status_items_max, parts.metrics.clone()).keeping(unkept),
            keeper: parts.keeper,
            recovered_at: AtomicU64::new(0),
            me: Weak::clone(me),
            receipts: Receipts::new(
                parts.receipts,
                config.status_items_max,
                Arc::clone(&parts.entropy),
                parts.metrics.clone(),
            ),
            terms,
            clock: parts.clock,
            entropy: parts.entropy,
            metrics: parts.metrics,
            resume_key: ResumeKey::new(parts.resume_key),
            tickets: parts.tickets,
            revocations: Revocations::default(),
            names: Names::default(),
            links: Shards::new(),
            heirs: Shards::new(),
            addresses: Shards::new(),
            open: AtomicU32::new(0),
            greeting: AtomicU32::new(0),
            next_page: AtomicU64::new(1),
            wheel: Mutex::new(wheel),
            admission: Admission::new(config.admit_running_max, config.admit_places_max),
            leaving: Leaving::default(),
            last_writes: LastWrites::default(),
            config,
        });
        let watched: Arc<dyn Watched> = Arc::clone(&hub) as _;
        hub.metrics.watch(Arc::downgrade(&watched));
        hub
    }

    /// Bounds that every transport's buffers follow.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The kernel's send buffer of a live socket in bytes (live 8.1).
    #[must_use]
    pub const fn send_buffer_bytes(&self) -> u64 {
        self.config.send_buffer.0
    }

    /// Counts a socket in. Over a bound, or while stopping, the connection has ended before it began: its bye is queued.
    #[must_use]
    pub fn open(&self, opening: Opening) -> Arc<Link> {
        let now = self.clock.elapsed();
        let no = ConnectionNo(u64::from_be_bytes(random_bytes(&*self.entropy)));
        let link = Link::new(
            no,
            opening,
            Connection::greeting(opening.transport, &self.terms, now),
        );
        let refused = self.count_in(&opening);
        self.links.of(&no).insert(no, Arc::clone(&link));
        if let Some(bye) = refused {
            self.end(&link, bye, None);
        } else if self.is_leaving() {
            // The stop began after the count: whoever ended all connections may not have seen this one.
            self.end(&link, Bye::Restarting, None);
        }
        self.schedule(&link);
        link
    }

    /// What the transport is to write next.
    #[must_use]
    pub fn next(&self, link: &Arc<Link>) -> Next {
        let lapsed = link.state().lapse(self.clock.elapsed());
        if !lapsed.is_empty()
            && let Some(key) = key_of(link)
        {
            self.at_known(key, |place, around, _| place.tell_lapsed(around, link, &lapsed));
        }
        let next = link.state().next_output();
        // The bye is written.
        if next == Next::Close(Bye::Withdrawn) {
            self.has_written_last(link);
        }
        next
    }

    /// The kernel has not taken a byte of the frame that `next` gave last: it is asked for again when there is room.
    pub fn not_begun(&self, link: &Link) {
        link.state().put_back();
    }

    /// The kernel has all bytes of this frame, and of the message that it may carry.
    fn is_written(&self, frame: &Bytes, receipt: Option<&Receipt>) {
        self.metrics.frame_out(frame);
        let Some(receipt) = receipt else { return };
        let first = self
            .records
            .written(receipt.id, &receipt.pages, self.clock.wall());
        if let Some(commit) = first {
            self.metrics
                .written_after(self.clock.elapsed_micros().since(commit.at));
        }
    }

    /// The kernel has all bytes of the frame that `next` gave last.
    pub fn taken(&self, link: &Arc<Link>) {
        let taken = link.state().taken(self.clock.elapsed());
        if let Some(frame) = &taken.frame {
            self.is_written(frame, taken.receipt.as_ref());
        }
        if taken.read_on
            && let Some(key) = key_of(link)
        {
            self.at_known(key, |place, around, _| place.read_on(around, link));
        }
    }

    /// The kernel has taken some bytes of a frame.
    pub fn progressed(&self, link: &Link) {
        link.state().progressed(self.clock.elapsed());
    }

    /// Whether something waits that the kernel has not taken.
    #[must_use]
    pub fn has_waiting(&self, link: &Link) -> bool {
        link.state().waiting_bytes() > 0
    }

    /// Whether more than one frame waits: then they go together.
    #[must_use]
    pub fn has_several(&self, link: &Link) -> bool {
        link.state().waiting_frames() > 1
    }

    /// Whether the transport may read a further client message now.
    #[must_use]
    pub fn wants_frames(&self, link: &Link) -> bool {
        link.state().wants_frames(&self.terms)
    }

    /// Reads one client message into frames; each is then given to `frame`.
    #[must_use]
    pub fn received(&self, link: &Arc<Link>, text: &str) -> Vec<ClientFrame> {
        let read = link.state().receive(text, &self.terms, self.clock.elapsed());
        let read = read.unwrap_or_else(|bye| {
            if bye == Bye::BadFrame && has_too_many_items(text) {
                self.metrics.overflow(Overflow::FrameItems);
            }
            self.end(link, bye, None);
            Vec::new()
        });
        read.iter().for_each(|frame| self.metrics.frame_in(frame));
        read
    }

    /// Counts a ping or pong of the WebSocket itself like a client message: it says nothing, but it costs as much (live 4.15).
    pub fn received_nothing(&self, link: &Arc<Link>) {
        let within = link.state().counts(&self.terms, self.clock.elapsed());
        if !within {
            self.end(link, Bye::TooManyFrames, None);
        }
    }

    /// Counts a bye, and the bound that it speaks of.
    fn count_end(&self, bye: Bye) {
        self.metrics.bye(bye);
        if let Some(bound) = bound_of(bye) {
            self.metrics.overflow(bound);
        }
    }

    /// Ends a connection with this bye; the transport writes it and closes. Without a delay of its own a bye for load names that of
    /// the backlog.
    pub fn end(&self, link: &Arc<Link>, bye: Bye, retry_after_ms: Option<u64>) {
        let retry_after_ms = retry_after_ms.or_else(|| self.retry_after_ms(bye));
        let mut state = link.state();
        if state.phase() == Phase::Closing {
            return;
        }
        state.end(bye, retry_after_ms, self.clock.elapsed());
        drop(state);
        self.count_end(bye);
        self.ended_here(link);
    }

    /// The transport is gone: the pages keep their grace.
    pub fn closed(&self, link: &Arc<Link>) {
        if self.links.of(&link.no).remove(&link.no).is_none() {
            return;
        }
        self.leave_line(link);
        self.count_out(link);
        self.has_written_last(link);
        if let Some(key) = key_of(link) {
            let absent = self.at_known(key, |place, around, _| place.lose_link(around, link.no));
            if absent == Some(true) {
                let due = self.clock.elapsed().plus_ms(self.config.page_grace.0);
                lock(&self.wheel).insert(due, Due::Grace(key));
            }
        }
        if self.open.load(Ordering::Acquire) == 0 {
            self.note_empty();
        }
    }

    /// Whoever comes next with a token of this line meets nobody, unless a newer one carries it on.
    fn leave_line(&self, link: &Link) {
        let line = link.line();
        let mut heirs = self.heirs.of(&line);
        if heirs.get(&line) == Some(&link.no) {
            heirs.remove(&line);
        }
    }

    /// A connection has come to its end by our word: it is watched until it is written or cut.
    fn ended_here(&self, link: &Arc<Link>) {
        if let Some(key) = key_of(link) {
            // Nothing is offered to it any more, and its pages may come back elsewhere at once.
            self.at_known(key, |place, around, _| place.lose_link(around, link.no));
            let due = self.clock.elapsed().plus_ms(self.config.page_grace.0);
            lock(&self.wheel).insert(due, Due::Grace(key));
        }
        self.schedule(link);
        link.pump();
    }

    /// Works at a place, made when there is none; then has the touched connections written.
    pub(crate) fn at<T>(
        &self,
        key: MailboxKey,
        work: impl FnOnce(&mut Place, &Around<'_>, &mut Touched) -> T,
    ) -> T {
        let (done, touched) = self.at_held(key, work);
        touched.iter().for_each(|link| link.pump());
        done
    }

    /// Works at a place, made when there is none. The touched connections are the caller's to have written.
    pub(crate) fn at_held<T>(
        &self,
        key: MailboxKey,
        work: impl FnOnce(&mut Place, &Around<'_>, &mut Touched) -> T,
    ) -> (T, Touched) {
        let mut touched = Touched::new();
        let around = self.around(key);
        let (done, evicted) = self
            .broker
            .at(key, around.now, |place| work(place, &around, &mut touched));
        if let Some(head) = evicted {
            self.metrics.overflow(Overflow::Head);
            self.head_left(head);
        }
        self.keep_claims();
        (done, touched)
    }

    /// Works at a place, if there is one; then has the touched connections written.
    pub(crate) fn at_known<T>(
        &self,
        key: MailboxKey,
        work: impl FnOnce(&mut Place, &Around<'_>, &mut Touched) -> T,
    ) -> Option<T> {
        let mut touched = Touched::new();
        let around = self.around(key);
        let done = self
            .broker
            .at_known(key, |place| work(place, &around, &mut touched));
        touched.iter().for_each(|link| link.pump());
        self.keep_claims();
        done
    }

    pub(crate) fn around(&self, key: MailboxKey) -> Around<'_> {
        let micros = self.clock.elapsed_micros();
        Around {
            key,
            config: &self.config,
            terms: &self.terms,
            records: &self.records,
            receipts: &self.receipts,
            metrics: &self.metrics,
            process: &self.broker.process,
            names: &self.names,
            next_page: &self.next_page,
            keeper: self.keeper.as_ref(),
            recovered_at: ElapsedMs(self.recovered_at.load(Ordering::Relaxed)),
            now: micros.whole_ms(),
            micros,
            wall: self.clock.wall(),
        }
    }

    fn schedule(&self, link: &Arc<Link>) {
        let due = link.state().next_due(&self.terms);
        link.set_due(due);
        if due.0 < u64::MAX {
            lock(&self.wheel).insert(due, Due::Connection(Arc::downgrade(link), due));
        }
    }

    /// Counts a socket against every bound; the bye when one is reached. Always undone by `count_out`.
    fn count_in(&self, opening: &Opening) -> Option<Bye> {
        let open = self.open.fetch_add(1, Ordering::AcqRel) + 1;
        let greeting = self.greeting.fetch_add(1, Ordering::AcqRel) + 1;
        self.metrics.connection(opening.transport, 1);
        let limit = self.config.connections_per_address_max;
        let from_there = opening.address.map_or(0, |address| {
            let mut part = self.addresses.of(&address);
            let count = part.entry(address).or_insert(0);
            *count += 1;
            *count
        });
        if self.is_leaving() {
            return Some(Bye::Restarting);
        }
        let (bound, bye) = if self.config.connections_max > 0 && open > self.config.connections_max {
            (Overflow::Connections, Bye::Overloaded)
        } else if greeting > self.config.hello_waiting_max {
            (Overflow::Hello, Bye::Overloaded)
        } else if limit > 0 && from_there > limit {
            (Overflow::ConnectionsAddress, Bye::TooManyConnections)
        } else {
            return None;
        };
        self.metrics.overflow(bound);
        Some(bye)
    }

    fn count_out(&self, link: &Link) {
        self.open.fetch_sub(1, Ordering::AcqRel);
        self.metrics.connection(link.opening.transport, -1);
        self.greeted(link);
        if let Some(address) = link.opening.address {
            let mut part = self.addresses.of(&address);
            if let Some(count) = part.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    part.remove(&address);
                }
            }
        }
    }

    /// Counts a socket that waits for its hello no longer; once.
    fn greeted(&self, link: &Link) {
        if link.greet() {
            self.greeting.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn random_below(&self, bound: u64) -> u64 {
        u64::from_be_bytes(random_bytes(&*self.entropy)) % bound.max(1)
    }
}

/// The bound that a connection has reached whose bye this is, when the bye alone says so (live section 12).
const fn bound_of(bye: Bye) -> Option<Overflow> {
    match bye {
        Bye::NoHello => Some(Overflow::Hello),
        Bye::PingTimeout => Some(Overflow::Ping),
        Bye::NoProgress => Some(Overflow::NoProgress),
        Bye::AuthorisationExpired => Some(Overflow::Authorised),
        Bye::TooManyFrames => Some(Overflow::RateFrames),
        Bye::FrameTooLarge => Some(Overflow::FrameSize),
        _ => None,
    }
}

/// Whose mailbox an admitted connection belongs to.
pub(crate) fn key_of(link: &Link) -> Option<MailboxKey> {
    let state = link.state();
    state.permit().map(|permit| (permit.app, permit.user))
}
