//! From a reply or a refusal to the bytes of an answer (protocol section 13).

pub mod json;
pub mod jsonp;
pub mod xml;

use crate::error::Refusal;
use crate::pairs::Pair;
use crate::reply::Reply;

/// The two formats of an answer (protocol 4: `format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// The default.
    #[default]
    Xml,
    /// JSON.
    Json,
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

/// The bytes of an answer and their media type (protocol 13.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The body.
    pub body: Vec<u8>,
    /// `Content-Type`.
    pub media_type: &'static str,
}

/// Renders a success.
#[must_use]
pub fn success(style: &Style, reply: &Reply) -> Rendered {
    let _ = (style, reply);
    todo!()
}

/// Renders an error; `args` are the pairs echoed as `request_args`, empty for shape errors, 413 and 503 (protocol 13.5).
#[must_use]
pub fn error(style: &Style, refusal: &Refusal, args: &[Pair]) -> Rendered {
    let _ = (style, refusal, args);
    todo!()
}
