//! Spans of time and sizes as configuration writes them: a number and its unit, `"10s"`, `"64KiB"`.

use std::fmt;
use std::str::FromStr;

/// A text that is no quantity of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadQuantity(String);

/// A span of time, in milliseconds. Written `250ms`, `10s`, `2m`, `6h`, `90d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub u64);

/// A size in bytes. Written `128`, `64KiB`, `1MiB`, `2GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(pub u64);

const SPAN_UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];
const BYTE_UNITS: [(&str, u64); 4] = [("", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

fn read(text: &str, units: &[(&str, u64)], hint: &str) -> Result<u64, BadQuantity> {
    let split = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor = units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor);
    let value = digits
        .parse::<u64>()
        .ok()
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor));
    value.ok_or_else(|| BadQuantity(format!("expected {hint}")))
}

fn write(value: u64, units: &[(&str, u64)], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (unit, factor) = units
        .iter()
        .rev()
        .find(|(_, factor)| value >= *factor && value.is_multiple_of(*factor))
        .unwrap_or(&units[0]);
    write!(out, "{}{unit}", value / factor)
}

impl FromStr for Span {
    type Err = BadQuantity;
    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        read(
            text,
            &SPAN_UNITS,
            "a span of time such as 250ms, 10s, 2m, 6h or 90d",
        )
        .map(Self)
    }
}

impl TryFrom<String> for Span {
    type Error = BadQuantity;
    fn try_from(text: String) -> Result<Self, BadQuantity> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(quantity: Span) -> Self {
        quantity.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, &SPAN_UNITS, out)
    }
}

impl FromStr for Bytes {
    type Err = BadQuantity;
    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        read(text, &BYTE_UNITS, "a size such as 128, 64KiB, 1MiB or 2GiB").map(Self)
    }
}

impl TryFrom<String> for Bytes {
    type Error = BadQuantity;
    fn try_from(text: String) -> Result<Self, BadQuantity> {
        text.parse()
    }
}

impl From<Bytes> for String {
    fn from(quantity: Bytes) -> Self {
        quantity.to_string()
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, &BYTE_UNITS, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_read_and_print_with_their_units() {
        for text in ["0ms", "250ms", "10s", "2m", "6h", "90d"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["0", "128", "64KiB", "1MiB", "2GiB"] {
            assert_eq!(text.parse::<Bytes>().unwrap().to_string(), text);
        }
        for text in ["", "s", "10", "-1s", "1.5s", "10 s", "99999999999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert!("64kib".parse::<Bytes>().is_err());
    }
}
