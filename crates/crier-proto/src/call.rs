//! From the parts of an HTTP request to a `RawCall`, or to a shape error that is still rendered in the caller's format.
//!
//! Stage 1 of the street: only `RawCall::read` makes a `RawCall`. Nothing here knows applications or secrets.

use crate::error::{Code, Refusal};
use crate::multipart::{self, Split};
use crate::pairs::{Budget, Pairs, ShapeError, Source, first_format};
use crate::params;
use crate::render::{Format, Style, jsonp::Callback};
use std::net::IpAddr;

/// The two verbs of the REST door (protocol 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GET: the query alone.
    Get,
    /// POST: the query and the body.
    Post,
}

impl Verb {
    /// As it stands in a request line and in the canonical text of version 2.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    /// The verb, if it is one of the two; letters in exactly this case.
    fn named(text: &str) -> Option<Self> {
        [Self::Get, Self::Post]
            .into_iter()
            .find(|verb| verb.as_str() == text)
    }
}

/// A file part of a multipart body (protocol 3.5): never a parameter, never echoed.
#[derive(Debug, Clone)]
pub struct FilePart {
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

/// One part of a multipart body: headers in any order, names in any case.
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
    /// `multipart/form-data`, split as far as it can be.
    Multipart(Split),
    /// A non-empty body of any other type.
    OtherType,
    /// A content encoding other than identity (protocol 2.5).
    Encoded,
}

impl Body {
    /// A whole body by its `Content-Type` (protocol 3.2, 3.4).
    #[must_use]
    pub fn of(content_type: Option<&[u8]>, bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        match multipart::body_kind(content_type) {
            multipart::BodyKind::Urlencoded => Self::Urlencoded(bytes),
            multipart::BodyKind::Multipart(boundary) => {
                Self::Multipart(Split::of(&bytes, boundary.as_deref()))
            }
            multipart::BodyKind::Other => Self::OtherType,
        }
    }
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
    /// The format of an answer to a call that names none.
    format: Format,
}

/// A shape error (protocol 3.12): error 100, empty `request_args`, no callback, in the format of the first `format` pair that decodes.
#[derive(Debug, PartialEq, Eq)]
pub struct ShapeRefusal {
    /// Error 100 with the cause.
    pub refusal: Refusal,
    /// The format to answer in.
    pub format: Format,
}

impl From<ShapeError> for Refusal {
    /// Error 100 whose cause is the shape error's text.
    fn from(error: ShapeError) -> Self {
        Self::because(Code::InvalidParameter, error.to_string())
    }
}

/// The merged set, the verb, and which part is the file.
type Read = (Verb, Pairs, Option<usize>);

impl RawCall {
    /// Reads a request (protocol section 3).
    ///
    /// # Errors
    /// `ShapeRefusal` for every violation of protocol 3.2 to 3.10, and for a verb other than GET and POST.
    pub fn read(mut request: RequestParts) -> Result<Self, ShapeRefusal> {
        let (verb, pairs, file) = read(&request).map_err(|error| ShapeRefusal {
            refusal: error.into(),
            format: asked_format(&request),
        })?;
        let file = match (file, &mut request.body) {
            (Some(index), Body::Multipart(split)) => split.parts.get_mut(index).map(|part| FilePart {
                bytes: std::mem::take(&mut part.body),
            }),
            (_, Body::Empty | Body::Urlencoded(_) | Body::Multipart(_) | Body::OtherType | Body::Encoded) => {
                None
            }
        };
        Ok(Self {
            pairs,
            file,
            verb,
            path: request.path,
            source: request.source,
            format: Format::default(),
        })
    }

    /// A call made of one urlencoded text, an item of a batch (protocol 15.7): verb, path, address and, where it names none,
    /// the format are the outer call's.
    ///
    /// # Errors
    /// `ShapeRefusal` as `read`, for names, values, doubles and counts.
    pub fn of_item(urlencoded: &str, outer: &Self) -> Result<Self, ShapeRefusal> {
        let bytes = urlencoded.as_bytes();
        let format = outer.format();
        let source = Source::urlencoded(bytes, &mut Budget::default()).map_err(|error| ShapeRefusal {
            refusal: error.into(),
            format: first_format(bytes).unwrap_or(format),
        })?;
        Ok(Self {
            pairs: Pairs::merged(source, Source::default()),
            file: None,
            verb: outer.verb,
            path: outer.path.clone(),
            source: outer.source,
            format,
        })
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

    /// The format asked for: the default where none is named, XML where what is named is none (protocol 4).
    fn format(&self) -> Format {
        self.pairs
            .value("format")
            .map_or(self.format, |value| Format::named(value).unwrap_or_default())
    }

    /// How the answer is to be rendered: format, root element and, when `wrap` and its grammar is right, the callback (protocol 13.2, 13.9, 13.10, 5.2).
    #[must_use]
    pub fn style(&self, wrap: bool) -> Style {
        Style {
            format: self.format(),
            callback: self
                .pairs
                .value("callback")
                .filter(|_| wrap)
                .and_then(Callback::parse),
            root: params::root_element(self.pairs.get("method").unwrap_or_default()),
        }
    }
}

/// Reads both sources in their order and merges them.
fn read(request: &RequestParts) -> Result<Read, ShapeError> {
    let verb = Verb::named(&request.verb).ok_or(ShapeError::Verb)?;
    if matches!(request.body, Body::Encoded) {
        return Err(ShapeError::ContentEncoding);
    }
    let mut budget = Budget::default();
    let query = Source::urlencoded(&request.query, &mut budget)?;
    let (body, file) = match (verb, &request.body) {
        (Verb::Get, _) | (Verb::Post, Body::Empty) => (Source::default(), None),
        (Verb::Post, Body::Urlencoded(bytes)) => (Source::urlencoded(bytes, &mut budget)?, None),
        (Verb::Post, Body::Multipart(split)) if split.is_whole => {
            multipart::judge(&split.parts, &mut budget)?
        }
        (Verb::Post, Body::Multipart(_)) => return Err(ShapeError::Multipart),
        (Verb::Post, Body::OtherType) => return Err(ShapeError::MediaType),
        (Verb::Post, Body::Encoded) => return Err(ShapeError::ContentEncoding),
    };
    Ok((verb, Pairs::merged(query, body), file))
}

/// The format of a shape error's answer (protocol 3.12). A body counts only where it would have been read.
fn asked_format(request: &RequestParts) -> Format {
    first_format(&request.query)
        .or_else(|| match (Verb::named(&request.verb), &request.body) {
            (Some(Verb::Post), Body::Urlencoded(bytes)) => first_format(bytes),
            (Some(Verb::Post), Body::Multipart(split)) => {
                multipart::first_format(&split.parts).map(|value| Format::named(value).unwrap_or_default())
            }
            (
                None | Some(Verb::Get | Verb::Post),
                Body::Empty | Body::Urlencoded(_) | Body::Multipart(_) | Body::OtherType | Body::Encoded,
            ) => None,
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn request(verb: &str, query: &str, body: Body) -> RequestParts {
        RequestParts {
            verb: verb.into(),
            path: "/restserver.php".into(),
            query: query.into(),
            body,
            source: Ipv4Addr::LOCALHOST.into(),
        }
    }

    fn form(body: &str) -> Body {
        Body::of(None, body.as_bytes().to_vec())
    }

    fn cause(request: RequestParts) -> (String, Format) {
        let refused = RawCall::read(request).unwrap_err();
        (
            refused.refusal.cause().unwrap_or_default().to_owned(),
            refused.format,
        )
    }

    #[test]
    fn a_get_body_is_discarded_whatever_it_is() {
        for body in [form("a=%"), Body::OtherType, Body::Multipart(Split::default())] {
            let call = RawCall::read(request("GET", "a=1", body)).unwrap();
            assert_eq!(call.pairs().get("a"), Some("1"));
        }
    }

    #[test]
    fn other_verbs_are_refused_in_the_querys_format() {
        for verb in ["HEAD", "PUT", "get", "OPTIONS"] {
            let (cause, format) = cause(request(verb, "format=json", form("a=1")));
            assert_eq!(
                (cause.as_str(), format),
                ("HTTP method must be GET or POST", Format::Json)
            );
        }
    }

    #[test]
    fn shape_errors_are_answered_in_the_format_of_query_then_body() {
        assert_eq!(cause(request("POST", "a=%", form("format=json"))).1, Format::Json);
        assert_eq!(
            cause(request("POST", "a=%&format=xml", form("format=json"))).1,
            Format::Xml
        );
        assert_eq!(cause(request("GET", "a=%", form("format=json"))).1, Format::Xml);
        assert_eq!(
            cause(request("POST", "format=JSON", Body::OtherType)).1,
            Format::Json
        );
    }

    #[test]
    fn unreadable_bodies_are_refused_with_their_reason() {
        let of = |body| cause(request("POST", "", body)).0;
        assert_eq!(of(Body::OtherType), ShapeError::MediaType.to_string());
        assert_eq!(of(Body::Encoded), ShapeError::ContentEncoding.to_string());
        assert_eq!(
            of(Body::Multipart(Split::default())),
            ShapeError::Multipart.to_string()
        );
    }

    #[test]
    fn an_empty_body_of_any_type_has_no_parameters() {
        assert!(matches!(Body::of(Some(b"image/png"), Vec::new()), Body::Empty));
    }

    #[test]
    fn a_multipart_body_gives_pairs_and_its_file() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1+%41\r\n--x\r\n\
            Content-Type: image/png\r\ncontent-disposition: form-data; filename=\"f\"\r\n\r\n\x00\xff\r\n--x--\r\n";
        let body = Body::of(Some(b"multipart/form-data; boundary=x"), body.to_vec());
        let call = RawCall::read(request("POST", "b=2", body)).unwrap();
        assert_eq!(call.pairs().get("a"), Some("1+%41"));
        assert_eq!(call.pairs().as_slice().len(), 2);
        assert_eq!(call.file().unwrap().bytes, b"\x00\xff");
    }

    #[test]
    fn style_follows_format_callback_and_spelling() {
        let call = RawCall::read(request(
            "GET",
            "format=JSON&callback=a.b&method=facebook.livemessage.send",
            Body::Empty,
        ));
        let call = call.unwrap();
        let style = call.style(true);
        assert_eq!(style.format, Format::Json);
        assert_eq!(style.callback.unwrap().as_str(), "a.b");
        assert_eq!(style.root, "livemessage_send_response");
        assert_eq!(call.style(false).callback, None);
    }

    #[test]
    fn a_callback_outside_the_grammar_and_an_unknown_format_fall_back() {
        let call = RawCall::read(request("GET", "format=yaml&callback=a.", Body::Empty)).unwrap();
        assert_eq!(call.style(true).format, Format::Xml);
        assert_eq!(call.style(true).callback, None);
    }

    #[test]
    fn an_item_keeps_verb_path_and_address_of_the_outer_call() {
        let outer = RawCall::read(request("POST", "", form("a=1"))).unwrap();
        let item = RawCall::of_item("method=batch.run&format=json", &outer).unwrap();
        assert_eq!(
            (item.verb(), item.path(), item.source()),
            (Verb::Post, "/restserver.php", outer.source())
        );
        let refused = RawCall::of_item("a=1&a=2", &outer).unwrap_err();
        assert_eq!(refused.refusal, ShapeError::Doubled("a".into()).into());
    }

    #[test]
    fn an_item_answers_in_its_own_format_else_in_the_outer_one() {
        for (outer, item, format) in [
            ("format=json", "a=1", Format::Json),
            ("format=json", "format=", Format::Json),
            ("format=json", "format=XML", Format::Xml),
            ("format=json", "format=yaml", Format::Xml),
            ("", "format=json", Format::Json),
            ("", "a=1", Format::Xml),
        ] {
            let outer = RawCall::read(request("GET", outer, Body::Empty)).unwrap();
            let read = RawCall::of_item(item, &outer).unwrap();
            assert_eq!(read.style(false).format, format, "{item}");
            let broken = RawCall::of_item(&format!("b=%&{item}"), &outer).unwrap_err();
            if !item.ends_with('=') {
                assert_eq!(broken.format, format, "{item}");
            }
        }
    }
}
