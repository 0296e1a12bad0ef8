//! The one XML writer: answers, Atom and RSS (protocol 13.4 to 13.6).
//!
//! Promise: whatever text it is given, what it writes is well-formed XML 1.0.

use crate::error::Refusal;
use crate::pairs::Pair;
use crate::reply::Reply;
use std::fmt::Write;

/// The prolog of every document, with its line end (protocol 13.4).
pub const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The attributes of every root, in exactly this order (protocol 13.4).
const ROOT_ATTRIBUTES: &str = " xmlns=\"http://api.facebook.com/1.0/\" \
    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
    xsi:schemaLocation=\"http://api.facebook.com/1.0/ http://api.facebook.com/1.0/facebook.xsd\"";

/// The attribute of a list.
const LIST: &str = " list=\"true\"";

/// Appends text that is safe in content and in double-quoted attributes (protocol 13.6): `& < > "` and CR as
/// references, what XML 1.0 forbids as U+FFFD, everything else as it is.
pub fn push_text(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(needs_escape) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = from.chars();
        out.push_str(match chars.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            Some('\r') => "&#13;",
            Some(_) | None => "\u{fffd}",
        });
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Whether a character cannot stand as it is.
fn needs_escape(c: char) -> bool {
    match c {
        '&' | '<' | '>' | '"' => true,
        '\t' | '\n' => false,
        c => c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}'),
    }
}

/// The value of an element: what its text or its children are.
enum Node<'a> {
    /// One text.
    Text(&'a str),
    /// Items with one name.
    List(&'a [Reply], &'a str),
    /// Fields.
    Object(&'a [(&'static str, Reply)]),
}

/// Appends an element with `attributes`, its content and its line end.
fn push_element(out: &mut String, depth: usize, name: (&str, &str), node: &Node<'_>) {
    let (name, attributes) = name;
    indent(out, depth);
    out.push('<');
    out.push_str(name);
    out.push_str(attributes);
    let empty = match node {
        Node::Text(text) => text.is_empty(),
        Node::List(items, _) => {
            out.push_str(LIST);
            items.is_empty()
        }
        Node::Object(fields) => fields.is_empty(),
    };
    if empty {
        out.push_str("/>\n");
        return;
    }
    out.push('>');
    let inner = depth.saturating_add(1);
    match node {
        Node::Text(text) => push_text(out, text),
        Node::List(items, item_name) => {
            out.push('\n');
            for item in *items {
                push_reply(out, inner, (item_name, ""), item);
            }
            indent(out, depth);
        }
        Node::Object(fields) => {
            out.push('\n');
            for (field, value) in *fields {
                push_reply(out, inner, (field, ""), value);
            }
            indent(out, depth);
        }
    }
    out.push_str("</");
    out.push_str(name);
    out.push_str(">\n");
}

/// Two spaces a level.
fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Appends a reply as an element (protocol 13.3).
fn push_reply(out: &mut String, depth: usize, name: (&str, &str), reply: &Reply) {
    match reply {
        Reply::Bool(value) => push_element(out, depth, name, &Node::Text(if *value { "1" } else { "0" })),
        Reply::Integer(value) => push_element(out, depth, name, &Node::Text(&value.to_string())),
        Reply::Text(text) => push_element(out, depth, name, &Node::Text(text)),
        Reply::List(items) => {
            let item_name = format!("{}_elt", name.0);
            push_element(out, depth, name, &Node::List(items, &item_name));
        }
        Reply::Object(fields) => push_element(out, depth, name, &Node::Object(fields)),
    }
}

/// The document of a success with the root `root`, which is an XML name (protocol 13.4).
#[must_use]
pub fn success(root: &str, reply: &Reply) -> String {
    let mut out = String::with_capacity(512);
    out.push_str(PROLOG);
    push_reply(&mut out, 0, (root, ROOT_ATTRIBUTES), reply);
    out
}

/// The document of an error with the pairs that it echoes (protocol 13.4, 13.5).
#[must_use]
pub fn error(refusal: &Refusal, args: &[Pair]) -> String {
    let mut out = String::with_capacity(1024);
    out.push_str(PROLOG);
    out.push_str("<error_response");
    out.push_str(ROOT_ATTRIBUTES);
    out.push_str(">\n  <error_code>");
    // Writing into a String cannot fail.
    let _ = write!(out, "{}", refusal.code().number());
    out.push_str("</error_code>\n  <error_msg>");
    push_text(&mut out, &refusal.message());
    out.push_str("</error_msg>\n  <request_args list=\"true\"");
    if args.is_empty() {
        out.push_str("/>\n");
    } else {
        out.push_str(">\n");
        for pair in args {
            out.push_str("    <arg>\n");
            push_element(&mut out, 3, ("key", ""), &Node::Text(&pair.name));
            push_element(&mut out, 3, ("value", ""), &Node::Text(&pair.value));
            out.push_str("    </arg>\n");
        }
        out.push_str("  </request_args>\n");
    }
    out.push_str("</error_response>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> String {
        let mut out = String::new();
        push_text(&mut out, value);
        out
    }

    #[test]
    fn markup_and_carriage_returns_become_references() {
        assert_eq!(
            text("a & b <c> \"d\" 'e'\r\n\t"),
            "a &amp; b &lt;c&gt; &quot;d&quot; 'e'&#13;\n\t"
        );
    }

    #[test]
    fn forbidden_characters_become_the_replacement_character() {
        assert_eq!(
            text("\u{1}\u{8}\u{b}\u{c}\u{e}\u{1f}\u{fffe}\u{ffff}"),
            "\u{fffd}".repeat(8)
        );
        assert_eq!(
            text("\u{7f}\u{85}\u{2028}\u{1f600}\u{1ffff}"),
            "\u{7f}\u{85}\u{2028}\u{1f600}\u{1ffff}"
        );
    }

    #[test]
    fn nested_lists_and_objects_are_indented_by_two_spaces_a_level() {
        let item = Reply::Object(vec![
            ("at", Reply::Integer(1)),
            ("what", Reply::Text(String::new())),
        ]);
        let reply = Reply::Object(vec![
            ("timeline", Reply::List(vec![item])),
            ("none", Reply::List(Vec::new())),
        ]);
        let document = success("r", &reply);
        let (_, inside) = document.split_once("facebook.xsd\">\n").unwrap();
        assert_eq!(
            inside,
            "  <timeline list=\"true\">\n    <timeline_elt>\n      <at>1</at>\n      <what/>\n    \
             </timeline_elt>\n  </timeline>\n  <none list=\"true\"/>\n</r>\n"
        );
    }
}
