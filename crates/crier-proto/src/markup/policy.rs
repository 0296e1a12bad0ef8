//! Which tags may stand where, and how long a text may be (seed: Feed.publishStoryToUser; feed 2.1, 2.5).

/// A place for markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `title`: text, references, at most one `a`.
    Title,
    /// `body`: text, references, `a`, `b`, `i`.
    Body,
}
