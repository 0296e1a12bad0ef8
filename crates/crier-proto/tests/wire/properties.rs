//! Properties of the wire: decimals compare as exact numbers, and what is rendered reads back as what was said.

use crier_proto::decimal::Decimal;
use crier_proto::error::{Code, Refusal};
use crier_proto::render::{Format, Style, error, jsonp::Callback, success};
use crier_proto::reply::Reply;
use proptest::prelude::*;
use std::cmp::Ordering;

/// A spelling as its decimal digits on a scale of 10^-119, long enough for every permitted value: schoolbook arithmetic
/// over a vector of digits, least significant first.
fn scaled(text: &str) -> Vec<u8> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap();
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let shift = 119 + exponent - i32::try_from(fraction.len()).unwrap();
    let mut digits = vec![0; usize::try_from(shift).unwrap()];
    digits.extend(
        [integer, fraction]
            .concat()
            .bytes()
            .rev()
            .map(|digit| digit - b'0'),
    );
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (scaled(one), scaled(other));
    one.len()
        .cmp(&other.len())
        .then_with(|| one.iter().rev().cmp(other.iter().rev()))
}

/// Spellings by the grammar of protocol 9.1, near one another often enough to be equal.
fn spelling() -> impl Strategy<Value = String> {
    let digits = prop_oneof!["[0-9]{1,20}", "[01]{1,3}", "0{0,5}[1-3]0{0,5}"];
    let fraction = prop_oneof!["", "\\.[0-9]{1,20}", "\\.0{0,5}[1-3]0{0,5}"];
    let exponent = prop_oneof!["", "[eE][+-]?[0-9]{1,2}", "e-?[0-6]"];
    (digits, fraction, exponent)
        .prop_map(|(digits, fraction, exponent)| [digits, fraction, exponent].concat())
}

/// Texts with everything that a writer must escape.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[\\x01-\\x7f\u{80}-\u{9f}\u{2028}\u{fffe}\u{1f600}'\"<>&/\\\\\\]]{0,12}"
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Reply::Bool),
        any::<i64>().prop_map(Reply::Integer),
        text().prop_map(Reply::Text)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Reply::List),
            prop::collection::vec(inner, 0..3).prop_map(|values| Reply::Object(
                ["id", "seq", "timeline"].into_iter().zip(values).collect()
            )),
        ]
    })
}

fn as_json(reply: &Reply) -> serde_json::Value {
    match reply {
        Reply::Bool(value) => (*value).into(),
        Reply::Integer(value) => (*value).into(),
        Reply::Text(text) => text.as_str().into(),
        Reply::List(items) => items.iter().map(as_json).collect(),
        Reply::Object(fields) => serde_json::Value::Object(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), as_json(value)))
                .collect(),
        ),
    }
}

/// All character data of an XML document, references resolved, by a reader that is not ours.
fn texts(document: &str) -> Vec<String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(document);
    reader.config_mut().check_end_names = true;
    let mut texts = vec![String::new()];
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return texts,
            Event::Text(text) => texts.last_mut().unwrap().push_str(&text),
            Event::GeneralRef(reference) => {
                let resolved = match &*reference {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "#13" => '\r',
                    other => panic!("unexpected reference {other}"),
                };
                texts.last_mut().unwrap().push(resolved);
            }
            Event::Start(_) | Event::End(_) | Event::Empty(_) => texts.push(String::new()),
            Event::Decl(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn style(format: Format, callback: bool) -> Style {
    let callback = callback.then(|| Callback::parse("a.b").unwrap());
    Style {
        format,
        callback,
        root: "batch_run_response".into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn decimals_compare_as_the_numbers_they_spell(one in spelling(), other in spelling()) {
        // Ten to the twentieth has 140 digits on this scale.
        let fits = |text: &str| scaled(text).len() <= 139;
        let read = |text: &str| text.parse::<Decimal>();
        prop_assert_eq!(read(&one).is_ok(), fits(&one), "{}", one);
        if let (Ok(a), Ok(b)) = (read(&one), read(&other)) {
            prop_assert_eq!(a.cmp(&b), compare(&one, &other), "{} {}", one, other);
            prop_assert_eq!(a.sortable().cmp(b.sortable()), a.cmp(&b));
            prop_assert_eq!(Decimal::from_sortable(a.sortable()), Ok(a.clone()));
            prop_assert_eq!(scaled(&a.to_string()), scaled(&one));
        }
    }

    #[test]
    fn json_answers_read_back_as_their_value(reply in reply()) {
        let body = success(&style(Format::Json, false), &reply).body;
        prop_assert!(body.is_ascii());
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap(), as_json(&reply));
    }

    #[test]
    fn wrapped_answers_hold_nothing_that_ends_a_script_or_a_string_early(reply in reply(), format in prop_oneof![Just(Format::Json), Just(Format::Xml)]) {
        let body = String::from_utf8(success(&style(format, true), &reply).body).unwrap();
        prop_assert!(body.starts_with("/**/a.b(") && body.ends_with(");"));
        prop_assert!(body.is_ascii() && !body.contains(['<', '>', '\n', '\r']));
        if format == Format::Xml {
            let literal = body.strip_prefix("/**/a.b('").unwrap().strip_suffix("');").unwrap();
            let as_json = format!("\"{}\"", literal.replace("\\'", "'"));
            let document = serde_json::from_str::<String>(&as_json).unwrap();
            let plain = success(&style(Format::Xml, false), &reply).body;
            prop_assert_eq!(document + "\n", String::from_utf8(plain).unwrap());
        }
    }

    #[test]
    fn xml_texts_read_back_with_forbidden_characters_replaced(values in prop::collection::vec(text(), 1..4)) {
        let items = values.iter().map(|value| Reply::Text(value.clone())).collect();
        let document = String::from_utf8(success(&style(Format::Xml, false), &Reply::List(items)).body).unwrap();
        let forbidden = |c: char| (c < ' ' && !"\t\n\r".contains(c)) || matches!(c, '\u{fffe}' | '\u{ffff}');
        let expected: Vec<String> = values
            .iter()
            .map(|value| value.chars().map(|c| if forbidden(c) { '\u{fffd}' } else { c }).collect())
            .filter(|value: &String| !value.trim().is_empty())
            .collect();
        let found: Vec<String> = texts(&document).into_iter().filter(|text| !text.trim().is_empty()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn error_messages_hold_none_of_the_bytes_that_period_clients_look_for(cause in text(), row in 0..Code::ALL.len()) {
        let message = Refusal::because(Code::ALL[row], cause).message();
        prop_assert!(message.bytes().all(|byte| (0x20..0x7f).contains(&byte) && !b"\"<>&\\".contains(&byte)));
        let body = error(&style(Format::Json, false), &Refusal::plain(Code::ALL[row]), &[]).body;
        let begins_right = body.starts_with(b"{\"error_code\":");
        prop_assert!(begins_right);
    }
}
