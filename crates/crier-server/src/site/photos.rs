//! `/settings/photos`: the photos that applications have uploaded for a person, each of which they can delete (feed 7.11).
//!
//! Promise: nobody sees or deletes the photos of another. Deleting asks once more, as it cannot be taken back.

use super::door::{Answer, render, see_other};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::moment::{Moment, zone};
use super::visit::Visit;
use askama::Template;
use crier_platform::accounts::AccountError;
use crier_platform::model::job::Photo;
use crier_platform::model::user::User;
use crier_proto::digest::lower_hex;
use crier_proto::ids::Pid;
use http::StatusCode;

/// Photos on one page.
const AT_ONCE: usize = 50;

#[derive(Template)]
#[template(path = "photos.html")]
pub(super) struct PhotosPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) photos: Vec<PhotoRow>,
    /// All of them.
    pub(super) count: usize,
    /// Whether this is where the list begins.
    pub(super) first: bool,
    /// Where the next 50 begin.
    pub(super) next: Option<usize>,
    /// What was just done, or empty.
    pub(super) notice: &'a str,
}

#[derive(Template)]
#[template(path = "delete_photo.html")]
pub(super) struct DeletePhotoPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    pub(super) photo: PhotoRow,
}

/// A photo, shown as a story shows it.
pub(super) struct PhotoRow {
    pub(super) pid: String,
    pub(super) src: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) caption: String,
    pub(super) app: String,
    pub(super) uploaded: Moment,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    let from = visit.query.value("from").map_or(Ok(0), str::parse::<usize>);
    let from = from.map_err(|_| SiteError::NotFound)?;
    let mut photos = visit.state.pictures.photos_of(user.uid).await?;
    photos.sort_by_key(|photo| std::cmp::Reverse((photo.created_at.0, photo.pid)));
    let count = photos.len();
    let mut rows = Vec::new();
    for photo in photos.into_iter().skip(from).take(AT_ONCE) {
        rows.extend(row(&visit, &user, &photo).await?);
    }
    let next = from.saturating_add(AT_ONCE);
    let page = PhotosPage {
        chrome: Chrome::of(&visit, "Photos", "settings"),
        photos: rows,
        count,
        first: from == 0,
        next: (next < count).then_some(next),
        notice: match visit.query.value("done") {
            Some("deleted") => "Deleted. No story shows it any more.",
            Some(_) | None => "",
        },
    };
    render(StatusCode::OK, &page)
}

/// Asks once more.
pub(crate) async fn ask(visit: Visit) -> Answer {
    let user = visit.user()?;
    let pid = pid(&visit.query)?;
    let photos = visit.state.pictures.photos_of(user.uid).await?;
    let photo = photos.iter().find(|photo| photo.pid == pid);
    let photo = row(&visit, &user, photo.ok_or(SiteError::NotFound)?).await?;
    let page = DeletePhotoPage {
        chrome: Chrome::of(&visit, "Delete a photo", "settings"),
        form_token: &visit.form_token(),
        photo: photo.ok_or(SiteError::NotFound)?,
    };
    render(StatusCode::OK, &page)
}

pub(crate) async fn delete(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/settings/photos")?;
    match visit.state.pictures.remove_photo(user.uid, pid(&fields)?).await {
        Err(error) if !error.is_missing() => return Err(error.into()),
        // Deleted in another window already: that is what was wanted.
        Ok(()) | Err(_) => {}
    }
    see_other(&visit.href("/settings/photos?done=deleted"))
}

fn pid(fields: &Fields) -> Result<Pid, SiteError> {
    let pid = fields.value("pid").and_then(|text| text.parse().ok());
    pid.ok_or(SiteError::NotFound)
}

/// A row of the list; `None` when its picture went a moment ago.
async fn row(visit: &Visit, user: &User, photo: &Photo) -> Result<Option<PhotoRow>, AccountError> {
    let Some(kept) = visit.state.pictures.kept(photo.small).await? else {
        return Ok(None);
    };
    let app = visit.state.accounts.app(photo.app).await?;
    let now = visit.state.clock.wall();
    Ok(Some(PhotoRow {
        pid: photo.pid.to_string(),
        src: visit.href(&format!(
            "/p/{}.{}",
            lower_hex(&photo.small.0),
            kept.kind.extension()
        )),
        width: kept.width,
        height: kept.height,
        caption: photo.caption.clone(),
        app: app.map_or_else(String::new, |app| app.name.clone()),
        uploaded: Moment::new(photo.created_at, now, &zone(&user.time_zone)),
    }))
}
