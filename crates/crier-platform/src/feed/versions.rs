//! Which ranking is in force, and the quality rows of an hour (feed 4.1, 4.5): kept for ever, computed once.

use super::FeedReader;
use super::rank::factors::quality_row;
use crate::model::ranking_config::RankingConfig;
use crate::model::record::{FeedWrite, HourRows, KeptRanking};
use crate::ports::store::{CommitError, Conflict, StoreFault, Write};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Versions and hours that are known here.
#[derive(Debug, Default)]
pub(super) struct Rankings {
    versions: Mutex<BTreeMap<u32, Arc<RankingConfig>>>,
    in_force: Mutex<Option<Arc<RankingConfig>>>,
    hours: Mutex<BTreeMap<i64, Arc<HourRows>>>,
}

/// Hours kept in memory: the present one, and those of views that are asked about.
const HOURS_MAX: usize = 64;

impl FeedReader {
    /// The ranking in force: the configured one under its version, which is given at its first use.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn ranking(&self) -> Result<Arc<RankingConfig>, StoreFault> {
        if let Some(known) = super::lock(&self.shared.rankings.in_force).clone() {
            return Ok(known);
        }
        loop {
            let kept = self.shared.ports.store.rankings().await?;
            let text = self.shared.config.ranking(1).canonical_text();
            let version = kept.iter().find(|version| version.text == text);
            if let Some(kept) = version {
                let config = Arc::new(self.shared.config.ranking(kept.version));
                *super::lock(&self.shared.rankings.in_force) = Some(Arc::clone(&config));
                return Ok(config);
            }
            let next = kept.last().map_or(1, |last| last.version + 1);
            let ranking = KeptRanking {
                version: next,
                text,
                since: self.shared.ports.clock.wall(),
            };
            match self.write(FeedWrite::KeepRanking(ranking)).await {
                // Another process gave the number first: look again.
                Ok(()) | Err(CommitError::Refused(Conflict::Changed)) => {}
                Err(CommitError::Refused(conflict)) => {
                    return Err(StoreFault::Damaged(format!(
                        "a version of the ranking: {conflict:?}"
                    )));
                }
                Err(CommitError::Fault(fault)) => return Err(fault),
            }
        }
    }

    /// The ranking of a version.
    pub(super) async fn ranking_of(&self, version: u32) -> Result<Arc<RankingConfig>, StoreFault> {
        let known = super::lock(&self.shared.rankings.versions).get(&version).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let kept = self.shared.ports.store.rankings().await?;
        let kept = kept.into_iter().find(|kept| kept.version == version);
        let kept =
            kept.ok_or_else(|| StoreFault::Damaged(format!("version {version} of the ranking is missing")))?;
        let config = RankingConfig::from_canonical_text(version, &kept.text);
        let config = Arc::new(config.map_err(StoreFault::Damaged)?);
        super::lock(&self.shared.rankings.versions).insert(version, Arc::clone(&config));
        Ok(config)
    }

    /// The quality rows of an hour, computed now if nobody has.
    pub(super) async fn hour(&self, hour: i64) -> Result<Arc<HourRows>, StoreFault> {
        if let Some(known) = super::lock(&self.shared.rankings.hours).get(&hour).cloned() {
            return Ok(known);
        }
        let rows = match self.shared.ports.store.hour_rows(hour).await? {
            Some(rows) => rows,
            None => self.compute_hour(hour).await?,
        };
        let rows = Arc::new(rows);
        let mut hours = super::lock(&self.shared.rankings.hours);
        hours.insert(hour, Arc::clone(&rows));
        while hours.len() > HOURS_MAX {
            hours.pop_first();
        }
        Ok(rows)
    }

    async fn compute_hour(&self, hour: i64) -> Result<HourRows, StoreFault> {
        let config = self.ranking().await?;
        let from = hour - i64::from(config.constants.quality_hours);
        let counts = self.shared.ports.store.hour_counts(from, hour).await?;
        let counted = counts
            .into_iter()
            .filter(|(_, counts)| *counts != crate::model::ranking::QualityCounts::default());
        let rows = counted.map(|(app, counts)| (app, quality_row(&config.constants, counts)));
        let rows = HourRows {
            hour,
            rows: rows.collect(),
        };
        match self.write(FeedWrite::KeepHour(rows)).await {
            Ok(()) => {}
            Err(CommitError::Refused(conflict)) => {
                return Err(StoreFault::Damaged(format!("the rows of an hour: {conflict:?}")));
            }
            Err(CommitError::Fault(fault)) => return Err(fault),
        }
        // Whoever was first is right (feed 4.5).
        let kept = self.shared.ports.store.hour_rows(hour).await?;
        kept.ok_or_else(|| StoreFault::Damaged("the rows of an hour are not there".to_owned()))
    }

    /// One write to a record.
    pub(super) async fn write(&self, write: FeedWrite) -> Result<(), CommitError> {
        let batch = self.batch(vec![Write::Feed(write)]);
        self.shared.ports.store.commit(batch).await.map(drop)
    }
}
