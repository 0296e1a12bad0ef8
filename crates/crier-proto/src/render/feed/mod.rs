//! A private feed as its readers take it: Atom 1.0, RSS 2.0 and JSON Feed 1.1 of the same entries (feed 6.9).
//!
//! Promise: what leaves here are the pieces that the markup reader made: canonical markup as content, plain text as title,
//! stored addresses as links. Each document is well-formed whatever a story holds. Knows neither who may read it nor the time.

mod atom;
mod json_feed;
mod rss;
#[cfg(test)]
mod tests;

use crate::markup::Markup;
use std::fmt::Write;

/// The three documents of one private feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedFormat {
    /// Atom 1.0 (RFC 4287).
    Atom,
    /// RSS 2.0.
    Rss,
    /// JSON Feed 1.1.
    Json,
}

impl FeedFormat {
    /// The format that a file name asks for.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        match name {
            "atom.xml" => Some(Self::Atom),
            "rss.xml" => Some(Self::Rss),
            "feed.json" => Some(Self::Json),
            _ => None,
        }
    }

    /// `Content-Type`.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Json => "application/feed+json",
        }
    }
}

/// A moment in the two spellings that the formats ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// `2026-11-21T22:30:00Z`.
    pub rfc3339: String,
    /// `Sat, 21 Nov 2026 22:30:00 +0000`.
    pub rfc2822: String,
}

/// What a feed says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedHead {
    /// Title.
    pub title: String,
    /// Tag URI of the whole.
    pub id: String,
    /// The page that people read instead, absolute.
    pub page: String,
    /// This document's own address, absolute.
    pub own: String,
    /// When it last changed.
    pub updated: Stamp,
}

/// One story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Tag URI, the same for a story for ever.
    pub id: String,
    /// The title, as its reader took it.
    pub title: Markup,
    /// The body.
    pub body: Option<Markup>,
    /// Pictures that are there, in the order of their slots.
    pub pictures: Vec<EntryPicture>,
    /// Name of the application.
    pub app: String,
    /// When it was published.
    pub published: Stamp,
}

/// A picture of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPicture {
    /// Its own address, absolute.
    pub src: String,
    /// Where a click on it goes.
    pub link: String,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
}

/// The bytes of a feed.
#[must_use]
pub fn document(format: FeedFormat, head: &FeedHead, entries: &[Entry]) -> String {
    match format {
        FeedFormat::Atom => atom::document(head, entries),
        FeedFormat::Rss => rss::document(head, entries),
        FeedFormat::Json => json_feed::document(head, entries),
    }
}

/// The tag URI of something of this host (RFC 4151). The date is part of the name and never changes.
#[must_use]
pub fn tag(host: &str, what: &str) -> String {
    // An IPv6 literal is no authority of a tag: its colons and brackets have other meanings there.
    let authority = host.trim_matches(['[', ']']).replace(':', "-");
    format!("tag:{authority},2026:{what}")
}

impl Entry {
    /// Where the entry leads: the stored address of the title's link, else of the body's first, else of the first picture.
    fn link(&self) -> Option<&str> {
        let title = self.title.links().first();
        let body = || self.body.as_ref().and_then(|body| body.links().first());
        let picture = || self.pictures.first().map(|picture| &picture.link);
        title.or_else(body).or_else(picture).map(String::as_str)
    }

    /// What stands in it as HTML: the canonical markup of the body, or of the title when there is none, and the pictures.
    fn content(&self) -> String {
        let mut html = self.body.as_ref().unwrap_or(&self.title).canonical();
        let count = self.pictures.len();
        for (picture, place) in self.pictures.iter().zip(1_u32..) {
            html.push_str("<br><a href=\"");
            push_attribute(&mut html, &picture.link);
            html.push_str("\"><img src=\"");
            push_attribute(&mut html, &picture.src);
            // Writing into a String cannot fail.
            let _ = write!(
                html,
                "\" width=\"{}\" height=\"{}\" alt=\"picture {place} of {count}\"></a>",
                picture.width, picture.height
            );
        }
        html
    }
}

/// Appends an address to HTML.
fn push_attribute(html: &mut String, address: &str) {
    super::xml::push_text(html, address);
}
