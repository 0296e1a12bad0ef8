//! The figures of the books: counted here, shown by whoever owns the registry.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What the names of this room begin with.
pub const PREFIX: &str = "crier_store";

/// The label of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabel {
    event: &'static str,
}

/// What happened in records of the feed (feed 5.6), counted where it is written; clones count together.
#[derive(Debug, Clone, Default)]
pub struct FeedEvents(Family<EventLabel, Counter>);

impl FeedEvents {
    /// Hands the figure to a registry whose prefix is that of the feed, every event at 0.
    pub fn register(&self, room: &mut Registry) {
        for event in EVENTS {
            let _ = self.0.get_or_create(&EventLabel { event });
        }
        room.register("event", "Events in records of the feed, by kind", self.0.clone());
    }

    /// An event is in the books.
    pub(crate) fn happened(&self, event: &'static str) {
        self.0.get_or_create(&EventLabel { event }).inc();
    }
}

/// Every kind of event (feed 5.6).
const EVENTS: [&str; 14] = [
    "shown",
    "clicked",
    "hidden",
    "undone",
    "reported",
    "thumbed",
    "unthumbed",
    "slider",
    "switched",
    "granted",
    "withdrawn",
    "picture_ready",
    "picture_removed",
    "blanked",
];

macro_rules! figures {
    ($($(#[$doc:meta])* $field:ident, $metric:ident, $name:literal, $help:literal;)+) => {
        /// Every metric of this room.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric {
            $($(#[$doc])* $metric,)+
        }

        impl Metric {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$metric,)+];

            /// Its name, without the suffix `_total` that the text format adds.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$metric => $name,)+ }
            }

            /// Its name behind the room's prefix.
            fn short_name(self) -> &'static str {
                self.name().strip_prefix(PREFIX).map_or(self.name(), |rest| rest.trim_start_matches('_'))
            }

            /// One sentence on what it counts.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$metric => $help,)+ }
            }
        }

        /// The counters; clones count together.
        #[derive(Debug, Clone, Default)]
        pub struct StoreMetrics {
            $($(#[$doc])* pub $field: Counter,)+
            /// Events of feeds.
            pub events: FeedEvents,
        }

        impl StoreMetrics {
            /// Hands every counter to a registry whose prefix is `PREFIX`.
            pub fn register(&self, room: &mut Registry) {
                $(room.register(Metric::$metric.short_name(), Metric::$metric.help(), self.$field.clone());)+
            }
        }
    };
}

figures! {
    /// Units applied.
    units, Units, "crier_store_units", "Units applied and synced";
    /// Units whose condition did not hold.
    refused, Refused, "crier_store_units_refused", "Units whose condition did not hold";
    /// Units that were already applied under their id.
    repeated, Repeated, "crier_store_units_repeated", "Units answered from the record because their id was already applied";
    /// Units that failed.
    failed, Failed, "crier_store_units_failed", "Units that failed with a fault of the store";
    /// Live messages kept.
    messages, Messages, "crier_store_messages", "Live messages of durable mailboxes written";
    /// Synced transactions.
    commits, Commits, "crier_store_commits", "Transactions committed with one sync each";
    /// Units refused because the writer's inbox was full.
    queue_full, QueueFull, "crier_store_commit_queue_full", "Units refused because commit_queue_max of them were waiting";
    /// Pictures that found no place in the queue of fetches.
    pictures_turned_away, PicturesTurnedAway, "crier_store_pictures_turned_away", "Pictures not fetched because media.jobs_per_app_max or media.jobs_max jobs were waiting";
    /// Accepted call_ids written to the log.
    marks, Marks, "crier_store_marks", "Accepted call_ids and moved expiries written to the log";
    /// Syncs of that log.
    mark_syncs, MarkSyncs, "crier_store_mark_syncs", "Syncs of the log of accepted call_ids";
    /// Times the log reached its bound.
    mark_folds, MarkFolds, "crier_store_mark_folds", "Times the log of accepted call_ids reached call_order_bytes_max and was folded into the database";
    /// Rows that cannot be read as what they should be.
    damaged, Damaged, "crier_store_rows_damaged", "Rows set aside because they cannot be read as what they should be";
    /// Times that traces of what was erased were left.
    rewrites_left, RewritesLeft, "crier_store_rewrites_left", "Times that traces of what was erased stayed because the books are larger than rewrite_bytes_max";
    /// Rows removed by age.
    pruned, Pruned, "crier_store_rows_pruned", "Rows of changes, units, tokens and logins removed by age";
    /// Reads answered from memory.
    cache_hits, CacheHits, "crier_store_cache_hits", "Reads answered from memory";
    /// Reads that went to the database.
    cache_misses, CacheMisses, "crier_store_cache_misses", "Reads that went to the database";
    /// Looks at other processes' commits.
    looks, Looks, "crier_store_change_looks", "Looks at the changes, by which caches learn of commits";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_described_and_named_by_the_rules() {
        for metric in Metric::ALL {
            assert!(metric.name().starts_with("crier_store_"), "{metric:?}");
            assert!(!metric.name().ends_with("_total"), "{metric:?}");
            assert!(!metric.help().is_empty(), "{metric:?}");
        }
    }

    #[test]
    fn a_registered_counter_is_shown_with_its_value() {
        let metrics = StoreMetrics::default();
        let mut registry = Registry::default();
        metrics.register(registry.sub_registry_with_prefix(PREFIX));
        metrics.units.inc_by(3);
        let mut shown = String::new();
        prometheus_client::encoding::text::encode(&mut shown, &registry).unwrap();
        assert!(shown.contains("crier_store_units_total 3\n"), "{shown}");
    }
}
