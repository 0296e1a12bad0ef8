//! `/admin/people`: finding people.

use super::admitted::{AdminHead, Admitted};
use crate::site::door::{Answer, render, see_other};
use crate::site::fields::encoded;
use crate::site::layout::Chrome;
use crate::site::moment::Moment;
use askama::Template;
use http::StatusCode;

/// People on one page.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "administration/people.html")]
pub(in crate::site) struct PeoplePage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: AdminHead,
    pub(in crate::site) search: &'a str,
    pub(in crate::site) people: Vec<PersonRow>,
    /// The query of the next page, or empty.
    pub(in crate::site) more: String,
}

/// A person of the list.
pub(in crate::site) struct PersonRow {
    pub(in crate::site) uid: String,
    pub(in crate::site) name: String,
    pub(in crate::site) joined: Moment,
    pub(in crate::site) admin: bool,
    pub(in crate::site) enabled: bool,
}

/// `/admin` begins with people.
pub(crate) async fn begin(admitted: Admitted) -> Answer {
    see_other(&admitted.href("/people"))
}

pub(crate) async fn get(admitted: Admitted) -> Answer {
    let query = &admitted.visit.query;
    let search = query.value("q").unwrap_or_default().trim();
    let after = query.value("after").unwrap_or_default();
    let asked = u32::try_from(ROWS + 1).unwrap_or(u32::MAX);
    let accounts = &admitted.visit.state.accounts;
    let found = accounts.search_people(search, after, asked).await?;
    let shown = found.get(..ROWS).unwrap_or(&found);
    let last = shown.last().filter(|_| found.len() > ROWS);
    let page = PeoplePage {
        chrome: admitted.chrome("People"),
        head: admitted.head("People"),
        search,
        more: last.map_or_else(String::new, |last| {
            format!("q={}&after={}", encoded(search), encoded(&last.name))
        }),
        people: shown
            .iter()
            .map(|user| PersonRow {
                uid: user.uid.to_string(),
                name: user.name.clone(),
                joined: admitted.moment(user.created_at),
                admin: user.admin,
                enabled: user.enabled,
            })
            .collect(),
    };
    render(StatusCode::OK, &page)
}
