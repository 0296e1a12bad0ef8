//! Strangers' images made into pictures, as the rules see it, and why an image gives none.

use crate::model::picture::{Cause, Fit, Picture};
use async_trait::async_trait;
use bytes::Bytes;

/// Which part of an image is missing or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BrokenPart {
    /// What stands before the pixels contradicts itself or its format.
    #[error("its header is wrong")]
    Header,
    /// Bytes are missing at the end.
    #[error("it ends too early")]
    End,
    /// The pixels cannot be read.
    #[error("its data are wrong")]
    Data,
    /// There is no image in it.
    #[error("it holds no image")]
    Empty,
}

/// Why an image gives no picture (feed 7.6). The words go into a slot's last cause and behind error 324.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoPicture {
    /// Neither JPEG, PNG, GIF nor WebP by its first bytes, or a kind of JPEG that nobody shows.
    #[error("unsupported")]
    Unsupported,
    /// A side above `media.side_max`, or of no pixel.
    #[error("too_large")]
    TooLarge,
    /// Its working memory would pass `media.decode_bytes_max`.
    #[error("memory")]
    Memory,
    /// A part is missing or wrong.
    #[error("broken: {0}")]
    Broken(BrokenPart),
    /// It is not done within `media.decode_timeout`.
    #[error("decode_timeout")]
    Timeout,
    /// Too many images wait for their turn (`media.decodes_waiting_max`).
    #[error("decode_busy")]
    Busy,
}

impl From<NoPicture> for Cause {
    fn from(why: NoPicture) -> Self {
        match why {
            NoPicture::Unsupported => Self::Unsupported,
            NoPicture::TooLarge => Self::TooLarge,
            NoPicture::Memory => Self::Memory,
            NoPicture::Broken(_) => Self::Broken,
            NoPicture::Timeout => Self::DecodeTimeout,
            // Tried again: the machine was at fault, not the image.
            NoPicture::Busy => Self::Timeout,
        }
    }
}

/// Strangers' images made into pictures.
///
/// Promise: time, bytes, pixels and memory are bounded (feed 7.6); a picture is never enlarged, is made anew from pixels and holds
/// no byte of the image; equal input gives equal bytes on every machine.
#[async_trait]
pub trait Images: Send + Sync {
    /// The picture of an image that is here already.
    async fn thumbnail_of(&self, image: Bytes, fit: Fit) -> Result<Picture, NoPicture>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_begin_with_the_word_that_a_slot_shows_and_only_a_busy_machine_is_asked_again() {
        let causes = [
            (NoPicture::Unsupported, "unsupported"),
            (NoPicture::TooLarge, "too_large"),
            (NoPicture::Memory, "memory"),
            (NoPicture::Broken(BrokenPart::End), "broken: it ends too early"),
            (NoPicture::Timeout, "decode_timeout"),
        ];
        for (why, words) in causes {
            assert_eq!(why.to_string(), words);
            assert!(words.starts_with(Cause::from(why).label()));
            assert!(!Cause::from(why).is_retried());
        }
        assert!(Cause::from(NoPicture::Busy).is_retried());
    }
}
