//! Strict pairs from each source of a request, then the merge (protocol 3.1 to 3.10).
//!
//! Nothing is trimmed, normalised, guessed or lost: what does not fit the grammar is a shape error.

/// One name and its decoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// `[A-Za-z0-9_]{1,40}`.
    pub name: Box<str>,
    /// Any UTF-8 without NUL; may be empty.
    pub value: Box<str>,
}

/// Pairs at most, of all sources together before the merge (protocol 3.10).
pub const PAIRS_MAX: usize = 64;
/// Bytes of all decoded names and values at most (protocol 3.10).
pub const PAIR_BYTES_MAX: usize = 65_536;
/// Bytes of an urlencoded body at most (protocol 3.10).
pub const URLENCODED_BYTES_MAX: usize = 262_144;
/// Bytes of a multipart body at most (protocol 3.10).
pub const MULTIPART_BYTES_MAX: usize = 10_485_760;

/// What is wrong with the shape of a request; its text is the cause of error 100 (protocol 3.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A verb other than GET and POST.
    #[error("HTTP method must be GET or POST")]
    Verb,
}

/// The merged set of one call, in the order of protocol 3.8: query first, then body, each name once.
#[derive(Debug, Clone, Default)]
pub struct Pairs(Vec<Pair>);

impl Pairs {
    /// All pairs in order, `sig` included.
    #[must_use]
    pub fn as_slice(&self) -> &[Pair] {
        &self.0
    }

    /// The value of `name` as sent, also when empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|pair| &*pair.name == name)
            .map(|pair| &*pair.value)
    }

    /// The value of `name`; an empty value counts as absent (protocol 1.3).
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }
}
