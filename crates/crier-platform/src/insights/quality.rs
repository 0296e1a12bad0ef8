//! How ranking weighs an application: its bucket with N, C, U, X, R and q over the last 168 hours (feed 4.5, 5.7).

use super::Insights;
use super::figure::Figure;
use super::periods::{Length, label};
use crate::model::insight::{Act, ActQuery};
use crate::model::ranking::QualityRow;
use crate::model::tally::HOUR_MS;
use crate::ports::store::StoreFault;
use crier_proto::ids::AppId;
use serde::Serialize;

/// Hours that are looked back on.
const HOURS: i64 = 168;

/// An application's quality.
#[derive(Debug, Clone, Serialize)]
pub struct Quality {
    /// Of the present hour.
    pub now: QualityHour,
    /// Of the last 168 hours, oldest first, those in which a row was needed.
    pub hours: Vec<QualityHour>,
}

/// The row of one hour: what happened in the 168 hours before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QualityHour {
    /// Unix seconds.
    pub begins: i64,
    /// What the hour is called, in UTC.
    pub label: String,
    /// N.
    pub first_shown: u64,
    /// C.
    pub clicked: Figure,
    /// U.
    pub thumbed: Figure,
    /// X.
    pub hidden: Figure,
    /// R.
    pub reported: Figure,
    /// q and bucket; `None`: they are about acts of too few people.
    pub score: Option<Score>,
}

/// What the counts come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Score {
    /// q.
    pub q: i64,
    /// 1 to 9.
    pub bucket: u8,
}

impl Insights {
    pub(super) async fn quality(&self, app: AppId) -> Result<Quality, StoreFault> {
        let hour = self.ports.clock.wall().0.div_euclid(HOUR_MS);
        let present = self.feed.quality_of(app, hour).await?;
        let now = self.quality_hour(app, (hour, present)).await?;
        let rows = self
            .ports
            .store
            .quality_rows(app, (hour - HOURS + 1, hour + 1))
            .await?;
        let mut hours = Vec::with_capacity(rows.len());
        for (hour, row) in rows {
            hours.push(self.quality_hour(app, (hour, Some(row))).await?);
        }
        Ok(Quality { now, hours })
    }

    async fn quality_hour(
        &self,
        app: AppId,
        (hour, row): (i64, Option<QualityRow>),
    ) -> Result<QualityHour, StoreFault> {
        let counts = row.map(|row| row.counts).unwrap_or_default();
        let query = |act| ActQuery {
            app,
            act,
            from: hour - HOURS,
            to: hour,
        };
        let acts = counts.clicked + counts.thumbed + counts.hidden + counts.reported;
        let any = self.told(acts, query(None)).await?;
        Ok(QualityHour {
            begins: hour * (HOUR_MS / 1_000),
            label: label(Length::Hour, hour),
            first_shown: counts.shown,
            clicked: self.told(counts.clicked, query(Some(Act::Clicked))).await?,
            thumbed: self.told(counts.thumbed, query(Some(Act::Thumbed))).await?,
            hidden: self.told(counts.hidden, query(Some(Act::Hidden))).await?,
            reported: self.told(counts.reported, query(Some(Act::Reported))).await?,
            score: row.filter(|_| matches!(any, Figure::Exact(_))).map(|row| Score {
                q: row.q,
                bucket: row.bucket.number(),
            }),
        })
    }
}
