//! A request's bytes as the wire's parts: media type, content encoding, multipart split (protocol 2.5, 3.2, 3.4).
//!
//! Promise: nothing is judged here that the wire can judge; a body that cannot be split is handed on as such. Knows no parameter.

use bytes::Bytes;
use crier_proto::call::{Body, Part};
use crier_proto::pairs::{MULTIPART_BYTES_MAX, PAIRS_MAX, URLENCODED_BYTES_MAX};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// Parts that are split at most: beyond, the wire's limit of pairs and of file parts is broken whatever follows.
const PARTS_MAX: usize = PAIRS_MAX + 2;
/// Longest boundary (protocol 3.4).
const BOUNDARY_BYTES_MAX: usize = 70;

/// What a body says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Urlencoded, or nothing said.
    Urlencoded,
    /// Multipart, with its boundary if that can be used.
    Multipart(Option<String>),
    /// Any other media type.
    Other,
    /// A content encoding other than identity.
    Encoded,
}

impl Kind {
    /// What these headers say of the body.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let encodings = headers.get_all(CONTENT_ENCODING);
        if !encodings
            .iter()
            .all(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
        {
            return Self::Encoded;
        }
        let Some(value) = headers.get(CONTENT_TYPE) else {
            return Self::Urlencoded;
        };
        let value = value.as_bytes();
        let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
        let (essence, parameters) = value.split_at_checked(end).unwrap_or((value, b""));
        let essence = essence.trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") || value.trim_ascii().is_empty()
        {
            Self::Urlencoded
        } else if essence.eq_ignore_ascii_case(b"multipart/form-data") {
            Self::Multipart(std::str::from_utf8(parameters).ok().and_then(boundary))
        } else {
            Self::Other
        }
    }

    /// Bytes at most (protocol 3.10).
    #[must_use]
    pub fn limit(&self) -> u64 {
        match self {
            Self::Multipart(_) => MULTIPART_BYTES_MAX as u64,
            Self::Urlencoded | Self::Other | Self::Encoded => URLENCODED_BYTES_MAX as u64,
        }
    }

    /// The body as the wire takes it.
    pub async fn wire_body(self, bytes: Vec<u8>) -> Body {
        match self {
            Self::Encoded => Body::Encoded,
            _ if bytes.is_empty() => Body::Empty,
            Self::Urlencoded => Body::Urlencoded(bytes),
            Self::Multipart(Some(boundary)) => Body::Multipart(split(bytes, boundary).await),
            Self::Multipart(None) => Body::Multipart(None),
            Self::Other => Body::OtherType,
        }
    }
}

/// The first parameter `boundary` of these, quoted or not: 1 to 70 bytes.
fn boundary(parameters: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        let (name, after) = rest.split_once('=')?;
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let (bare, behind) = after.split_at_checked(end)?;
                (bare.trim().to_owned(), behind)
            }
        };
        if name.trim().eq_ignore_ascii_case("boundary") {
            return (1..=BOUNDARY_BYTES_MAX).contains(&value.len()).then_some(value);
        }
        rest = behind;
    }
}

/// A quoted string's text up to its closing quote, and what follows.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((text, quoted.get(at + 1..)?)),
            '\\' => text.push(letters.next()?.1),
            _ => text.push(letter),
        }
    }
    None
}

/// The parts, or nothing when the body breaks off before its closing delimiter or a part's head is no head.
async fn split(bytes: Vec<u8>, boundary: String) -> Option<Vec<Part>> {
    let whole = futures_util::stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(
        Bytes::from(bytes),
    )));
    let mut multipart = multer::Multipart::new(whole, boundary);
    let mut parts = Vec::new();
    while parts.len() < PARTS_MAX {
        let Some(field) = multipart.next_field().await.ok()? else {
            break;
        };
        let headers = field
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect();
        let body = field.bytes().await.ok()?.into();
        parts.push(Part { headers, body });
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(content_type: &str) -> Kind {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        Kind::of(&headers)
    }

    fn multipart(boundary: &str) -> Kind {
        Kind::Multipart(Some(boundary.into()))
    }

    #[test]
    fn media_types_are_compared_without_case_and_without_parameters() {
        assert_eq!(Kind::of(&HeaderMap::new()), Kind::Urlencoded);
        assert_eq!(
            kind("Application/X-WWW-Form-Urlencoded; charset=latin1"),
            Kind::Urlencoded
        );
        assert_eq!(kind("text/plain"), Kind::Other);
        assert_eq!(kind("application/json;boundary=x"), Kind::Other);
    }

    #[test]
    fn boundaries_are_read_quoted_bare_and_behind_other_parameters() {
        assert_eq!(kind("multipart/form-data; boundary=xYzZY"), multipart("xYzZY"));
        assert_eq!(
            kind("MULTIPART/form-data;charset=\"a;b\"; BOUNDARY=\"----a b\""),
            multipart("----a b")
        );
        assert_eq!(kind(r#"multipart/form-data; boundary="a\"b""#), multipart("a\"b"));
        assert_eq!(
            kind("multipart/form-data; boundary=--x; charset=utf-8"),
            multipart("--x")
        );
        let longest = "b".repeat(70);
        assert_eq!(
            kind(&format!("multipart/form-data; boundary={longest}")),
            multipart(&longest)
        );
        for bad in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"x",
            "multipart/form-data; boundary",
        ] {
            assert_eq!(kind(bad), Kind::Multipart(None), "{bad}");
        }
        assert_eq!(
            kind(&format!("multipart/form-data; boundary=b{longest}")),
            Kind::Multipart(None)
        );
    }

    #[test]
    fn any_encoding_but_identity_is_encoded() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "Identity".parse().unwrap());
        assert_eq!(Kind::of(&headers), Kind::Urlencoded);
        headers.append(CONTENT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(Kind::of(&headers), Kind::Encoded);
    }

    async fn parts(body: &str) -> Option<Vec<(String, String)>> {
        let Body::Multipart(parts) = multipart("B").wire_body(body.as_bytes().to_vec()).await else {
            return None;
        };
        let shown = |part: Part| {
            let heads: Vec<_> = part.headers.iter().map(|(name, _)| name.as_str()).collect();
            (heads.join(","), String::from_utf8(part.body).unwrap())
        };
        Some(parts?.into_iter().map(shown).collect())
    }

    #[tokio::test]
    async fn parts_keep_their_bytes_and_preamble_and_epilogue_are_ignored() {
        let body = "before\r\n--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--x+%41\r\n\r\n--B\r\nX-Y: 1\r\ncontent-disposition: form-data\r\n\r\n\r\n--B--\r\nafter";
        assert_eq!(
            parts(body).await,
            Some(vec![
                ("content-disposition".into(), "--x+%41\r\n".into()),
                ("x-y,content-disposition".into(), String::new()),
            ])
        );
    }

    #[tokio::test]
    async fn a_missing_closing_delimiter_is_no_multipart() {
        assert_eq!(
            parts("--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx").await,
            None
        );
        assert_eq!(
            parts("--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--B\r\n").await,
            None
        );
        assert_eq!(parts("no delimiter at all").await, None);
    }

    #[tokio::test]
    async fn empty_bodies_of_any_type_are_empty() {
        for kind in [Kind::Urlencoded, Kind::Multipart(None), Kind::Other] {
            assert!(matches!(kind.wire_body(Vec::new()).await, Body::Empty));
        }
    }
}
