//! Background work that survives a kill: the jobs that fetch pictures (feed 7.3).

use super::picture::{Cause, Fit, Picture, PictureHash, PictureType};
use super::time::WallMs;
use crate::ports::fetch::Validators;
use bytes::Bytes;
use crier_proto::ids::{AppId, Pid, StoryId, Uid};

/// SHA-256 of a canonical source address: its key in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceHash(pub [u8; 32]);

/// SHA-256 of a stranger's image as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageHash(pub [u8; 32]);

/// What decides what a new slot begins with (feed 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceRules {
    /// Milliseconds for which what was fetched is used as it is (`media.source_fresh`).
    pub fresh_ms: i64,
    /// Milliseconds for which a final failure is believed (`media.negative_ttl`).
    pub negative_ttl_ms: i64,
    /// Jobs of one application that may wait (`media.jobs_per_app_max`).
    pub jobs_per_app_max: u32,
    /// Jobs that may wait in all (`media.jobs_max`).
    pub jobs_max: u32,
}

impl Default for SourceRules {
    fn default() -> Self {
        Self {
            fresh_ms: 3_600_000,
            negative_ttl_ms: 900_000,
            jobs_per_app_max: 5_000,
            jobs_max: 100_000,
        }
    }
}

/// The job of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Which source.
    pub source: SourceHash,
    /// Its address.
    pub url: String,
    /// The size its picture gets.
    pub fit: Fit,
    /// Whose budget pays.
    pub app: AppId,
    /// Attempts that have failed.
    pub attempts: u32,
    /// What the picture's last answer said of its image; empty when there is no picture to keep.
    pub validators: Validators,
    /// Whether its outcome is written and only slots are left to be filled.
    pub is_settled: bool,
}

/// Which job is wanted: the first that is due of the next application, in turns (feed 7.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobQuery {
    /// Jobs that are due by now.
    pub now: WallMs,
    /// Whose turn it was last.
    pub after: Option<AppId>,
    /// Applications that may not start one now.
    pub busy_apps: Vec<AppId>,
    /// Hosts that may not be asked now, as `host_of` gives them.
    pub busy_hosts: Vec<String>,
    /// Sources that are worked on.
    pub running: Vec<SourceHash>,
}

/// The host of a canonical address, without its port.
#[must_use]
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_scheme, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // The last colon begins a port, unless it stands inside the brackets of an IPv6 address.
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        Some(_) | None => authority,
    }
}

/// A picture as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPicture {
    /// How it is encoded.
    pub kind: PictureType,
    /// The encoded picture.
    pub bytes: Bytes,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The hour since 1970 in which it was last known to be served.
    pub used_hour: i64,
}

/// What may be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextJob {
    /// This one, now.
    Now(Box<Job>),
    /// None before this moment, unless something ends or comes.
    At(WallMs),
    /// None, unless something ends or comes.
    Never,
}

/// What an attempt has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// An image, and our picture of it.
    Picture {
        /// What was sent.
        image: ImageHash,
        /// What we made of it.
        picture: Picture,
        /// To ask with next time.
        validators: Validators,
    },
    /// The image is the one we have.
    Unchanged,
    /// A picture of our own site.
    Own(PictureHash),
    /// No picture, and no further attempt.
    Failed(Cause),
    /// No picture yet.
    Later {
        /// Why.
        cause: Cause,
        /// When to try again.
        due: WallMs,
    },
}

/// An attempt's end, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Whose.
    pub source: SourceHash,
    /// What it has come to.
    pub settlement: Settlement,
    /// Bytes that were read; `None` when nobody was asked.
    pub spent: Option<u64>,
}

/// Fetches of one application in one hour (feed 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AppFetches {
    /// How many.
    pub fetches: u64,
    /// Bytes read.
    pub bytes: u64,
}

/// How full queue and cache are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PictureSpace {
    /// Jobs that wait or run.
    pub jobs: u64,
    /// Bytes of all pictures.
    pub bytes: u64,
}

/// An uploaded photo on its way into the books (feed 7.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPhoto {
    /// Its number.
    pub pid: Pid,
    /// Who uploads it.
    pub owner: Uid,
    /// With which application.
    pub app: AppId,
    /// As given.
    pub caption: String,
    /// SHA-256 of the file.
    pub image: ImageHash,
    /// Fits of 604, 130 and 75 pixels a side.
    pub pictures: [Picture; 3],
    /// Photos that one user may have (`media.photos_per_user`).
    pub per_user_max: u32,
}

/// An uploaded photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// Its number.
    pub pid: Pid,
    /// Who uploaded it.
    pub owner: Uid,
    /// With which application.
    pub app: AppId,
    /// As given.
    pub caption: String,
    /// When it was uploaded.
    pub created_at: WallMs,
    /// Its picture of at most 604 pixels a side.
    pub big: PictureHash,
    /// Its picture of at most 130 pixels a side.
    pub normal: PictureHash,
    /// Its picture of at most 75 pixels a side.
    pub small: PictureHash,
}

/// Writes of pictures and their jobs. Each is one transaction of feed 8.2, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PictureWrite {
    /// The end of an attempt: picture and source. Slots are filled afterwards; the job stays until they are.
    Settle(Box<Attempt>),
    /// Fills waiting slots of a settled source, of at most 100 users, with an event for each slot that becomes ready.
    Fill(SourceHash),
    /// The job of a settled source ends.
    End(SourceHash),
    /// Queues icons of applications that are not fetched yet or are a day old, and forgets those that nobody has any more (feed 6.2).
    WantIcons(SourceRules),
    /// These pictures were served in this hour.
    Use(Vec<PictureHash>),
    /// Drops pictures that no live story, no application and no photo needs.
    Evict(Vec<PictureHash>),
    /// A photo; `PhotosFull` beyond the bound, `Blocked` for a blocked image.
    AddPhoto(Box<NewPhoto>),
    /// Removes a photo of this owner, and its pictures unless something else has the same; else `Missing`.
    RemovePhoto {
        /// Whose it must be.
        owner: Uid,
        /// Which.
        pid: Pid,
    },
    /// Removes a picture, or the pictures of an image, everywhere and refuses it from now on.
    Block(PictureHash),
    /// Queues a failed slot of this application's story once more, at most three times, else `Missing`; `QueueFull` when there is
    /// no place.
    FetchAgain {
        /// How many jobs may wait.
        rules: SourceRules,
        /// Whose story it must be.
        app: AppId,
        /// Which.
        story: StoryId,
        /// 1 to 4.
        slot: u8,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_has_no_port() {
        for (url, host) in [
            ("http://e.example/a.png", "e.example"),
            ("https://e.example:8443/?q=http://x/", "e.example"),
            ("http://[::1]:80/", "[::1]"),
            ("http://[::1]/", "[::1]"),
            ("http://127.0.0.1:1", "127.0.0.1"),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
