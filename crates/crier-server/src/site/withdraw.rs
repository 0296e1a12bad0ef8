//! `/settings/withdraw`: asks once more, then ends an application's right to reach a person.

use super::door::{Answer, render, see_other};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::settings::app_id;
use super::visit::Visit;
use askama::Template;
use http::StatusCode;

#[derive(Template)]
#[template(path = "withdraw.html")]
pub(super) struct WithdrawPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    pub(super) app: String,
    pub(super) name: &'a str,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    let id = app_id(&visit.query)?;
    visit
        .state
        .accounts
        .grant(id, user.uid)
        .await?
        .ok_or(SiteError::NotFound)?;
    let app = visit.state.accounts.app(id).await?.ok_or(SiteError::NotFound)?;
    render(
        StatusCode::OK,
        &WithdrawPage {
            chrome: Chrome::of(&visit, "Withdraw", "settings"),
            form_token: &visit.form_token(),
            app: id.to_string(),
            name: &app.name,
        },
    )
}

pub(crate) async fn post(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/settings")?;
    match visit.state.accounts.withdraw(app_id(&fields)?, user.uid).await {
        Err(error) if !error.is_missing() => return Err(error.into()),
        // Withdrawn in another window already: that is what was wanted.
        Ok(()) | Err(_) => {}
    }
    see_other(&visit.href("/settings?done=withdrawn"))
}
