//! How the tests of the wire make calls and find their fixtures.

use crier_proto::call::{Body, RawCall, RequestParts};
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// A file or folder under `fixtures/`.
pub fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(path)
}

/// A JSON fixture.
pub fn json(path: &str) -> serde_json::Value {
    let path = fixture(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every byte of `text` as `%xx`.
pub fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// A call with these pairs.
pub fn call(verb: &str, path: &str, pairs: &[(String, String)]) -> RawCall {
    let query = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", percent(value)))
        .collect::<Vec<_>>();
    RawCall::read(RequestParts {
        verb: verb.into(),
        path: path.into(),
        query: query.join("&").into_bytes(),
        body: Body::Empty,
        source: Ipv4Addr::LOCALHOST.into(),
    })
    .unwrap()
}

/// A JSON object of texts as pairs.
pub fn pairs_of(object: &serde_json::Value) -> Vec<(String, String)> {
    let object = object.as_object().unwrap();
    object
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}
