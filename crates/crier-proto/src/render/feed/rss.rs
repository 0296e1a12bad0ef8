//! RSS 2.0, by the one XML writer.

use super::{Entry, FeedHead};
use crate::render::xml::{PROLOG, push_text};

/// The document.
pub(super) fn document(head: &FeedHead, entries: &[Entry]) -> String {
    let mut out = String::from(PROLOG);
    out.push_str(
        "<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n  <channel>\n",
    );
    push(&mut out, "    <title>", &head.title, "</title>\n");
    push(&mut out, "    <link>", &head.page, "</link>\n");
    push(&mut out, "    <description>", &head.title, "</description>\n");
    out.push_str("    <language>en</language>\n");
    push(
        &mut out,
        "    <lastBuildDate>",
        &head.updated.rfc2822,
        "</lastBuildDate>\n",
    );
    push(
        &mut out,
        "    <atom:link rel=\"self\" type=\"application/rss+xml\" href=\"",
        &head.own,
        "\"/>\n",
    );
    for entry in entries {
        push_item(&mut out, entry);
    }
    out.push_str("  </channel>\n</rss>\n");
    out
}

fn push_item(out: &mut String, entry: &Entry) {
    out.push_str("    <item>\n");
    push(out, "      <title>", &entry.title.plain(), "</title>\n");
    if let Some(link) = entry.link() {
        push(out, "      <link>", link, "</link>\n");
    }
    push(out, "      <guid isPermaLink=\"false\">", &entry.id, "</guid>\n");
    push(out, "      <pubDate>", &entry.published.rfc2822, "</pubDate>\n");
    push(out, "      <dc:creator>", &entry.app, "</dc:creator>\n");
    push(out, "      <description>", &entry.content(), "</description>\n");
    out.push_str("    </item>\n");
}

fn push(out: &mut String, before: &str, text: &str, after: &str) {
    out.push_str(before);
    push_text(out, text);
    out.push_str(after);
}
