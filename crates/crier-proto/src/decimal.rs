//! `call_id` as an exact decimal (protocol section 9): never rounded, never a binary floating-point number.

use std::fmt;

/// A non-negative exact decimal below 10^20 with up to 119 fractional digits. Equal values are equal however they were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal {
    /// 20 integer digits, then the fraction without trailing zeros: plain byte order is the order of values.
    sortable: Box<str>,
}

/// The text is no `call_id` (protocol 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed decimal")]
pub struct BadDecimal;

impl Decimal {
    /// Text that sorts as the values do: 20 integer digits, then the fraction without trailing zeros.
    #[must_use]
    pub fn sortable(&self) -> &str {
        &self.sortable
    }

    /// Reads back what `sortable` gave.
    ///
    /// # Errors
    /// `BadDecimal` for any other text.
    pub fn from_sortable(text: &str) -> Result<Self, BadDecimal> {
        let _ = text;
        todo!()
    }
}

impl std::str::FromStr for Decimal {
    type Err = BadDecimal;
    fn from_str(_text: &str) -> Result<Self, BadDecimal> {
        todo!()
    }
}

impl fmt::Display for Decimal {
    /// Plain notation without superfluous zeros: `1795290524.1181`.
    fn fmt(&self, _out: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
