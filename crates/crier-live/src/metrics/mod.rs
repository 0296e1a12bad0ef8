//! Figures of live delivery, prefix `crier_live_` (live section 13).
//!
//! Promise: counting is one addition, without a lock and without a look-up; labels come from closed sets that name no person, no
//! event and no id; every series of a closed set is there from the start, at 0. What stands somewhere already, such as present
//! pages or live messages, is read when the page is asked for and kept nowhere twice. Knows no rule: whoever decides, counts.

mod counts;
mod labels;
mod page;
mod per_app;
mod table;
#[cfg(test)]
mod tests;

pub use labels::{Door, Mode, Overflow, TicketFate, Transport};
pub use table::{Kind, Metric, PREFIX};

pub(crate) use labels::{Ending, FrameType, ReceiptFate};
pub(crate) use page::{Standing, Watched};
pub(crate) use per_app::AppFigures;

use crate::hub::Coming;
use counts::{Counts, Durations, DurationsBy, Levels};
use crier_platform::model::tally::Tally;
use crier_proto::error::Code;
use crier_proto::frame::{Bye, ClientFrame, GapReason};
use crier_proto::ids::AppId;
use crier_proto::message::Fanout;
use labels::{Closed, Judged};
use page::Page;
use per_app::PerApp;
use prometheus_client::registry::Registry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// The figures of one process. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Figures>);

#[derive(Debug, Default)]
struct Figures {
    connections: Levels<Transport>,
    waiters: AtomicU64,
    admissions: [Counts<Judged<Bye>>; 2],
    admission_wait: DurationsBy<Coming>,
    resumes: Counts<Judged<Bye>>,
    tickets: Counts<TicketFate>,
    sends: [Counts<Judged<Code>>; 3],
    apps: PerApp,
    redelivered: AtomicU64,
    gaps: Counts<GapReason>,
    accept: DurationsBy<Mode>,
    written: Durations,
    acked: DurationsBy<Fanout>,
    frames: Counts<FrameType>,
    byes: Counts<Bye>,
    ping: Durations,
    overflow: Counts<Overflow>,
    receipts: Counts<ReceiptFate>,
    withdrawals: AtomicU64,
    withdrawal: Durations,
    /// What applications' developers are told, beside the figures.
    tally: Arc<Tally>,
    /// Whoever knows what stands now; absent until a node has been made.
    watched: OnceLock<Weak<dyn Watched>>,
}

impl Metrics {
    /// Figures that are shown by this registry, which has no prefix of its own.
    #[must_use]
    pub fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register_collector(Box::new(Page(metrics.clone())));
        metrics
    }

    /// Where is counted what applications' developers are told (feed 5.7).
    #[must_use]
    pub fn tally(&self) -> &Arc<Tally> {
        &self.0.tally
    }

    /// What became of a receipt.
    pub(crate) fn receipt(&self, fate: ReceiptFate) {
        self.0.receipts.add(fate);
    }

    /// Names who knows what stands now, once.
    pub(crate) fn watch(&self, watched: Weak<dyn Watched>) {
        // Figures belong to one node: the first stays.
        let _ = self.0.watched.set(watched);
    }

    /// A bound was reached (live section 12, column "overflow name").
    pub fn overflow(&self, bound: Overflow) {
        self.0.overflow.add(bound);
    }

    /// How often the bound of this name was reached since the start; 0 for a name that no bound has.
    #[must_use]
    pub fn overflows(&self, name: &str) -> u64 {
        Overflow::named(name).map_or(0, |bound| self.0.overflow.get(bound))
    }

    /// A message was refused, and its sender is told so. That one was placed is counted where it gets its place.
    pub fn send_refused(&self, door: Door, (code, bound): (Code, Option<&str>)) {
        self.send(door, Some(code));
        let bound = bound.and_then(Overflow::named);
        bound.into_iter().for_each(|bound| self.overflow(bound));
    }

    pub(crate) fn send_placed(&self, door: Door) {
        self.send(door, None);
    }

    fn send(&self, door: Door, refused: Option<Code>) {
        self.0.sends[door.index()].add(Judged(refused));
    }

    /// Messages placed through any door, and messages that have left their mailbox: their difference is what lives (live 13.1).
    #[must_use]
    pub fn placed_and_ended(&self) -> (u64, u64) {
        let placed = self.0.sends.iter().map(|sends| sends.get(Judged(None))).sum();
        (placed, self.0.apps.endings())
    }

    /// Where an application's messages are counted.
    pub(crate) fn of_app(&self, app: AppId) -> Arc<AppFigures> {
        self.0.apps.of(app)
    }

    pub(crate) fn gap(&self, reason: GapReason) {
        self.0.gaps.add(reason);
    }

    /// A connection ended by our word, or was refused with it.
    pub fn bye(&self, bye: Bye) {
        self.0.byes.add(bye);
    }

    pub(crate) fn ticket(&self, fate: TicketFate) {
        self.0.tickets.add(fate);
    }

    pub(crate) fn resume(&self, refused: Option<Bye>) {
        self.0.resumes.add(Judged(refused));
    }

    /// A hello was judged.
    pub(crate) fn admission(&self, coming: Coming, refused: Option<Bye>) {
        self.0.admissions[coming.index()].add(Judged(refused));
    }

    /// A hello has waited for its turn.
    pub(crate) fn admission_waited(&self, coming: Coming, micros: u64) {
        self.0.admission_wait.add(coming, micros);
    }

    pub(crate) fn connection(&self, transport: Transport, change: i64) {
        self.0.connections.change(transport, change);
    }

    pub(crate) fn redelivered(&self) {
        self.0.redelivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn withdrawal(&self) {
        self.0.withdrawals.fetch_add(1, Ordering::Relaxed);
    }

    /// The last byte to a connection that a withdrawal has ended is written, or nothing had to be.
    pub(crate) fn withdrawn_in(&self, micros: u64) {
        self.0.withdrawal.add(micros);
    }

    /// A page's frame was read.
    pub(crate) fn frame_in(&self, frame: &ClientFrame) {
        self.0.frames.add(FrameType::of_client(frame));
    }

    /// The kernel has a frame.
    pub(crate) fn frame_out(&self, frame: &[u8]) {
        if let Some(kind) = FrameType::of_server(frame) {
            self.0.frames.add(kind);
        }
    }

    /// A message has its place, so many microseconds after it came.
    pub(crate) fn accepted_in(&self, mode: Mode, micros: u64) {
        self.0.accept.add(mode, micros);
    }

    /// A message was handed over for the first time, so many microseconds after its commit.
    pub(crate) fn written_after(&self, micros: u64) {
        self.0.written.add(micros);
    }

    /// A message was acked for the first time, so many microseconds after its commit.
    pub(crate) fn acked_after(&self, fanout: Fanout, micros: u64) {
        self.0.acked.add(fanout, micros);
    }

    /// A page has answered a ping.
    pub(crate) fn ponged_after(&self, micros: u64) {
        self.0.ping.add(micros);
    }

    pub(crate) fn wait_begins(&self) {
        self.0.waiters.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn wait_ends(&self) {
        self.0.waiters.fetch_sub(1, Ordering::Relaxed);
    }
}
