//! The reading rule against the definition that it decides (protocol 7.2): every reading, found one by one.
//!
//! The enumerator below is written from the definition and shares no step with the rule's own search.

use crate::support::call;
use crier_proto::decimal::Decimal;
use crier_proto::params::{COMMON, METHODS, MethodSpec, SessionNeed, lookup, read_bool, read_int};
use crier_proto::reading::{CallIdRule, candidate_cuts, one_reading_only};
use crier_proto::signature::signed_text_v1;
use proptest::prelude::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const SESSION: &str = "acacbdbd010123237878dede-1240077";

/// A reading: names and values in the order of the text.
type Reading = Vec<(String, String)>;

fn hex(value: &str, length: usize) -> bool {
    value.len() == length && value.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

fn number(value: &str) -> bool {
    value
        .parse::<i64>()
        .is_ok_and(|number| number > 0 && number.to_string() == value)
}

/// Line by line the table of protocol 7.2 f.
fn fits(method: &MethodSpec, name: &str, value: &str, rule: CallIdRule) -> bool {
    let no_session = method.session != SessionNeed::Required;
    match name {
        "api_key" => value == KEY,
        "method" => lookup(value).is_some_and(|named| named.name == method.name),
        "v" => value == "1.0",
        "session_key" if value.is_empty() => no_session,
        "session_key" => value
            .split_once('-')
            .is_some_and(|(digits, uid)| hex(digits, 24) && number(uid)),
        "call_id" if rule == CallIdRule::Ignored => value.len() <= 64 && !value.contains('='),
        "call_id" if value.is_empty() => no_session,
        "call_id" => value.parse::<Decimal>().is_ok(),
        "format" => ["", "xml", "json"].contains(&value.to_lowercase().as_str()),
        "ss" | "return_ssl_resources" | "outcome" | "serial_only" | "generate_session_secret" => {
            read_bool(value).is_some()
        }
        "locale" => value.is_empty() || ["en_US", "de_DE", "en"].contains(&value),
        "call_as_apikey" => value.is_empty(),
        "recipient" | "uid" | "aid" => value.is_empty() || number(value),
        "auth_token" => value.is_empty() || hex(value, 32) || value == "AB12Z",
        "id" => hex(value, 32),
        "priority" => value.is_empty() || read_int(value, 0, 100).is_some(),
        "timeout_ms" => value.is_empty() || read_int(value, 0, 5000).is_some(),
        "ttl" => value.is_empty() || read_int(value, 0, 86_400).is_some(),
        "wait" => ["", "none", "written", "acked"].contains(&value),
        "fanout" => ["", "all", "one", "focused"].contains(&value),
        "collapse_key" => {
            value.len() <= 32
                && value
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        }
        "file_sha256" => value.is_empty() || hex(value, 64),
        _ => true,
    }
}

/// Whether names and values are a reading for `method`.
fn is_reading(method: &MethodSpec, reading: &Reading, rule: CallIdRule) -> bool {
    let has = |wanted: &str| reading.iter().any(|(name, _)| name == wanted);
    let known = |name: &str| COMMON.iter().chain(method.params).any(|param| param.name == name);
    let mut required = vec!["api_key", "method", "v"];
    if method.session == SessionNeed::Required {
        required.push("session_key");
        required.extend((rule == CallIdRule::Needed).then_some("call_id"));
    }
    required.extend(match method.name {
        "liveMessage.send" => &["event_name", "message"][..],
        "feed.publishStoryToUser" => &["title"],
        "auth.getSession" => &["auth_token"],
        "liveMessage.status" | "liveMessage.cancel" => &["id"],
        "batch.run" => &["method_feed"],
        _ => &[],
    });
    reading.is_sorted_by(|(one, _), (next, _)| one < next)
        && reading
            .iter()
            .all(|(name, value)| known(name) && fits(method, name, value, rule))
        && required.into_iter().all(has)
        && (method.name != "liveMessage.send" || has("recipient") || has("uid"))
}

/// Every reading of a text, by trying every set of candidate cuts whose names rise.
fn readings(text: &str, rule: CallIdRule) -> Vec<Reading> {
    let cuts: Vec<_> = candidate_cuts(text)
        .into_iter()
        .map(|cut| (cut.offset, cut.name))
        .collect();
    let mut chains: Vec<Vec<(usize, &str)>> = cuts
        .iter()
        .filter(|(offset, _)| *offset == 0)
        .map(|cut| vec![*cut])
        .collect();
    let mut found = Vec::new();
    while let Some(chain) = chains.pop() {
        let (offset, name) = *chain.last().unwrap();
        for next in cuts
            .iter()
            .filter(|next| next.1 > name && next.0 > offset + name.len())
        {
            // What fits no method's line begins no reading: hopeless chains are not grown.
            let value = &text[offset + name.len() + 1..next.0];
            if METHODS.iter().any(|method| fits(method, name, value, rule)) {
                chains.push([chain.clone(), vec![*next]].concat());
            }
        }
        let ends = chain.iter().skip(1).map(|cut| cut.0).chain([text.len()]);
        let reading: Reading = chain
            .iter()
            .zip(ends)
            .map(|((offset, name), end)| ((*name).to_owned(), text[offset + name.len() + 1..end].to_owned()))
            .collect();
        let named = reading
            .iter()
            .find(|(name, _)| name == "method")
            .and_then(|(_, value)| lookup(value));
        if named.is_some_and(|method| is_reading(method, &reading, rule)) {
            found.push(reading);
        }
    }
    found
}

/// The offsets at which a sorted request's names begin.
fn offsets(reading: &Reading) -> Vec<usize> {
    reading
        .iter()
        .scan(0, |offset, (name, value)| {
            let own = *offset;
            *offset += name.len() + value.len() + 1;
            Some(own)
        })
        .collect()
}

fn passes(request: &Reading, text: &str, rule: CallIdRule) -> bool {
    let call = call("POST", "/restserver.php", request);
    one_reading_only(call.pairs(), text, rule).is_ok()
}

/// Values that are right somewhere, and pieces of other requests.
fn piece() -> impl Strategy<Value = String> {
    let names = COMMON
        .iter()
        .chain(METHODS.iter().flat_map(|method| method.params))
        .map(|param| format!("{}=", param.name));
    let values = [
        "",
        "1",
        "1.0",
        "x",
        "é",
        "e",
        "en_US",
        "json",
        "one",
        "acked",
        "true",
        "AB12Z",
        KEY,
        SESSION,
        "5",
        "k-1",
        "0",
        "liveMessage.send",
        "feed_publishStoryToUser",
        "auth.getSession",
        "facebook.liveMessage.status",
    ];
    prop_oneof![
        3 => prop::sample::select(names.collect::<Vec<_>>()),
        2 => prop::sample::select(values.map(str::to_owned).to_vec()),
    ]
}

/// Values of free text with up to three pieces.
fn free() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..4).prop_map(|pieces| pieces.concat())
}

/// Requests that are right but for what stands in their free values, sorted as they are signed.
fn request() -> impl Strategy<Value = Reading> {
    let optional = |name: &'static str, values: &'static [&'static str]| {
        prop::option::of(
            prop::sample::select(values).prop_map(move |value| (name.to_owned(), value.to_owned())),
        )
    };
    let common = (
        optional("call_id", &["1", "2.5", ""]),
        optional("format", &["json", "", "XML"]),
        optional("locale", &["en_US", ""]),
        optional("ss", &["1", ""]),
        optional("foo", &["bar"]),
        prop::option::of(free().prop_map(|value| ("callback".to_owned(), value))),
    );
    let own = prop_oneof![
        (
            free(),
            free(),
            prop::sample::select(vec!["recipient", "uid"]),
            optional("fanout", &["one", ""]),
            optional("ttl", &["5", ""])
        )
            .prop_map(|(event, message, to, fanout, ttl)| {
                let own = [
                    ("method", "liveMessage.send".to_owned()),
                    (to, "5".to_owned()),
                    ("event_name", event),
                    ("message", message),
                ];
                (
                    own.map(|(name, value)| (name.to_owned(), value)).to_vec(),
                    [fanout, ttl],
                )
            }),
        (
            free(),
            free(),
            free(),
            optional("body", &["b"]),
            optional("priority", &["5", ""])
        )
            .prop_map(|(title, image, link, body, priority)| {
                let own = [
                    ("method", "facebook.feed.publishStoryToUser".to_owned()),
                    ("title", title),
                    ("image_1", image),
                    ("image_1_link", link),
                ];
                (
                    own.map(|(name, value)| (name.to_owned(), value)).to_vec(),
                    [body, priority],
                )
            }),
        (
            free(),
            optional("auth_token", &["AB12Z", KEY]),
            optional("generate_session_secret", &["", "1"])
        )
            .prop_map(|(host, token, secret)| {
                let own = [("method", "auth.getSession".to_owned()), ("host_url", host)];
                (
                    own.map(|(name, value)| (name.to_owned(), value)).to_vec(),
                    [token, secret],
                )
            }),
        (free(), optional("id", &[KEY]), optional("uid", &["5"])).prop_map(|(feed, id, uid)| {
            let own = [("method", "batch.run".to_owned()), ("method_feed", feed)];
            (
                own.map(|(name, value)| (name.to_owned(), value)).to_vec(),
                [id, uid],
            )
        }),
    ];
    (common, own).prop_map(
        |((call_id, format, locale, ss, unknown, callback), (own, more))| {
            let fixed = [("api_key", KEY), ("v", "1.0"), ("session_key", SESSION)];
            let mut request: Reading = fixed
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec();
            request.extend(own);
            request.extend(more.into_iter().flatten());
            request.extend(
                [call_id, format, locale, ss, unknown, callback]
                    .into_iter()
                    .flatten(),
            );
            request.sort();
            request
        },
    )
}

fn rule() -> impl Strategy<Value = CallIdRule> {
    prop_oneof![Just(CallIdRule::Needed), Just(CallIdRule::Ignored)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(800) })]

    #[test]
    fn a_request_passes_exactly_if_every_reading_is_coarser(request in request(), rule in rule()) {
        let call = call("POST", "/restserver.php", &request);
        let text = signed_text_v1(call.pairs().as_slice());
        let own = offsets(&request);
        let all_coarser =
            readings(&text, rule).iter().flat_map(offsets).all(|offset| own.contains(&offset));
        prop_assert_eq!(one_reading_only(call.pairs(), &text, rule).is_ok(), all_coarser, "{}", text);
    }

    #[test]
    fn of_all_requests_with_one_signed_text_at_most_one_is_accepted(request in request(), rule in rule()) {
        let call = call("POST", "/restserver.php", &request);
        let text = signed_text_v1(call.pairs().as_slice());
        // Whatever is accepted has known names and right values, and so is a reading itself.
        let accepted = readings(&text, rule).into_iter().filter(|reading| passes(reading, &text, rule));
        prop_assert!(accepted.count() <= 1, "{}", text);
    }
}

#[test]
fn readings_of_the_vectors_are_as_many_as_they_say() {
    let vectors = crate::support::json("period/vectors.json");
    for vector in vectors["one_reading"].as_array().unwrap() {
        let (text, setting) = (
            vector["signed_text"].as_str().unwrap(),
            vector["call_id_setting"].as_str().unwrap(),
        );
        let rule = if setting == "ignored" {
            CallIdRule::Ignored
        } else {
            CallIdRule::Needed
        };
        // R40 and R41 have thousands of cuts: too many chains to try one by one.
        if let (Some(count), true) = (vector["reading_count"].as_u64(), text.len() < 1_500) {
            assert_eq!(readings(text, rule).len() as u64, count, "{}", vector["id"]);
        }
    }
}

#[test]
fn a_tail_that_no_reading_reaches_hides_no_later_one() {
    let body = format!("method=feed.publishStoryToUsersession_key={SESSION}title=");
    let pairs = [
        ("api_key", KEY),
        ("body", &body),
        ("call_id", "1callback=f"),
        ("method", "feed.publishStoryToUser"),
        ("session_key", SESSION),
        ("title", "t"),
        ("v", "1.0"),
    ];
    let request = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let call = call("POST", "/restserver.php", &request);
    let text = signed_text_v1(call.pairs().as_slice());
    let refused = one_reading_only(call.pairs(), &text, CallIdRule::Needed).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the signed text has a second reading within call_id, percent-encode it or use sig_version 2"
    );
}
