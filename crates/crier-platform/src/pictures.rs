//! Pictures, as the site and the command line use them: served by their address, blocked, fetched again (feed 1.3, 7.9, 7.11).
//!
//! Promise: what was removed is not served by the next request; every answer of "no" is the same.

use crate::accounts::AccountError;
use crate::feed::figures::FeedBound;
use crate::jobs::pictures::PictureBooks;
use crate::model::audit::Actor;
use crate::model::job::{KeptPicture, Photo, PictureWrite, SourceHash, SourceRules};
use crate::model::picture::PictureHash;
use crate::ports::Ports;
use crate::ports::entropy::random_bytes;
use crate::ports::store::{Batch, CommitError, Conflict, StoreFault, UnitId, Write};
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::ids::{AppId, Pid, StoryId, Uid};

/// Digits of a hash.
const HASH_DIGITS: usize = 64;
/// Slots of one source that are fetched again by one request.
const SLOTS_AT_ONCE: u32 = 100;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// The use cases. Clone it freely.
#[derive(Clone)]
pub struct Pictures {
    ports: Ports,
    rules: SourceRules,
    books: PictureBooks,
    actor: Actor,
}

/// Reads a hash: 64 hexadecimal digits in lower case.
#[must_use]
pub fn read_hash(digits: &str) -> Option<PictureHash> {
    if digits.len() != HASH_DIGITS
        || !digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    let mut hash = [0u8; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let pair = str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(PictureHash(hash))
}

impl Pictures {
    /// How many photos a person has uploaded.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn photos_len(&self, owner: Uid) -> Result<usize, StoreFault> {
        Ok(self.ports.store.photos_of(owner).await?.len())
    }

    /// The use cases over these ports.
    #[must_use]
    pub fn new(ports: Ports, rules: SourceRules, books: PictureBooks) -> Self {
        Self {
            ports,
            rules,
            books,
            actor: Actor::System,
        }
    }

    /// The same use cases, done by this actor: the audit log says so.
    #[must_use]
    pub fn done_by(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    /// The picture of a name `<hash>.jpg` or `<hash>.png`; absent if it is unknown, gone, or of the other kind.
    ///
    /// # Errors
    /// When the books do not answer.
    pub async fn find(&self, name: &str) -> Result<Option<(PictureHash, KeptPicture)>, StoreFault> {
        let named = name
            .split_once('.')
            .and_then(|(digits, ending)| Some((read_hash(digits)?, ending)));
        let Some((hash, ending)) = named else {
            return Ok(None);
        };
        let found = self.ports.store.picture(hash).await?;
        let found = found.filter(|picture| picture.kind.extension() == ending);
        if let Some(picture) = &found
            && picture.used_hour < self.ports.clock.wall().0.div_euclid(HOUR_MS)
            && !self.books.used.mark(hash)
        {
            self.ports.feed_figures.bound(FeedBound::UsedPictures);
        }
        Ok(found.map(|picture| (hash, picture)))
    }

    /// What is meant by a hash, by an address of this site's that shows a picture, or by the address from which an image was fetched.
    ///
    /// # Errors
    /// When the books do not answer.
    pub async fn named(&self, text: &str) -> Result<Option<PictureHash>, AccountError> {
        let shown = text.rsplit_once("/p/").map(|(_, name)| name);
        let digits = shown.and_then(|name| name.split('.').next()).unwrap_or(text);
        if let Some(hash) = read_hash(&digits.to_ascii_lowercase()) {
            return Ok(Some(hash));
        }
        let source = SourceHash(sha256(&[text.as_bytes()]));
        Ok(self.ports.store.image_of(source).await?)
    }

    /// Whether there is a picture of this hash, or of an image of it.
    ///
    /// # Errors
    /// When the books do not answer.
    pub async fn is_known(&self, hash: PictureHash) -> Result<bool, AccountError> {
        Ok(self.ports.store.knows_picture(hash).await?)
    }

    /// A picture as it is kept, if it is.
    ///
    /// # Errors
    /// When the books do not answer.
    pub async fn kept(&self, hash: PictureHash) -> Result<Option<KeptPicture>, AccountError> {
        Ok(self.ports.store.picture(hash).await?)
    }

    /// The name of a photo's picture of at most 75 pixels a side; absent if it is unknown or gone.
    ///
    /// # Errors
    /// When the books do not answer.
    pub async fn small_of(&self, pid: Pid) -> Result<Option<String>, StoreFault> {
        let Some(photo) = self.ports.store.photo(pid).await? else {
            return Ok(None);
        };
        let kept = self.ports.store.picture(photo.small).await?;
        Ok(kept.map(|picture| format!("{}.{}", lower_hex(&photo.small.0), picture.kind.extension())))
    }

    /// A request for a picture was answered with this status.
    pub fn served(&self, status: u16) {
        self.books.figures.add_served(status);
    }

    /// Removes a picture, or every picture of an image, everywhere, and refuses it from now on.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn block(&self, hash: PictureHash) -> Result<(), AccountError> {
        self.write(PictureWrite::Block(hash)).await
    }

    /// Queues a failed slot of an application's story once more.
    ///
    /// # Errors
    /// `Missing` when the slot has not failed, has been fetched again three times, or is not of a story of this application;
    /// `QueueFull`; or when the books fail.
    pub async fn fetch_again(&self, app: AppId, story: StoryId, slot: u8) -> Result<(), AccountError> {
        let rules = self.rules;
        self.write(PictureWrite::FetchAgain {
            rules,
            app,
            story,
            slot,
        })
        .await?;
        self.ports.fetching.knock();
        Ok(())
    }

    /// Queues the failed slots of an application's stories from this source once more; how many that were.
    ///
    /// # Errors
    /// `QueueFull` when there is no place, or when the books fail.
    pub async fn fetch_source_again(&self, app: AppId, source: SourceHash) -> Result<usize, AccountError> {
        let slots = self.ports.store.failed_slots(app, source, SLOTS_AT_ONCE).await?;
        let mut queued = 0;
        for (story, slot) in slots {
            match self.fetch_again(app, story, slot).await {
                Ok(()) => queued += 1,
                // Fetched again three times, or filled meanwhile.
                Err(AccountError::Conflict(Conflict::Missing)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(queued)
    }

    /// The photos of a user, by number.
    ///
    /// # Errors
    /// When the books do not answer.
    pub async fn photos_of(&self, owner: Uid) -> Result<Vec<Photo>, AccountError> {
        Ok(self.ports.store.photos_of(owner).await?)
    }

    /// Removes a photo: its slots are empty from now on.
    ///
    /// # Errors
    /// `Missing` when this user has no such photo; or when the books fail.
    pub async fn remove_photo(&self, owner: Uid, pid: Pid) -> Result<(), AccountError> {
        self.write(PictureWrite::RemovePhoto { owner, pid }).await
    }

    async fn write(&self, write: PictureWrite) -> Result<(), AccountError> {
        let batch = Batch {
            id: UnitId(random_bytes(&*self.ports.entropy)),
            by: self.actor,
            now: self.ports.clock.wall(),
            writes: vec![Write::Picture(write)],
        };
        match self.ports.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(CommitError::Refused(conflict)) => Err(AccountError::Conflict(conflict)),
            Err(CommitError::Fault(fault)) => Err(fault.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_64_digits_in_lower_case() {
        assert_eq!(read_hash(&"0f".repeat(32)), Some(PictureHash([0x0F; 32])));
        for bad in [
            "",
            "0f",
            &"0F".repeat(32),
            &"0g".repeat(32),
            &"0f".repeat(33),
            &"+1".repeat(32),
        ] {
            assert_eq!(read_hash(bad), None, "{bad}");
        }
    }
}
