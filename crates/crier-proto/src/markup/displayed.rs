//! The length people see (protocol 14.2.2, feed 2.4 and 2.5): the one implementation that counts, for door and preview.
//!
//! Knows nothing of tags: what it gets is plain text, references decoded and white space folded.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use unicode_segmentation::UnicodeSegmentation;

/// The Unicode version of the cluster rules (UAX #29), major, minor, update: shown by `crier version`.
pub const UNICODE_VERSION: (u64, u64, u64) = unicode_segmentation::UNICODE_VERSION;

/// Displayed characters: extended grapheme clusters of the whole text.
#[must_use]
pub fn clusters(plain: &str) -> usize {
    plain.graphemes(true).count()
}

/// Whether nothing can be seen: no character without the property White_Space or Default_Ignorable_Code_Point (feed 2.4).
#[must_use]
pub fn is_blank(plain: &str) -> bool {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    plain
        .chars()
        .all(|character| character.is_whitespace() || ignorable.contains(character))
}

/// Whether white space is folded: the characters of which a run becomes one space (feed 2.3).
pub(super) const fn is_folded(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\u{C}' | '\r' | ' ')
}

/// Whether a value must not hold it as it is (feed 2.2). NUL is refused earlier, by the request shape, and here again.
pub(super) const fn is_refused_control(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{E}'..='\u{1F}' | '\u{7F}'..='\u{9F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_rules_are_of_unicode_16_or_later() {
        assert!(UNICODE_VERSION.0 >= 16, "{UNICODE_VERSION:?}");
    }

    #[test]
    fn white_space_and_ignorable_characters_alone_are_blank() {
        for blank in [
            "",
            " ",
            "\u{A0}",
            "\u{3000}\u{2028}\u{2003}",
            "\u{200B}\u{200D}\u{2060}\u{FEFF}",
            "\u{AD}\u{34F}\u{61C}\u{115F}\u{1160}\u{17B4}\u{180B}\u{3164}\u{FE0F}\u{FFA0}\u{E0001}\u{E0FFF}",
            "\u{202E}\u{2066}",
        ] {
            assert!(is_blank(blank), "{}", blank.escape_unicode());
        }
        for seen in [
            "a",
            "\u{A0}.\u{A0}",
            "\u{301}",
            "\u{2800}",
            "\u{FFFD}",
            "\u{FFF9}",
        ] {
            assert!(!is_blank(seen), "{}", seen.escape_unicode());
        }
    }

    #[test]
    fn tabs_line_ends_and_form_feeds_are_folded_and_never_refused() {
        let both: Vec<char> = (0..=0xFF_u8)
            .map(char::from)
            .filter(|c| is_folded(*c) && is_refused_control(*c))
            .collect();
        assert!(both.is_empty(), "{both:?}");
        let refused = (0..=0xFF_u8)
            .filter(|byte| is_refused_control(char::from(*byte)))
            .count();
        assert_eq!(refused, 9 + 1 + 18 + 33);
    }
}
