//! `/login/once`: a link that logs a person in once. Opening it asks; the button uses it up, so that programs that open
//! links ahead of people burn none.

use super::door::{Answer, render, see_other, with_cookie};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::visit::Visit;
use askama::Template;
use http::StatusCode;

const OF_NO_USE: &str = "This link was used already, or it is too old. Ask whoever gave it to you for a new one, or log in with your password.";

#[derive(Template)]
#[template(path = "once.html")]
pub(super) struct OncePage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    pub(super) token: &'a str,
    pub(super) name: &'a str,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let token = visit.query.value("token").unwrap_or_default();
    let user = visit.state.accounts.login_link_user(token).await?;
    let user = user.ok_or_else(|| SiteError::bad_request(OF_NO_USE))?;
    let page = OncePage {
        chrome: Chrome::of(&visit, "Log in", ""),
        form_token: &visit.login_form_token(),
        token,
        name: &user.name,
    };
    with_cookie(render(StatusCode::OK, &page), visit.form_cookie())
}

pub(crate) async fn post(visit: Visit, fields: Fields) -> Answer {
    let token = fields.value("token").unwrap_or_default();
    let login = visit.state.accounts.use_login_link(token).await?;
    let login = login.ok_or_else(|| SiteError::bad_request(OF_NO_USE))?;
    if let Some(older) = visit.login_token() {
        visit.state.accounts.log_out(older).await?;
    }
    with_cookie(see_other(&visit.href("/feed")), visit.login_cookie(&login))
}
