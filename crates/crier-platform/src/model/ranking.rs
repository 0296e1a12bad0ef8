//! What ranking looks at: a snapshot's applications and stories, as small values (feed 4.1, 4.2).
//!
//! Promise: these values and the configuration are all there is; whoever has them can repeat a feed page. Knows no record, no
//! clock and no formula.

use super::ranking_config::RankingConfig;
use super::time::WallMs;
use crier_proto::ids::{AppId, StoryId};

/// One reading of a feed: what is frozen while its pages are turned (feed 4.1).
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// S in whole seconds: see [`moment_of`].
    pub at_secs: i64,
    /// The configuration of version c.
    pub config: &'a RankingConfig,
    /// The applications that stories refer to by their place in this list.
    pub apps: &'a [RankedApp],
}

/// S: the later of *now* and the newest story of the record up to w, in whole seconds (feed 4.1).
#[must_use]
pub fn moment_of(now: WallMs, newest_published: Option<WallMs>) -> i64 {
    newest_published.map_or(now, |newest| newest.max(now)).secs()
}

/// An application as one viewer's ranking sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankedApp {
    /// Its number.
    pub app: AppId,
    /// Whether its stories may compete at all.
    pub standing: Standing,
    /// The viewer's preference.
    pub slider: Slider,
    /// The viewer's own acts on its stories (feed 4.4, row 1).
    pub acts: Acts,
    /// Its quality row of the snapshot's hour; `None`: no row was stored, which is bucket 5 (feed 4.5).
    pub quality: Option<QualityRow>,
    /// Views in a row on which it competed and had no slot (feed 4.7).
    pub missed: u32,
}

impl RankedApp {
    /// An application that may compete, without history, preference or acts.
    #[must_use]
    pub const fn new(app: AppId) -> Self {
        Self {
            app,
            standing: Standing::Wanted,
            slider: Slider::Normal,
            acts: Acts {
                clicks: 0,
                thumbs: 0,
                hides: 0,
                reports: 0,
            },
            quality: None,
            missed: 0,
        }
    }
}

/// Whether the stories of an application may compete in one user's feed (feed 4.2, 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Accepted, and its stories are wanted.
    Wanted,
    /// The acceptance was withdrawn.
    NoGrant,
    /// Accepted, its stories switched off.
    Off,
}

/// The five stops of a preference (feed 4.4, row 7; 6.4).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "u8", into = "u8")]
pub enum Slider {
    /// 0: no candidate.
    None,
    /// 1.
    Less,
    /// 2.
    #[default]
    Normal,
    /// 3.
    More,
    /// 4.
    Most,
}

impl TryFrom<u8> for Slider {
    type Error = &'static str;
    fn try_from(stop: u8) -> Result<Self, Self::Error> {
        match stop {
            0 => Ok(Self::None),
            1 => Ok(Self::Less),
            2 => Ok(Self::Normal),
            3 => Ok(Self::More),
            4 => Ok(Self::Most),
            _ => Err("a slider has the stops 0 to 4"),
        }
    }
}

impl From<Slider> for u8 {
    fn from(slider: Slider) -> Self {
        match slider {
            Slider::None => 0,
            Slider::Less => 1,
            Slider::Normal => 2,
            Slider::More => 3,
            Slider::Most => 4,
        }
    }
}

/// One viewer's acts on one application's stories in the UTC day of S and the 27 days before, each story once per kind of act,
/// undone acts not counted (feed 4.4, row 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Acts {
    /// Stories clicked.
    pub clicks: u32,
    /// Stories thumbed.
    pub thumbs: u32,
    /// Stories hidden.
    pub hides: u32,
    /// Stories reported.
    pub reports: u32,
}

/// What everybody did with one application's stories in the 168 hours before an hour, each story once per column (feed 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct QualityCounts {
    /// N: first shown.
    pub shown: u64,
    /// C.
    pub clicked: u64,
    /// U.
    pub thumbed: u64,
    /// X.
    pub hidden: u64,
    /// R.
    pub reported: u64,
}

/// The stored row of one application and hour: computed once and never again (feed 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct QualityRow {
    /// N C U X R.
    #[serde(flatten)]
    pub counts: QualityCounts,
    /// q.
    pub q: i64,
    /// 1 to 9.
    pub bucket: Bucket,
}

/// A quality bucket, 1 to 9 (feed 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Bucket(u8);

impl Bucket {
    /// Buckets there are.
    pub const COUNT: usize = 9;

    /// The bucket of this number; `None` beyond 1 to 9.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= 9 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Its number, 1 to 9.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Bucket {
    type Error = &'static str;
    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::new(number).ok_or("a bucket is a number from 1 to 9")
    }
}

impl From<Bucket> for u8 {
    fn from(bucket: Bucket) -> Self {
        bucket.0
    }
}

/// A story as ranking sees it; 32 bytes, since memory holds one for each story of every loaded user (feed 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankedStory {
    /// Its number.
    pub id: StoryId,
    /// Its place in the user's record.
    pub seq: i64,
    /// When it was committed.
    pub published: WallMs,
    /// Its application's place in the snapshot's list.
    pub app: AppPlace,
    /// Class of its priority (feed 4.4, row 6).
    pub priority: PriorityClass,
    /// Pictures that are `ready`, 0 to 4 (feed 4.4, row 5).
    pub pictures: u8,
    /// Whether it has a body (feed 4.4, row 4).
    pub has_body: bool,
    /// What keeps it from competing, or sets it apart.
    pub marks: Marks,
}

/// An application's place in the list of a snapshot or of a user's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppPlace(pub u32);

impl AppPlace {
    /// The place as an index.
    #[must_use]
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Priorities that weigh alike (feed 4.4, row 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PriorityClass {
    /// 0.
    Zero,
    /// 1, absent, or a text that weighs nothing (feed 3.9).
    #[default]
    One,
    /// 2.
    Two,
    /// 3 to 100.
    High,
}

impl PriorityClass {
    /// The class of a number as it was given.
    #[must_use]
    pub const fn of(priority: Option<u8>) -> Self {
        match priority {
            Some(0) => Self::Zero,
            None | Some(1) => Self::One,
            Some(2) => Self::Two,
            Some(3..) => Self::High,
        }
    }

    /// The least number of the class; absent is 1.
    #[must_use]
    pub const fn least(self) -> Option<u8> {
        match self {
            Self::Zero => Some(0),
            Self::One => None,
            Self::Two => Some(2),
            Self::High => Some(3),
        }
    }
}

/// What is marked on a story (feed 1.1, 4.2): a set in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks(u8);

impl Marks {
    /// Published by an application's owner to himself (feed 4.8).
    pub const EXEMPT: Self = Self(1);
    /// Text and slots removed (feed 1.2).
    pub const BLANKED: Self = Self(2);
    /// A row that is not its own canonical form (feed 2.7).
    pub const DAMAGED: Self = Self(4);
    /// Put away by its user.
    pub const HIDDEN: Self = Self(8);
    /// Reported by its user.
    pub const REPORTED: Self = Self(16);

    /// No mark.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// These marks and those.
    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// These marks without those.
    #[must_use]
    pub const fn without(self, fewer: Self) -> Self {
        Self(self.0 & !fewer.0)
    }

    /// Whether any of those is among these.
    #[must_use]
    pub const fn any_of(self, those: Self) -> bool {
        self.0 & those.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_takes_thirty_two_bytes() {
        assert_eq!(size_of::<RankedStory>(), 32);
    }

    #[test]
    fn s_is_the_later_of_now_and_the_newest_story_in_whole_seconds() {
        assert_eq!(moment_of(WallMs(1_999), None), 1);
        assert_eq!(moment_of(WallMs(1_999), Some(WallMs(5_000))), 5);
        assert_eq!(moment_of(WallMs(7_000), Some(WallMs(5_000))), 7);
        assert_eq!(moment_of(WallMs(-1), Some(WallMs(i64::MIN))), -1);
    }

    #[test]
    fn priorities_fall_into_four_classes_and_absent_is_one() {
        use PriorityClass::{High, One, Two, Zero};
        let classes = [None, Some(0), Some(1), Some(2), Some(3), Some(100)].map(PriorityClass::of);
        assert_eq!(classes, [One, Zero, One, Two, High, High]);
    }

    #[test]
    fn marks_are_a_set() {
        let both = Marks::HIDDEN.with(Marks::EXEMPT);
        assert!(both.any_of(Marks::HIDDEN) && both.any_of(Marks::EXEMPT) && !both.any_of(Marks::REPORTED));
        assert_eq!(both.without(Marks::HIDDEN), Marks::EXEMPT);
        assert!(!Marks::none().any_of(both));
    }

    #[test]
    fn sliders_and_buckets_are_numbers_within_their_ends() {
        assert!((0..=4).all(|stop| u8::from(Slider::try_from(stop).unwrap()) == stop));
        assert!(Slider::try_from(5).is_err());
        assert_eq!((Bucket::new(0), Bucket::new(10)), (None, None));
        assert_eq!(Bucket::new(9).map(Bucket::number), Some(9));
    }
}
