//! The pages of the console with samples.

use super::{HOSTILE, TOKEN, chrome, moment};
use crate::site::console::{AppHead, AppRow, ApplicationsPage, OverviewPage, SettingsPage};
use askama::Template;

fn head(enabled: bool) -> AppHead {
    AppHead {
        title: HOSTILE.to_owned(),
        id: "7".to_owned(),
        name: HOSTILE.to_owned(),
        letter: "<".to_owned(),
        tone: 3,
        enabled,
        here: "Overview",
    }
}

fn applications(apps: Vec<AppRow>) -> String {
    let page = ApplicationsPage {
        chrome: chrome(Some(HOSTILE)),
        apps,
    };
    page.render().unwrap()
}

/// Every page of the console.
pub(super) fn pages() -> Vec<String> {
    let row = |enabled: bool| AppRow {
        id: if enabled { "7" } else { "8" }.to_owned(),
        name: HOSTILE.to_owned(),
        letter: "<".to_owned(),
        tone: 3,
        made: moment(),
        enabled,
    };
    let overview = OverviewPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(false),
        api_key: "0".repeat(32),
        settings: vec![("callback", HOSTILE.to_owned()), ("canvas", String::new())],
    };
    let settings = SettingsPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        form_token: TOKEN,
        profiles: vec![("period", "as it was", true), ("modern", "as it is", false)],
    };
    vec![
        applications(Vec::new()),
        applications(vec![row(true), row(false)]),
        overview.render().unwrap(),
        settings.render().unwrap(),
    ]
}
