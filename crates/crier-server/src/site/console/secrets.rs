//! `/developers/<app_id>/secrets`: what signs an application's calls and its receipts; a new secret is shown once, in the answer that makes it.

use super::head::AppHead;
use super::owned::OwnedApp;
use crate::site::door::{Answer, render, see_other, unkept};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, zone};
use askama::Template;
use crier_platform::model::time::WallMs;
use crier_proto::secret::Secret;
use http::StatusCode;

#[derive(Template)]
#[template(path = "console/secrets.html")]
pub(in crate::site) struct SecretsPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) form_token: &'a str,
    /// Until when the previous secret signs calls too.
    pub(in crate::site) calls_until: Option<Moment>,
    /// Whether there is a secret for receipts.
    pub(in crate::site) receipts: bool,
    /// Until when the previous one signs receipts too.
    pub(in crate::site) receipts_until: Option<Moment>,
    /// Whether an overlap was just ended.
    pub(in crate::site) ended: bool,
}

/// A new secret, on the one page that shows it.
#[derive(Template)]
#[template(path = "console/secret.html")]
pub(in crate::site) struct SecretPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) heading: &'static str,
    pub(in crate::site) secret: &'a str,
    /// Until when the previous one signs too.
    pub(in crate::site) until: Option<Moment>,
}

/// Which secret is new.
pub(super) enum Which {
    /// That of calls; the previous one signs until then.
    Calls(WallMs),
    /// That of receipts; the previous one signs until then.
    Receipts(WallMs),
    /// That of receipts, which there was none of before.
    FirstReceipt,
}

impl SecretPage<'_> {
    /// The page, which nothing on the way keeps.
    ///
    /// # Errors
    /// `Template`.
    pub(super) fn show(owned: &OwnedApp, which: &Which, secret: &Secret) -> Answer {
        let head = owned.head("Secrets");
        let (heading, until) = match which {
            Which::Calls(until) => ("The new secret", Some(*until)),
            Which::Receipts(until) => ("The new receipt secret", Some(*until)),
            Which::FirstReceipt => ("The receipt secret", None),
        };
        let page = SecretPage {
            chrome: owned.chrome(&head),
            head: &head,
            heading,
            secret: secret.expose(),
            until: until.map(|until| moment(owned, until)),
        };
        unkept(render(StatusCode::OK, &page))
    }
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let head = owned.head("Secrets");
    let now = owned.visit.state.clock.wall();
    let until = |previous: &Option<(Secret, WallMs)>| {
        let until = previous.as_ref().map(|(_, until)| *until);
        until
            .filter(|until| now < *until)
            .map(|until| moment(&owned, until))
    };
    let page = SecretsPage {
        chrome: owned.chrome(&head),
        head: &head,
        form_token: &owned.visit.form_token(),
        calls_until: until(&owned.app.previous_secret),
        receipts: owned.app.receipts.secret.is_some(),
        receipts_until: until(&owned.app.receipts.previous_secret),
        ended: owned.visit.query.value("done") == Some("ended"),
    };
    render(StatusCode::OK, &page)
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(owned: OwnedApp) -> Answer {
    see_other(&owned.href("/secrets"))
}

/// Makes a new secret and shows it, this once; the previous one signs for a while too.
pub(crate) async fn rotate(owned: OwnedApp, fields: Fields) -> Answer {
    let (accounts, app) = (&owned.visit.state.accounts, owned.app.id.to_string());
    match fields.value("secret") {
        Some("calls") => {
            let (secret, until) = accounts.rotate_secret(&app).await?;
            SecretPage::show(&owned, &Which::Calls(until), &secret)
        }
        Some("receipts") if owned.app.receipts.secret.is_some() => {
            let (secret, until) = accounts.rotate_receipt_secret(&app).await?;
            SecretPage::show(&owned, &Which::Receipts(until), &secret)
        }
        Some(_) | None => Err(SiteError::NotFound),
    }
}

/// Ends an overlap at once.
pub(crate) async fn end(owned: OwnedApp, fields: Fields) -> Answer {
    let (accounts, app) = (&owned.visit.state.accounts, owned.app.id.to_string());
    match fields.value("secret") {
        Some("calls") => accounts.end_previous_secret(&app).await?,
        Some("receipts") => accounts.end_previous_receipt_secret(&app).await?,
        Some(_) | None => return Err(SiteError::NotFound),
    }
    see_other(&owned.href("/secrets?done=ended"))
}

/// A moment as the owner reads it.
fn moment(owned: &OwnedApp, at: WallMs) -> Moment {
    Moment::new(at, owned.visit.state.clock.wall(), &zone(&owned.user.time_zone))
}
