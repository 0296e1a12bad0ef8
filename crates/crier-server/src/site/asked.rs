//! What an application asks of its pages here, as far as no person is needed to judge it (protocol 18.1 to 18.3).

use super::error::SiteError;
use super::target::{BadTarget, Base};
use super::visit::Visit;
use crier_platform::model::app::App;
use crier_platform::model::user::User;
use std::sync::Arc;

/// The application that a page's address names, for a version of the page that exists (protocol 18.1).
///
/// # Errors
/// `BadRequest` for an unknown or disabled one, and for a version other than 1.0.
pub(super) async fn asking_app(visit: &Visit) -> Result<Arc<App>, SiteError> {
    check_version(visit)?;
    let key = visit.query.value("api_key").unwrap_or_default();
    let app = visit
        .state
        .accounts
        .app_by_key(key)
        .await?
        .filter(|app| app.enabled);
    app.ok_or_else(|| {
        SiteError::bad_request("The application that sent you here is not known, or is switched off.")
    })
}

/// Refuses a version other than 1.0.
///
/// # Errors
/// `BadRequest`.
pub(super) fn check_version(visit: &Visit) -> Result<(), SiteError> {
    match visit.query.value("v") {
        Some("1.0") | None => Ok(()),
        Some(_) => Err(SiteError::bad_request(
            "The application asked for a version of this page that does not exist.",
        )),
    }
}

/// Refuses whoever could not accept the application, before they are asked.
///
/// # Errors
/// `Barred`; `Unavailable` when the books fail.
pub(super) async fn refuse_barred(visit: &Visit, app: &App, user: &User) -> Result<(), SiteError> {
    let barred = visit.state.accounts.barred(app, user.uid).await?;
    barred.map_or(Ok(()), |why| Err(SiteError::Barred(why)))
}

/// Where the page leads in the end: the target that `next` names, on the canvas page if `canvas` is present (18.3).
///
/// # Errors
/// `BadTarget`.
pub(super) fn target(visit: &Visit, app: &App) -> Result<String, BadTarget> {
    base(visit, app)?.target(app, visit.query.value("next"))
}

/// As `target`; for an application without a page of its own and a call without `next`, this place of ours.
///
/// # Errors
/// `BadRequest` for an address that leads away from the application.
pub(super) fn target_or(visit: &Visit, app: &App, ours: &str) -> Result<String, SiteError> {
    match (target(visit, app), visit.query.value("next")) {
        (Ok(target), _) => Ok(target),
        (Err(BadTarget::NoBase), None) => Ok(visit.href(ours)),
        (Err(BadTarget::NoBase | BadTarget::Foreign), _) => Err(foreign_target()),
    }
}

/// Where declining leads: `cancel_url` by the rules of 18.3, else the front page.
///
/// # Errors
/// `BadRequest` for an address that leads away from the application.
pub(super) fn cancel_address(visit: &Visit, app: &App) -> Result<String, SiteError> {
    match visit.query.value("cancel_url") {
        Some(address) => base(visit, app)
            .and_then(|base| base.target(app, Some(address)))
            .map_err(|_| foreign_target()),
        None => Ok(visit.href("/")),
    }
}

/// The sentence about an address of 18.3.
pub(super) fn foreign_target() -> SiteError {
    SiteError::bad_request(
        "The application asked to send you to an address that is not its own. You stay here.",
    )
}

fn base(visit: &Visit, app: &App) -> Result<Base, BadTarget> {
    if visit.query.has("canvas") {
        Base::canvas(app, &visit.state.public_url)
    } else {
        Base::callback(app)
    }
}
