//! `…/live?of=…&seen=…`: word to an open page of calls or messages that there is something new to show (live 13.1).
//!
//! Promise: a word says that something has changed and not what; the page asks for itself again. At most two words a second; a stream
//! ends with its login, and when the application is no longer its reader's.

use super::owned::OwnedApp;
use crate::site::door::Answer;
use crate::site::error::SiteError;
use crate::site::streams::{Place, events};
use crate::state::AppState;
use crier_platform::model::time::ElapsedMs;
use crier_proto::ids::{AppId, MessageId, Uid};
use futures_util::stream::unfold;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Between two looks.
const LOOK_MS: u64 = 500;
/// Looks without news between two beats.
const LOOKS_PER_BEAT: u32 = 50;
/// Messages that a page of them shows.
pub(super) const MESSAGES_SHOWN: usize = 50;

/// What an open page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    /// The calls.
    Calls,
    /// The messages.
    Messages,
    /// One message.
    Message(MessageId),
}

impl Watched {
    /// As the page's address for words names it; `seen` is what the page shows.
    pub(super) fn address(self, owned: &OwnedApp, seen: &str) -> String {
        let of = match self {
            Self::Calls => "calls".to_owned(),
            Self::Messages => "messages".to_owned(),
            Self::Message(id) => id.to_string(),
        };
        owned.href(&format!("/live?of={of}&seen={seen}"))
    }

    fn named(text: &str) -> Option<Self> {
        match text {
            "calls" => Some(Self::Calls),
            "messages" => Some(Self::Messages),
            id => id.parse().ok().map(Self::Message),
        }
    }
}

/// How things stand, in few characters: equal when nothing has changed.
pub(super) async fn standing(state: &AppState, app: AppId, watched: Watched) -> Result<String, SiteError> {
    let mut hasher = DefaultHasher::new();
    match watched {
        Watched::Calls => return Ok(state.dispatcher.log().newest(app).to_string()),
        Watched::Messages => {
            for message in state.messages.latest(app, MESSAGES_SHOWN).await? {
                let of = message.delivery;
                (
                    of.id.as_bytes(),
                    of.state.as_str(),
                    of.pages,
                    of.written,
                    of.acked,
                )
                    .hash(&mut hasher);
            }
        }
        Watched::Message(id) => {
            if let Some((_, status)) = state.messages.message(app, id).await? {
                let of = status.delivery;
                (of.state.as_str(), of.pages, of.handlers, status.lagging).hash(&mut hasher);
                status.timeline.len().hash(&mut hasher);
            }
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// A page that listens.
struct Listener {
    state: AppState,
    place: Place,
    login: String,
    user: Uid,
    app: AppId,
    watched: Watched,
    told: String,
    next_look: ElapsedMs,
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let visit = &owned.visit;
    let of = visit.query.value("of").and_then(Watched::named);
    let (Some(watched), Some(seen)) = (of, visit.query.value("seen")) else {
        return Err(SiteError::bad_request("This address is for open pages alone."));
    };
    let user = visit.user()?;
    let listener = Listener {
        place: visit.state.streams.enter(user.uid),
        login: visit.login_token().unwrap_or_default().to_owned(),
        user: user.uid,
        app: owned.app.id,
        watched,
        told: seen.to_owned(),
        next_look: visit.state.clock.elapsed(),
        state: visit.state.clone(),
    };
    Ok(events(unfold(Some(listener), |listener| async move {
        let mut listener = listener?;
        let (text, goes_on) = listener.next_event().await?;
        Some((text, goes_on.then_some(listener)))
    })))
}

impl Listener {
    /// The next text of the stream, and whether it goes on; `None` at its end.
    async fn next_event(&mut self) -> Option<(String, bool)> {
        for look in 0.. {
            tokio::select! {
                biased;
                () = self.place.lost() => return None,
                () = self.place.sent_away() => return Some((self.state.streams.farewell(), false)),
                () = self.state.clock.sleep_until(self.next_look) => {}
            }
            self.next_look = self.state.clock.elapsed().plus_ms(LOOK_MS);
            let standing = standing(&self.state, self.app, self.watched).await.ok()?;
            let new = standing != self.told;
            if !new && look < LOOKS_PER_BEAT {
                continue;
            }
            if !self.may_see().await {
                return None;
            }
            if self.watched == Watched::Calls {
                self.state
                    .dispatcher
                    .log()
                    .watch(self.app, self.state.clock.elapsed());
            }
            let text = if new {
                format!("data: {standing}\n\n")
            } else {
                ":\n\n".to_owned()
            };
            self.told = standing;
            return Some((text, true));
        }
        None
    }

    async fn may_see(&self) -> bool {
        let accounts = &self.state.accounts;
        let logged_in = accounts.logged_in(&self.login).await;
        let owns = accounts.own_app(self.user, self.app).await;
        matches!((logged_in, owns), (Ok(Some(_)), Ok(Some(_))))
    }
}
