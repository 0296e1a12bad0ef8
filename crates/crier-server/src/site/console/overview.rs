//! `/developers/<app_id>`: an application with its keys and what it may do.

use super::head::AppHead;
use super::owned::OwnedApp;
use crate::site::door::{Answer, render};
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, zone};
use askama::Template;
use crier_platform::accounts::developer::{app_settings, profile_settings};
use http::StatusCode;

#[derive(Template)]
#[template(path = "console/overview.html")]
pub(in crate::site) struct OverviewPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) api_key: String,
    pub(in crate::site) profile: String,
    /// Settings that differ from the profile: name and value.
    pub(in crate::site) differing: Vec<(&'static str, String)>,
    pub(in crate::site) kind: String,
    pub(in crate::site) callback: &'a str,
    /// Address of the canvas page, or empty.
    pub(in crate::site) canvas: String,
    pub(in crate::site) origins: &'a [String],
    pub(in crate::site) allow_ip: Vec<&'a str>,
    /// Calls in 60 s; 0: no limit.
    pub(in crate::site) calls_per_minute: u32,
    /// Calls that count against it now.
    pub(in crate::site) calls: u32,
    pub(in crate::site) made: Moment,
    /// Where calls are sent to.
    pub(in crate::site) door: String,
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let head = owned.head("Overview");
    let (app, public) = (&owned.app, &owned.visit.state.public_url);
    let settings = app_settings(app);
    let value = |key: &str| {
        let found = settings.iter().find(|(name, _)| *name == key);
        found.map_or_else(String::new, |(_, value)| value.clone())
    };
    let of_profile = profile_settings(&app.profile.settings());
    let differing = profile_settings(&app.settings)
        .into_iter()
        .filter(|pair| !of_profile.contains(pair));
    let canvas = match app.canvas.as_str() {
        "" => String::new(),
        canvas => format!("{}/apps/{canvas}/", public.url),
    };
    let page = OverviewPage {
        chrome: owned.chrome(&head),
        head: &head,
        api_key: app.api_key.to_string(),
        profile: value("profile"),
        differing: differing.collect(),
        kind: value("kind"),
        callback: &app.callback,
        canvas,
        origins: &app.origins,
        allow_ip: app.allow_ip.iter().map(|rule| rule.text.as_str()).collect(),
        calls_per_minute: app.calls_per_minute,
        calls: owned.visit.state.accounts.calls_in_window(app.id),
        made: Moment::new(
            app.created_at,
            owned.visit.state.clock.wall(),
            &zone(&owned.user.time_zone),
        ),
        door: format!("{}/restserver.php", public.url),
    };
    render(StatusCode::OK, &page)
}
