//! Section `[media]` of the configuration: what may be dialled, how long reaching it may take (feed 7.4, 7.5), and what an
//! image may cost (feed 7.6).
//!
//! Promise: an instance is complete; unknown keys are refused by the reader. Knows nothing of files or the environment.

use crate::guard::Guard;
use crier_platform::model::bad_key::{BadKey, at_least, at_most_other};
use crier_platform::model::quantity::{Bytes, Span};

/// Section `[media]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaConfig {
    /// Ports of strangers' addresses that may be dialled (feed 7.4).
    pub ports: Vec<u16>,
    /// `CIDR`, `CIDR:port` or `[CIDR]:port`: dialled although address, port or self would forbid it (feed 7.5).
    pub dial_allow: Vec<String>,
    /// IPv6 prefixes of a translator: an address inside one is judged by the IPv4 address it embeds (feed 7.5).
    pub nat64_prefixes: Vec<String>,
    /// For the look-up of a name (feed 7.4).
    pub lookup_timeout: Span,
    /// For connecting, TLS included (feed 7.4).
    pub connect_timeout: Span,
    /// For the first byte of an answer (feed 7.4).
    pub first_byte_timeout: Span,
    /// For a whole fetch with its redirects (feed 7.4).
    pub fetch_timeout: Span,
    /// Bytes of an image's body at most (feed 7.4).
    pub image_bytes_max: Bytes,
    /// Redirects that one fetch follows at most (feed 7.4).
    pub redirects_max: u32,
    /// Pixels of an image's side (feed 7.6).
    pub side_max: u32,
    /// Working memory of one image, computed from its header (feed 7.6).
    pub decode_bytes_max: Bytes,
    /// For one image (feed 7.6).
    pub decode_timeout: Span,
    /// Images worked at at once (feed 7.6).
    pub decodes_max: usize,
    /// Images that wait for their turn.
    pub decodes_waiting_max: usize,
    /// Before each attempt at a source, each within a fifth (feed 7.3).
    pub retry_delays: Vec<Span>,
    /// For which what was fetched is used without asking (feed 7.3).
    pub source_fresh: Span,
    /// For which a final failure is believed (feed 7.3).
    pub negative_ttl: Span,
    /// Fetches at once (feed 7.3).
    pub fetches_max: usize,
    /// Fetches at once of one application (feed 7.3).
    pub fetches_per_app: usize,
    /// Fetches at once of one host (feed 7.3).
    pub fetches_per_host: usize,
    /// Fetches of one application in an hour (feed 7.3).
    pub app_fetches_per_hour: u64,
    /// Bytes that one application may have read in an hour (feed 7.3).
    pub app_bytes_per_hour: Bytes,
    /// Jobs of one application that may wait (feed 7.3).
    pub jobs_per_app_max: u32,
    /// Jobs that may wait in all (feed 7.3).
    pub jobs_max: u32,
    /// Bytes of all pictures above which some are evicted (feed 7.10).
    pub cache_bytes_max: Bytes,
    /// Bytes of all pictures above which nothing is fetched (feed 7.10).
    pub cache_bytes_hard: Bytes,
    /// Photos of one user (feed 7.12).
    pub photos_per_user: u32,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            ports: vec![80, 443],
            dial_allow: Vec::new(),
            nat64_prefixes: Vec::new(),
            lookup_timeout: Span(2_000),
            connect_timeout: Span(3_000),
            first_byte_timeout: Span(5_000),
            fetch_timeout: Span(10_000),
            image_bytes_max: Bytes(5 << 20),
            redirects_max: 3,
            side_max: 4_096,
            decode_bytes_max: Bytes(32 << 20),
            decode_timeout: Span(1_000),
            decodes_max: 2,
            decodes_waiting_max: 64,
            retry_delays: [0, 30_000, 120_000, 600_000, 3_600_000, 21_600_000]
                .map(Span)
                .to_vec(),
            source_fresh: Span(3_600_000),
            negative_ttl: Span(900_000),
            fetches_max: 8,
            fetches_per_app: 2,
            fetches_per_host: 2,
            app_fetches_per_hour: 600,
            app_bytes_per_hour: Bytes(300 << 20),
            jobs_per_app_max: 5_000,
            jobs_max: 100_000,
            cache_bytes_max: Bytes(1 << 30),
            cache_bytes_hard: Bytes(2 << 30),
            photos_per_user: 1_000,
        }
    }
}

impl MediaConfig {
    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key, and what is wrong with which entry.
    pub fn check(&self) -> Result<(), BadKey> {
        if self.retry_delays.first().is_none_or(|first| first.0 != 0) {
            let why = "the first attempt is made at once: begin with 0s".to_owned();
            return Err(("media.retry_delays", why));
        }
        for (key, bound) in [
            ("media.fetches_max", self.fetches_max),
            ("media.fetches_per_app", self.fetches_per_app),
            ("media.fetches_per_host", self.fetches_per_host),
            ("media.decodes_max", self.decodes_max),
        ] {
            at_least(key, bound, 1)?;
        }
        for (key, span) in [
            ("media.lookup_timeout", self.lookup_timeout),
            ("media.connect_timeout", self.connect_timeout),
            ("media.first_byte_timeout", self.first_byte_timeout),
            ("media.fetch_timeout", self.fetch_timeout),
            ("media.decode_timeout", self.decode_timeout),
        ] {
            at_least(key, span, Span(1))?;
        }
        at_least("media.image_bytes_max", self.image_bytes_max, Bytes(1))?;
        at_least("media.side_max", self.side_max, 1)?;
        // Above the hard bound nothing is fetched, so eviction must begin below it.
        at_most_other(
            ("media.cache_bytes_max", self.cache_bytes_max),
            ("media.cache_bytes_hard", self.cache_bytes_hard),
        )?;
        Guard::new(self).map(drop)
    }
}
