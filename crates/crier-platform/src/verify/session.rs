//! Steps 5 and 7: whom the call acts for (seed: error 102, "improperly submitted or has reached its timeout").

use crate::model::app::App;
use crate::model::session::{Session, SessionKind};
use crate::model::time::WallMs;
use crate::ports::store::{Store, StoreFault};
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::SessionKey;
use std::sync::Arc;

/// Seconds that a sliding session lasts from its last call that passed the signature (protocol 10.3).
pub(crate) const SLIDING_SECS: i64 = 86_400;

/// What the books say of a call's `session_key`.
pub(super) enum Claimed {
    /// The call carries none.
    Absent,
    /// A living session of this application.
    Living(Arc<Session>),
    /// Malformed, unknown, expired or another application's: all one to the caller.
    Refused,
}

impl Claimed {
    /// The living session, if there is one.
    pub(super) fn living(&self) -> Option<&Arc<Session>> {
        match self {
            Self::Living(session) => Some(session),
            Self::Absent | Self::Refused => None,
        }
    }

    /// Whether the call carries a session at all (protocol 4.2).
    pub(super) fn is_carried(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Living(_) | Self::Refused => true,
        }
    }
}

/// Looks the session up.
pub(super) async fn claimed(
    store: &dyn Store,
    app: &App,
    session_key: Option<&str>,
    now: WallMs,
) -> Result<Claimed, StoreFault> {
    let Some(text) = session_key else {
        return Ok(Claimed::Absent);
    };
    let Ok(key) = text.parse::<SessionKey>() else {
        return Ok(Claimed::Refused);
    };
    let found = store.session(&key).await?;
    Ok(found
        .filter(|session| session.app == app.id && !session.has_expired(now))
        .map_or(Claimed::Refused, Claimed::Living))
}

/// Refuses a claimed session that is none. Runs after the signature has been computed, so that both take the same time.
pub(super) fn proven(claimed: Claimed) -> Result<Option<Arc<Session>>, Refusal> {
    match claimed {
        Claimed::Absent => Ok(None),
        Claimed::Living(session) => Ok(Some(session)),
        Claimed::Refused => Err(Refusal::plain(Code::InvalidSession)),
    }
}

/// Renews a sliding session, at most once a second (protocol 10.3; 11.1: only after a matching signature).
pub(super) fn renew(store: &dyn Store, session: &Session, now: WallMs) -> Result<(), StoreFault> {
    let expires = now.secs().saturating_add(SLIDING_SECS);
    match session.kind {
        SessionKind::Fixed => Ok(()),
        SessionKind::Sliding if session.expires.is_some_and(|stands| stands < expires) => {
            store.mark_expiry(session.id, expires)
        }
        SessionKind::Sliding => Ok(()),
    }
}
