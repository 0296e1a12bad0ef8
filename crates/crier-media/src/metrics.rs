//! Figures of this room. Promise: labels come from closed sets; no label holds an address.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Label of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Class {
    class: &'static str,
}

/// Figures of this crate. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct MediaMetrics {
    refused: Family<Class, Counter>,
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
        figures
    }

    /// The guard has refused an address.
    pub(crate) fn refused(&self, class: &'static str) {
        self.refused.get_or_create(&Class { class }).inc();
    }

    /// How many of this class were refused since the start.
    #[must_use]
    pub fn refusals(&self, class: &'static str) -> u64 {
        self.refused.get_or_create(&Class { class }).get()
    }
}
