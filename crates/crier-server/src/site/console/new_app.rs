//! `/developers/new`: makes an application, and shows its keys once.

use super::asked_fields::Asked;
use crate::bound::Bound;
use crate::site::door::{Answer, render, unkept};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::visit::Visit;
use askama::Template;
use crier_platform::accounts::AccountError;
use crier_platform::accounts::developer::FormFault;
use crier_platform::model::user::User;
use crier_platform::ports::store::Conflict;
use http::StatusCode;

/// What is asked, and what stands there at first.
const ASKED: [(&str, &str); 4] = [
    ("name", ""),
    ("callback", ""),
    ("profile", "documented"),
    ("kind", "web"),
];

#[derive(Template)]
#[template(path = "console/new.html")]
pub(in crate::site) struct NewPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) form_token: &'a str,
    pub(in crate::site) fields: Vec<Asked>,
    /// How many values could not be taken.
    pub(in crate::site) wrong: usize,
}

/// The keys of a new application, on the one page that shows its secret.
#[derive(Template)]
#[template(path = "console/made.html")]
pub(in crate::site) struct MadePage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) id: String,
    pub(in crate::site) name: &'a str,
    pub(in crate::site) api_key: &'a str,
    pub(in crate::site) secret: &'a str,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    check_maker(&visit, &user).await?;
    show(
        &visit,
        ASKED.map(|(key, value)| Asked::new(key, value)).to_vec(),
        0,
    )
}

pub(crate) async fn post(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/developers/new")?;
    check_maker(&visit, &user).await?;
    let sent = ASKED.map(|(key, _)| (key, fields.value(key).unwrap_or_default().trim()));
    let settings = sent.map(|(key, value)| (key.to_owned(), value.to_owned()));
    match visit.state.accounts.add_own_app(&user, &settings).await {
        Ok(app) => {
            let page = MadePage {
                chrome: Chrome::of(&visit, "Your application's keys", "developers"),
                id: app.id.to_string(),
                name: &app.name,
                api_key: app.api_key.as_str(),
                secret: app.secret.expose(),
            };
            unkept(render(StatusCode::OK, &page))
        }
        Err(FormFault::Values(wrong)) => {
            let fields = sent.map(|(key, value)| Asked::new(key, value).judged(&wrong));
            show(&visit, fields.to_vec(), wrong.len())
        }
        Err(FormFault::Other(AccountError::Conflict(Conflict::AppsFull))) => {
            visit.state.metrics.bound(Bound::AppsPerDeveloper);
            let most = visit.state.accounts.apps_per_developer_max();
            Err(SiteError::bad_request(format!(
                "You have {most} applications, which is as many as one developer may make here. Ask whoever runs this server for more."
            )))
        }
        Err(FormFault::Other(error)) => Err(error.into()),
    }
}

/// Who may make none is told so before a form is shown or read.
async fn check_maker(visit: &Visit, user: &User) -> Result<(), SiteError> {
    if visit.state.accounts.may_make_apps(user).await? {
        return Ok(());
    }
    Err(SiteError::bad_request(
        "On this server administrators make the applications. Ask one of them for yours; it will then stand in your list.",
    ))
}

fn show(visit: &Visit, fields: Vec<Asked>, wrong: usize) -> Answer {
    let page = NewPage {
        chrome: Chrome::of(visit, "New application", "developers"),
        form_token: &visit.form_token(),
        fields,
        wrong,
    };
    let status = if wrong > 0 {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    render(status, &page)
}
