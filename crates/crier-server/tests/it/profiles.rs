//! The settings of protocol 17.1 by `fixtures/profiles/settings.json`: what each value does, set alone on an application that is
//! otherwise `documented`, and what each profile is made of.

use crier_platform::accounts::admin::app_settings;
use crier_platform::model::app::{AppKind, ProfileName};
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, SESSION_KEY};
use crier_testkit::{Answer, Identity, Signing, TestServer};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Where a server's clock stands at first.
const START_SECS: i64 = 1_795_219_200;

fn fixture() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/profiles/settings.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn server_of(profile: ProfileName) -> TestServer {
    let server = TestServer::start().await.unwrap();
    let kind = AppKind::Web;
    Identity { kind, profile }
        .establish(server.accounts())
        .await
        .unwrap();
    server
}

/// The application's settings by name.
async fn setting(server: &TestServer, name: &str) -> String {
    let app = server.accounts().find_app(APP_NAME).await.unwrap();
    let settings = app_settings(&app);
    let found = settings.into_iter().find(|(key, _)| *key == name);
    found.unwrap_or_else(|| panic!("{name}")).1
}

/// The answer of a probe's call; `number` makes its `call_id` greater than those before, unless the probe names one.
async fn asked(server: &TestServer, (number, row): (u64, &Value)) -> Answer {
    let taken = setting(server, "signature").await;
    let signing = match row["sign"].as_str().unwrap_or(&taken) {
        "md5" => Signing::Md5,
        _hmac => Signing::Hmac(START_SECS),
    };
    let caller = server
        .caller(API_KEY, APP_SECRET)
        .with_session(SESSION_KEY)
        .signing(signing)
        .from_call_id(1_000_000_000 + number);
    let mut params: Vec<(&str, &str)> = row["params"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    if !params.iter().any(|(name, _)| *name == "format") {
        params.push(("format", "json"));
    }
    caller.call(text(&row["call"]), &params).await.unwrap()
}

/// Plays a probe and compares every answer with its row.
async fn plays(server: &TestServer, probe: &Value, whose: &str) {
    let detailed = setting(server, "feed_errors").await == "detailed";
    for (number, row) in (0..).zip(probe["calls"].as_array().unwrap()) {
        let answer = asked(server, (number, row)).await;
        let of = format!("{whose}: {row}: {}", answer.text());
        assert_eq!(answer.status, 200, "{of}");
        if let Some(body) = row["body"].as_str() {
            assert_eq!(answer.text(), body, "{of}");
            continue;
        }
        let code = match &row["code"] {
            Value::Array(codes) => &codes[usize::from(detailed)],
            one => one,
        };
        let told = answer.error_code().map(Value::from);
        assert_eq!(told.as_ref(), Some(code), "{of}");
        if let Some(cause) = row["cause"].as_str() {
            assert!(
                text(&answer.json()["error_msg"]).ends_with(&format!(": {cause}")),
                "{of}"
            );
        }
    }
}

const PROFILES: [(&str, ProfileName); 3] = [
    ("documented", ProfileName::Documented),
    ("period", ProfileName::Period),
    ("modern", ProfileName::Modern),
];

#[tokio::test]
async fn each_profile_sets_all_settings_of_its_column() {
    let fixture = fixture();
    for (name, profile) in PROFILES {
        let server = server_of(ProfileName::Documented).await;
        let changed = [("profile".to_owned(), name.to_owned())];
        server.accounts().set_app(APP_NAME, &changed).await.unwrap();
        let created = server_of(profile).await;
        let column = fixture["profiles"][name].as_object().unwrap();
        assert_eq!(column.len(), 8, "{name}");
        for (key, value) in column {
            assert_eq!(setting(&server, key).await, text(value), "{name} {key}");
            assert_eq!(setting(&created, key).await, text(value), "{name} {key}");
        }
    }
}

#[tokio::test]
async fn each_value_of_each_setting_set_alone_does_what_its_probe_says() {
    let fixture = fixture();
    let mut probed = BTreeSet::new();
    for probe in fixture["probes"].as_array().unwrap() {
        let (key, value) = (text(&probe["setting"]), text(&probe["value"]));
        let server = server_of(ProfileName::Documented).await;
        let changed = [(key.to_owned(), value.to_owned())];
        server.accounts().set_app(APP_NAME, &changed).await.unwrap();
        for (other, documented) in fixture["profiles"]["documented"].as_object().unwrap() {
            let expected = if other == key { value } else { text(documented) };
            assert_eq!(setting(&server, other).await, expected, "{key}={value}: {other}");
        }
        plays(&server, probe, &format!("{key}={value}")).await;
        probed.insert((key.to_owned(), value.to_owned()));
    }
    assert_eq!(probed.len(), 17, "a value without a probe");
}

#[tokio::test]
async fn each_profile_does_what_the_probes_of_its_settings_say() {
    let fixture = fixture();
    for (name, profile) in PROFILES {
        for probe in fixture["probes"].as_array().unwrap() {
            if fixture["profiles"][name][text(&probe["setting"])] != probe["value"] {
                continue;
            }
            let server = server_of(profile).await;
            plays(&server, probe, &format!("{name}, {}", probe["setting"])).await;
        }
    }
}
