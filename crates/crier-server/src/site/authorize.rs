//! `/authorize.php` and `/tos.php`: an application asks to be accepted (protocol 18.8).

use super::app_login::{TermsPage, asking_app, cancel_address, foreign_target};
use super::door::{Answer, render, see_other, with_form_target};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::target::{BadTarget, target};
use super::visit::Visit;
use crier_platform::model::app::App;
use http::StatusCode;

pub(crate) async fn get(visit: Visit) -> Answer {
    let app = asking_app(&visit).await?;
    let (onward, cancel) = (onward(&visit, &app)?, cancel_address(&visit, &app)?);
    let user = visit.user()?;
    if visit.state.accounts.grant(app.id, user.uid).await?.is_some() {
        return see_other(&onward);
    }
    let page = TermsPage {
        chrome: Chrome::of(&visit, &app.name, ""),
        form_token: &visit.form_token(),
        action: &visit.href(&visit.path_and_query),
        app: &app.name,
        letter: super::story::letter_of(&app.name),
        tone: super::story::tone_of(app.id),
        cancel: &cancel,
        accepted: false,
        offline: false,
        lasting: false,
    };
    with_form_target(render(StatusCode::OK, &page), &onward)
}

pub(crate) async fn post(visit: Visit, fields: Fields) -> Answer {
    let app = asking_app(&visit).await?;
    let onward = onward(&visit, &app)?;
    cancel_address(&visit, &app)?;
    let user = visit.form_user(&fields, &visit.path_and_query)?;
    visit.state.accounts.accept_terms(&app, &user, false).await?;
    see_other(&onward)
}

/// Where accepting leads: the target of 18.3; for an application without a page of its own, the person's settings.
fn onward(visit: &Visit, app: &App) -> Result<String, SiteError> {
    match (target(app, visit.query.value("next")), visit.query.value("next")) {
        (Ok(target), _) => Ok(target),
        (Err(BadTarget::NoCallback), None) => Ok(visit.href("/settings?done=accepted")),
        (Err(BadTarget::NoCallback | BadTarget::Foreign), _) => Err(foreign_target()),
    }
}
