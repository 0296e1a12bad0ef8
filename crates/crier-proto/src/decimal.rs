//! `call_id` as an exact decimal (protocol section 9): never rounded, never a binary floating-point number.
//!
//! Knows nothing of sessions or of what was accepted before.

use std::fmt;

/// Integer digits at most: values are below 10^20 (protocol 9.1).
const INTEGER_DIGITS: usize = 20;
/// Fractional digits at most: 20 written ones and 99 of a negative exponent.
const FRACTION_DIGITS: usize = 119;

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
        let (integer, fraction) = text.split_at_checked(INTEGER_DIGITS).ok_or(BadDecimal)?;
        let canonical = are_digits(integer)
            && (fraction.is_empty() || (are_digits(fraction) && !fraction.ends_with('0')))
            && fraction.len() <= FRACTION_DIGITS;
        if canonical {
            Ok(Self {
                sortable: text.into(),
            })
        } else {
            Err(BadDecimal)
        }
    }
}

/// One or more ASCII digits.
fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One to `most` ASCII digits.
fn digits(text: &str, most: usize) -> Result<&str, BadDecimal> {
    if are_digits(text) && text.len() <= most {
        Ok(text)
    } else {
        Err(BadDecimal)
    }
}

/// The exponent: an optional sign and one or two digits.
fn exponent(text: &str) -> Result<i16, BadDecimal> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let value: i16 = digits(unsigned, 2)?.parse().map_err(|_| BadDecimal)?;
    Ok(if text.starts_with('-') {
        0i16.saturating_sub(value)
    } else {
        value
    })
}

impl std::str::FromStr for Decimal {
    type Err = BadDecimal;

    /// Reads `[0-9]{1,20}`, optionally `.` and `[0-9]{1,20}`, optionally an exponent; value below 10^20 (protocol 9.1).
    fn from_str(text: &str) -> Result<Self, BadDecimal> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, written)) => (mantissa, exponent(written)?),
            None => (text, 0),
        };
        let (integer, fraction) = match mantissa.split_once('.') {
            Some((integer, fraction)) => (digits(integer, 20)?, digits(fraction, 20)?),
            None => (digits(mantissa, 20)?, ""),
        };
        let written = [integer, fraction].concat();
        // How many digits stand before the point once the exponent has moved it; negative: zeros follow the point first.
        let point = i16::try_from(integer.len())
            .map_err(|_| BadDecimal)?
            .saturating_add(exponent);
        let leading = written.bytes().take_while(|byte| *byte == b'0').count();
        let significant = written.get(leading..).ok_or(BadDecimal)?.trim_end_matches('0');
        let point = point.saturating_sub(i16::try_from(leading).map_err(|_| BadDecimal)?);
        Ok(Self {
            sortable: sortable(significant, point)?.into(),
        })
    }
}

/// Lays out digits that neither begin nor end with zero, `point` of them before the point.
fn sortable(significant: &str, point: i16) -> Result<String, BadDecimal> {
    if significant.is_empty() {
        return Ok("0".repeat(INTEGER_DIGITS));
    }
    let before = usize::try_from(point).unwrap_or(0);
    if before > INTEGER_DIGITS {
        return Err(BadDecimal);
    }
    let zeros_behind_point = usize::from(point.min(0).unsigned_abs());
    let (integer, fraction) = significant.split_at_checked(before).unwrap_or((significant, ""));
    let mut text = String::with_capacity(
        INTEGER_DIGITS
            .saturating_add(zeros_behind_point)
            .saturating_add(fraction.len()),
    );
    let pad = |text: &mut String, count: usize| text.extend(std::iter::repeat_n('0', count));
    pad(&mut text, INTEGER_DIGITS.saturating_sub(before));
    text.push_str(integer);
    pad(&mut text, before.saturating_sub(integer.len()));
    pad(&mut text, zeros_behind_point);
    text.push_str(fraction);
    Ok(text)
}

impl fmt::Display for Decimal {
    /// Plain notation without superfluous zeros: `1795290524.1181`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (integer, fraction) = self
            .sortable
            .split_at_checked(INTEGER_DIGITS)
            .unwrap_or((&self.sortable, ""));
        let integer = integer.trim_start_matches('0');
        out.write_str(if integer.is_empty() { "0" } else { integer })?;
        if fraction.is_empty() {
            Ok(())
        } else {
            write!(out, ".{fraction}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn spellings_of_one_value_are_equal() {
        for group in [
            &["5", "5.0", "05", "50e-1", "0.5E1", "5e+00"][..],
            &["0", "0.0", "0e99", "0e-99", "00000000000000000000"],
            &["1.79529190103E+12", "1795291901030"],
            &["0.00000000000000000001e20", "1"],
        ] {
            for text in group {
                assert_eq!(of(text), of(group[0]), "{text}");
            }
        }
    }

    #[test]
    fn order_is_exact_beyond_binary_floating_point() {
        assert!(of("1795290524.11810000000000000001") > of("1795290524.1181"));
        assert!(of("9") < of("10"));
        assert!(of("1e-99") > of("0"));
        assert!(of("0.00000000000000000001e-99") < of("1e-99"));
        assert!(of("99999999999999999999.99999999999999999999") > of("99999999999999999999"));
    }

    #[test]
    fn malformed_values_are_refused() {
        for text in [
            "",
            "NaN",
            "inf",
            "-1",
            "+1",
            ".5",
            "1.",
            "0x1",
            " 1",
            "1 ",
            "1e",
            "1e+",
            "1e100",
            "1.2.3",
            "1e1e1",
            "1e-",
            "1e1.0",
            "١",
            "1_0",
            "1,0",
            "123456789012345678901",
            "1.123456789012345678901",
            "e5",
            "1e+-1",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(BadDecimal), "{text}");
        }
    }

    #[test]
    fn values_end_below_ten_to_the_twentieth() {
        assert_eq!(of("00000000000000000001e19").to_string(), "10000000000000000000");
        assert_eq!(of("0.9e20").to_string(), "90000000000000000000");
        for text in ["1e20", "10e19", "0.1e21", "99999999999999999999.9e1", "1e99"] {
            assert_eq!(text.parse::<Decimal>(), Err(BadDecimal), "{text}");
        }
    }

    #[test]
    fn display_is_plain_without_superfluous_zeros() {
        for (text, shown) in [
            ("1795290524.1181000", "1795290524.1181"),
            ("000", "0"),
            ("12e-4", "0.0012"),
            ("12.50e1", "125"),
        ] {
            assert_eq!(of(text).to_string(), shown);
        }
    }

    #[test]
    fn sortable_reads_back_and_nothing_else_does() {
        let value = of("1795290524.1181");
        assert_eq!(value.sortable(), "000000000017952905241181");
        assert_eq!(Decimal::from_sortable(value.sortable()), Ok(value));
        for text in [
            "",
            "1",
            "0000000000179529052411810",
            "0000000000179529052x",
            "00000000001795290524.1",
            "é",
        ] {
            assert_eq!(Decimal::from_sortable(text), Err(BadDecimal), "{text}");
        }
    }
}
