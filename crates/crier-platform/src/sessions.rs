//! What a new session is: its key, its secret and how long it lasts (protocol 10.2, 10.3). One rule for every way that leads to one.

use crate::model::app::{App, AppKind};
use crate::model::session::SessionKind;
use crate::model::time::WallMs;
use crate::ports::store::NewSession;
use crier_proto::digest::lower_hex;
use crier_proto::ids::{SessionKey, Uid};
use crier_proto::secret::Secret;

/// Seconds that a session lasts, from its creation or, where it slides, from its last call (protocol 10.3).
const SESSION_SECS: i64 = 86_400;

/// Random bytes of a session's key and of its secret (protocol 10.2).
pub(crate) type Chance = ([u8; 12], [u8; 16]);

/// What a person has permitted a session to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// A day.
    Day,
    /// For ever: "keep me logged in", or `offline_access`.
    Kept,
    /// For ever: a typed code was carried by hand.
    Typed,
}

impl Lasting {
    /// `Kept` when the person has permitted it, else `Day`.
    pub(crate) const fn kept_if(permitted: bool) -> Self {
        if permitted { Self::Kept } else { Self::Day }
    }
}

/// A new session of a user with an application.
pub(crate) fn new_session(
    app: &App,
    user: Uid,
    lasting: Lasting,
    (now, chance): (WallMs, Chance),
) -> NewSession {
    let (expires, kind) = lasts(app.kind, lasting, now.secs());
    NewSession {
        key: SessionKey::of(&lower_hex(&chance.0), user)
            .expect("12 bytes are 24 lower-case hexadecimal digits"),
        app: app.id,
        user,
        secret: Secret::new(format!("{}__", lower_hex(&chance.1))),
        expires,
        kind,
    }
}

/// The table of protocol 10.3. A desktop session slides whatever was ticked, since its secret lies on its user's disk; that of a
/// typed code never ends, whichever application it is for.
fn lasts(kind: AppKind, lasting: Lasting, now_secs: i64) -> (Option<i64>, SessionKind) {
    let tomorrow = Some(now_secs.saturating_add(SESSION_SECS));
    match (lasting, kind) {
        (Lasting::Typed, AppKind::Web | AppKind::Desktop) | (Lasting::Kept, AppKind::Web) => {
            (None, SessionKind::Fixed)
        }
        (Lasting::Day, AppKind::Web) => (tomorrow, SessionKind::Fixed),
        (Lasting::Day | Lasting::Kept, AppKind::Desktop) => (tomorrow, SessionKind::Sliding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_sessions_last_a_day_or_for_ever_desktop_sessions_slide_and_typed_codes_buy_for_ever() {
        for (kind, lasting, expected) in [
            (AppKind::Web, Lasting::Day, (Some(87_400), SessionKind::Fixed)),
            (AppKind::Web, Lasting::Kept, (None, SessionKind::Fixed)),
            (AppKind::Web, Lasting::Typed, (None, SessionKind::Fixed)),
            (
                AppKind::Desktop,
                Lasting::Day,
                (Some(87_400), SessionKind::Sliding),
            ),
            (
                AppKind::Desktop,
                Lasting::Kept,
                (Some(87_400), SessionKind::Sliding),
            ),
            (AppKind::Desktop, Lasting::Typed, (None, SessionKind::Fixed)),
        ] {
            assert_eq!(lasts(kind, lasting, 1_000), expected, "{kind:?} {lasting:?}");
        }
    }
}
