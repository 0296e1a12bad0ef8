//! Answers. Input: texts with `|` between them.
//!
//! Invariants: every document reads back, by readers that are not ours, as what was said; no wrapped document can end a
//! script element or a string early.

use crier_proto::error::{Code, Refusal};
use crier_proto::pairs::Pair;
use crier_proto::render::jsonp::Callback;
use crier_proto::render::{Format, Style, error, success};
use crier_proto::reply::Reply;
use quick_xml::events::Event;

/// Judges the answers that carry these texts.
pub fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let texts: Vec<&str> = text.split('|').collect();
    let items = texts.iter().map(|text| Reply::Text((*text).to_owned())).collect();
    let reply = Reply::Object(vec![
        (
            "seq",
            Reply::Integer(i64::try_from(text.len()).unwrap_or(i64::MAX)),
        ),
        ("timeline", Reply::List(items)),
        ("id", Reply::Text(text.to_owned())),
    ]);
    let json = body(success(&style(Format::Json, None), &reply).body);
    assert!(json.is_ascii());
    let read: serde_json::Value = serde_json::from_str(&json).expect("an answer is JSON");
    assert_eq!(read["id"].as_str(), Some(text));
    assert_eq!(read["timeline"].as_array().map(Vec::len), Some(texts.len()));

    let xml = body(success(&style(Format::Xml, None), &reply).body);
    let replaced: String = text
        .chars()
        .map(|c| if forbidden(c) { '\u{fffd}' } else { c })
        .collect();
    assert_eq!(text_of(&xml, "id"), replaced);

    let args: Vec<_> = texts
        .iter()
        .map(|text| Pair {
            name: "message".into(),
            value: (*text).into(),
        })
        .collect();
    let refusal = Refusal::because(Code::InvalidParameter, text.to_owned());
    let read: serde_json::Value =
        serde_json::from_str(&body(error(&style(Format::Json, None), &refusal, &args).body))
            .expect("an error is JSON");
    assert_eq!(read["request_args"].as_array().map(Vec::len), Some(args.len()));
    assert_eq!(read["error_msg"].as_str(), Some(refusal.message().as_str()));
    assert_eq!(
        text_of(
            &body(error(&style(Format::Xml, None), &refusal, &args).body),
            "error_msg"
        ),
        refusal.message()
    );

    for format in [Format::Xml, Format::Json] {
        let wrapped = body(success(&style(format, Some("a.b")), &reply).body);
        assert!(wrapped.is_ascii() && !wrapped.contains(['<', '>', '\n', '\r']));
    }
}

/// A style with the root of a status answer.
fn style(format: Format, callback: Option<&str>) -> Style {
    Style {
        format,
        callback: callback.and_then(Callback::parse),
        root: "liveMessage_status_response".to_owned(),
    }
}

/// The text of a body.
fn body(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("an answer is UTF-8")
}

/// What XML 1.0 cannot hold.
fn forbidden(c: char) -> bool {
    (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The text of the element `name`, references resolved; the whole document must be well-formed.
fn text_of(document: &str, name: &str) -> String {
    let mut reader = quick_xml::Reader::from_str(document);
    let (mut text, mut inside, mut depth) = (String::new(), false, 0u32);
    loop {
        match reader.read_event().expect("an answer is well-formed") {
            Event::Eof => break,
            Event::Start(start) => {
                depth += 1;
                inside = start.name().as_ref() == name;
            }
            Event::End(_) => {
                depth -= 1;
                inside = false;
            }
            Event::Text(piece) if inside => text.push_str(&piece),
            Event::GeneralRef(reference) => {
                let resolved = match &*reference {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "#13" => "\r",
                    other => unreachable!("no answer refers to {other}"),
                };
                if inside {
                    text.push_str(resolved);
                }
            }
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    text
}
