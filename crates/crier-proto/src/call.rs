//! From the parts of an HTTP request to a `RawCall`, or to a shape error that is still rendered in the caller's format.
//!
//! Stage 1 of the street: only `RawCall::read` makes a `RawCall`. Nothing here knows applications or secrets.

use crate::error::Refusal;
use crate::pairs::Pairs;
use crate::render::{Format, Style};
use std::net::IpAddr;

/// The two verbs of the REST door (protocol 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GET: the query alone.
    Get,
    /// POST: the query and the body.
    Post,
}

/// A file part of a multipart body (protocol 3.5): never a parameter, never echoed.
#[derive(Debug, Clone)]
pub struct FilePart {
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

/// One part of a multipart body as split by the HTTP edge: headers in any order, names in any case.
#[derive(Debug, Clone)]
pub struct Part {
    /// Header names and raw values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The bytes between the blank line and the next delimiter.
    pub body: Vec<u8>,
}

/// The body of a request as the HTTP edge hands it over.
#[derive(Debug)]
pub enum Body {
    /// No body, or an empty one.
    Empty,
    /// `application/x-www-form-urlencoded`, or no content type.
    Urlencoded(Vec<u8>),
    /// `multipart/form-data`, split; `None` when it could not be split (no or bad boundary, missing closing delimiter).
    Multipart(Option<Vec<Part>>),
    /// A non-empty body of any other type.
    OtherType,
    /// A content encoding other than identity (protocol 2.5).
    Encoded,
}

/// What the HTTP edge knows of a request.
#[derive(Debug)]
pub struct RequestParts {
    /// The verb as sent.
    pub verb: String,
    /// Base path followed by `/restserver.php`: line 3 of the canonical text of version 2.
    pub path: String,
    /// The raw query, without `?`.
    pub query: Vec<u8>,
    /// The body.
    pub body: Body,
    /// Where the call came from (protocol 11.3).
    pub source: IpAddr,
}

/// A request whose shape is right. Even when it is refused later it is rendered as its caller asked.
#[derive(Debug)]
pub struct RawCall {
    pairs: Pairs,
    file: Option<FilePart>,
    verb: Verb,
    path: String,
    source: IpAddr,
}

/// A shape error (protocol 3.12): error 100, empty `request_args`, no callback, in the format of the first `format` pair that decodes.
#[derive(Debug, PartialEq, Eq)]
pub struct ShapeRefusal {
    /// Error 100 with the cause.
    pub refusal: Refusal,
    /// The format to answer in.
    pub format: Format,
}

impl RawCall {
    /// Reads a request (protocol section 3).
    ///
    /// # Errors
    /// `ShapeRefusal` for every violation of protocol 3.2 to 3.10, and for a verb other than GET and POST.
    pub fn read(request: RequestParts) -> Result<Self, ShapeRefusal> {
        let _ = request;
        todo!()
    }

    /// A call made of pairs that are already decoded: an item of a batch, or a call of our own.
    ///
    /// # Errors
    /// `ShapeError` as `read`, for names, values, doubles and counts.
    pub fn of_item(urlencoded: &str, outer: &Self) -> Result<Self, crate::pairs::ShapeError> {
        let _ = (urlencoded, outer);
        todo!()
    }

    /// The merged set.
    #[must_use]
    pub fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// The file part, if one was sent.
    #[must_use]
    pub fn file(&self) -> Option<&FilePart> {
        self.file.as_ref()
    }

    /// The verb.
    #[must_use]
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// Base path and `/restserver.php`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the call came from.
    #[must_use]
    pub fn source(&self) -> IpAddr {
        self.source
    }

    /// How the answer is to be rendered: format, root element and, when `wrap` and its grammar is right, the callback (protocol 13.2, 13.9, 13.10, 5.2).
    #[must_use]
    pub fn style(&self, wrap: bool) -> Style {
        let _ = wrap;
        todo!()
    }
}
