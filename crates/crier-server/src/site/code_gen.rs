//! `/code_gen.php`: five characters that a person carries to an application by hand (protocol 18.7).
//!
//! Promise: a code is shown to the person alone who is logged in and has accepted, and a new one takes the place of the one before.

use super::asked::{asking_app, cancel_address, refuse_barred};
use super::door::{Answer, render, see_other, unkept};
use super::fields::Fields;
use super::layout::Chrome;
use super::terms::{Asking, TermsPage, Wish};
use super::visit::Visit;
use askama::Template;
use crier_platform::accounts::terms::Assent;
use http::StatusCode;

#[derive(Template)]
#[template(path = "code.html")]
pub(super) struct CodePage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) app: &'a str,
    pub(super) code: &'a str,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let app = asking_app(&visit).await?;
    let cancel = cancel_address(&visit, &app)?;
    let user = visit.user()?;
    let accounts = &visit.state.accounts;
    if accounts.grant(app.id, user.uid).await?.is_none() {
        refuse_barred(&visit, &app, &user).await?;
        let asking = Asking {
            visit: &visit,
            app: &app,
            cancel: &cancel,
            wish: Wish::Accept,
        };
        let (token, action) = (visit.form_token(), visit.href(&visit.path_and_query));
        return render(StatusCode::OK, &TermsPage::new(&asking, (&token, &action)));
    }
    visit.opens()?;
    let code = accounts.new_code(&app, &user).await?;
    let page = CodePage {
        chrome: Chrome::of(&visit, "Your code", ""),
        app: &app.name,
        code: code.expose(),
    };
    unkept(render(StatusCode::OK, &page))
}

pub(crate) async fn post(visit: Visit, fields: Fields) -> Answer {
    let app = asking_app(&visit).await?;
    let user = visit.form_user(&fields, &visit.path_and_query)?;
    let accounts = &visit.state.accounts;
    accounts.accept_terms(&app, &user, Assent::default()).await?;
    see_other(&visit.href(&visit.path_and_query))
}
