//! `photos.upload` (protocol 15.8, feed 7.12): a photo with a pid, which stories may show.
//!
//! The file is judged within the call: what is answered is stored, in three sizes, and served by Crier.

use super::registry::Method;
use crate::feed::figures::FeedBound;
use crate::grammar::invalid;
use crate::model::app::Settings;
use crate::model::job::{ImageHash, NewPhoto, PictureWrite};
use crate::model::picture::{Fit, Picture};
use crate::ports::images::NoPicture;
use crate::ports::store::{Conflict, Write};
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use bytes::Bytes;
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::{AppId, Pid, Uid};
use crier_proto::reply::Reply;
use crier_proto::signature::Version;

/// Bytes of `caption` at most (protocol 15.8).
const CAPTION_BYTES_MAX: usize = 1_024;
/// Bytes of the file at most (protocol 15.8).
const FILE_BYTES_MAX: usize = 8_388_608;

/// The method.
pub(crate) struct PhotosUpload;

/// What is uploaded, and as whose.
pub(crate) struct Args {
    app: AppId,
    user: Uid,
    caption: String,
    aid: Option<String>,
    /// The digest that the caller has signed, if any.
    digest: Option<String>,
    needs_digest: bool,
    file: Option<Bytes>,
}

impl Method for PhotosUpload {
    const NAME: &'static str = "photos.upload";
    type Args = Args;

    fn parse(call: &VerifiedCall<'_>) -> Result<Args, Refusal> {
        let user = call.session()?.user;
        let caption = call.value("caption").unwrap_or_default();
        if caption.len() > CAPTION_BYTES_MAX {
            let cause = format!("has {} bytes, limit {CAPTION_BYTES_MAX}", caption.len());
            return Err(invalid("caption", &cause));
        }
        if call.value("uid").is_some_and(|uid| uid.parse() != Ok(user)) {
            return Err(invalid("uid", "must be the session's user"));
        }
        let digest = call.value("file_sha256");
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(invalid("file_sha256", "must be 64 lower-case hexadecimal digits"));
        }
        Ok(Args {
            app: call.app().id,
            user,
            caption: caption.to_owned(),
            aid: call.value("aid").map(str::to_owned),
            digest: digest.map(str::to_owned),
            needs_digest: call.version() == Version::Hmac,
            file: call.file().map(Bytes::copy_from_slice),
        })
    }

    async fn run(args: Args, unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        let album = album_of(args.app, args.user);
        let photos = unit.photos_of(args.user).await?;
        if let Some(aid) = &args.aid {
            let is_there = photos.iter().any(|photo| photo.app == args.app);
            if !is_there || *aid != album.to_string() {
                return Err(Refusal::plain(Code::InvalidAlbum).into());
            }
        }
        let (file, image) = judge_file(&args)?;
        let limit = unit.config().photos_per_user;
        if photos.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            unit.met(FeedBound::Photos);
            return Err(unusable("the user has as many photos as they may have").into());
        }
        let photo = NewPhoto {
            pid: random_pid(unit),
            owner: args.user,
            app: args.app,
            caption: args.caption,
            image: ImageHash(image),
            pictures: [
                made(unit, &file, Fit::PHOTO_BIG).await?,
                made(unit, &file, Fit::PHOTO).await?,
                made(unit, &file, Fit::STORY).await?,
            ],
            per_user_max: limit,
        };
        let reply = reply(&photo, album, unit);
        unit.write(Write::Picture(PictureWrite::AddPhoto(Box::new(photo))));
        unit.on_conflict(refused_by_books);
        Ok(Outcome::value(reply))
    }
}

/// The file that the signed digest speaks of, and its digest.
fn judge_file(args: &Args) -> Result<(Bytes, [u8; 32]), Refusal> {
    let image = args.file.as_ref().map(|file| sha256(&[file]));
    match (&args.digest, image) {
        (None, _) if args.needs_digest => return Err(invalid("file_sha256", "is missing")),
        (Some(digest), Some(image)) if lower_hex(&image) != *digest => {
            return Err(invalid("file_sha256", "is not the digest of the file"));
        }
        (Some(_) | None, Some(_) | None) => {}
    }
    match (&args.file, image) {
        (Some(file), Some(image)) if !file.is_empty() && file.len() <= FILE_BYTES_MAX => {
            Ok((file.clone(), image))
        }
        (Some(file), _) if !file.is_empty() => {
            let cause = format!("the file has {} bytes, limit {FILE_BYTES_MAX}", file.len());
            Err(unusable(cause))
        }
        (Some(_) | None, _) => Err(unusable("no file was sent")),
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// One size of the photo; the decoder's cause is the caller's to know.
async fn made(unit: &Unit<'_>, file: &Bytes, fit: Fit) -> Result<Picture, Halt> {
    unit.picture_of(file.clone(), fit).await.map_err(|why| {
        match why {
            NoPicture::Busy => Refusal::plain(Code::ServiceUnavailable),
            NoPicture::Unsupported
            | NoPicture::TooLarge
            | NoPicture::Memory
            | NoPicture::Broken(_)
            | NoPicture::Timeout => unusable(why.to_string()),
        }
        .into()
    })
}

fn unusable(cause: impl Into<String>) -> Refusal {
    Refusal::because(Code::MissingImage, cause.into())
}

/// The one album of an application for a user: its number follows from theirs.
fn album_of(app: AppId, user: Uid) -> Pid {
    let digest = sha256(&[b"album", &app.get().to_be_bytes(), &user.get().to_be_bytes()]);
    positive(digest.first_chunk().copied().unwrap_or([1; 8]))
}

/// A number that says nothing about how many photos there are.
fn random_pid(unit: &Unit<'_>) -> Pid {
    positive(unit.random())
}

fn positive(bytes: [u8; 8]) -> Pid {
    let number = i64::from_be_bytes(bytes) & i64::MAX;
    Pid::new(number.max(1)).expect("a number of at least 1")
}

/// The photo as protocol 15.8 describes it, fields in its order.
fn reply(photo: &NewPhoto, album: Pid, unit: &Unit<'_>) -> Reply {
    let site = &unit.config().public_url;
    let address = |picture: &Picture| {
        let (hash, ending) = (lower_hex(&picture.hash.0), picture.kind.extension());
        Reply::Text(format!("{site}/p/{hash}.{ending}"))
    };
    let [big, normal, small] = &photo.pictures;
    Reply::Object(vec![
        ("pid", Reply::Text(photo.pid.to_string())),
        ("aid", Reply::Text(album.to_string())),
        ("owner", Reply::Text(photo.owner.to_string())),
        ("src", address(normal)),
        ("src_big", address(big)),
        ("src_small", address(small)),
        ("link", address(big)),
        ("caption", Reply::Text(photo.caption.clone())),
        ("created", Reply::Integer(unit.now().secs())),
    ])
}

/// What the refusal of the photo's write means.
fn refused_by_books(_: &Settings, conflict: Conflict) -> Option<Refusal> {
    match conflict {
        Conflict::PhotosFull => Some(unusable("the user has as many photos as they may have")),
        Conflict::Blocked => Some(unusable("blocked")),
        Conflict::WindowClosed { .. }
        | Conflict::NameTaken
        | Conflict::IdTaken
        | Conflict::KeyTaken
        | Conflict::CanvasTaken
        | Conflict::TokenNotUsable
        | Conflict::Missing
        | Conflict::Changed
        | Conflict::OwnsApps
        | Conflict::QueueFull
        | Conflict::AddressesFull
        | Conflict::AppsFull
        | Conflict::TestOnly
        | Conflict::TestTaken => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_album_is_of_one_application_and_user_and_always_the_same() {
        let (app, user) = (AppId::new(4).unwrap(), Uid::new(7).unwrap());
        assert_eq!(album_of(app, user), album_of(app, user));
        assert_ne!(album_of(app, user), album_of(app, Uid::new(8).unwrap()));
        assert_ne!(album_of(app, user), album_of(AppId::new(5).unwrap(), user));
    }

    #[test]
    fn numbers_of_photos_are_positive() {
        for bytes in [[0; 8], [0xFF; 8], [0x80, 0, 0, 0, 0, 0, 0, 0]] {
            assert!(positive(bytes).get() > 0);
        }
    }

    #[test]
    fn the_digest_is_judged_before_the_file() {
        let args = |digest: Option<&str>, file: Option<&'static [u8]>, needs_digest| Args {
            app: AppId::new(4).unwrap(),
            user: Uid::new(7).unwrap(),
            caption: String::new(),
            aid: None,
            digest: digest.map(str::to_owned),
            needs_digest,
            file: file.map(Bytes::from_static),
        };
        let right = lower_hex(&sha256(&[b"file"]));
        let code = |args: &Args| judge_file(args).map(drop).map_err(|refusal| refusal.code());
        assert_eq!(code(&args(Some(&right), Some(b"file"), true)), Ok(()));
        assert_eq!(code(&args(None, Some(b"file"), false)), Ok(()));
        assert_eq!(
            code(&args(None, Some(b"file"), true)),
            Err(Code::InvalidParameter)
        );
        assert_eq!(
            code(&args(Some(&right), Some(b"File"), false)),
            Err(Code::InvalidParameter)
        );
        assert_eq!(code(&args(Some(&right), None, true)), Err(Code::MissingImage));
        assert_eq!(code(&args(None, None, false)), Err(Code::MissingImage));
        assert_eq!(code(&args(None, Some(b""), false)), Err(Code::MissingImage));
    }
}
