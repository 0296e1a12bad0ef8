//! Views and clicks on their way into the books: the reader does not wait for them (feed 8.2).
//!
//! Promise: what waits is bounded; views of one user are written one after the other, and each begins with the `missed` that the
//! one before left, also while that one waits. A kill loses what waits, each note as a whole.

use super::FeedReader;
use super::verdict::later_page;
use crate::model::record::{FeedState, FeedWrite, View};
use crate::ports::store::{CommitError, StoreFault};
use crier_proto::ids::{AppId, StoryId, Uid};
use futures_util::future::join_all;
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

/// Notes written at once: they share a sync.
const TOGETHER_MAX: usize = 256;
/// Milliseconds between two writings; with the write itself a note is in the books within 200 ms.
const PAUSE_MS: u64 = 100;

/// Notes that wait.
#[derive(Debug)]
pub(super) struct Notebook {
    notes_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<(Uid, FeedWrite)>,
    users: HashMap<Uid, Ahead>,
}

/// What the books do not know yet of a user.
#[derive(Debug, Default)]
struct Ahead {
    /// Notes that wait or are being written.
    notes: usize,
    /// Which record its views are of.
    record: i64,
    views: Vec<View>,
    missed_after: Vec<(AppId, u32)>,
}

/// What came of a note.
#[derive(Debug)]
pub(super) enum Noted {
    /// It waits.
    Waits,
    /// Another view of the user came between.
    Overtaken,
    /// Too many wait: write it now.
    Full(Box<FeedWrite>),
}

/// A click in a view, before it is known on which feed page of it.
pub(super) const fn click_on(user: Uid, (story, view): (StoryId, i64)) -> FeedWrite {
    FeedWrite::Click {
        user,
        story,
        view,
        page: 1,
    }
}

impl Notebook {
    pub(super) fn new(notes_max: u32) -> Self {
        Self {
            notes_max: usize::try_from(notes_max).unwrap_or(usize::MAX),
            inner: Mutex::default(),
        }
    }

    /// Adds to a feed's state what the books do not know yet.
    pub(super) fn overlay(&self, user: Uid, state: &mut FeedState) {
        let inner = super::lock(&self.inner);
        let Some(ahead) = inner.users.get(&user) else {
            return;
        };
        let Some(last) = ahead
            .views
            .last()
            .filter(|last| ahead.record == state.head.record && last.number > state.head.last_view)
        else {
            return;
        };
        state.head.last_view = last.number;
        for (app, missed) in &ahead.missed_after {
            match state.missed.iter_mut().find(|(known, _)| known == app) {
                Some((_, known)) => *known = *missed,
                None => state.missed.push((*app, *missed)),
            }
        }
    }

    /// A view that waits.
    pub(super) fn view(&self, user: Uid, number: Option<i64>) -> Option<View> {
        let inner = super::lock(&self.inner);
        let views = &inner.users.get(&user)?.views;
        match number {
            Some(number) => views.iter().find(|view| view.number == number).cloned(),
            None => views.last().cloned(),
        }
    }

    /// Takes a note.
    pub(super) fn note(&self, user: Uid, note: FeedWrite) -> Noted {
        let mut inner = super::lock(&self.inner);
        if inner.waiting.len() >= self.notes_max {
            return Noted::Full(Box::new(note));
        }
        let ahead = inner.users.entry(user).or_default();
        if let FeedWrite::View(new) = &note {
            if ahead.record != new.record {
                // Of a record that was erased, or has lost places: they will be refused.
                ahead.views.clear();
                ahead.missed_after.clear();
                ahead.record = new.record;
            }
            let overtaken = ahead
                .views
                .last()
                .is_some_and(|last| last.number >= new.view.number);
            if overtaken {
                return Noted::Overtaken;
            }
            ahead.views.push(new.view.clone());
            for (app, missed) in &new.missed_after {
                match ahead.missed_after.iter_mut().find(|(known, _)| known == app) {
                    Some((_, known)) => *known = *missed,
                    None => ahead.missed_after.push((*app, *missed)),
                }
            }
        }
        ahead.notes += 1;
        inner.waiting.push_back((user, note));
        Noted::Waits
    }

    fn waiting(&self) -> usize {
        super::lock(&self.inner).waiting.len()
    }

    fn has_notes_of(&self, user: Uid) -> bool {
        super::lock(&self.inner).users.contains_key(&user)
    }

    fn take(&self, most: usize) -> Vec<(Uid, FeedWrite)> {
        let mut inner = super::lock(&self.inner);
        let together = inner.waiting.len().min(TOGETHER_MAX).min(most);
        inner.waiting.drain(..together).collect()
    }

    fn written(&self, user: Uid) {
        let mut inner = super::lock(&self.inner);
        if let Some(ahead) = inner.users.get_mut(&user) {
            ahead.notes = ahead.notes.saturating_sub(1);
            if ahead.notes == 0 {
                inner.users.remove(&user);
            }
        }
    }
}

impl FeedReader {
    /// Writes notes for ever, soon after they were made.
    pub async fn keep_notes(&self) {
        loop {
            let next = self.shared.ports.clock.elapsed().plus_ms(PAUSE_MS);
            self.shared.ports.clock.sleep_until(next).await;
            self.write_notes().await;
        }
    }

    /// Writes what waits. Notes that come meanwhile are left to the next writing, so that this one has an end.
    pub async fn write_notes(&self) {
        let mut left = self.shared.notebook.waiting();
        while left > 0 {
            let notes = self.shared.notebook.take(left);
            if notes.is_empty() {
                return;
            }
            left -= notes.len();
            let users: Vec<Uid> = notes.iter().map(|(user, _)| *user).collect();
            let writes = notes.into_iter().map(|(_, note)| self.write_note(note));
            for (user, written) in users.into_iter().zip(join_all(writes).await) {
                match written {
                    // A user who was erased meanwhile, a view that another process was first with, a click on another view.
                    Ok(()) | Err(CommitError::Refused(_)) => {}
                    Err(CommitError::Fault(fault)) => tracing::warn!(%fault, "a view or click was not kept"),
                }
                self.shared.notebook.written(user);
            }
        }
    }

    /// Writes what waits if anything of this user does.
    pub(super) async fn write_notes_of(&self, user: Uid) {
        if self.shared.notebook.has_notes_of(user) {
            self.write_notes().await;
        }
    }

    async fn write_note(&self, mut note: FeedWrite) -> Result<(), CommitError> {
        if let FeedWrite::Click {
            user,
            story,
            view,
            page,
        } = &mut note
        {
            let found = self.page_with(*user, (*story, *view)).await;
            let Some(found) = found.map_err(CommitError::Fault)? else {
                return Ok(());
            };
            *page = found;
        }
        self.write(note).await
    }

    /// The feed page of a view that holds a story (feed 2.9); `None`: it was in none of them.
    async fn page_with(&self, user: Uid, (story, view): (StoryId, i64)) -> Result<Option<u32>, StoreFault> {
        let Some(view) = self.kept_view(user, Some(view)).await? else {
            return Ok(None);
        };
        if view.shown.contains(&story) || view.exempt.contains(&story) {
            return Ok(Some(1));
        }
        let reading = self.then(&view, None).await?;
        let page = later_page(&reading.ranked(usize::MAX), story);
        Ok(page.and_then(|page| u32::try_from(page).ok()))
    }
}
