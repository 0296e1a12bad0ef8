//! Making and revoking the addresses of private feeds (feed 6.9). The token is shown once, in the answer that makes it.

use super::door::{Answer, render, see_other, unkept};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::visit::Visit;
use crate::bound::Bound;
use askama::Template;
use http::StatusCode;

#[derive(Template)]
#[template(path = "address.html")]
pub(super) struct AddressPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) label: &'a str,
    /// Names of the formats, and their addresses.
    pub(super) formats: Vec<(&'static str, String)>,
}

/// Makes an address and shows it, this once.
pub(crate) async fn add(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/feed/preferences")?;
    let label = fields.value("label").unwrap_or_default().trim();
    let (most, chars) = (visit.state.site.label_chars_max, label.chars().count());
    if chars > most {
        visit.state.metrics.bound(Bound::LabelChars);
    }
    if chars == 0 || chars > most {
        return Err(SiteError::bad_request(format!(
            "Give the address a label of 1 to {most} characters, so that you know which reader has it."
        )));
    }
    let token = visit.state.feed.add_address(user.uid, label).await?;
    let token = token.ok_or_else(|| {
        SiteError::bad_request("You have as many addresses as there can be. Revoke one to make another.")
    })?;
    let address = |file: &str| format!("{}/f/{}/{file}", visit.state.public_url.url, token.expose());
    let page = AddressPage {
        chrome: Chrome::of(&visit, "Your private feed", "feed"),
        label,
        formats: vec![
            ("Atom", address("atom.xml")),
            ("RSS", address("rss.xml")),
            ("JSON Feed", address("feed.json")),
        ],
    };
    unkept(render(StatusCode::OK, &page))
}

/// Revokes one.
pub(crate) async fn revoke(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/feed/preferences")?;
    let number = fields.value("address").and_then(|text| text.parse().ok());
    let number = number.ok_or(SiteError::NotFound)?;
    if !visit.state.feed.revoke_address(user.uid, number).await? {
        return Err(SiteError::NotFound);
    }
    see_other(&visit.href("/feed/preferences?done=revoked#private"))
}
