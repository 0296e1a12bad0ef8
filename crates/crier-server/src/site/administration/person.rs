//! `/admin/people/<uid>`: a person, and what an administrator may do: suspend and restore, a link that logs them in once, ending
//! their sessions, erasing.

use super::acts::ActRow;
use super::admitted::{AdminHead, Admitted};
use super::quotas::QuotaRow;
use crate::site::door::{Answer, render, see_other};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::Moment;
use askama::Template;
use crier_platform::accounts::admin::UserChange;
use crier_platform::model::user::User;
use crier_proto::ids::Uid;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "administration/person.html")]
pub(in crate::site) struct PersonPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: AdminHead,
    pub(in crate::site) form_token: &'a str,
    pub(in crate::site) uid: String,
    pub(in crate::site) name: &'a str,
    pub(in crate::site) joined: Moment,
    pub(in crate::site) admin: bool,
    pub(in crate::site) enabled: bool,
    pub(in crate::site) has_password: bool,
    /// Whether it is the administrator themselves.
    pub(in crate::site) own: bool,
    /// Applications that they own: number and name.
    pub(in crate::site) owned: Vec<(String, String)>,
    pub(in crate::site) logins: usize,
    pub(in crate::site) sessions: usize,
    pub(in crate::site) accepted: usize,
    pub(in crate::site) quotas: Vec<QuotaRow>,
    pub(in crate::site) acts: Vec<ActRow>,
    /// Whether it asks before it erases.
    pub(in crate::site) erasing: bool,
}

/// A link, shown once.
#[derive(Template)]
#[template(path = "administration/link.html")]
pub(in crate::site) struct LinkPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: AdminHead,
    pub(in crate::site) uid: String,
    pub(in crate::site) name: &'a str,
    pub(in crate::site) address: String,
}

pub(crate) async fn get(admitted: Admitted) -> Answer {
    show(admitted, false).await
}

/// Asks before it erases.
pub(crate) async fn ask_erase(admitted: Admitted) -> Answer {
    show(admitted, true).await
}

async fn show(admitted: Admitted, erasing: bool) -> Answer {
    let user = admitted.person().await?;
    let accounts = &admitted.visit.state.accounts;
    let owned = accounts.apps_of(user.uid).await?;
    let held = accounts.kept_on(user.uid).await?;
    let now = admitted.visit.state.clock.wall();
    let living = |expires: Option<i64>| expires.is_none_or(|expires| expires > now.secs());
    let page = PersonPage {
        chrome: admitted.chrome(&user.name),
        head: admitted.head("People"),
        form_token: &admitted.visit.form_token(),
        uid: user.uid.to_string(),
        name: &user.name,
        joined: admitted.moment(user.created_at),
        admin: user.admin,
        enabled: user.enabled,
        has_password: user.password_hash.is_some(),
        own: user.uid == admitted.admin.uid,
        owned: owned
            .iter()
            .map(|app| (app.id.to_string(), app.name.clone()))
            .collect(),
        logins: held.logins.iter().filter(|expires| **expires > now).count(),
        sessions: held.sessions.iter().filter(|kept| living(kept.expires)).count(),
        accepted: accounts.accepted_apps(user.uid).await?.len(),
        quotas: admitted.quotas_of_person(&user).await?,
        acts: admitted.last_acts(format!("user:{}", user.uid)).await?,
        erasing,
    };
    render(StatusCode::OK, &page)
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(admitted: Admitted) -> Answer {
    let user = admitted.person().await?;
    see_other(&admitted.href(&format!("/people/{}", user.uid)))
}

/// Ends logins and sessions and permits no new ones.
pub(crate) async fn suspend(admitted: Admitted, _fields: Fields) -> Answer {
    admitted.set_enabled(false).await?;
    admitted.done_to_person("suspended").await
}

/// Permits them again.
pub(crate) async fn restore(admitted: Admitted, _fields: Fields) -> Answer {
    admitted.set_enabled(true).await?;
    admitted.done_to_person("restored").await
}

/// Ends every login and session.
pub(crate) async fn end(admitted: Admitted, _fields: Fields) -> Answer {
    let user = admitted.person().await?;
    let accounts = &admitted.visit.state.accounts;
    accounts.end_access(&user.uid.to_string()).await?;
    admitted.done_to_person("ended").await
}

/// Makes a link that logs the person in once, and shows it once.
pub(crate) async fn link(admitted: Admitted, _fields: Fields) -> Answer {
    let user = admitted.person().await?;
    if !user.enabled {
        let sentence = "They are suspended: restore them first, the link would be of no use.";
        return Err(SiteError::bad_request(sentence));
    }
    let state = &admitted.visit.state;
    let token = state.accounts.add_login_link(&user.uid.to_string()).await?;
    let page = LinkPage {
        chrome: admitted.chrome("A link that logs in once"),
        head: admitted.head("People"),
        uid: user.uid.to_string(),
        name: &user.name,
        address: state.public_url.login_link(&token),
    };
    let mut response = render(StatusCode::OK, &page)?;
    let unkept = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, unkept);
    Ok(response)
}

/// Erases, when the name was written out.
pub(crate) async fn erase(admitted: Admitted, fields: Fields) -> Answer {
    let user = admitted.another_person().await?;
    if fields.value("name") != Some(user.name.as_str()) {
        let sentence = "Nothing was erased: write their name exactly as it is shown.";
        return Err(SiteError::bad_request(sentence));
    }
    let accounts = &admitted.visit.state.accounts;
    accounts.erase_user(&user.uid.to_string()).await?;
    see_other(&admitted.href("/people?done=erased"))
}

impl Admitted {
    /// The person whom the address names.
    async fn person(&self) -> Result<Arc<User>, SiteError> {
        let uid: Uid = self.named().parse().map_err(|_| SiteError::NotFound)?;
        let user = self.visit.state.accounts.user(uid).await?;
        user.ok_or(SiteError::NotFound)
    }

    /// The same, who must not be the administrator: nobody shuts themselves out here.
    async fn another_person(&self) -> Result<Arc<User>, SiteError> {
        let user = self.person().await?;
        if user.uid == self.admin.uid {
            let sentence =
                "That is your own account. Another administrator can do this, or the command line.";
            return Err(SiteError::bad_request(sentence));
        }
        Ok(user)
    }

    async fn set_enabled(&self, enabled: bool) -> Result<(), SiteError> {
        let user = self.another_person().await?;
        let change = UserChange {
            enabled: Some(enabled),
            ..UserChange::default()
        };
        let accounts = &self.visit.state.accounts;
        accounts.set_user(&user.uid.to_string(), change).await?;
        Ok(())
    }

    async fn done_to_person(&self, done: &str) -> Answer {
        see_other(&self.href(&format!("/people/{}?done={done}", self.named())))
    }
}
