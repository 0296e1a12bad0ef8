//! A feed's record as lines of JSON: what `crier feed export` writes and `crier simulate --replay` reads (feed 8.6, 9.4).
//!
//! Promise: the lines hold everything that a feed page was computed from, text left out unless it is asked for. Every line is one
//! object whose first field, `line`, says which it is. Configurations and buckets stand before the views that refer to them;
//! stories and events follow each other by `seq`.

use super::ranking::{PriorityClass, QualityRow, Slider};
use super::ranking_config::{RankingConfig, RankingConstants};
use super::time::WallMs;
use crier_proto::ids::{AppId, StoryId};
use serde::{Deserialize, Serialize};

/// One line of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum RecordLine {
    /// A version of the ranking.
    Config(Box<ConfigLine>),
    /// An application's quality row of an hour.
    Bucket(BucketLine),
    /// A story.
    Story(Box<StoryLine>),
    /// A fact.
    Event(EventLine),
    /// A serving of feed page 1.
    View(ViewLine),
}

/// A version of the ranking (feed 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigLine {
    /// c.
    pub version: u32,
    /// `feed.candidates_max`.
    pub candidates_max: u32,
    /// All constants.
    pub ranking: RankingConstants,
}

impl From<&RankingConfig> for ConfigLine {
    fn from(config: &RankingConfig) -> Self {
        Self {
            version: config.version,
            candidates_max: config.candidates_max,
            ranking: config.constants.clone(),
        }
    }
}

impl From<ConfigLine> for RankingConfig {
    fn from(line: ConfigLine) -> Self {
        Self {
            version: line.version,
            candidates_max: line.candidates_max,
            constants: line.ranking,
        }
    }
}

/// An application's quality row of an hour (feed 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLine {
    /// The application.
    pub app: AppId,
    /// Whole hours since 1970.
    pub hour: i64,
    /// `shown`, `clicked`, `thumbed`, `hidden`, `reported`, `q`, `bucket`.
    #[serde(flatten)]
    pub row: QualityRow,
}

/// A story as it was committed; what became of it stands in events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoryLine {
    /// Its place in the record.
    pub seq: i64,
    /// Its number.
    pub story: StoryId,
    /// Its application.
    pub app: AppId,
    /// When it was committed, milliseconds.
    pub published_ms: WallMs,
    /// 0 to 100, or absent; a text that weighs nothing is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Published by the application's owner to himself.
    pub exempt: bool,
    /// Whether it has a body; stays true when the text is blanked.
    pub has_body: bool,
    /// Its row is not its own canonical form.
    #[serde(default, skip_serializing_if = "is_false")]
    pub damaged: bool,
    /// Canonical markup, only with text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Canonical markup, only with text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl StoryLine {
    /// The class of its priority.
    #[must_use]
    pub const fn priority_class(&self) -> PriorityClass {
        PriorityClass::of(self.priority)
    }
}

/// One fact of the record (feed 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    /// Its place in the record, in one count with the stories.
    pub seq: i64,
    /// When, milliseconds.
    pub at_ms: WallMs,
    /// What happened, with what belongs to it.
    #[serde(flatten)]
    pub event: LineEvent,
    /// The application.
    pub app: AppId,
    /// The story, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story: Option<StoryId>,
    /// The number of the view in which it was done, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<i64>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LineEvent {
    /// First served.
    Shown,
    /// First counted click.
    Clicked,
    /// Put away.
    Hidden,
    /// Hide and report taken back.
    Undone,
    /// Reported.
    Reported {
        /// Why.
        reason: LineReason,
    },
    /// Thumbs up.
    Thumbed,
    /// Thumbs up taken back.
    Unthumbed,
    /// A preference was moved.
    Slider {
        /// To this stop, 0 to 4.
        stop: Slider,
    },
    /// The application's stories were switched on or off.
    Switched {
        /// To this side.
        on: bool,
    },
    /// The application was accepted.
    Granted,
    /// The acceptance was withdrawn.
    Withdrawn,
    /// The picture of a slot is ready.
    PictureReady {
        /// 1 to 4.
        slot: u8,
    },
    /// The picture of a slot was removed.
    PictureRemoved {
        /// 1 to 4.
        slot: u8,
    },
    /// Text and slots were removed.
    Blanked,
}

/// Why a story was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineReason {
    /// Unwanted advertising.
    Spam,
    /// Offensive.
    Offensive,
    /// "I didn't do this".
    NotMine,
    /// Anything else.
    Other,
}

/// A serving of feed page 1 (feed 5.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewLine {
    /// Its number, from 1.
    pub number: i64,
    /// When it was served, milliseconds.
    pub at_ms: WallMs,
    /// S in whole seconds.
    pub moment: i64,
    /// w.
    pub seq: i64,
    /// c.
    pub version: u32,
    /// Views in a row that applications had missed before it; those with none are left out.
    pub missed: Vec<(AppId, u32)>,
    /// Exempt stories on it, in order; at most the newest 25.
    pub exempt: Vec<StoryId>,
    /// Its slots, in order.
    pub shown: Vec<StoryId>,
    /// The highest feed page of it that was served.
    pub pages: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ranking::{Bucket, QualityCounts};

    fn app() -> AppId {
        AppId::new(7).unwrap()
    }

    fn lines() -> Vec<(RecordLine, &'static str)> {
        let story = StoryLine {
            seq: 2,
            story: StoryId::new(9).unwrap(),
            app: app(),
            published_ms: WallMs(5_000),
            priority: Some(2),
            exempt: false,
            has_body: true,
            damaged: false,
            title: None,
            body: None,
        };
        let event = |event| {
            RecordLine::Event(EventLine {
                seq: 3,
                at_ms: WallMs(6_000),
                event,
                app: app(),
                story: StoryId::new(9),
                view: Some(1),
            })
        };
        let view = ViewLine {
            number: 1,
            at_ms: WallMs(5_500),
            moment: 5,
            seq: 2,
            version: 1,
            missed: vec![(app(), 4)],
            exempt: Vec::new(),
            shown: vec![story.story],
            pages: 1,
        };
        let bucket = BucketLine {
            app: app(),
            hour: 490_000,
            row: QualityRow {
                counts: QualityCounts {
                    shown: 5,
                    clicked: 4,
                    thumbed: 3,
                    hidden: 2,
                    reported: 1,
                },
                q: 36,
                bucket: Bucket::new(5).unwrap(),
            },
        };
        vec![
            (
                RecordLine::Bucket(bucket),
                r#"{"line":"bucket","app":7,"hour":490000,"shown":5,"clicked":4,"thumbed":3,"hidden":2,"reported":1,"q":36,"bucket":5}"#,
            ),
            (
                RecordLine::Story(Box::new(story)),
                r#"{"line":"story","seq":2,"story":9,"app":7,"published_ms":5000,"priority":2,"exempt":false,"has_body":true}"#,
            ),
            (
                event(LineEvent::Reported {
                    reason: LineReason::NotMine,
                }),
                r#"{"line":"event","seq":3,"at_ms":6000,"event":"reported","reason":"not_mine","app":7,"story":9,"view":1}"#,
            ),
            (
                event(LineEvent::Slider { stop: Slider::More }),
                r#"{"line":"event","seq":3,"at_ms":6000,"event":"slider","stop":3,"app":7,"story":9,"view":1}"#,
            ),
            (
                RecordLine::View(view),
                r#"{"line":"view","number":1,"at_ms":5500,"moment":5,"seq":2,"version":1,"missed":[[7,4]],"exempt":[],"shown":[9],"pages":1}"#,
            ),
        ]
    }

    #[test]
    fn every_kind_of_line_has_its_fields_in_order_and_reads_back() {
        for (line, text) in lines() {
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
            assert_eq!(serde_json::from_str::<RecordLine>(text).unwrap(), line);
        }
    }

    #[test]
    fn a_configuration_goes_through_its_line_and_through_its_canonical_text() {
        let config = RankingConfig::default();
        let line = RecordLine::Config(Box::new(ConfigLine::from(&config)));
        let text = serde_json::to_string(&line).unwrap();
        assert!(
            text.starts_with(r#"{"line":"config","version":1,"candidates_max":10000,"ranking":{"slots":25,"#)
        );
        let read = serde_json::from_str(&text).unwrap();
        assert_eq!(line, read);
        let RecordLine::Config(read) = read else {
            panic!("it is a configuration");
        };
        assert_eq!(RankingConfig::from(*read), config);
        let again = RankingConfig::from_canonical_text(1, &config.canonical_text());
        assert_eq!(again, Ok(config));
    }
}
