//! A view's verdicts all together: counts, "What didn't make it", and where an exempt story would have stood (feed 5.1, 5.5).

use super::{Verdict, verdict_of};
use crate::feed::EXEMPT_MAX;
use crate::feed::rank::{Pick, Place, Ranked, factors, place_of, rank};
use crate::model::ranking::{Marks, RankedApp, RankedStory, Slider, Snapshot, Standing};
use std::cmp::Reverse;

/// Every verdict's name in the order of feed 5.1.
pub const NAMES: [&str; 15] = [
    "blanked",
    "damaged",
    "exempt",
    "expired",
    "overflow",
    "no_grant",
    "app_off",
    "slider_none",
    "hidden",
    "reported",
    "shown_merit",
    "shown_guaranteed",
    "shown_fill",
    "app_cap",
    "below_cut",
];

/// How many stories have each verdict, in the order of [`NAMES`]; the sum is the number of stories given.
#[must_use]
pub fn counts<'s>(
    snapshot: &Snapshot<'_>,
    ranked: &Ranked,
    stories: impl IntoIterator<Item = &'s RankedStory>,
) -> [(&'static str, u64); NAMES.len()] {
    let mut counts = NAMES.map(|name| (name, 0));
    let mut add = |name: &'static str| {
        for (_, count) in counts.iter_mut().filter(|(known, _)| *known == name) {
            *count += 1;
        }
    };
    for pick in ranked.first_page() {
        add(pick.step.verdict());
    }
    let mut below_cut = 0;
    for story in stories {
        let competes = place_of(snapshot, story) == Place::Candidate && story.seq >= ranked.oldest_seq;
        if !competes {
            add(verdict_of(snapshot, ranked, story).name());
        } else if ranked.picks_of(story.app) < ranked.cap {
            // Picks are counted above; what its application could still have placed stayed below the cut.
            below_cut += 1;
        } else if ranked.first_page().iter().all(|pick| pick.story != story.id) {
            add(verdict_of(snapshot, ranked, story).name());
        }
    }
    let below_the_cap = |pick: &&Pick| ranked.picks_of(pick.app) < ranked.cap;
    let picked = ranked.first_page().iter().filter(below_the_cap).count();
    if let Some((_, count)) = counts.last_mut() {
        *count += below_cut - picked as u64;
    }
    counts
}

/// "What didn't make it": stories younger than the expiry that are not on feed page 1, highest D first, those without one last,
/// then newest, then the smaller id (feed 5.5). So the exempt ones beyond those on feed page 1 are among the last (feed 4.8).
#[must_use]
pub fn left_out<'s>(
    snapshot: &Snapshot<'_>,
    ranked: &Ranked,
    stories: impl IntoIterator<Item = &'s RankedStory>,
) -> Vec<(&'s RankedStory, Verdict)> {
    let mut list: Vec<_> = stories
        .into_iter()
        .filter(|story| is_young(snapshot, story))
        .map(|story| (story, verdict_of(snapshot, ranked, story)))
        .filter(|(_, verdict)| !is_on_page_1(verdict))
        .collect();
    list.sort_by_key(|(story, verdict)| (Reverse(verdict.score()), Reverse(story.published), story.id));
    list
}

/// Whether a story of this verdict stands on feed page 1, in a slot or before the first one.
fn is_on_page_1(verdict: &Verdict) -> bool {
    if let Verdict::Exempt { place } = verdict {
        *place <= EXEMPT_MAX
    } else {
        verdict.slot().is_some()
    }
}

/// How many stories [`left_out`] lists, without judging each.
#[must_use]
pub fn left_out_count<'s>(
    snapshot: &Snapshot<'_>,
    ranked: &Ranked,
    stories: impl IntoIterator<Item = &'s RankedStory>,
) -> usize {
    let young = stories.into_iter().filter(|story| is_young(snapshot, story));
    young
        .count()
        .saturating_sub(ranked.exempt.len().min(EXEMPT_MAX) + ranked.first_page().len())
}

fn is_young(snapshot: &Snapshot<'_>, story: &RankedStory) -> bool {
    factors::age_secs(snapshot, story) < snapshot.config.constants.expiry_secs()
}

/// Feed page and slot that a story would have had if it competed like any other, both from 1: "would stand at slot 7" (feed 5.5).
/// `None`: it has expired, or there is no such story.
#[must_use]
pub fn would_stand<'s>(
    snapshot: &Snapshot<'_>,
    stories: impl IntoIterator<Item = &'s RankedStory>,
    story: &RankedStory,
) -> Option<(usize, usize)> {
    let mut stories: Vec<RankedStory> = stories.into_iter().copied().collect();
    for same in stories.iter_mut().filter(|other| other.id == story.id) {
        same.marks = same.marks.without(Marks::EXEMPT);
    }
    let mut apps = snapshot.apps.to_vec();
    // Its owner need not have accepted the application, and the preference is about other people's stories.
    if let Some(app) = apps.get_mut(story.app.index()) {
        *app = RankedApp {
            standing: Standing::Wanted,
            slider: app.slider.max(Slider::Less),
            ..*app
        };
    }
    let alone = Snapshot {
        apps: &apps,
        ..*snapshot
    };
    let ranked = rank(&alone, &stories, usize::MAX);
    let places = ranked.pages.iter().zip(1..).flat_map(|(picks, page)| {
        picks
            .iter()
            .zip(1..)
            .map(move |(pick, slot)| (pick.story, (page, slot)))
    });
    places
        .into_iter()
        .find(|(id, _)| *id == story.id)
        .map(|(_, place)| place)
}
