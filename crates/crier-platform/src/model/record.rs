//! What a feed remembers in order to explain and repeat itself: events, views, and what is written of them (feed section 5).

use super::quantity::Span;
use super::ranking::{Acts, QualityRow, Slider};
use super::record_line::RecordLine;
use super::time::WallMs;
use crier_proto::ids::{AppId, StoryId, Uid};

/// The head of a user's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedHead {
    /// The last place that was given; 0: none.
    pub last_seq: i64,
    /// The number of the last view; 0: none.
    pub last_view: i64,
    /// Another one when places have gone out of it: what was read of the other is of no use any more.
    pub record: i64,
}

/// Why a story was reported (feed 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportReason {
    /// `spam`.
    Spam,
    /// `offensive`.
    Offensive,
    /// `not_mine`: "I didn't do this".
    NotMine,
    /// `other`.
    Other,
}

/// Who took a story's text away (feed 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlankedBy {
    /// Its age: `feed.text_keep`.
    Age,
    /// An administrator.
    Takedown,
    /// The erasure of its application.
    Erasure,
}

/// How a feed stands, read at one moment: what a snapshot is made of beside the stories that are known already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedState {
    /// Where the record stands.
    pub head: FeedHead,
    /// Stories and events above the place that was asked for, in order, texts with them; of stories only those that have not
    /// expired, and no `shown`.
    pub lines: Vec<RecordLine>,
    /// Acceptances, and whether stories are wanted.
    pub grants: Vec<(AppId, bool)>,
    /// Preferences that were moved.
    pub sliders: Vec<(AppId, Slider)>,
    /// The viewer's acts in the days that count.
    pub acts: Vec<(AppId, Acts)>,
    /// Views missed in a row, where there are any.
    pub missed: Vec<(AppId, u32)>,
}

/// What is asked of a feed's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateQuery {
    /// Whose feed.
    pub user: Uid,
    /// Rows above this place.
    pub after: i64,
    /// Stories committed later than this: older ones have expired.
    pub stories_after: WallMs,
    /// Acts of these days, the first and the last, counted from 1970.
    pub acts: (i64, i64),
}

/// What is read of a record to see the feed as it was at one of its places: what ranking looks at, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastQuery {
    /// Whose feed.
    pub user: Uid,
    /// Up to this place.
    pub upto: i64,
    /// Which stories are read.
    pub stories: PastStories,
    /// Stories that people did something with from this moment on are read too, however old.
    pub acts_from: WallMs,
    /// And this one.
    pub also: Option<StoryId>,
}

/// Stories of a past that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PastStories {
    /// Those committed later than this, and what happened to them.
    After(WallMs),
    /// None, they are in memory; what happened to them, as long as the record is the one that they were read from.
    Known {
        /// Which record that is.
        record: i64,
        /// The place of the first of them.
        from: i64,
    },
}

/// Stories of a record that are too old to be read one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OlderStories {
    /// How many have expired.
    pub expired: u64,
    /// How many have lost their text.
    pub blanked: u64,
}

/// Moments since which things are kept; what is older goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptSince {
    /// Texts and slots of stories, by their publication.
    pub texts: WallMs,
    /// Views, by when they were served.
    pub views: WallMs,
    /// What is left of stories of erased applications, by the erasure.
    pub tombstones: WallMs,
}

/// Whether there are any such things that are older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// Texts.
    pub texts: bool,
    /// Views.
    pub views: bool,
    /// Tombstones.
    pub tombstones: bool,
}

/// A serving of feed page 1 (feed 5.3): all else about it is computed from the record when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Whose.
    pub user: Uid,
    /// Its number in the user's record, from 1.
    pub number: i64,
    /// When it was served.
    pub at: WallMs,
    /// S in whole seconds.
    pub moment_secs: i64,
    /// w: the last place that it saw.
    pub seq: i64,
    /// c: the version of the ranking configuration.
    pub version: u32,
    /// Views in a row that applications had missed before it, those with none left out; by application.
    pub missed: Vec<(AppId, u32)>,
    /// Exempt stories on it, in order.
    pub exempt: Vec<StoryId>,
    /// Its slots, in order.
    pub shown: Vec<StoryId>,
    /// The highest feed page of it that was served.
    pub pages: u32,
}

/// A view with what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewView {
    /// The view.
    pub view: View,
    /// Of which record it is: `Changed` when it is another one by now.
    pub record: i64,
    /// Applications whose `missed` it moves, and to what.
    pub missed_after: Vec<(AppId, u32)>,
    /// What became of each story on it, in the order of `exempt` and `shown`.
    pub verdicts: Vec<&'static str>,
}

/// A later feed page that was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterPage {
    /// Whose.
    pub user: Uid,
    /// The view that it belongs to.
    pub view: i64,
    /// Its number, from 2.
    pub page: u32,
    /// When it was served.
    pub at: WallMs,
    /// Its stories.
    pub stories: Vec<StoryId>,
}

/// One write to a record. Each that changes it leaves its event under the record's next place (feed 8.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedWrite {
    /// A view; `Changed` unless it is the one after the last.
    View(Box<NewView>),
    /// A later feed page of a view that is known, else `Missing`.
    Later(LaterPage),
    /// A click, counted once for each story; `Missing` unless the story was in that view.
    Click {
        /// Whose.
        user: Uid,
        /// On which story.
        story: StoryId,
        /// In which view.
        view: i64,
        /// On which feed page of it.
        page: u32,
    },
    /// What a person does with a story of theirs, else `Missing`. Doing it again changes nothing.
    Act {
        /// Whose.
        user: Uid,
        /// With which story.
        story: StoryId,
        /// What.
        act: FeedAct,
    },
    /// Moves a preference; `Missing` without an acceptance.
    Slide {
        /// Whose.
        user: Uid,
        /// Of which application.
        app: AppId,
        /// To where.
        slider: Slider,
    },
    /// Keeps a version of the ranking, unless its number or its text is known.
    KeepRanking(KeptRanking),
    /// Keeps the quality rows of an hour, unless that hour has them.
    KeepHour(HourRows),
    /// An address of a private feed; `AddressesFull` when the user has so many.
    AddAddress {
        /// Hash of its token.
        token: [u8; 32],
        /// Whose.
        user: Uid,
        /// What its user calls it.
        label: String,
        /// How many a user may have.
        most: u32,
    },
    /// Revokes an address of this user, else `Missing`.
    RevokeAddress {
        /// Whose.
        user: Uid,
        /// Which.
        number: i64,
    },
    /// An address was used.
    UseAddress([u8; 32]),
    /// Removes the text and slots of stories that are older than this.
    BlankBefore(WallMs),
    /// Removes the text and slots of any story at once, as an administrator wants it; `Missing` when there is none. Once more
    /// changes nothing.
    TakeDown(StoryId),
    /// Removes what is left of stories whose applications were erased before, and the views that cannot be computed without them.
    Bury {
        /// Erased before.
        before: WallMs,
        /// The longest time for which a story ever competed.
        expiry: Span,
    },
    /// Forgets views that are older than this.
    TrimViews(WallMs),
}

/// What a person does in their feed (feed 5.6, 8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedAct {
    /// Puts a story away.
    Hide,
    /// Takes hide and report back.
    Undo,
    /// Reports it.
    Report(ReportReason),
    /// Thumbs up.
    Thumb,
    /// Takes it back.
    Unthumb,
}

/// The quality rows of an hour (feed 4.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HourRows {
    /// Hours since 1970.
    pub hour: i64,
    /// By application.
    pub rows: Vec<(AppId, QualityRow)>,
}

/// What people did with an application's stories in one feed, for its preferences (feed 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedCounts {
    /// Stories that came.
    pub published: u64,
    /// Of them shown.
    pub shown: u64,
    /// Clicked.
    pub clicked: u64,
    /// Thumbed.
    pub thumbed: u64,
    /// Put away.
    pub hidden: u64,
    /// Reported.
    pub reported: u64,
}

/// A version of the ranking, as it is kept for ever (feed 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRanking {
    /// c.
    pub version: u32,
    /// Its canonical text.
    pub text: String,
    /// Since when it was in force first.
    pub since: WallMs,
}

/// An address of a private feed (feed 6.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedAddress {
    /// Its number, by which it is revoked.
    pub number: i64,
    /// Whose feed it is.
    pub user: Uid,
    /// What its user calls it.
    pub label: String,
    /// When it was made.
    pub created_at: WallMs,
    /// When it was used last.
    pub used_at: Option<WallMs>,
}

impl ReportReason {
    /// Its word, as people send and see it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Offensive => "offensive",
            Self::NotMine => "not_mine",
            Self::Other => "other",
        }
    }

    /// The reason of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Spam, Self::Offensive, Self::NotMine, Self::Other]
            .into_iter()
            .find(|reason| reason.word() == word)
    }
}
