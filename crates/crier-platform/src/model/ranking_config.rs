//! The ranking configuration: every constant of feed section 4, with its version (feed 4.1, 10).
//!
//! Promise: a configuration that passes [`RankingConfig::check`] cannot make the formula overflow, divide by zero or weigh a
//! story with nothing; its canonical text is equal exactly for equal constants. Knows nothing of files or stories.

use super::bad_key::BadKey;
use super::quantity::Span;

/// A weight in units of 1/65536 (feed, conventions).
pub type Factor = u32;

/// ×1.00.
pub const FACTOR_ONE: Factor = 65_536;
/// Greatest factor (feed 10).
pub const FACTOR_MAX: Factor = (1 << 20) - 1;
/// B₀ (feed 4.3).
pub const BASE_SCORE: u64 = 1 << 32;
/// No B may reach this: then B × F fits 64 bits (feed 10, 4.3).
pub const BASE_SCORE_LIMIT: u64 = 1 << 44;
/// Steps of the decay table in one half-life (feed 4.4, row 8).
pub const DECAY_STEPS: usize = 64;
/// Greatest weight of an act, so that sums of weighted counts stay small.
const WEIGHT_MAX: i32 = 1_000_000;
/// Greatest number of slots and candidates that a configuration may ask for.
const COUNT_MAX: u32 = 1_000_000;

/// Longest half-life and expiry: 10,000 days.
const SPAN_MS_MAX: u64 = 864_000_000_000;

/// One version of the ranking (feed 4.1): kept for ever, never edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankingConfig {
    /// c.
    pub version: u32,
    /// Candidates of one user; older ones leave as `overflow` (`feed.candidates_max`).
    pub candidates_max: u32,
    /// All other constants.
    pub constants: RankingConstants,
}

/// Section `[feed.ranking]`: the constants of feed 4.4, 4.5 and 4.6.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RankingConstants {
    /// Slots of a feed page.
    pub slots: u32,
    /// f: slots of feed page 1 that the guarantee may take.
    pub slots_guaranteed: u32,
    /// Least cap of one application on a feed page.
    pub app_cap_min: u32,
    /// Affinity of a viewer without acts.
    pub affinity_base: Factor,
    /// Affinity for each point of a.
    pub affinity_step: Factor,
    /// What a click, a thumb, a hide and a report add to a.
    pub affinity_weights: [i32; 4],
    /// Least a.
    pub affinity_min: i32,
    /// Greatest a.
    pub affinity_max: i32,
    /// Days whose acts count, the day of S included.
    pub affinity_days: u32,
    /// Factors of the quality buckets 1 to 9.
    pub quality: [Factor; 9],
    /// q from which the buckets 2 to 9 begin.
    pub quality_from: [i64; 8],
    /// What a click, a thumb, a hide and a report add to q's sum.
    pub quality_weights: [i32; 4],
    /// What the sum is multiplied with.
    pub quality_scale: u32,
    /// Added to the multiplied sum: what an application without history begins with.
    pub quality_prior: u32,
    /// Added to N.
    pub quality_prior_shown: u32,
    /// Whole hours before an hour whose acts count.
    pub quality_hours: u32,
    /// Bucket of an application without a row.
    pub quality_bucket_default: u8,
    /// Factor of the one kind, `story`.
    pub kind: Factor,
    /// Factors without and with a body.
    pub body: [Factor; 2],
    /// Factors of no, one, and two to four ready pictures.
    pub pictures: [Factor; 3],
    /// Factors of priority 0, 1 or absent, 2, 3 to 100.
    pub priority: [Factor; 4],
    /// Factors of the slider's stops 1 to 4.
    pub slider: [Factor; 4],
    /// H: the age after which a story weighs half.
    pub half_life: Span,
    /// Age at which a story leaves.
    pub expiry: Span,
    /// T: the first half-life in 64 steps.
    pub decay: DecayTable,
    /// Factors of an application's 1st, 2nd, 3rd, 4th, 5th and any later story on a feed page.
    pub diversity: [Factor; 5],
}

/// T, 64 factors (feed 4.4).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<Factor>", into = "Vec<Factor>")]
pub struct DecayTable([Factor; DECAY_STEPS]);

impl DecayTable {
    /// The factor of a step; of the last one beyond the table.
    #[must_use]
    pub fn at(&self, step: usize) -> Factor {
        self.0[step.min(DECAY_STEPS - 1)]
    }
}

impl TryFrom<Vec<Factor>> for DecayTable {
    type Error = String;
    fn try_from(factors: Vec<Factor>) -> Result<Self, String> {
        let found = factors.len();
        <[Factor; DECAY_STEPS]>::try_from(factors)
            .map(Self)
            .map_err(|_| format!("expected {DECAY_STEPS} numbers, found {found}"))
    }
}

impl From<DecayTable> for Vec<Factor> {
    fn from(table: DecayTable) -> Self {
        table.0.to_vec()
    }
}

/// T of ranking v1 (feed 4.4): 65536 × 2^(−k/64), rounded.
#[rustfmt::skip]
const DECAY_V1: [Factor; DECAY_STEPS] = [
    65536, 64830, 64132, 63441, 62757, 62081, 61413, 60751, 60097, 59449, 58809, 58176, 57549, 56929, 56316, 55709,
    55109, 54515, 53928, 53347, 52773, 52204, 51642, 51085, 50535, 49991, 49452, 48920, 48393, 47871, 47356, 46846,
    46341, 45842, 45348, 44859, 44376, 43898, 43425, 42958, 42495, 42037, 41584, 41136, 40693, 40255, 39821, 39392,
    38968, 38548, 38133, 37722, 37316, 36914, 36516, 36123, 35734, 35349, 34968, 34591, 34219, 33850, 33486, 33125,
];

impl Default for RankingConfig {
    /// Ranking v1 as version 1.
    fn default() -> Self {
        Self {
            version: 1,
            candidates_max: 10_000,
            constants: RankingConstants::default(),
        }
    }
}

impl Default for RankingConstants {
    /// Ranking v1 (feed section 4).
    fn default() -> Self {
        Self {
            slots: 25,
            slots_guaranteed: 5,
            app_cap_min: 3,
            affinity_base: FACTOR_ONE,
            affinity_step: 4_096,
            affinity_weights: [1, 3, -4, -8],
            affinity_min: -12,
            affinity_max: 12,
            affinity_days: 28,
            quality: [
                6_554, 16_384, 32_768, 52_429, 65_536, 70_779, 76_022, 81_265, 85_197,
            ],
            quality_from: [-200, -100, -40, 0, 60, 120, 200, 320],
            quality_weights: [1, 2, -2, -8],
            quality_scale: 1_000,
            quality_prior: 2_000,
            quality_prior_shown: 50,
            quality_hours: 168,
            quality_bucket_default: 5,
            kind: FACTOR_ONE,
            body: [58_982, 65_536],
            pictures: [65_536, 68_813, 72_090],
            priority: [58_982, 65_536, 68_813, 72_090],
            slider: [32_768, 65_536, 98_304, 131_072],
            half_life: Span(86_400_000),
            expiry: Span(604_800_000),
            decay: DecayTable(DECAY_V1),
            diversity: [65_536, 45_875, 29_491, 19_661, 13_107],
        }
    }
}

fn refuse(wrong: bool, key: &'static str, why: &str) -> Result<(), BadKey> {
    if wrong { Err((key, why.to_owned())) } else { Ok(()) }
}

impl RankingConfig {
    /// All constants in one line of JSON, the version left out: equal texts are one version.
    #[must_use]
    pub fn canonical_text(&self) -> String {
        let text = serde_json::to_string(&(self.candidates_max, &self.constants));
        text.expect("numbers and texts under known names are always JSON")
    }

    /// The configuration of a version from its canonical text.
    ///
    /// # Errors
    /// When the text is none, or what it says is refused by [`RankingConfig::check`].
    pub fn from_canonical_text(version: u32, text: &str) -> Result<Self, String> {
        let (candidates_max, constants) = serde_json::from_str(text).map_err(|why| why.to_string())?;
        let config = Self {
            version,
            candidates_max,
            constants,
        };
        config.check().map_err(|(key, why)| format!("{key}: {why}"))?;
        Ok(config)
    }

    /// What no single value's type can say (feed 10).
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn check(&self) -> Result<(), BadKey> {
        let constants = &self.constants;
        refuse(
            self.candidates_max == 0 || self.candidates_max > COUNT_MAX,
            "feed.candidates_max",
            &format!("must be from 1 to {COUNT_MAX}"),
        )?;
        constants.check_places()?;
        constants.check_affinity()?;
        constants.check_quality()?;
        constants.check_decay()?;
        constants.check_factors()?;
        constants.check_greatest_score()
    }
}

impl RankingConstants {
    /// H in whole seconds, at least 1.
    #[must_use]
    pub fn half_life_secs(&self) -> i64 {
        i64::try_from(self.half_life.0 / 1_000).unwrap_or(i64::MAX).max(1)
    }

    /// The expiry in whole seconds.
    #[must_use]
    pub fn expiry_secs(&self) -> i64 {
        i64::try_from(self.expiry.0 / 1_000).unwrap_or(i64::MAX)
    }

    fn check_places(&self) -> Result<(), BadKey> {
        refuse(
            self.slots > COUNT_MAX,
            "feed.ranking.slots",
            &format!("must be at most {COUNT_MAX}"),
        )?;
        refuse(
            self.slots_guaranteed == 0,
            "feed.ranking.slots_guaranteed",
            "must be at least 1",
        )?;
        refuse(
            self.slots_guaranteed >= self.slots,
            "feed.ranking.slots_guaranteed",
            &format!("must be less than feed.ranking.slots, which is {}", self.slots),
        )
    }

    fn check_affinity(&self) -> Result<(), BadKey> {
        check_weights("feed.ranking.affinity_weights", self.affinity_weights)?;
        refuse(
            self.affinity_min > 0,
            "feed.ranking.affinity_min",
            "must be at most 0",
        )?;
        refuse(
            self.affinity_max < 0,
            "feed.ranking.affinity_max",
            "must be at least 0",
        )?;
        refuse(
            self.affinity_days == 0,
            "feed.ranking.affinity_days",
            "must be at least 1",
        )?;
        for (key, points) in [
            ("feed.ranking.affinity_min", self.affinity_min),
            ("feed.ranking.affinity_max", self.affinity_max),
        ] {
            let factor = i64::from(self.affinity_base)
                .saturating_add(i64::from(self.affinity_step) * i64::from(points));
            let fits = (1..=i64::from(FACTOR_MAX)).contains(&factor);
            refuse(
                !fits,
                key,
                &format!("makes the affinity factor {factor}; factors are 1 to {FACTOR_MAX}"),
            )?;
        }
        Ok(())
    }

    fn check_quality(&self) -> Result<(), BadKey> {
        check_weights("feed.ranking.quality_weights", self.quality_weights)?;
        refuse(
            self.quality_prior_shown == 0,
            "feed.ranking.quality_prior_shown",
            "must be at least 1",
        )?;
        refuse(
            self.quality_hours == 0,
            "feed.ranking.quality_hours",
            "must be at least 1",
        )?;
        refuse(
            !(1..=9).contains(&self.quality_bucket_default),
            "feed.ranking.quality_bucket_default",
            "must be from 1 to 9",
        )?;
        let rises = self.quality_from.windows(2).all(|pair| pair[0] < pair[1]);
        refuse(
            !rises,
            "feed.ranking.quality_from",
            "each must be greater than the one before",
        )
    }

    fn check_decay(&self) -> Result<(), BadKey> {
        for (key, span) in [
            ("feed.ranking.half_life", self.half_life),
            ("feed.ranking.expiry", self.expiry),
        ] {
            let fits = (1_000..=SPAN_MS_MAX).contains(&span.0) && span.0.is_multiple_of(1_000);
            refuse(!fits, key, "must be whole seconds from 1s to 10000d")?;
        }
        let falls = self.decay.0.windows(2).all(|pair| pair[0] >= pair[1]);
        refuse(
            !falls,
            "feed.ranking.decay",
            "none may be greater than the one before",
        )?;
        let halvings = (self.expiry_secs() - 1) / self.half_life_secs();
        let last = u32::try_from(halvings)
            .ok()
            .and_then(|halvings| self.decay.at(DECAY_STEPS - 1).checked_shr(halvings));
        refuse(
            last.unwrap_or(0) == 0,
            "feed.ranking.half_life",
            "is so short that the oldest story would weigh nothing: lengthen it or shorten feed.ranking.expiry",
        )
    }

    fn check_factors(&self) -> Result<(), BadKey> {
        let single = [self.kind];
        let lists: [(&'static str, &[Factor]); 8] = [
            ("feed.ranking.quality", &self.quality),
            ("feed.ranking.kind", &single),
            ("feed.ranking.body", &self.body),
            ("feed.ranking.pictures", &self.pictures),
            ("feed.ranking.priority", &self.priority),
            ("feed.ranking.slider", &self.slider),
            ("feed.ranking.decay", &self.decay.0),
            ("feed.ranking.diversity", &self.diversity),
        ];
        for (key, factors) in lists {
            let wrong = factors.iter().find(|factor| !(1..=FACTOR_MAX).contains(*factor));
            if let Some(factor) = wrong {
                return Err((
                    key,
                    format!("{factor} is no factor: factors are 1 to {FACTOR_MAX}"),
                ));
            }
        }
        Ok(())
    }

    /// Every B on the way, made of the greatest factors, stays below 2⁴⁴, so that no multiplication leaves 64 bits.
    fn check_greatest_score(&self) -> Result<(), BadKey> {
        let greatest = |factors: &[Factor]| factors.iter().copied().max().unwrap_or(FACTOR_ONE);
        let affinity = i64::from(self.affinity_base)
            .saturating_add(i64::from(self.affinity_step) * i64::from(self.affinity_max));
        let chain = [
            (
                "feed.ranking.affinity_max",
                u32::try_from(affinity).unwrap_or(FACTOR_MAX),
            ),
            ("feed.ranking.quality", greatest(&self.quality)),
            ("feed.ranking.kind", self.kind),
            ("feed.ranking.body", greatest(&self.body)),
            ("feed.ranking.pictures", greatest(&self.pictures)),
            ("feed.ranking.priority", greatest(&self.priority)),
            ("feed.ranking.slider", greatest(&self.slider)),
            ("feed.ranking.decay", greatest(&self.decay.0)),
        ];
        let mut score = BASE_SCORE;
        for (key, factor) in chain {
            score = score.saturating_mul(u64::from(factor)) / u64::from(FACTOR_ONE);
            refuse(
                score >= BASE_SCORE_LIMIT,
                key,
                "makes the greatest possible score reach 2^44: lower a factor",
            )?;
        }
        Ok(())
    }
}

fn check_weights(key: &'static str, weights: [i32; 4]) -> Result<(), BadKey> {
    let wrong = weights
        .iter()
        .any(|weight| !(-WEIGHT_MAX..=WEIGHT_MAX).contains(weight));
    refuse(wrong, key, &format!("must be from -{WEIGHT_MAX} to {WEIGHT_MAX}"))
}
