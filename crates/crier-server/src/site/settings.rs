//! `/settings`: the applications that a person has accepted, and the time zone that times are shown in.

use super::app_sign::AppSign;
use super::door::{Answer, render, see_other};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::moment::{Moment, is_zone, zone, zone_names};
use super::visit::Visit;
use super::words::counted;
use askama::Template;
use crier_platform::accounts::admin::UserChange;
use crier_proto::ids::AppId;
use http::StatusCode;

#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct SettingsPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    pub(super) uid: String,
    pub(super) apps: Vec<AcceptedRow>,
    /// How many photos applications have uploaded for them, in words, if there are any.
    pub(super) photos: Option<String>,
    /// Names of time zones, and which one is chosen.
    pub(super) zones: Vec<(String, bool)>,
    /// What was just done, or empty.
    pub(super) notice: &'a str,
}

/// An accepted application.
pub(super) struct AcceptedRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) sign: AppSign,
    pub(super) since: Moment,
    pub(super) stories: bool,
    pub(super) enabled: bool,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    let (now, zone) = (visit.state.clock.wall(), zone(&user.time_zone));
    let accepted = visit.state.accounts.accepted_apps(user.uid).await?;
    let apps = accepted
        .into_iter()
        .map(|accepted| AcceptedRow {
            id: accepted.app.id.to_string(),
            name: accepted.app.name.clone(),
            sign: AppSign::of(&accepted.app, &visit.state.public_url.base_path),
            since: Moment::new(accepted.grant.granted_at, now, &zone),
            stories: accepted.grant.feed,
            enabled: accepted.app.enabled,
        })
        .collect();
    let photos = visit.state.pictures.photos_of(user.uid).await?.len();
    let notice = match visit.query.value("done") {
        Some("withdrawn") => {
            "You have withdrawn. The application can no longer reach you, and its sessions have ended."
        }
        Some("accepted") => "Accepted. You can change your mind here at any time.",
        Some("zone") => "Times are now shown in your time zone.",
        Some(_) | None => "",
    };
    render(
        StatusCode::OK,
        &SettingsPage {
            chrome: Chrome::of(&visit, "Settings", "settings"),
            form_token: &visit.form_token(),
            uid: user.uid.to_string(),
            apps,
            photos: (photos > 0).then(|| counted(photos as u64, "photo", "photos")),
            zones: zones(&user.time_zone),
            notice,
        },
    )
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(visit: Visit) -> Answer {
    see_other(&visit.href("/settings"))
}

/// Stories of one application on or off.
pub(crate) async fn stories(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/settings")?;
    let app = app_id(&fields)?;
    let on = fields.value("stories") == Some("on");
    visit.state.accounts.switch_stories(app, user.uid, on).await?;
    see_other(&visit.href(&format!("/settings#app{app}")))
}

/// The time zone.
pub(crate) async fn time_zone(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/settings")?;
    let name = fields.value("zone").unwrap_or_default();
    if !is_zone(name) {
        return Err(SiteError::bad_request(
            "There is no such time zone. Choose one of the list.",
        ));
    }
    let change = UserChange {
        time_zone: Some(name.to_owned()),
        ..UserChange::default()
    };
    visit
        .state
        .accounts
        .set_user(&user.uid.to_string(), change)
        .await?;
    see_other(&visit.href("/settings?done=zone"))
}

/// The application that a form names.
pub(super) fn app_id(fields: &Fields) -> Result<AppId, SiteError> {
    let app = fields.value("app").and_then(|text| text.parse().ok());
    app.ok_or(SiteError::NotFound)
}

/// The zones to choose from; the present one is among them whatever it is.
pub(super) fn zones(chosen: &str) -> Vec<(String, bool)> {
    let mut names = zone_names();
    if !names.iter().any(|name| name == chosen) {
        names.push(chosen.to_owned());
    }
    names
        .into_iter()
        .map(|name| (name.clone(), name == chosen))
        .collect()
}
