//! `/developers/<app_id>/insights` and `.json`: what an application's owner learns in numbers (feed 5.7).

use super::head::AppHead;
use super::owned::OwnedApp;
use super::plot::{Caption, bars};
use crate::site::door::{Answer, json, render, see_other};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, zone};
use crate::site::words::grouped;
use askama::Template;
use crier_platform::insights::{
    AbsentPicture, Figure, Group, Length, Line, NOT_TOLD, NextAllowed, Quality, QualityHour, Report, WaitsFor,
};
use crier_platform::model::insight::SlotCount;
use crier_platform::model::job::SourceHash;
use crier_platform::model::time::WallMs;
use crier_platform::pictures::read_hash;
use crier_proto::ids::Uid;
use http::StatusCode;

#[derive(Template)]
#[template(path = "console/insights.html")]
pub(in crate::site) struct InsightsPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) form_token: &'a str,
    /// Words, address, and whether it is the open one.
    pub(in crate::site) lengths: Vec<(&'static str, String, bool)>,
    /// Address of the JSON beside it.
    pub(in crate::site) json: String,
    /// From the first period to the last.
    pub(in crate::site) range: String,
    pub(in crate::site) people_min: u32,
    pub(in crate::site) groups: Vec<PlotGroup>,
    pub(in crate::site) fates: Vec<(String, String)>,
    /// Stories that administrators have taken down: number, when published, when taken down.
    pub(in crate::site) taken_down: Vec<(String, Moment, Moment)>,
    pub(in crate::site) quality: Vec<(&'static str, String)>,
    /// Quality over the last 168 hours, if there is anything to see.
    pub(in crate::site) quality_plot: Option<Plot>,
    pub(in crate::site) slots: Vec<SlotCount>,
    pub(in crate::site) absent: Vec<AbsentRow>,
    /// What was asked about a person.
    pub(in crate::site) uid: &'a str,
    pub(in crate::site) next: Option<NextWords>,
    /// How many slots were just queued once more.
    pub(in crate::site) queued: Option<String>,
}

/// Series that stand together.
pub(in crate::site) struct PlotGroup {
    pub(in crate::site) id: &'static str,
    pub(in crate::site) heading: &'static str,
    pub(in crate::site) plots: Vec<Plot>,
    /// Series in which nothing happened.
    pub(in crate::site) empty: Vec<String>,
}

/// A series with its numbers.
pub(in crate::site) struct Plot {
    pub(in crate::site) words: String,
    pub(in crate::site) total: String,
    pub(in crate::site) svg: String,
    /// What its first and its last period are called.
    pub(in crate::site) first: String,
    pub(in crate::site) last: String,
    /// Its greatest figure, or empty.
    pub(in crate::site) most: String,
    /// Period and figure, newest first.
    pub(in crate::site) rows: Vec<(String, String)>,
}

/// When a person may be published to.
pub(in crate::site) struct NextWords {
    pub(in crate::site) words: &'static str,
    pub(in crate::site) at: Option<Moment>,
}

/// An address whose picture is not there.
pub(in crate::site) struct AbsentRow {
    pub(in crate::site) picture: AbsentPicture,
    /// What it waits for, in words.
    pub(in crate::site) waits: &'static str,
    pub(in crate::site) next: Option<Moment>,
}

/// Digits of the greatest uid.
const UID_DIGITS_MAX: usize = 19;

/// Groups in their order on the page.
const GROUPS: [(Group, &str, &str); 4] = [
    (Group::Calls, "calls", "Calls"),
    (Group::Errors, "errors", "Errors by code"),
    (Group::Messages, "messages", "Live messages"),
    (Group::Stories, "stories", "Stories"),
];

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let report = report(&owned).await?;
    let head = owned.head("Insights");
    let uid = owned.visit.query.value("uid").unwrap_or_default();
    let page = InsightsPage {
        chrome: owned.chrome(&head),
        head: &head,
        form_token: &owned.visit.form_token(),
        lengths: Length::ALL
            .into_iter()
            .map(|length| {
                let address = owned.href(&format!("/insights?by={}", length.word()));
                (length_words(length), address, length == report.by)
            })
            .collect(),
        json: owned.href(&format!("/insights.json?by={}", report.by.word())),
        range: range(&report),
        people_min: owned.visit.state.insights.people_min(),
        groups: GROUPS.iter().map(|group| plot_group(&report, *group)).collect(),
        fates: report
            .never_shown
            .iter()
            .map(|fate| (fate_words(fate.verdict, &owned), grouped(fate.stories)))
            .collect(),
        taken_down: taken_down(&report, &owned),
        quality: quality_rows(&report.quality, &owned),
        quality_plot: quality_plot(&report.quality),
        slots: report.pictures,
        absent: report
            .absent_pictures
            .into_iter()
            .map(|picture| absent_row(picture, &owned))
            .collect(),
        next: next_words(&owned, uid).await?,
        uid,
        queued: owned
            .visit
            .query
            .value("queued")
            .filter(|queued| queued.len() <= 3 && queued.bytes().all(|byte| byte.is_ascii_digit()))
            .map(str::to_owned),
    };
    render(StatusCode::OK, &page)
}

/// The same as JSON.
pub(crate) async fn get_json(owned: OwnedApp) -> Answer {
    json(&report(&owned).await?)
}

/// Has the pictures of an address fetched once more (feed 1.3).
pub(crate) async fn fetch_again(owned: OwnedApp, fields: Fields) -> Answer {
    let source = fields
        .value("source")
        .and_then(read_hash)
        .ok_or(SiteError::NotFound)?;
    let state = &owned.visit.state;
    let queued = state
        .pictures
        .fetch_source_again(owned.app.id, SourceHash(source.0))
        .await?;
    see_other(&owned.href(&format!("/insights?queued={queued}#pictures")))
}

/// Asks when a person may be published to next.
pub(crate) async fn ask_next(owned: OwnedApp, fields: Fields) -> Answer {
    let asked = fields.value("uid").unwrap_or_default().trim();
    let is_number = asked.len() <= UID_DIGITS_MAX && asked.bytes().all(|byte| byte.is_ascii_digit());
    let uid = if is_number { asked } else { "none" };
    see_other(&owned.href(&format!("/insights?uid={uid}#next")))
}

/// Who comes here by a link is led to the page.
pub(crate) async fn back(owned: OwnedApp) -> Answer {
    see_other(&owned.href("/insights"))
}

async fn report(owned: &OwnedApp) -> Result<Report, SiteError> {
    owned.visit.count_read(&owned.user)?;
    let asked = owned.visit.query.value("by");
    let length = match asked {
        None => Length::Day,
        Some(word) => Length::of_word(word).ok_or(SiteError::NotFound)?,
    };
    Ok(owned.visit.state.insights.report(&owned.app, length).await?)
}

const fn length_words(length: Length) -> &'static str {
    match length {
        Length::Hour => "Hours",
        Length::Day => "Days",
        Length::Week => "Weeks",
        Length::Month => "Months",
    }
}

fn range(report: &Report) -> String {
    match (report.periods.first(), report.periods.last()) {
        (Some(first), Some(last)) => format!("{} to {}", first.label, last.label),
        _ => String::new(),
    }
}

fn plot_group(report: &Report, (group, id, heading): (Group, &'static str, &'static str)) -> PlotGroup {
    let labels: Vec<&str> = report
        .periods
        .iter()
        .map(|period| period.label.as_str())
        .collect();
    let lines = report.series.iter().filter(|line| line.group == group);
    let (drawn, empty): (Vec<&Line>, Vec<&Line>) = lines.partition(|line| has_anything(line));
    PlotGroup {
        id,
        heading,
        plots: drawn
            .into_iter()
            .enumerate()
            .map(|(place, line)| plot(&format!("{id}{place}"), line, (&labels, report.by.word())))
            .collect(),
        empty: empty.into_iter().map(|line| line.words.clone()).collect(),
    }
}

/// Whether there is anything to draw; that acts are not told is something.
fn has_anything(line: &Line) -> bool {
    !matches!(line.total, Figure::Exact(0) | Figure::Nothing)
}

fn plot(id: &str, line: &Line, (labels, unit): (&[&str], &str)) -> Plot {
    let drawn: Vec<Option<u64>> = line.values.iter().map(|value| drawn(*value)).collect();
    let most = drawn.iter().flatten().copied().max().unwrap_or(0);
    let description = match drawn
        .iter()
        .zip(labels)
        .rev()
        .find(|(value, _)| **value == Some(most))
    {
        Some((_, label)) if most > 0 => {
            format!("{} in all. The most in one {unit}: {most}, {label}.", line.total)
        }
        _ => format!("{} in all.", line.total),
    };
    let caption = Caption {
        id,
        title: &line.words,
        description: &description,
    };
    let rows = line.values.iter().zip(labels);
    Plot {
        svg: bars(&caption, &drawn),
        first: labels
            .first()
            .map_or_else(String::new, |label| (*label).to_owned()),
        last: labels
            .last()
            .map_or_else(String::new, |label| (*label).to_owned()),
        most: if most > 0 {
            format!("{} in one {unit}", grouped(most))
        } else {
            String::new()
        },
        words: line.words.clone(),
        total: shown(line.total),
        rows: rows
            .rev()
            .map(|(value, label)| ((*label).to_owned(), shown(*value)))
            .collect(),
    }
}

/// A figure's height; what does not exist has none and is no secret.
fn drawn(value: Figure) -> Option<u64> {
    match value {
        Figure::Nothing => Some(0),
        told => told.drawn(),
    }
}

fn shown(value: Figure) -> String {
    match value {
        Figure::Exact(number) => grouped(number),
        other => other.to_string(),
    }
}

/// What becomes of stories that were never shown.
fn fate_words(verdict: &str, owned: &OwnedApp) -> String {
    let words = match verdict {
        NOT_TOLD => {
            let people = owned.visit.state.insights.people_min();
            return format!("Not read yet, or for a reason that fewer than {people} people share");
        }
        "below_cut" => "Outweighed by other stories",
        "app_cap" => "Your application has its share of the page already",
        "overflow" => "Too many newer stories compete",
        "expired" => "Seven days old before their reader came",
        "hidden" => "Put away by their readers",
        "reported" => "Reported by their readers",
        "slider_none" => "Their readers want none of your stories",
        "app_off" => "Their readers have switched your stories off",
        "no_grant" => "Their readers have withdrawn their acceptance",
        "blanked" => "Their text was removed",
        "damaged" => "They cannot be shown safely",
        other => other,
    };
    words.to_owned()
}

/// Stories that were taken down, as their developer reads the moments.
fn taken_down(report: &Report, owned: &OwnedApp) -> Vec<(String, Moment, Moment)> {
    let (now, zone) = (owned.visit.state.clock.wall(), zone(&owned.user.time_zone));
    let moment = |secs: i64| Moment::new(WallMs(secs.saturating_mul(1_000)), now, &zone);
    let rows = report.taken_down.iter();
    rows.map(|row| (row.story.to_string(), moment(row.published_at), moment(row.at)))
        .collect()
}

/// The row of the present hour.
fn quality_rows(quality: &Quality, owned: &OwnedApp) -> Vec<(&'static str, String)> {
    let now = &quality.now;
    let people = owned.visit.state.insights.people_min();
    let score = |of: fn(&QualityHour) -> Option<i64>| {
        of(now).map_or_else(
            || Figure::FewerThan(people).to_string(),
            |score| score.to_string(),
        )
    };
    vec![
        (
            "Bucket, 1 to 9",
            score(|hour| Some(i64::from(hour.score?.bucket))),
        ),
        ("q", score(|hour| Some(hour.score?.q))),
        ("N, first shown", grouped(now.first_shown)),
        ("C, clicked", shown(now.clicked)),
        ("U, thumbs up", shown(now.thumbed)),
        ("X, hidden", shown(now.hidden)),
        ("R, reported", shown(now.reported)),
    ]
}

/// The bucket, hour by hour.
fn quality_plot(quality: &Quality) -> Option<Plot> {
    let hours = &quality.hours;
    let bucket = |hour: &QualityHour| hour.score.map(|score| u64::from(score.bucket));
    let (first, last) = (hours.first()?, hours.last()?);
    let values: Vec<Option<u64>> = hours.iter().map(bucket).collect();
    let description = format!("From {} to {}, UTC.", first.label, last.label);
    let caption = Caption {
        id: "quality-plot",
        title: "Bucket, hour by hour",
        description: &description,
    };
    let told = |hour: &QualityHour| match hour.score {
        Some(score) => format!("bucket {}, q {}", score.bucket, score.q),
        None => "not told".to_owned(),
    };
    Some(Plot {
        words: "Bucket, hour by hour".to_owned(),
        total: String::new(),
        svg: bars(&caption, &values),
        first: first.label.clone(),
        last: last.label.clone(),
        most: String::new(),
        rows: hours
            .iter()
            .rev()
            .map(|hour| (hour.label.clone(), told(hour)))
            .collect(),
    })
}

fn absent_row(picture: AbsentPicture, owned: &OwnedApp) -> AbsentRow {
    AbsentRow {
        waits: match picture.waits_for {
            None => "",
            Some(WaitsFor::Turn) => "its turn",
            Some(WaitsFor::Retry) => "its next attempt",
            Some(WaitsFor::AppBudget) => "the next hour: the fetches of this one are used up",
            Some(WaitsFor::CacheFull) => "room in the cache",
        },
        next: picture
            .next_attempt
            .map(|secs| moment(owned, WallMs(secs.saturating_mul(1_000)))),
        picture,
    }
}

fn moment(owned: &OwnedApp, at: WallMs) -> Moment {
    Moment::new(at, owned.visit.state.clock.wall(), &zone(&owned.user.time_zone))
}

/// The answer about a typed uid; `None`: nothing was asked.
async fn next_words(owned: &OwnedApp, uid: &str) -> Result<Option<NextWords>, SiteError> {
    let said = |words| Ok(Some(NextWords { words, at: None }));
    if uid.is_empty() {
        return Ok(None);
    }
    let Some(user) = uid.trim().parse().ok().and_then(Uid::new) else {
        return said("That is no user id: write the number.");
    };
    match owned.visit.state.insights.next_allowed(&owned.app, user).await? {
        NextAllowed::NoGrant => said("This person has not accepted your application."),
        NextAllowed::Always => said("At any time: you own the application."),
        NextAllowed::Now => said("Now."),
        NextAllowed::At(at) => Ok(Some(NextWords {
            words: "Not before",
            at: Some(moment(owned, at)),
        })),
    }
}
