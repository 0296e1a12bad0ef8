//! Limits and shapes of a live message (seed: LiveMessage.send, Parameters; protocol 14.1).
//!
//! Knows nothing of mailboxes and pages.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Longest `event_name` in bytes (seed: "max length: 128 bytes").
pub const EVENT_NAME_BYTES_MAX: usize = 128;
/// Longest `message` in bytes (seed: "max length: 1024 bytes").
pub const MESSAGE_BYTES_MAX: usize = 1024;
/// Deepest nesting of a value that pages get as `data` (live 4.4).
pub const DATA_DEPTH_MAX: usize = 128;

/// Which pages get a message (protocol 14.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fanout {
    /// Every page with a handler.
    #[default]
    All,
    /// Exactly one of them.
    One,
    /// The page that has the focus; without one, as `One`.
    Focused,
}

/// Whether a text is one JSON text by RFC 8259 (setting `live_text=json`).
#[must_use]
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// What pages get as `data` (live 4.4): for a JSON text that text with CR and LF between tokens as blanks, so that no
/// number, key or duplicate is re-encoded (white space round the whole is not part of the value and not kept); else the JSON5 value if JSON can express it; in either case nested at most 128
/// deep; else nothing.
#[must_use]
pub fn data_of(text: &str) -> Option<Box<RawValue>> {
    let one_line = on_one_line(text);
    let json = match one_line {
        OneLine::TooDeep => None,
        OneLine::Text(line) => RawValue::from_string(line).ok(),
    };
    json.or_else(|| from_json5(text))
}

enum OneLine {
    /// The text with CR and LF outside of strings as blanks.
    Text(String),
    /// If it is JSON, then it is nested too deep.
    TooDeep,
}

/// Reads the text as if it were JSON. Whether it is, the parser says afterwards: both line ends and blanks are white space
/// between tokens, so the change makes nothing JSON that was not.
fn on_one_line(text: &str) -> OneLine {
    let mut line = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '[' | '{' if !in_string => depth = depth.saturating_add(1),
            ']' | '}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DATA_DEPTH_MAX {
            return OneLine::TooDeep;
        }
        line.push(if matches!(character, '\r' | '\n') && !in_string {
            ' '
        } else {
            character
        });
    }
    OneLine::Text(line)
}

fn from_json5(text: &str) -> Option<Box<RawValue>> {
    let Written(json) = json5::from_str(text).ok()?;
    RawValue::from_string(json).ok()
}

/// A value of any format, written as compact JSON text while it is read: members keep their order.
struct Written(String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let mut out = String::new();
        let writer = Writer {
            out: &mut out,
            depth_left: DATA_DEPTH_MAX,
        };
        writer.deserialize(source)?;
        Ok(Self(out))
    }
}

/// Writes one value. The depth bound also bounds the reader's recursion.
struct Writer<'a> {
    out: &'a mut String,
    depth_left: usize,
}

impl Writer<'_> {
    fn scalar<E: Error>(self, value: &impl serde::Serialize) -> Result<(), E> {
        self.out
            .push_str(&serde_json::to_string(value).map_err(E::custom)?);
        Ok(())
    }

    fn deeper<E: Error>(&self) -> Result<usize, E> {
        self.depth_left
            .checked_sub(1)
            .ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value that JSON can express")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.scalar(&())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.scalar(&truth)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.scalar(&number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.scalar(&number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        let number = serde_json::Number::from_f64(number).ok_or_else(|| E::custom("not a number of JSON"))?;
        self.scalar(&number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.scalar(&text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let depth_left = self.deeper()?;
        self.out.push('[');
        while access
            .next_element_seed(Writer {
                out: &mut *self.out,
                depth_left,
            })?
            .is_some()
        {
            self.out.push(',');
        }
        // No value ends in a comma: the last one here is the one too many.
        if self.out.ends_with(',') {
            self.out.pop();
        }
        self.out.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let depth_left = self.deeper()?;
        self.out.push('{');
        let mut is_first = true;
        while let Some(key) = access.next_key::<String>()? {
            if !is_first {
                self.out.push(',');
            }
            is_first = false;
            self.out
                .push_str(&serde_json::to_string(&key).map_err(A::Error::custom)?);
            self.out.push(':');
            let writer = Writer {
                out: &mut *self.out,
                depth_left,
            };
            access.next_value_seed(writer)?;
        }
        self.out.push('}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> Option<String> {
        data_of(text).map(|raw| raw.get().to_owned())
    }

    #[test]
    fn the_seeds_own_example_is_json5_and_pages_get_its_value() {
        assert!(!is_json(r#"{message:"Let's start a game."}"#));
        assert_eq!(
            data(r#"{message:"Let's start a game."}"#).as_deref(),
            Some(r#"{"message":"Let's start a game."}"#)
        );
    }

    #[test]
    fn a_json_text_stays_as_it_is() {
        for text in [
            r#"{"b":1,"a":1.0,"b":2}"#,
            "12345678901234567890123",
            "1E+2",
            "-0",
            r#""\u00e9\/""#,
            "null",
            "1e999",
            "[ 1,\t2 ]",
            r#"{"a":{"a":[{},[],""]}}"#,
        ] {
            assert_eq!(data(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn line_ends_between_tokens_become_blanks_and_those_within_strings_cannot_be() {
        assert_eq!(
            data("\r\n{\n\"a\\n\"\r:\n1}\n").as_deref(),
            Some("{ \"a\\n\" : 1}")
        );
        assert_eq!(data("[\"a\\\"\", \n2]").as_deref(), Some("[\"a\\\"\",  2]"));
        assert_eq!(data("\"a\nb\""), None);
    }

    #[test]
    fn json5_is_written_as_compact_json_in_its_own_order() {
        for (text, json) in [
            ("{b:1,a:'x',}", r#"{"b":1,"a":"x"}"#),
            ("[1,2,]", "[1,2]"),
            ("[]", "[]"),
            ("[ [ ], { } , ]", "[[],{}]"),
            ("// note\n{/* x */'k': \"v\"}", r#"{"k":"v"}"#),
            ("0x1F", "31"),
            ("+7", "7"),
            ("'it\\'s'", r#""it's""#),
            (
                "{a:null,b:true,c:false,d:-3,e:.5}",
                r#"{"a":null,"b":true,"c":false,"d":-3,"e":0.5}"#,
            ),
            ("['\"',',']", r#"["\"",","]"#),
        ] {
            assert_eq!(data(text).as_deref(), Some(json), "{text}");
        }
    }

    #[test]
    fn what_json_cannot_express_has_no_data() {
        for text in [
            "NaN",
            "Infinity",
            "[-Infinity]",
            "{a:NaN}",
            "Let's start a game.",
            "",
            " ",
            "{a:}",
            "[1",
            "undefined",
        ] {
            assert_eq!(data(text), None, "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded_at_128_in_both_notations() {
        let nested = |depth: usize, core: &str| format!("{}{core}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(data(&nested(128, "")), Some(nested(128, "")));
        assert_eq!(data(&nested(129, "")), None);
        assert_eq!(data(&nested(128, "'x'")), Some(nested(128, r#""x""#)));
        assert_eq!(data(&nested(129, "'x'")), None);
        assert_eq!(data(&nested(500, "'x'")), None);
        let brackets = format!("\"{}\"", "[".repeat(500));
        assert_eq!(data(&brackets), Some(brackets.clone()));
    }

    #[test]
    fn only_one_whole_text_is_json() {
        for text in ["{}", " [1] ", "1", "\"x\"", "null\n", "\"\\ud800\""] {
            assert!(is_json(text), "{text}");
        }
        for text in [
            "",
            "{a:1}",
            "{} {}",
            "[1,]",
            "'x'",
            "\u{FEFF}{}",
            "01",
            "\"\u{1}\"",
        ] {
            assert!(!is_json(text), "{text}");
        }
    }
}
