//! Limits and shapes of a story (seed: Feed.publishStoryToUser, rules of operation; protocol 14.2, feed 2.8).
//!
//! Knows nothing of markup, of what a picture shows or of who may publish.

use crate::ids::{ApiKey, Pid};
use url::Url;

/// Title: displayed characters at most (seed: "limited to 60 displayed characters (excluding tags)").
pub const TITLE_CLUSTERS_MAX: usize = 60;
/// Body: displayed characters at most (seed: "limited to 200 displayed characters (excluding tags)").
pub const BODY_CLUSTERS_MAX: usize = 200;
/// Pictures at most (seed: "Up to 4 images can be displayed").
pub const IMAGES_MAX: usize = 4;
/// Side of a picture in pixels at most (seed: "shrunk to fit within 75x75 pixels").
pub const PICTURE_SIDE_MAX: u32 = 75;
/// Seconds between two stories of one application for one user (seed: "once every 12 hours for each user").
pub const WINDOW_SECS: i64 = 43_200;
/// Longest link in bytes, as given and as serialised (protocol 1.2, URL).
pub const LINK_BYTES_MAX: usize = 2_048;

/// Which schemes a link may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSchemes {
    /// `http://` or `https://`, letters in any case (`href`, picture sources).
    HttpOrHttpsAnyCase,
    /// Exactly `http://` (seed: "which must start with http://").
    HttpExactly,
    /// Exactly `http://` or `https://` (setting `image_links=http_https`).
    HttpOrHttpsExactly,
}

impl LinkSchemes {
    /// What follows the scheme prefix, if the text begins with one that is permitted.
    fn strip(self, text: &str) -> Option<&str> {
        match self {
            Self::HttpExactly => text.strip_prefix("http://"),
            Self::HttpOrHttpsExactly => text
                .strip_prefix("http://")
                .or_else(|| text.strip_prefix("https://")),
            Self::HttpOrHttpsAnyCase => {
                let (scheme, rest) = text.split_once("://")?;
                let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
                known.then_some(rest)
            }
        }
    }
}

/// A link by protocol 1.2 and feed 2.8, in the URL parser's serialisation; `None` when it is not acceptable. The rule about
/// the server's own pages needs the server: `OwnSite::accepts`, which whoever publishes must ask too.
#[must_use]
pub fn read_link(text: &str, schemes: LinkSchemes) -> Option<String> {
    parse(text, schemes).map(String::from)
}

fn parse(text: &str, schemes: LinkSchemes) -> Option<Url> {
    let forbidden = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'<' | b'>' | b'\\');
    if text.len() > LINK_BYTES_MAX || text.bytes().any(forbidden) {
        return None;
    }
    // The parser would skip further slashes and take the path's first part for the host.
    schemes.strip(text).filter(|rest| !rest.starts_with('/'))?;
    let url = Url::parse(text).ok()?;
    let is_plain = url.has_host() && url.username().is_empty() && url.password().is_none();
    (is_plain && url.as_str().len() <= LINK_BYTES_MAX).then_some(url)
}

/// Where a picture comes from (feed 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// An address to fetch, canonical, without fragment.
    Url(String),
    /// An uploaded photo.
    Pid(Pid),
}

/// Reads `image_N`: a pid, else a URL; `None` when neither.
#[must_use]
pub fn read_image_source(text: &str) -> Option<ImageSource> {
    if let Ok(pid) = text.parse() {
        return Some(ImageSource::Pid(pid));
    }
    let mut url = parse(text, LinkSchemes::HttpOrHttpsAnyCase)?;
    url.set_fragment(None);
    Some(ImageSource::Url(url.into()))
}

/// This server's own site, as a story's links see it (feed 2.8).
#[derive(Debug, Clone, Copy)]
pub struct OwnSite<'a> {
    /// The host of the public address, lower case.
    pub host: &'a str,
    /// The base path of the public address, without a slash at its end: empty, or `/crier`.
    pub base_path: &'a str,
    /// The key of the application that publishes.
    pub api_key: &'a ApiKey,
}

/// Documents that ask a person for consent, below the base path (protocol 2.1, section 18).
const CONSENT_DOCUMENTS: [&str; 5] = [
    "/login.php",
    "/authorize.php",
    "/tos.php",
    "/add.php",
    "/install.php",
];

impl OwnSite<'_> {
    /// Whether a link that `read_link` gave may stand in a story: not one to this server's login, terms, add or install
    /// document for another application. So no application asks for consent in another's name.
    #[must_use]
    pub fn accepts(&self, link: &str) -> bool {
        let Ok(url) = Url::parse(link) else {
            return false;
        };
        let document = url.path().strip_prefix(self.base_path).unwrap_or_default();
        let asks_consent = url.host_str() == Some(self.host) && CONSENT_DOCUMENTS.contains(&document);
        !asks_consent
            || url
                .query_pairs()
                .all(|(name, value)| name != "api_key" || value == self.api_key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str) -> Option<String> {
        read_link(text, LinkSchemes::HttpOrHttpsAnyCase)
    }

    #[test]
    fn a_link_is_kept_as_the_url_parser_writes_it() {
        assert_eq!(link("HTTP://E.Example:80").as_deref(), Some("http://e.example/"));
        assert_eq!(
            link("https://e.example:443/a/../b?c#d").as_deref(),
            Some("https://e.example/b?c#d")
        );
        assert_eq!(
            link("http://e.example:8080/{x}|'").as_deref(),
            Some("http://e.example:8080/%7Bx%7D|'")
        );
    }

    #[test]
    fn what_is_no_link_is_refused() {
        for text in [
            "",
            "http://",
            "http:///e.example/",
            "http:/e.example",
            "http:e.example",
            "//e.example",
            "/x",
            "e.example",
            "javascript:alert(1)",
            "ftp://e.example/",
            "httpx://e.example/",
            " http://e.example/",
            "http://e.example/ ",
            "http://e.example/a b",
            "http://e.example/\t",
            "http://e.example/\u{7F}",
            "http://e.example/\"",
            "http://e.example/<",
            "http://e.example/>",
            "http://e.example\\x",
            "http://é.example/",
            "http://e.example/é",
            "http://u@e.example/",
            "http://u:p@e.example/",
            "http://:p@e.example/",
            "http://e.example:99999/",
            "http://[::1/",
            "http://a%00b/",
        ] {
            assert_eq!(link(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_link_has_at_most_2048_bytes_as_given_and_as_kept() {
        let of = |length: usize| format!("http://e.example/{}", "x".repeat(length - 17));
        assert_eq!(link(&of(2_048)), Some(of(2_048)));
        assert_eq!(link(&of(2_049)), None);
        let growing = format!("http://e.example/{}", "{".repeat(1_000));
        assert_eq!(link(&growing), None);
    }

    #[test]
    fn each_place_permits_its_schemes_only() {
        let accepted = |schemes| {
            [
                "http://e.example/",
                "https://e.example/",
                "Http://e.example/",
                "HTTPS://e.example/",
            ]
            .map(|text| read_link(text, schemes).is_some())
        };
        assert_eq!(
            accepted(LinkSchemes::HttpOrHttpsAnyCase),
            [true, true, true, true]
        );
        assert_eq!(accepted(LinkSchemes::HttpExactly), [true, false, false, false]);
        assert_eq!(
            accepted(LinkSchemes::HttpOrHttpsExactly),
            [true, true, false, false]
        );
    }

    #[test]
    fn a_picture_source_is_a_pid_or_a_url_without_fragment() {
        assert_eq!(read_image_source("17"), Pid::new(17).map(ImageSource::Pid));
        assert_eq!(
            read_image_source("HTTPS://e.example/p.png#frag"),
            Some(ImageSource::Url("https://e.example/p.png".to_owned()))
        );
        for text in [
            "",
            "0",
            "017",
            "-1",
            "9223372036854775808",
            "1.5",
            "p.png",
            "data:image/png;base64,",
        ] {
            assert_eq!(read_image_source(text), None, "{text}");
        }
    }

    #[test]
    fn consent_pages_of_this_server_may_be_linked_for_the_own_application_only() {
        let own: ApiKey = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let site = OwnSite {
            host: "crier.example",
            base_path: "/base",
            api_key: &own,
        };
        let at =
            |document: &str, key: &str| format!("http://crier.example/base{document}?v=1.0&api_key={key}");
        for document in CONSENT_DOCUMENTS {
            assert!(site.accepts(&at(document, own.as_str())), "{document}");
            assert!(
                !site.accepts(&at(document, "ffffffffffffffffffffffffffffffff")),
                "{document}"
            );
            assert!(
                !site.accepts(&format!("{}&api_key=other", at(document, own.as_str()))),
                "{document}"
            );
        }
        assert!(site.accepts(&at("/home.php", "other")));
        assert!(site.accepts("http://other.example/base/login.php?api_key=other"));
        assert!(site.accepts("http://crier.example/login.php?api_key=other"));
        assert!(!site.accepts("not a link"));
    }
}
