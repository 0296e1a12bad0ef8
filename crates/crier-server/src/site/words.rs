//! Verdicts, numbers and counts in words, for people (feed 5.1, 5.4, 5.5).

use super::feed::Cause;
use super::story::Lens;
use crier_platform::feed::verdict::{Below, Verdict};
use crier_platform::feed::{BlankedBy, FadedStory, ToldStory};
use crier_platform::model::time::WallMs;

/// Why a story stands where it stands, or stood in a view that has been: one sentence.
pub(super) fn verdict(verdict: &Verdict, in_a_view: bool) -> String {
    let stands = if in_a_view { "stood" } else { "stands" };
    match verdict {
        Verdict::Blanked => "Its text was removed.".to_owned(),
        Verdict::Damaged => "It cannot be shown safely.".to_owned(),
        Verdict::Exempt { .. } => "It is always shown to you: you own this application.".to_owned(),
        Verdict::Expired => "It is more than seven days old.".to_owned(),
        Verdict::Overflow => "Too many newer stories compete for your feed.".to_owned(),
        Verdict::NoGrant => "You have withdrawn from its application.".to_owned(),
        Verdict::AppOff => "You have switched its application's stories off.".to_owned(),
        Verdict::SliderNone => "Your slider for its application stands at none.".to_owned(),
        Verdict::Hidden => "You hid it.".to_owned(),
        Verdict::Reported => "You reported it.".to_owned(),
        Verdict::ShownMerit(shown) => format!("It {stands} at slot {}: it was among the best.", shown.slot),
        Verdict::ShownGuaranteed { shown, missed: 0 } => {
            format!(
                "It {stands} at slot {}: it was its application's turn.",
                shown.slot
            )
        }
        Verdict::ShownGuaranteed { shown, missed } => format!(
            "It {stands} at slot {}: its application had been missing for {}.",
            shown.slot,
            counted(u64::from(*missed), "view", "views")
        ),
        Verdict::ShownFill(shown) => {
            format!(
                "It {stands} at slot {}: it was the best of what was left.",
                shown.slot
            )
        }
        Verdict::AppCap { .. } => {
            "Its score was good enough, but its application has all its places.".to_owned()
        }
        Verdict::BelowCut(Below { margin: 0, .. }) => {
            "It was as good as the last story that came in, but no slot was left for it.".to_owned()
        }
        Verdict::BelowCut(Below { percent: 0, .. }) => {
            "It stayed less than 1 % below the last story that came in.".to_owned()
        }
        Verdict::BelowCut(below) => {
            format!("It stayed {} % below the last story that came in.", below.percent)
        }
    }
}

/// The same with what the story itself knows of it: when its reader put it away, or who took its text away and when (feed 5.1).
pub(super) fn told(of: (&Verdict, bool), story: &ToldStory, lens: &Lens<'_>) -> String {
    let sentence = verdict(of.0, of.1);
    match (of.0, story) {
        (Verdict::Hidden, ToldStory::Whole(placed)) => match placed.view.story.hidden_at {
            Some(at) => format!("You hid it on {}.", lens.moment(at).full),
            None => sentence,
        },
        (Verdict::Reported, ToldStory::Whole(placed)) => match placed.view.story.reported {
            Some((at, _)) => format!("You reported it on {}.", lens.moment(at).full),
            None => sentence,
        },
        (
            _,
            ToldStory::Faded(FadedStory {
                blanked: Some(taken), ..
            }),
        ) => format!("{sentence} {}", taken_by(*taken, lens)),
        (_, ToldStory::Whole(_) | ToldStory::Faded(_)) => sentence,
    }
}

/// Who took a story's text away and when: one sentence.
pub(super) fn taken_by((at, by): (WallMs, BlankedBy), lens: &Lens<'_>) -> String {
    let at = lens.moment(at).full;
    match by {
        BlankedBy::Takedown => format!("An administrator took it down on {at}."),
        BlankedBy::Erasure => format!("It went with its application on {at}."),
        BlankedBy::Age => format!("Texts are not kept for ever; this one went on {at}."),
    }
}

/// The numbers that go with a verdict, or nothing.
pub(super) fn details(verdict: &Verdict, cut: Option<u64>) -> String {
    let Some(score) = verdict.score() else {
        return String::new();
    };
    let score = format!("Its score was {}.", grouped(score));
    match (verdict, cut) {
        (Verdict::BelowCut(Below { margin: 0, .. }), Some(_)) => {
            format!("{score} The last story that came in had the same.")
        }
        (Verdict::BelowCut(Below { margin, .. }), Some(cut)) => {
            format!(
                "{score} The last story that came in had {}, so {} were missing.",
                grouped(cut),
                grouped(*margin)
            )
        }
        (_, Some(cut)) => format!(
            "{score} The last story that came in by its score had {}.",
            grouped(cut)
        ),
        (_, None) => score,
    }
}

/// Where a story stands, or would stand: feed page and slot, both from 1.
pub(super) fn place((page, slot): (usize, usize)) -> String {
    match page {
        1 => format!("at slot {slot}"),
        _ => format!("at slot {slot} of page {page}"),
    }
}

/// How near a story came to the cut, in percent, for those that competed and are not on the page.
pub(super) fn nearness(verdict: &Verdict) -> Option<u64> {
    match verdict {
        Verdict::AppCap { .. } => Some(100),
        Verdict::BelowCut(below) => Some(100_u64.saturating_sub(below.percent)),
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
        | Verdict::ShownFill(_) => None,
    }
}

/// A cause for which stories are not shown, by its verdict's name, with the control that would bring them back (feed 6.6).
pub(super) fn cause(verdict: &str, count: u64) -> Option<Cause> {
    const PREFERENCES: Option<(&str, &str)> = Some(("/feed/preferences", "Preferences"));
    let (words, way) = match verdict {
        "blanked" => ("whose text was removed", None),
        "damaged" => ("that cannot be shown safely", None),
        "expired" => ("older than seven days", None),
        "overflow" => ("beyond the newest that may compete", None),
        "no_grant" => (
            "of applications that you have withdrawn from",
            Some(("/settings", "Settings")),
        ),
        "app_off" => ("of applications that are switched off", PREFERENCES),
        "slider_none" => ("of applications whose slider stands at none", PREFERENCES),
        "hidden" => ("that you have hidden", Some(("/feed/hidden", "Look at them"))),
        "reported" => ("that you have reported", Some(("/feed/hidden", "Look at them"))),
        _ => return None,
    };
    (count > 0).then_some(Cause { count, words, way })
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 story`, `3 stories`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crier_platform::feed::verdict::Shown;

    #[test]
    fn thousands_have_commas_between_them() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (7_138_316_302, "7,138,316,302"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_guaranteed_place_says_for_how_long_its_application_was_missing() {
        let shown = Shown { slot: 21, score: 5 };
        assert_eq!(
            verdict(&Verdict::ShownGuaranteed { shown, missed: 1 }, true),
            "It stood at slot 21: its application had been missing for 1 view."
        );
        assert_eq!(
            verdict(&Verdict::ShownMerit(shown), false),
            "It stands at slot 21: it was among the best."
        );
    }

    #[test]
    fn a_story_that_was_as_good_is_not_said_to_have_been_worse() {
        let below = |margin, percent| {
            Verdict::BelowCut(Below {
                score: 1_000 - margin,
                cut: 1_000,
                margin,
                percent,
            })
        };
        let told = [below(0, 0), below(9, 0), below(10, 1)]
            .map(|one| (verdict(&one, true), details(&one, Some(1_000))));
        let sentences: Vec<_> = told
            .iter()
            .map(|(verdict, details)| [verdict.as_str(), details])
            .collect();
        assert_eq!(
            sentences,
            [
                [
                    "It was as good as the last story that came in, but no slot was left for it.",
                    "Its score was 1,000. The last story that came in had the same."
                ],
                [
                    "It stayed less than 1 % below the last story that came in.",
                    "Its score was 991. The last story that came in had 1,000, so 9 were missing."
                ],
                [
                    "It stayed 1 % below the last story that came in.",
                    "Its score was 990. The last story that came in had 1,000, so 10 were missing."
                ],
            ]
        );
    }

    #[test]
    fn only_what_its_reader_can_bring_back_has_a_control() {
        assert!(cause("hidden", 2).is_some_and(|cause| cause.way.is_some()));
        assert!(cause("expired", 2).is_some_and(|cause| cause.way.is_none()));
        assert!(cause("hidden", 0).is_none());
        assert!(cause("shown_merit", 2).is_none());
    }
}
