//! JSON Feed 1.1, by the one JSON writer.

use super::{Entry, FeedHead};
use crate::render::json;
use crate::reply::Reply;

/// The document.
pub(super) fn document(head: &FeedHead, entries: &[Entry]) -> String {
    json::success(&Reply::Object(vec![
        ("version", text("https://jsonfeed.org/version/1.1")),
        ("title", text(&head.title)),
        ("home_page_url", text(&head.page)),
        ("feed_url", text(&head.own)),
        ("language", text("en")),
        ("items", Reply::List(entries.iter().map(item).collect())),
    ]))
}

fn item(entry: &Entry) -> Reply {
    let mut fields = vec![("id", text(&entry.id))];
    if let Some(link) = entry.link() {
        fields.push(("url", text(link)));
    }
    fields.push(("title", text(&entry.title.plain())));
    fields.push(("content_html", text(&entry.content())));
    if let Some(picture) = entry.pictures.first() {
        fields.push(("image", text(&picture.src)));
    }
    fields.push(("date_published", text(&entry.published.rfc3339)));
    let author = Reply::Object(vec![("name", text(&entry.app))]);
    fields.push(("authors", Reply::List(vec![author])));
    Reply::Object(fields)
}

fn text(text: &str) -> Reply {
    Reply::Text(text.to_owned())
}
