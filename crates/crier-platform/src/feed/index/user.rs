//! One user's stories in chunks of at most 64, oldest first, each 32 bytes.
//!
//! Promise: a change copies one chunk, so that whoever holds the stories goes on with what was read. Stories are in order of seq;
//! an application's place never changes while the user is loaded.

use crate::model::ranking::{AppPlace, RankedStory};
use crate::model::time::WallMs;
use crier_proto::ids::AppId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stories of a chunk (feed 8.3).
pub const CHUNK_STORIES_MAX: usize = 64;
/// Two counters stand before what is shared.
const SHARED_HEAD_BYTES: usize = 16;

/// Bytes that an allocation takes from the machine: its own, a word before it, rounded up to sixteen.
pub(super) const fn allocated(bytes: usize) -> usize {
    if bytes == 0 {
        0
    } else {
        (bytes + 8).next_multiple_of(16)
    }
}

/// A user's stories, oldest first, and the applications they refer to.
#[derive(Debug, Clone, Default)]
pub struct UserStories {
    chunks: Vec<Arc<[RankedStory]>>,
    apps: Arc<[AppId]>,
    /// The place of the record up to which it was read: events take places too.
    upto: i64,
    /// All stories published later than this are here.
    since: WallMs,
    /// Which record that is.
    record: i64,
}

impl UserStories {
    /// Stories as the books give them, in order of seq, each with its application; their places are given here.
    #[must_use]
    pub fn of(stories: impl IntoIterator<Item = (AppId, RankedStory)>) -> Self {
        let mut user = Self::default();
        let (mut apps, mut places) = (Vec::new(), BTreeMap::new());
        let mut chunk: Vec<RankedStory> = Vec::with_capacity(CHUNK_STORIES_MAX);
        for (app, story) in stories {
            let place = *places.entry(app).or_insert_with(|| {
                apps.push(app);
                apps.len() - 1
            });
            chunk.push(RankedStory {
                app: place_at(place),
                ..story
            });
            if chunk.len() == CHUNK_STORIES_MAX {
                user.append(&chunk);
                chunk.clear();
            }
        }
        if !chunk.is_empty() {
            user.append(&chunk);
        }
        user.apps = apps.into();
        user
    }

    fn append(&mut self, chunk: &[RankedStory]) {
        self.chunks.reserve_exact(1);
        self.chunks.push(Arc::from(chunk));
    }

    /// The stories, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &RankedStory> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The place of the record up to which they were read.
    #[must_use]
    pub const fn upto(&self) -> i64 {
        self.upto
    }

    /// Which record they were read from.
    #[must_use]
    pub const fn record(&self) -> i64 {
        self.record
    }

    /// Notes which record was read, up to which place.
    pub const fn set_upto(&mut self, record: i64, seq: i64) {
        (self.record, self.upto) = (record, seq);
    }

    /// All stories published later than this are here.
    #[must_use]
    pub const fn since(&self) -> WallMs {
        self.since
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The applications in the order of their places: what a snapshot's list is made from.
    #[must_use]
    pub fn apps(&self) -> &[AppId] {
        &self.apps
    }

    /// The newest story's seq, which is w; 0: none.
    #[must_use]
    pub fn newest_seq(&self) -> i64 {
        self.newest().map_or(0, |story| story.seq)
    }

    /// The latest moment at which any story was published; with it goes S (feed 4.1).
    #[must_use]
    pub fn newest_published(&self) -> Option<WallMs> {
        self.iter().map(|story| story.published).max()
    }

    fn newest(&self) -> Option<&RankedStory> {
        self.chunks.last().and_then(|chunk| chunk.last())
    }

    /// Takes the next story; false when its seq is not above the newest: it is known.
    pub fn push(&mut self, app: AppId, story: RankedStory) -> bool {
        if self.newest().is_some_and(|newest| newest.seq >= story.seq) {
            return false;
        }
        let story = RankedStory {
            app: self.place_of(app),
            ..story
        };
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK_STORIES_MAX => {
                *last = last.iter().copied().chain([story]).collect();
            }
            Some(_) | None => self.append(&[story]),
        }
        true
    }

    /// The application's place, given now if it has none.
    fn place_of(&mut self, app: AppId) -> AppPlace {
        let known = self.apps.iter().position(|known| *known == app);
        place_at(known.unwrap_or_else(|| {
            self.apps = self.apps.iter().copied().chain([app]).collect();
            self.apps.len() - 1
        }))
    }

    /// The story of a seq.
    #[must_use]
    pub fn lookup(&self, seq: i64) -> Option<&RankedStory> {
        let (chunk, place) = self.position(seq)?;
        self.chunks.get(chunk)?.get(place)
    }

    /// Changes the story of a seq; false when there is none. Its seq and application stay what they are.
    pub fn change(&mut self, seq: i64, change: impl FnOnce(&mut RankedStory)) -> bool {
        let Some((chunk, place)) = self.position(seq) else {
            return false;
        };
        let Some(stories) = self.chunks.get_mut(chunk) else {
            return false;
        };
        // Whoever reads holds the old chunk; this one is copied once and then our own.
        let Some(story) = Arc::make_mut(stories).get_mut(place) else {
            return false;
        };
        let (seq, app) = (story.seq, story.app);
        change(story);
        (story.seq, story.app) = (seq, app);
        true
    }

    fn position(&self, seq: i64) -> Option<(usize, usize)> {
        let before = |chunk: &Arc<[RankedStory]>| chunk.last().is_some_and(|last| last.seq < seq);
        let chunk = self.chunks.partition_point(before);
        let place = self
            .chunks
            .get(chunk)?
            .binary_search_by_key(&seq, |story| story.seq)
            .ok()?;
        Some((chunk, place))
    }

    /// Lets the oldest chunks go whose stories were all published before a moment: they compete no more.
    pub fn leave_before(&mut self, moment: WallMs) {
        // A clock that was set back brings nothing back.
        self.since = self.since.max(moment);
        let is_over = |chunk: &Arc<[RankedStory]>| chunk.iter().all(|story| story.published < moment);
        let leaving = self.chunks.iter().take_while(|chunk| is_over(chunk)).count();
        if leaving > 0 {
            self.chunks.drain(..leaving);
            self.chunks.shrink_to_fit();
        }
    }

    /// Bytes of its allocations.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let shared = |bytes: usize| allocated(SHARED_HEAD_BYTES + bytes);
        let chunks: usize = self
            .chunks
            .iter()
            .map(|chunk| shared(size_of_val::<[RankedStory]>(chunk)))
            .sum();
        let handles = allocated(self.chunks.capacity() * size_of::<Arc<[RankedStory]>>());
        chunks + handles + shared(size_of_val::<[AppId]>(&self.apps))
    }
}

fn place_at(place: usize) -> AppPlace {
    AppPlace(u32::try_from(place).unwrap_or(u32::MAX))
}
