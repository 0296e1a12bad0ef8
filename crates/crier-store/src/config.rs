//! The bounds of the books: section `store` of the configuration. Knows keys and defaults, not where values come from.

use crier_platform::model::bad_key::{BadKey, at_least, at_most};
use crier_platform::model::quantity::{Bytes, Span};
use serde::{Deserialize, Serialize};

/// Section `store`. Every bound is reached with an error or a counter, never with silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Units that wait for the writer at most; one more is refused as unavailable.
    pub commit_queue_max: usize,
    /// Units that share one transaction and one sync at most (limits L4: 512).
    pub commit_group_max: usize,
    /// Connections that read, each with its own lock.
    pub readers: usize,
    /// How long a statement waits for another process that writes.
    pub busy_timeout: Span,
    /// Page cache of each connection.
    pub page_cache: Bytes,
    /// Size of `call_order.log` from which it is folded into the database.
    pub call_order_bytes_max: Bytes,
    /// How long an accepted call_id may wait for its sync (live 2.4: at most the last second is lost to a power cut).
    pub call_order_sync: Span,
    /// How long changes are kept: a starting server must know what was withdrawn within the longest life of a message (live 3.14).
    pub change_keep: Span,
    /// How long the changes that only say "this feed has a new story" are kept; there is one for each story.
    pub feed_change_keep: Span,
    /// How long applied units are remembered by their id.
    pub unit_keep: Span,
    /// Books of at most this size are rewritten after an erasure, so that unused parts of pages hold nothing of it; writers wait
    /// meanwhile, seconds for each GiB.
    pub rewrite_bytes_max: Bytes,
    /// Applications kept in memory.
    pub cache_apps_max: u64,
    /// Users kept in memory.
    pub cache_users_max: u64,
    /// Sessions kept in memory.
    pub cache_sessions_max: u64,
    /// Acceptances kept in memory.
    pub cache_grants_max: u64,
    /// Age of the last look at other processes' commits from which the next read looks again. Above 1 s is refused.
    pub cache_look: Span,
}

/// Nothing that is cached may be older (architecture 5: other processes' commits are seen within 1 s).
pub const CACHE_AGE_MS_MAX: u64 = 1000;

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            commit_queue_max: 4096,
            commit_group_max: 512,
            readers: 4,
            busy_timeout: Span(5000),
            page_cache: Bytes(1 << 20),
            call_order_bytes_max: Bytes(4 << 20),
            call_order_sync: Span(500),
            change_keep: Span(90_000_000),
            feed_change_keep: Span(5000),
            unit_keep: Span(60_000),
            rewrite_bytes_max: Bytes(1 << 30),
            cache_apps_max: 10_000,
            cache_users_max: 20_000,
            cache_sessions_max: 50_000,
            cache_grants_max: 100_000,
            cache_look: Span(250),
        }
    }
}

impl StoreConfig {
    /// Refuses values that would break a promise.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn check(&self) -> Result<(), BadKey> {
        for (key, value, most) in [
            ("store.commit_queue_max", self.commit_queue_max, 1 << 20),
            ("store.commit_group_max", self.commit_group_max, 4096),
            ("store.readers", self.readers, 64),
        ] {
            at_least(key, value, 1)?;
            at_most(key, value, most)?;
        }
        for (key, value, least, most) in [
            ("store.busy_timeout", self.busy_timeout, 1, Some(60_000)),
            (
                "store.call_order_sync",
                self.call_order_sync,
                1,
                Some(CACHE_AGE_MS_MAX),
            ),
            ("store.change_keep", self.change_keep, 86_400_000, None),
            ("store.feed_change_keep", self.feed_change_keep, 2000, None),
            ("store.unit_keep", self.unit_keep, 60_000, None),
            ("store.cache_look", self.cache_look, 0, Some(CACHE_AGE_MS_MAX / 2)),
        ] {
            at_least(key, value, Span(least))?;
            most.map_or(Ok(()), |most| at_most(key, value, Span(most)))?;
        }
        for (key, value, least, most) in [
            ("store.page_cache", self.page_cache, 65_536, 1 << 40),
            (
                "store.call_order_bytes_max",
                self.call_order_bytes_max,
                4096,
                64 << 20,
            ),
        ] {
            at_least(key, value, Bytes(least))?;
            at_most(key, value, Bytes(most))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_possible() {
        assert_eq!(StoreConfig::default().check(), Ok(()));
    }

    #[test]
    fn a_value_that_breaks_a_promise_is_refused_by_name() {
        let given = StoreConfig::default;
        let cases = [
            (
                "commit_queue_max",
                StoreConfig {
                    commit_queue_max: 0,
                    ..given()
                },
            ),
            (
                "commit_group_max",
                StoreConfig {
                    commit_group_max: 4097,
                    ..given()
                },
            ),
            (
                "readers",
                StoreConfig {
                    readers: 65,
                    ..given()
                },
            ),
            (
                "busy_timeout",
                StoreConfig {
                    busy_timeout: Span(0),
                    ..given()
                },
            ),
            (
                "page_cache",
                StoreConfig {
                    page_cache: Bytes(1),
                    ..given()
                },
            ),
            (
                "call_order_sync",
                StoreConfig {
                    call_order_sync: Span(1001),
                    ..given()
                },
            ),
            (
                "call_order_bytes_max",
                StoreConfig {
                    call_order_bytes_max: Bytes(1),
                    ..given()
                },
            ),
            (
                "change_keep",
                StoreConfig {
                    change_keep: Span(1),
                    ..given()
                },
            ),
            (
                "unit_keep",
                StoreConfig {
                    unit_keep: Span(1),
                    ..given()
                },
            ),
            (
                "cache_look",
                StoreConfig {
                    cache_look: Span(501),
                    ..given()
                },
            ),
        ];
        for (key, config) in cases {
            let (refused, why) = config.check().unwrap_err();
            assert_eq!(refused, format!("store.{key}"), "{why}");
        }
    }
}
