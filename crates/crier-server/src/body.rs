//! A request's bytes as the wire's body: content encoding here, media type and multipart split by the wire (protocol 2.5, 3.2, 3.4).
//!
//! Promise: nothing is judged here that the wire can judge; a body that cannot be split is handed on as such. Knows no parameter.

use crier_proto::call::Body;
use crier_proto::multipart::{self, BodyKind, Split};
use crier_proto::pairs::{MULTIPART_BYTES_MAX, URLENCODED_BYTES_MAX};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// What a request's headers say of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Plain bytes of this kind.
    Plain(BodyKind),
    /// A content encoding other than identity.
    Encoded,
}

impl Kind {
    /// What these headers say.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let encodings = headers.get_all(CONTENT_ENCODING);
        let is_identity =
            |value: &http::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
        if !encodings.iter().all(is_identity) {
            return Self::Encoded;
        }
        let content_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
        Self::Plain(multipart::body_kind(content_type))
    }

    /// Bytes at most (protocol 3.10).
    #[must_use]
    pub fn limit(&self) -> u64 {
        let limit = match self {
            Self::Plain(BodyKind::Multipart(_)) => MULTIPART_BYTES_MAX,
            Self::Plain(BodyKind::Urlencoded | BodyKind::Other) | Self::Encoded => URLENCODED_BYTES_MAX,
        };
        u64::try_from(limit).unwrap_or(u64::MAX)
    }

    /// The body as the wire takes it. An empty one has no type (protocol 3.2), an encoded one is refused even when empty.
    #[must_use]
    pub fn wire_body(self, bytes: Vec<u8>) -> Body {
        match self {
            Self::Encoded => Body::Encoded,
            Self::Plain(_) if bytes.is_empty() => Body::Empty,
            Self::Plain(BodyKind::Urlencoded) => Body::Urlencoded(bytes),
            Self::Plain(BodyKind::Multipart(boundary)) => {
                Body::Multipart(Split::of(&bytes, boundary.as_deref()))
            }
            Self::Plain(BodyKind::Other) => Body::OtherType,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(header: &http::HeaderName, values: &[&str]) -> Kind {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header, value.parse().unwrap());
        }
        Kind::of(&headers)
    }

    #[test]
    fn any_encoding_but_identity_is_encoded() {
        assert_eq!(
            kind(&CONTENT_ENCODING, &["Identity"]),
            Kind::Plain(BodyKind::Urlencoded)
        );
        assert_eq!(kind(&CONTENT_ENCODING, &["identity", "gzip"]), Kind::Encoded);
        assert!(matches!(Kind::Encoded.wire_body(Vec::new()), Body::Encoded));
    }

    #[test]
    fn limits_are_those_of_the_media_type() {
        assert_eq!(
            kind(&CONTENT_TYPE, &["multipart/form-data; boundary=b"]).limit(),
            10_485_760
        );
        assert_eq!(
            kind(&CONTENT_TYPE, &["application/x-www-form-urlencoded"]).limit(),
            262_144
        );
        assert_eq!(kind(&CONTENT_TYPE, &["text/plain"]).limit(), 262_144);
    }

    #[test]
    fn empty_bodies_of_any_type_are_empty() {
        for media_type in [
            "text/plain",
            "multipart/form-data",
            "application/x-www-form-urlencoded",
        ] {
            let kind = kind(&CONTENT_TYPE, &[media_type]);
            assert!(matches!(kind.wire_body(Vec::new()), Body::Empty), "{media_type}");
        }
    }

    #[test]
    fn a_multipart_body_without_its_closing_delimiter_is_handed_on_as_not_whole() {
        let kind = || kind(&CONTENT_TYPE, &["multipart/form-data; boundary=B"]);
        let open = b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx".to_vec();
        let split = |body| match kind().wire_body(body) {
            Body::Multipart(split) => (split.parts.len(), split.is_whole),
            other => panic!("{other:?}"),
        };
        assert_eq!(split(open.clone()), (0, false));
        assert_eq!(split([open, b"\r\n--B--\r\n".to_vec()].concat()), (1, true));
    }
}
