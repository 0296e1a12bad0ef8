//! The way out and what comes in by it: one judging connector for receipts, hooks and pictures, the makers of pictures, their figures.
//!
//! Promise: every connection to a stranger's address goes through the same guard; decoding has its own bounded pool. Knows no rule.

use crate::adapters::workbench::DecodeBench;
use crate::metrics::ServerMetrics;
use crate::sections::Config;
use crate::state::PublicUrl;
use crier_media::config::MediaConfig;
use crier_media::dial::{Dialer, Resolver};
use crier_media::fetch::Fetcher;
use crier_media::hooks::Poster;
use crier_media::metrics::MediaMetrics;
use crier_media::thumbnail::{Maker, Thumbnailer};
use crier_platform::jobs::hooks::HookFigures;
use crier_platform::jobs::pictures::{PictureFigures, PictureRules};
use crier_platform::model::job::SourceRules;
use crier_platform::ports::clock::Clock;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;

/// What posts, fetches and makes pictures.
pub(crate) struct WayOut {
    /// Posts receipts, and to hooks.
    pub(crate) poster: Arc<Poster>,
    /// Fetches images.
    pub(crate) fetcher: Arc<Fetcher>,
    /// Makes pictures of them.
    pub(crate) thumbnailer: Arc<Thumbnailer>,
}

impl WayOut {
    /// Opens the way out of this configuration.
    ///
    /// # Errors
    /// The key, and what is wrong with which entry.
    pub(crate) fn open(
        config: &Config,
        public: &PublicUrl,
        (clock, resolver): (&Arc<dyn Clock>, Option<Arc<dyn Resolver>>),
        (registry, edges): (&mut Registry, &ServerMetrics),
    ) -> Result<Self, String> {
        let metrics = MediaMetrics::registered(registry);
        let dialer = || {
            let dialer = Dialer::new(&config.media, Arc::clone(clock), metrics.clone());
            let dialer = dialer.map_err(|(key, why)| format!("{key}: {why}"))?;
            Ok::<_, String>(match &resolver {
                Some(resolver) => dialer.asking(Arc::clone(resolver)),
                None => dialer,
            })
        };
        let agent = format!("Crier/{} (+{})", env!("CARGO_PKG_VERSION"), public.url);
        let bench = DecodeBench::new(&config.media, edges.clone());
        let maker = Maker::new(&config.media, Arc::clone(clock), metrics.clone());
        Ok(Self {
            poster: Arc::new(Poster::new(dialer()?, Arc::clone(clock), agent.clone())),
            fetcher: Arc::new(Fetcher::new(dialer()?, &config.media, (Arc::clone(clock), agent))),
            thumbnailer: Arc::new(Thumbnailer::new(Arc::new(bench), maker)),
        })
    }
}

/// What decides what a new picture slot begins with.
pub(crate) fn source_rules(media: &MediaConfig) -> SourceRules {
    SourceRules {
        fresh_ms: i64::try_from(media.source_fresh.0).unwrap_or(i64::MAX),
        negative_ttl_ms: i64::try_from(media.negative_ttl.0).unwrap_or(i64::MAX),
        jobs_per_app_max: media.jobs_per_app_max,
        jobs_max: media.jobs_max,
    }
}

/// What queue and cache are bounded by.
pub(crate) fn picture_rules(media: &MediaConfig, public: &PublicUrl) -> PictureRules {
    PictureRules {
        retry_delays_ms: media.retry_delays.iter().map(|delay| delay.0).collect(),
        fetches_max: media.fetches_max,
        fetches_per_app: media.fetches_per_app,
        fetches_per_host: media.fetches_per_host,
        app_fetches_per_hour: media.app_fetches_per_hour,
        app_bytes_per_hour: media.app_bytes_per_hour.0,
        cache_bytes_max: media.cache_bytes_max.0,
        cache_bytes_hard: media.cache_bytes_hard.0,
        sources: source_rules(media),
        ..PictureRules::at(&public.url)
    }
}

/// Figures of queue and cache on the page of figures (feed 10.1).
#[derive(Debug)]
pub(crate) struct PictureCollector(pub(crate) Arc<PictureFigures>);

fn gauge(encoder: &mut DescriptorEncoder<'_>, (name, help): (&str, &str), value: u64) -> fmt::Result {
    let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, (name, help): (&str, &str), value: u64) -> fmt::Result {
    let value = ConstCounter::new(value);
    value.encode(encoder.encode_descriptor(name, help, None, value.metric_type())?)
}

impl Collector for PictureCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = &self.0;
        let zero = ConstGauge::new(0_i64);
        let help = "Jobs that fetch pictures, by state";
        let mut jobs = encoder.encode_descriptor("crier_picture_jobs", help, None, zero.metric_type())?;
        for (state, count) in figures.jobs() {
            let value = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            value.encode(jobs.encode_family(&[("state", state)])?)?;
        }
        let zero = ConstCounter::new(0_u64);
        let help = "Answers to requests for pictures, by status";
        let mut served = encoder.encode_descriptor("crier_picture_served", help, None, zero.metric_type())?;
        for (status, count) in figures.served() {
            let status = status.to_string();
            let value = ConstCounter::new(count);
            value.encode(served.encode_family(&[("status", status.as_str())])?)?;
        }
        let bytes = ("crier_picture_cache_bytes", "Bytes of all kept pictures");
        gauge(&mut encoder, bytes, figures.cache_bytes())?;
        let floor = (
            "crier_picture_cache_floor_bytes",
            "Bytes of pictures of live stories and photos, which are never evicted",
        );
        gauge(&mut encoder, floor, figures.floor_bytes())?;
        let evicted = (
            "crier_picture_cache_evicted",
            "Pictures evicted for media.cache_bytes_max",
        );
        counter(&mut encoder, evicted, figures.evicted())
    }
}

/// Figures of posts to hooks, with the clock that tells the age of the oldest.
pub(crate) struct HookCollector(pub(crate) Arc<HookFigures>, pub(crate) Arc<dyn Clock>);

impl fmt::Debug for HookCollector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("HookCollector")
            .field(&self.0)
            .finish_non_exhaustive()
    }
}

impl Collector for HookCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(figures, clock) = self;
        let zero = ConstCounter::new(0_u64);
        let help = "Posts to hooks by what became of them";
        let mut posts = encoder.encode_descriptor("crier_hook_posts", help, None, zero.metric_type())?;
        for (result, count) in figures.results() {
            let value = ConstCounter::new(count);
            value.encode(posts.encode_family(&[("result", result)])?)?;
        }
        let waiting = (
            "crier_hook_posts_waiting",
            "Posts to hooks that wait or are on their way",
        );
        gauge(&mut encoder, waiting, figures.waiting())?;
        let oldest = (
            "crier_hook_post_oldest_seconds",
            "Age of the oldest post to a hook that waits or is on its way",
        );
        gauge(&mut encoder, oldest, figures.oldest_secs(clock.wall()))
    }
}
