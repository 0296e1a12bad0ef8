//! `/developers/<app_id>/people`: who has accepted an application, as far as the protocol tells it, the sessions that its owner
//! may end, and the order of a session's calls, which they may reset (protocol 9.6).

use super::head::AppHead;
use super::owned::OwnedApp;
use crate::site::door::{Answer, render, see_other};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, zone};
use askama::Template;
use crier_platform::accounts::AccountError;
use crier_platform::accounts::app_people::OwnPerson;
use crier_platform::model::app::CallIdSetting;
use crier_platform::model::session::{Session, SessionId};
use crier_platform::model::time::WallMs;
use crier_proto::ids::Uid;
use http::StatusCode;

#[derive(Template)]
#[template(path = "console/people.html")]
pub(in crate::site) struct PeoplePage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) form_token: &'a str,
    /// Where people accept it.
    pub(in crate::site) accept: String,
    pub(in crate::site) people: Vec<PersonRow>,
    /// Whether this is not the first page.
    pub(in crate::site) later: bool,
    /// What the address of the next page carries.
    pub(in crate::site) next: Option<String>,
    pub(in crate::site) sessions: Vec<SessionRow>,
    /// Whether the application's calls are in an order that can be reset (protocol 9.2).
    pub(in crate::site) ordered: bool,
    /// What was just done.
    pub(in crate::site) done: Done,
}

/// What a form of this page has just done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::site) enum Done {
    Nothing,
    /// A session has ended.
    Ended,
    /// A session's call order was reset.
    Reset,
    /// There is no session with the key whose call order was to be reset.
    NoSession,
}

/// A person who has accepted.
pub(in crate::site) struct PersonRow {
    pub(in crate::site) uid: String,
    /// Of the owner and of test people alone.
    pub(in crate::site) name: Option<String>,
    pub(in crate::site) since: Moment,
    pub(in crate::site) added: bool,
    pub(in crate::site) stories: bool,
    pub(in crate::site) offline: bool,
}

/// A session of the owner's or of a test person's.
pub(in crate::site) struct SessionRow {
    pub(in crate::site) id: String,
    pub(in crate::site) name: String,
    /// The first letters of its key: enough to find it again, too little to use it.
    pub(in crate::site) key: String,
    pub(in crate::site) made: Moment,
    /// When it ends; `None` never.
    pub(in crate::site) ends: Option<Moment>,
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let head = owned.head("People");
    let accounts = &owned.visit.state.accounts;
    let behind = owned.visit.query.value("behind").and_then(behind);
    let page = accounts.app_people(&owned.app, behind).await?;
    let own = accounts.own_people(&owned.app).await?;
    let named = |uid: Uid| {
        let people = owned.test_people().chain([&owned.user]);
        people
            .into_iter()
            .find(|user| user.uid == uid)
            .map(|user| user.name.clone())
    };
    let people = page.people.iter().map(|grant| PersonRow {
        uid: grant.user.to_string(),
        name: named(grant.user),
        since: moment(&owned, grant.granted_at),
        added: grant.added,
        stories: grant.feed,
        offline: grant.offline_access,
    });
    let page = PeoplePage {
        chrome: owned.chrome(&head),
        head: &head,
        form_token: &owned.visit.form_token(),
        accept: format!(
            "{}/authorize.php?api_key={}&v=1.0",
            owned.visit.state.public_url.url, owned.app.api_key
        ),
        people: people.collect(),
        later: behind.is_some(),
        next: page.next.map(|(at, user)| format!("{}.{user}", at.0)),
        sessions: own.iter().flat_map(|person| rows_of(&owned, person)).collect(),
        ordered: owned.app.settings.call_id != CallIdSetting::Ignored,
        done: match owned.visit.query.value("done") {
            Some("ended") => Done::Ended,
            Some("reset") => Done::Reset,
            Some("no-session") => Done::NoSession,
            Some(_) | None => Done::Nothing,
        },
    };
    render(StatusCode::OK, &page)
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(owned: OwnedApp) -> Answer {
    see_other(&owned.href("/people"))
}

/// Ends a session of the owner's or of a test person's.
pub(crate) async fn end(owned: OwnedApp, fields: Fields) -> Answer {
    let session = fields.value("session").and_then(|text| text.parse().ok());
    let session = SessionId(session.ok_or(SiteError::NotFound)?);
    let accounts = &owned.visit.state.accounts;
    if !accounts.end_own_persons_session(&owned.app, session).await? {
        return Err(SiteError::NotFound);
    }
    see_other(&owned.href("/people?done=ended#sessions"))
}

/// Resets the call order of a session of the application, whoever's it is (protocol 9.6).
pub(crate) async fn reset(owned: OwnedApp, fields: Fields) -> Answer {
    let key = fields.value("session_key").unwrap_or_default().trim();
    let accounts = &owned.visit.state.accounts;
    let done = match accounts.reset_call_order(owned.app.id, key).await {
        Ok(()) => "reset",
        Err(AccountError::NotFound(_)) => "no-session",
        Err(error) => return Err(error.into()),
    };
    see_other(&owned.href(&format!("/people?done={done}#order")))
}

fn rows_of<'a>(owned: &'a OwnedApp, person: &'a OwnPerson) -> impl Iterator<Item = SessionRow> + 'a {
    let row = |session: &Session| SessionRow {
        id: session.id.0.to_string(),
        name: person.user.name.clone(),
        key: session.key.as_str().chars().take(6).collect(),
        made: moment(owned, session.created_at),
        ends: session
            .expires
            .map(|secs| moment(owned, WallMs(secs.saturating_mul(1000)))),
    };
    person.sessions.iter().map(row)
}

/// `1795290600000.563683308`: behind which acceptance the page begins.
fn behind(text: &str) -> Option<(WallMs, Uid)> {
    let (at, user) = text.split_once('.')?;
    Some((WallMs(at.parse().ok()?), user.parse().ok()?))
}

/// A moment as the owner reads it.
fn moment(owned: &OwnedApp, at: WallMs) -> Moment {
    Moment::new(at, owned.visit.state.clock.wall(), &zone(&owned.user.time_zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_reads_back_and_nonsense_is_the_beginning() {
        let place = behind("1795290600000.42").unwrap();
        assert_eq!((place.0.0, place.1.get()), (1_795_290_600_000, 42));
        for bad in ["", ".", "1.", ".1", "1.x", "x.1", "1.0"] {
            assert_eq!(behind(bad), None, "{bad}");
        }
    }
}
