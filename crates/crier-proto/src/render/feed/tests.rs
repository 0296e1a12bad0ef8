//! The three documents of one entry, read by parsers that are not ours.

use super::*;
use crate::markup::Place;

fn stamp() -> Stamp {
    Stamp {
        rfc3339: "2026-11-21T22:30:00Z".to_owned(),
        rfc2822: "Sat, 21 Nov 2026 22:30:00 +0000".to_owned(),
    }
}

fn head() -> FeedHead {
    FeedHead {
        title: "ada & \"co\"".to_owned(),
        id: tag("feed.example", "feed/7"),
        page: "https://feed.example/feed".to_owned(),
        own: "https://feed.example/f/t/atom.xml".to_owned(),
        updated: stamp(),
    }
}

fn entry(title: &str, body: Option<&str>, pictures: usize) -> Entry {
    let picture = EntryPicture {
        src: "https://feed.example/p/aa.jpg".to_owned(),
        link: "http://p.example/?a=1&b=2".to_owned(),
        width: 75,
        height: 56,
    };
    Entry {
        id: tag("feed.example", "story/9"),
        title: Markup::read(Place::Title, title).unwrap(),
        body: body.map(|body| Markup::read(Place::Body, body).unwrap()),
        pictures: vec![picture; pictures],
        app: "R&D".to_owned(),
        published: stamp(),
    }
}

/// The texts and the values of `href` of one element, by a parser that is not ours.
fn read(document: &str, element: &str) -> Vec<String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(document);
    let (mut found, mut inside, mut text) = (Vec::new(), false, String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return found,
            Event::Start(tag) if tag.name().as_ref() == element => {
                inside = true;
                text.clear();
            }
            Event::Empty(tag) if tag.name().as_ref() == element => {
                let href = tag.try_get_attribute("href").unwrap().unwrap();
                found.push(quick_xml::escape::unescape(&href.value).unwrap().into_owned());
            }
            Event::Text(part) if inside => text.push_str(&part.xml10_content()),
            Event::GeneralRef(part) if inside => {
                let reference = format!("&{};", part.xml10_content());
                text.push_str(&quick_xml::escape::unescape(&reference).unwrap());
            }
            Event::End(tag) if tag.name().as_ref() == element => {
                inside = false;
                found.push(text.clone());
            }
            Event::Start(_) | Event::End(_) | Event::Empty(_) | Event::Text(_) | Event::GeneralRef(_) => {}
            Event::Decl(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

const TITLE: &str = "You & <a href=\"http://t.example/\">I</a>";
const BODY: &str = "<b>1 &lt; 2</b> <a href=\"http://b.example/?a=1&amp;b=2\">x</a>";

#[test]
fn an_atom_entry_holds_plain_title_canonical_body_and_stored_addresses() {
    let document = document(FeedFormat::Atom, &head(), &[entry(TITLE, Some(BODY), 1)]);
    assert_eq!(read(&document, "title"), ["ada & \"co\"", "You & I"]);
    let picture = "<br><a href=\"http://p.example/?a=1&amp;b=2\"><img src=\"https://feed.example/p/aa.jpg\" \
                   width=\"75\" height=\"56\" alt=\"picture 1 of 1\"></a>";
    assert_eq!(read(&document, "content"), [format!("{BODY}{picture}")]);
    assert_eq!(
        read(&document, "link"),
        [
            "https://feed.example/f/t/atom.xml",
            "https://feed.example/feed",
            "http://t.example/"
        ]
    );
    assert_eq!(
        read(&document, "id"),
        ["tag:feed.example,2026:feed/7", "tag:feed.example,2026:story/9"]
    );
    assert_eq!(read(&document, "name"), ["R&D"]);
}

#[test]
fn an_rss_item_holds_the_same() {
    let document = document(FeedFormat::Rss, &head(), &[entry(TITLE, Some(BODY), 0)]);
    assert_eq!(read(&document, "title"), ["ada & \"co\"", "You & I"]);
    assert_eq!(read(&document, "description"), ["ada & \"co\"", BODY]);
    assert_eq!(
        read(&document, "link"),
        ["https://feed.example/feed", "http://t.example/"]
    );
    assert_eq!(read(&document, "guid"), ["tag:feed.example,2026:story/9"]);
    assert_eq!(read(&document, "pubDate"), ["Sat, 21 Nov 2026 22:30:00 +0000"]);
    assert_eq!(read(&document, "dc:creator"), ["R&D"]);
}

#[test]
fn a_json_feed_item_holds_the_same() {
    let document = document(FeedFormat::Json, &head(), &[entry(TITLE, Some(BODY), 2)]);
    let read: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(read["version"], "https://jsonfeed.org/version/1.1");
    let item = &read["items"][0];
    assert_eq!(item["title"], "You & I");
    assert_eq!(item["url"], "http://t.example/");
    assert_eq!(item["image"], "https://feed.example/p/aa.jpg");
    assert_eq!(item["authors"][0]["name"], "R&D");
    assert!(item["content_html"].as_str().unwrap().starts_with(BODY));
    assert_eq!(item["content_html"].as_str().unwrap().matches("<img").count(), 2);
}

#[test]
fn an_entry_without_a_title_link_leads_where_its_body_or_its_first_picture_does_or_nowhere() {
    let link = |entry: &Entry| entry.link().map(str::to_owned);
    assert_eq!(
        link(&entry("x", Some(BODY), 1)),
        Some("http://b.example/?a=1&b=2".to_owned())
    );
    assert_eq!(
        link(&entry("x", Some("y"), 1)),
        Some("http://p.example/?a=1&b=2".to_owned())
    );
    let bare = entry("x", None, 0);
    assert_eq!(link(&bare), None);
    assert_eq!(bare.content(), "x");
    for format in [FeedFormat::Atom, FeedFormat::Rss, FeedFormat::Json] {
        assert!(!document(format, &head(), std::slice::from_ref(&bare)).contains("null"));
    }
}

#[test]
fn what_xml_forbids_becomes_the_replacement_character_and_json_keeps_it() {
    let odd = entry("x\u{fffe}\u{202e}y", None, 0);
    for format in [FeedFormat::Atom, FeedFormat::Rss] {
        let document = document(format, &head(), std::slice::from_ref(&odd));
        assert_eq!(read(&document, "title").last().unwrap(), "x\u{fffd}\u{202e}y");
    }
    let json = document(FeedFormat::Json, &head(), &[odd]);
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["items"][0]["title"], "x\u{fffe}\u{202e}y");
}

#[test]
fn a_tag_names_the_host_without_what_would_end_it() {
    assert_eq!(tag("[::1]", "story/1"), "tag:--1,2026:story/1");
    assert_eq!(tag("127.0.0.1", "story/1"), "tag:127.0.0.1,2026:story/1");
}

#[test]
fn each_file_name_has_its_format_and_others_have_none() {
    let types =
        ["atom.xml", "rss.xml", "feed.json"].map(|name| FeedFormat::of_file(name).unwrap().media_type());
    assert_eq!(
        types,
        [
            "application/atom+xml; charset=utf-8",
            "application/rss+xml; charset=utf-8",
            "application/feed+json"
        ]
    );
    assert_eq!(FeedFormat::of_file("Atom.xml"), None);
}
