//! `/admin/applications/<app_id>`: an application, and what an administrator may do: switch it off and on, set its quota, give it
//! to another owner, erase it.

use super::acts::ActRow;
use super::admitted::{AdminHead, Admitted};
use super::quotas::QuotaRow;
use crate::site::door::{Answer, render, see_other};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::Moment;
use askama::Template;
use crier_platform::model::app::App;
use crier_proto::ids::AppId;
use http::StatusCode;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "administration/application.html")]
pub(in crate::site) struct ApplicationPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: AdminHead,
    pub(in crate::site) form_token: &'a str,
    pub(in crate::site) id: String,
    pub(in crate::site) name: &'a str,
    pub(in crate::site) api_key: &'a str,
    pub(in crate::site) made: Moment,
    pub(in crate::site) enabled: bool,
    /// The owner's number and name.
    pub(in crate::site) owner: (String, String),
    pub(in crate::site) callback: &'a str,
    pub(in crate::site) calls_per_minute: u32,
    pub(in crate::site) quotas: Vec<QuotaRow>,
    pub(in crate::site) acts: Vec<ActRow>,
    /// Whether it asks before it erases.
    pub(in crate::site) erasing: bool,
}

pub(crate) async fn get(admitted: Admitted) -> Answer {
    show(admitted, false).await
}

/// Asks before it erases.
pub(crate) async fn ask_erase(admitted: Admitted) -> Answer {
    show(admitted, true).await
}

async fn show(admitted: Admitted, erasing: bool) -> Answer {
    let app = admitted.app().await?;
    let owner = admitted.visit.state.accounts.user(app.owner).await?;
    let owner = owner.map_or_else(String::new, |owner| owner.name.clone());
    let page = ApplicationPage {
        chrome: admitted.chrome(&app.name),
        head: admitted.head("Applications"),
        form_token: &admitted.visit.form_token(),
        id: app.id.to_string(),
        name: &app.name,
        api_key: app.api_key.as_str(),
        made: admitted.moment(app.created_at),
        enabled: app.enabled,
        owner: (app.owner.to_string(), owner),
        callback: &app.callback,
        calls_per_minute: app.calls_per_minute,
        quotas: admitted.quotas_of_app(&app).await?,
        acts: admitted.last_acts(format!("app:{}", app.id)).await?,
        erasing,
    };
    render(StatusCode::OK, &page)
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(admitted: Admitted) -> Answer {
    let app = admitted.app().await?;
    see_other(&admitted.href(&format!("/applications/{}", app.id)))
}

/// Refuses its calls and ends its sessions.
pub(crate) async fn disable(admitted: Admitted, _fields: Fields) -> Answer {
    admitted.set("enabled", "no", "disabled").await
}

/// Answers its calls again.
pub(crate) async fn enable(admitted: Admitted, _fields: Fields) -> Answer {
    admitted.set("enabled", "yes", "enabled").await
}

/// Sets how many calls it may make in a minute.
pub(crate) async fn quota(admitted: Admitted, fields: Fields) -> Answer {
    let calls = fields.value("calls_per_minute").unwrap_or_default();
    admitted.set("calls_per_minute", calls, "quota").await
}

/// Gives it to another owner.
pub(crate) async fn owner(admitted: Admitted, fields: Fields) -> Answer {
    let owner = fields.value("owner").unwrap_or_default().trim();
    let accounts = &admitted.visit.state.accounts;
    let Ok(owner) = accounts.find_user(owner).await else {
        let sentence = "There is nobody with that name or number.";
        return Err(SiteError::bad_request(sentence));
    };
    admitted.set("owner", &owner.uid.to_string(), "owner").await
}

/// Erases, when the name was written out.
pub(crate) async fn erase(admitted: Admitted, fields: Fields) -> Answer {
    let app = admitted.app().await?;
    if fields.value("name") != Some(app.name.as_str()) {
        let sentence = "Nothing was erased: write its name exactly as it is shown.";
        return Err(SiteError::bad_request(sentence));
    }
    let accounts = &admitted.visit.state.accounts;
    accounts.erase_app(&app.id.to_string()).await?;
    see_other(&admitted.href("/applications?done=app_erased"))
}

impl Admitted {
    /// The application that the address names.
    async fn app(&self) -> Result<Arc<App>, SiteError> {
        let id: AppId = self.named().parse().map_err(|_| SiteError::NotFound)?;
        let app = self.visit.state.accounts.app(id).await?;
        app.ok_or(SiteError::NotFound)
    }

    /// Changes one setting and leads back to the page, which says what was done.
    async fn set(&self, key: &str, value: &str, done: &str) -> Answer {
        let app = self.app().await?;
        let setting = [(key.to_owned(), value.to_owned())];
        let accounts = &self.visit.state.accounts;
        accounts.set_app(&app.id.to_string(), &setting).await?;
        see_other(&self.href(&format!("/applications/{}?done={done}", app.id)))
    }
}
