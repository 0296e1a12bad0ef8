//! Figures of live delivery, prefix `crier_live_` (live section 13). Labels come from closed sets; none names a person or an event.

use crate::mailbox::Ended;
use crier_proto::frame::{Bye, GapReason};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    name: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Result {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Transport {
    transport: &'static str,
}

/// Counters and gauges of one process. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    connections: Family<Transport, Gauge>,
    sends: Family<Result, Counter>,
    tickets: Family<Result, Counter>,
    resumes: Family<Result, Counter>,
    ended: Family<State, Counter>,
    gaps: Family<Reason, Counter>,
    byes: Family<Code, Counter>,
    overflow: Family<Name, Counter>,
    no_handler: Counter,
    redelivered: Counter,
    withdrawals: Counter,
    frames_in: Counter,
    frames_out: Counter,
    heads: Gauge,
    mailbox_items: Gauge,
    mailbox_bytes: Gauge,
    waiters: Gauge,
}

impl Metrics {
    /// Figures that are shown by this registry, which has no prefix of its own.
    #[must_use]
    pub fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let live = registry.sub_registry_with_prefix("crier_live");
        live.register("connections", "Open connections", metrics.connections.clone());
        live.register(
            "sends",
            "Messages by result of their acceptance",
            metrics.sends.clone(),
        );
        live.register("tickets", "Tickets by result", metrics.tickets.clone());
        live.register("resumes", "Resume tokens by result", metrics.resumes.clone());
        live.register(
            "messages_ended",
            "Messages that left their mailbox",
            metrics.ended.clone(),
        );
        live.register("gaps", "Gaps announced to pages", metrics.gaps.clone());
        live.register("byes", "Connections ended by the server", metrics.byes.clone());
        live.register("overflow", "Bounds that were reached", metrics.overflow.clone());
        live.register(
            "no_handler",
            "Messages no present page handled",
            metrics.no_handler.clone(),
        );
        live.register(
            "redelivered",
            "Messages offered again",
            metrics.redelivered.clone(),
        );
        live.register(
            "withdrawals",
            "Withdrawals carried out",
            metrics.withdrawals.clone(),
        );
        live.register(
            "frames_received",
            "Client messages read",
            metrics.frames_in.clone(),
        );
        live.register(
            "frames_written",
            "Frames the kernel has taken",
            metrics.frames_out.clone(),
        );
        live.register("heads", "Mailbox heads", metrics.heads.clone());
        live.register("mailbox_items", "Live messages", metrics.mailbox_items.clone());
        live.register(
            "mailbox_bytes",
            "Bytes of live messages",
            metrics.mailbox_bytes.clone(),
        );
        live.register("waiters", "Calls waiting for a page", metrics.waiters.clone());
        metrics
    }

    /// A bound was reached (live section 12, column "overflow name").
    pub(crate) fn overflow(&self, name: &'static str) {
        self.overflow.get_or_create(&Name { name }).inc();
    }

    /// How often a bound was reached since the start.
    #[must_use]
    pub fn overflows(&self, name: &'static str) -> u64 {
        self.overflow.get_or_create(&Name { name }).get()
    }

    pub(crate) fn ended(&self, ended: Ended) {
        let state = match ended {
            Ended::Dropped => "dropped",
            Ended::Expired => "expired",
            Ended::Replaced => "replaced",
            Ended::Revoked => "revoked",
            Ended::Cancelled => "cancelled",
        };
        self.ended.get_or_create(&State { state }).inc();
    }

    pub(crate) fn gap(&self, reason: GapReason) {
        let reason = reason.word();
        self.gaps.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn bye(&self, bye: Bye) {
        let code = u32::from(bye.number());
        self.byes.get_or_create(&Code { code }).inc();
    }

    pub(crate) fn send(&self, result: &'static str) {
        self.sends.get_or_create(&Result { result }).inc();
    }

    pub(crate) fn ticket(&self, result: &'static str) {
        self.tickets.get_or_create(&Result { result }).inc();
    }

    pub(crate) fn resume(&self, result: &'static str) {
        self.resumes.get_or_create(&Result { result }).inc();
    }

    pub(crate) fn connection(&self, change: i64) {
        let transport = "ws";
        self.connections
            .get_or_create(&Transport { transport })
            .inc_by(change);
    }

    pub(crate) fn no_handler(&self) {
        self.no_handler.inc();
    }

    pub(crate) fn redelivered(&self) {
        self.redelivered.inc();
    }

    pub(crate) fn withdrawal(&self) {
        self.withdrawals.inc();
    }

    pub(crate) fn frame_in(&self) {
        self.frames_in.inc();
    }

    pub(crate) fn frame_out(&self) {
        self.frames_out.inc();
    }

    pub(crate) fn mailboxes(&self, heads: usize, items: u64, bytes: u64) {
        let held = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.heads.set(held(heads as u64));
        self.mailbox_items.set(held(items));
        self.mailbox_bytes.set(held(bytes));
    }

    pub(crate) fn waiting(&self, change: i64) {
        self.waiters.inc_by(change);
    }
}
