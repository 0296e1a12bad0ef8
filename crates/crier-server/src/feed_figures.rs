//! Figures of the feed on the page of figures (feed 10.1). What happens in records is counted by the books, pictures by media and
//! by `way_out`. Knows no rule.

use crier_platform::feed::FeedReader;
use crier_platform::feed::figures::{Counted, PublishResult};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use std::fmt;

/// No labels beside those of the family.
type NoLabels = [(&'static str, &'static str); 0];

const PUBLISH: Title = (
    "crier_feed_publish",
    "Calls of feed.publishStoryToUser: ok, not_permitted (answered 0), or the code",
);
const REFUSED: Title = ("crier_feed_refused", "Stories refused, by cause");
const PUBLISH_SECONDS: Title = (
    "crier_feed_publish_seconds",
    "From a call of feed.publishStoryToUser to its answer, the sync of a story included",
);
const READ_SECONDS: Title = (
    "crier_feed_read_seconds",
    "From the question for a feed page to its stories",
);
const CANDIDATES: Title = ("crier_feed_candidates", "Stories that competed in a view");
const VERDICT: Title = ("crier_feed_verdict", "Stories of views, by verdict");
const QUARANTINED: Title = (
    "crier_feed_quarantined",
    "Stories set aside while a record was loaded",
);
const INDEX_BYTES: Title = ("crier_feed_index_bytes", "Bytes of the stories in memory");
const INDEX_EVICTED: Title = (
    "crier_feed_index_evicted",
    "Users that left the index for lack of room",
);
const VIEWS_MISSED_MAX: Title = (
    "crier_feed_views_missed_max",
    "The most views in a row that an application had missed after a view since the start",
);
const OVERFLOW: Title = (
    "crier_feed_overflow",
    "Bounds of feed section 10 that were reached",
);
const MICROS_PER_SECOND: f64 = 1e6;

/// The figures, as they are asked for.
pub(crate) struct FeedCollector(pub(crate) FeedReader);

impl fmt::Debug for FeedCollector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FeedCollector")
    }
}

/// The figures on their way to the page.
struct Page<'p, 'e>(&'p mut DescriptorEncoder<'e>);

/// A figure's name and one sentence.
type Title = (&'static str, &'static str);

impl Page<'_, '_> {
    fn begin(&mut self, (name, help): Title, kind: MetricType) -> Result<MetricEncoder<'_>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }

    fn counter(&mut self, title: Title, value: u64) -> fmt::Result {
        self.begin(title, MetricType::Counter)?
            .encode_counter::<NoLabels, _, u64>(&value, None)
    }

    fn counters<W: AsRef<str>>(&mut self, title: Title, label: &str, values: &[(W, u64)]) -> fmt::Result {
        let mut family = self.begin(title, MetricType::Counter)?;
        for (word, value) in values {
            family
                .encode_family(&[(label, word.as_ref())])?
                .encode_counter::<NoLabels, _, u64>(value, None)?;
        }
        Ok(())
    }

    fn gauge(&mut self, title: Title, value: u64) -> fmt::Result {
        self.begin(title, MetricType::Gauge)?
            .encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn histogram(&mut self, title: Title, (counted, unit): (&Counted, f64)) -> fmt::Result {
        spans(&mut self.begin(title, MetricType::Histogram)?, counted, unit)
    }
}

/// Whole numbers, divided by their unit for the page alone.
#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of microseconds is exact up to 285 years"
)]
fn spans(encoder: &mut MetricEncoder<'_>, counted: &Counted, unit: f64) -> fmt::Result {
    let ends = counted.spans.iter().map(|(end, count)| {
        let end = end.map_or(f64::INFINITY, |end| end as f64 / unit);
        (end, *count)
    });
    let spans: Vec<(f64, u64)> = ends.collect();
    let count = spans.iter().map(|(_, count)| count).sum();
    encoder.encode_histogram::<NoLabels>(counted.sum as f64 / unit, count, &spans, None)
}

impl Collector for FeedCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.0.figures();
        let index = self.0.index_figures();
        let mut page = Page(&mut encoder);
        let results: Vec<(String, u64)> = figures
            .publish_results()
            .into_iter()
            .map(|(result, count)| (result_word(result), count))
            .collect();
        page.counters(PUBLISH, "result", &results)?;
        page.counters(REFUSED, "cause", &figures.refusals())?;
        page.histogram(PUBLISH_SECONDS, (&figures.publish_micros(), MICROS_PER_SECOND))?;
        let mut reads = page.begin(READ_SECONDS, MetricType::Histogram)?;
        for (page, counted) in figures.read_micros() {
            spans(
                &mut reads.encode_family(&[("page", page)])?,
                &counted,
                MICROS_PER_SECOND,
            )?;
        }
        page.histogram(CANDIDATES, (&figures.candidates(), 1.0))?;
        page.counters(VERDICT, "verdict", &figures.verdicts())?;
        page.counter(QUARANTINED, figures.quarantined_total())?;
        page.gauge(INDEX_BYTES, index.bytes as u64)?;
        page.counter(INDEX_EVICTED, index.evicted_total)?;
        page.gauge(VIEWS_MISSED_MAX, figures.views_missed_max())?;
        page.counters(OVERFLOW, "name", &figures.bounds())
    }
}

fn result_word(result: PublishResult) -> String {
    match result {
        PublishResult::Published => "ok".to_owned(),
        PublishResult::NotPermitted => "not_permitted".to_owned(),
        PublishResult::Refused(code) => code.to_string(),
    }
}
