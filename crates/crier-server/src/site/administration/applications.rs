//! `/admin/applications`: finding applications.

use super::admitted::{AdminHead, Admitted};
use crate::site::app_sign::AppSign;
use crate::site::door::{Answer, render};
use crate::site::fields::encoded;
use crate::site::layout::Chrome;
use crate::site::moment::Moment;
use crate::site::words::grouped;
use askama::Template;
use http::StatusCode;

/// Applications on one page.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "administration/applications.html")]
pub(in crate::site) struct ApplicationsPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: AdminHead,
    pub(in crate::site) search: &'a str,
    pub(in crate::site) apps: Vec<ListedApp>,
    /// The query of the next page, or empty.
    pub(in crate::site) more: String,
}

/// An application of the list.
pub(in crate::site) struct ListedApp {
    pub(in crate::site) id: String,
    pub(in crate::site) name: String,
    pub(in crate::site) sign: AppSign,
    pub(in crate::site) made: Moment,
    pub(in crate::site) enabled: bool,
    /// Calls in this minute, of how many: `12 of 6,000`.
    pub(in crate::site) calls: String,
}

pub(crate) async fn get(admitted: Admitted) -> Answer {
    let query = &admitted.visit.query;
    let search = query.value("q").unwrap_or_default().trim();
    let after = query.value("after").and_then(|id| id.parse().ok());
    let accounts = &admitted.visit.state.accounts;
    let found = accounts.search_apps(search, after, ROWS + 1).await?;
    let shown = found.get(..ROWS).unwrap_or(&found);
    let last = shown.last().filter(|_| found.len() > ROWS);
    let page = ApplicationsPage {
        chrome: admitted.chrome("Applications"),
        head: admitted.head("Applications"),
        search,
        more: last.map_or_else(String::new, |last| {
            format!("q={}&after={}", encoded(search), last.id)
        }),
        apps: shown
            .iter()
            .map(|app| ListedApp {
                id: app.id.to_string(),
                name: app.name.clone(),
                sign: AppSign::of(app, &admitted.visit.state.public_url.base_path),
                made: admitted.moment(app.created_at),
                enabled: app.enabled,
                calls: match (accounts.calls_in_window(app.id), app.calls_per_minute) {
                    (calls, 0) => grouped(calls.into()),
                    (calls, limit) => format!("{} of {}", grouped(calls.into()), grouped(limit.into())),
                },
            })
            .collect(),
    };
    render(StatusCode::OK, &page)
}
