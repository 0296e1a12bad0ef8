//! What both pages say in the same words: keys, sessions, call order, signatures, formats and the errors around them.

use crate::stage::{Stage, stage};
use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::model::app::{AppKind, ProfileName};
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, SESSION_KEY, SESSION_SECRET};

const LIVE: (&str, &[(&str, &str)]) = (
    "liveMessage.send",
    &[("recipient", "563683308"), ("event_name", "e"), ("message", "{}")],
);
const STORY: (&str, &[(&str, &str)]) = ("feed.publishStoryToUser", &[("title", "t")]);

async fn code_with(stage: &Stage, call: (&str, &[(&str, &str)]), extra: &[(&str, &str)]) -> u64 {
    stage.code(call.0, &[call.1, extra].concat()).await
}

#[tokio::test]
async fn api_key_names_the_calling_application() {
    let stage = stage().await;
    for call in [LIVE, STORY] {
        for wrong in [
            "",
            "x",
            "0123456789ABCDEF0123456789ABCDEF",
            "00000000000000000000000000000000",
        ] {
            assert_eq!(
                code_with(&stage, call, &[("api_key", wrong)]).await,
                101,
                "{wrong}"
            );
        }
        assert_eq!(code_with(&stage, call, &[]).await, 0);
    }
    stage
        .server
        .accounts()
        .enable_app(APP_NAME, false)
        .await
        .expect("the application can be disabled");
    let refused = stage.call(LIVE.0, LIVE.1).await;
    assert!(
        refused.text().contains("<error_msg>Invalid API key</error_msg>"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn a_session_key_that_is_malformed_unknown_foreign_or_expired_is_error_102() {
    let stage = stage().await;
    let foreign = {
        let accounts = stage.server.accounts();
        let mut other = crier_testkit::Identity {
            kind: AppKind::Web,
            profile: ProfileName::Documented,
        }
        .app();
        (other.name, other.api_key, other.secret) = ("Other".to_owned(), None, None);
        accounts.add_app(other).await.expect("another application");
        let order = |app: &str, ttl_secs| NewSessionOrder {
            app: app.to_owned(),
            user: "sender".to_owned(),
            ttl_secs,
            session_key: None,
            session_secret: None,
        };
        let short = accounts
            .add_session(order(APP_NAME, Some(60)))
            .await
            .expect("a short session");
        let foreign = accounts
            .add_session(order("Other", None))
            .await
            .expect("a foreign session");
        stage.server.clock.advance_ms(60_000);
        [foreign.key.as_str().to_owned(), short.key.as_str().to_owned()]
    };
    let unknown = "000000000000000000000000-1240077";
    for call in [LIVE, STORY] {
        for wrong in ["", "x", unknown, &foreign[0], &foreign[1]] {
            assert_eq!(
                code_with(&stage, call, &[("session_key", wrong)]).await,
                102,
                "{wrong}"
            );
        }
        assert_eq!(code_with(&stage, call, &[]).await, 0);
    }
    stage
        .server
        .accounts()
        .remove_session(SESSION_KEY)
        .await
        .expect("the session ends");
    let refused = stage.call(LIVE.0, LIVE.1).await;
    assert!(
        refused
            .text()
            .contains("<error_msg>Session key invalid or no longer valid</error_msg>")
    );
}

#[tokio::test]
async fn a_story_needs_a_session() {
    let stage = stage().await;
    let without = stage.server.caller(API_KEY, APP_SECRET);
    assert_eq!(
        without
            .call(STORY.0, STORY.1)
            .await
            .expect("an answer")
            .error_code(),
        Some(102)
    );
}

#[tokio::test]
async fn call_id_is_an_exact_decimal() {
    let stage = stage().await;
    let steps = [
        ("1795290524.1181", 0),
        ("1795290524.1181", 103),
        ("1795290524.11810000000000000000", 103),
        ("1795290524.11810000000000000001", 0),
        ("1.79529190103E+12", 0),
        ("1795291901030", 103),
        ("NaN", 100),
        ("inf", 100),
        ("-1", 100),
        ("1e20", 100),
        (" 2000000000000", 100),
        ("", 100),
        ("99999999999999999999", 0),
    ];
    for (call_id, code) in steps {
        assert_eq!(
            code_with(&stage, LIVE, &[("call_id", call_id)]).await,
            code,
            "{call_id}"
        );
    }
}

#[tokio::test]
async fn each_call_id_of_a_session_must_be_greater_than_the_last() {
    let stage = stage().await;
    assert_eq!(code_with(&stage, LIVE, &[("call_id", "10")]).await, 0);
    for (call, call_id) in [(LIVE, "10"), (STORY, "10"), (LIVE, "9.99"), (STORY, "1e1")] {
        assert_eq!(
            code_with(&stage, call, &[("call_id", call_id)]).await,
            103,
            "{call_id}"
        );
    }
    let equal = stage
        .call(LIVE.0, &[LIVE.1, &[("call_id", "10.0")]].concat())
        .await;
    assert!(
        equal
            .text()
            .contains("Call_id must be greater than previous: this call_id was already accepted<")
    );
    let smaller = stage.call(LIVE.0, &[LIVE.1, &[("call_id", "7")]].concat()).await;
    assert!(
        smaller
            .text()
            .contains("Call_id must be greater than previous: the last accepted is 10<")
    );
    assert_eq!(code_with(&stage, STORY, &[("call_id", "10.5")]).await, 0);
    let other_session = stage.caller_of("sender").await;
    let again = other_session
        .call(LIVE.0, &[LIVE.1, &[("call_id", "1")]].concat())
        .await
        .expect("an answer");
    assert_eq!(
        again.error_code(),
        None,
        "another session has an order of its own"
    );
}

#[tokio::test]
async fn call_id_takes_the_suggested_times() {
    let stage = stage().await;
    for call_id in ["1795290524.1181", "1795290524.2", "1795290524118"] {
        assert_eq!(
            code_with(&stage, LIVE, &[("call_id", call_id)]).await,
            0,
            "{call_id}"
        );
    }
}

#[tokio::test]
async fn sig_is_the_md5_of_the_request_and_the_secret() {
    let stage = stage().await;
    let wrong_secret = stage
        .server
        .caller(API_KEY, SESSION_SECRET)
        .with_session(SESSION_KEY);
    for call in [LIVE, STORY] {
        let refused = wrong_secret.call(call.0, call.1).await.expect("an answer");
        assert_eq!(refused.error_code(), Some(104));
        assert!(
            refused
                .text()
                .contains("<error_msg>Incorrect signature</error_msg>")
        );
        for wrong in [
            "",
            "0",
            "E7968FF3117CA3C913AFB583328CC65E",
            "00000000000000000000000000000000",
        ] {
            assert_eq!(code_with(&stage, call, &[("sig", wrong)]).await, 104, "{wrong}");
        }
        assert_eq!(code_with(&stage, call, &[]).await, 0);
    }
    let text = "api_key=0123456789abcdef0123456789abcdefcall_id=900method=users.getLoggedInUsersession_key=acacbdbd010123237878dede-1240077v=1.0";
    let sig = crier_proto::digest::lower_hex(&crier_proto::digest::md5(&[
        text.as_bytes(),
        APP_SECRET.as_bytes(),
    ]));
    let by_hand = stage
        .call("users.getLoggedInUser", &[("call_id", "900"), ("sig", &sig)])
        .await;
    assert!(
        by_hand
            .text()
            .contains(">1240077</users_getLoggedInUser_response>"),
        "{}",
        by_hand.text()
    );
}

#[tokio::test]
async fn v_must_be_1_0() {
    let stage = stage().await;
    for call in [LIVE, STORY] {
        for wrong in ["", "1", "1.00", "2.0", " 1.0"] {
            let refused = stage.call(call.0, &[call.1, &[("v", wrong)]].concat()).await;
            assert_eq!(refused.error_code(), Some(100), "{wrong}");
            assert!(
                refused.text().contains("Invalid parameter: v"),
                "{}",
                refused.text()
            );
        }
        assert_eq!(code_with(&stage, call, &[("v", "1.0")]).await, 0);
    }
}

#[tokio::test]
async fn format_is_xml_unless_json_is_asked() {
    let stage = stage().await;
    for (format, media_type) in [
        ("", "text/xml; charset=utf-8"),
        ("XML", "text/xml; charset=utf-8"),
        ("Json", "application/json"),
    ] {
        let answer = stage.call("users.getLoggedInUser", &[("format", format)]).await;
        assert_eq!(
            (answer.error_code(), answer.header("content-type")),
            (None, Some(media_type)),
            "{format}"
        );
    }
    let refused = stage.call("users.getLoggedInUser", &[("format", "yaml")]).await;
    assert!(
        refused.text().contains("<error_msg>Invalid parameter: format"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn callback_wraps_both_formats() {
    let stage = stage().await;
    let json = stage
        .call(
            STORY.0,
            &[STORY.1, &[("format", "json"), ("callback", "MyApp.cb")]].concat(),
        )
        .await;
    assert_eq!(json.text(), "/**/MyApp.cb(true);");
    assert_eq!(
        json.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    let xml = stage
        .call(LIVE.0, &[LIVE.1, &[("callback", "MyApp.cb")]].concat())
        .await;
    let example = r#"/**/MyApp.cb('\u003c?xml version=\"1.0\" encoding=\"UTF-8\"?\u003e\n\u003cliveMessage_send_response xmlns=\"http:\/\/api.facebook.com\/1.0\/\" xmlns:xsi=\"http:\/\/www.w3.org\/2001\/XMLSchema-instance\" xsi:schemaLocation=\"http:\/\/api.facebook.com\/1.0\/ http:\/\/api.facebook.com\/1.0\/facebook.xsd\"\u003e1\u003c\/liveMessage_send_response\u003e');"#;
    assert_eq!(xml.text(), example);
    let refused = stage
        .call(
            LIVE.0,
            &[LIVE.1, &[("callback", "alert(1)//"), ("format", "json")]].concat(),
        )
        .await;
    assert!(
        refused
            .text()
            .starts_with("{\"error_code\":100,\"error_msg\":\"Invalid parameter: callback")
    );
}

#[tokio::test]
async fn the_call_after_the_last_permitted_one_is_error_4_until_the_window_ends() {
    let stage = stage().await;
    stage.set("calls_per_minute", "3").await;
    for call in [LIVE, STORY, LIVE] {
        assert_eq!(code_with(&stage, call, &[]).await, 0);
    }
    stage.server.clock.advance_ms(59_000);
    for call in [LIVE, STORY] {
        let refused = stage.call(call.0, call.1).await;
        assert_eq!(refused.error_code(), Some(4));
        assert!(
            refused
                .text()
                .contains("Application request limit reached: 3 calls in 60 s, window ends in 1 s<"),
            "{}",
            refused.text()
        );
    }
    stage.server.clock.advance_ms(1_000);
    assert_eq!(code_with(&stage, LIVE, &[]).await, 0);
}

#[tokio::test]
async fn a_source_address_outside_the_list_is_error_5() {
    let stage = stage().await;
    stage.set("allow_ip", "10.1.2.*,192.0.2.0/24").await;
    for call in [LIVE, STORY] {
        let refused = stage.call(call.0, call.1).await;
        assert_eq!(refused.error_code(), Some(5));
        assert!(
            refused
                .text()
                .contains("<error_msg>Unauthorized source IP address (ip was: 127.0.0.1)</error_msg>"),
            "{}",
            refused.text()
        );
    }
    stage.set("allow_ip", "10.1.2.*,127.0.0.0/8").await;
    assert_eq!(code_with(&stage, LIVE, &[]).await, 0);
}
