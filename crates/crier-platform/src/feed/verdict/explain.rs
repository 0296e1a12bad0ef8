//! "Why this?": a line for each factor with its value, its cause in words and the running score (feed 5.4).
//!
//! Promise: the factors are those of the ranking, computed by the same functions from the same snapshot.

use super::{Verdict, factors, verdict_of};
use crate::feed::rank::Ranked;
use crate::model::ranking::{Acts, PriorityClass, RankedApp, RankedStory, Slider, Snapshot};
use crate::model::ranking_config::{BASE_SCORE, FACTOR_ONE, Factor};
use crier_proto::ids::StoryId;

/// One factor's line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// The factor's name (feed 4.4).
    pub name: &'static str,
    /// In units of 1/65536.
    pub factor: Factor,
    /// The running score: B₁ to B₈, then D.
    pub score: u64,
    /// Its cause in words.
    pub because: String,
}

/// Why a story stands where it stands: the JSON of feed 5.4, its fields in that order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Explanation {
    /// The story.
    pub story: StoryId,
    /// The view's number; `None` for a snapshot that is no view.
    pub view: Option<i64>,
    /// S in seconds.
    pub at: i64,
    /// c.
    pub version: u32,
    /// Its verdict's name.
    pub verdict: &'static str,
    /// On feed page 1.
    pub slot: Option<usize>,
    /// D, for stories that competed.
    pub score: Option<u64>,
    /// The view's cut.
    pub cut: Option<u64>,
    /// How far it stayed below the cut.
    pub margin: Option<u64>,
    /// Nine lines for a story that competed, none for any other.
    pub factors: Vec<Line>,
}

/// Explains one story of a snapshot that was ranked.
#[must_use]
pub fn explain(
    snapshot: &Snapshot<'_>,
    ranked: &Ranked,
    story: &RankedStory,
    view: Option<i64>,
) -> Explanation {
    let verdict = verdict_of(snapshot, ranked, story);
    let margin = match verdict {
        Verdict::BelowCut(below) => Some(below.margin),
        Verdict::Blanked
        | Verdict::Damaged
        | Verdict::Exempt { .. }
        | Verdict::Expired
        | Verdict::Overflow
        | Verdict::NoGrant
        | Verdict::AppOff
        | Verdict::SliderNone
        | Verdict::Hidden
        | Verdict::Reported
        | Verdict::ShownMerit(_)
        | Verdict::ShownGuaranteed { .. }
        | Verdict::ShownFill(_)
        | Verdict::AppCap { .. } => None,
    };
    let pick = ranked.first_page().iter().find(|pick| pick.story == story.id);
    let placed_before = pick.map_or_else(|| ranked.picks_of(story.app), |pick| pick.placed_before);
    let app = snapshot
        .apps
        .get(story.app.index())
        .filter(|_| verdict.score().is_some());
    Explanation {
        story: story.id,
        view,
        at: snapshot.at_secs,
        version: snapshot.config.version,
        verdict: verdict.name(),
        slot: verdict.slot(),
        score: verdict.score(),
        cut: ranked.cut,
        margin,
        factors: app.map_or_else(Vec::new, |app| lines(snapshot, app, story, placed_before)),
    }
}

/// The nine lines of a story of this application, after so many others of it on the page.
#[must_use]
pub fn lines(snapshot: &Snapshot<'_>, app: &RankedApp, story: &RankedStory, placed_before: u32) -> Vec<Line> {
    let constants = &snapshot.config.constants;
    let causes = [
        acts_in_words(app.acts, constants.affinity_days),
        quality_in_words(snapshot, app),
        "it is a story".to_owned(),
        if story.has_body {
            "it has a body"
        } else {
            "it has no body"
        }
        .to_owned(),
        pictures_in_words(story.pictures),
        priority_in_words(story.priority).to_owned(),
        slider_in_words(app.slider).to_owned(),
        age_in_words(factors::age_secs(snapshot, story)),
    ];
    let values = factors::of_story(snapshot, app, story);
    let mut score = BASE_SCORE;
    let mut lines = Vec::with_capacity(factors::NAMES.len() + 1);
    for ((name, factor), because) in factors::NAMES.into_iter().zip(values).zip(causes) {
        score = factors::weigh(score, factor);
        lines.push(Line {
            name,
            factor,
            score,
            because,
        });
    }
    let factor = factors::diversity(constants, placed_before);
    lines.push(Line {
        name: "diversity",
        factor,
        score: factors::weigh(score, factor),
        because: format!(
            "it is the {} story of its application on this page",
            ordinal(placed_before + 1)
        ),
    });
    lines
}

/// A factor for people: ×1.37, two decimals, rounded down.
#[must_use]
pub fn times(factor: Factor) -> String {
    let hundredths = u64::from(factor) * 100 / u64::from(FACTOR_ONE);
    format!("×{}.{:02}", hundredths / 100, hundredths % 100)
}

fn acts_in_words(acts: Acts, days: u32) -> String {
    let counted = [
        ("clicked", acts.clicks),
        ("thumbed", acts.thumbs),
        ("hid", acts.hides),
        ("reported", acts.reports),
    ];
    let mut parts: Vec<String> = Vec::new();
    for (verb, count) in counted.into_iter().filter(|(_, count)| *count > 0) {
        let of = if parts.is_empty() { " of its stories" } else { "" };
        parts.push(format!("{verb} {count}{of}"));
    }
    match parts.split_last() {
        None => format!("you did nothing with its stories in {days} days"),
        Some((last, [])) => format!("you {last} in {days} days"),
        Some((last, before)) => format!("you {} and {last} in {days} days", before.join(", ")),
    }
}

/// The bucket alone: counts are acts of other people.
fn quality_in_words(snapshot: &Snapshot<'_>, app: &RankedApp) -> String {
    let constants = &snapshot.config.constants;
    let bucket = factors::bucket_of(constants, app.quality.as_ref());
    match &app.quality {
        None => format!("quality bucket {bucket} of 9, where every application begins"),
        Some(_) => format!(
            "quality bucket {bucket} of 9, from what everybody did with its stories in {} hours",
            constants.quality_hours
        ),
    }
}

fn pictures_in_words(ready: u8) -> String {
    match ready {
        0 => "it has no picture".to_owned(),
        1 => "it has a picture".to_owned(),
        2.. => format!("it has {ready} pictures"),
    }
}

const fn priority_in_words(priority: PriorityClass) -> &'static str {
    match priority {
        PriorityClass::Zero => "its application gave it priority 0",
        PriorityClass::One => "its application gave it priority 1 or none",
        PriorityClass::Two => "its application gave it priority 2",
        PriorityClass::High => "its application gave it priority 3 or more",
    }
}

const fn slider_in_words(slider: Slider) -> &'static str {
    match slider {
        Slider::None => "you asked for none of its stories",
        Slider::Less => "you asked for less of this application",
        Slider::Normal => "you left this application at normal",
        Slider::More => "you asked for more of this application",
        Slider::Most => "you asked for the most of this application",
    }
}

fn age_in_words(age_secs: i64) -> String {
    let (days, hours, minutes) = (age_secs / 86_400, age_secs / 3_600 % 24, age_secs / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => "it is new".to_owned(),
        (0, 0, minutes) => format!("it is {} old", plural(minutes, "minute")),
        (0, hours, _) => format!("it is {} old", plural(hours, "hour")),
        (days, 0, _) => format!("it is {} old", plural(days, "day")),
        (days, hours, _) => format!("it is {} and {} old", plural(days, "day"), plural(hours, "hour")),
    }
}

fn plural(count: i64, unit: &str) -> String {
    match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    }
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_told_with_two_decimals_rounded_down() {
        let told = [65_536, 90_112, 1, 655, 656, 131_072, 1_048_575].map(times);
        assert_eq!(
            told,
            ["×1.00", "×1.37", "×0.00", "×0.00", "×0.01", "×2.00", "×15.99"]
        );
    }

    #[test]
    fn acts_are_told_by_their_verbs_and_counts() {
        let told = |clicks, thumbs, hides, reports| {
            let acts = Acts {
                clicks,
                thumbs,
                hides,
                reports,
            };
            acts_in_words(acts, 28)
        };
        assert_eq!(
            told(3, 1, 0, 0),
            "you clicked 3 of its stories and thumbed 1 in 28 days"
        );
        assert_eq!(told(0, 0, 2, 0), "you hid 2 of its stories in 28 days");
        assert_eq!(
            told(1, 2, 3, 4),
            "you clicked 1 of its stories, thumbed 2, hid 3 and reported 4 in 28 days"
        );
        assert_eq!(told(0, 0, 0, 0), "you did nothing with its stories in 28 days");
    }

    #[test]
    fn ages_and_places_are_told_in_words() {
        let ages = [0, 59, 60, 3_599, 3_600, 90_000, 86_400, 172_800 + 7_200].map(age_in_words);
        let told = [
            "it is new",
            "it is new",
            "it is 1 minute old",
            "it is 59 minutes old",
            "it is 1 hour old",
            "it is 1 day and 1 hour old",
            "it is 1 day old",
            "it is 2 days and 2 hours old",
        ];
        assert_eq!(ages, told);
        let places = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal);
        assert_eq!(
            places,
            [
                "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"
            ]
        );
    }
}
