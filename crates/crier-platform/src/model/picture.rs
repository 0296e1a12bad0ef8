//! Our results of strangers' images, and why one is not there (feed section 7).

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
}
