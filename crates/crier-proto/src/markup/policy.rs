//! Which tags may stand where, and how long a text may be (seed: Feed.publishStoryToUser; feed 2.1, 2.5).
//!
//! Every question about a place is one exhaustive match.

use crate::story::{BODY_CLUSTERS_MAX, TITLE_CLUSTERS_MAX};

/// Most bytes of displayed text per allowed displayed character (feed 2.5).
const TEXT_BYTES_PER_CLUSTER: usize = 10;

/// A place for markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `title`: text, references, at most one `a`.
    Title,
    /// `body`: text, references, `a`, `b`, `i`.
    Body,
}

/// A tag that some place permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// `a`
    Anchor,
    /// `b`
    Bold,
    /// `i`
    Italic,
}

impl Place {
    /// The parameter's name, with which every cause begins (feed 2.2).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
        }
    }

    /// Most displayed characters (seed: 60 and 200 "displayed characters (excluding tags)").
    #[must_use]
    pub const fn clusters_max(self) -> usize {
        match self {
            Self::Title => TITLE_CLUSTERS_MAX,
            Self::Body => BODY_CLUSTERS_MAX,
        }
    }

    /// Most bytes of displayed text (feed 2.5: 600 and 2,000).
    #[must_use]
    pub const fn text_bytes_max(self) -> usize {
        self.clusters_max().saturating_mul(TEXT_BYTES_PER_CLUSTER)
    }

    /// Most bytes of the value as given (feed 2.5).
    #[must_use]
    pub const fn markup_bytes_max(self) -> usize {
        match self {
            Self::Title => 4_096,
            Self::Body => 8_192,
        }
    }

    /// Most `a`, if the place limits them (seed: "can have at most one href anchor").
    #[must_use]
    pub const fn links_max(self) -> Option<usize> {
        match self {
            Self::Title => Some(1),
            Self::Body => None,
        }
    }

    /// The tag of this name, in letters of any case, if the place permits it (feed 2.1).
    pub(super) fn permits(self, name: &str) -> Option<Tag> {
        let tag = match name {
            "a" | "A" => Tag::Anchor,
            "b" | "B" => Tag::Bold,
            "i" | "I" => Tag::Italic,
            _ => return None,
        };
        match (self, tag) {
            (Self::Body, Tag::Anchor | Tag::Bold | Tag::Italic) | (Self::Title, Tag::Anchor) => Some(tag),
            (Self::Title, Tag::Bold | Tag::Italic) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_page() {
        let limits = |place: Place| {
            (
                place.clusters_max(),
                place.text_bytes_max(),
                place.markup_bytes_max(),
            )
        };
        assert_eq!(limits(Place::Title), (60, 600, 4_096));
        assert_eq!(limits(Place::Body), (200, 2_000, 8_192));
    }

    #[test]
    fn a_title_permits_a_alone_and_a_body_a_b_and_i() {
        let permitted = |place: Place| {
            ["a", "A", "b", "B", "i", "I", "u", "br", "fb:name", ""].map(|name| place.permits(name).is_some())
        };
        assert_eq!(
            permitted(Place::Title),
            [true, true, false, false, false, false, false, false, false, false]
        );
        assert_eq!(
            permitted(Place::Body),
            [true, true, true, true, true, true, false, false, false, false]
        );
    }
}
