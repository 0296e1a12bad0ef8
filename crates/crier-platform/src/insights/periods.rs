//! Hours, days, weeks and months of Insights, all in UTC: where each begins, and what it is called (feed 5.7).

use crate::model::insight::Grain;
use crate::model::tally::HOUR_MS;
use crate::model::time::WallMs;

const DAY_HOURS: i64 = 24;
const WEEK_DAYS: i64 = 7;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// 48 of them.
    Hour,
    /// 30.
    Day,
    /// 13, from Monday.
    Week,
    /// 13.
    Month,
}

impl Length {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The length of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|length| length.word() == word)
    }

    /// Periods shown.
    const fn shown(self) -> i64 {
        match self {
            Self::Hour => 48,
            Self::Day => 30,
            Self::Week | Self::Month => 13,
        }
    }

    /// The rows that its counts are summed from.
    pub(super) const fn grain(self) -> Grain {
        match self {
            Self::Hour => Grain::Hour,
            Self::Day | Self::Week | Self::Month => Grain::Day,
        }
    }

    /// Where the period begins that is `back` before the one of `hour`; hours since 1970.
    fn begin(self, hour: i64, back: i64) -> i64 {
        let day = hour.div_euclid(DAY_HOURS);
        match self {
            Self::Hour => hour - back,
            Self::Day => (day - back) * DAY_HOURS,
            // 1970 began on a Thursday.
            Self::Week => (day - (day + 3).rem_euclid(WEEK_DAYS) - back * WEEK_DAYS) * DAY_HOURS,
            Self::Month => {
                let (year, month, _) = civil(day);
                let months = year * 12 + (month - 1) - back;
                days_of(months.div_euclid(12), months.rem_euclid(12) + 1, 1) * DAY_HOURS
            }
        }
    }
}

/// The periods of a report, oldest first; the last one is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Periods {
    pub(super) length: Length,
    /// Hours since 1970: where each begins, and the end of the last.
    bounds: Vec<i64>,
}

impl Periods {
    /// Those up to and with the one of this moment.
    pub(super) fn upto(length: Length, now: WallMs) -> Self {
        let hour = now.0.div_euclid(HOUR_MS);
        let backs = (-1..length.shown()).rev();
        Self {
            length,
            bounds: backs.map(|back| length.begin(hour, back)).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// From the first hour up to and without the last.
    pub(super) fn hours(&self) -> (i64, i64) {
        let first = self.bounds.first().copied().unwrap_or(0);
        (first, self.bounds.last().copied().unwrap_or(first))
    }

    /// Each period's hours, the last without.
    pub(super) fn each(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.bounds
            .iter()
            .copied()
            .zip(self.bounds.iter().copied().skip(1))
    }

    /// The place of the period that an hour falls into.
    pub(super) fn place(&self, hour: i64) -> Option<usize> {
        let after = self.bounds.partition_point(|begin| *begin <= hour);
        after.checked_sub(1).filter(|place| *place < self.len())
    }
}

/// What a period that begins in this hour is called.
pub(super) fn label(length: Length, hour: i64) -> String {
    let (year, month, day) = civil(hour.div_euclid(DAY_HOURS));
    match length {
        Length::Hour => format!(
            "{year:04}-{month:02}-{day:02} {:02}:00",
            hour.rem_euclid(DAY_HOURS)
        ),
        Length::Day | Length::Week => format!("{year:04}-{month:02}-{day:02}"),
        Length::Month => format!("{year:04}-{month:02}"),
    }
}

/// Year, month and day of a day since 1970, by the Gregorian calendar counted in eras of 400 years that begin in March.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// The day since 1970 of a date: what `civil` takes apart.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T14:30:00Z, a Saturday.
    const NOW: WallMs = WallMs(1_795_219_200_000 + 14 * HOUR_MS + 1_800_000);

    fn labels(length: Length) -> Vec<String> {
        let periods = Periods::upto(length, NOW);
        periods.each().map(|(begin, _)| label(length, begin)).collect()
    }

    #[test]
    fn each_length_has_its_periods_up_to_the_present_one() {
        let hours = labels(Length::Hour);
        assert_eq!((hours.len(), hours[0].as_str()), (48, "2026-11-19 15:00"));
        assert_eq!(hours[47], "2026-11-21 14:00");
        let days = labels(Length::Day);
        assert_eq!(
            (days.len(), days[0].as_str(), days[29].as_str()),
            (30, "2026-10-23", "2026-11-21")
        );
        let weeks = labels(Length::Week);
        assert_eq!(
            (weeks.len(), weeks[12].as_str(), weeks[11].as_str()),
            (13, "2026-11-16", "2026-11-09")
        );
        let months = labels(Length::Month);
        assert_eq!(
            (months.len(), months[0].as_str(), months[12].as_str()),
            (13, "2025-11", "2026-11")
        );
    }

    #[test]
    fn an_hour_falls_into_the_period_that_holds_it_and_into_none_outside() {
        for length in Length::ALL {
            let periods = Periods::upto(length, NOW);
            for (place, (begin, end)) in periods.each().enumerate() {
                assert_eq!(periods.place(begin), Some(place), "{length:?}");
                assert_eq!(periods.place(end - 1), Some(place), "{length:?}");
            }
            let (first, last) = periods.hours();
            assert_eq!((periods.place(first - 1), periods.place(last)), (None, None));
        }
    }

    #[test]
    fn dates_are_taken_apart_and_put_together() {
        for (day, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (20_778, (2026, 11, 21)),
        ] {
            assert_eq!(civil(day), date);
            assert_eq!(days_of(date.0, date.1, date.2), day);
        }
        assert!((-800_000..800_000).step_by(97).all(|day| {
            let (year, month, of_month) = civil(day);
            days_of(year, month, of_month) == day
        }));
    }
}
