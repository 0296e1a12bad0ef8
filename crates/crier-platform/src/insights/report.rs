//! The series of a report: calls, messages, stories, and what people did with them, period by period (feed 5.7).

use super::figure::Figure;
use super::periods::{Length, Periods, label};
use super::{Insights, fates::Fate, fates::TakenDownStory, pictures::AbsentPicture, quality::Quality};
use crate::feed::figures::{FeedBound, NOT_PERMITTED};
use crate::methods::feed_publish_story_to_user::FeedPublishStoryToUser;
use crate::methods::registry::Method;
use crate::model::app::App;
use crate::model::insight::{Act, ActQuery, KeptCount, SlotCount};
use crate::model::ranking::QualityCounts;
use crate::model::tally::HOUR_MS;
use crate::ports::store::StoreFault;
use crier_proto::error::Code;
use std::collections::BTreeMap;

/// What a report is about.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// The application's number.
    pub app: i64,
    /// How long its periods are.
    pub by: Length,
    /// Its periods, oldest first; the last one is not over.
    pub periods: Vec<Period>,
    /// Calls by method, code and kind, over all periods.
    pub calls: Vec<CallCount>,
    /// Its series.
    pub series: Vec<Line>,
    /// Stories that were never shown, by what becomes of them now.
    pub never_shown: Vec<Fate>,
    /// Its stories that administrators have taken down, the latest first, no more than the latest 50.
    pub taken_down: Vec<TakenDownStory>,
    /// Picture slots by state and cause.
    pub pictures: Vec<SlotCount>,
    /// Pictures that are not there, or not yet.
    pub absent_pictures: Vec<AbsentPicture>,
    /// How ranking weighs the application.
    pub quality: Quality,
}

/// A period.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Period {
    /// Unix seconds.
    pub begins: i64,
    /// What it is called, in UTC.
    pub label: String,
}

/// Calls that were answered alike.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CallCount {
    /// Canonical name, or `unknown`.
    pub method: String,
    /// The error's number; 0: none.
    pub code: u16,
    /// What tells it apart from others of its code.
    pub kind: Option<String>,
    /// How many.
    pub count: u64,
    #[serde(skip)]
    by_period: Vec<u64>,
}

/// Where a series stands on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Calls and their answers.
    Calls,
    /// Errors by code.
    Errors,
    /// Live messages.
    Messages,
    /// Stories.
    Stories,
}

/// One series.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// Where it stands.
    pub group: Group,
    /// Its name.
    pub name: String,
    /// What it counts, in words.
    pub words: String,
    /// A figure for each period.
    pub values: Vec<Figure>,
    /// Over all of them.
    pub total: Figure,
}

/// Messages, by series: name and words.
const MESSAGES: [(&str, &str, &str); 9] = [
    ("message/accepted", "messages_accepted", "Accepted"),
    (
        "message/delivered",
        "messages_delivered",
        "Delivered: written to a page",
    ),
    (
        "message/acked",
        "messages_acked",
        "Acked: a page has run its handler",
    ),
    (
        "message/no_handler",
        "messages_no_handler",
        "Accepted while no page handled the event",
    ),
    (
        "ended/expired",
        "messages_expired",
        "Ended unacked: their time was over",
    ),
    (
        "ended/dropped",
        "messages_dropped",
        "Ended unacked: the mailbox was full",
    ),
    (
        "ended/replaced",
        "messages_replaced",
        "Ended: replaced by their collapse key",
    ),
    ("ended/cancelled", "messages_cancelled", "Ended: taken back"),
    (
        "ended/revoked",
        "messages_revoked",
        "Ended: the acceptance was withdrawn",
    ),
];

/// Stories on feed page 1 of views, by verdict.
const SHOWN: [(&str, &str, &str); 4] = [
    ("shown/shown_merit", "shown_merit", "On feed page 1 by merit"),
    (
        "shown/shown_guaranteed",
        "shown_guaranteed",
        "On feed page 1 by the guarantee",
    ),
    ("shown/shown_fill", "shown_fill", "On feed page 1 to fill it"),
    (
        "shown/exempt",
        "shown_exempt",
        "Before slot 1: published by the owner for themselves",
    ),
];

/// Acts, in words.
const ACTS: [(Act, &str); 4] = [
    (Act::Clicked, "Clicked"),
    (Act::Thumbed, "Thumbs up"),
    (Act::Hidden, "Hidden"),
    (Act::Reported, "Reported"),
];

/// Counts by series, a number for each period.
struct Table(BTreeMap<String, Vec<u64>>);

impl Table {
    fn of(kept: Vec<KeptCount>, periods: &Periods) -> Self {
        let mut rows: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for count in kept {
            let place = periods.place(count.hour);
            let row = rows.entry(count.series).or_insert_with(|| vec![0; periods.len()]);
            if let Some(value) = place.and_then(|place| row.get_mut(place)) {
                *value = value.saturating_add(count.count);
            }
        }
        Self(rows)
    }

    fn row(&self, series: &str, periods: &Periods) -> Vec<u64> {
        let row = self.0.get(series);
        row.cloned().unwrap_or_else(|| vec![0; periods.len()])
    }

    fn calls(&self) -> Vec<CallCount> {
        let calls = self.0.iter().filter_map(|(series, row)| {
            let mut parts = series.strip_prefix("call/")?.split('/');
            let (method, code, kind) = (parts.next()?, parts.next()?, parts.next()?);
            Some(CallCount {
                method: method.to_owned(),
                code: code.parse().ok()?,
                kind: (!kind.is_empty()).then(|| kind.to_owned()),
                count: row.iter().sum(),
                by_period: row.clone(),
            })
        });
        calls.filter(|call| call.count > 0).collect()
    }

    /// For each period the slot in the middle of all places that stories had on feed page 1, the lower one of two.
    fn median_slot(&self, periods: &Periods) -> Vec<Figure> {
        let slots: Vec<(u64, &Vec<u64>)> = {
            let mut slots: Vec<_> = self
                .0
                .iter()
                .filter_map(|(series, row)| Some((series.strip_prefix("slot/")?.parse().ok()?, row)))
                .collect();
            slots.sort_unstable_by_key(|(slot, _)| *slot);
            slots
        };
        let of = |count: &dyn Fn(&Vec<u64>) -> u64| {
            let all: u64 = slots.iter().map(|(_, row)| count(row)).sum();
            let mut left = all.div_ceil(2);
            let middle = slots.iter().find(|(_, row)| {
                let here = count(row);
                let found = left > 0 && here >= left;
                left = left.saturating_sub(here);
                found
            });
            middle.map_or(Figure::Nothing, |(slot, _)| Figure::Exact(*slot))
        };
        let each =
            (0..periods.len()).map(|place| of(&move |row: &Vec<u64>| row.get(place).copied().unwrap_or(0)));
        let mut values: Vec<Figure> = each.collect();
        values.push(of(&|row: &Vec<u64>| row.iter().sum()));
        values
    }
}

fn line(group: Group, (name, words): (String, String), row: &[u64]) -> Line {
    Line {
        group,
        name,
        words,
        values: row.iter().copied().map(Figure::Exact).collect(),
        total: Figure::Exact(row.iter().sum()),
    }
}

/// The sum of rows, period by period.
fn sum<'r>(rows: impl Iterator<Item = &'r Vec<u64>>, periods: &Periods) -> Vec<u64> {
    let mut all = vec![0_u64; periods.len()];
    for row in rows {
        for (value, more) in all.iter_mut().zip(row) {
            *value = value.saturating_add(*more);
        }
    }
    all
}

fn is_zero_answer(call: &CallCount) -> bool {
    call.code == 0 && call.kind.as_deref() == Some(NOT_PERMITTED)
}

impl Insights {
    /// What there is to learn about an application, by periods of this length.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn report(&self, app: &App, length: Length) -> Result<Report, StoreFault> {
        // What has been answered is in the numbers although it was not written yet. Views follow within 200 ms (feed 8.2).
        self.write_counts().await;
        let periods = Periods::upto(length, self.ports.clock.wall());
        let kept = self
            .ports
            .store
            .counts(app.id, length.grain(), periods.hours())
            .await?;
        let table = Table::of(kept, &periods);
        let calls = table.calls();
        let mut series = call_lines(&calls, &periods);
        series.extend(error_lines(&calls, &periods));
        for (row, name, words) in MESSAGES {
            let row = table.row(row, &periods);
            series.push(line(Group::Messages, (name.to_owned(), words.to_owned()), &row));
        }
        series.extend(self.story_lines(app, (&table, &calls), &periods).await?);
        Ok(Report {
            app: app.id.get(),
            by: length,
            periods: periods
                .each()
                .map(|(begin, _)| Period {
                    begins: begin * (HOUR_MS / 1_000),
                    label: label(length, begin),
                })
                .collect(),
            calls,
            series,
            never_shown: self.never_shown(app.id).await?,
            taken_down: self.taken_down(app.id).await?,
            pictures: self.ports.store.slots_by_state(app.id).await?,
            absent_pictures: self.absent_pictures(app.id).await?,
            quality: self.quality(app.id).await?,
        })
    }

    async fn story_lines(
        &self,
        app: &App,
        (table, calls): (&Table, &[CallCount]),
        periods: &Periods,
    ) -> Result<Vec<Line>, StoreFault> {
        let published = |keep: &dyn Fn(&CallCount) -> bool| {
            let of = calls
                .iter()
                .filter(|call| call.method == FeedPublishStoryToUser::NAME && keep(call));
            sum(of.map(|call| &call.by_period), periods)
        };
        let mut lines = Vec::new();
        let mut add = |name: &str, words: &str, row: &[u64]| {
            lines.push(line(Group::Stories, (name.to_owned(), words.to_owned()), row));
        };
        let accepted = published(&|call| call.code == 0 && !is_zero_answer(call));
        add("accepted", "Accepted: answered 1", &accepted);
        add(
            "not_permitted",
            "Not permitted: answered 0",
            &published(&is_zero_answer),
        );
        add(
            "refused",
            "Refused: answered with an error",
            &published(&|call| call.code != 0),
        );
        let hours = self.ports.store.app_hours(app.id, periods.hours()).await?;
        let by_period = |of: &dyn Fn(&QualityCounts) -> u64| {
            let mut row = vec![0_u64; periods.len()];
            for (hour, counts) in &hours {
                if let Some(value) = periods.place(*hour).and_then(|place| row.get_mut(place)) {
                    *value = value.saturating_add(of(counts));
                }
            }
            row
        };
        add(
            "first_shown",
            "Shown for the first time",
            &by_period(&|counts| counts.shown),
        );
        for (row, name, words) in SHOWN {
            add(name, words, &table.row(row, periods));
        }
        for (act, words) in ACTS {
            let row = by_period(&|counts| of_act(counts, act));
            lines.push(self.act_line(app, (act, words, row), periods).await?);
        }
        let mut values = table.median_slot(periods);
        let total = values.pop().unwrap_or(Figure::Nothing);
        lines.push(Line {
            group: Group::Stories,
            name: "median_slot".to_owned(),
            words: "Median slot on feed page 1".to_owned(),
            values,
            total,
        });
        Ok(lines)
    }

    /// A series of people's acts: figures about fewer people than may be told of are not told.
    async fn act_line(
        &self,
        app: &App,
        (act, words, row): (Act, &str, Vec<u64>),
        periods: &Periods,
    ) -> Result<Line, StoreFault> {
        let query = |(from, to)| ActQuery {
            app: app.id,
            act: Some(act),
            from,
            to,
        };
        let mut values = Vec::with_capacity(row.len());
        for (count, hours) in row.iter().zip(periods.each()) {
            values.push(self.told(*count, query(hours)).await?);
        }
        let all: u64 = row.iter().sum();
        let told: u64 = values.iter().filter_map(|value| value.drawn()).sum();
        let hides = values.iter().any(|value| value.drawn().is_none());
        let over_all = self.told(all, query(periods.hours())).await?;
        // What is missing from the sum would tell what the periods do not.
        let tells = hides && all - told < u64::from(self.rules.people_min);
        let total = match over_all {
            Figure::Exact(_) if tells => Figure::AtLeast(told),
            Figure::Exact(_) | Figure::FewerThan(_) | Figure::AtLeast(_) | Figure::Nothing => over_all,
        };
        Ok(Line {
            group: Group::Stories,
            name: act.word().to_owned(),
            words: words.to_owned(),
            values,
            total,
        })
    }

    /// A number of acts, if enough people have done them.
    pub(super) async fn told(&self, count: u64, query: ActQuery) -> Result<Figure, StoreFault> {
        let least = self.rules.people_min;
        // Each story counts once for each kind of act, so there are never more people than acts.
        let enough =
            count >= u64::from(least) && self.ports.store.people_who_acted(query, least).await? >= least;
        if enough {
            return Ok(Figure::Exact(count));
        }
        self.ports.feed_figures.bound(FeedBound::InsightsPeople);
        Ok(Figure::FewerThan(least))
    }
}

const fn of_act(counts: &QualityCounts, act: Act) -> u64 {
    match act {
        Act::Clicked => counts.clicked,
        Act::Thumbed => counts.thumbed,
        Act::Hidden => counts.hidden,
        Act::Reported => counts.reported,
    }
}

/// All calls, then each method's successes.
fn call_lines(calls: &[CallCount], periods: &Periods) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add =
        |name: String, words: String, row: &[u64]| lines.push(line(Group::Calls, (name, words), row));
    let all = sum(calls.iter().map(|call| &call.by_period), periods);
    add("calls".to_owned(), "All calls".to_owned(), &all);
    let errors = calls.iter().filter(|call| call.code != 0);
    add(
        "errors".to_owned(),
        "Answered with an error".to_owned(),
        &sum(errors.map(|call| &call.by_period), periods),
    );
    for call in calls.iter().filter(|call| call.code == 0) {
        let result = match call.method == FeedPublishStoryToUser::NAME {
            true if is_zero_answer(call) => " answered 0",
            true => " answered 1",
            false => "",
        };
        add(
            format!("{}:{}", call.method, call.kind.as_deref().unwrap_or("ok")),
            format!("{}{result}", call.method),
            &call.by_period,
        );
    }
    lines
}

/// Errors by code, and by kind where a code has kinds.
fn error_lines(calls: &[CallCount], periods: &Periods) -> Vec<Line> {
    let mut by_code: BTreeMap<(u16, Option<&str>), Vec<&Vec<u64>>> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.code != 0) {
        let key = (call.code, call.kind.as_deref());
        by_code.entry(key).or_default().push(&call.by_period);
    }
    let lines = by_code.into_iter().map(|((code, kind), rows)| {
        let known = Code::ALL.into_iter().find(|known| known.number() == code);
        let text = known.map_or("", Code::text).trim_end_matches('.');
        let (name, words) = match kind {
            Some(kind) => (format!("error_{code}:{kind}"), format!("{code} {text}: {kind}")),
            None => (format!("error_{code}"), format!("{code} {text}")),
        };
        line(Group::Errors, (name, words), &sum(rows.into_iter(), periods))
    });
    lines.collect()
}
