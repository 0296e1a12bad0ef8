//! Why a story was shown or not: its verdict in one view (feed 5.1, 5.2), what it weighs in words (`explain`, feed 5.4), and the
//! verdicts of a view together (`lists`, feed 5.5).
//!
//! Promise: every story of the record up to w has exactly one verdict, and each is made of what the ranking itself found. When a
//! thing happened (hidden since, blanked by whom) stands in the record; it is not asked here.

pub mod explain;
pub mod lists;

use super::rank::{Pick, Place, Ranked, Step, factors, place_of};
use crate::model::ranking::{RankedStory, Snapshot};
use crier_proto::ids::StoryId;

/// What became of one story in one view; the rows of feed 5.1 in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Text and slots were removed.
    Blanked,
    /// Its row is not its own canonical form.
    Damaged,
    /// Always shown, at this place before slot 1, from 1.
    Exempt {
        /// 1: the newest.
        place: usize,
    },
    /// As old as the expiry, or older.
    Expired,
    /// Beyond the newest candidates.
    Overflow,
    /// The acceptance was withdrawn.
    NoGrant,
    /// Its application's stories are switched off.
    AppOff,
    /// Its application's slider is at none.
    SliderNone,
    /// Put away by the viewer.
    Hidden,
    /// Reported by the viewer.
    Reported,
    /// On feed page 1 by merit.
    ShownMerit(Shown),
    /// On feed page 1 by the guarantee.
    ShownGuaranteed {
        /// Where, and with which D.
        shown: Shown,
        /// Views in a row that its application had missed before.
        missed: u32,
    },
    /// On feed page 1 by fill.
    ShownFill(Shown),
    /// Not on feed page 1 although D reaches the cut: its application has as many picks as the cap allows.
    AppCap {
        /// D.
        score: u64,
        /// The cut.
        cut: u64,
    },
    /// Any other candidate that is not on feed page 1.
    BelowCut(Below),
}

/// A story's place on feed page 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// From 1.
    pub slot: usize,
    /// D at its selection.
    pub score: u64,
}

/// How far a story stayed below the cut (feed 5.1, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Below {
    /// D, with its application's picks on feed page 1.
    pub score: u64,
    /// The cut.
    pub cut: u64,
    /// max(0, cut − D).
    pub margin: u64,
    /// ⌊100 × margin / cut⌋.
    pub percent: u64,
}

impl Below {
    fn new(score: u64, cut: u64) -> Self {
        let margin = cut.saturating_sub(score);
        Self {
            score,
            cut,
            margin,
            // Scores stay below 2⁴⁸, so a hundredfold fits; a cut of nothing has no margin either.
            percent: margin.saturating_mul(100).checked_div(cut).unwrap_or(0),
        }
    }
}

impl Verdict {
    /// Its name in records, metrics and JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Blanked => "blanked",
            Self::Damaged => "damaged",
            Self::Exempt { .. } => "exempt",
            Self::Expired => "expired",
            Self::Overflow => "overflow",
            Self::NoGrant => "no_grant",
            Self::AppOff => "app_off",
            Self::SliderNone => "slider_none",
            Self::Hidden => "hidden",
            Self::Reported => "reported",
            Self::ShownMerit(_) => "shown_merit",
            Self::ShownGuaranteed { .. } => "shown_guaranteed",
            Self::ShownFill(_) => "shown_fill",
            Self::AppCap { .. } => "app_cap",
            Self::BelowCut(_) => "below_cut",
        }
    }

    /// Its slot on feed page 1.
    #[must_use]
    pub const fn slot(&self) -> Option<usize> {
        match self {
            Self::ShownMerit(shown) | Self::ShownFill(shown) | Self::ShownGuaranteed { shown, .. } => {
                Some(shown.slot)
            }
            Self::Blanked
            | Self::Damaged
            | Self::Exempt { .. }
            | Self::Expired
            | Self::Overflow
            | Self::NoGrant
            | Self::AppOff
            | Self::SliderNone
            | Self::Hidden
            | Self::Reported
            | Self::AppCap { .. }
            | Self::BelowCut(_) => None,
        }
    }

    /// D, for stories that competed.
    #[must_use]
    pub const fn score(&self) -> Option<u64> {
        match self {
            Self::ShownMerit(shown) | Self::ShownFill(shown) | Self::ShownGuaranteed { shown, .. } => {
                Some(shown.score)
            }
            Self::AppCap { score, .. } => Some(*score),
            Self::BelowCut(below) => Some(below.score),
            Self::Blanked
            | Self::Damaged
            | Self::Exempt { .. }
            | Self::Expired
            | Self::Overflow
            | Self::NoGrant
            | Self::AppOff
            | Self::SliderNone
            | Self::Hidden
            | Self::Reported => None,
        }
    }
}

/// The verdict on one story of the snapshot, in the view that was ranked.
#[must_use]
pub fn verdict_of(snapshot: &Snapshot<'_>, ranked: &Ranked, story: &RankedStory) -> Verdict {
    match place_of(snapshot, story) {
        Place::Blanked => Verdict::Blanked,
        Place::Damaged => Verdict::Damaged,
        Place::Exempt => Verdict::Exempt {
            place: ranked.exempt.iter().take_while(|id| **id != story.id).count() + 1,
        },
        Place::Expired => Verdict::Expired,
        Place::NoGrant => Verdict::NoGrant,
        Place::AppOff => Verdict::AppOff,
        Place::SliderNone => Verdict::SliderNone,
        Place::Hidden => Verdict::Hidden,
        Place::Reported => Verdict::Reported,
        Place::Candidate if story.seq < ranked.oldest_seq => Verdict::Overflow,
        Place::Candidate => of_candidate(snapshot, ranked, story),
    }
}

fn of_candidate(snapshot: &Snapshot<'_>, ranked: &Ranked, story: &RankedStory) -> Verdict {
    let Some(app) = snapshot.apps.get(story.app.index()) else {
        return Verdict::NoGrant;
    };
    let on_page = ranked
        .first_page()
        .iter()
        .zip(1..)
        .find(|(pick, _)| pick.story == story.id);
    if let Some((pick, slot)) = on_page {
        let shown = Shown {
            slot,
            score: pick.score,
        };
        return match pick.step {
            Step::Merit => Verdict::ShownMerit(shown),
            Step::Guarantee => Verdict::ShownGuaranteed {
                shown,
                missed: app.missed,
            },
            Step::Fill | Step::Later => Verdict::ShownFill(shown),
        };
    }
    let base = factors::base_score(snapshot, app, story);
    let score = ranked.score_off_page(snapshot.config, story.app, base);
    let cut = ranked.cut.unwrap_or(0);
    if ranked.picks_of(story.app) >= ranked.cap && score >= cut {
        Verdict::AppCap { score, cut }
    } else {
        Verdict::BelowCut(Below::new(score, cut))
    }
}

/// The later feed page that holds a story, from 2, as far as pages were asked of the ranking (feed 5.2).
#[must_use]
pub fn later_page(ranked: &Ranked, story: StoryId) -> Option<usize> {
    let holds = |page: &Vec<Pick>| page.iter().any(|pick| pick.story == story);
    ranked
        .pages
        .iter()
        .skip(1)
        .position(holds)
        .map(|behind| behind + 2)
}
