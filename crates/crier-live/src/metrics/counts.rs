//! Numbers that many threads move at once and one reads: an addition each, without a lock and without looking anything up.

use super::labels::Closed;
use prometheus_client::encoding::MetricEncoder;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Labels of one series, as the encoder takes them.
pub(super) type Labels = Vec<(&'static str, String)>;

/// Counters, one for each value of a closed set.
#[derive(Debug)]
pub(crate) struct Counts<L> {
    values: Box<[AtomicU64]>,
    set: PhantomData<fn(L)>,
}

impl<L: Closed> Default for Counts<L> {
    fn default() -> Self {
        Self {
            values: L::all().iter().map(|_| AtomicU64::new(0)).collect(),
            set: PhantomData,
        }
    }
}

impl<L: Closed> Counts<L> {
    pub(crate) fn add(&self, label: L) {
        self.values[label.index()].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, label: L) -> u64 {
        self.values[label.index()].load(Ordering::Relaxed)
    }

    /// Shows every series, those that nothing has counted yet among them.
    pub(super) fn show(&self, out: &mut MetricEncoder<'_>, labels: impl Fn(L) -> Labels) -> fmt::Result {
        for value in L::all() {
            counter(out, &labels(value), self.get(value))?;
        }
        Ok(())
    }
}

/// One counter's line; without labels it is the family's only one.
pub(super) fn counter(out: &mut MetricEncoder<'_>, labels: &Labels, value: u64) -> fmt::Result {
    if labels.is_empty() {
        return out.encode_counter::<Labels, _, u64>(&value, None);
    }
    out.encode_family(labels)?
        .encode_counter::<Labels, _, u64>(&value, None)
}

/// Gauges, one for each value of a closed set.
#[derive(Debug)]
pub(crate) struct Levels<L> {
    values: Box<[AtomicI64]>,
    set: PhantomData<fn(L)>,
}

impl<L: Closed> Default for Levels<L> {
    fn default() -> Self {
        Self {
            values: L::all().iter().map(|_| AtomicI64::new(0)).collect(),
            set: PhantomData,
        }
    }
}

impl<L: Closed> Levels<L> {
    pub(crate) fn change(&self, label: L, by: i64) {
        self.values[label.index()].fetch_add(by, Ordering::Relaxed);
    }

    pub(super) fn show(&self, out: &mut MetricEncoder<'_>, name: &'static str) -> fmt::Result {
        for label in L::all() {
            let labels: Labels = vec![(name, label.word())];
            let value = self.values[label.index()].load(Ordering::Relaxed);
            out.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

/// Upper ends of the spans in microseconds, 0.1 ms to 60 s; one more takes what is longer (live section 13).
const SPANS_MICROS: [u64; 18] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Durations counted into spans.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    spans: [AtomicU64; SPANS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

impl Durations {
    pub(crate) fn add(&self, micros: u64) {
        let span = SPANS_MICROS.partition_point(|end| *end < micros);
        self.spans[span].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn show(&self, out: &mut MetricEncoder<'_>) -> fmt::Result {
        let ends = SPANS_MICROS.iter().map(|micros| seconds(*micros));
        let counts = self.spans.iter().map(|count| count.load(Ordering::Relaxed));
        let spans: Vec<(f64, u64)> = ends.chain([f64::INFINITY]).zip(counts).collect();
        // Counted from the same reading as the spans, so that the page never contradicts itself.
        let count = spans.iter().map(|(_, count)| count).sum();
        let sum = seconds(self.sum_micros.load(Ordering::Relaxed));
        out.encode_histogram::<Labels>(sum, count, &spans, None)
    }
}

/// For the page alone, which writes seconds with a point.
#[expect(clippy::cast_precision_loss, reason = "a sum is exact up to 285 years")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Durations of one kind.
pub(super) fn durations(out: &mut MetricEncoder<'_>, of: &Durations) -> fmt::Result {
    of.show(out)
}

/// Durations, one collection for each value of a closed set.
#[derive(Debug)]
pub(crate) struct DurationsBy<L> {
    each: Box<[Durations]>,
    set: PhantomData<fn(L)>,
}

impl<L: Closed> Default for DurationsBy<L> {
    fn default() -> Self {
        Self {
            each: L::all().iter().map(|_| Durations::default()).collect(),
            set: PhantomData,
        }
    }
}

impl<L: Closed> DurationsBy<L> {
    pub(crate) fn add(&self, label: L, micros: u64) {
        self.each[label.index()].add(micros);
    }

    pub(super) fn show(&self, out: &mut MetricEncoder<'_>, name: &'static str) -> fmt::Result {
        for label in L::all() {
            let labels: Labels = vec![(name, label.word())];
            self.each[label.index()].show(&mut out.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
