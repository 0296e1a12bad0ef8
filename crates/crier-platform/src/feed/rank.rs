//! Ranking v1: which stories stand on which feed page, and by which step (feed section 4).
//!
//! Promise: a pure function of its snapshot in integers. Equal inputs, in whatever order, give equal pages, scores and steps on
//! any machine; a checked configuration cannot make it overflow. Knows the model alone: no record, no clock, no chance.
//!
//! - `factors`: what a story weighs, factor by factor, and an application's quality
//! - `filling`: merit, guarantee, fill, the cap, later pages

pub mod factors;
mod filling;

use crate::model::ranking::{AppPlace, Marks, RankedApp, RankedStory, Slider, Snapshot, Standing};
use crate::model::ranking_config::RankingConfig;
use crate::model::time::WallMs;
use crier_proto::ids::{AppId, StoryId};
use factors::{AppScores, diversity};
use filling::{Candidate, Filling};

/// A story in its place on a feed page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    /// The story.
    pub story: StoryId,
    /// Its place in the record.
    pub seq: i64,
    /// Its application.
    pub app: AppPlace,
    /// How it came to its place.
    pub step: Step,
    /// B.
    pub base: u64,
    /// Stories of its application that were placed on this feed page before it: what its diversity factor counts.
    pub placed_before: u32,
    /// D.
    pub score: u64,
}

/// How a story comes to its place (feed 4.6, 4.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// (a) The best of all.
    Merit,
    /// (b) The turn of an application that was missed.
    Guarantee,
    /// (c) The best of what is left.
    Fill,
    /// On feed page 2 or later.
    Later,
}

/// What ranking found: the feed pages that were asked for, and what explains them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Exempt stories, newest first: they stand before slot 1 and compete with nobody (feed 4.8).
    pub exempt: Vec<StoryId>,
    /// Feed pages from the first on, at most as many as were asked for; none is empty. Slot n of page 1 is `pages[0][n - 1]`.
    pub pages: Vec<Vec<Pick>>,
    /// The smallest D among the picks of merit and fill on feed page 1; `None`: nothing competed (feed 5.2).
    pub cut: Option<u64>,
    /// Stories that competed.
    pub candidates: usize,
    /// A: applications that competed.
    pub active: usize,
    /// Picks that an application may have on a feed page while another may still pick.
    pub cap: u32,
    /// Candidates of the record older than this seq left it as `overflow`.
    pub oldest_seq: i64,
    /// By application's place: candidates, and picks on feed page 1.
    apps: Vec<Share>,
}

/// One application's part in a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Share {
    candidates: u32,
    picks: u32,
}

/// What a story is to a snapshot before anything is scored (feed 4.2, 4.8, and the order of 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It competes, unless it is beyond the newest `candidates_max`.
    Candidate,
    /// It stands before slot 1.
    Exempt,
    /// Blanked.
    Blanked,
    /// Damaged.
    Damaged,
    /// Older than the expiry.
    Expired,
    /// Its application is not accepted any more.
    NoGrant,
    /// Its application's stories are switched off.
    AppOff,
    /// Its application's slider is at none.
    SliderNone,
    /// Put away by its user.
    Hidden,
    /// Reported by its user.
    Reported,
}

/// Where a story stands in a snapshot: the first rule that applies.
#[must_use]
pub fn place_of(snapshot: &Snapshot<'_>, story: &RankedStory) -> Place {
    let marks = story.marks;
    let is_expired = factors::age_secs(snapshot, story) >= snapshot.config.constants.expiry_secs();
    if marks.any_of(Marks::BLANKED) {
        Place::Blanked
    } else if marks.any_of(Marks::DAMAGED) {
        Place::Damaged
    } else if is_expired {
        Place::Expired
    } else if marks.any_of(Marks::EXEMPT) {
        put_away(marks).unwrap_or(Place::Exempt)
    } else {
        let app = snapshot.apps.get(story.app.index());
        app.map_or(Some(Place::NoGrant), refused_by)
            .or_else(|| put_away(marks))
            .unwrap_or(Place::Candidate)
    }
}

/// Why an application's stories do not compete at all, if so.
const fn refused_by(app: &RankedApp) -> Option<Place> {
    match (app.standing, app.slider) {
        (Standing::NoGrant, _) => Some(Place::NoGrant),
        (Standing::Off, _) => Some(Place::AppOff),
        (Standing::Wanted, Slider::None) => Some(Place::SliderNone),
        (Standing::Wanted, Slider::Less | Slider::Normal | Slider::More | Slider::Most) => None,
    }
}

/// The viewer's own act on a story; a report also hides, so it is asked first.
const fn put_away(marks: Marks) -> Option<Place> {
    if marks.any_of(Marks::REPORTED) {
        Some(Place::Reported)
    } else if marks.any_of(Marks::HIDDEN) {
        Some(Place::Hidden)
    } else {
        None
    }
}

/// Ranks a snapshot's stories, given in any order, and lays out its first `pages_max` feed pages.
#[must_use]
pub fn rank<'s>(
    snapshot: &Snapshot<'_>,
    stories: impl IntoIterator<Item = &'s RankedStory>,
    pages_max: usize,
) -> Ranked {
    let mut gathered = gather(snapshot, stories);
    let oldest_seq = drop_overflow(&mut gathered.candidates, snapshot.config);
    let mut filling = Filling::new(snapshot, gathered.candidates);
    let mut ranked = Ranked {
        exempt: newest_first(gathered.exempt),
        pages: Vec::new(),
        cut: None,
        candidates: filling.candidates(),
        active: filling.active(),
        cap: filling.cap(),
        oldest_seq,
        apps: filling.shares(),
    };
    while ranked.pages.len() < pages_max && filling.has_left() {
        let page = if ranked.pages.is_empty() {
            filling.first_page()
        } else {
            filling.later_page()
        };
        ranked.pages.push(page);
    }
    if let Some(first) = ranked.pages.first() {
        for pick in first {
            ranked.apps[pick.app.index()].picks += 1;
        }
        let by_score = first.iter().filter(|pick| pick.step != Step::Guarantee);
        ranked.cut = by_score.map(|pick| pick.score).min();
    }
    ranked
}

/// What competes and what stands before, still without order.
struct Gathered {
    candidates: Vec<Candidate>,
    exempt: Vec<(WallMs, StoryId)>,
}

fn gather<'s>(snapshot: &Snapshot<'_>, stories: impl IntoIterator<Item = &'s RankedStory>) -> Gathered {
    let scores: Vec<AppScores> = snapshot
        .apps
        .iter()
        .map(|app| AppScores::of(snapshot, app))
        .collect();
    let mut gathered = Gathered {
        candidates: Vec::new(),
        exempt: Vec::new(),
    };
    for story in stories {
        match place_of(snapshot, story) {
            Place::Exempt => gathered.exempt.push((story.published, story.id)),
            Place::Candidate => gathered.candidates.push(Candidate {
                app: story.app,
                base: scores[story.app.index()].base(snapshot, story),
                published: story.published,
                id: story.id,
                seq: story.seq,
            }),
            Place::Blanked
            | Place::Damaged
            | Place::Expired
            | Place::NoGrant
            | Place::AppOff
            | Place::SliderNone
            | Place::Hidden
            | Place::Reported => {}
        }
    }
    gathered
}

/// Leaves the newest `candidates_max` by seq, and says from which seq on they are.
fn drop_overflow(candidates: &mut Vec<Candidate>, config: &RankingConfig) -> i64 {
    let keep = usize::try_from(config.candidates_max)
        .unwrap_or(usize::MAX)
        .max(1);
    if candidates.len() <= keep {
        return i64::MIN;
    }
    let (_, oldest, _) =
        candidates.select_nth_unstable_by_key(keep - 1, |candidate| std::cmp::Reverse(candidate.seq));
    let oldest = oldest.seq;
    candidates.truncate(keep);
    oldest
}

/// Newest first, then the smaller id.
fn newest_first(mut stories: Vec<(WallMs, StoryId)>) -> Vec<StoryId> {
    stories.sort_unstable_by_key(|(published, id)| (std::cmp::Reverse(*published), *id));
    stories.into_iter().map(|(_, id)| id).collect()
}

impl Step {
    /// The name of the verdict on a story that it has placed on feed page 1 (feed 5.1).
    #[must_use]
    pub const fn verdict(self) -> &'static str {
        match self {
            Self::Merit => "shown_merit",
            Self::Guarantee => "shown_guaranteed",
            Self::Fill | Self::Later => "shown_fill",
        }
    }
}

impl Ranked {
    /// Feed page 1, in the order of its slots.
    #[must_use]
    pub fn first_page(&self) -> &[Pick] {
        self.pages.first().map_or(&[], Vec::as_slice)
    }

    /// Whether the application has a candidate (feed 4.2).
    #[must_use]
    pub fn is_active(&self, app: AppPlace) -> bool {
        self.apps
            .get(app.index())
            .is_some_and(|share| share.candidates > 0)
    }

    /// The application's picks on feed page 1.
    #[must_use]
    pub fn picks_of(&self, app: AppPlace) -> u32 {
        self.apps.get(app.index()).map_or(0, |share| share.picks)
    }

    /// What `missed` is after this view, for every application of the snapshot in its order (feed 4.7).
    pub fn missed_after<'r>(&'r self, snapshot: &'r Snapshot<'_>) -> impl Iterator<Item = (AppId, u32)> + 'r {
        snapshot.apps.iter().zip(&self.apps).map(|(app, share)| {
            let waits = share.candidates > 0 && share.picks == 0;
            (app.app, if waits { app.missed.saturating_add(1) } else { 0 })
        })
    }

    /// D of a story that is not on feed page 1: its application's picks there count (feed 5.2).
    #[must_use]
    pub fn score_off_page(&self, config: &RankingConfig, app: AppPlace, base: u64) -> u64 {
        factors::weigh(base, diversity(&config.constants, self.picks_of(app)))
    }
}
