//! The books' side of pictures: reads; what is written is in `PictureWrite`.

use crate::model::job::{AppFetches, JobQuery, KeptPicture, NextJob, Photo, PictureSpace, SourceHash};
use crate::model::picture::PictureHash;
use crate::ports::store::StoreFault;
use async_trait::async_trait;
use crier_proto::ids::{AppId, Pid, Uid};

/// Reads of pictures, photos and jobs.
#[async_trait]
pub trait Pictures: Send + Sync {
    /// A picture's bytes; evicted, removed and unknown ones are absent alike.
    async fn picture(&self, hash: PictureHash) -> Result<Option<KeptPicture>, StoreFault>;
    /// What was fetched from an address: the image, or the picture that was made of it.
    async fn image_of(&self, source: SourceHash) -> Result<Option<PictureHash>, StoreFault>;

    /// Whether a picture has this hash, or the image of a source or a photo.
    async fn knows_picture(&self, hash: PictureHash) -> Result<bool, StoreFault>;
    /// An uploaded photo.
    async fn photo(&self, pid: Pid) -> Result<Option<Photo>, StoreFault>;
    /// The photos of a user, by number.
    async fn photos_of(&self, owner: Uid) -> Result<Vec<Photo>, StoreFault>;
    /// The job that is next.
    async fn next_job(&self, query: JobQuery) -> Result<NextJob, StoreFault>;
    /// Whether slots wait for this source although its outcome is written.
    async fn has_waiting_slots(&self, source: SourceHash) -> Result<bool, StoreFault>;
    /// Whether `PictureWrite::WantIcons` would change anything: an icon was set, replaced or taken away, or is a day old.
    async fn icons_are_wanted(&self) -> Result<bool, StoreFault>;
    /// What an application has fetched in this hour since 1970.
    async fn app_fetches(&self, app: AppId, hour: i64) -> Result<AppFetches, StoreFault>;
    /// How full queue and cache are.
    async fn picture_space(&self) -> Result<PictureSpace, StoreFault>;
    /// Pictures that may be evicted, least recently served first, and the bytes of all those that may not: pictures of live
    /// stories, of photos and of jobs (feed 7.10).
    async fn evictable(&self, limit: u32) -> Result<(Vec<(PictureHash, u64)>, u64), StoreFault>;
}
