//! What an application learns in numbers, counted in memory by hour until it is written (feed 5.7).
//!
//! Promise: counting takes one short lock of the application's own and waits for nobody; series come from closed sets that name no
//! person. What was counted and not yet written is lost at a kill: a minute's worth at most, while the books take writes.

use super::time::WallMs;
use crier_proto::ids::AppId;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Hours that wait for the books at most; while these fail, older ones are given up.
pub const HOURS_WAITING_MAX: i64 = 48;

/// What is counted; its text is the series' name in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// A call, or an item of a batch, by what it was answered.
    Call {
        /// Canonical name, or `unknown`.
        method: &'static str,
        /// The error's number; 0: none.
        code: u16,
        /// What tells it apart from others of its code.
        kind: Option<&'static str>,
    },
    /// What happened to a live message: `accepted`, `no_handler`, `delivered` (first written to a page), `acked` (first ack).
    Message(&'static str),
    /// A live message left its mailbox in this state.
    Ended(&'static str),
    /// A story stood on feed page 1 of a view, by its verdict's name.
    Shown(&'static str),
    /// The same, by its slot.
    Slot(u8),
}

impl fmt::Display for Series {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { method, code, kind } => {
                write!(out, "call/{method}/{code}/{}", kind.unwrap_or_default())
            }
            Self::Message(what) => write!(out, "message/{what}"),
            Self::Ended(state) => write!(out, "ended/{state}"),
            Self::Shown(verdict) => write!(out, "shown/{verdict}"),
            Self::Slot(slot) => write!(out, "slot/{slot}"),
        }
    }
}

/// A count on its way into the books: added to what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Whose.
    pub app: AppId,
    /// Hours since 1970.
    pub hour: i64,
    /// Of what.
    pub series: Series,
    /// How many more.
    pub more: u64,
}

/// One application's counts that are not written yet.
#[derive(Debug, Default)]
pub struct AppTally(Mutex<BTreeMap<(i64, Series), u64>>);

impl AppTally {
    /// One more in the hour of this moment.
    pub fn add(&self, at: WallMs, series: Series) {
        self.more((at.0.div_euclid(HOUR_MS), series), 1);
    }

    fn more(&self, key: (i64, Series), more: u64) {
        *held(&self.0).entry(key).or_default() += more;
    }
}

/// The counts of all applications.
#[derive(Debug, Default)]
pub struct Tally {
    apps: Mutex<BTreeMap<AppId, Arc<AppTally>>>,
}

impl Tally {
    /// Where an application's counts go. Who counts often keeps it.
    #[must_use]
    pub fn of(&self, app: AppId) -> Arc<AppTally> {
        Arc::clone(held(&self.apps).entry(app).or_default())
    }

    /// Takes what is not written yet.
    #[must_use]
    pub fn take(&self) -> Vec<Count> {
        let apps: Vec<_> = held(&self.apps)
            .iter()
            .map(|(app, tally)| (*app, Arc::clone(tally)))
            .collect();
        let taken = apps.into_iter().flat_map(|(app, tally)| {
            let counts = std::mem::take(&mut *held(&tally.0));
            counts.into_iter().map(move |((hour, series), more)| Count {
                app,
                hour,
                series,
                more,
            })
        });
        taken.collect()
    }

    /// Takes back what could not be written; false when some of it is too old by now and was given up.
    pub fn put_back(&self, counts: Vec<Count>, now: WallMs) -> bool {
        let oldest = now.0.div_euclid(HOUR_MS) - HOURS_WAITING_MAX;
        let (young, old): (Vec<Count>, Vec<Count>) =
            counts.into_iter().partition(|count| count.hour > oldest);
        for count in young {
            self.of(count.app).more((count.hour, count.series), count.more);
        }
        old.is_empty()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(number: i64) -> AppId {
        AppId::new(number).expect("a positive number is an application id")
    }

    const ACCEPTED: Series = Series::Message("accepted");

    #[test]
    fn counts_fall_into_the_hour_of_their_moment_and_are_taken_once() {
        let tally = Tally::default();
        let mine = tally.of(app(1));
        mine.add(WallMs(HOUR_MS - 1), ACCEPTED);
        mine.add(WallMs(HOUR_MS), ACCEPTED);
        mine.add(WallMs(HOUR_MS), ACCEPTED);
        tally.of(app(2)).add(WallMs(0), Series::Slot(7));
        let rows: Vec<_> = tally
            .take()
            .into_iter()
            .map(|row| (row.app.get(), row.hour, row.series.to_string(), row.more))
            .collect();
        let expected = [
            (1, 0, "message/accepted".to_owned(), 1),
            (1, 1, "message/accepted".to_owned(), 2),
            (2, 0, "slot/7".to_owned(), 1),
        ];
        assert_eq!(rows, expected);
        assert_eq!(tally.take(), []);
    }

    #[test]
    fn hours_waiting_max_gives_up_what_the_books_did_not_take_for_two_days() {
        let tally = Tally::default();
        let row = |hour| Count {
            app: app(1),
            hour,
            series: ACCEPTED,
            more: 3,
        };
        assert!(tally.put_back(vec![row(53)], WallMs(100 * HOUR_MS)));
        assert!(!tally.put_back(vec![row(52)], WallMs(100 * HOUR_MS)));
        assert_eq!(tally.take(), vec![row(53)]);
    }

    #[test]
    fn series_have_their_names() {
        let call = |kind| Series::Call {
            method: "liveMessage.send",
            code: 104,
            kind,
        };
        assert_eq!(call(None).to_string(), "call/liveMessage.send/104/");
        assert_eq!(
            call(Some("window")).to_string(),
            "call/liveMessage.send/104/window"
        );
        assert_eq!(Series::Ended("expired").to_string(), "ended/expired");
        assert_eq!(Series::Shown("shown_fill").to_string(), "shown/shown_fill");
    }
}
