//! What happens in a feed's record beside its stories: each fact under the record's next place (feed 5.6, 8.2).
//!
//! Promise: the head is moved first, so that places have no gap and no inversion. Knows nothing of what a fact means.

use super::jobs::SlotRow;
use super::pen::{Halt, Pen};
use crier_platform::model::time::WallMs;
use crier_proto::ids::{AppId, Uid};

const NEXT_SEQ: &str =
    "INSERT INTO feed_head (user, last_seq, record) VALUES (?1, 1, (SELECT last FROM counter WHERE name = 'feed_record'))
  ON CONFLICT (user) DO UPDATE SET last_seq = last_seq + 1 RETURNING last_seq";
const ADD_EVENT: &str = "INSERT INTO feed_event (user, seq, at_ms, kind, app, story, view, value)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// An event on its way to its place.
pub(super) struct Event<'a> {
    pub(super) at: WallMs,
    pub(super) kind: &'static str,
    pub(super) app: i64,
    pub(super) story: Option<i64>,
    pub(super) view: Option<i64>,
    pub(super) value: Option<&'a str>,
}

/// What a person has decided about an application's stories (feed 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// The application was accepted.
    Granted,
    /// The acceptance was withdrawn.
    Withdrawn,
    /// Its stories were switched on or off.
    Switched(bool),
}

impl Decision {
    /// The columns `kind` and `value`.
    const fn columns(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Granted => ("granted", None),
            Self::Withdrawn => ("withdrawn", None),
            Self::Switched(true) => ("switched", Some("on")),
            Self::Switched(false) => ("switched", Some("off")),
        }
    }
}

impl Pen<'_> {
    /// The next place of a user's record.
    pub(super) fn next_place(&self, user: Uid) -> Result<i64, Halt> {
        self.next(NEXT_SEQ, [user.get()])
    }

    /// Gives an event the next place of its record.
    pub(super) fn add_feed_event(&self, user: Uid, event: &Event<'_>) -> Result<(), Halt> {
        let row = (
            user.get(),
            self.next_place(user)?,
            event.at.0,
            event.kind,
            event.app,
            event.story,
            event.view,
            event.value,
        );
        self.run(ADD_EVENT, row)?;
        self.applied.events.borrow_mut().push(event.kind);
        Ok(())
    }

    /// Leaves a decision in a user's record: ranking looks at it from the next view on (feed 4.2).
    pub(super) fn record_decision(&self, app: AppId, user: Uid, decision: Decision) -> Result<(), Halt> {
        let (kind, value) = decision.columns();
        let event = Event {
            at: self.now,
            kind,
            app: app.get(),
            story: None,
            view: None,
            value,
        };
        self.add_feed_event(user, &event)
    }

    /// What happened to a picture of a story: it weighs in ranking (feed 1.3).
    pub(super) fn note_picture(
        &self,
        slot: &SlotRow,
        (kind, value): (&'static str, String),
    ) -> Result<(), Halt> {
        let event = Event {
            at: self.now,
            kind,
            app: slot.app.get(),
            story: Some(slot.story.get()),
            view: None,
            value: Some(&value),
        };
        self.add_feed_event(slot.user, &event)
    }
}
