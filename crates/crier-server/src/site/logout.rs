//! `/logout` and `/logout.php` (protocol 18.8): GET asks, POST ends the login, and a session of the same person if one is named.

use super::asked::{asking_app, check_version, target_or};
use super::door::{Answer, render, see_other, with_cookie, with_form_target};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::visit::Visit;
use askama::Template;
use http::StatusCode;

#[derive(Template)]
#[template(path = "logout.html")]
pub(super) struct LogoutPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    pub(super) action: &'a str,
    pub(super) session_key: &'a str,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let next = onward(&visit).await?;
    if visit.user.is_none() {
        return see_other(&next);
    }
    let page = LogoutPage {
        chrome: Chrome::of(&visit, "Log out", ""),
        form_token: &visit.form_token(),
        action: &visit.href(&visit.path_and_query),
        session_key: visit.query.value("session_key").unwrap_or_default(),
    };
    with_form_target(render(StatusCode::OK, &page), &next)
}

pub(crate) async fn post(visit: Visit, fields: Fields) -> Answer {
    let next = onward(&visit).await?;
    if let (Some(user), Some(token)) = (&visit.user, visit.login_token()) {
        if let Some(key) = fields.value("session_key") {
            visit.state.accounts.end_own_session(user.uid, key).await?;
        }
        visit.state.accounts.log_out(token).await?;
    }
    with_cookie(see_other(&next), visit.no_login_cookie())
}

/// Where to go afterwards: an address of the application that is named, by the rules of 18.3; the front page when none is.
async fn onward(visit: &Visit) -> Result<String, SiteError> {
    if visit.query.value("api_key").is_none() && visit.query.value("next").is_none() {
        check_version(visit)?;
        return Ok(visit.href("/"));
    }
    let app = asking_app(visit).await?;
    target_or(visit, &app, "/")
}
