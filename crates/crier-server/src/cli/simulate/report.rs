//! The result of a simulation: as JSON, as lines of a table, as rows of a CSV. Numbers are integers or decimals made of integers.

use crier_platform::feed::simulate::Setup;
use crier_platform::feed::simulate::tally::{AppTally, BucketSample, Tally};
use serde::Serialize;
use serde_json::value::RawValue;

/// A whole simulation.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    population: String,
    days: u32,
    first_seed: u64,
    last_seed: u64,
    users: u64,
    views: u64,
    slots: u64,
    /// Of the shares, four decimals.
    gini: Box<RawValue>,
    kept: bool,
    pub(super) apps: Vec<AppReport>,
    pub(super) buckets: Vec<BucketRow>,
}

/// One application.
#[derive(Debug, Serialize)]
pub(super) struct AppReport {
    pub(super) app: String,
    pub(super) stories: u64,
    pub(super) refused: u64,
    pub(super) shown: u64,
    pub(super) guaranteed: u64,
    /// Per cent of all slots, two decimals.
    pub(super) share: Box<RawValue>,
    pub(super) first_shown: u64,
    pub(super) clicks: u64,
    pub(super) thumbs: u64,
    pub(super) hides: u64,
    pub(super) reports: u64,
    /// Hides and reports per cent of the stories first shown, two decimals.
    pub(super) hide_rate: Box<RawValue>,
    pub(super) last_bucket: u8,
    pub(super) missed_longest: u32,
    pub(super) missed_p99: u32,
    pub(super) greatest_k: u32,
    pub(super) kept: bool,
}

/// Applications in bucket 1 to 9 at an hour.
#[derive(Debug, Serialize)]
pub(super) struct BucketRow {
    pub(super) hour: u32,
    pub(super) apps: [u64; 9],
}

/// ⌊number × 10^places / of⌋ written with that many decimals; 0 of nothing.
pub(super) fn decimal(number: u64, of: u64, places: u32) -> String {
    let one = 10_u128.pow(places);
    let value = (u128::from(number) * one)
        .checked_div(u128::from(of))
        .unwrap_or(0);
    let width = usize::try_from(places).unwrap_or(0);
    format!("{}.{:0width$}", value / one, value % one)
}

fn raw(decimal: String) -> Box<RawValue> {
    RawValue::from_string(decimal).expect("digits, a point and digits are a number in JSON")
}

impl AppReport {
    fn of(app: &AppTally, slots: u64) -> Self {
        Self {
            app: app.name.clone(),
            stories: app.stories,
            refused: app.refused,
            shown: app.shown,
            guaranteed: app.guaranteed,
            share: raw(decimal(app.shown.saturating_mul(100), slots, 2)),
            first_shown: app.first_shown,
            clicks: app.clicks,
            thumbs: app.thumbs,
            hides: app.hides,
            reports: app.reports,
            hide_rate: raw(decimal(
                (app.hides + app.reports).saturating_mul(100),
                app.first_shown,
                2,
            )),
            last_bucket: app.last_bucket,
            missed_longest: app.longest(),
            missed_p99: app.percentile_99(),
            greatest_k: app.greatest_k,
            kept: app.broken == 0,
        }
    }

    /// Its figures in the order of [`COLUMNS`].
    pub(super) fn cells(&self) -> [String; COLUMNS.len()] {
        [
            self.app.clone(),
            self.stories.to_string(),
            self.refused.to_string(),
            self.shown.to_string(),
            self.guaranteed.to_string(),
            self.share.get().to_owned(),
            self.first_shown.to_string(),
            self.clicks.to_string(),
            self.thumbs.to_string(),
            self.hides.to_string(),
            self.reports.to_string(),
            self.hide_rate.get().to_owned(),
            self.last_bucket.to_string(),
            self.missed_longest.to_string(),
            self.missed_p99.to_string(),
            self.greatest_k.to_string(),
            if self.kept { "kept" } else { "broken" }.to_owned(),
        ]
    }
}

/// What each application's row says.
pub(super) const COLUMNS: [&str; 17] = [
    "app",
    "stories",
    "refused",
    "shown",
    "guaranteed",
    "share_percent",
    "first_shown",
    "clicks",
    "thumbs",
    "hides",
    "reports",
    "hide_rate_percent",
    "last_bucket",
    "missed_longest",
    "missed_p99",
    "greatest_k",
    "promise",
];

/// The columns of the table for people, and their heads.
const TABLE: [(usize, &str); 12] = [
    (0, "app"),
    (1, "stories"),
    (3, "shown"),
    (5, "share %"),
    (7, "clicks"),
    (9, "hides"),
    (11, "hide %"),
    (12, "bucket"),
    (13, "longest"),
    (14, "p99"),
    (15, "K"),
    (16, "promise"),
];

impl Report {
    pub(super) fn of(population: &str, setup: &Setup<'_>, seeds: (u64, u64), tally: &Tally) -> Self {
        let bucket = |sample: &BucketSample| BucketRow {
            hour: sample.hour,
            apps: sample.apps,
        };
        Self {
            population: population.to_owned(),
            days: setup.days,
            first_seed: seeds.0,
            last_seed: seeds.1,
            users: setup.population.people(),
            views: tally.views,
            slots: tally.slots,
            gini: raw(decimal(tally.gini(), 10_000, 4)),
            kept: tally.is_kept(),
            apps: tally
                .apps
                .iter()
                .map(|app| AppReport::of(app, tally.slots))
                .collect(),
            buckets: tally.buckets.iter().map(bucket).collect(),
        }
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts under known names are always JSON")
    }

    /// A table for people, and what holds over all.
    pub(super) fn table(&self) -> String {
        let heads = TABLE.map(|(_, head)| head.to_owned());
        let cells = |app: &AppReport| {
            let all = app.cells();
            TABLE.map(|(column, _)| all[column].clone())
        };
        let rows: Vec<_> = std::iter::once(heads)
            .chain(self.apps.iter().map(cells))
            .collect();
        let mut widths = [0; TABLE.len()];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut lines: Vec<String> = rows.iter().map(|row| aligned(row, &widths)).collect();
        lines.push(format!(
            "{} views of {} people filled {} slots; Gini of the shares {}",
            self.views, self.users, self.slots, self.gini
        ));
        let broken = self.apps.iter().filter(|app| !app.kept).count();
        lines.push(match broken {
            0 => "the guarantee was kept to every application".to_owned(),
            count => format!("the guarantee was broken to {count} applications"),
        });
        lines.join("\n")
    }
}

/// The name to the left, numbers to the right.
fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
        if column == 0 {
            format!("{cell:width$}")
        } else {
            format!("{cell:>width$}")
        }
    });
    cells.collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_down_and_nothing_of_nothing_is_zero() {
        assert_eq!(decimal(2, 3, 4), "0.6666");
        assert_eq!(decimal(12_345, 100, 2), "123.45");
        assert_eq!(decimal(0, 0, 2), "0.00");
    }
}
