//! From a reply or a refusal to the bytes of an answer (protocol section 13).
//!
//! Knows nothing of HTTP statuses or headers beyond the media type.

pub mod feed;
pub mod json;
pub mod jsonp;
pub mod xml;

use crate::error::Refusal;
use crate::pairs::Pair;
use crate::reply::Reply;

/// `Content-Type` of XML answers (protocol 13.1).
pub const XML_MEDIA_TYPE: &str = "text/xml; charset=utf-8";
/// `Content-Type` of JSON answers (protocol 13.1).
pub const JSON_MEDIA_TYPE: &str = "application/json";
/// `Content-Type` of anything wrapped in a callback (protocol 13.1).
pub const SCRIPT_MEDIA_TYPE: &str = "text/javascript; charset=utf-8";
/// `/1.0/facebook.xsd`: what every XML answer with canonical spelling in its default shape is valid against (protocol 13.12).
pub const FACEBOOK_XSD: &str = include_str!("facebook.xsd");
/// `/1.0/crier.xsd`: outcomes, objects of Crier's own methods and the list form of the feed reply (protocol 13.12).
pub const CRIER_XSD: &str = include_str!("crier.xsd");

/// The two formats of an answer (protocol 4: `format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// The default.
    #[default]
    Xml,
    /// JSON.
    Json,
}

impl Format {
    /// The format that a value names: `xml`, `json`, letters in any case.
    #[must_use]
    pub fn named(value: &str) -> Option<Self> {
        if value.eq_ignore_ascii_case("xml") {
            Some(Self::Xml)
        } else if value.eq_ignore_ascii_case("json") {
            Some(Self::Json)
        } else {
            None
        }
    }
}

/// How one answer is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// XML or JSON.
    pub format: Format,
    /// The function to wrap it in; its grammar has been checked.
    pub callback: Option<jsonp::Callback>,
    /// The root element of a success: the caller's spelling, `.` turned into `_`, plus `_response` (protocol 5.2).
    pub root: String,
}

impl Style {
    /// The style of errors without a call: shape errors, 413, 503. Never wrapped (protocol 3.12).
    #[must_use]
    pub fn bare(format: Format) -> Self {
        Self {
            format,
            callback: None,
            root: String::from("response"),
        }
    }
}

/// The bytes of an answer and their media type (protocol 13.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The body.
    pub body: Vec<u8>,
    /// `Content-Type`.
    pub media_type: &'static str,
}

impl Rendered {
    /// The document as an item of a batch: XML without its last LF (protocol 15.7).
    #[must_use]
    pub fn into_item(mut self) -> String {
        if self.body.last() == Some(&b'\n') {
            self.body.pop();
        }
        String::from_utf8(self.body).expect("every renderer writes into a String")
    }
}

/// Renders a success.
#[must_use]
pub fn success(style: &Style, reply: &Reply) -> Rendered {
    finish(
        style,
        match style.format {
            Format::Xml => xml::success(&style.root, reply),
            Format::Json => json::success(reply),
        },
    )
}

/// Renders an error; `args` are the pairs echoed as `request_args`, empty for shape errors, 413 and 503 (protocol 13.5).
#[must_use]
pub fn error(style: &Style, refusal: &Refusal, args: &[Pair]) -> Rendered {
    finish(
        style,
        match style.format {
            Format::Xml => xml::error(refusal, args),
            Format::Json => json::error(refusal, args),
        },
    )
}

/// Wraps a document if a callback asks for it, and names its media type.
fn finish(style: &Style, document: String) -> Rendered {
    let (body, media_type) = match (&style.callback, style.format) {
        (Some(callback), format) => (jsonp::wrap(callback, format, &document), SCRIPT_MEDIA_TYPE),
        (None, Format::Xml) => (document, XML_MEDIA_TYPE),
        (None, Format::Json) => (document, JSON_MEDIA_TYPE),
    };
    Rendered {
        body: body.into_bytes(),
        media_type,
    }
}
