//! Views and clicks on their way into the books: the reader does not wait for them (feed 8.2).
//!
//! Promise: what waits is bounded; views of one user are written one after the other, and each begins with the `missed` that the
//! one before left, also while that one waits. A kill loses what waits, each note as a whole.

use super::FeedReader;
use super::verdict::later_page;
use crate::jobs::wake::Wake;
use crate::model::record::{FeedState, FeedWrite, View};
use crate::ports::store::{CommitError, StoreFault};
use crier_proto::ids::{AppId, StoryId, Uid};
use futures_util::future::join_all;
use futures_util::lock;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Mutex;

/// Notes written at once: they share a sync.
const TOGETHER_MAX: usize = 256;
/// Milliseconds for which notes are gathered; with the write itself a note is in the books within 200 ms.
const PAUSE_MS: u64 = 100;

/// What is to be written.
#[derive(Debug)]
pub(super) enum Note {
    /// As it is.
    Write(FeedWrite),
    /// A click in the view that a mark names, if it is genuine and that view had the story: both are known when the view is.
    Click {
        /// The story.
        story: StoryId,
        /// The view's mark, as it came.
        mark: String,
    },
}

/// Notes that wait.
#[derive(Debug)]
pub(super) struct Notebook {
    notes_max: usize,
    inner: Mutex<Inner>,
    /// Wakes who writes: while nobody reads nothing is looked at.
    noted: Wake,
    /// Held while notes are written: views reach the books in the order of their numbers, whoever writes them.
    writing: lock::Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<(Uid, Note)>,
    users: HashMap<Uid, Ahead>,
}

/// What the books may not know yet of a user.
#[derive(Debug, Default)]
struct Ahead {
    /// Notes that wait or are being written.
    notes: usize,
    /// Readings that will end in a view. What they have read of the books may be older than what was written since.
    readings: usize,
    /// Which record its views are of.
    record: i64,
    /// Views that wait or are being written, in order.
    views: VecDeque<View>,
    /// Number of the last view that was noted, also after it was written; 0: the books know best.
    last_view: i64,
    /// What the noted views have left of `missed`.
    missed_after: BTreeMap<AppId, u32>,
}

impl Ahead {
    fn forget(&mut self) {
        self.views.clear();
        self.last_view = 0;
        self.missed_after.clear();
    }

    /// The books do not hold a view: those behind it will be refused, and what comes begins with the books.
    fn lost(&mut self, view: &View) {
        if self.views.contains(view) {
            self.forget();
        }
    }
}

/// What came of a note.
#[derive(Debug)]
pub(super) enum Noted {
    /// It waits.
    Waits,
    /// Another view of the user came between.
    Overtaken,
    /// Too many wait: write it now.
    Full(Box<Note>),
}

/// A reading that will end in a view. As long as it lasts the notebook remembers what it noted of the user: the reading may have
/// read the books before that was written, and ask the notebook after it was.
#[derive(Debug)]
pub(super) struct UnderWay<'n> {
    notebook: &'n Notebook,
    user: Uid,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.notebook.leave(self.user, |ahead| {
            ahead.readings = ahead.readings.saturating_sub(1);
        });
    }
}

impl Notebook {
    pub(super) fn new(notes_max: u32) -> Self {
        Self {
            notes_max: usize::try_from(notes_max).unwrap_or(usize::MAX),
            inner: Mutex::default(),
            noted: Wake::default(),
            writing: lock::Mutex::default(),
        }
    }

    /// To be held from before the books are read until the view is noted.
    pub(super) fn under_way(&self, user: Uid) -> UnderWay<'_> {
        super::lock(&self.inner).users.entry(user).or_default().readings += 1;
        UnderWay { notebook: self, user }
    }

    /// Adds to a feed's state what the books do not know yet, or did not when they were read.
    pub(super) fn overlay(&self, user: Uid, state: &mut FeedState) {
        let inner = super::lock(&self.inner);
        let Some(ahead) = inner.users.get(&user) else {
            return;
        };
        if ahead.record != state.head.record || ahead.last_view <= state.head.last_view {
            return;
        }
        state.head.last_view = ahead.last_view;
        let mut new = ahead.missed_after.clone();
        for (app, missed) in &mut state.missed {
            *missed = new.remove(app).unwrap_or(*missed);
        }
        state.missed.extend(new);
    }

    /// A view that waits.
    pub(super) fn view(&self, user: Uid, number: Option<i64>) -> Option<View> {
        let inner = super::lock(&self.inner);
        let views = &inner.users.get(&user)?.views;
        match number {
            Some(number) => views.iter().find(|view| view.number == number).cloned(),
            None => views.back().cloned(),
        }
    }

    /// The stories of waiting views before this one: the books do not know yet that they were shown.
    pub(super) fn shown_before(&self, user: Uid, number: i64) -> HashSet<StoryId> {
        let inner = super::lock(&self.inner);
        let views = inner.users.get(&user).map(|ahead| ahead.views.iter());
        let before = views.into_iter().flatten().filter(|view| view.number < number);
        before
            .flat_map(|view| view.exempt.iter().chain(&view.shown).copied())
            .collect()
    }

    /// Takes a note.
    pub(super) fn note(&self, user: Uid, note: Note) -> Noted {
        let mut inner = super::lock(&self.inner);
        if inner.waiting.len() >= self.notes_max {
            return Noted::Full(Box::new(note));
        }
        let ahead = inner.users.entry(user).or_default();
        if let Note::Write(FeedWrite::View(new)) = &note {
            if ahead.record != new.record {
                // Of a record that was erased, or has lost places: they will be refused.
                ahead.forget();
                ahead.record = new.record;
            }
            if ahead.last_view >= new.view.number {
                return Noted::Overtaken;
            }
            ahead.last_view = new.view.number;
            ahead.views.push_back(new.view.clone());
            ahead.missed_after.extend(new.missed_after.iter().copied());
        }
        ahead.notes += 1;
        inner.waiting.push_back((user, note));
        drop(inner);
        self.noted.knock();
        Noted::Waits
    }

    fn waiting(&self) -> usize {
        super::lock(&self.inner).waiting.len()
    }

    fn has_notes_of(&self, user: Uid) -> bool {
        let inner = super::lock(&self.inner);
        inner.users.get(&user).is_some_and(|ahead| ahead.notes > 0)
    }

    fn take(&self, most: usize) -> Vec<(Uid, Note)> {
        let mut inner = super::lock(&self.inner);
        let together = inner.waiting.len().min(TOGETHER_MAX).min(most);
        inner.waiting.drain(..together).collect()
    }

    /// A note has left; with it a view, which is in the books or is not.
    fn left(&self, user: Uid, view: Option<(&View, bool)>) {
        self.leave(user, |ahead| {
            ahead.notes = ahead.notes.saturating_sub(1);
            match view {
                Some((view, true)) => ahead.views.retain(|waiting| waiting != view),
                Some((view, false)) => ahead.lost(view),
                None => {}
            }
        });
    }

    fn leave(&self, user: Uid, change: impl FnOnce(&mut Ahead)) {
        let mut inner = super::lock(&self.inner);
        if let Some(ahead) = inner.users.get_mut(&user) {
            change(ahead);
            if ahead.notes == 0 && ahead.readings == 0 {
                inner.users.remove(&user);
            }
        }
    }
}

impl FeedReader {
    /// Writes notes for ever, soon after they were made.
    pub async fn keep_notes(&self) {
        loop {
            self.shared.notebook.noted.knocked().await;
            let next = self.shared.ports.clock.elapsed().plus_ms(PAUSE_MS);
            self.shared.ports.clock.sleep_until(next).await;
            self.write_notes().await;
        }
    }

    /// Writes what waits, after what is being written. Notes that come meanwhile are left to the next writing, so that this one has an end.
    pub async fn write_notes(&self) {
        let _turn = self.shared.notebook.writing.lock().await;
        let mut left = self.shared.notebook.waiting();
        while left > 0 {
            let notes = self.shared.notebook.take(left);
            if notes.is_empty() {
                return;
            }
            left -= notes.len();
            let writes = notes.into_iter().map(|(user, note)| self.write_note(user, note));
            join_all(writes).await;
        }
    }

    /// Writes what waits if anything of this user does.
    pub(super) async fn write_notes_of(&self, user: Uid) {
        if self.shared.notebook.has_notes_of(user) {
            self.write_notes().await;
        }
    }

    async fn write_note(&self, user: Uid, note: Note) {
        let view = match &note {
            Note::Write(FeedWrite::View(new)) => Some(new.view.clone()),
            Note::Write(_) | Note::Click { .. } => None,
        };
        let written = match note {
            Note::Write(write) => self.write(write).await,
            Note::Click { story, mark } => self.write_click((user, story), &mark).await,
        };
        // Refused: a user who was erased meanwhile, a view that another process was first with, a click on another view.
        if let Err(CommitError::Fault(fault)) = &written {
            tracing::warn!(%fault, "a view or click was not kept");
        }
        self.shared
            .notebook
            .left(user, view.as_ref().map(|view| (view, written.is_ok())));
    }

    async fn write_click(&self, (user, story): (Uid, StoryId), mark: &str) -> Result<(), CommitError> {
        let view = self.marked_view(user, mark).await.map_err(CommitError::Fault)?;
        let Some(view) = view else {
            return Ok(());
        };
        let page = self.page_with(&view, story).await.map_err(CommitError::Fault)?;
        let Some(page) = page else {
            return Ok(());
        };
        let click = FeedWrite::Click {
            user,
            story,
            view: view.number,
            page,
        };
        self.write(click).await
    }

    /// The feed page of a view that holds a story (feed 2.9); `None`: it was in none of them.
    async fn page_with(&self, view: &View, story: StoryId) -> Result<Option<u32>, StoreFault> {
        if view.shown.contains(&story) || view.exempt.contains(&story) {
            return Ok(Some(1));
        }
        let reading = self.then(view, None).await?;
        let page = later_page(&reading.ranked(usize::MAX), story);
        Ok(page.and_then(|page| u32::try_from(page).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{FeedHead, NewView};
    use crate::model::time::WallMs;
    use futures_util::future::poll_immediate;

    const USER: i64 = 7;

    fn user() -> Uid {
        Uid::new(USER).expect("positive")
    }

    fn view(number: i64, missed: u32) -> Note {
        let app = AppId::new(3).expect("positive");
        Note::Write(FeedWrite::View(Box::new(NewView {
            view: View {
                user: user(),
                number,
                at: WallMs(number),
                moment_secs: 0,
                seq: 0,
                version: 1,
                missed: Vec::new(),
                exempt: Vec::new(),
                shown: Vec::new(),
                pages: 1,
            },
            record: 1,
            missed_after: vec![(app, missed)],
            verdicts: Vec::new(),
        })))
    }

    /// What the books say, with what the notebook adds: the last view, and `missed` of the one application.
    fn overlaid(notebook: &Notebook, in_books: i64) -> (i64, Option<u32>) {
        let mut state = FeedState {
            head: FeedHead {
                record: 1,
                last_view: in_books,
                ..FeedHead::default()
            },
            ..FeedState::default()
        };
        notebook.overlay(user(), &mut state);
        (
            state.head.last_view,
            state.missed.first().map(|(_, missed)| *missed),
        )
    }

    fn write_all(notebook: &Notebook, are_kept: bool) {
        for (user, note) in notebook.take(usize::MAX) {
            match note {
                Note::Write(FeedWrite::View(new)) => notebook.left(user, Some((&new.view, are_kept))),
                Note::Write(_) | Note::Click { .. } => notebook.left(user, None),
            }
        }
    }

    #[tokio::test]
    async fn who_writes_is_woken_by_a_note_and_by_nothing_else() {
        let notebook = Notebook::new(10);
        assert_eq!(poll_immediate(notebook.noted.knocked()).await, None);
        assert!(matches!(notebook.note(user(), view(1, 1)), Noted::Waits));
        assert!(matches!(notebook.note(user(), view(1, 1)), Noted::Overtaken));
        assert_eq!(poll_immediate(notebook.noted.knocked()).await, Some(()));
        assert_eq!(poll_immediate(notebook.noted.knocked()).await, None);
    }

    #[test]
    fn a_view_written_during_a_reading_that_began_before_it_is_still_known_to_that_reading() {
        let notebook = Notebook::new(10);
        let slow = notebook.under_way(user());
        assert!(matches!(notebook.note(user(), view(1, 4)), Noted::Waits));
        write_all(&notebook, true);
        // The slow one has read the books before: they knew of no view.
        assert_eq!(overlaid(&notebook, 0), (1, Some(4)));
        assert!(matches!(notebook.note(user(), view(1, 0)), Noted::Overtaken));
        assert!(matches!(notebook.note(user(), view(2, 5)), Noted::Waits));
        assert_eq!(overlaid(&notebook, 1), (2, Some(5)));
        assert_eq!(notebook.view(user(), Some(1)), None, "it is in the books");
        assert_eq!(notebook.view(user(), None).map(|view| view.number), Some(2));
        write_all(&notebook, true);
        drop(slow);
        assert!(super::super::lock(&notebook.inner).users.is_empty());
        assert_eq!(overlaid(&notebook, 2), (2, None));
    }

    #[test]
    fn a_view_that_the_books_refused_takes_those_behind_it_along_and_no_later_one() {
        let notebook = Notebook::new(10);
        let _slow = notebook.under_way(user());
        notebook.note(user(), view(1, 1));
        notebook.note(user(), view(2, 2));
        let taken = notebook.take(usize::MAX);
        let views: Vec<View> = taken.into_iter().map(|(_, note)| viewed(note)).collect();
        notebook.left(user(), Some((&views[0], false)));
        assert_eq!(overlaid(&notebook, 0), (0, None), "the books know best");
        assert!(matches!(notebook.note(user(), view(1, 9)), Noted::Waits));
        let again = notebook.view(user(), Some(1));
        notebook.left(user(), Some((&views[1], false)));
        assert_eq!(
            overlaid(&notebook, 0),
            (1, Some(9)),
            "the new first view still waits"
        );
        assert!(again.is_some());
    }

    fn viewed(note: Note) -> View {
        match note {
            Note::Write(FeedWrite::View(new)) => new.view,
            Note::Write(_) | Note::Click { .. } => unreachable!("views alone were noted"),
        }
    }
}
