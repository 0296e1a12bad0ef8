//! The index in memory: what ranking needs of each loaded user's stories, and nothing else (feed 8.3).
//!
//! Promise: at most 64 bytes for each story of users with ten or more, all told; its bytes stay below a bound, the least recently
//! read users leave first, and whoever comes back finds what the books say. No operation moves more than 4,096 entries: stories
//! lie in chunks of at most 64, users in shards that split at 1,024, and there is no map that grows as a whole. Knows no store.
//!
//! - `user`: one user's stories in chunks

mod user;

use crate::model::quantity::Bytes;
use crier_proto::ids::Uid;
use std::collections::BTreeMap;
use user::allocated;

pub use user::UserStories;

/// Users of a shard; the one that would come next splits it (feed 8.3).
pub const SHARD_USERS_MAX: usize = 1_024;
/// Room that a shard takes at once.
const SHARD_GROWTH: usize = 64;
/// Bytes of one entry of the order of reading, in a map whose nodes are filled a little over half.
const ORDER_ENTRY_BYTES: usize = 40;

/// What the index holds, for its gauges (feed 10.1: `crier_feed_index_bytes`, `index_evicted_total`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexFigures {
    /// Bytes, all told.
    pub bytes: usize,
    /// Users loaded.
    pub users: usize,
    /// Their stories.
    pub stories: usize,
    /// Users that left for lack of room, since the start.
    pub evicted_total: u64,
}

/// Users' stories in memory, bounded.
#[derive(Debug)]
pub struct FeedIndex {
    bytes_max: usize,
    /// By the smallest uid that may be in it; the first begins at the smallest there is.
    shards: BTreeMap<i64, Vec<Loaded>>,
    /// Users by the number of their latest reading: the first was read longest ago.
    order: BTreeMap<u64, Uid>,
    readings: u64,
    figures: IndexFigures,
}

/// A user's place in a shard.
#[derive(Debug)]
struct Loaded {
    user: Uid,
    stories: UserStories,
    read: u64,
}

impl Loaded {
    fn bytes(&self) -> usize {
        size_of::<Self>() + ORDER_ENTRY_BYTES + self.stories.bytes()
    }
}

impl FeedIndex {
    /// An empty index that keeps at most so many bytes (`feed.index_bytes_max`).
    #[must_use]
    pub fn new(bytes_max: Bytes) -> Self {
        Self {
            bytes_max: usize::try_from(bytes_max.0).unwrap_or(usize::MAX),
            shards: BTreeMap::from([(i64::MIN, Vec::new())]),
            order: BTreeMap::new(),
            readings: 0,
            figures: IndexFigures::default(),
        }
    }

    /// What it holds.
    #[must_use]
    pub const fn figures(&self) -> IndexFigures {
        self.figures
    }

    /// A user's stories as they are now, handles without copies; `None`: not loaded. The user becomes the latest to be read.
    pub fn read(&mut self, user: Uid) -> Option<UserStories> {
        let reading = self.readings + 1;
        let loaded = self.find(user)?;
        let before = std::mem::replace(&mut loaded.read, reading);
        let stories = loaded.stories.clone();
        self.readings = reading;
        self.order.remove(&before);
        self.order.insert(reading, user);
        Some(stories)
    }

    /// Takes a user's stories as the books gave them, in the place of what was there; counts as a reading.
    pub fn load(&mut self, user: Uid, stories: UserStories) {
        self.forget(user);
        self.readings += 1;
        let loaded = Loaded {
            user,
            stories,
            read: self.readings,
        };
        self.order.insert(loaded.read, user);
        self.count(&loaded.stories, loaded.bytes(), true);
        self.place(loaded);
        self.make_room();
    }

    /// Changes a loaded user's stories; false when the user is not loaded and the change need not be noted.
    pub fn change(&mut self, user: Uid, change: impl FnOnce(&mut UserStories)) -> bool {
        let Some(loaded) = self.find(user) else {
            return false;
        };
        let (bytes_before, stories_before) = (loaded.bytes(), loaded.stories.len());
        change(&mut loaded.stories);
        let (bytes, stories) = (loaded.bytes(), loaded.stories.len());
        self.figures.bytes = (self.figures.bytes + bytes).saturating_sub(bytes_before);
        self.figures.stories = (self.figures.stories + stories).saturating_sub(stories_before);
        self.make_room();
        true
    }

    /// Lets a user go; true when the user was loaded.
    pub fn forget(&mut self, user: Uid) -> bool {
        let Some((first, place)) = self.position(user) else {
            return false;
        };
        let Some(shard) = self.shards.get_mut(&first) else {
            return false;
        };
        let loaded = shard.remove(place);
        if shard.is_empty() && first != i64::MIN {
            self.shards.remove(&first);
        }
        self.order.remove(&loaded.read);
        self.count(&loaded.stories, loaded.bytes(), false);
        true
    }

    fn position(&self, user: Uid) -> Option<(i64, usize)> {
        let (first, shard) = self.shards.range(..=user.get()).next_back()?;
        let place = shard.binary_search_by_key(&user, |loaded| loaded.user).ok()?;
        Some((*first, place))
    }

    fn find(&mut self, user: Uid) -> Option<&mut Loaded> {
        let (_, shard) = self.shards.range_mut(..=user.get()).next_back()?;
        let place = shard.binary_search_by_key(&user, |loaded| loaded.user).ok()?;
        shard.get_mut(place)
    }

    fn place(&mut self, loaded: Loaded) {
        let Some((_, shard)) = self.shards.range_mut(..=loaded.user.get()).next_back() else {
            return;
        };
        let place = shard.partition_point(|other| other.user < loaded.user);
        if shard.len() == shard.capacity() {
            shard.reserve_exact(SHARD_GROWTH);
        }
        shard.insert(place, loaded);
        if shard.len() > SHARD_USERS_MAX {
            let upper = shard.split_off(SHARD_USERS_MAX / 2);
            shard.shrink_to(shard.len() + SHARD_GROWTH);
            if let Some(first) = upper.first() {
                self.shards.insert(first.user.get(), upper);
            }
        }
    }

    fn count(&mut self, stories: &UserStories, bytes: usize, comes: bool) {
        let figures = &mut self.figures;
        if comes {
            figures.bytes += bytes;
            figures.users += 1;
            figures.stories += stories.len();
        } else {
            figures.bytes = figures.bytes.saturating_sub(bytes);
            figures.users = figures.users.saturating_sub(1);
            figures.stories = figures.stories.saturating_sub(stories.len());
        }
    }

    /// Lets the least recently read users go until the bound holds.
    fn make_room(&mut self) {
        while self.figures.bytes > self.bytes_max
            && let Some((_, user)) = self.order.first_key_value()
        {
            let user = *user;
            self.forget(user);
            self.figures.evicted_total += 1;
        }
    }

    /// Bytes counted anew from every allocation, the unused room of the shards included.
    #[must_use]
    pub fn counted_bytes(&self) -> usize {
        let shards = self.shards.values().map(|shard| {
            let users: usize = shard.iter().map(|loaded| loaded.stories.bytes()).sum();
            users + allocated(shard.capacity() * size_of::<Loaded>())
        });
        shards.sum::<usize>() + self.order.len() * ORDER_ENTRY_BYTES
    }

    /// Users of the fullest shard.
    #[must_use]
    pub fn fullest_shard(&self) -> usize {
        self.shards.values().map(Vec::len).max().unwrap_or(0)
    }
}
