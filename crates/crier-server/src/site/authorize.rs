//! `/authorize.php` and `/tos.php`: an application asks to be accepted; `/add.php` and `/install.php`: to be added too (protocol
//! 18.8).
//!
//! Promise: only a click changes anything; the way back carries `installed=1` once, from the click that has added.

use super::asked::{asking_app, cancel_address, refuse_barred, target_or};
use super::door::{Answer, render, see_other, with_form_target};
use super::error::SiteError;
use super::fields::Fields;
use super::target::with_parameter;
use super::terms::{Asking, TermsPage, Wish};
use super::visit::Visit;
use crier_platform::accounts::terms::Assent;
use crier_platform::model::app::App;
use http::StatusCode;

pub(crate) async fn get(visit: Visit) -> Answer {
    show(&visit, Wish::Accept).await
}

pub(crate) async fn post(visit: Visit, fields: Fields) -> Answer {
    accept(&visit, &fields, Wish::Accept).await
}

pub(crate) async fn get_add(visit: Visit) -> Answer {
    show(&visit, Wish::Add).await
}

pub(crate) async fn post_add(visit: Visit, fields: Fields) -> Answer {
    accept(&visit, &fields, Wish::Add).await
}

async fn show(visit: &Visit, wish: Wish) -> Answer {
    let app = asking_app(visit).await?;
    let (onward, cancel) = (onward(visit, &app)?, cancel_address(visit, &app)?);
    let user = visit.user()?;
    let grant = visit.state.accounts.grant(app.id, user.uid).await?;
    if grant.is_some_and(|grant| grant.added || wish != Wish::Add) {
        return see_other(&onward);
    }
    refuse_barred(visit, &app, &user).await?;
    let asking = Asking {
        visit,
        app: &app,
        cancel: &cancel,
        wish,
    };
    let (token, action) = (visit.form_token(), visit.href(&visit.path_and_query));
    let page = TermsPage {
        accepted: grant.is_some(),
        ..TermsPage::new(&asking, (&token, &action))
    };
    with_form_target(render(StatusCode::OK, &page), &onward)
}

async fn accept(visit: &Visit, fields: &Fields, wish: Wish) -> Answer {
    let app = asking_app(visit).await?;
    let onward = onward(visit, &app)?;
    cancel_address(visit, &app)?;
    let user = visit.form_user(fields, &visit.path_and_query)?;
    refuse_barred(visit, &app, &user).await?;
    let accounts = &visit.state.accounts;
    let before = accounts.grant(app.id, user.uid).await?;
    let assent = Assent {
        added: wish == Wish::Add,
        ..Assent::default()
    };
    accounts.accept_terms(&app, &user, assent).await?;
    if wish == Wish::Add && !before.is_some_and(|grant| grant.added) {
        return see_other(&with_parameter(&onward, "installed", "1"));
    }
    see_other(&onward)
}

/// Where accepting leads: the target of 18.3; for an application without a page of its own, the person's settings.
fn onward(visit: &Visit, app: &App) -> Result<String, SiteError> {
    target_or(visit, app, "/settings?done=accepted")
}
