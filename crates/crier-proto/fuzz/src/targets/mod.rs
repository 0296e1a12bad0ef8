//! The targets, one file each, and what they share.

pub mod callback;
pub mod decimal;
pub mod markup;
pub mod pairs;
pub mod reading;
pub mod render;

use crier_proto::call::{Body, RawCall, RequestParts};
use std::net::Ipv4Addr;

/// A GET with this query.
fn get(query: String) -> RequestParts {
    RequestParts {
        verb: "GET".to_owned(),
        path: "/restserver.php".to_owned(),
        query: query.into_bytes(),
        body: Body::Empty,
        source: Ipv4Addr::LOCALHOST.into(),
    }
}

/// A query that reads back as these pairs: every byte of a value encoded.
fn encoded<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pair = |(name, value): (&str, &str)| {
        let value: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
        format!("{name}={value}")
    };
    pairs.into_iter().map(pair).collect::<Vec<_>>().join("&")
}

/// The pairs of a call as names and values.
fn listed(call: &RawCall) -> Vec<(&str, &str)> {
    call.pairs()
        .as_slice()
        .iter()
        .map(|pair| (&*pair.name, &*pair.value))
        .collect()
}

/// Printable ASCII without the bytes that no cause may have (protocol 12.1).
fn is_cause(text: &str) -> bool {
    let permitted = |byte: u8| (0x20..0x7f).contains(&byte) && !b"\"<>&\\".contains(&byte);
    text.len() <= 200 && text.bytes().all(permitted)
}
