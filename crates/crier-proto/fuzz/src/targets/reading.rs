//! Requests of version 1 under the reading rule. Input: lines `name=value`; what every request needs is added.
//!
//! Invariants: the rule passes exactly if every reading is coarser than the request, and of all requests with one signed
//! text at most one is accepted. Both are judged where the readings are few enough to be found one by one.

use super::{encoded, get, listed};
use crier_proto::call::RawCall;
use crier_proto::params::{COMMON, METHODS, MethodSpec, SessionNeed, Shape, lookup};
use crier_proto::reading::{CANDIDATE_CUTS_MAX, CallIdRule, candidate_cuts, one_reading_only};
use crier_proto::signature::signed_text_v1;
use std::collections::BTreeMap;

/// Chains of cuts that are tried at most; beyond, only the rule itself is run.
const CHAINS_MAX: usize = 1_000;

/// What every request needs.
const NEEDED: [(&str, &str); 3] = [
    ("api_key", "0123456789abcdef0123456789abcdef"),
    ("session_key", "acacbdbd010123237878dede-1240077"),
    ("v", "1.0"),
];

/// A request or a reading: names and values in the order of the signed text.
type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// Judges one request under both settings.
pub fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut pairs: BTreeMap<&str, &str> = NEEDED.into();
    let lines = text.split('\n').filter_map(|line| line.split_once('='));
    pairs.extend(lines.filter(|(name, _)| !matches!(*name, "sig" | "sig_version" | "api_key")));
    let pairs: Pairs<'_> = pairs.into_iter().collect();
    let Ok(call) = RawCall::read(get(encoded(pairs.iter().copied()))) else {
        return;
    };
    // What was read counts: a name of the input may have been none.
    let mut pairs = listed(&call);
    pairs.sort_unstable();
    let signed = signed_text_v1(call.pairs().as_slice());
    let cuts = candidate_cuts(&signed);
    assert!(cuts.is_sorted_by(|one, next| one.offset < next.offset));
    for rule in [CallIdRule::Needed, CallIdRule::Ignored] {
        let passes = one_reading_only(call.pairs(), &signed, rule).is_ok();
        assert!(!passes || cuts.len() <= CANDIDATE_CUTS_MAX);
        let Some(readings) = readings(&signed, rule) else {
            continue;
        };
        let own = offsets(&pairs);
        assert_eq!(
            passes,
            readings
                .iter()
                .flat_map(offsets)
                .all(|offset| own.contains(&offset)),
            "{signed}"
        );
        let accepted = readings.iter().filter(|reading| {
            let rival = RawCall::read(get(encoded(reading.iter().copied()))).expect("a reading is a call");
            one_reading_only(rival.pairs(), &signed, rule).is_ok()
        });
        assert!(accepted.count() <= 1, "{signed}");
    }
}

/// The offsets at which names begin.
fn offsets(pairs: &Pairs<'_>) -> Vec<usize> {
    let mut offset = 0;
    let mut begin = |(name, value): &(&str, &str)| {
        let own = offset;
        offset += name.len() + value.len() + 1;
        own
    };
    pairs.iter().map(&mut begin).collect()
}

/// Every reading of a text; `None` when there are too many chains of cuts to try.
fn readings(text: &str, rule: CallIdRule) -> Option<Vec<Pairs<'_>>> {
    let cuts = candidate_cuts(text);
    let mut chains: Vec<Vec<(usize, &'static str)>> = cuts
        .iter()
        .filter(|cut| cut.offset == 0)
        .map(|cut| vec![(0, cut.name)])
        .collect();
    let mut found = Vec::new();
    let mut tried = 0;
    while let Some(chain) = chains.pop() {
        tried += 1;
        if tried > CHAINS_MAX {
            return None;
        }
        let &(offset, name) = chain.last()?;
        for next in cuts
            .iter()
            .filter(|next| next.name > name && next.offset > offset + name.len())
        {
            // What can be no value of its name begins no reading: hopeless chains are not grown.
            if could_be(name, &text[offset + name.len() + 1..next.offset], rule) {
                chains.push([&chain[..], &[(next.offset, next.name)]].concat());
            }
        }
        let ends = chain
            .iter()
            .skip(1)
            .map(|(offset, _)| *offset)
            .chain([text.len()]);
        let reading: Pairs<'_> = chain
            .iter()
            .zip(ends)
            .map(|((offset, name), end)| (*name, &text[offset + name.len() + 1..end]))
            .collect();
        let named = reading
            .iter()
            .find(|(name, _)| *name == "method")
            .and_then(|(_, value)| lookup(value));
        if named.is_some_and(|method| is_reading(method, &reading, rule)) {
            found.push(reading);
        }
    }
    Some(found)
}

/// Whether a value could stand behind a name for some method.
fn could_be(name: &str, value: &str, rule: CallIdRule) -> bool {
    let own = METHODS.iter().flat_map(|method| method.params);
    let mut shapes = COMMON
        .iter()
        .chain(own)
        .filter(|param| param.name == name)
        .map(|param| param.shape);
    let any_text = name == "call_id" && rule == CallIdRule::Ignored;
    any_text || shapes.any(|shape| shape == Shape::Callback || value.is_empty() || shape.admits(value))
}

/// The definition of protocol 7.2, condition by condition.
fn is_reading(method: &MethodSpec, reading: &Pairs<'_>, rule: CallIdRule) -> bool {
    let has = |wanted: &str| reading.iter().any(|(name, _)| *name == wanted);
    let session = method.session == SessionNeed::Required;
    let fits = |(name, value): &(&str, &str)| {
        let Some(param) = COMMON
            .iter()
            .chain(method.params)
            .find(|param| param.name == *name)
        else {
            return false;
        };
        let empty_fits = match *name {
            "session_key" => !session,
            "call_id" => !session || rule == CallIdRule::Ignored,
            "api_key" | "method" | "v" | "id" => false,
            _ => true,
        };
        match (*name, param.shape) {
            ("method", _) => lookup(value).is_some_and(|named| named.name == method.name),
            ("call_id", _) if rule == CallIdRule::Ignored => value.len() <= 64 && !value.contains('='),
            (_, Shape::Free | Shape::Callback) => true,
            (_, shape) => {
                if value.is_empty() {
                    empty_fits
                } else {
                    shape.admits(value)
                }
            }
        }
    };
    let required = method
        .params
        .iter()
        .filter(|param| param.required)
        .map(|param| param.name);
    reading.iter().all(fits)
        && ["api_key", "method", "v"].into_iter().chain(required).all(has)
        && (!session || (has("session_key") && (rule == CallIdRule::Ignored || has("call_id"))))
        && method.one_of.is_none_or(|names| names.into_iter().any(has))
}
