//! `/admin/takedowns`: a picture that must go (feed 7.11). What is looked up is shown before it is done.

use super::admitted::{AdminHead, Admitted};
use crate::site::door::{Answer, render, see_other};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use askama::Template;
use crier_platform::pictures::read_hash;
use crier_proto::digest::lower_hex;
use http::StatusCode;

#[derive(Template)]
#[template(path = "administration/takedowns.html")]
pub(in crate::site) struct TakedownsPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: AdminHead,
    pub(in crate::site) form_token: &'a str,
    /// The picture that was looked up.
    pub(in crate::site) picture: Option<FoundPicture>,
    /// Whether one was looked up that is not known.
    pub(in crate::site) unknown_picture: bool,
}

/// A picture before it is blocked.
pub(in crate::site) struct FoundPicture {
    pub(in crate::site) hash: String,
    /// Its address here, or empty when nobody is shown it.
    pub(in crate::site) src: String,
}

pub(crate) async fn get(admitted: Admitted) -> Answer {
    let asked = admitted.visit.query.value("picture").map(str::trim);
    let picture = match asked {
        Some(text) => find_picture(&admitted, text).await?,
        None => None,
    };
    let page = TakedownsPage {
        chrome: admitted.chrome("Takedowns"),
        head: admitted.head("Takedowns"),
        form_token: &admitted.visit.form_token(),
        unknown_picture: asked.is_some() && picture.is_none(),
        picture,
    };
    render(StatusCode::OK, &page)
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(admitted: Admitted) -> Answer {
    see_other(&admitted.href("/takedowns"))
}

/// Blocks a picture.
pub(crate) async fn picture(admitted: Admitted, fields: Fields) -> Answer {
    let hash = fields.value("hash").and_then(read_hash);
    let hash = hash.ok_or_else(|| SiteError::bad_request("That is no hash of a picture."))?;
    admitted.visit.state.pictures.block(hash).await?;
    see_other(&admitted.href("/takedowns?done=blocked"))
}

async fn find_picture(admitted: &Admitted, text: &str) -> Result<Option<FoundPicture>, SiteError> {
    let pictures = &admitted.visit.state.pictures;
    let Some(hash) = pictures.named(text).await? else {
        return Ok(None);
    };
    let digits = lower_hex(&hash.0);
    let mut found = FoundPicture {
        hash: digits.clone(),
        src: String::new(),
    };
    if let Some(kept) = pictures.kept(hash).await? {
        let name = format!("/p/{digits}.{}", kept.kind.extension());
        found.src = admitted.visit.href(&name);
    }
    Ok(Some(found))
}
