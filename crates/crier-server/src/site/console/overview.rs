//! `/developers/<app_id>`: an application with its keys and what it may do.

use super::head::AppHead;
use super::owned::OwnedApp;
use crate::site::door::{Answer, render};
use crate::site::layout::Chrome;
use askama::Template;
use crier_platform::accounts::admin::app_settings;
use http::StatusCode;

#[derive(Template)]
#[template(path = "console/overview.html")]
pub(in crate::site) struct OverviewPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) api_key: String,
    /// Settings by name, as `app show` prints them.
    pub(in crate::site) settings: Vec<(&'static str, String)>,
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let head = owned.head("Overview");
    let page = OverviewPage {
        chrome: owned.chrome(&head),
        head: &head,
        api_key: owned.app.api_key.to_string(),
        settings: app_settings(&owned.app),
    };
    render(StatusCode::OK, &page)
}
