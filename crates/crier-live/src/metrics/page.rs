//! The figures as Prometheus reads them.
//!
//! Promise: every metric of the table, in its order, each with its sentence. What stands somewhere is read for this page alone.

use super::counts::{Labels, counter, durations};
use super::labels::{Closed, Door, FrameType, Judged, Overflow, ReceiptFate};
use super::table::{Kind, Metric, PREFIX};
use super::{Figures, Metrics};
use crate::hub::Coming;
use crier_proto::error::Code;
use crier_proto::frame::{Bye, GapReason};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use std::fmt;
use std::sync::Weak;
use std::sync::atomic::Ordering;

/// What stands at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Present pages.
    pub(crate) pages: u64,
    /// Their handlers.
    pub(crate) handlers: u64,
    /// Connections that lag.
    pub(crate) lagging: u64,
    /// Bytes in all outboxes.
    pub(crate) outbox_bytes: u64,
    /// Live messages.
    pub(crate) items: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Heads.
    pub(crate) heads: u64,
    /// Receipts that wait or are on their way.
    pub(crate) receipts: u64,
    /// Seconds since the oldest of them was made.
    pub(crate) receipt_oldest_secs: u64,
}

/// Whoever knows what stands.
pub(crate) trait Watched: fmt::Debug + Send + Sync {
    /// Looks at everything, part by part.
    fn standing(&self) -> Standing;
}

/// The page.
#[derive(Debug)]
pub(super) struct Page(pub(super) Metrics);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = &*self.0.0;
        let watched = figures.watched.get().and_then(Weak::upgrade);
        let standing = watched.map(|watched| watched.standing()).unwrap_or_default();
        for metric in Metric::ALL {
            let kind = match metric.kind() {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            let name = format!("{PREFIX}_{}", metric.short_name());
            let sentence = format!("{}.", metric.help());
            let out = encoder.encode_descriptor(&name, &sentence, None, kind)?;
            show(*metric, (figures, &standing), out)?;
        }
        Ok(())
    }
}

fn show(
    metric: Metric,
    (figures, standing): (&Figures, &Standing),
    mut out: MetricEncoder<'_>,
) -> fmt::Result {
    let out = &mut out;
    let none = Labels::new();
    match metric {
        Metric::Connections => figures.connections.show(out, "transport"),
        Metric::Pages => out.encode_gauge(&standing.pages),
        Metric::Handlers => out.encode_gauge(&standing.handlers),
        Metric::LaggingConnections => out.encode_gauge(&standing.lagging),
        Metric::OutboxBytes => out.encode_gauge(&standing.outbox_bytes),
        Metric::Waiters => out.encode_gauge(&figures.waiters.load(Ordering::Relaxed)),
        Metric::Admissions => admissions(figures, out),
        Metric::AdmissionWait => figures.admission_wait.show(out, "kind"),
        Metric::Resumes => figures.resumes.show(out, |refused| one("result", refused)),
        Metric::Tickets => figures.tickets.show(out, |fate| one("result", fate)),
        Metric::Sends => sends(figures, out),
        Metric::MessagesEnded => figures.apps.show_ended(out),
        Metric::NoHandler => figures.apps.show_no_handler(out),
        Metric::Redelivered => counter(out, &none, figures.redelivered.load(Ordering::Relaxed)),
        Metric::Gaps => figures.gaps.show(out, |reason: GapReason| one("reason", reason)),
        Metric::AcceptSeconds => figures.accept.show(out, "mode"),
        Metric::AcceptToWritten => durations(out, &figures.written),
        Metric::AcceptToAcked => figures.acked.show(out, "fanout"),
        Metric::MailboxItems => out.encode_gauge(&standing.items),
        Metric::MailboxBytes => out.encode_gauge(&standing.bytes),
        Metric::Heads => out.encode_gauge(&standing.heads),
        Metric::Frames => figures.frames.show(out, frame),
        Metric::Byes => figures.byes.show(out, |bye: Bye| one("code", bye)),
        Metric::PingRoundTrip => durations(out, &figures.ping),
        Metric::Receipts => figures
            .receipts
            .show(out, |fate: ReceiptFate| one("result", fate)),
        Metric::ReceiptsWaiting => out.encode_gauge(&standing.receipts),
        Metric::ReceiptOldest => out.encode_gauge(&standing.receipt_oldest_secs),
        Metric::BrokerUp => out.encode_gauge(&1_u64),
        Metric::Overflow => figures.overflow.show(out, |bound: Overflow| one("name", bound)),
        Metric::Withdrawals => counter(out, &none, figures.withdrawals.load(Ordering::Relaxed)),
        Metric::WithdrawalSeconds => durations(out, &figures.withdrawal),
    }
}

fn one(name: &'static str, value: impl Closed) -> Labels {
    vec![(name, value.word())]
}

fn frame(kind: FrameType) -> Labels {
    vec![
        ("direction", kind.direction().to_owned()),
        ("type", kind.as_str().to_owned()),
    ]
}

fn admissions(figures: &Figures, out: &mut MetricEncoder<'_>) -> fmt::Result {
    for coming in Coming::all() {
        figures.admissions[coming.index()].show(out, |refused: Judged<Bye>| {
            vec![("kind", coming.word()), ("result", refused.word())]
        })?;
    }
    Ok(())
}

fn sends(figures: &Figures, out: &mut MetricEncoder<'_>) -> fmt::Result {
    for door in Door::all() {
        figures.sends[door.index()].show(out, |refused: Judged<Code>| {
            vec![("door", door.word()), ("result", refused.word())]
        })?;
    }
    Ok(())
}
