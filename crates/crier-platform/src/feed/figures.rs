//! Figures of the feed: counted here, shown by the server (feed 10.1). Promise: no figure names a person, an address or a title.
//!
//! What happens in records is counted where it is written; figures of pictures stand in `jobs::pictures`.

use super::verdict::lists::NAMES;
use crate::model::time::ElapsedMicros;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a call of `feed.publishStoryToUser` came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PublishResult {
    /// It was answered 1.
    Published,
    /// It was answered 0.
    NotPermitted,
    /// It was answered with this code.
    Refused(u16),
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $value:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$each])* $value,)+
        }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$value,)+];

            /// The label's value.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$value => $word,)+ }
            }
        }
    };
}

words! {
    /// Why a story was refused: the rows of feed 3.3, and each measure of 2.5 and 2.8 by itself.
    StoryRefusal {
        /// No title.
        TitleMissing => "title_missing",
        /// Markup of the title (feed 2.2, 2.7).
        TitleMarkup => "title_markup",
        /// More than 4,096 bytes of markup.
        TitleMarkupBytes => "title_markup_bytes",
        /// More than 60 displayed characters.
        TitleClusters => "title_clusters",
        /// More than 600 bytes of text.
        TitleTextBytes => "title_text_bytes",
        /// More than one link.
        TitleLinks => "title_links",
        /// Nothing to see.
        TitleBlank => "title_blank",
        /// Markup of the body.
        BodyMarkup => "body_markup",
        /// More than 8,192 bytes of markup.
        BodyMarkupBytes => "body_markup_bytes",
        /// More than 200 displayed characters.
        BodyClusters => "body_clusters",
        /// More than 2,000 bytes of text.
        BodyTextBytes => "body_text_bytes",
        /// Nothing to see.
        BodyBlank => "body_blank",
        /// A link or a picture's source of more than 2,048 bytes.
        LinkBytes => "link_bytes",
        /// Neither an acceptable address nor a photo's number.
        ImageSource => "image_source",
        /// No such photo.
        ImagePhoto => "image_photo",
        /// A picture's link is missing or not acceptable.
        ImageLink => "image_link",
        /// No integer from 0 to 100.
        Priority => "priority",
        /// The twelve hours are not over.
        Window => "window",
    }
}

words! {
    /// Bounds of feed section 10 that no other figure tells of, by the last part of their configuration key.
    FeedBound {
        /// Stories of a user that compete: older ones left as `overflow` in a view.
        Candidates => "candidates_max",
        /// The age of a text: a round of the upkeep blanked some.
        TextKeep => "text_keep",
        /// The age of a view: a round of the upkeep trimmed some.
        ViewKeep => "view_keep",
        /// The life of a cursor: its reader was led back.
        CursorTtl => "cursor_ttl",
        /// Bytes of the index: the least recently read users left.
        IndexBytes => "index_bytes_max",
        /// Addresses of private feeds of a user.
        Addresses => "addresses_per_user",
        /// Open streams of a user: the oldest left.
        Live => "live_per_user",
        /// Reads of a user in a minute.
        Reads => "reads_per_user",
        /// Reads of a private address in an hour.
        AddressReads => "reads_per_address",
        /// Views and clicks that wait for the books: a reader waited, or a later page or click went unnoted.
        Notes => "notes_max",
        /// People below which a figure about their acts is not told: one was not.
        InsightsPeople => "insights_people_min",
        /// The age of counts of hours: a round of the upkeep let some go.
        InsightsHours => "insights_hours_keep",
        /// The age of counts of days: the same.
        InsightsDays => "insights_days_keep",
        /// People whose feeds are looked at in a report: there were as many.
        InsightsReaders => "insights_readers_max",
        /// Attempts at an image: all were spent.
        RetryDelays => "retry_delays",
        /// Fetches at once: a job waited for one of all to end.
        Fetches => "fetches_max",
        /// Fetches at once of one application: jobs waited while it had as many.
        FetchesPerApp => "fetches_per_app",
        /// Fetches at once from one host: the same.
        FetchesPerHost => "fetches_per_host",
        /// Fetches of one application in an hour: a job waits for the next.
        AppFetches => "app_fetches_per_hour",
        /// Bytes read for one application in an hour: the same.
        AppBytes => "app_bytes_per_hour",
        /// Bytes of all pictures: a round of evictions began.
        CacheBytes => "cache_bytes_max",
        /// Bytes of all pictures above which no fetch starts: a job waited.
        CacheHard => "cache_bytes_hard",
        /// Photos of one person: one more was refused.
        Photos => "photos_per_user",
        /// Pictures whose use waits to be written: one more went unmarked.
        UsedPictures => "used_pictures",
        /// Hours of counts that wait for books that take no write: older ones were given up.
        InsightsWaiting => "insights_hours_waiting",
    }
}

/// The label of a call answered 0, and its kind in an application's figures.
pub const NOT_PERMITTED: &str = "not_permitted";

/// Upper ends of the spans of durations in microseconds, 0.1 ms to 10 s; one more takes what is longer.
pub const SPANS_MICROS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// Upper ends of the spans of competing stories; one more takes what is above, which no bound admits by default.
pub const CANDIDATE_SPANS: [u64; 10] = [1, 5, 10, 25, 50, 100, 250, 1_000, 2_500, 10_000];

/// Whole numbers counted into spans.
#[derive(Debug)]
pub struct Spans<const N: usize> {
    ends: [u64; N],
    counts: [AtomicU64; N],
    above: AtomicU64,
    sum: AtomicU64,
}

/// What was counted into spans so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Each span's upper end and how many fell into it; `None`: those above all ends.
    pub spans: Vec<(Option<u64>, u64)>,
    /// Their sum.
    pub sum: u64,
}

impl<const N: usize> Spans<N> {
    fn new(ends: [u64; N]) -> Self {
        Self {
            ends,
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            above: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    fn add(&self, value: u64) {
        let place = self.ends.partition_point(|end| *end < value);
        let span = self.counts.get(place).unwrap_or(&self.above);
        span.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let ends = self.ends.iter().copied().map(Some).chain([None]);
        let counts = self.counts.iter().chain([&self.above]);
        Counted {
            spans: ends
                .zip(counts.map(|count| count.load(Ordering::Relaxed)))
                .collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

/// The figures.
#[derive(Debug)]
pub struct FeedFigures {
    publish: Mutex<BTreeMap<PublishResult, u64>>,
    refused: [AtomicU64; StoryRefusal::ALL.len()],
    bounds: [AtomicU64; FeedBound::ALL.len()],
    verdicts: [AtomicU64; NAMES.len()],
    quarantined: AtomicU64,
    views_missed_max: AtomicU64,
    publish_micros: Spans<16>,
    first_page_micros: Spans<16>,
    later_page_micros: Spans<16>,
    candidates: Spans<10>,
}

impl Default for FeedFigures {
    fn default() -> Self {
        Self {
            publish: Mutex::new([(PublishResult::Published, 0), (PublishResult::NotPermitted, 0)].into()),
            refused: std::array::from_fn(|_| AtomicU64::new(0)),
            bounds: std::array::from_fn(|_| AtomicU64::new(0)),
            verdicts: std::array::from_fn(|_| AtomicU64::new(0)),
            quarantined: AtomicU64::new(0),
            views_missed_max: AtomicU64::new(0),
            publish_micros: Spans::new(SPANS_MICROS),
            first_page_micros: Spans::new(SPANS_MICROS),
            later_page_micros: Spans::new(SPANS_MICROS),
            candidates: Spans::new(CANDIDATE_SPANS),
        }
    }
}

impl FeedFigures {
    /// A call of `feed.publishStoryToUser` was answered: with which error and of which kind, after how long.
    pub(crate) fn published(&self, (code, kind): (u16, Option<&'static str>), micros: u64) {
        let result = match (code, kind) {
            (0, Some(NOT_PERMITTED)) => PublishResult::NotPermitted,
            (0, _) => PublishResult::Published,
            (code, _) => PublishResult::Refused(code),
        };
        *super::lock(&self.publish).entry(result).or_default() += 1;
        let places = StoryRefusal::ALL.iter().zip(&self.refused);
        if let Some((_, count)) = places.into_iter().find(|(cause, _)| Some(cause.word()) == kind) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.publish_micros.add(micros);
    }

    /// A view: every story of its record by verdict, how many competed, and the views in a row that an application has missed
    /// after it at most.
    pub(super) fn viewed(
        &self,
        verdicts: &[(&'static str, u64); NAMES.len()],
        (candidates, missed): (usize, u32),
    ) {
        for (count, (_, seen)) in self.verdicts.iter().zip(verdicts) {
            count.fetch_add(*seen, Ordering::Relaxed);
        }
        self.candidates.add(candidates as u64);
        self.views_missed_max
            .fetch_max(u64::from(missed), Ordering::Relaxed);
    }

    /// A feed page was put together, from the question to its stories.
    pub(super) fn read(&self, page: u32, (from, to): (ElapsedMicros, ElapsedMicros)) {
        let spans = if page == 1 {
            &self.first_page_micros
        } else {
            &self.later_page_micros
        };
        spans.add(to.0.saturating_sub(from.0));
    }

    /// So many stories that are no story, or not their own canonical form, were met while a record was loaded.
    pub(super) fn quarantined(&self, stories: usize) {
        self.quarantined.fetch_add(stories as u64, Ordering::Relaxed);
    }

    /// A bound was reached.
    pub fn bound(&self, bound: FeedBound) {
        self.bounds[bound as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Calls by what they came to.
    #[must_use]
    pub fn publish_results(&self) -> Vec<(PublishResult, u64)> {
        super::lock(&self.publish)
            .iter()
            .map(|(result, count)| (*result, *count))
            .collect()
    }

    /// Refused stories by cause.
    #[must_use]
    pub fn refusals(&self) -> Vec<(&'static str, u64)> {
        worded(StoryRefusal::ALL.iter().map(|cause| cause.word()), &self.refused)
    }

    /// Bounds reached, by key.
    #[must_use]
    pub fn bounds(&self) -> Vec<(&'static str, u64)> {
        worded(FeedBound::ALL.iter().map(|bound| bound.word()), &self.bounds)
    }

    /// Stories of all views by verdict.
    #[must_use]
    pub fn verdicts(&self) -> Vec<(&'static str, u64)> {
        worded(NAMES.into_iter(), &self.verdicts)
    }

    /// Stories that were set aside.
    #[must_use]
    pub fn quarantined_total(&self) -> u64 {
        self.quarantined.load(Ordering::Relaxed)
    }

    /// The most views in a row that an application had missed after any view since the start.
    #[must_use]
    pub fn views_missed_max(&self) -> u64 {
        self.views_missed_max.load(Ordering::Relaxed)
    }

    /// Microseconds of a call of `feed.publishStoryToUser`, from its arrival at the street to its answer.
    #[must_use]
    pub fn publish_micros(&self) -> Counted {
        self.publish_micros.counted()
    }

    /// Microseconds that reading a feed page took, by the label `page`.
    #[must_use]
    pub fn read_micros(&self) -> [(&'static str, Counted); 2] {
        [
            ("1", self.first_page_micros.counted()),
            ("later", self.later_page_micros.counted()),
        ]
    }

    /// Stories that competed in a view.
    #[must_use]
    pub fn candidates(&self) -> Counted {
        self.candidates.counted()
    }
}

fn worded(words: impl Iterator<Item = &'static str>, counts: &[AtomicU64]) -> Vec<(&'static str, u64)> {
    words
        .zip(counts.iter().map(|count| count.load(Ordering::Relaxed)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_take_what_is_not_above_their_end() {
        let spans = Spans::new([10, 20]);
        for value in [0, 10, 11, 20, 21] {
            spans.add(value);
        }
        let counted = spans.counted();
        assert_eq!(counted.spans, [(Some(10), 2), (Some(20), 2), (None, 1)]);
        assert_eq!(counted.sum, 62);
    }

    #[test]
    fn a_call_is_counted_by_its_answer_and_a_refused_story_by_its_cause() {
        let figures = FeedFigures::default();
        figures.published((0, None), 5);
        figures.published((0, Some(NOT_PERMITTED)), 5);
        figures.published((100, Some("title_blank")), 5);
        figures.published((104, None), 5);
        let expected = [
            (PublishResult::Published, 1),
            (PublishResult::NotPermitted, 1),
            (PublishResult::Refused(100), 1),
            (PublishResult::Refused(104), 1),
        ];
        assert_eq!(figures.publish_results(), expected);
        let refused: Vec<_> = figures
            .refusals()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(refused, [("title_blank", 1)]);
        assert_eq!(figures.publish_micros().sum, 20);
    }
}
