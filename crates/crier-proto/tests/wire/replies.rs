//! Every method × format × outcome, and every error row, byte for byte (`fixtures/replies`, `fixtures/errors`).

use crate::support::{fixture, json};
use crier_proto::error::{Code, Refusal};
use crier_proto::pairs::Pair;
use crier_proto::params::{METHODS, root_element};
use crier_proto::render::{Format, Rendered, Style, error, jsonp::Callback, success};
use crier_proto::reply::Reply;
use serde_json::Value;
use std::collections::BTreeSet;

/// A reply as the fixtures write it: one type name and its value.
fn reply(value: &Value) -> Reply {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "bool" => Reply::Bool(value.as_bool().unwrap()),
        "integer" => Reply::Integer(value.as_i64().unwrap()),
        "text" => Reply::Text(value.as_str().unwrap().to_owned()),
        "list" => Reply::List(value.as_array().unwrap().iter().map(reply).collect()),
        "object" => Reply::Object(value.as_array().unwrap().iter().map(field).collect()),
        other => panic!("{other}"),
    }
}

fn field(pair: &Value) -> (&'static str, Reply) {
    // Field names are literals in the program; a test may leak the few that it reads.
    (
        Box::leak(pair[0].as_str().unwrap().to_owned().into_boxed_str()),
        reply(&pair[1]),
    )
}

fn style(format: &str, callback: Option<&str>, method: &str) -> Style {
    Style {
        format: Format::named(format).unwrap(),
        callback: callback.map(|name| Callback::parse(name).unwrap()),
        root: root_element(method),
    }
}

fn text(rendered: &Rendered) -> &str {
    std::str::from_utf8(&rendered.body).unwrap()
}

#[test]
fn every_reply_is_rendered_byte_for_byte() {
    let mut methods = BTreeSet::new();
    for entry in std::fs::read_dir(fixture("replies")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        for case in json(&format!("replies/{file}"))["cases"].as_array().unwrap() {
            let method = case["method"].as_str().unwrap();
            let style = style(
                case["format"].as_str().unwrap(),
                case["callback"].as_str(),
                method,
            );
            let rendered = success(&style, &reply(&case["reply"]));
            assert_eq!(
                text(&rendered),
                case["body"].as_str().unwrap(),
                "{file}: {}",
                case["name"]
            );
            assert_eq!(
                rendered.media_type,
                case["media_type"].as_str().unwrap(),
                "{file}: {}",
                case["name"]
            );
            methods.insert(method.to_owned());
        }
    }
    assert!(
        METHODS.iter().all(|method| methods.contains(method.name)),
        "{methods:?}"
    );
}

#[test]
fn every_error_row_is_rendered_byte_for_byte() {
    let mut rows = BTreeSet::new();
    for case in json("errors/table.json")["cases"].as_array().unwrap() {
        let code = Code::ALL
            .into_iter()
            .find(|code| u64::from(code.number()) == case["code"])
            .unwrap();
        assert_eq!(code.name(), case["name"].as_str().unwrap());
        let refusal = match case["cause"].as_str() {
            Some(cause) => Refusal::because(code, cause.to_owned()),
            None => Refusal::plain(code),
        };
        assert_eq!(refusal.message(), case["message"].as_str().unwrap());
        let args: Vec<_> = case["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|arg| Pair {
                name: arg[0].as_str().unwrap().into(),
                value: arg[1].as_str().unwrap().into(),
            })
            .collect();
        for (field, format, callback) in [
            ("xml", "xml", None),
            ("json", "json", None),
            ("xml_callback", "xml", Some("MyApp.cb")),
            ("json_callback", "json", Some("MyApp.cb")),
        ] {
            let rendered = error(&style(format, callback, ""), &refusal, &args);
            assert_eq!(text(&rendered), case[field].as_str().unwrap(), "{code:?} {field}");
        }
        rows.insert(code);
    }
    assert!(rows.into_iter().eq(Code::ALL));
}

#[test]
fn a_batch_item_is_the_document_without_its_last_line_end() {
    let xml = success(&style("xml", None, "batch.run"), &Reply::Bool(true)).into_item();
    assert!(xml.ends_with("</batch_run_response>"));
    assert_eq!(
        success(&style("json", None, "batch.run"), &Reply::Bool(true)).into_item(),
        "true"
    );
}
