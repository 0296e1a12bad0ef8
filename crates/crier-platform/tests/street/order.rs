//! Every row of protocol section 11: its code, its place in the order, and what it spends.
#![expect(clippy::panic, reason = "a helper of tests that cannot go on says why")]

use crate::asked::{Call, Said};
use crate::harness::{Street, WEB};
use crier_platform::accounts::{AccountError, Accounts};
use crier_platform::model::app::{AddressRule, AppKind, ProfileName, Settings, SignatureSetting};
use crier_proto::call::{Body, RequestParts};
use crier_proto::ids::AppId;

/// What a call has spent, as the calls behind it see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spent {
    Nothing,
    Quota,
    QuotaAndOrder,
}

const ASK: &str = "users.getLoggedInUser";

/// Sends a call that carries `call_id` 10 to an application with two calls a minute, then asks with 10 and with 11.
async fn spent_by(street: &Street, request: RequestParts) -> (Said, Spent) {
    let (app, session) = (street.app().await, street.session().await);
    street.turn_clock(61_000);
    let said = street.ask(request).await;
    let ask = |call_id| Call::acting(&app, &session, ASK, call_id).signed();
    let codes = (
        street.ask(ask("10")).await.code(),
        street.ask(ask("11")).await.code(),
    );
    let spent = match codes {
        (0, 0) => Spent::Nothing,
        (0, 4) => Spent::Quota,
        (103, 4) => Spent::QuotaAndOrder,
        other => panic!("{other:?} after {said:?}"),
    };
    (said, spent)
}

async fn street_with_two_calls() -> Street {
    Street::open(|app| app.calls_per_minute = 2).await
}

/// One row: a good call made bad by `spoil`, its code, the beginning of its cause and what it spends.
async fn row(spoil: impl FnOnce(Call) -> RequestParts, code: u64, cause: &str, spent: Spent) {
    let street = street_with_two_calls().await;
    let call = Call::acting(&*street.app().await, &*street.session().await, ASK, "10");
    let (said, was_spent) = spent_by(&street, spoil(call)).await;
    assert_eq!((said.code(), said.cause()), (code, cause), "{said:?}");
    assert_eq!(was_spent, spent, "{said:?}");
}

#[tokio::test]
async fn step_1_a_wrong_shape_spends_nothing_and_echoes_nothing() {
    let street = street_with_two_calls().await;
    let request = RequestParts {
        verb: "POST".into(),
        path: "/restserver.php".into(),
        query: Vec::new(),
        body: Body::Urlencoded(b"format=json&a=%zz".to_vec()),
        source: std::net::IpAddr::from([127, 0, 0, 1]),
    };
    let (said, spent) = spent_by(&street, request).await;
    assert_eq!((said.code(), spent), (100, Spent::Nothing));
}

#[tokio::test]
async fn step_2_an_unknown_application_is_101() {
    row(
        |call| call.without("api_key").signed(),
        101,
        "api_key is missing",
        Spent::Nothing,
    )
    .await;
    row(
        |call| call.with("api_key", "").signed(),
        101,
        "api_key is missing",
        Spent::Nothing,
    )
    .await;
    row(
        |call| call.with("api_key", "nonsense").signed(),
        101,
        "",
        Spent::Nothing,
    )
    .await;
    let other = "ffffffffffffffffffffffffffffffff";
    row(
        |call| call.with("api_key", other).signed(),
        101,
        "",
        Spent::Nothing,
    )
    .await;
}

#[tokio::test]
async fn step_2_a_disabled_application_is_101() {
    let street = Street::open(|app| app.enabled = false).await;
    let (app, session) = (street.app().await, street.session().await);
    assert_eq!(
        street
            .ask(Call::acting(&app, &session, ASK, "1").signed())
            .await
            .code(),
        101
    );
}

#[tokio::test]
async fn step_3_an_address_outside_the_list_is_5_and_named() {
    let street = Street::open(|app| {
        app.allow_ip = AddressRule::parse_list("127.0.0.1,10.1.2.*").unwrap();
        app.calls_per_minute = 2;
    })
    .await;
    let (app, session) = (street.app().await, street.session().await);
    let call = |from: &str| Call::acting(&app, &session, ASK, "10").from(from);
    let (said, spent) = spent_by(&street, call("10.1.3.1").signed()).await;
    let text = "Unauthorized source IP address (ip was: 10.1.3.1)".to_owned();
    assert_eq!((said, spent), (Said::Error(5, text), Spent::Nothing));
    street.turn_clock(61_000);
    assert_eq!(
        street
            .ask(call("::ffff:10.1.2.3").with("call_id", "12").signed())
            .await
            .code(),
        0
    );
}

#[tokio::test]
async fn step_3_desktop_applications_are_exempt() {
    let street = Street::open(|app| {
        app.kind = AppKind::Desktop;
        app.allow_ip = AddressRule::parse_list("10.1.2.*").unwrap();
    })
    .await;
    let call = Call::of(&*street.app().await, "auth.createToken");
    assert_eq!(street.ask(call.signed()).await.code(), 0);
}

#[tokio::test]
async fn step_4_an_application_over_its_quota_is_4_before_everything_behind_it() {
    let street = street_with_two_calls().await;
    let (app, session) = (street.app().await, street.session().await);
    for call_id in ["1", "2"] {
        assert_eq!(
            street
                .ask(Call::acting(&app, &session, ASK, call_id).signed())
                .await
                .code(),
            0
        );
    }
    street.turn_clock(17_500);
    let unsigned = Call::of(&app, "nonsense").with("ss", "1").unsigned();
    let said = street.ask(unsigned).await;
    assert_eq!(
        said,
        Said::Error(
            4,
            "Application request limit reached: 2 calls in 60 s, window ends in 43 s".into()
        )
    );
    street.turn_clock(42_500);
    assert_eq!(
        street
            .ask(Call::acting(&app, &session, ASK, "2.5").signed())
            .await
            .code(),
        0
    );
}

#[tokio::test]
async fn step_5_ss_without_a_session_is_102() {
    row(
        |call| {
            call.without("session_key")
                .with("ss", "true")
                .with("method", "")
                .signed()
        },
        102,
        "ss needs a session_key",
        Spent::Nothing,
    )
    .await;
}

#[tokio::test]
async fn step_6_a_missing_method_is_3_before_the_session() {
    row(
        |call| call.with("method", "").with("session_key", "x").signed(),
        3,
        "",
        Spent::Nothing,
    )
    .await;
    row(|call| call.without("method").signed(), 3, "", Spent::Nothing).await;
}

#[tokio::test]
async fn step_7_a_session_that_is_none_is_102_before_the_signature() {
    row(
        |call| call.without("session_key").unsigned(),
        102,
        "session_key is missing",
        Spent::Nothing,
    )
    .await;
    row(
        |call| call.with("session_key", "").unsigned(),
        102,
        "session_key is missing",
        Spent::Nothing,
    )
    .await;
    row(
        |call| call.with("session_key", "nonsense").unsigned(),
        102,
        "",
        Spent::Nothing,
    )
    .await;
    let unknown = format!("{}-{WEB}", "0".repeat(24));
    row(
        |call| call.with("session_key", &unknown).unsigned(),
        102,
        "",
        Spent::Nothing,
    )
    .await;
    // Also where the method has no use for a session, and where it is unknown.
    row(
        |call| {
            call.with("method", "auth.createToken")
                .with("session_key", "x")
                .unsigned()
        },
        102,
        "",
        Spent::Nothing,
    )
    .await;
    row(
        |call| call.with("method", "no.such").with("session_key", "x").unsigned(),
        102,
        "",
        Spent::Nothing,
    )
    .await;
}

#[tokio::test]
async fn step_8_a_wrong_signature_is_104_and_leaves_no_trace() {
    row(Call::unsigned, 104, "sig is missing", Spent::Nothing).await;
    row(
        |call| call.with("sig", "").unsigned(),
        104,
        "sig is missing",
        Spent::Nothing,
    )
    .await;
    row(
        |call| call.with("sig", &"0".repeat(32)).unsigned(),
        104,
        "",
        Spent::Nothing,
    )
    .await;
    row(
        |call| call.with("sig_version", "1").signed(),
        104,
        "sig_version must be 2 or absent",
        Spent::Nothing,
    )
    .await;
    row(
        |call| call.with("sig_version", "").signed(),
        104,
        "sig_version must be 2 or absent",
        Spent::Nothing,
    )
    .await;
    row(
        |call| call.with("sig_version", "2").signed(),
        104,
        "ts is missing",
        Spent::Nothing,
    )
    .await;
    // A value changed after signing, a method unknown on top of it: the signature comes first.
    let spoilt = |call: Call| {
        let mut request = call.with("method", "no.such").signed();
        if let Body::Urlencoded(body) = &mut request.body {
            body.extend_from_slice(b"&title=x");
        }
        request
    };
    row(spoilt, 104, "", Spent::Nothing).await;
}

#[tokio::test]
async fn step_8_upper_case_digits_are_104() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let mut request = Call::acting(&app, &session, ASK, "1").signed();
    if let Body::Urlencoded(body) = &mut request.body {
        let at = body
            .windows(4)
            .position(|window| window == b"sig=")
            .expect("a sig")
            + 4;
        body[at..].make_ascii_uppercase();
    }
    assert_eq!(street.ask(request).await.code(), 104);
}

#[tokio::test]
async fn step_8_version_2_keeps_its_window_and_says_by_how_much_it_was_missed() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let now = street.now_secs();
    let at = |ts| Call::acting(&app, &session, ASK, "10").signed_v2(ts);
    assert_eq!(
        street.ask(at(now - 301)).await.cause(),
        "ts is 301 s behind the server, limit 300"
    );
    assert_eq!(
        street.ask(at(now + 301)).await.cause(),
        "ts is 301 s ahead of the server, limit 300"
    );
    assert_eq!(street.ask(at(now - 300)).await.code(), 0);
}

#[tokio::test]
async fn step_8_where_hmac_is_demanded_version_1_is_104_with_its_cause() {
    let street = Street::open(|app| app.settings.signature = SignatureSetting::Hmac).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = Call::acting(&app, &session, ASK, "1");
    let said = street.ask(call.clone().signed()).await;
    assert_eq!(
        (said.code(), said.cause()),
        (104, "this application takes sig_version 2 alone")
    );
    assert_eq!(street.ask(call.signed_v2(street.now_secs())).await.code(), 0);
}

#[tokio::test]
async fn step_9_a_second_reading_is_104_and_spends_the_quota() {
    let street = street_with_two_calls().await;
    let (app, session) = (street.app().await, street.session().await);
    // R3 of the vectors: event_name swallows a format that could be cut out of it.
    let call = Call::acting(&app, &session, "liveMessage.send", "10")
        .without("format")
        .with("recipient", "563683308")
        .with("event_name", "eformat=JSON")
        .with("message", "m");
    let answer = street.answer(call.signed()).await;
    let body = String::from_utf8(answer.rendered.body).unwrap();
    assert!(body.contains("<error_code>104</error_code>"), "{body}");
    assert!(body.contains("event_name"), "{body}");
    let ask = |call_id| Call::acting(&app, &session, ASK, call_id).signed();
    assert_eq!(street.ask(ask("10")).await.code(), 0);
    assert_eq!(street.ask(ask("11")).await.code(), 4);
}

#[tokio::test]
async fn step_9_is_not_run_for_version_2_and_not_for_lenient_applications() {
    let ambiguous = |call: Call| {
        call.with("recipient", &WEB.to_string())
            .with("event_name", "eformat=JSON")
            .with("message", "m")
    };
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = ambiguous(Call::acting(&app, &session, "liveMessage.send", "1"));
    assert_eq!(street.ask(call.signed_v2(street.now_secs())).await.code(), 0);
    let street = Street::open(|app| app.settings = ProfileName::Period.settings()).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = ambiguous(Call::acting(&app, &session, "liveMessage.send", "1"));
    assert_eq!(street.ask(call.signed()).await.code(), 0);
}

#[tokio::test]
async fn step_10_an_unknown_method_is_3_and_spends_the_quota() {
    row(
        |call| call.with("method", "no.such").signed(),
        3,
        "",
        Spent::Quota,
    )
    .await;
    // Before step 11 and 12: its call_id is malformed, it has an unknown name.
    row(
        |call| {
            call.with("method", "no.such")
                .with("call_id", "NaN")
                .with("zzz", "1")
                .signed()
        },
        3,
        "",
        Spent::Quota,
    )
    .await;
}

#[tokio::test]
async fn step_10_a_method_not_permitted_with_ss_is_3() {
    for method in ["auth.promoteSession", "auth.createToken", "auth.getSession"] {
        let street = street_with_two_calls().await;
        let (app, session) = (street.app().await, street.session().await);
        let call = Call::acting(&app, &session, method, "10")
            .with("ss", "1")
            .secret(&session.secret);
        let (said, spent) = spent_by(&street, call.signed()).await;
        assert_eq!((said.code(), spent), (3, Spent::Quota), "{method}");
    }
}

#[tokio::test]
async fn step_11_a_missing_or_malformed_call_id_is_100_and_spends_the_quota() {
    row(
        |call| call.without("call_id").signed(),
        100,
        "call_id is missing",
        Spent::Quota,
    )
    .await;
    row(
        |call| call.with("call_id", "").signed(),
        100,
        "call_id is missing",
        Spent::Quota,
    )
    .await;
    for malformed in ["NaN", "-1", "1.", ".5", "1e100", "0x10", " 1"] {
        let spoil = |call: Call| call.with("call_id", malformed).with("v", "2.0").signed();
        // The reading rule sees no cut in these values, so step 11 speaks.
        row(spoil, 100, "call_id is malformed", Spent::Quota).await;
    }
}

#[tokio::test]
async fn step_11_equal_and_smaller_call_ids_are_103_with_their_causes() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let ask = |call_id: &str| Call::acting(&app, &session, ASK, call_id).signed();
    assert_eq!(street.ask(ask("1795290524.1181")).await.code(), 0);
    let equal = street.ask(ask("1795290524.11810")).await;
    let text = "Call_id must be greater than previous: this call_id was already accepted".to_owned();
    assert_eq!(equal, Said::Error(103, text));
    let smaller = street.ask(ask("5")).await;
    let text = "Call_id must be greater than previous: the last accepted is 1795290524.1181".to_owned();
    assert_eq!(smaller, Said::Error(103, text));
    assert_eq!(street.ask(ask("1795290524.11810000000000000001")).await.code(), 0);
}

#[tokio::test]
async fn step_11_a_repeated_call_id_spends_the_quota_and_comes_before_step_12() {
    let street = Street::open(|app| app.calls_per_minute = 3).await;
    let (app, session) = (street.app().await, street.session().await);
    let ask = |call_id: &str| Call::acting(&app, &session, ASK, call_id);
    assert_eq!(street.ask(ask("5").signed()).await.code(), 0);
    assert_eq!(street.ask(ask("5").with("v", "2.0").signed()).await.code(), 103);
    assert_eq!(street.ask(ask("6").signed()).await.code(), 0);
    assert_eq!(street.ask(ask("7").signed()).await.code(), 4);
}

#[tokio::test]
async fn step_12_unknown_names_come_first_in_byte_order() {
    let name = "Zebra is not a parameter of users.getLoggedInUser";
    let spoil = |call: Call| call.with("apple", "1").with("Zebra", "1").with("v", "2").signed();
    row(spoil, 100, name, Spent::QuotaAndOrder).await;
    let name = "ts is not a parameter of users.getLoggedInUser";
    row(
        |call| call.with("ts", "1").signed(),
        100,
        name,
        Spent::QuotaAndOrder,
    )
    .await;
    let name = "title is not a parameter of users.getLoggedInUser";
    row(
        |call| call.with("title", "").signed(),
        100,
        name,
        Spent::QuotaAndOrder,
    )
    .await;
}

#[tokio::test]
async fn step_12_common_parameters_are_judged_in_their_order() {
    let bad = [
        ("call_as_apikey", "x"),
        ("return_ssl_resources", "x"),
        ("locale", "english"),
        ("ss", "maybe"),
        ("callback", "a b"),
        ("v", "2.0"),
    ];
    let causes = [
        (10, "call_as_apikey is not supported"),
        (100, "return_ssl_resources must be 1, 0, true or false"),
        (100, "locale must be like en or en_US"),
        (100, "ss must be 1, 0, true or false"),
        (100, "callback must be the name of a function, at most 128 bytes"),
        (100, "v must be 1.0"),
    ];
    // Each further bad value is judged before those that are already there.
    for count in 1..=bad.len() {
        let spoil = |call: Call| {
            bad.iter()
                .take(count)
                .fold(call, |call, (name, value)| call.with(name, value))
                .signed()
        };
        let (code, cause) = causes[count - 1];
        row(spoil, code, cause, Spent::QuotaAndOrder).await;
    }
    row(
        |call| call.without("v").signed(),
        100,
        "v is missing",
        Spent::QuotaAndOrder,
    )
    .await;
}

#[tokio::test]
async fn step_12_another_format_is_100_in_xml() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = Call::acting(&app, &session, ASK, "1").with("format", "yaml");
    let answer = street.answer(call.signed()).await;
    let body = String::from_utf8(answer.rendered.body).unwrap();
    assert!(
        body.contains("<error_msg>Invalid parameter: format must be xml or json</error_msg>"),
        "{body}"
    );
    assert_eq!(answer.rendered.media_type, "text/xml; charset=utf-8");
}

#[tokio::test]
async fn step_13_the_methods_own_refusals_spend_quota_and_order() {
    let spoil = |call: Call| call.with("method", "users.isAppUser").with("uid", "0").signed();
    row(spoil, 100, "uid must be a uid", Spent::QuotaAndOrder).await;
}

#[tokio::test]
async fn a_call_over_the_quota_does_not_advance_the_call_order() {
    let street = Street::open(|app| app.calls_per_minute = 1).await;
    let (app, session) = (street.app().await, street.session().await);
    let ask = |call_id: &str| Call::acting(&app, &session, ASK, call_id).signed();
    assert_eq!(street.ask(ask("1")).await.code(), 0);
    assert_eq!(street.ask(ask("9")).await.code(), 4);
    street.turn_clock(60_000);
    assert_eq!(street.ask(ask("9")).await.code(), 0);
}

#[tokio::test]
async fn no_limit_means_no_quota() {
    let street = Street::open(|app| app.calls_per_minute = 0).await;
    let (app, session) = (street.app().await, street.session().await);
    for call_id in 1..=50 {
        let call = Call::acting(&app, &session, ASK, &call_id.to_string());
        assert_eq!(street.ask(call.signed()).await.code(), 0);
    }
}

#[tokio::test]
async fn desktop_calls_count_per_session_and_those_without_one_per_application() {
    let street = Street::open(|app| {
        app.kind = AppKind::Desktop;
        app.calls_per_minute = 1;
    })
    .await;
    let app = street.app().await;
    let (one, other) = (
        street.session().await,
        street.session_of(crate::harness::OTHER).await,
    );
    let ask = |session, call_id| {
        Call::acting(&app, session, ASK, call_id)
            .secret(&session.secret)
            .signed()
    };
    assert_eq!(street.ask(ask(&one, "1")).await.code(), 0);
    assert_eq!(street.ask(ask(&one, "2")).await.code(), 4);
    assert_eq!(street.ask(ask(&other, "1")).await.code(), 0);
    let create = || Call::of(&app, "auth.createToken").signed();
    assert_eq!(street.ask(create()).await.code(), 0);
    assert_eq!(street.ask(create()).await.code(), 4);
}

#[tokio::test]
async fn errors_echo_every_pair_in_order_and_shape_errors_none() {
    let street = Street::open(|_| {}).await;
    let app = street.app().await;
    let call = Call::of(&app, "no.such")
        .with("locale", "")
        .with("title", "é</b>");
    let answer = street.answer(call.signed()).await;
    let json: serde_json::Value = serde_json::from_slice(&answer.rendered.body).unwrap();
    let names: Vec<_> = json["request_args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arg| arg["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["method", "api_key", "v", "format", "locale", "title", "sig"]
    );
    assert_eq!(json["request_args"][5]["value"], "é</b>");
    assert_eq!(
        (answer.method, answer.app, answer.user),
        (None, Some(app.id), None)
    );
}

#[tokio::test]
async fn answers_are_wrapped_unless_the_application_has_turned_callbacks_off() {
    let body = |answer: crier_platform::dispatch::Answer| String::from_utf8(answer.rendered.body).unwrap();
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = |call_id: &str| Call::acting(&app, &session, ASK, call_id).with("callback", "MyApp.cb");
    assert_eq!(
        body(street.answer(call("1").signed()).await),
        format!("/**/MyApp.cb({WEB});")
    );
    assert!(body(street.answer(call("1").signed()).await).starts_with("/**/MyApp.cb({\"error_code\":103"));
    let unknown = call("2").with("api_key", "x").signed();
    assert!(body(street.answer(unknown).await).starts_with("/**/MyApp.cb({\"error_code\":101"));
    let street = Street::open(|app| {
        app.settings = Settings {
            jsonp: false,
            ..app.settings
        }
    })
    .await;
    let (app, session) = (street.app().await, street.session().await);
    let call = Call::acting(&app, &session, ASK, "1").with("callback", "http://callback.example/");
    assert_eq!(body(street.answer(call.signed()).await), WEB.to_string());
}

#[tokio::test]
async fn a_draining_server_says_2_in_the_asked_format_and_echoes_nothing() {
    let street = Street::open(|_| {}).await;
    let app = street.app().await;
    let answer = street.draining(Call::of(&app, ASK).with("callback", "cb").unsigned());
    assert_eq!(
        String::from_utf8(answer.rendered.body).unwrap(),
        r#"{"error_code":2,"error_msg":"Service temporarily unavailable","request_args":[]}"#
    );
    assert_eq!(answer.rendered.media_type, "application/json");
}

#[tokio::test]
async fn a_call_order_that_its_application_resets_begins_anew_and_no_other_application_can() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let ask = async |call_id: &str| {
        street
            .ask(Call::acting(&app, &session, ASK, call_id).signed())
            .await
            .code()
    };
    assert_eq!((ask("10").await, ask("3").await), (0, 103));
    let accounts = Accounts::new(street.ports.clone());
    let (key, other) = (session.key.as_str(), AppId::new(app.id.get() + 1).unwrap());
    for refused in [
        accounts.reset_call_order(other, key).await,
        accounts.reset_call_order(app.id, "nonsense").await,
    ] {
        assert!(matches!(refused, Err(AccountError::NotFound(_))), "{refused:?}");
    }
    assert_eq!(ask("3").await, 103);
    accounts.reset_call_order(app.id, key).await.unwrap();
    assert_eq!((ask("3").await, ask("3").await), (0, 103));
}
