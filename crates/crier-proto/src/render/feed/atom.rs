//! Atom 1.0 (RFC 4287), by the one XML writer.

use super::{Entry, FeedHead};
use crate::render::xml::{PROLOG, push_text};

/// The document.
pub(super) fn document(head: &FeedHead, entries: &[Entry]) -> String {
    let mut out = String::from(PROLOG);
    out.push_str("<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\">\n");
    push(&mut out, "  <title>", &head.title, "</title>\n");
    push(&mut out, "  <id>", &head.id, "</id>\n");
    push(
        &mut out,
        "  <link rel=\"self\" type=\"application/atom+xml\" href=\"",
        &head.own,
        "\"/>\n",
    );
    push(
        &mut out,
        "  <link rel=\"alternate\" type=\"text/html\" href=\"",
        &head.page,
        "\"/>\n",
    );
    push(&mut out, "  <updated>", &head.updated.rfc3339, "</updated>\n");
    for entry in entries {
        push_entry(&mut out, entry);
    }
    out.push_str("</feed>\n");
    out
}

fn push_entry(out: &mut String, entry: &Entry) {
    out.push_str("  <entry>\n");
    push(out, "    <title>", &entry.title.plain(), "</title>\n");
    push(out, "    <id>", &entry.id, "</id>\n");
    if let Some(link) = entry.link() {
        push(out, "    <link rel=\"alternate\" href=\"", link, "\"/>\n");
    }
    push(out, "    <published>", &entry.published.rfc3339, "</published>\n");
    push(out, "    <updated>", &entry.published.rfc3339, "</updated>\n");
    push(out, "    <author><name>", &entry.app, "</name></author>\n");
    push(
        out,
        "    <content type=\"html\">",
        &entry.content(),
        "</content>\n",
    );
    out.push_str("  </entry>\n");
}

fn push(out: &mut String, before: &str, text: &str, after: &str) {
    out.push_str(before);
    push_text(out, text);
    out.push_str(after);
}
