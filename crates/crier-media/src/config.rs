//! Section `[media]` of the configuration: what may be dialled, how long reaching it may take (feed 7.4, 7.5), and what an
//! image may cost (feed 7.6).
//!
//! Promise: an instance is complete; unknown keys are refused by the reader. Knows nothing of files or the environment.

use crate::guard::Guard;
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
        }
    }
}

impl MediaConfig {
    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key, and what is wrong with which entry.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        Guard::new(self).map(drop)
    }
}
