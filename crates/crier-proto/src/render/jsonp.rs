//! The callback rule and the wrapper (protocol 1.2 callback, 13.9).
//!
//! Knows nothing of when an answer may be wrapped: that is a setting of the application.

use super::{Format, json};

/// Bytes of a callback at most (protocol 1.2).
pub const CALLBACK_BYTES_MAX: usize = 128;
/// Identifiers of a callback at most: one and up to eight behind dots (protocol 1.2).
pub const CALLBACK_IDENTIFIERS_MAX: usize = 9;

/// A function name that fits `ident(\.ident){0,8}`, 1 to 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback(Box<str>);

impl Callback {
    /// The name, if it fits the grammar.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let fits = name.len() <= CALLBACK_BYTES_MAX
            && name.split('.').count() <= CALLBACK_IDENTIFIERS_MAX
            && name.split('.').all(is_identifier);
        fits.then(|| Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `[A-Za-z_$][A-Za-z0-9_$]*`.
fn is_identifier(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    text.bytes().next().is_some_and(|first| !first.is_ascii_digit()) && text.bytes().all(inside)
}

/// A document as a call of the function: JSON as it is, XML without its last LF as a string literal (protocol 13.9).
#[must_use]
pub fn wrap(callback: &Callback, format: Format, document: &str) -> String {
    let mut out = String::with_capacity(document.len().saturating_add(callback.0.len()).saturating_add(16));
    out.push_str("/**/");
    out.push_str(&callback.0);
    out.push('(');
    match format {
        Format::Json => out.push_str(document),
        Format::Xml => {
            let document = document.strip_suffix('\n').unwrap_or(document);
            out.push('\'');
            for (at, piece) in document.split('\'').enumerate() {
                if at > 0 {
                    out.push_str("\\'");
                }
                json::push_escaped(&mut out, piece);
            }
            out.push('\'');
        }
    }
    out.push_str(");");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_are_one_to_nine_identifiers_of_at_most_128_bytes() {
        let nine = ["a"; 9].join(".");
        let long = "x".repeat(128);
        for name in ["f", "$", "_1", "MyApp.cb", &nine, &long] {
            assert_eq!(
                Callback::parse(name)
                    .map(|callback| callback.as_str().to_owned())
                    .as_deref(),
                Some(name)
            );
        }
        let ten = ["a"; 10].join(".");
        let longer = "x".repeat(129);
        for name in [
            "", ".", "a.", ".a", "a..b", "1a", "a.1", "a b", "a(", "é", "a-b", "a[0]", "a\n", &ten, &longer,
        ] {
            assert_eq!(Callback::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn apostrophes_of_a_wrapped_xml_document_are_escaped() {
        let callback = Callback::parse("f").unwrap();
        assert_eq!(
            wrap(&callback, Format::Xml, "a'b\\é\n"),
            r"/**/f('a\'b\\\u00e9');"
        );
        assert_eq!(wrap(&callback, Format::Json, "\"a'b\""), "/**/f(\"a'b\");");
    }
}
