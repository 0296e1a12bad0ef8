//! Calls of the test page: signed here, then the street of every call, and one outcome in three renderings.

use crate::asked::{Call, said};
use crate::harness::{STRANGER, Street, WEB, app_id};
use crier_platform::call_log::Origin;
use crier_platform::dispatch::{Trial, TriedOut};
use crier_platform::model::app::AppKind;
use crier_platform::model::session::Session;
use crier_proto::call::{Body, RequestParts, Verb};
use crier_proto::pairs::{Pair, urlencoded};
use crier_proto::params::{METHODS, SessionNeed};
use crier_proto::signature::{Version, sign_v1, sign_v2};
use std::sync::Arc;

impl Street {
    async fn trial(&self, session: Option<Arc<Session>>, method: &str, values: &[(&str, &str)]) -> Trial {
        Trial {
            app: self.app().await,
            session,
            ss: false,
            version: Version::Md5,
            verb: Verb::Post,
            method: method.to_owned(),
            parameters: values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            file: None,
            source: [127, 0, 0, 1].into(),
        }
    }
}

fn value<'p>(pairs: &'p [Pair], name: &str) -> Option<&'p str> {
    let pair = pairs.iter().find(|pair| &*pair.name == name);
    pair.map(|pair| &*pair.value)
}

fn texts(tried: &TriedOut) -> [&str; 3] {
    tried
        .answers
        .each_ref()
        .map(|answer| std::str::from_utf8(&answer.body).expect("UTF-8"))
}

#[tokio::test]
async fn every_method_can_be_tried_and_passes_its_signature_in_both_versions() {
    for version in [Version::Md5, Version::Hmac] {
        let street = Street::open(|_| {}).await;
        for method in METHODS {
            let session = match method.session {
                SessionNeed::Required => Some(street.session_of(WEB).await),
                SessionNeed::Optional | SessionNeed::None => None,
            };
            let trial = Trial {
                version,
                verb: Verb::Get,
                file: method.file.then(|| b"no image".to_vec()),
                ..street.trial(session, method.name, &[]).await
            };
            street.turn_clock(1);
            let tried = street.dispatcher.try_out(trial).await;
            let code = tried
                .refusal
                .as_ref()
                .map_or(0, |refusal| refusal.code().number());
            assert!(
                ![101, 102, 103, 104].contains(&code),
                "{} in {version:?}: {:?}",
                method.name,
                tried.refusal
            );
            let verb = if method.file { Verb::Post } else { Verb::Get };
            assert_eq!(tried.verb, verb);
            let logged = street
                .dispatcher
                .log()
                .call(app_id(), tried.number.expect("a line"))
                .expect("it");
            assert_eq!(
                (logged.method, logged.origin),
                (Some(method.name), Origin::TestPage)
            );
        }
    }
}

#[tokio::test]
async fn what_is_shown_is_what_was_signed_and_sent() {
    let street = Street::open(|_| {}).await;
    let session = street.session().await;
    for (version, ss) in [
        (Version::Md5, false),
        (Version::Md5, true),
        (Version::Hmac, false),
        (Version::Hmac, true),
    ] {
        street.turn_clock(1);
        let trial = Trial {
            version,
            ss,
            ..street
                .trial(Some(Arc::clone(&session)), "users.getLoggedInUser", &[])
                .await
        };
        let tried = street.dispatcher.try_out(trial).await;
        assert_eq!(tried.refusal, None);
        let secret = if ss {
            &session.secret
        } else {
            &street.app().await.secret
        };
        let sig = match version {
            Version::Md5 => sign_v1(&tried.text, secret),
            Version::Hmac => sign_v2(&tried.text, secret),
        };
        assert_eq!((value(&tried.pairs, "sig"), &tried.sig), (Some(&*sig), &sig));
        assert_eq!(tried.path, "/base/restserver.php");
        // The same bytes once more: the signature holds, and the call_id has been spent.
        let again = RequestParts {
            verb: "POST".to_owned(),
            path: tried.path.clone(),
            query: Vec::new(),
            body: Body::Urlencoded(urlencoded(&tried.pairs).into_bytes()),
            source: [127, 0, 0, 1].into(),
        };
        let answer = street.answer(again).await;
        assert_eq!(answer.error.map(|code| code.number()), Some(103));
        let shown = format!("{} {tried:?}", tried.text);
        assert!(!shown.contains(street.app().await.secret.expose()));
        assert!(!shown.contains(session.secret.expose()));
    }
}

#[tokio::test]
async fn one_outcome_is_rendered_in_three_ways_and_happens_once() {
    let street = Street::open(|_| {}).await;
    let trial = |call_id: &'static str| {
        let values = [("title", "x"), ("callback", "My.cb"), ("call_id", call_id)];
        let street = &street;
        async move {
            street
                .trial(Some(street.session().await), "feed.publishStoryToUser", &values)
                .await
        }
    };
    let tried = street.dispatcher.try_out(trial("1").await).await;
    let [xml, json, jsonp] = texts(&tried);
    assert!(
        xml.contains("<feed_publishStoryToUser_response ")
            && xml.ends_with(">1</feed_publishStoryToUser_response>\n")
    );
    assert_eq!((json, jsonp), ("true", "/**/My.cb(true);"));
    assert_eq!(street.stories(WEB).await.len(), 1);
    let refused = street.dispatcher.try_out(trial("2").await).await;
    let [xml, json, jsonp] = texts(&refused);
    assert!(xml.contains("<error_code>4</error_code>"), "{xml}");
    assert!(json.starts_with("{\"error_code\":4,"), "{json}");
    assert_eq!(jsonp, format!("/**/My.cb({json});"));
}

#[tokio::test]
async fn an_answer_is_what_the_rest_door_says() {
    let street = Street::open(|app| app.kind = AppKind::Desktop).await;
    let session = street.session_of(STRANGER).await;
    let values = [
        ("recipient", "563683308"),
        ("event_name", "e"),
        ("message", "m"),
        ("format", "json"),
    ];
    let trial = street
        .trial(Some(Arc::clone(&session)), "liveMessage.send", &values)
        .await;
    let tried = street.dispatcher.try_out(trial).await;
    let [_, json, _] = texts(&tried);
    let call = values.iter().fold(
        Call::acting(&*street.app().await, &session, "liveMessage.send", "9999999999"),
        |call, (name, value)| call.with(name, value),
    );
    let answer = street.answer(call.secret(&session.secret).signed()).await;
    assert_eq!(said(&answer).code(), 292);
    let head = |text: &str| text.split("request_args").next().expect("a head").to_owned();
    assert_eq!(
        head(json),
        head(std::str::from_utf8(&answer.rendered.body).expect("UTF-8"))
    );
}

#[tokio::test]
async fn a_wrong_shape_is_told_and_stands_in_no_log() {
    let street = Street::open(|_| {}).await;
    let trial = street.trial(None, "auth.createToken", &[("a[]", "1")]).await;
    let tried = street.dispatcher.try_out(trial).await;
    assert_eq!(
        tried.refusal.as_ref().map(|refusal| refusal.code().number()),
        Some(100)
    );
    assert_eq!(tried.number, None);
    assert!(texts(&tried)[1].contains("a parameter name must be 1 to 40 letters"));
}
