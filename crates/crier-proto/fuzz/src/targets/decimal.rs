//! Decimals of `call_id`. Input: two spellings with a blank between them.
//!
//! Invariants: order and equality are those of the numbers spelled, computed digit by digit; every text form reads back.

use crier_proto::decimal::Decimal;
use std::cmp::Ordering;

/// The digits of a spelling on a scale of 10^-119, most significant first, without leading zeros.
fn scaled(text: &str) -> Vec<u8> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().expect("an accepted exponent is a number");
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimals = i32::try_from(fraction.len()).expect("at most 20 digits");
    let zeros = usize::try_from(119 + exponent - decimals).expect("the scale holds every accepted value");
    let written = integer
        .bytes()
        .chain(fraction.bytes())
        .chain(std::iter::repeat_n(b'0', zeros));
    written.skip_while(|digit| *digit == b'0').collect()
}

/// Compares two spellings as numbers.
fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (scaled(one), scaled(other));
    one.len().cmp(&other.len()).then(one.cmp(&other))
}

/// Judges two spellings.
pub fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (one, other) = text.split_once(' ').unwrap_or((text, "1"));
    let Ok(first) = one.parse::<Decimal>() else { return };
    assert_eq!(Decimal::from_sortable(first.sortable()).as_ref(), Ok(&first));
    assert_eq!(compare(&plain(&first), one), Ordering::Equal);
    if let Ok(second) = other.parse::<Decimal>() {
        assert_eq!(first.cmp(&second), compare(one, other));
        assert_eq!(first.sortable().cmp(second.sortable()), first.cmp(&second));
    }
}

/// The plain notation, which is never longer than value and scale permit.
fn plain(value: &Decimal) -> String {
    let text = value.to_string();
    assert!(text.len() <= 20 + 1 + 119);
    text
}
