//! The News Feed as its user reads it.
//!
//! - `acts`, `people`, `answers`, `private`, `news`, `export`: what people and developers do and ask
//! - `config`: section `[feed]`; `upkeep`: what is let go by age
//! - `cursor`: what vouches for "More stories" and for clicks
//! - `figures`: what the page of figures says of feeds
//! - `index`: loaded users' stories in memory, bounded
//! - `page`: pages as they are served; `notebook`: views on their way into the books
//! - `rank`: ranking v1, a pure function of a snapshot; `versions`: its versions, and the quality rows of an hour
//! - `reading`: one reading of a feed, as it is or as it was in a view
//! - `simulate`: invented people and applications, ranked by the same functions; records computed again
//! - `target`: the address behind a story's link
//! - `unshown`: what becomes of an application's stories that nobody has seen
//! - `verdict`: why a story was shown or not, and what it weighs, in words
//! - `wakes`: who waits to hear of news
//! - `window`: the twelve hours

mod acts;
mod answers;
pub mod config;
pub mod cursor;
mod export;
pub mod figures;
pub mod index;
pub mod news;
mod notebook;
mod page;
mod people;
mod private;
pub mod rank;
mod reading;
mod reports;
pub mod simulate;
pub mod target;
mod unshown;
mod upkeep;
pub mod verdict;
mod versions;
pub mod wakes;
pub mod window;

use crate::model::app::App;
use crate::model::audit::Actor;
use crate::model::picture::SlotPicture;
use crate::model::story::Story;
use crate::model::time::WallMs;
use crate::ports::Ports;
use crate::ports::entropy::random_bytes;
use crate::ports::store::{Batch, UnitId, Write};
use config::FeedConfig;
use crier_proto::ids::{AppId, StoryId};
use crier_proto::markup::{Markup, Place};
use cursor::FeedKey;
use figures::FeedFigures;
use index::{FeedIndex, IndexFigures};
use notebook::Notebook;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use verdict::Verdict;
use verdict::explain::Explanation;
use versions::Rankings;

/// What reading a feed may fail with: the books' own fault, for those who may not see the port.
pub use crate::ports::store::StoreFault;

/// Exempt stories on feed page 1, fixed by feed 4.8: a record of any configuration is replayed with it.
const EXEMPT_MAX: usize = 25;

pub use crate::model::record::{BlankedBy, FeedAddress, ReportReason};

/// How feed page 1 is served (feed 6.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serving {
    /// A view.
    View,
    /// No view: a HEAD, a prefetch, a private feed. Leaves no trace.
    Look,
}

/// How a story was put away by its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// By the X.
    Hidden,
    /// By a report.
    Reported(ReportReason),
}

/// A story as a page shows it.
#[derive(Debug, Clone)]
pub struct PlacedStory {
    /// The story and its application.
    pub view: StoryView,
    /// Its place in the whole reading, from 1; `None`: it takes no slot.
    pub place: Option<usize>,
    /// No feed page with it was served before.
    pub new: bool,
    /// Its user's thumb is up.
    pub thumbed: bool,
    /// It was put away: shown as one line with an undo, if it is shown.
    pub away: Option<Away>,
    /// When it was put away.
    pub acted_at: Option<WallMs>,
}

/// A story of which nothing may be shown: its text was taken away, or its row is damaged. It keeps its place and its reason.
#[derive(Debug, Clone)]
pub struct FadedStory {
    /// Its number.
    pub id: StoryId,
    /// When it was committed.
    pub published_at: WallMs,
    /// Who published it; `None`: erased since.
    pub app: Option<Arc<App>>,
    /// When its text was taken, and by whom; `None`: it is damaged, or its application is gone.
    pub blanked: Option<(WallMs, BlankedBy)>,
}

/// A story that is told of, whether or not there is anything left to show.
#[derive(Debug, Clone)]
pub enum ToldStory {
    /// All of it.
    Whole(Box<PlacedStory>),
    /// That it was there.
    Faded(FadedStory),
}

impl ToldStory {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> StoryId {
        match self {
            Self::Whole(placed) => placed.view.story.id,
            Self::Faded(faded) => faded.id,
        }
    }
}

/// A feed page as it is served.
#[derive(Debug, Clone)]
pub struct ServedPage {
    /// p, from 1.
    pub page: u32,
    /// Exempt stories, newest first: they take no slot and stand first.
    pub exempt: Vec<PlacedStory>,
    /// How many more there are of them.
    pub exempt_more: u32,
    /// Its slots in order. A place without a story was emptied since.
    pub slots: Vec<PlacedStory>,
    /// The cursor of the next page, if there is one.
    pub more: Option<String>,
    /// The cursor of this very page.
    pub here: String,
    /// w.
    pub w: i64,
    /// The mark of its view, for `/go` and "Why this?".
    pub v: String,
    /// c.
    pub version: u32,
    /// Stories that "What didn't make it" lists of this reading.
    pub missed: usize,
    /// Stories by verdict's name; only where feed page 1 shows nothing.
    pub verdicts: Vec<(&'static str, u64)>,
}

/// Why a story stands where it stands.
#[derive(Debug, Clone)]
pub struct Why {
    /// The story.
    pub story: ToldStory,
    /// The mark of the view that is explained.
    pub v: String,
    /// S.
    pub at: WallMs,
    /// What the ranking says (feed 5.4).
    pub explanation: Explanation,
    /// Its verdict.
    pub verdict: Verdict,
    /// The later feed page that holds it.
    pub later_page: Option<usize>,
    /// Of an exempt story: the feed page and the slot at which it would stand if it competed.
    pub would_stand: Option<(usize, usize)>,
    /// Where its application's slider stands; `None` without an acceptance.
    pub slider: Option<u8>,
    /// Its application's stories are wanted.
    pub stories_on: bool,
}

/// Stories of a view that are not on its feed page 1.
#[derive(Debug, Clone)]
pub struct Missed {
    /// The view's number; 0: the feed as it is now.
    pub view: i64,
    /// Its mark.
    pub v: String,
    /// S.
    pub at: WallMs,
    /// At most 50.
    pub rows: Vec<MissedStory>,
    /// Where the next ones begin.
    pub next: Option<usize>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct MissedStory {
    /// The story.
    pub story: ToldStory,
    /// Why not.
    pub verdict: Verdict,
}

/// An application in a user's preferences.
#[derive(Debug, Clone)]
pub struct Preference {
    /// The application.
    pub app: Arc<App>,
    /// Where its slider stands, 0 to 4.
    pub slider: u8,
    /// Its stories are wanted.
    pub on: bool,
    /// When it may publish again, if not now.
    pub next: Option<WallMs>,
    /// Stories of the last 28 days.
    pub published: u64,
    /// Of them shown.
    pub shown: u64,
    /// Clicked.
    pub clicked: u64,
    /// Put away.
    pub hidden: u64,
    /// Thumbed.
    pub thumbed: u64,
    /// Reported.
    pub reported: u64,
}

/// A preference that is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// The application.
    pub app: AppId,
    /// Where its slider would stand, 0 to 4.
    pub slider: u8,
    /// Whether its stories would be wanted.
    pub on: bool,
}

/// What happened to the picture of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureNews {
    /// Its place in the record.
    pub seq: i64,
    /// The story.
    pub story: StoryId,
    /// 1 to 4.
    pub slot: u8,
    /// The picture that became ready; `None`: the slot has closed up.
    pub picture: Option<SlotPicture>,
}

/// A story with what its page needs to show it.
#[derive(Debug, Clone)]
pub struct StoryView {
    /// The story.
    pub story: Story,
    /// Its title, read: what is shown is made of this alone (feed 2.7).
    pub title: Markup,
    /// Its body, read.
    pub body: Option<Markup>,
    /// Its application.
    pub app: Arc<App>,
}

/// Reads feeds, and writes what people do with them.
#[derive(Clone)]
pub struct FeedReader {
    shared: Arc<Shared>,
    actor: Actor,
}

struct Shared {
    ports: Ports,
    config: FeedConfig,
    key: FeedKey,
    index: Mutex<FeedIndex>,
    notebook: Notebook,
    rankings: Rankings,
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, FeedIndex> {
        lock(&self.index)
    }
}

impl FeedReader {
    /// A reader over these ports. The key must outlive the process: open pages carry what it vouches for.
    #[must_use]
    pub fn new(ports: Ports, config: FeedConfig, key: FeedKey) -> Self {
        Self {
            shared: Arc::new(Shared {
                index: Mutex::new(FeedIndex::new(config.index_bytes_max)),
                notebook: Notebook::new(config.notes_max),
                rankings: Rankings::default(),
                ports,
                config,
                key,
            }),
            actor: Actor::System,
        }
    }

    /// The same reader, used by this actor: the audit log says so of what changes others' things.
    #[must_use]
    pub fn done_by(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    /// Figures of this process.
    #[must_use]
    pub fn figures(&self) -> &FeedFigures {
        &self.shared.ports.feed_figures
    }

    /// What the index holds.
    #[must_use]
    pub fn index_figures(&self) -> IndexFigures {
        self.shared.index().figures()
    }

    /// A unit of these writes.
    fn batch(&self, writes: Vec<Write>) -> Batch {
        Batch {
            id: UnitId(random_bytes::<16>(&*self.shared.ports.entropy)),
            by: self.actor,
            now: self.shared.ports.clock.wall(),
            writes,
        }
    }
}

/// A story's title and body as they may be shown; `None`: nothing is left of it, or its row is not its own canonical form (feed 2.7).
fn texts_of(story: &Story) -> Option<(Markup, Option<Markup>)> {
    if story.title.is_empty() {
        return None;
    }
    let title = Markup::read_stored(Place::Title, &story.title)?;
    let body = match story.body.as_deref() {
        Some(body) => Some(Markup::read_stored(Place::Body, body)?),
        None => None,
    };
    Some((title, body))
}

/// A lock whose holder cannot have left anything half done: every step is made of whole assignments.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
