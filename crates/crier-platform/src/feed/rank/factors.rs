//! What a story weighs, factor by factor, and into which bucket an application falls (feed 4.3 to 4.5).
//!
//! Promise: every number of the formula is made here and nowhere else, so an explanation cannot differ from the ranking.

use crate::model::ranking::{
    Acts, Bucket, QualityCounts, QualityRow, RankedApp, RankedStory, Slider, Snapshot,
};
use crate::model::ranking_config::{
    BASE_SCORE, DECAY_STEPS, FACTOR_MAX, FACTOR_ONE, Factor, RankingConstants,
};

/// The eight factors of B in the order in which they weigh (feed 4.4).
pub const NAMES: [&str; 8] = [
    "affinity", "quality", "kind", "body", "pictures", "priority", "slider", "decay",
];

const DECAY_STEPS_I64: i64 = 64;

/// ⌊B × F / 65536⌋; exact for every B below 2⁴⁴ and every factor.
#[must_use]
pub const fn weigh(score: u64, factor: Factor) -> u64 {
    // A checked configuration never comes near the end of 64 bits; an unchecked one is held there instead of wrapping.
    score.saturating_mul(factor as u64) >> 16
}

/// Age of a story at S in whole seconds; never negative, since S is not before the newest story (feed 4.1).
#[must_use]
pub fn age_secs(snapshot: &Snapshot<'_>, story: &RankedStory) -> i64 {
    snapshot.at_secs.saturating_sub(story.published.secs()).max(0)
}

/// a: the viewer's acts, weighed and held within its ends (feed 4.4, row 1).
#[must_use]
pub fn affinity_points(constants: &RankingConstants, acts: Acts) -> i32 {
    let counts = [acts.clicks, acts.thumbs, acts.hides, acts.reports];
    let weighed = counts
        .into_iter()
        .zip(constants.affinity_weights)
        .map(|(count, weight)| i64::from(count) * i64::from(weight))
        .fold(0_i64, i64::saturating_add);
    let held = weighed
        .max(i64::from(constants.affinity_min))
        .min(i64::from(constants.affinity_max));
    i32::try_from(held).unwrap_or(constants.affinity_max)
}

fn affinity(constants: &RankingConstants, acts: Acts) -> Factor {
    let points = i64::from(affinity_points(constants, acts));
    let factor = i64::from(constants.affinity_base) + i64::from(constants.affinity_step) * points;
    u32::try_from(factor).unwrap_or(0).min(FACTOR_MAX)
}

/// q = ⌊(1000 × (C + 2U − 2X − 8R) + 2000) / (N + 50)⌋ and its bucket, for an hour's counts (feed 4.5).
#[must_use]
pub fn quality_row(constants: &RankingConstants, counts: QualityCounts) -> QualityRow {
    let columns = [counts.clicked, counts.thumbed, counts.hidden, counts.reported];
    // 128 bits: counts may stand at the end of 64, and this is done once an hour.
    let weighed: i128 = columns
        .into_iter()
        .zip(constants.quality_weights)
        .map(|(count, weight)| i128::from(count) * i128::from(weight))
        .sum();
    let above = i128::from(constants.quality_scale) * weighed + i128::from(constants.quality_prior);
    let below = (i128::from(counts.shown) + i128::from(constants.quality_prior_shown)).max(1);
    let quotient = above.div_euclid(below);
    let q = i64::try_from(quotient).unwrap_or(if quotient < 0 { i64::MIN } else { i64::MAX });
    let reached = constants.quality_from.iter().filter(|from| **from <= q).count();
    let bucket = u8::try_from(reached + 1).ok().and_then(Bucket::new);
    QualityRow {
        counts,
        q,
        bucket: bucket.expect("at most eight thresholds are reached, which is bucket 9"),
    }
}

/// The bucket in force: that of the stored row, else the default (feed 4.5).
#[must_use]
pub fn bucket_of(constants: &RankingConstants, row: Option<&QualityRow>) -> u8 {
    row.map_or(constants.quality_bucket_default, |row| row.bucket.number())
}

fn quality(constants: &RankingConstants, row: Option<&QualityRow>) -> Factor {
    let place = usize::from(bucket_of(constants, row)).saturating_sub(1);
    constants.quality.get(place).copied().unwrap_or(FACTOR_ONE)
}

/// Factor of a slider's stop; that of the lowest for none, whose stories are no candidates.
fn slider(constants: &RankingConstants, stop: Slider) -> Factor {
    let [less, normal, more, most] = constants.slider;
    match stop {
        Slider::None | Slider::Less => less,
        Slider::Normal => normal,
        Slider::More => more,
        Slider::Most => most,
    }
}

fn pictures(constants: &RankingConstants, ready: u8) -> Factor {
    let [none, one, several] = constants.pictures;
    match ready {
        0 => none,
        1 => one,
        2.. => several,
    }
}

fn priority(constants: &RankingConstants, story: &RankedStory) -> Factor {
    use crate::model::ranking::PriorityClass::{High, One, Two, Zero};
    let [zero, one, two, high] = constants.priority;
    match story.priority {
        Zero => zero,
        One => one,
        Two => two,
        High => high,
    }
}

/// T[k] shifted right by n bits, with n = ⌊age / H⌋ and k = ⌊(age mod H) × 64 / H⌋ (feed 4.4, row 8).
#[must_use]
pub fn decay(constants: &RankingConstants, age_secs: i64) -> Factor {
    let half_life = constants.half_life_secs();
    let age = age_secs.max(0);
    let halvings = u32::try_from(age / half_life).unwrap_or(u32::MAX);
    let step = (age % half_life).saturating_mul(DECAY_STEPS_I64) / half_life;
    let step = usize::try_from(step).unwrap_or(DECAY_STEPS);
    constants.decay.at(step).checked_shr(halvings).unwrap_or(0)
}

/// Factor of an application's next story after this many on one feed page (feed 4.4, row 9).
#[must_use]
pub fn diversity(constants: &RankingConstants, placed_before: u32) -> Factor {
    let last = constants.diversity.len() - 1;
    let place = usize::try_from(placed_before).unwrap_or(last).min(last);
    constants.diversity[place]
}

/// The factors 1 to 8 of a story, in the order of [`NAMES`].
#[must_use]
pub fn of_story(snapshot: &Snapshot<'_>, app: &RankedApp, story: &RankedStory) -> [Factor; 8] {
    let constants = &snapshot.config.constants;
    let [no_body, with_body] = constants.body;
    [
        affinity(constants, app.acts),
        quality(constants, app.quality.as_ref()),
        constants.kind,
        if story.has_body { with_body } else { no_body },
        pictures(constants, story.pictures),
        priority(constants, story),
        slider(constants, app.slider),
        decay(constants, age_secs(snapshot, story)),
    ]
}

/// What all stories of an application share, computed once for each snapshot: B₃ and the factor of the slider.
#[derive(Debug, Clone, Copy)]
pub(super) struct AppScores {
    shared: u64,
    slider: Factor,
}

impl AppScores {
    pub(super) fn of(snapshot: &Snapshot<'_>, app: &RankedApp) -> Self {
        let constants = &snapshot.config.constants;
        let shared = [
            affinity(constants, app.acts),
            quality(constants, app.quality.as_ref()),
            constants.kind,
        ];
        Self {
            shared: shared.into_iter().fold(BASE_SCORE, weigh),
            slider: slider(constants, app.slider),
        }
    }

    /// B of one of its stories.
    pub(super) fn base(&self, snapshot: &Snapshot<'_>, story: &RankedStory) -> u64 {
        let constants = &snapshot.config.constants;
        let [no_body, with_body] = constants.body;
        let own = [
            if story.has_body { with_body } else { no_body },
            pictures(constants, story.pictures),
            priority(constants, story),
            self.slider,
            decay(constants, age_secs(snapshot, story)),
        ];
        own.into_iter().fold(self.shared, weigh)
    }
}

/// B of a story.
#[must_use]
pub fn base_score(snapshot: &Snapshot<'_>, app: &RankedApp, story: &RankedStory) -> u64 {
    AppScores::of(snapshot, app).base(snapshot, story)
}
