//! One reading of a feed: its stories and applications as they are now, or as they were in a view (feed 4.1, 5.3).
//!
//! Promise: what is read now is made of the index and the books of one moment; what was read then is computed from the record by
//! the same function that replays it. Both are equal where they speak of the same place of the record.

use super::FeedReader;
use super::figures::FeedBound;
use super::index::UserStories;
use super::rank::{Ranked, rank};
use super::simulate::replay::{Fate, Record, State};
use crate::model::ranking::{
    AppPlace, Marks, PriorityClass, RankedApp, RankedStory, Snapshot, Standing, moment_of,
};
use crate::model::ranking_config::RankingConfig;
use crate::model::record::{FeedState, HourRows, PastQuery, PastStories, StateQuery, View};
use crate::model::record_line::{BucketLine, EventLine, LineEvent, RecordLine, StoryLine, ViewLine};
use crate::model::time::WallMs;
use crate::ports::store::StoreFault;
use crier_proto::ids::{AppId, StoryId, Uid};
use crier_proto::markup::{Markup, Place};
use std::collections::BTreeMap;
use std::sync::Arc;

const SECOND_MS: i64 = 1_000;
const HOUR_SECS: i64 = 3_600;
const DAY_SECS: i64 = 86_400;
/// How long stories stay in memory after they have expired: a view of that age is computed from memory. By default a cursor leads
/// on for as long (feed 4.11).
const VIEWS_MS: i64 = 3_600_000;

/// A snapshot with what it is made of.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) user: Uid,
    /// S.
    pub(super) at_secs: i64,
    /// w.
    pub(super) seq: i64,
    pub(super) config: Arc<RankingConfig>,
    pub(super) apps: Vec<RankedApp>,
    stories: Stories,
    /// Which record it was read from.
    pub(super) record: i64,
    /// Number of the view that it is, or of the last one before it.
    pub(super) view: i64,
    /// `missed` before, of applications that have any; also of those without a story.
    pub(super) missed: Vec<(AppId, u32)>,
}

/// Stories of a reading: shared with the index, or of its own.
#[derive(Debug, Clone)]
enum Stories {
    Now(UserStories),
    Then(Vec<RankedStory>),
}

impl Reading {
    /// What ranking looks at.
    pub(super) fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            at_secs: self.at_secs,
            config: &self.config,
            apps: &self.apps,
        }
    }

    /// Its stories, oldest first.
    pub(super) fn stories(&self) -> Box<dyn Iterator<Item = &RankedStory> + Send + '_> {
        match &self.stories {
            Stories::Now(stories) => Box::new(stories.iter()),
            Stories::Then(stories) => Box::new(stories.iter()),
        }
    }

    /// Its first feed pages.
    pub(super) fn ranked(&self, pages: usize) -> Ranked {
        match &self.stories {
            Stories::Now(stories) => rank(&self.snapshot(), stories.iter(), pages),
            Stories::Then(stories) => rank(&self.snapshot(), stories.iter(), pages),
        }
    }

    /// A story of it.
    pub(super) fn story(&self, id: StoryId) -> Option<&RankedStory> {
        self.stories().find(|story| story.id == id)
    }

    /// The application of a story.
    pub(super) fn app(&self, place: AppPlace) -> Option<&RankedApp> {
        self.apps.get(place.index())
    }
}

impl FeedReader {
    /// The feed as it is now.
    pub(super) async fn now(&self, user: Uid) -> Result<Reading, StoreFault> {
        let now = self.shared.ports.clock.wall();
        let config = self.ranking().await?;
        let expiry_ms = config.constants.expiry_secs().saturating_mul(SECOND_MS);
        let known = self.indexed(user, now.plus_ms(-expiry_ms - SECOND_MS));
        let after = known.as_ref().map_or(0, UserStories::upto);
        let days = affinity_days(&config, now.secs());
        let query = StateQuery {
            user,
            after,
            stories_after: now.plus_ms(-expiry_ms - VIEWS_MS - SECOND_MS),
            acts: days,
        };
        let mut state = self.shared.ports.store.feed_state(query).await?;
        let stories = self.caught_up(user, (known, &mut state), query.stories_after);
        let stories = match stories {
            Some(stories) => stories,
            None => return Box::pin(self.now(user)).await,
        };
        let at_secs = moment_of(now, stories.newest_published());
        if affinity_days(&config, at_secs) != days {
            // A story is of a later day than the clock: its day's acts count, as they will when this view is computed again.
            let acts = affinity_days(&config, at_secs);
            let after = state.head.last_seq;
            let query = StateQuery { after, acts, ..query };
            let later = self.shared.ports.store.feed_state(query).await?;
            if (later.head.record, later.head.last_seq) != (state.head.record, after) {
                return Box::pin(self.now(user)).await;
            }
            state = later;
        }
        self.shared.notebook.overlay(user, &mut state);
        let hour = self.hour(at_secs.div_euclid(HOUR_SECS)).await?;
        let apps = apps_of(stories.apps(), &state, &hour);
        Ok(Reading {
            user,
            at_secs,
            seq: state.head.last_seq,
            config,
            apps,
            stories: Stories::Now(stories),
            record: state.head.record,
            view: state.head.last_view,
            missed: state.missed,
        })
    }

    /// The feed as it was in a view: of its stories those that had not expired, those that weigh by what was done with them, and
    /// one that is asked about. Stories in memory are not read again: what has changed of them since stands in events.
    pub(super) async fn then(&self, view: &View, also: Option<StoryId>) -> Result<Reading, StoreFault> {
        let config = self.ranking_of(view.version).await?;
        let hour = self.hour(view.moment_secs.div_euclid(HOUR_SECS)).await?;
        let young = young_after(&config, view.moment_secs);
        let known = self.shared.index().read(view.user);
        let mut known = known.filter(|known| known.upto() >= view.seq && known.since() <= young);
        let lines = loop {
            let query = PastQuery {
                user: view.user,
                upto: view.seq,
                stories: known
                    .as_ref()
                    .map_or(PastStories::After(young), |known| PastStories::Known {
                        record: known.record(),
                        from: known.iter().next().map_or(view.seq, |first| first.seq),
                    }),
                acts_from: WallMs(affinity_days(&config, view.moment_secs).0 * DAY_SECS * SECOND_MS),
                also,
            };
            match self.shared.ports.store.feed_at(query).await? {
                Some(lines) => break lines,
                None => known = None,
            }
        };
        let in_memory = |seq: i64| known.as_ref().is_some_and(|known| known.lookup(seq).is_some());
        let lines = lines
            .into_iter()
            .filter(|line| !matches!(line, RecordLine::Story(story) if in_memory(story.seq)));
        let remembered = known.iter().flat_map(|known| {
            let then = known.iter().filter(|story| story.seq <= view.seq);
            then.filter_map(|story| Some(line_in_memory(*known.apps().get(story.app.index())?, story)))
        });
        let mut record = Record::default();
        let rows = hour.rows.iter().map(|(app, row)| {
            RecordLine::Bucket(BucketLine {
                app: *app,
                hour: hour.hour,
                row: *row,
            })
        });
        for line in lines.map(judged).chain(remembered).chain(rows) {
            record
                .take(line)
                .map_err(|error| StoreFault::Damaged(error.to_string()))?;
        }
        let State { apps, stories } = State::at(&record, &line_of(view), &config);
        Ok(Reading {
            user: view.user,
            at_secs: view.moment_secs,
            seq: view.seq,
            config,
            apps,
            stories: Stories::Then(stories),
            // What was is not written again.
            record: 0,
            view: view.number,
            missed: view.missed.clone(),
        })
    }

    /// The user's stories in memory; they leave it when some that are later than this have left already, and the clock was set back.
    fn indexed(&self, user: Uid, later_than: WallMs) -> Option<UserStories> {
        let known = self.shared.index().read(user)?;
        if known.since() > later_than {
            self.shared.index().forget(user);
            return None;
        }
        Some(known)
    }

    /// The user's stories as far as the books have told of them, whose lines are taken; `None`: what is in memory cannot be carried
    /// on, and was let go.
    fn caught_up(
        &self,
        user: Uid,
        (known, state): (Option<UserStories>, &mut FeedState),
        leave_before: WallMs,
    ) -> Option<UserStories> {
        let before = known.as_ref().map_or(i64::MIN, UserStories::upto);
        let mut stories = match known {
            // Erased and begun anew, or places have gone out of it.
            Some(stories)
                if stories.record() != state.head.record || stories.upto() > state.head.last_seq =>
            {
                self.shared.index().forget(user);
                return None;
            }
            Some(stories) if stories.upto() == state.head.last_seq => return Some(stories),
            Some(mut stories) => {
                if !carry_on(&mut stories, std::mem::take(&mut state.lines)) {
                    self.shared.index().forget(user);
                    return None;
                }
                stories
            }
            None => loaded(std::mem::take(&mut state.lines)),
        };
        let damaged = |story: &&RankedStory| story.seq > before && story.marks.any_of(Marks::DAMAGED);
        let quarantined = stories.iter().filter(damaged).count();
        self.shared.ports.feed_figures.quarantined(quarantined);
        stories.leave_before(leave_before);
        stories.set_upto(state.head.record, state.head.last_seq);
        let mut index = self.shared.index();
        let newer = index
            .read(user)
            .is_some_and(|there| (there.record(), there.upto()) >= (stories.record(), stories.upto()));
        if !newer {
            let evicted = index.figures().evicted_total;
            index.load(user, stories.clone());
            if index.figures().evicted_total > evicted {
                self.shared.ports.feed_figures.bound(FeedBound::IndexBytes);
            }
        }
        drop(index);
        Some(stories)
    }
}

/// The first and the last UTC day whose acts count for affinity at a moment (feed 4.4, row 1).
fn affinity_days(config: &RankingConfig, at_secs: i64) -> (i64, i64) {
    let today = at_secs.div_euclid(DAY_SECS);
    (today - i64::from(config.constants.affinity_days) + 1, today)
}

/// The last millisecond whose stories have expired at that moment: ages are counted in whole seconds.
pub(super) fn young_after(config: &RankingConfig, at_secs: i64) -> WallMs {
    let oldest_secs = at_secs.saturating_sub(config.constants.expiry_secs());
    WallMs(
        oldest_secs
            .saturating_mul(SECOND_MS)
            .saturating_add(SECOND_MS - 1),
    )
}

/// A view as a line of the record.
pub(super) fn line_of(view: &View) -> ViewLine {
    ViewLine {
        number: view.number,
        at_ms: view.at,
        moment: view.moment_secs,
        seq: view.seq,
        version: view.version,
        missed: view.missed.clone(),
        exempt: view.exempt.clone(),
        shown: view.shown.clone(),
        pages: view.pages,
    }
}

/// A line with its text judged and left out: a row that is not its own canonical form is damaged (feed 2.7).
pub(super) fn judged(line: RecordLine) -> RecordLine {
    match line {
        RecordLine::Story(mut story) => {
            story.damaged |= !is_canonical(&story);
            (story.title, story.body) = (None, None);
            RecordLine::Story(story)
        }
        RecordLine::Event(_) | RecordLine::Config(_) | RecordLine::Bucket(_) | RecordLine::View(_) => line,
    }
}

/// Whether stored markup is still a fixed point of its reader. Of a blanked story nothing is left that could be wrong.
fn is_canonical(story: &StoryLine) -> bool {
    let stable = |place, markup: &str| Markup::read_stored(place, markup).is_some();
    match story.title.as_deref() {
        Some("") => true,
        Some(title) => {
            stable(Place::Title, title) && story.body.as_deref().is_none_or(|body| stable(Place::Body, body))
        }
        None => false,
    }
}

fn ranked_story(story: &StoryLine, fate: Fate) -> RankedStory {
    RankedStory {
        id: story.story,
        seq: story.seq,
        published: story.published_ms,
        app: AppPlace(0),
        priority: PriorityClass::of(story.priority),
        pictures: fate.pictures(),
        has_body: story.has_body,
        marks: fate.marks(story),
    }
}

/// A story in memory as its line: what was read and judged once stays so, and what has happened since stands in events.
fn line_in_memory(app: AppId, story: &RankedStory) -> RecordLine {
    use crate::model::ranking::Marks;
    RecordLine::Story(Box::new(StoryLine {
        seq: story.seq,
        story: story.id,
        app,
        published_ms: story.published,
        priority: story.priority.least(),
        exempt: story.marks.any_of(Marks::EXEMPT),
        has_body: story.has_body,
        damaged: story.marks.any_of(Marks::DAMAGED),
        title: None,
        body: None,
    }))
}

/// All stories of these lines.
fn loaded(lines: Vec<RecordLine>) -> UserStories {
    let mut fates: BTreeMap<StoryId, Fate> = BTreeMap::new();
    for line in &lines {
        if let RecordLine::Event(event) = line
            && let Some(story) = event.story
        {
            fates.entry(story).or_default().note(event);
        }
    }
    UserStories::of(lines.into_iter().filter_map(|line| match judged(line) {
        RecordLine::Story(story) => {
            let fate = fates.get(&story.story).copied().unwrap_or_default();
            Some((story.app, ranked_story(&story, fate)))
        }
        RecordLine::Event(_) | RecordLine::Config(_) | RecordLine::Bucket(_) | RecordLine::View(_) => None,
    }))
}

/// Takes further lines; false when one of them cannot be judged from what is in memory.
fn carry_on(stories: &mut UserStories, lines: Vec<RecordLine>) -> bool {
    lines.into_iter().all(|line| match judged(line) {
        RecordLine::Story(story) => stories.push(story.app, ranked_story(&story, Fate::default())),
        RecordLine::Event(event) => happened(stories, &event),
        RecordLine::Config(_) | RecordLine::Bucket(_) | RecordLine::View(_) => true,
    })
}

fn happened(stories: &mut UserStories, event: &EventLine) -> bool {
    let Some(id) = event.story else { return true };
    let marks: fn(Marks) -> Marks = match event.event {
        LineEvent::Hidden => |marks| marks.with(Marks::HIDDEN),
        LineEvent::Reported { .. } => |marks| marks.with(Marks::REPORTED),
        LineEvent::Undone => |marks| marks.without(Marks::HIDDEN).without(Marks::REPORTED),
        LineEvent::Blanked => |marks| marks.with(Marks::BLANKED),
        // Which slots are ready is not in memory.
        LineEvent::PictureRemoved { .. } => return false,
        LineEvent::PictureReady { .. } => |marks| marks,
        LineEvent::Shown
        | LineEvent::Clicked
        | LineEvent::Thumbed
        | LineEvent::Unthumbed
        | LineEvent::Slider { .. }
        | LineEvent::Switched { .. }
        | LineEvent::Granted
        | LineEvent::Withdrawn => return true,
    };
    let more = u8::from(matches!(event.event, LineEvent::PictureReady { .. }));
    let seq = stories.iter().find(|story| story.id == id).map(|story| story.seq);
    if let Some(seq) = seq {
        stories.change(seq, |story| {
            story.marks = marks(story.marks);
            story.pictures += more;
        });
    }
    true
}

/// Applications in the order of their places.
fn apps_of(apps: &[AppId], state: &FeedState, hour: &HourRows) -> Vec<RankedApp> {
    // Hundreds of applications are looked up in lists as long.
    let (grants, sliders) = (by_app(&state.grants), by_app(&state.sliders));
    let (acts, missed) = (by_app(&state.acts), by_app(&state.missed));
    let of = |app: &AppId| RankedApp {
        app: *app,
        standing: match found(&grants, *app) {
            None => Standing::NoGrant,
            Some(false) => Standing::Off,
            Some(true) => Standing::Wanted,
        },
        slider: found(&sliders, *app).unwrap_or_default(),
        acts: found(&acts, *app).unwrap_or_default(),
        quality: found(&hour.rows, *app),
        missed: found(&missed, *app).unwrap_or_default(),
    };
    apps.iter().map(of).collect()
}

/// In the order in which `found` looks, which is mostly that of the books.
fn by_app<T: Copy>(list: &[(AppId, T)]) -> Vec<(AppId, T)> {
    let mut sorted = list.to_vec();
    sorted.sort_by_key(|(app, _)| *app);
    sorted
}

fn found<T: Copy>(sorted: &[(AppId, T)], app: AppId) -> Option<T> {
    let at = sorted.binary_search_by_key(&app, |(known, _)| *known).ok()?;
    sorted.get(at).map(|(_, value)| *value)
}
