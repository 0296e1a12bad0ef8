//! Feed pages as they are served: page 1 as a view or as a look that leaves no trace, later pages by cursor (feed 4.6 to 4.11, 6.11).

use super::cursor::{Cursor, ViewPlace};
use super::figures::FeedBound;
use super::notebook::{Note, Noted};
use super::rank::{Pick, Ranked};
use super::reading::{Reading, young_after};
use super::verdict::lists::{counts, left_out_count};
use super::verdict::verdict_of;
use super::{Away, EXEMPT_MAX, FeedReader, PlacedStory, ServedPage, Serving, StoryView};
use crate::model::app::App;
use crate::model::record::{FeedWrite, LaterPage, NewView, View};
use crate::model::story::Story;
use crate::model::tally::Series;
use crate::ports::store::StoreFault;
use crier_proto::ids::{AppId, StoryId, Uid};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Readings that another view of the user may overtake before this one gives up its trace.
const OVERTAKEN_MAX: usize = 4;

impl FeedReader {
    /// Feed page 1. A view is noted and changes `missed`; a look leaves no trace.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn view(&self, user: Uid, serving: Serving) -> Result<ServedPage, StoreFault> {
        let clock = &self.shared.ports.clock;
        let began = clock.elapsed_micros();
        let page = self.first_page(user, serving).await;
        let figures = &self.shared.ports.feed_figures;
        figures.read(1, (began, clock.elapsed_micros()));
        page
    }

    async fn first_page(&self, user: Uid, serving: Serving) -> Result<ServedPage, StoreFault> {
        if serving == Serving::Look {
            return self.look(user).await;
        }
        let _under_way = self.shared.notebook.under_way(user);
        for _ in 0..OVERTAKEN_MAX {
            let mut reading = self.now(user).await?;
            reading.view += 1;
            let ranked = reading.ranked(2);
            if self.noted(&reading, &ranked).await? {
                return self.page_of(&reading, (&ranked, 1)).await;
            }
        }
        self.look(user).await
    }

    /// Feed page 1 without a trace: it vouches for the last view, and its "More stories" begins anew.
    async fn look(&self, user: Uid) -> Result<ServedPage, StoreFault> {
        let reading = self.now(user).await?;
        let ranked = reading.ranked(2);
        let mut page = self.page_of(&reading, (&ranked, 1)).await?;
        if let Some(last) = self.kept_view(user, None).await? {
            page.v = self.shared.key.mark(user, ViewPlace::of(&last));
        }
        Ok(page)
    }

    /// Notes a view; false when another one of the user came between.
    async fn noted(&self, reading: &Reading, ranked: &Ranked) -> Result<bool, StoreFault> {
        let view = self.view_of(reading, ranked);
        let snapshot = reading.snapshot();
        let exempt = view.exempt.iter().map(|_| "exempt");
        let shown = ranked.first_page().iter().map(|pick| pick.step.verdict());
        let verdicts = exempt.chain(shown).collect();
        let after = ranked.missed_after(&snapshot).zip(&reading.apps);
        let moved = after.filter(|((_, missed), before)| before.missed != *missed);
        let mut missed_after: Vec<(AppId, u32)> = moved.map(|(after, _)| after).collect();
        // Applications without a story here are not active: they begin anew (feed 4.7).
        let here: HashSet<AppId> = reading.apps.iter().map(|known| known.app).collect();
        let gone = reading.missed.iter();
        let gone = gone.filter(|(app, missed)| *missed > 0 && !here.contains(app));
        missed_after.extend(gone.map(|(app, _)| (*app, 0)));
        let missed_most = ranked.missed_after(&snapshot).map(|(_, missed)| missed).max();
        let note = Note::Write(FeedWrite::View(Box::new(NewView {
            view,
            record: reading.record,
            missed_after,
            verdicts,
        })));
        let noted = match self.shared.notebook.note(reading.user, note) {
            Noted::Waits => true,
            Noted::Overtaken => false,
            Noted::Full(note) => {
                // The reader waits instead of the books.
                self.shared.ports.feed_figures.bound(FeedBound::Notes);
                self.write_notes().await;
                matches!(self.shared.notebook.note(reading.user, *note), Noted::Waits)
            }
        };
        if noted {
            self.count_view(reading, ranked, missed_most.unwrap_or(0));
        }
        Ok(noted)
    }

    /// The figures of a view that was noted.
    fn count_view(&self, reading: &Reading, ranked: &Ranked, missed: u32) {
        let figures = &self.shared.ports.feed_figures;
        let verdicts = counts(&reading.snapshot(), ranked, reading.stories());
        if verdicts
            .iter()
            .any(|(name, count)| *name == "overflow" && *count > 0)
        {
            figures.bound(FeedBound::Candidates);
        }
        figures.viewed(&verdicts, (ranked.candidates, missed));
        self.tell_developers(reading, ranked);
    }

    /// Counts each story of feed page 1 for its application, by its step and its slot (feed 5.7).
    fn tell_developers(&self, reading: &Reading, ranked: &Ranked) {
        let now = self.shared.ports.clock.wall();
        let tally = &self.shared.ports.tally;
        for (pick, slot) in ranked.first_page().iter().zip(1_u8..) {
            let Some(app) = reading.app(pick.app) else {
                continue;
            };
            let tally = tally.of(app.app);
            tally.add(now, Series::Shown(pick.step.verdict()));
            tally.add(now, Series::Slot(slot));
        }
        for id in ranked.exempt.iter().take(EXEMPT_MAX) {
            let app = reading.story(*id).and_then(|story| reading.app(story.app));
            if let Some(app) = app {
                tally.of(app.app).add(now, Series::Shown("exempt"));
            }
        }
    }

    fn view_of(&self, reading: &Reading, ranked: &Ranked) -> View {
        View {
            user: reading.user,
            number: reading.view,
            at: self.shared.ports.clock.wall(),
            moment_secs: reading.at_secs,
            seq: reading.seq,
            version: reading.config.version,
            missed: reading
                .missed
                .iter()
                .copied()
                .filter(|(_, missed)| *missed > 0)
                .collect(),
            exempt: ranked.exempt.iter().copied().take(EXEMPT_MAX).collect(),
            shown: ranked.first_page().iter().map(|pick| pick.story).collect(),
            pages: 1,
        }
    }

    /// The feed page of a cursor; `None`: foreign, altered or expired.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn later(&self, user: Uid, cursor: &str) -> Result<Option<ServedPage>, StoreFault> {
        let clock = &self.shared.ports.clock;
        let began = clock.elapsed_micros();
        let page = self.later_page(user, cursor).await?;
        if let Some(page) = &page {
            let figures = &self.shared.ports.feed_figures;
            figures.read(page.page, (began, clock.elapsed_micros()));
        }
        Ok(page)
    }

    async fn later_page(&self, user: Uid, cursor: &str) -> Result<Option<ServedPage>, StoreFault> {
        let Some(cursor) = self.read_cursor(user, cursor) else {
            return Ok(None);
        };
        let Some(view) = self.kept_view(user, Some(cursor.view)).await? else {
            return Ok(None);
        };
        if (view.seq, view.moment_secs, view.version) != (cursor.seq, cursor.at_secs, cursor.version) {
            return Ok(None);
        }
        let reading = self.then(&view, None).await?;
        let page = usize::try_from(cursor.page).unwrap_or(usize::MAX);
        let ranked = reading.ranked(page.saturating_add(1));
        if cursor.page > 1 && ranked.pages.len() >= page {
            let picks = ranked.pages.get(page - 1).map_or(&[][..], Vec::as_slice);
            let note = Note::Write(FeedWrite::Later(LaterPage {
                user,
                view: view.number,
                page: cursor.page,
                at: self.shared.ports.clock.wall(),
                stories: picks.iter().map(|pick| pick.story).collect(),
            }));
            // When too many notes wait this one is left out: what was not noted never happened.
            if let Noted::Full(_) = self.shared.notebook.note(user, note) {
                self.shared.ports.feed_figures.bound(FeedBound::Notes);
            }
        }
        self.page_of(&reading, (&ranked, page)).await.map(Some)
    }

    fn read_cursor(&self, user: Uid, text: &str) -> Option<Cursor> {
        let cursor = self.shared.key.read_cursor(user, text)?;
        let ttl = i64::try_from(self.shared.config.cursor_ttl.0).unwrap_or(i64::MAX);
        let is_alive = self.shared.ports.clock.wall() < cursor.made.plus_ms(ttl);
        if !is_alive {
            self.shared.ports.feed_figures.bound(FeedBound::CursorTtl);
        }
        is_alive.then_some(cursor)
    }

    /// A view that waits or is kept; with `None` the last one.
    pub(super) async fn kept_view(&self, user: Uid, number: Option<i64>) -> Result<Option<View>, StoreFault> {
        match self.shared.notebook.view(user, number) {
            Some(view) => Ok(Some(view)),
            None => self.shared.ports.store.feed_view(user, number).await,
        }
    }

    /// Dresses a ranked page with its texts.
    pub(super) async fn page_of(
        &self,
        reading: &Reading,
        (ranked, page): (&Ranked, usize),
    ) -> Result<ServedPage, StoreFault> {
        let picks = ranked
            .pages
            .get(page.saturating_sub(1))
            .map_or(&[][..], Vec::as_slice);
        let exempt = if page == 1 { &ranked.exempt[..] } else { &[] };
        let exempt_shown = &exempt[..exempt.len().min(EXEMPT_MAX)];
        let ids: Vec<StoryId> = exempt_shown
            .iter()
            .copied()
            .chain(picks.iter().map(|pick| pick.story))
            .collect();
        // Asked before the books: what is written meanwhile they know.
        let shown = self.shared.notebook.shown_before(reading.user, reading.view);
        let mut stories = self.dressed(reading.user, &ids).await?;
        for (id, placed) in &mut stories {
            placed.new &= !shown.contains(id);
        }
        let before: usize = ranked
            .pages
            .iter()
            .take(page.saturating_sub(1))
            .map(Vec::len)
            .sum();
        let slots = self.slots_of((before, picks), &mut stories);
        let exempt_views: Vec<PlacedStory> =
            exempt_shown.iter().filter_map(|id| stories.remove(id)).collect();
        let number = u32::try_from(page).unwrap_or(u32::MAX);
        let verdicts = if exempt_views.is_empty() && slots.is_empty() && page == 1 {
            self.verdict_counts(reading, ranked).await?
        } else {
            Vec::new()
        };
        Ok(ServedPage {
            page: number,
            exempt: exempt_views,
            exempt_more: u32::try_from(exempt.len() - exempt_shown.len()).unwrap_or(u32::MAX),
            slots,
            more: (ranked.pages.len() > page).then(|| self.cursor_to(reading, number + 1)),
            here: self.cursor_to(reading, number),
            w: reading.seq,
            v: self.mark_of(reading, Some(reading.view)),
            version: reading.config.version,
            missed: left_out_count(&reading.snapshot(), ranked, reading.stories()),
            verdicts,
        })
    }

    fn slots_of(
        &self,
        (before, picks): (usize, &[Pick]),
        stories: &mut HashMap<StoryId, PlacedStory>,
    ) -> Vec<PlacedStory> {
        let placed = picks.iter().enumerate().filter_map(|(at, pick)| {
            let mut view = stories.remove(&pick.story)?;
            view.place = Some(before + at + 1);
            Some(view)
        });
        placed.collect()
    }

    /// The cursor of this reading's page, at first served now.
    fn cursor_to(&self, reading: &Reading, page: u32) -> String {
        let cursor = Cursor {
            at_secs: reading.at_secs,
            seq: reading.seq,
            version: reading.config.version,
            view: reading.view,
            page,
            made: self.shared.ports.clock.wall(),
        };
        self.shared.key.cursor(reading.user, &cursor)
    }

    /// Stories of a user with what a page needs to show them; a blanked one and one of an application that is gone is left out.
    pub(super) async fn dressed(
        &self,
        user: Uid,
        ids: &[StoryId],
    ) -> Result<HashMap<StoryId, PlacedStory>, StoreFault> {
        let stories = self.shared.ports.store.feed_stories(user, ids).await?;
        self.with_apps(stories).await.map(|views| {
            let placed = views
                .into_iter()
                .filter(|placed| placed.view.story.blanked.is_none());
            placed.map(|placed| (placed.view.story.id, placed)).collect()
        })
    }

    /// Stories with their applications, each looked up once. One of a disabled application stays in its place: it was accepted.
    pub(super) async fn with_apps(&self, stories: Vec<Story>) -> Result<Vec<PlacedStory>, StoreFault> {
        let mut apps: HashMap<AppId, Option<Arc<App>>> = HashMap::new();
        let mut views = Vec::with_capacity(stories.len());
        for story in stories {
            let app = match apps.get(&story.app) {
                Some(app) => app.clone(),
                None => {
                    let app = self.shared.ports.store.app(story.app).await?;
                    apps.insert(story.app, app.clone());
                    app
                }
            };
            let Some(app) = app else { continue };
            let Some((title, body)) = super::texts_of(&story) else {
                continue;
            };
            let away = match (story.reported, story.hidden_at) {
                (Some((_, reason)), _) => Some(Away::Reported(reason)),
                (None, Some(_)) => Some(Away::Hidden),
                (None, None) => None,
            };
            let reported_at = story.reported.map(|(at, _)| at);
            views.push(PlacedStory {
                new: story.first_shown_at.is_none(),
                thumbed: story.thumbed,
                away,
                acted_at: story.hidden_at.max(reported_at),
                place: None,
                view: StoryView {
                    story,
                    title,
                    body,
                    app,
                },
            });
        }
        Ok(views)
    }

    /// How many stories have which verdict, for the page that has nothing to show (feed 6.6).
    async fn verdict_counts(
        &self,
        reading: &Reading,
        ranked: &Ranked,
    ) -> Result<Vec<(&'static str, u64)>, StoreFault> {
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        let snapshot = reading.snapshot();
        // The books count what is older than this, the reading the rest: each story once, whatever the reading still holds.
        let before = young_after(&reading.config, reading.at_secs);
        let (mut expired_here, mut blanked_here) = (0, 0);
        for story in reading.stories().filter(|story| story.published > before) {
            let name = verdict_of(&snapshot, ranked, story).name();
            match name {
                "expired" => expired_here += 1,
                "blanked" => blanked_here += 1,
                _ => *counts.entry(name).or_default() += 1,
            }
        }
        let older = self
            .shared
            .ports
            .store
            .older_stories(reading.user, before)
            .await?;
        for (name, count) in [
            ("expired", older.expired + expired_here),
            ("blanked", older.blanked + blanked_here),
        ] {
            if count > 0 {
                counts.insert(name, count);
            }
        }
        Ok(counts.into_iter().collect())
    }
}
