//! What happens in a feed's record beside its stories: each fact under the record's next place (feed 5.6, 8.2).
//!
//! Promise: the head is moved first, so that places have no gap and no inversion. Knows nothing of what a fact means.

use super::pen::{Halt, Pen};
use crier_proto::ids::{AppId, Uid};

const NEXT_SEQ: &str = "INSERT INTO feed_head (user, last_seq) VALUES (?1, 1)
  ON CONFLICT (user) DO UPDATE SET last_seq = last_seq + 1 RETURNING last_seq";
const ADD_EVENT: &str =
    "INSERT INTO feed_event (user, seq, at_ms, kind, app, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

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
    /// Leaves a decision in a user's record: ranking looks at it from the next view on (feed 4.2).
    pub(super) fn record_decision(&self, app: AppId, user: Uid, decision: Decision) -> Result<(), Halt> {
        let seq: Option<i64> = self.find(NEXT_SEQ, [user.get()])?;
        let (kind, value) = decision.columns();
        self.run(ADD_EVENT, (user.get(), seq, self.now.0, kind, app.get(), value))
            .map(drop)
    }
}
