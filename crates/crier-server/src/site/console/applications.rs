//! `/developers`: the applications of the logged-in person.

use crate::site::app_sign::AppSign;
use crate::site::door::{Answer, render};
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, zone};
use crate::site::visit::Visit;
use askama::Template;
use http::StatusCode;

#[derive(Template)]
#[template(path = "console/applications.html")]
pub(in crate::site) struct ApplicationsPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) apps: Vec<AppRow>,
    /// Whether they may make one.
    pub(in crate::site) may_make: bool,
    pub(in crate::site) form_token: &'a str,
    /// Whether test mode has begun.
    pub(in crate::site) testing: bool,
}

/// An application of the list.
pub(in crate::site) struct AppRow {
    pub(in crate::site) id: String,
    pub(in crate::site) name: String,
    pub(in crate::site) sign: AppSign,
    pub(in crate::site) made: Moment,
    pub(in crate::site) enabled: bool,
    /// Whether it is the test application.
    pub(in crate::site) test: bool,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    let (now, zone) = (visit.state.clock.wall(), zone(&user.time_zone));
    let apps = visit.state.accounts.apps_of(user.uid).await?;
    let may_make = visit.state.accounts.may_make_apps(&user).await?;
    let bench = visit.state.accounts.test_bench(user.uid).await?;
    let test_app = bench.as_ref().map(|bench| bench.app.id);
    let resting = visit.state.accounts.resting_test_app(user.uid).await?;
    let apps = apps
        .iter()
        .filter(|app| resting != Some(app.id))
        .map(|app| AppRow {
            test: test_app == Some(app.id),
            id: app.id.to_string(),
            name: app.name.clone(),
            sign: AppSign::of(app, &visit.state.public_url.base_path),
            made: Moment::new(app.created_at, now, &zone),
            enabled: app.enabled,
        });
    let page = ApplicationsPage {
        chrome: Chrome::of(&visit, "Your applications", "developers"),
        apps: apps.collect(),
        may_make,
        form_token: &visit.form_token(),
        testing: bench.is_some(),
    };
    render(StatusCode::OK, &page)
}
