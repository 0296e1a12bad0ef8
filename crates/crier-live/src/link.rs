//! One connection as the hub and its transport share it: the state machine behind a short lock, and the way to wake the writer.
//!
//! Promise: whoever publishes writes straight to the socket, without a queue between tasks. Lock order: mailbox, then connection;
//! the pump is never worked while either is held.

use crate::connection::Connection;
pub use crate::metrics::Transport;
use crate::polls::Polls;
use crate::resume::OriginMark;
use crate::shards::lock;
use crier_platform::model::time::ElapsedMs;
use crier_proto::ids::MessageId;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use tokio::sync::Notify;

/// A transport that takes what its connection has to say.
pub trait Pump: Send + Sync {
    /// Writes what the kernel takes now, and arranges to be called again for the rest. Never blocks.
    fn pump(&self);

    /// Offers what waits to the kernel whatever the socket said last, before the connection is cut for taking nothing: a buffer that
    /// empties little by little says nothing for a long time (live 8.4). Never blocks.
    fn press(&self) {
        self.pump();
    }
}

/// A connection's number: random, so that a token of an earlier process never names a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionNo(pub u64);

/// What a transport knows when its socket opens.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// What carries the frames.
    pub transport: Transport,
    /// Whose pages may come.
    pub app: crier_proto::ids::AppId,
    /// From which origin.
    pub origin: OriginMark,
    /// From which address.
    pub address: Option<IpAddr>,
}

/// One connection of this process.
pub struct Link {
    /// Its number.
    pub no: ConnectionNo,
    /// How it was opened.
    pub opening: Opening,
    /// The first connection of its token line: itself, unless it was opened with a resume token (live 3.10).
    line: AtomicU64,
    state: Mutex<Connection>,
    greeted: AtomicBool,
    /// The moment of the one wheel entry that counts; earlier ones were overtaken.
    due: AtomicU64,
    pump: OnceLock<Weak<dyn Pump>>,
    /// What a long poll has beside it.
    parking: Option<Box<Parking>>,
    /// Whose posted frames are being done; absent where one task reads them all.
    posts: Option<Box<tokio::sync::Mutex<()>>>,
}

/// The polls of a connection, and what wakes the one that waits.
#[derive(Default)]
pub(crate) struct Parking {
    polls: Mutex<Polls>,
    pub(crate) changed: Notify,
}

impl Parking {
    /// The polls.
    pub(crate) fn polls(&self) -> MutexGuard<'_, Polls> {
        lock(&self.polls)
    }
}

impl Link {
    /// The link of a socket that has just been opened.
    #[must_use]
    pub(crate) fn new(no: ConnectionNo, opening: Opening, connection: Connection) -> Arc<Self> {
        Arc::new(Self {
            no,
            opening,
            line: AtomicU64::new(no.0),
            state: Mutex::new(connection),
            greeted: AtomicBool::new(false),
            due: AtomicU64::new(u64::MAX),
            pump: OnceLock::new(),
            parking: (opening.transport == Transport::Poll).then(Box::default),
            posts: (opening.transport != Transport::WebSocket).then(Box::default),
        })
    }

    /// Names the transport, once.
    pub fn attach(&self, pump: Weak<dyn Pump>) {
        // A second transport for one connection does not exist: the first stays.
        let _ = self.pump.set(pump);
    }

    /// The first connection of its token line.
    pub(crate) fn line(&self) -> ConnectionNo {
        ConnectionNo(self.line.load(Ordering::Acquire))
    }

    /// Notes that it carries on this line.
    pub(crate) fn carry_on(&self, line: ConnectionNo) {
        self.line.store(line.0, Ordering::Release);
    }

    /// Notes that no hello is waited for any more; true the first time.
    pub(crate) fn greet(&self) -> bool {
        !self.greeted.swap(true, Ordering::AcqRel)
    }

    /// Notes when it is to be looked at next.
    pub(crate) fn set_due(&self, due: ElapsedMs) {
        self.due.store(due.0, Ordering::Release);
    }

    /// Whether a wheel entry of this moment is the one that counts.
    pub(crate) fn is_due_at(&self, due: ElapsedMs) -> bool {
        self.due.load(Ordering::Acquire) == due.0
    }

    /// The state machine.
    pub(crate) fn state(&self) -> MutexGuard<'_, Connection> {
        lock(&self.state)
    }

    /// Waits until the frames of every earlier post are done: posts come on connections of their own, and what one of them says is
    /// done in one piece and in the order in which they came. To be held while they are done.
    pub async fn posting(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        match &self.posts {
            Some(posts) => Some(posts.lock().await),
            None => None,
        }
    }

    /// Whether a message waits, is being written, or is in an answer that has not been confirmed.
    pub(crate) fn carries(&self, id: MessageId) -> bool {
        self.parking().is_some_and(|parking| parking.polls().carries(id)) || self.state().carries(id)
    }

    /// The polls, if this is one.
    pub(crate) fn parking(&self) -> Option<&Parking> {
        self.parking.as_deref()
    }

    /// Has the transport write what waits.
    pub(crate) fn pump(&self) {
        if let Some(parking) = &self.parking {
            parking.changed.notify_waiters();
        }
        if let Some(pump) = self.pump.get().and_then(Weak::upgrade) {
            pump.pump();
        }
    }

    /// Has the transport try once more.
    pub(crate) fn press(&self) {
        if let Some(pump) = self.pump.get().and_then(Weak::upgrade) {
            pump.press();
        }
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        self.no == other.no
    }
}
