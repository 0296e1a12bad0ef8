//! What the wire reads of a request, and what it refuses (`fixtures/calls`).

use crate::support::json;
use crier_proto::call::{Body, RawCall, RequestParts};
use crier_proto::decimal::Decimal;
use crier_proto::error::Code;
use crier_proto::params::{lookup, root_element};
use crier_proto::render::Format;
use serde_json::Value;
use std::net::Ipv4Addr;

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// The body of a case: text, or hexadecimal digits.
fn body(case: &Value) -> Vec<u8> {
    case["body"]
        .as_str()
        .map_or_else(|| bytes(&case["body_hex"]), |text| text.as_bytes().to_vec())
}

#[test]
fn every_request_is_read_or_refused_as_its_case_says() {
    for case in json("calls/shapes.json")["cases"].as_array().unwrap() {
        let name = &case["name"];
        let request = RequestParts {
            verb: case["verb"].as_str().unwrap().into(),
            path: "/restserver.php".into(),
            query: case["query"].as_str().unwrap().into(),
            body: Body::of(case["content_type"].as_str().map(str::as_bytes), body(case)),
            source: Ipv4Addr::LOCALHOST.into(),
        };
        match (RawCall::read(request), case.get("cause")) {
            (Ok(call), None) => {
                let pairs: Vec<_> = call
                    .pairs()
                    .as_slice()
                    .iter()
                    .map(|pair| vec![&*pair.name, &*pair.value])
                    .collect();
                assert_eq!(serde_json::to_value(pairs).unwrap(), case["pairs"], "{name}");
                let file = case.get("file_hex").filter(|hex| !hex.is_null()).map(bytes);
                assert_eq!(call.file().map(|file| file.bytes.clone()), file, "{name}");
            }
            (Err(refused), Some(cause)) => {
                assert_eq!(refused.refusal.code(), Code::InvalidParameter, "{name}");
                assert_eq!(refused.refusal.cause(), cause.as_str(), "{name}");
                assert_eq!(
                    Some(refused.format),
                    Format::named(case["format"].as_str().unwrap()),
                    "{name}"
                );
            }
            (Ok(_), Some(_)) => panic!("{name}: was read"),
            (Err(refused), None) => panic!("{name}: {refused:?}"),
        }
    }
}

#[test]
fn every_spelling_names_its_method_and_root() {
    for case in json("calls/methods.json")["cases"].as_array().unwrap() {
        let spelled = case["spelled"].as_str().unwrap();
        assert_eq!(
            lookup(spelled).map(|method| method.name),
            case["method"].as_str(),
            "{spelled}"
        );
        if let Some(root) = case["root"].as_str() {
            assert_eq!(root_element(spelled), root);
        }
    }
}

#[test]
fn every_call_id_has_its_plain_notation() {
    for case in json("calls/call_ids.json")["cases"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let plain = text.parse::<Decimal>().ok().map(|value| value.to_string());
        assert_eq!(plain.as_deref(), case["plain"].as_str(), "{text}");
    }
}
