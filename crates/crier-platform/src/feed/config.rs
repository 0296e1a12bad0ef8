//! Section `[feed]` of the configuration: how feeds are ranked and what is kept of them in memory (feed section 10).
//!
//! Promise: an instance is complete; unknown keys are refused by the reader. Knows nothing of files or the environment.

use super::upkeep::TOMBSTONE_KEEP;
use crate::model::bad_key::{BadKey, at_least, at_most_other};
use crate::model::quantity::{Bytes, Span};
use crate::model::ranking_config::{RankingConfig, RankingConstants};

const DAY_MS: u64 = 86_400_000;

/// Section `[feed]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedConfig {
    /// Stories of one user that compete at most; older ones leave as `overflow` (feed 4.2).
    pub candidates_max: u32,
    /// Bytes of all users' stories in memory; the least recently read users leave (feed 8.3).
    pub index_bytes_max: Bytes,
    /// Reads of a person's feed in a minute.
    pub reads_per_user: u32,
    /// Reads of one private address in an hour.
    pub reads_per_address: u32,
    /// Open streams of one person's feed; the oldest leaves.
    pub live_per_user: usize,
    /// Age at which a story's text and slots are removed (feed 1.2).
    pub text_keep: Span,
    /// How long views are kept (feed 5.3).
    pub view_keep: Span,
    /// How long a cursor leads on (feed 4.11).
    pub cursor_ttl: Span,
    /// Addresses of private feeds that a user may have (feed 6.9).
    pub addresses_per_user: u32,
    /// Views and clicks that wait for the books; when they are full, a reader waits instead.
    pub notes_max: u32,
    /// A figure about acts of fewer people than this is not told (feed 5.7).
    pub insights_people_min: u32,
    /// How long counts of hours are kept for developers.
    pub insights_hours_keep: Span,
    /// How long counts of days are kept for them.
    pub insights_days_keep: Span,
    /// People whose feeds are looked at for an application's stories that were never shown.
    pub insights_readers_max: u32,
    /// The constants of the formula: a change makes a new version.
    pub ranking: RankingConstants,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            candidates_max: 10_000,
            index_bytes_max: Bytes(640 << 20),
            reads_per_user: 120,
            reads_per_address: 60,
            live_per_user: 16,
            text_keep: Span(90 * DAY_MS),
            view_keep: Span(30 * DAY_MS),
            cursor_ttl: Span(3_600_000),
            addresses_per_user: 5,
            notes_max: 8_192,
            insights_people_min: 5,
            insights_hours_keep: Span(14 * DAY_MS),
            insights_days_keep: Span(400 * DAY_MS),
            insights_readers_max: 500,
            ranking: RankingConstants::default(),
        }
    }
}

impl FeedConfig {
    /// The ranking that this section describes, as a version.
    #[must_use]
    pub fn ranking(&self, version: u32) -> RankingConfig {
        RankingConfig {
            version,
            candidates_max: self.candidates_max,
            constants: self.ranking.clone(),
        }
    }

    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn check(&self) -> Result<(), BadKey> {
        self.ranking(1).check()?;
        for (key, most) in [
            ("feed.reads_per_user", self.reads_per_user),
            ("feed.reads_per_address", self.reads_per_address),
            ("feed.notes_max", self.notes_max),
            ("feed.insights_people_min", self.insights_people_min),
            ("feed.insights_readers_max", self.insights_readers_max),
        ] {
            at_least(key, most, 1)?;
        }
        at_least("feed.live_per_user", self.live_per_user, 1)?;
        at_least("feed.cursor_ttl", self.cursor_ttl, Span(1_000))?;
        // Places of erased stories stay for a day: a cursor that lives longer would meet a feed whose places have shifted.
        if self.cursor_ttl > TOMBSTONE_KEEP {
            let why = format!(
                "must be at most {TOMBSTONE_KEEP}, for which the places of erased stories are kept so that no open feed shifts"
            );
            return Err(("feed.cursor_ttl", why));
        }
        // A story is live, then expired, then blanked (feed 1.2): never blanked while it competes.
        if self.text_keep < self.ranking.expiry {
            let expiry = self.ranking.expiry;
            let why = format!(
                "must be at least feed.ranking.expiry, which is {expiry}: no story loses its text while it competes"
            );
            return Err(("feed.text_keep", why));
        }
        at_most_other(
            ("feed.insights_hours_keep", self.insights_hours_keep),
            ("feed.insights_days_keep", self.insights_days_keep),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_numbers_of_the_bounds_table() {
        let config = FeedConfig::default();
        assert_eq!(
            (config.candidates_max, config.index_bytes_max.0),
            (10_000, 671_088_640)
        );
        assert_eq!(config.ranking(1), RankingConfig::default());
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_json::from_str::<FeedConfig>(r#"{"ranking":{"slotz":25}}"#).is_err());
        assert!(serde_json::from_str::<FeedConfig>(r#"{"candidate_max":1}"#).is_err());
        let read: FeedConfig =
            serde_json::from_str(r#"{"ranking":{"slots":4,"slots_guaranteed":1}}"#).unwrap();
        assert_eq!((read.ranking.slots, read.ranking.slots_guaranteed), (4, 1));
    }
}
