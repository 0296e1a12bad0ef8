//! The signature vectors, both versions, and the one-reading cases of `fixtures/period/vectors.json`; and the requests
//! that unmodified clients of 2008 sent, whose signatures must hold for what the wire reads.

use crate::support::{call, fixture, json, pairs_of};
use crier_proto::call::{Body, RawCall, RequestParts};
use crier_proto::reading::{Ambiguous, CallIdRule, candidate_cuts, one_reading_only};
use crier_proto::secret::Secret;
use crier_proto::signature::{Signed, Version, read_ts, sign_v1, sign_v2, signed_text_v1};
use crier_proto::signed_set;
use serde_json::Value;
use std::net::Ipv4Addr;

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap()
}

fn constant(vectors: &Value, letter: &str) -> Secret {
    Secret::new(text(&vectors["constants"][letter], "value"))
}

#[test]
fn version_1_vectors_have_their_text_and_signature() {
    let vectors = json("period/vectors.json");
    let list = vectors["v1"].as_array().unwrap();
    assert_eq!(list.len(), 14);
    for vector in list {
        let id = text(vector, "id");
        let pairs = pairs_of(&vector["params"]);
        let secret = constant(&vectors, text(vector, "secret"));
        let call = call("POST", "/restserver.php", &pairs);
        let signed = Signed::of(&call).unwrap();
        assert_eq!(
            (signed.version, signed.text.as_str()),
            (Version::Md5, text(vector, "signed_text")),
            "{id}"
        );
        assert_eq!(
            signed.text.len() as u64,
            vector["signed_text_bytes"].as_u64().unwrap(),
            "{id}"
        );
        assert_eq!(sign_v1(&signed.text, &secret), text(vector, "sig"), "{id}");
        assert!(signed.matches(text(vector, "sig"), &secret), "{id}");
        if text(vector, "set") != "call" {
            let fields: Vec<_> = pairs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(signed_set::sign(&fields, &secret), text(vector, "sig"), "{id}");
        }
    }
}

#[test]
fn version_2_vectors_have_their_text_and_verdict() {
    let vectors = json("period/vectors.json");
    let list = vectors["v2"].as_array().unwrap();
    assert_eq!(list.len(), 16);
    for vector in list {
        let id = text(vector, "id");
        let secret = Secret::new(text(vector, "secret"));
        let call = call(
            text(vector, "http_method"),
            text(vector, "path"),
            &pairs_of(&vector["params"]),
        );
        let signed = Signed::of(&call).unwrap();
        assert_eq!(
            (signed.version, signed.text.as_str()),
            (Version::Hmac, text(vector, "canonical")),
            "{id}"
        );
        assert_eq!(
            signed.text.len() as u64,
            vector["canonical_bytes"].as_u64().unwrap(),
            "{id}"
        );
        assert_eq!(sign_v2(&signed.text, &secret), text(vector, "hmac"), "{id}");
        let ts = read_ts(call.pairs().get("ts").unwrap()).unwrap();
        let in_window = vector["now"].as_i64().unwrap().abs_diff(ts) <= 300;
        let accepted = in_window && signed.matches(text(vector, "sig"), &secret);
        assert_eq!(accepted, text(vector, "expect").starts_with("accepted"), "{id}");
    }
}

#[test]
fn one_reading_vectors_have_their_cuts_and_verdict() {
    let vectors = json("period/vectors.json");
    let list = vectors["one_reading"].as_array().unwrap();
    assert_eq!(list.len(), 41);
    for vector in list {
        let id = text(vector, "id");
        let call = call("POST", "/restserver.php", &pairs_of(&vector["params"]));
        let signed = signed_text_v1(call.pairs().as_slice());
        assert_eq!(signed, text(vector, "signed_text"), "{id}");
        assert_eq!(
            candidate_cuts(&signed).len() as u64,
            vector["candidate_cuts"].as_u64().unwrap(),
            "{id}"
        );
        let rule = match text(vector, "call_id_setting") {
            "ignored" => CallIdRule::Ignored,
            "required" | "unique" => CallIdRule::Needed,
            other => panic!("{id}: {other}"),
        };
        let verdict = one_reading_only(call.pairs(), &signed, rule);
        assert_eq!(
            if verdict.is_ok() { "passed" } else { "refused" },
            text(vector, "verdict"),
            "{id}: {verdict:?}"
        );
    }
}

#[test]
fn the_cause_names_the_parameter_in_whose_text_the_first_foreign_cut_lies() {
    let vectors = json("period/vectors.json");
    for (id, within) in [
        ("R3", "event_name"),
        ("R5", "image_1_link"),
        ("R14", "body"),
        ("R19", "event_name"),
        ("R20", "message"),
        ("R31", "caption"),
    ] {
        let vector = vectors["one_reading"]
            .as_array()
            .unwrap()
            .iter()
            .find(|vector| vector["id"] == id)
            .unwrap();
        let call = call("POST", "/restserver.php", &pairs_of(&vector["params"]));
        let rule = if vector["call_id_setting"] == "ignored" {
            CallIdRule::Ignored
        } else {
            CallIdRule::Needed
        };
        let verdict = one_reading_only(call.pairs(), &signed_text_v1(call.pairs().as_slice()), rule);
        assert_eq!(
            verdict,
            Err(Ambiguous::ForeignCut {
                within: within.into()
            }),
            "{id}"
        );
    }
}

/// Splits a raw request as the HTTP edge would: request line, headers, body.
fn request(raw: &[u8]) -> RequestParts {
    let end = raw.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&raw[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap().split(' ');
    let verb = words.next().unwrap().to_owned();
    let target = words.next().unwrap();
    let content_type = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.trim().as_bytes().to_vec());
    let query = target.split_once('?').map_or("", |(_, query)| query);
    RequestParts {
        verb,
        path: "/restserver.php".into(),
        query: query.into(),
        body: Body::of(content_type.as_deref(), raw[end + 4..].to_vec()),
        source: Ipv4Addr::LOCALHOST.into(),
    }
}

#[test]
fn every_captured_request_is_read_whole_and_its_signature_holds() {
    let vectors = json("period/vectors.json");
    let index = std::fs::read_to_string(fixture("period/captures/index.tsv")).unwrap();
    let mut seen = 0;
    for line in index.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let file = columns[0];
        let raw = std::fs::read(fixture("period/captures").join(file)).unwrap();
        let call = RawCall::read(request(&raw)).unwrap_or_else(|refused| panic!("{file}: {refused:?}"));
        let names: Vec<_> = call.pairs().as_slice().iter().map(|pair| &*pair.name).collect();
        let sent: Vec<_> = [columns[7], columns[8]]
            .into_iter()
            .filter(|list| *list != "-")
            .flat_map(|list| list.split(" + ").next().unwrap().split(','))
            .collect();
        assert_eq!(names, sent, "{file}");
        let letter = if columns[10].starts_with("session") {
            "S"
        } else {
            "A"
        };
        let signed = Signed::of(&call).unwrap();
        assert!(signed.matches(columns[9], &constant(&vectors, letter)), "{file}");
        assert_eq!(call.file().is_some(), file.contains("photos.upload"), "{file}");
        seen += 1;
    }
    assert_eq!(seen, 19);
}
