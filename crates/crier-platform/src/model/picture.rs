//! Our results of strangers' images, and why one is not there (feed section 7).

use bytes::Bytes;
use std::fmt;

/// SHA-256 of a picture's bytes: its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureHash(pub [u8; 32]);

/// What a picture is encoded as (feed 7.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureType {
    /// Baseline JPEG, `.jpg`.
    Jpeg,
    /// PNG, `.png`.
    Png,
}

impl PictureType {
    /// What its address ends in, without the dot (feed 7.9).
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// The value of `Content-Type` (feed 7.9).
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// A picture, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its address.
    pub hash: PictureHash,
    /// What it is written as.
    pub kind: PictureType,
    /// Pixels from left to right, at least 1.
    pub width: u32,
    /// Pixels from top to bottom, at least 1.
    pub height: u32,
    /// The file; nothing of it was in the image.
    pub bytes: Bytes,
}

/// The square that a picture must fit, by its side in pixels (feed 7.7, 7.12). Nothing is ever enlarged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fit(pub u16);

impl Fit {
    /// An icon of an application.
    pub const ICON: Self = Self(16);
    /// A picture of a story, and `src_small` of a photo.
    pub const STORY: Self = Self(75);
    /// `src` of a photo.
    pub const PHOTO: Self = Self(130);
    /// `src_big` and `link` of a photo.
    pub const PHOTO_BIG: Self = Self(604);

    /// Width and height of the picture of an image with these sides (feed 7.7).
    #[must_use]
    pub const fn of(self, width: u32, height: u32) -> (u32, u32) {
        let side = self.0 as u32;
        if width <= side && height <= side {
            return (width, height);
        }
        if width >= height {
            (side, shorter(side, width, height))
        } else {
            (shorter(side, height, width), side)
        }
    }
}

/// The shorter side beside one of `side` pixels: to the nearest, a half upwards, at least 1.
const fn shorter(side: u32, long: u32, short: u32) -> u32 {
    let rounded = (short * side + long / 2) / long;
    if rounded == 0 { 1 } else { rounded }
}

/// A picture as a slot shows it: its address and its size in pixels, 1 to 75 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotPicture {
    /// Its address.
    pub hash: PictureHash,
    /// The ending of its address.
    pub kind: PictureType,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Why there is no picture, or not yet: what a developer reads about a slot (feed 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nothing that could be read as an answer.
    NoAnswer,
    /// The name was not found.
    LookupFailed,
    /// No TLS, or no certificate for this host.
    TlsFailed,
    /// A deadline has passed (feed 7.4).
    Timeout,
    /// An answer other than 200 that brings no image.
    Status(u16),
    /// The body ended before its end.
    CutBody,
    /// The dial guard refused the address (feed 7.5), or a redirect led to what is no acceptable address (2.8).
    ForbiddenAddress,
    /// More redirects than `media.redirects_max`.
    TooManyRedirects,
    /// More bytes than `media.image_bytes_max`, or an endless head.
    TooBig,
    /// The body is compressed.
    EncodedBody,
    /// Neither JPEG, PNG, GIF nor WebP.
    Unsupported,
    /// Parts are missing or wrong.
    Broken,
    /// A side is over `media.side_max`, or zero.
    TooLarge,
    /// Decoding would take more than `media.decode_bytes_max`.
    Memory,
    /// Decoding took longer than `media.decode_timeout`.
    DecodeTimeout,
    /// An administrator has blocked this image (feed 7.11).
    Blocked,
    /// Too many jobs were waiting when the story came.
    QueueFull,
    /// Waits: the application's fetches of this hour are used up.
    AppBudget,
    /// Waits: the cache is above `media.cache_bytes_hard`.
    CacheFull,
}

/// Causes that are a word alone.
const WORDS: [(Cause, &str); 18] = [
    (Cause::NoAnswer, "no_answer"),
    (Cause::LookupFailed, "lookup_failed"),
    (Cause::TlsFailed, "tls_failed"),
    (Cause::Timeout, "timeout"),
    (Cause::CutBody, "cut_body"),
    (Cause::ForbiddenAddress, "forbidden_address"),
    (Cause::TooManyRedirects, "too_many_redirects"),
    (Cause::TooBig, "too_big"),
    (Cause::EncodedBody, "encoded_body"),
    (Cause::Unsupported, "unsupported"),
    (Cause::Broken, "broken"),
    (Cause::TooLarge, "too_large"),
    (Cause::Memory, "memory"),
    (Cause::DecodeTimeout, "decode_timeout"),
    (Cause::Blocked, "blocked"),
    (Cause::QueueFull, "queue_full"),
    (Cause::AppBudget, "app_budget"),
    (Cause::CacheFull, "cache_full"),
];
/// What a status follows.
const STATUS: &str = "status_";

impl Cause {
    /// Whether another attempt may do better (feed 7.3).
    #[must_use]
    pub const fn is_retried(self) -> bool {
        match self {
            Self::NoAnswer
            | Self::LookupFailed
            | Self::TlsFailed
            | Self::Timeout
            | Self::CutBody
            | Self::AppBudget
            | Self::CacheFull => true,
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::ForbiddenAddress
            | Self::TooManyRedirects
            | Self::TooBig
            | Self::EncodedBody
            | Self::Unsupported
            | Self::Broken
            | Self::TooLarge
            | Self::Memory
            | Self::DecodeTimeout
            | Self::Blocked
            | Self::QueueFull => false,
        }
    }

    /// A word of a closed set, for figures: statuses by their hundred.
    #[must_use]
    pub fn label(self) -> &'static str {
        if let Self::Status(status) = self {
            return match status {
                400..=499 => "status_4xx",
                500..=599 => "status_5xx",
                _ => "status_other",
            };
        }
        let found = WORDS.iter().find(|(cause, _)| *cause == self);
        found.map_or("other", |(_, word)| word)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Status(status) = self {
            return write!(out, "{STATUS}{status}");
        }
        out.write_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_one_word_and_a_status_its_number() {
        assert_eq!(Cause::ForbiddenAddress.to_string(), "forbidden_address");
        assert_eq!(Cause::Status(404).to_string(), "status_404");
        assert_eq!(Cause::Status(404).label(), "status_4xx");
        assert_eq!(Cause::Status(503).label(), "status_5xx");
        assert_eq!(Cause::Status(206).label(), "status_other");
    }

    #[test]
    fn what_is_retried_is_the_list_of_its_page() {
        let retried = |cause: Cause| cause.is_retried();
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(retried(Cause::Status(status)), "{status}");
        }
        for status in [201, 204, 206, 300, 304, 400, 401, 403, 404, 410, 451] {
            assert!(!retried(Cause::Status(status)), "{status}");
        }
        let words: Vec<&str> = WORDS
            .iter()
            .filter(|(cause, _)| retried(*cause))
            .map(|(_, word)| *word)
            .collect();
        assert_eq!(
            words,
            [
                "no_answer",
                "lookup_failed",
                "tls_failed",
                "timeout",
                "cut_body",
                "app_budget",
                "cache_full"
            ]
        );
    }

    #[test]
    fn sides_are_those_of_the_worked_cases() {
        let cases = [
            ((640, 480), (75, 56)),
            ((480, 640), (56, 75)),
            ((76, 75), (75, 74)),
            ((75, 76), (74, 75)),
            ((100, 50), (75, 38)),
            ((50, 100), (38, 75)),
            ((10, 4_000), (1, 75)),
            ((4_000, 10), (75, 1)),
            ((33, 20), (33, 20)),
            ((75, 75), (75, 75)),
            ((76, 76), (75, 75)),
            ((1, 1), (1, 1)),
            ((4_096, 1), (75, 1)),
            ((4_096, 4_096), (75, 75)),
        ];
        for ((width, height), fitted) in cases {
            assert_eq!(Fit::STORY.of(width, height), fitted, "{width}x{height}");
        }
    }

    #[test]
    fn photos_fit_their_larger_squares_and_are_never_enlarged() {
        assert_eq!(Fit::PHOTO_BIG.of(1_600, 1_200), (604, 453));
        assert_eq!(Fit::PHOTO.of(1_600, 1_200), (130, 98));
        assert_eq!(Fit::PHOTO_BIG.of(604, 500), (604, 500));
        assert_eq!(Fit::PHOTO.of(75, 56), (75, 56));
    }
}
