//! Every XML body of the fixtures is valid against its schema (protocol 13.12), as judged by xmllint.
//!
//! Needs xmllint, which `cargo xtask test` provides.
#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on has failed its test"
)]

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What xmllint says against a document; empty when it is valid.
fn complaint(schema: &str, document: &str) -> String {
    let schema: PathBuf = root().join(Path::new("src/render").join(schema));
    let mut child = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .arg(schema)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start me through cargo xtask test");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(document.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        String::new()
    } else {
        String::from_utf8(output.stderr).unwrap()
    }
}

fn cases(path: &Path) -> Vec<Value> {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

#[test]
fn every_xml_success_is_valid_against_its_schema() {
    let mut judged = 0;
    for entry in std::fs::read_dir(root().join("../../fixtures/replies")).unwrap() {
        for case in cases(&entry.unwrap().path()) {
            if let Some(schema) = case["schema"].as_str() {
                let complaint = complaint(&format!("{schema}.xsd"), case["body"].as_str().unwrap());
                assert_eq!(complaint, "", "{} {}", case["method"], case["name"]);
                judged += 1;
            }
        }
    }
    assert!(judged >= 30, "{judged}");
}

#[test]
fn every_xml_error_is_valid_against_the_period_schema() {
    for case in cases(&root().join("../../fixtures/errors/table.json")) {
        assert_eq!(
            complaint("facebook.xsd", case["xml"].as_str().unwrap()),
            "",
            "{}",
            case["name"]
        );
    }
}

#[test]
fn the_schemas_refuse_what_no_method_answers() {
    let file = root().join("../../fixtures/replies/live_message_send.json");
    let body = cases(&file)[0]["body"].as_str().unwrap().to_owned();
    assert_ne!(complaint("facebook.xsd", &body.replace(">1<", ">2<")), "");
    assert_ne!(
        complaint(
            "facebook.xsd",
            &body.replace("liveMessage_send", "livemessage_send")
        ),
        ""
    );
    assert_ne!(complaint("crier.xsd", &body), "");
}
