//! Images at strangers' addresses, as the rules see them.

use crate::model::picture::Cause;
use async_trait::async_trait;
use bytes::Bytes;

/// What an earlier answer said of its image, to be asked whether it still is the same (feed 7.3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validators {
    /// `ETag`, as it was sent.
    pub etag: Option<String>,
    /// `Last-Modified`, as it was sent.
    pub last_modified: Option<String>,
}

impl Validators {
    /// Whether there is nothing to ask with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// One attempt to get an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// A canonical source address (feed 7.1).
    pub url: String,
    /// Empty: the image is wanted whatever it is.
    pub validators: Validators,
}

/// What is at the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// A body, of whatever kind.
    Image {
        /// The whole body.
        bytes: Bytes,
        /// To ask with next time.
        validators: Validators,
    },
    /// The image is the one that the validators speak of.
    Unchanged,
}

/// Why an attempt brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchFailed {
    /// What went wrong.
    pub cause: Cause,
    /// When the server asked to be left alone until: milliseconds from now.
    pub retry_after_ms: Option<u64>,
}

impl From<Cause> for FetchFailed {
    fn from(cause: Cause) -> Self {
        Self {
            cause,
            retry_after_ms: None,
        }
    }
}

/// What an attempt brought and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What came.
    pub outcome: Result<Got, FetchFailed>,
    /// Bytes that were read, heads included.
    pub bytes: u64,
}

/// Images at strangers' addresses.
///
/// Promise: no forbidden address is ever connected to, also not by way of a redirect or a name; time and bytes are bounded
/// (feed 7.4, 7.5); nothing is sent but what 7.4 lists. Never retries by itself.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Asks once, following redirects.
    async fn fetch(&self, wanted: Wanted) -> Fetched;
}
