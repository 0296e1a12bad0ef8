//! Figures of the edges, and the registry that every room's figures are gathered in.
//!
//! Promise: labels come from closed sets; names begin with `crier_server_`. Of other rooms' figures it knows those that only the edges can count.

use crate::bound::Bound;
use crier_live::metrics::{Metrics as LiveMetrics, Overflow};
use crier_platform::call_log::CallLogFigures;
use crier_platform::dispatch::Dispatcher;
use crier_platform::feed::figures::FeedFigures;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;

/// Labels of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    method: &'static str,
    code: u16,
}

/// Labels of an overflow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OverflowLabels {
    name: &'static str,
}

/// Bounds of live section 12 that the edges keep for every door.
const SHARED: [Overflow; 3] = [Overflow::RequestHead, Overflow::RequestBody, Overflow::Stop];

/// Figures of this crate. Cloning shares them.
#[derive(Clone, Default)]
pub struct ServerMetrics {
    calls: Family<CallLabels, Counter>,
    overflow: Family<OverflowLabels, Counter>,
    connections: Gauge,
    accepted: Counter,
    live: LiveMetrics,
    feed: Arc<FeedFigures>,
}

impl ServerMetrics {
    /// Fresh figures, known to the registry.
    #[must_use]
    pub fn registered(registry: &mut Registry) -> Self {
        let figures = Self {
            live: LiveMetrics::registered(registry),
            ..Self::default()
        };
        let room = registry.sub_registry_with_prefix("crier_server");
        room.register(
            "calls",
            "Answered calls by method and error code, 0 for a success",
            figures.calls.clone(),
        );
        room.register(
            "overflow",
            "Bounds that were met, by name",
            figures.overflow.clone(),
        );
        let own = Bound::ALL.iter().map(|bound| bound.name());
        let shared = SHARED.iter().map(|bound| bound.as_str());
        for name in own.chain(shared) {
            let _ = figures.overflow.get_or_create(&OverflowLabels { name });
        }
        room.register("connections", "Open connections", figures.connections.clone());
        room.register(
            "connections_accepted",
            "Accepted connections",
            figures.accepted.clone(),
        );
        figures
    }

    /// An answered call.
    pub fn call(&self, method: &'static str, code: u16) {
        self.calls.get_or_create(&CallLabels { method, code }).inc();
    }

    /// Figures of live delivery, for what the edges alone see of it.
    #[must_use]
    pub fn live(&self) -> &LiveMetrics {
        &self.live
    }

    /// A bound of the edges was met.
    pub fn bound(&self, bound: Bound) {
        self.overflow(bound.name());
    }

    /// How often a bound of the edges was met since the start.
    #[must_use]
    pub fn times_met(&self, bound: Bound) -> u64 {
        let name = bound.name();
        self.overflow.get_or_create(&OverflowLabels { name }).get()
    }

    fn overflow(&self, name: &'static str) {
        self.overflow.get_or_create(&OverflowLabels { name }).inc();
    }

    /// A bound of the edges that live section 12 names was met.
    pub fn live_overflow(&self, bound: Overflow) {
        self.overflow(bound.as_str());
        self.live.overflow(bound);
    }

    /// Figures of feeds.
    #[must_use]
    pub fn feed(&self) -> &Arc<FeedFigures> {
        &self.feed
    }

    /// A connection opens.
    pub fn connection_opens(&self) {
        self.accepted.inc();
        self.connections.inc();
    }

    /// A connection ends.
    pub fn connection_ends(&self) {
        self.connections.dec();
    }
}

/// How often the bounds of the log of calls were met, on the page of figures.
#[derive(Debug)]
pub(crate) struct CallLogCollector(pub(crate) Arc<CallLogFigures>);

impl Collector for CallLogCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let zero = ConstCounter::new(0_u64);
        let help = "Bounds of the log of calls that were met, by key";
        let mut met = encoder.encode_descriptor("crier_call_log_overflow", help, None, zero.metric_type())?;
        for (key, count) in self.0.met() {
            ConstCounter::new(count).encode(met.encode_family(&[("key", key)])?)?;
        }
        Ok(())
    }
}

/// How often typed codes were voided by failures, on the page of figures.
pub(crate) struct CodesCollector(pub(crate) Arc<Dispatcher>);

impl fmt::Debug for CodesCollector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CodesCollector").finish_non_exhaustive()
    }
}

impl Collector for CodesCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let voided = ConstCounter::new(self.0.codes_voided());
        let help = "Times that failed calls of auth.getSession voided an application's typed codes";
        voided.encode(encoder.encode_descriptor(
            "crier_server_codes_voided",
            help,
            None,
            voided.metric_type(),
        )?)
    }
}

/// The format of `plain_text`, which every reader of Prometheus figures knows.
pub const PLAIN_MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What `text` writes: the text format with counters under their family's name and `# EOF` behind the last line.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The registry as Prometheus reads it.
#[must_use]
pub fn text(registry: &Registry) -> String {
    let mut page = String::new();
    // Writing into a text cannot fail.
    let _ = prometheus_client::encoding::text::encode(&mut page, registry);
    page
}

/// The same figures in the older format, whose counters are named in full where their type is told, and that knows no end.
#[must_use]
pub fn plain_text(registry: &Registry) -> String {
    let page = text(registry);
    let words = |line: &str| -> Option<(String, String)> {
        let (name, rest) = line.split_once(' ')?;
        Some((name.to_owned(), rest.to_owned()))
    };
    let counters: std::collections::HashSet<String> = page
        .lines()
        .filter_map(|line| words(line.strip_prefix("# TYPE ")?))
        .filter_map(|(name, kind)| (kind == "counter").then_some(name))
        .collect();
    let mut plain = String::with_capacity(page.len());
    for line in page.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        let told = ["# HELP ", "# TYPE "]
            .into_iter()
            .find_map(|head| words(line.strip_prefix(head)?).map(|(name, rest)| (head, name, rest)));
        match told {
            Some((head, name, rest)) if counters.contains(&name) => {
                plain.extend([head, &name, "_total ", &rest]);
            }
            _ => plain.push_str(line),
        }
        plain.push('\n');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_on_the_page_under_their_names() {
        let mut registry = Registry::default();
        let figures = ServerMetrics::registered(&mut registry);
        figures.call("liveMessage.send", 0);
        figures.call("liveMessage.send", 104);
        figures.live_overflow(Overflow::RequestBody);
        figures.connection_opens();
        registry.register_collector(Box::new(CallLogCollector(Arc::default())));
        let page = text(&registry);
        for line in [
            "crier_server_calls_total{method=\"liveMessage.send\",code=\"104\"} 1\n",
            "crier_server_overflow_total{name=\"request_body\"} 1\n",
            "crier_server_overflow_total{name=\"site.form_bytes_max\"} 0\n",
            "crier_server_connections 1\n",
            "crier_call_log_overflow_total{key=\"calls.kept_max\"} 0\n",
        ] {
            assert!(page.contains(line), "{line} is not on:\n{page}");
        }
        let plain = plain_text(&registry);
        let samples = |page: &str| -> Vec<String> {
            page.lines()
                .filter(|line| !line.starts_with('#'))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(samples(&plain), samples(&page));
        for line in [
            "# TYPE crier_server_calls_total counter\n",
            "# TYPE crier_server_connections gauge\n",
        ] {
            assert!(plain.contains(line), "{line} is not on:\n{plain}");
        }
        assert!(!plain.contains("# EOF"));
    }
}
