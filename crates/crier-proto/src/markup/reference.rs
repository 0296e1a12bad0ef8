//! Character references (feed 2.2): only those with a semicolon, decoded once by the HTML standard's table.
//!
//! Knows nothing of positions.

use std::borrow::Cow;

/// Longest name of the HTML standard's list, in bytes, without `&` and `;`.
const NAME_BYTES_MAX: usize = 31;
/// No code point needs more digits than this once leading zeros are gone.
const DIGITS_MAX: usize = 7;

/// What stands at an ampersand.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// A reference of so many bytes, and what it stands for: one or two characters.
    Decoded(String, usize),
    /// A numeric reference that names no character.
    NoCharacter,
    /// The character `&`.
    Ampersand,
}

/// Reads what stands at the beginning of `rest`, which is an `&`.
pub(super) fn read(rest: &str) -> Reference {
    let after = rest.strip_prefix('&').unwrap_or(rest);
    let (digits, radix, opening) = match after.as_bytes() {
        [b'#', b'x' | b'X', ..] => (after.get(2..).unwrap_or_default(), 16, 3_usize),
        [b'#', ..] => (after.get(1..).unwrap_or_default(), 10, 2),
        _ => return named(after),
    };
    let length = digits
        .find(|digit: char| !digit.is_digit(radix))
        .unwrap_or(digits.len());
    let (digits, behind) = digits.split_at(length);
    if digits.is_empty() || !behind.starts_with(';') {
        return Reference::Ampersand;
    }
    match numeric(digits, radix) {
        Some(character) => {
            Reference::Decoded(character.into(), opening.saturating_add(length).saturating_add(1))
        }
        None => Reference::NoCharacter,
    }
}

fn named(after: &str) -> Reference {
    let length = after
        .bytes()
        .take(NAME_BYTES_MAX.saturating_add(1))
        .take_while(u8::is_ascii_alphanumeric)
        .count();
    let Some(name) = after.get(..length).filter(|_| length > 0) else {
        return Reference::Ampersand;
    };
    if !after.get(length..).is_some_and(|behind| behind.starts_with(';')) {
        return Reference::Ampersand;
    }
    let written = format!("&{name};");
    // In an attribute a name without its semicolon is not decoded before a letter or digit: so either the whole of
    // `&name;` is a reference, or nothing changes.
    match htmlize::unescape_attribute(written.as_str()) {
        Cow::Owned(decoded) if decoded != written => Reference::Decoded(decoded, written.len()),
        Cow::Owned(_) | Cow::Borrowed(_) => Reference::Ampersand,
    }
}

/// The character of a number, if it names one that markup may hold.
fn numeric(digits: &str, radix: u32) -> Option<char> {
    let significant = digits.trim_start_matches('0');
    if significant.len() > DIGITS_MAX {
        return None;
    }
    let number = u32::from_str_radix(significant, radix).ok()?;
    if (0x80..=0x9F).contains(&number) {
        // The HTML standard reads these as Windows-1252; what that leaves unmapped stays a control and is refused.
        let decoded = htmlize::unescape(format!("&#{number};"));
        return decoded.chars().next().filter(|character| !character.is_control());
    }
    char::from_u32(number)
        .filter(|character| !character.is_control() || matches!(character, '\t' | '\n' | '\u{C}' | '\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str, length: usize) -> Reference {
        Reference::Decoded(text.to_owned(), length)
    }

    #[test]
    fn a_name_counts_with_its_semicolon_only() {
        assert_eq!(read("&amp;x"), decoded("&", 5));
        assert_eq!(read("&notin;"), decoded("\u{2209}", 7));
        assert_eq!(read("&semi;"), decoded(";", 6));
        assert_eq!(read("&NotEqualTilde;"), decoded("\u{2242}\u{338}", 15));
        assert_eq!(read("&CounterClockwiseContourIntegral;"), decoded("\u{2233}", 33));
        for text in [
            "&copy",
            "&copy x;",
            "&notit;",
            "&bogus;",
            "&;",
            "&",
            "&AMP",
            "& amp;",
            "&am;",
            "&a\u{301};",
        ] {
            assert_eq!(read(text), Reference::Ampersand, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_in_both_notations_with_any_zeros_before() {
        assert_eq!(read("&#65;"), decoded("A", 5));
        assert_eq!(read("&#x42;"), decoded("B", 6));
        assert_eq!(read("&#X1f600;"), decoded("\u{1F600}", 9));
        assert_eq!(read("&#00000000000065;rest"), decoded("A", 17));
        assert_eq!(read("&#x10FFFF;"), decoded("\u{10FFFF}", 10));
        for text in ["&#;", "&#x;", "&#65", "&#x4G;", "&#-1;", "&#6 5;", "&#"] {
            assert_eq!(read(text), Reference::Ampersand, "{text}");
        }
    }

    #[test]
    fn numbers_that_name_no_character_are_told_apart() {
        for text in [
            "&#0;",
            "&#x0000;",
            "&#7;",
            "&#11;",
            "&#31;",
            "&#127;",
            "&#xD800;",
            "&#xDFFF;",
            "&#x110000;",
            "&#99999999999999999999;",
            "&#xFFFFFFFFFFFFFFFFF;",
        ] {
            assert_eq!(read(text), Reference::NoCharacter, "{text}");
        }
        for text in ["&#9;", "&#10;", "&#12;", "&#13;", "&#32;", "&#xFFFE;"] {
            assert!(matches!(read(text), Reference::Decoded(..)), "{text}");
        }
    }

    #[test]
    fn the_numbers_from_128_to_159_are_windows_1252() {
        let expected = "€.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ";
        for (number, wanted) in (128..=159).zip(expected.chars()) {
            let got = read(&format!("&#{number};"));
            if wanted == '.' {
                assert_eq!(got, Reference::NoCharacter, "{number}");
            } else {
                assert_eq!(got, decoded(&wanted.to_string(), 6), "{number}");
            }
        }
    }
}
