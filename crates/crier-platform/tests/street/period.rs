//! The vectors and the raw requests of `fixtures/period` through the whole street: the answers, and the effects, that their
//! notes state.

use crate::asked::Call;
use crate::harness::{OTHER, Street, WEB, app_id, uid};
use crier_platform::model::app::{App, AppKind, CallIdSetting, ProfileName};
use crier_platform::model::session::SessionKind;
use crier_proto::call::{Body, RawCall, RequestParts};
use crier_proto::ids::SessionKey;
use crier_proto::secret::Secret;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/period")
}

fn vectors() -> Value {
    let text = std::fs::read_to_string(folder().join("vectors.json")).expect("the vectors");
    serde_json::from_str(&text).expect("JSON")
}

/// A street with the identity of protocol 21.2, its session's secret as given.
async fn identity(change: impl FnOnce(&mut App), session_secret: &str) -> Street {
    let street = Street::open(change).await;
    let key: SessionKey = "acacbdbd010123237878dede-1240077".parse().expect("SK");
    street
        .add_session_with(key, (None, SessionKind::Fixed), Secret::new(session_secret))
        .await;
    street
}

/// The constant S.
const S: &str = "00112233445566778899aabbccddeeff";

/// A vector's call, with the signature that the vector sends.
fn sent(vector: &Value) -> RequestParts {
    let params = vector["params"].as_object().expect("params");
    let call = params.iter().fold(Call::empty(), |call, (name, value)| {
        call.with(name, value.as_str().expect("text"))
    });
    let mut parts = call
        .with("sig", vector["sig"].as_str().expect("a sig"))
        .unsigned();
    if let Some(verb) = vector["http_method"].as_str() {
        parts.verb = verb.into();
        parts.path = vector["path"].as_str().expect("a path").into();
    }
    if let ("GET", Body::Urlencoded(bytes)) = (&*parts.verb, &mut parts.body) {
        parts.query = std::mem::take(bytes);
        parts.body = Body::Empty;
    }
    parts
}

/// Vectors hold no files: an upload that is verified is told that there is none.
fn is_upload(vector: &Value) -> bool {
    let method = vector["params"]["method"].as_str().unwrap_or_default();
    method == "photos.upload"
}

#[tokio::test]
async fn every_one_reading_vector_gets_the_answer_of_its_whole_call() {
    for vector in vectors()["one_reading"].as_array().expect("a list") {
        let id = vector["id"].as_str().expect("an id");
        let call_id = match vector["call_id_setting"].as_str() {
            Some("ignored") => CallIdSetting::Ignored,
            _required => CallIdSetting::Required,
        };
        let street = identity(|app| app.settings.call_id = call_id, S).await;
        let answer = street.answer(sent(vector)).await;
        let code = answer.error.map_or(0, |code| code.number());
        let then = vector["then"].as_str().expect("an answer");
        let expected = match then.split(' ').next().expect("a word") {
            _any if is_upload(vector) && vector["verdict"] == "passed" => 324,
            "1" | "true" | "object" | "number" | "list" => 0,
            // The vector's token was never issued.
            "session" => 100,
            number => number.parse().expect("a code"),
        };
        let body = String::from_utf8(answer.rendered.body).expect("UTF-8");
        assert_eq!(code, expected, "{id}: {then}: {body}");
    }
}

#[tokio::test]
async fn every_vector_of_version_1_has_its_verdict() {
    let vectors = vectors();
    for vector in vectors["v1"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|vector| vector["set"] == "call")
    {
        let id = vector["id"].as_str().expect("an id");
        let expect = vector["expect"].as_str().expect("a verdict");
        for kind in [AppKind::Web, AppKind::Desktop] {
            let street = identity(
                |app| {
                    app.settings = ProfileName::Period.settings();
                    app.kind = kind;
                },
                S,
            )
            .await;
            let answer = street.answer(sent(vector)).await;
            let code = answer.error.map_or(0, |code| code.number());
            let accepted = match (expect, kind) {
                ("accepted", AppKind::Web) => true,
                ("accepted", AppKind::Desktop) => continue,
                ("104", _) => false,
                (_by_kind, AppKind::Desktop) => true,
                (_by_kind, AppKind::Web) => false,
            };
            assert_eq!(code != 104, accepted, "{id} {kind:?}: {code}");
        }
    }
}

#[tokio::test]
async fn every_vector_of_version_2_has_its_verdict_at_its_own_time() {
    for vector in vectors()["v2"].as_array().expect("a list") {
        let id = vector["id"].as_str().expect("an id");
        let secret = vector["secret"].as_str().expect("a secret");
        let session_secret = if secret.ends_with("__") { secret } else { S };
        let street = identity(|_| {}, session_secret).await;
        street.set_clock_secs(vector["now"].as_i64().expect("a time"));
        let answer = street.answer(sent(vector)).await;
        let code = answer.error.map_or(0, |code| code.number());
        let expect = vector["expect"].as_str().expect("a verdict");
        let expected = match expect {
            "104" => 104,
            _accepted if is_upload(vector) => 324,
            _accepted => 0,
        };
        assert_eq!(code, expected, "{id}: {expect}");
    }
}

/// A raw request as the edge would hand it over.
fn captured(raw: &[u8]) -> RequestParts {
    let end = raw
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .expect("a head");
    let head = std::str::from_utf8(&raw[..end]).expect("a head of ASCII");
    let mut lines = head.split("\r\n");
    let mut words = lines.next().expect("a request line").split(' ');
    let verb = words.next().expect("a verb").to_owned();
    let target = words.next().expect("a target");
    let content_type = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.trim().as_bytes().to_vec());
    RequestParts {
        verb,
        path: "/restserver.php".into(),
        query: target.split_once('?').map_or("", |(_, query)| query).into(),
        body: Body::of(content_type.as_deref(), raw[end + 4..].to_vec()),
        source: std::net::IpAddr::from([127, 0, 0, 1]),
    }
}

fn captures() -> Vec<(String, Vec<u8>)> {
    let mut list: Vec<_> = std::fs::read_dir(folder().join("captures"))
        .expect("the captures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a capture"))
        })
        .collect();
    list.sort();
    assert_eq!(list.len(), 19);
    list
}

async fn replaying(name: &str, profile: ProfileName) -> Street {
    let kind = if name.contains("desktop") {
        AppKind::Desktop
    } else {
        AppKind::Web
    };
    identity(
        |app| {
            app.settings = profile.settings();
            app.kind = kind;
        },
        S,
    )
    .await
}

#[tokio::test]
async fn every_capture_gets_its_stated_answer_and_effect() {
    for (name, raw) in captures() {
        let street = replaying(&name, ProfileName::Period).await;
        let answer = street.answer(captured(&raw)).await;
        let code = answer.error.map_or(0, |code| code.number());
        let body = String::from_utf8(answer.rendered.body).expect("UTF-8");
        let to = |user| street.ports.deliver.cursor(app_id(), uid(user));
        let effects = (
            to(OTHER).await.expect("a cursor").seq,
            street.stories(WEB).await.len(),
        );
        let expected = match () {
            () if name.to_ascii_lowercase().contains("livemessage.send") => (0, (1, 0)),
            () if name.contains("publishStoryToUser") => (0, (0, 1)),
            () if name.contains("createToken") => (0, (0, 0)),
            () if name.contains("getSession") => (100, (0, 0)),
            () if name.contains("batch.run") => (0, (1, 1)),
            // An upload into an album that does not exist.
            () => (120, (0, 0)),
        };
        assert_eq!((code, effects), expected, "{name}: {body}");
        if name.contains("publishStoryToUser") {
            let again = street.answer(captured(&raw)).await;
            assert_eq!(again.error.map(|code| code.number()), Some(340), "{name}");
        }
    }
}

#[tokio::test]
async fn under_the_documented_profile_only_calls_without_a_call_id_are_told_otherwise() {
    for (name, raw) in captures() {
        let street = replaying(&name, ProfileName::Documented).await;
        let code = street
            .answer(captured(&raw))
            .await
            .error
            .map_or(0, |code| code.number());
        let perl_web = name.starts_with("perl") && !name.contains("desktop");
        let expected = match () {
            () if perl_web => 100,
            () if name.contains("getSession") => 100,
            () if name.contains("photos.upload") => 120,
            () => 0,
        };
        assert_eq!(code, expected, "{name}");
    }
}

#[tokio::test]
async fn after_any_one_changed_value_a_capture_is_104_but_for_its_keys() {
    for (name, raw) in captures() {
        let street = replaying(&name, ProfileName::Period).await;
        let call = RawCall::read(captured(&raw)).expect("a readable capture");
        for changed in call
            .pairs()
            .as_slice()
            .iter()
            .filter(|pair| !pair.value.is_empty())
        {
            let (start, last) = changed.value.split_at(changed.value.len() - 1);
            let other = if last == "1" { "2" } else { "1" };
            let spoilt = call.pairs().as_slice().iter().fold(Call::empty(), |call, pair| {
                let value = if pair == changed {
                    format!("{start}{other}")
                } else {
                    pair.value.to_string()
                };
                call.with(&pair.name, &value)
            });
            let answer = street.answer(spoilt.unsigned()).await;
            let expected = match &*changed.name {
                "api_key" => 101,
                "session_key" => 102,
                _any_other => 104,
            };
            assert_eq!(
                answer.error.map(|code| code.number()),
                Some(expected),
                "{name}: {}",
                changed.name
            );
        }
        assert!(street.stories(WEB).await.is_empty());
    }
}
