//! Requests of every form. Input: `query LF content type LF body`.
//!
//! Invariants: what is read keeps the limits and the grammar of names, and reads back from its encoding; what is refused has a plain cause.

use super::{encoded, get, is_cause, listed};
use crier_proto::call::{Body, RawCall, RequestParts};
use crier_proto::pairs::{NAME_BYTES_MAX, PAIR_BYTES_MAX, PAIRS_MAX};
use crier_proto::params::lookup;
use crier_proto::signature::Signed;
use std::collections::BTreeSet;

/// Judges one request.
pub fn target(bytes: &[u8]) {
    let mut fields = bytes.splitn(3, |byte| *byte == b'\n');
    let query = fields.next().unwrap_or_default().to_vec();
    let content_type = fields.next().filter(|value| !value.is_empty());
    let body = Body::of(content_type, fields.next().unwrap_or_default().to_vec());
    let request = RequestParts {
        verb: "POST".to_owned(),
        query,
        body,
        ..get(String::new())
    };
    match RawCall::read(request) {
        Ok(call) => accepted(&call),
        Err(refused) => {
            assert!(refused.refusal.cause().is_some_and(is_cause));
            assert!(refused.refusal.message().starts_with("Invalid parameter: "));
        }
    }
}

/// What holds for every call that is read.
fn accepted(call: &RawCall) {
    let pairs = listed(call);
    assert!(pairs.len() <= PAIRS_MAX);
    assert!(
        pairs
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum::<usize>()
            <= PAIR_BYTES_MAX
    );
    let names: BTreeSet<_> = pairs.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), pairs.len());
    assert!(names.iter().all(|name| {
        (1..=NAME_BYTES_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }));
    assert!(pairs.iter().all(|(_, value)| !value.contains('\0')));
    let again = RawCall::read(get(encoded(pairs.iter().copied()))).expect("an encoded call is a call");
    assert_eq!(listed(&again), pairs);
    assert_eq!(
        Signed::of(call).is_none(),
        call.pairs()
            .get("sig_version")
            .is_some_and(|version| version != "2")
    );
    let style = call.style(true);
    assert!(
        style
            .root
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    );
    let named = call.pairs().get("method").and_then(lookup);
    assert!(named.is_none_or(|_| style.root.ends_with("_response")));
}
