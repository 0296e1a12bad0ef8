//! The checker of views: what readers were told of their feeds, held against what the books say (feed 5.3, 8.2, 9.4).
//!
//! Each view that is kept is computed again from its record; each that was told and is kept must have been told as it is kept.

use crier_platform::feed::simulate::replay::Record;
use crier_platform::model::ranking_config::RankingConfig;
use crier_platform::model::record::View;
use crier_platform::model::record_line::{BucketLine, ConfigLine, RecordLine, ViewLine};
use crier_platform::ports::store::Store;
use crier_proto::ids::{StoryId, Uid};
use std::collections::{BTreeMap, BTreeSet};

const HOUR_SECS: i64 = 3_600;

/// What readers were told.
#[derive(Debug, Clone, Default)]
pub struct ViewBook {
    told: BTreeMap<(Uid, i64), Vec<StoryId>>,
}

/// What a check found right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Views that are kept, each the same when computed again.
    pub kept: u64,
    /// Of them told, each as it is kept.
    pub told: u64,
    /// Views that were told and are not kept: they are above every kept one, so they never happened.
    pub lost: u64,
}

impl ViewBook {
    /// Notes a page that a reader was given as view `number`: its stories in order, exempt ones first.
    ///
    /// # Errors
    /// When the number was told before for another page.
    pub fn note(&mut self, user: Uid, number: i64, stories: Vec<StoryId>) -> Result<(), String> {
        match self.told.insert((user, number), stories) {
            None => Ok(()),
            Some(_) => Err(format!("view {number} of {user} was told twice")),
        }
    }

    /// Forgets what was told above a view: it never happened.
    pub fn forget_above(&mut self, user: Uid, last: i64) {
        self.told.retain(|(of, number), _| *of != user || *number <= last);
    }

    /// Checks everything of a user, and gives the number of the last view that is kept.
    ///
    /// # Errors
    /// What is wrong, in one sentence.
    pub async fn check(&self, store: &dyn Store, user: Uid) -> Result<(Checked, i64), String> {
        let views = store.feed_views(user).await.map_err(|fault| fault.to_string())?;
        let last = views.last().map_or(0, |view| view.number);
        let mut checked = Checked::default();
        for view in &views {
            let Some(told) = self.told.get(&(user, view.number)) else {
                continue;
            };
            if !view.exempt.iter().chain(&view.shown).eq(told) {
                return Err(format!(
                    "view {} of {user} was told as {told:?} and is kept as {:?}",
                    view.number, view.shown
                ));
            }
            checked.told += 1;
        }
        let of_user = self.told.keys().filter(|(of, _)| *of == user);
        let missing = of_user.filter(|(_, number)| views.iter().all(|view| view.number != *number));
        for (_, number) in missing {
            if *number <= last {
                return Err(format!("view {number} of {user} is missing below view {last}"));
            }
            checked.lost += 1;
        }
        let replayed = record_of(store, user, &views).await?;
        for view in replayed.replay(None).map_err(|error| error.to_string())? {
            if !view.same {
                return Err(format!("{user}: computed again, view {} is {view:?}", view.view));
            }
            checked.kept += 1;
        }
        Ok((checked, last))
    }
}

/// A user's record as the books have it.
async fn record_of(store: &dyn Store, user: Uid, views: &[View]) -> Result<Record, String> {
    let said = |fault: crier_platform::ports::store::StoreFault| fault.to_string();
    let mut record = Record::default();
    let mut take = |line| record.take(line).map_err(|error| error.to_string());
    for kept in store.rankings().await.map_err(said)? {
        let config = RankingConfig::from_canonical_text(kept.version, &kept.text)?;
        take(RecordLine::Config(Box::new(ConfigLine::from(&config))))?;
    }
    let hours: BTreeSet<i64> = views
        .iter()
        .map(|view| view.moment_secs.div_euclid(HOUR_SECS))
        .collect();
    for hour in hours {
        let rows = store.hour_rows(hour).await.map_err(said)?;
        for (app, row) in rows.map_or_else(Vec::new, |rows| rows.rows) {
            take(RecordLine::Bucket(BucketLine { app, hour, row }))?;
        }
    }
    for line in store.feed_past(user, i64::MAX).await.map_err(said)? {
        take(line)?;
    }
    for view in views {
        take(RecordLine::View(ViewLine {
            number: view.number,
            at_ms: view.at,
            moment: view.moment_secs,
            seq: view.seq,
            version: view.version,
            missed: view.missed.clone(),
            exempt: view.exempt.clone(),
            shown: view.shown.clone(),
            pages: view.pages,
        }))?;
    }
    Ok(record)
}
