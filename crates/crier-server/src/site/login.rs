//! `/login`: name and password.
//!
//! Promise: a wrong name and a wrong password look and last alike; tries are bounded (`throttle`).

use super::door::{Answer, render, see_other, with_cookie};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::target::own_path;
use super::visit::Visit;
use askama::Template;
use crier_platform::accounts::login::NewLogin;
use http::StatusCode;

/// The log in form, here and in front of an application's pages.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    /// Where the form goes, with its query.
    pub(super) action: &'a str,
    /// Own path to lead on to, or empty.
    pub(super) then: &'a str,
    /// The name as it was tried before, or empty.
    pub(super) name: &'a str,
    /// The last try did not fit.
    pub(super) wrong: bool,
    /// The application that asks, if one does.
    pub(super) app: Option<&'a str>,
    /// Whether "keep me logged in" is offered (protocol 18.2).
    pub(super) lasting: bool,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let then = visit.query.value("then").and_then(own_path).unwrap_or("/feed");
    if visit.user.is_some() {
        return see_other(&visit.href(then));
    }
    show(&visit, then, None)
}

pub(crate) async fn post(visit: Visit, fields: Fields) -> Answer {
    let then = fields.value("then").and_then(own_path).unwrap_or("/feed");
    let Some(login) = try_password(&visit, &fields).await? else {
        return show(&visit, then, Some(fields.value("name").unwrap_or_default()));
    };
    if let Some(older) = visit.login_token() {
        visit.state.accounts.log_out(older).await?;
    }
    with_cookie(see_other(&visit.href(then)), visit.login_cookie(&login))
}

/// Tries the name and password of a form.
///
/// # Errors
/// `TooManyTries`; `Unavailable` when books or hashing fail.
pub(super) async fn try_password(visit: &Visit, fields: &Fields) -> Result<Option<NewLogin>, SiteError> {
    let name = fields.value("name").unwrap_or_default();
    let password = fields.value("password").unwrap_or_default();
    let now = visit.state.clock.elapsed();
    if let Some(secs) = visit.state.throttle.wait_secs(name, visit.address, now) {
        return Err(SiteError::TooManyTries(secs));
    }
    // Counted before the slow part: tries that run side by side count too.
    visit.state.throttle.failed(name, visit.address, now);
    let login = visit.state.accounts.log_in(name, password).await?;
    if login.is_some() {
        visit.state.throttle.succeeded(name, visit.address);
    }
    Ok(login)
}

fn show(visit: &Visit, then: &str, tried: Option<&str>) -> Answer {
    let page = LoginPage {
        chrome: Chrome::of(visit, "Log in", ""),
        form_token: &visit.login_form_token(),
        action: &visit.href("/login"),
        then,
        name: tried.unwrap_or_default(),
        wrong: tried.is_some(),
        app: None,
        lasting: false,
    };
    with_cookie(render(StatusCode::OK, &page), visit.form_cookie())
}
