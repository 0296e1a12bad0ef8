//! What fetching is bounded by (feed 7.3, 7.10): values with their defaults, read by the server's configuration.

use super::attempt::hash_in;
use crate::feed::figures::FeedBound;
use crate::model::job::{AppFetches, SourceRules};
use crate::model::picture::PictureHash;

/// The bounds of queue and cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRules {
    /// Milliseconds before each attempt, each within a fifth (`media.retry_delays`).
    pub retry_delays_ms: Vec<u64>,
    /// Fetches at once (`media.fetches_max`).
    pub fetches_max: usize,
    /// Of one application (`media.fetches_per_app`).
    pub fetches_per_app: usize,
    /// Of one host (`media.fetches_per_host`).
    pub fetches_per_host: usize,
    /// Fetches of one application in an hour (`media.app_fetches_per_hour`).
    pub app_fetches_per_hour: u64,
    /// Bytes of one application in an hour (`media.app_bytes_per_hour`).
    pub app_bytes_per_hour: u64,
    /// Bytes of all pictures above which some are evicted (`media.cache_bytes_max`).
    pub cache_bytes_max: u64,
    /// Bytes of all pictures above which no fetch starts (`media.cache_bytes_hard`).
    pub cache_bytes_hard: u64,
    /// What decides whether an icon is asked for again and whether it has a place in the queue.
    pub sources: SourceRules,
    /// What addresses of our own pictures begin with: `https://host/crier/p/`.
    pub own_pictures: String,
}

impl PictureRules {
    /// The defaults of feed 7.3 and 7.10 for a server at this public address.
    #[must_use]
    pub fn at(public_url: &str) -> Self {
        Self {
            retry_delays_ms: vec![0, 30_000, 120_000, 600_000, 3_600_000, 21_600_000],
            fetches_max: 8,
            fetches_per_app: 2,
            fetches_per_host: 2,
            app_fetches_per_hour: 600,
            app_bytes_per_hour: 300 << 20,
            cache_bytes_max: 1 << 30,
            cache_bytes_hard: 2 << 30,
            sources: SourceRules::default(),
            own_pictures: format!("{}/p/", public_url.trim_end_matches('/')),
        }
    }

    /// Whether an application that has fetched so much in an hour has used it up (feed 7.3).
    #[must_use]
    pub const fn is_spent_out(&self, spent: AppFetches) -> bool {
        self.budget_met(spent).is_some()
    }

    /// The part of an hour's budget that an application which has fetched so much has met.
    pub(super) const fn budget_met(&self, spent: AppFetches) -> Option<FeedBound> {
        if spent.fetches >= self.app_fetches_per_hour {
            Some(FeedBound::AppFetches)
        } else if spent.bytes >= self.app_bytes_per_hour {
            Some(FeedBound::AppBytes)
        } else {
            None
        }
    }

    /// The picture of our own site that an address names: `Some(None)` when it names none that could be.
    pub(super) fn own_picture(&self, url: &str) -> Option<Option<PictureHash>> {
        let name = url.strip_prefix(&self.own_pictures)?;
        Some(hash_in(name.split(['?', '#']).next().unwrap_or(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_our_own_pictures_are_told_from_all_others() {
        let rules = PictureRules::at("https://crier.example/x/");
        let digits = "ab".repeat(32);
        let hash = Some(PictureHash([0xAB; 32]));
        for (url, expected) in [
            (format!("https://crier.example/x/p/{digits}.png"), Some(hash)),
            (format!("https://crier.example/x/p/{digits}.jpg?a"), Some(hash)),
            (format!("https://crier.example/x/p/{digits}.gif"), Some(None)),
            ("https://crier.example/x/p/".to_owned(), Some(None)),
            (format!("https://crier.example/p/{digits}.png"), None),
            (format!("http://crier.example/x/p/{digits}.png"), None),
        ] {
            assert_eq!(rules.own_picture(&url), expected, "{url}");
        }
    }
}
