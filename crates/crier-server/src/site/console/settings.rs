//! `/developers/<app_id>/settings`: what an application may be told to do, in forms that each save one part (protocol 17).

use super::head::AppHead;
use super::owned::OwnedApp;
use crate::site::door::{Answer, render, see_other};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use askama::Template;
use crier_platform::accounts::admin::app_settings;
use http::StatusCode;

/// The profiles, and what each is for.
const PROFILES: [(&str, &str); 3] = [
    ("documented", "as the two documented methods say, to the letter"),
    ("period", "as the platform of 2008 behaved, for its clients"),
    ("modern", "for software that is written today"),
];

#[derive(Template)]
#[template(path = "console/settings.html")]
pub(in crate::site) struct SettingsPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) form_token: &'a str,
    /// Name, what it is for, and whether it is the present one.
    pub(in crate::site) profiles: Vec<(&'static str, &'static str, bool)>,
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let head = owned.head("Settings");
    let settings = app_settings(&owned.app);
    let present = settings.iter().find(|(key, _)| *key == "profile");
    let profiles =
        PROFILES.map(|(name, meaning)| (name, meaning, present.is_some_and(|(_, value)| value == name)));
    let page = SettingsPage {
        chrome: owned.chrome(&head),
        head: &head,
        form_token: &owned.visit.form_token(),
        profiles: profiles.to_vec(),
    };
    render(StatusCode::OK, &page)
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(owned: OwnedApp) -> Answer {
    see_other(&owned.href("/settings"))
}

/// Sets all settings of a profile at once.
pub(crate) async fn profile(owned: OwnedApp, fields: Fields) -> Answer {
    let profile = fields.value("profile");
    let profile = profile.ok_or_else(|| SiteError::bad_request("Choose one of the profiles."))?;
    let change = [("profile".to_owned(), profile.to_owned())];
    let app = owned.app.id.to_string();
    owned.visit.state.accounts.set_app(&app, &change).await?;
    see_other(&owned.href("/settings"))
}
