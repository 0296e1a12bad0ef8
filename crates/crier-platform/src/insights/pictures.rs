//! Pictures that are not there, or not yet: by address, with the cause, the attempts and the next one (feed 5.7, 7.3, 7.10).

use super::Insights;
use crate::model::insight::Absent;
use crate::model::job::AppFetches;
use crate::model::tally::HOUR_MS;
use crate::model::time::WallMs;
use crate::ports::store::StoreFault;
use crier_proto::digest::lower_hex;
use crier_proto::ids::AppId;
use serde::Serialize;

/// Addresses in a report.
const ADDRESSES_MAX: u32 = 50;
/// Times that a slot may be fetched again (feed 1.3).
const REFETCHES_MAX: u8 = 3;

/// What a waiting job waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// Its turn.
    Turn,
    /// The next attempt after one that failed, or a moment that the host has asked for.
    Retry,
    /// The next hour: the application's fetches of this one are used up.
    AppBudget,
    /// Room: the cache is above `media.cache_bytes_hard`.
    CacheFull,
}

impl WaitsFor {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Retry => "retry",
            Self::AppBudget => "app_budget",
            Self::CacheFull => "cache_full",
        }
    }
}

/// An address from which slots have no picture, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AbsentPicture {
    /// What its request to be fetched again is made with.
    pub source: String,
    /// As the application gave it.
    pub address: String,
    /// `pending` or `failed` (feed 1.3).
    pub state: &'static str,
    /// What a pending one waits for.
    pub waits_for: Option<WaitsFor>,
    /// Why the last attempt brought nothing.
    pub cause: Option<String>,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried next, in Unix seconds.
    pub next_attempt: Option<i64>,
    /// Slots that wait for it, or have it not.
    pub slots: u64,
    /// Whether it may be fetched again.
    pub may_be_fetched_again: bool,
}

/// What an application has fetched in this hour, and what it may (feed 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchBudget {
    /// So far.
    pub spent: AppFetches,
    /// As much as may be.
    pub most: AppFetches,
}

impl Insights {
    /// What an application has fetched in this hour.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn fetch_budget(&self, app: AppId) -> Result<FetchBudget, StoreFault> {
        let hour = self.ports.clock.wall().0.div_euclid(HOUR_MS);
        Ok(FetchBudget {
            spent: self.ports.store.app_fetches(app, hour).await?,
            most: AppFetches {
                fetches: self.rules.pictures.app_fetches_per_hour,
                bytes: self.rules.pictures.app_bytes_per_hour,
            },
        })
    }

    pub(super) async fn absent_pictures(&self, app: AppId) -> Result<Vec<AbsentPicture>, StoreFault> {
        let store = &self.ports.store;
        let is_full = store.picture_space().await?.bytes > self.rules.pictures.cache_bytes_hard;
        let mut told = Vec::new();
        for absent in store.absent_pictures(app, ADDRESSES_MAX).await? {
            let (waits_for, next) = self.waiting(&absent, is_full).await?;
            told.push(AbsentPicture {
                source: lower_hex(&absent.source.0),
                address: absent.url,
                state: if absent.waits { "pending" } else { "failed" },
                waits_for,
                cause: absent.cause,
                attempts: absent.attempts,
                next_attempt: next.map(WallMs::secs_rounded_up),
                slots: absent.slots,
                may_be_fetched_again: !absent.waits && absent.refetches < REFETCHES_MAX,
            });
        }
        Ok(told)
    }

    /// What a job waits for, and until when if that is known.
    async fn waiting(
        &self,
        absent: &Absent,
        is_full: bool,
    ) -> Result<(Option<WaitsFor>, Option<WallMs>), StoreFault> {
        if !absent.waits {
            return Ok((None, None));
        }
        if is_full {
            return Ok((Some(WaitsFor::CacheFull), None));
        }
        let now = self.ports.clock.wall();
        if let Some(due) = absent.due.filter(|due| *due > now) {
            return Ok((Some(WaitsFor::Retry), Some(due)));
        }
        let hour = now.0.div_euclid(HOUR_MS);
        let spent = self.ports.store.app_fetches(absent.charged, hour).await?;
        if self.rules.pictures.is_spent_out(spent) {
            return Ok((Some(WaitsFor::AppBudget), Some(WallMs((hour + 1) * HOUR_MS))));
        }
        Ok((Some(WaitsFor::Turn), None))
    }
}
