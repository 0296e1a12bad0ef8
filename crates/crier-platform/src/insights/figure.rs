//! A number as developers are told it.

use serde::{Serialize, Serializer};
use std::fmt;

/// A figure of a period, or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// This many.
    Exact(u64),
    /// About acts of fewer people than this.
    FewerThan(u32),
    /// A sum without the periods that are not told.
    AtLeast(u64),
    /// There is none: no median without a place.
    Nothing,
}

impl Figure {
    /// What a plot draws.
    #[must_use]
    pub const fn drawn(self) -> Option<u64> {
        match self {
            Self::Exact(number) | Self::AtLeast(number) => Some(number),
            Self::FewerThan(_) | Self::Nothing => None,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(number) => write!(out, "{number}"),
            Self::FewerThan(people) => write!(out, "fewer than {people}"),
            Self::AtLeast(number) => write!(out, "{number} or more"),
            Self::Nothing => out.write_str("–"),
        }
    }
}

impl Serialize for Figure {
    /// A number, the words of the page, or `null`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exact(number) => serializer.serialize_u64(*number),
            Self::FewerThan(_) | Self::AtLeast(_) => serializer.collect_str(self),
            Self::Nothing => serializer.serialize_none(),
        }
    }
}
