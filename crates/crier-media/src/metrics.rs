//! Figures of this room. Promise: labels come from closed sets; no label holds an address.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Label of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Class {
    class: &'static str,
}

/// Label of a fetch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Label of a bound.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    name: &'static str,
}

/// Bounds of dialling and fetching (feed 7.4), by the last part of their configuration key.
const BOUNDS: [&str; 6] = [
    "lookup_timeout",
    "connect_timeout",
    "first_byte_timeout",
    "fetch_timeout",
    "image_bytes_max",
    "redirects_max",
];

/// Why an image may give no picture (feed 7.6).
const NO_PICTURE: [&str; 6] = [
    "unsupported",
    "too_large",
    "memory",
    "broken",
    "decode_timeout",
    "busy",
];

/// Label of an image that gave no picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

/// Label of a decoded image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFormat {
    format: &'static str,
}

/// Upper ends of the spans of time that making a picture is counted in, in seconds.
const DECODE_SECONDS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Figures of this crate. Cloning shares them.
#[derive(Debug, Clone)]
pub struct MediaMetrics {
    refused: Family<Class, Counter>,
    fetched: Family<Outcome, Counter>,
    fetch_seconds: Histogram,
    met: Family<Name, Counter>,
    decode_seconds: Family<ByFormat, Histogram, fn() -> Histogram>,
    decode_refused: Family<Cause, Counter>,
}

impl Default for MediaMetrics {
    fn default() -> Self {
        Self {
            refused: Family::default(),
            fetched: Family::default(),
            // 1 ms to 16 s, each twice the last: the longest fetch takes 10 s.
            fetch_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 15)),
            met: Family::default(),
            decode_seconds: Family::new_with_constructor(|| Histogram::new(DECODE_SECONDS)),
            decode_refused: Family::default(),
        }
    }
}

impl MediaMetrics {
    /// Fresh figures, known to the registry.
    #[must_use]
    pub fn registered(registry: &mut Registry) -> Self {
        let figures = Self::default();
        let room = registry.sub_registry_with_prefix("crier_picture");
        room.register(
            "dial_refused",
            "Connections to strangers' addresses, of pictures and hooks, that the guard refused, by class",
            figures.refused.clone(),
        );
        room.register(
            "fetch",
            "Attempts to fetch an image, by what came of them",
            figures.fetched.clone(),
        );
        room.register(
            "fetch_seconds",
            "From the look-up of an image's host to the last byte of its body, redirects included",
            figures.fetch_seconds.clone(),
        );
        for name in BOUNDS {
            let _ = figures.met.get_or_create(&Name { name });
        }
        room.register(
            "overflow",
            "Bounds of dialling and fetching that were met, by key; those of dialling hold for receipts and hooks too",
            figures.met.clone(),
        );
        for cause in NO_PICTURE {
            let _ = figures.decode_refused.get_or_create(&Cause { cause });
        }
        room.register(
            "decode_seconds",
            "From an image's bytes to its picture or its refusal, by format",
            figures.decode_seconds.clone(),
        );
        room.register(
            "decode_refused",
            "Images that gave no picture, by cause",
            figures.decode_refused.clone(),
        );
        figures
    }

    /// The guard has refused an address.
    pub(crate) fn refused(&self, class: &'static str) {
        self.refused.get_or_create(&Class { class }).inc();
    }

    /// An attempt to fetch an image has ended.
    pub(crate) fn fetched(&self, outcome: &'static str, micros: u64) {
        self.fetched.get_or_create(&Outcome { outcome }).inc();
        let micros = u32::try_from(micros).unwrap_or(u32::MAX);
        self.fetch_seconds.observe(f64::from(micros) / 1e6);
    }

    /// A bound was met: the last part of its configuration key.
    pub(crate) fn met(&self, name: &'static str) {
        self.met.get_or_create(&Name { name }).inc();
    }

    /// How often a bound was met since the start.
    #[must_use]
    pub fn times_met(&self, name: &'static str) -> u64 {
        self.met.get_or_create(&Name { name }).get()
    }

    /// How many attempts to fetch have ended so since the start.
    #[must_use]
    pub fn fetches(&self, outcome: &'static str) -> u64 {
        self.fetched.get_or_create(&Outcome { outcome }).get()
    }

    /// How many of this class were refused since the start.
    #[must_use]
    pub fn refusals(&self, class: &'static str) -> u64 {
        self.refused.get_or_create(&Class { class }).get()
    }

    /// An image of this format was worked at for so many microseconds.
    pub(crate) fn decoded(&self, format: &'static str, micros: u64) {
        let seconds = std::time::Duration::from_micros(micros).as_secs_f64();
        self.decode_seconds
            .get_or_create(&ByFormat { format })
            .observe(seconds);
    }

    /// An image gave no picture.
    pub(crate) fn decode_refused(&self, cause: &'static str) {
        self.decode_refused.get_or_create(&Cause { cause }).inc();
    }

    /// How many images gave no picture for this cause since the start.
    #[must_use]
    pub fn decode_refusals(&self, cause: &'static str) -> u64 {
        self.decode_refused.get_or_create(&Cause { cause }).get()
    }
}
