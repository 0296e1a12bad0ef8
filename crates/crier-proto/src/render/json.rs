//! The one JSON writer of answers (protocol 13.7): compact, ASCII, safe inside a script element.

use crate::error::Refusal;
use crate::pairs::Pair;
use crate::reply::Reply;
use std::fmt::Write;

/// Appends a string with its quotes.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Appends the inside of a string: ASCII, with `/ < >` and everything above U+007F escaped (protocol 13.7).
pub fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(needs_escape) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = from.chars();
        if let Some(c) = chars.next() {
            push_escape(out, c);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Whether a character cannot stand as it is.
fn needs_escape(c: char) -> bool {
    matches!(c, '"' | '\\' | '/' | '<' | '>') || !(' '..='\u{7f}').contains(&c)
}

/// Appends the escape of one character.
fn push_escape(out: &mut String, c: char) {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '/' => "\\/",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        other => {
            for unit in other.encode_utf16(&mut [0; 2]) {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
            return;
        }
    };
    out.push_str(short);
}

/// Appends a reply (protocol 13.3).
fn push_reply(out: &mut String, reply: &Reply) {
    match reply {
        Reply::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Reply::Integer(value) => {
            // Writing into a String cannot fail.
            let _ = write!(out, "{value}");
        }
        Reply::Text(text) => push_string(out, text),
        Reply::List(items) => push_sequence(out, ('[', ']'), items, push_reply),
        Reply::Object(fields) => push_sequence(out, ('{', '}'), fields, |out, (name, value)| {
            push_string(out, name);
            out.push(':');
            push_reply(out, value);
        }),
    }
}

/// Appends items with commas between them and brackets round them.
fn push_sequence<T>(out: &mut String, brackets: (char, char), items: &[T], push: impl Fn(&mut String, &T)) {
    out.push(brackets.0);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push(out, item);
    }
    out.push(brackets.1);
}

/// The document of a success.
#[must_use]
pub fn success(reply: &Reply) -> String {
    let mut out = String::new();
    push_reply(&mut out, reply);
    out
}

/// The document of an error; its first bytes are `{"error_code":` (protocol 13.8).
#[must_use]
pub fn error(refusal: &Refusal, args: &[Pair]) -> String {
    let mut out = String::with_capacity(256);
    // Writing into a String cannot fail.
    let _ = write!(out, "{{\"error_code\":{},\"error_msg\":", refusal.code().number());
    push_string(&mut out, &refusal.message());
    out.push_str(",\"request_args\":");
    push_sequence(&mut out, ('[', ']'), args, |out, pair: &Pair| {
        out.push_str("{\"key\":");
        push_string(out, &pair.name);
        out.push_str(",\"value\":");
        push_string(out, &pair.value);
        out.push('}');
    });
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> String {
        success(&Reply::Text(text.to_owned()))
    }

    #[test]
    fn strings_are_ascii_with_the_escapes_of_the_contract() {
        assert_eq!(
            string("Étienne </b> 😀 a/b"),
            r#""\u00c9tienne \u003c\/b\u003e \ud83d\ude00 a\/b""#
        );
        assert_eq!(
            string("\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}\u{80}\u{2028}'"),
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\u{7f}\\u0080\\u2028'\""
        );
    }

    #[test]
    fn documents_are_compact() {
        let reply = Reply::Object(vec![
            ("a", Reply::List(vec![Reply::Integer(-1), Reply::Bool(false)])),
            ("b", Reply::Text(String::new())),
        ]);
        assert_eq!(success(&reply), r#"{"a":[-1,false],"b":""}"#);
        assert_eq!(success(&Reply::List(Vec::new())), "[]");
        assert_eq!(success(&Reply::Object(Vec::new())), "{}");
    }
}
