//! `/login.php`: an application sends a person here and gets them back with an auth token (protocol 18.2 to 18.6).
//!
//! Promise: nobody is sent anywhere that 18.3 does not permit, and a desktop application's token is bound by a person's
//! act alone, a password or a click on a page that names the application: a link that somebody else sent cannot hand them a
//! session.

use super::asked::{asking_app, cancel_address, foreign_target, refuse_barred, target};
use super::door::{Answer, render, see_other, with_cookie, with_form_target};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::login::{LoginPage, try_password};
use super::target::{BadTarget, with_parameter};
use super::terms::{Asking, TermsPage, Wish};
use super::visit::Visit;
use askama::Template;
use crier_platform::accounts::terms::Assent;
use crier_platform::accounts::ways_in::PageSession;
use crier_platform::model::app::{App, AppKind};
use crier_platform::model::user::User;
use http::StatusCode;
use std::sync::Arc;

/// Tells the person at a desktop application to go back to it.
#[derive(Template)]
#[template(path = "window_closed.html")]
pub(super) struct DonePage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) app: &'a str,
}

/// What `login.php` was asked, after all checks that need no person.
struct Ask {
    app: Arc<App>,
    goal: Goal,
    cancel: String,
}

enum Goal {
    /// Back to this address, with a bound token, or with a whole session (18.5).
    Web {
        /// The address.
        target: String,
        /// Whether the session itself was asked for.
        session: bool,
    },
    /// This token is bound.
    Desktop(String),
}

/// How somebody who is logged in came to this page.
#[derive(Clone, Copy)]
enum Came {
    /// By an address alone, which anybody may have written.
    ByLink,
    /// By typing their password on the page that names the application, with "keep me logged in" or without.
    ByPassword { lasting: bool },
}

impl Came {
    /// Whether they ticked "keep me logged in".
    const fn lasting(self) -> bool {
        match self {
            Self::ByLink => false,
            Self::ByPassword { lasting } => lasting,
        }
    }
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let ask = Ask::read(&visit).await?;
    match visit.user.clone() {
        Some(user) if !visit.query.has("skipcookie") => {
            visit.opens()?;
            proceed(&visit, &ask, &user, Came::ByLink).await
        }
        Some(_) | None => ask_password(&visit, &ask, None),
    }
}

pub(crate) async fn post(mut visit: Visit, fields: Fields) -> Answer {
    let ask = Ask::read(&visit).await?;
    let lasting = fields.has("lasting") && !visit.query.has("hide_checkbox");
    if fields.value("step") == Some("terms") {
        let user = visit.form_user(&fields, &visit.path_and_query)?;
        let assent = Assent {
            added: false,
            offline_access: fields.has("offline") && asks_offline(&visit),
            lasting,
        };
        visit.state.accounts.accept_terms(&ask.app, &user, assent).await?;
        return finish(&visit, &ask, &user, lasting).await;
    }
    let Some(login) = try_password(&visit, &fields).await? else {
        return ask_password(&visit, &ask, Some(fields.value("name").unwrap_or_default()));
    };
    if let Some(older) = visit.login_token() {
        visit.state.accounts.log_out(older).await?;
    }
    visit.logged_in_as(&login);
    let answer = proceed(&visit, &ask, &login.user, Came::ByPassword { lasting }).await;
    with_cookie(answer, visit.login_cookie(&login))
}

/// Whether sessions that never expire are to be offered.
fn asks_offline(visit: &Visit) -> bool {
    let words = visit.query.value("req_perms").unwrap_or_default();
    words.split(',').any(|word| word.trim() == "offline_access")
}

impl Ask {
    async fn read(visit: &Visit) -> Result<Self, SiteError> {
        let app = asking_app(visit).await?;
        let goal = match app.kind {
            AppKind::Web => Goal::Web {
                target: target(visit, &app).map_err(|bad| match bad {
                    BadTarget::NoBase => SiteError::bad_request(
                        "The application has no address to send you back to. Its developer can set one.",
                    ),
                    BadTarget::Foreign => foreign_target(),
                })?,
                session: visit.query.value("return_session") == Some("1"),
            },
            AppKind::Desktop => {
                let token = visit.query.value("auth_token").unwrap_or_default();
                if !visit.state.accounts.token_is_new(&app, token).await? {
                    return Err(stale_token());
                }
                Goal::Desktop(token.to_owned())
            }
        };
        let cancel = cancel_address(visit, &app)?;
        Ok(Self { app, goal, cancel })
    }

    /// Whose forms may be led on to.
    fn leads_to(&self) -> &str {
        match &self.goal {
            Goal::Web { target, .. } => target,
            Goal::Desktop(_) => "",
        }
    }
}

fn stale_token() -> SiteError {
    SiteError::bad_request(
        "This way in was used already, or it is too old. Go back to the application and start again.",
    )
}

fn chrome<'a>(visit: &'a Visit, title: &'a str) -> Chrome<'a> {
    Chrome {
        popup: visit.query.has("popup"),
        ..Chrome::of(visit, title, "")
    }
}

fn ask_password(visit: &Visit, ask: &Ask, tried: Option<&str>) -> Answer {
    let page = LoginPage {
        chrome: chrome(visit, "Log in"),
        form_token: &visit.login_form_token(),
        action: &visit.href(&visit.path_and_query),
        then: "",
        name: tried.unwrap_or_default(),
        wrong: tried.is_some(),
        app: Some(&ask.app.name),
        lasting: !visit.query.has("hide_checkbox") && matches!(ask.goal, Goal::Web { .. }),
    };
    let answer = with_cookie(render(StatusCode::OK, &page), visit.form_cookie());
    with_form_target(answer, ask.leads_to())
}

/// Somebody is logged in: the terms the first time, else the goal.
async fn proceed(visit: &Visit, ask: &Ask, user: &User, came: Came) -> Answer {
    let grant = visit.state.accounts.grant(ask.app.id, user.uid).await?;
    let offline = asks_offline(visit) && !grant.is_some_and(|grant| grant.offline_access);
    let agreed = match (&ask.goal, came) {
        (Goal::Web { .. }, Came::ByLink | Came::ByPassword { .. })
        | (Goal::Desktop(_), Came::ByPassword { .. }) => true,
        (Goal::Desktop(_), Came::ByLink) => false,
    };
    if grant.is_some() && !offline && agreed {
        return finish(visit, ask, user, came.lasting()).await;
    }
    if grant.is_none()
        && let Err(refusal) = refuse_barred(visit, &ask.app, user).await
    {
        // They have logged in all the same: the answer carries the cookie that says so.
        return Ok(refusal.page(&visit.state.public_url));
    }
    let asking = Asking {
        visit,
        app: &ask.app,
        cancel: &ask.cancel,
        wish: if grant.is_some() {
            Wish::Continue
        } else {
            Wish::Accept
        },
    };
    let (token, action) = (visit.form_token(), visit.href(&visit.path_and_query));
    let page = TermsPage {
        accepted: grant.is_some(),
        offline,
        lasting: came.lasting(),
        ..TermsPage::new(&asking, (&token, &action))
    };
    with_form_target(render(StatusCode::OK, &page), ask.leads_to())
}

/// The goal is reached.
async fn finish(visit: &Visit, ask: &Ask, user: &User, lasting: bool) -> Answer {
    let accounts = &visit.state.accounts;
    match &ask.goal {
        Goal::Web { target, session } => {
            let grant = accounts.grant(ask.app.id, user.uid).await?;
            let lasting = lasting || grant.is_some_and(|grant| grant.offline_access);
            if *session {
                let session = accounts.page_session(&ask.app, user, lasting).await?;
                return see_other(&with_parameter(target, "session", &returned(&session, &ask.app)?));
            }
            let token = accounts.bound_token(&ask.app, user, lasting).await?;
            see_other(&with_parameter(target, "auth_token", token.expose()))
        }
        Goal::Desktop(token) => {
            match accounts.bind_token(&ask.app, user, token).await {
                Ok(()) => {}
                Err(error) if error.is_stale_token() => return Err(stale_token()),
                Err(error) => return Err(error.into()),
            }
            let page = DonePage {
                chrome: chrome(visit, "Logged in"),
                app: &ask.app.name,
            };
            render(StatusCode::OK, &page)
        }
    }
}

/// What `return_session` brings (18.5), in the order of its page.
#[derive(serde::Serialize)]
struct Returned<'a> {
    session_key: &'a str,
    uid: String,
    expires: i64,
    secret: &'a str,
    sig: String,
}

fn returned(session: &PageSession, app: &App) -> Result<String, SiteError> {
    let returned = Returned {
        session_key: session.key.as_str(),
        uid: session.user.to_string(),
        expires: session.expires,
        secret: session.secret.expose(),
        sig: session.cookie_sig(app),
    };
    serde_json::to_string(&returned).map_err(|_| SiteError::Template)
}
