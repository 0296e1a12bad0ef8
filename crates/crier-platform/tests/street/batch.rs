//! `batch.run` (protocol 15.7): what may stand in a batch, in which order, at which price, and what each item is told.

use crate::asked::{Call, Said, said};
use crate::harness::{OTHER, Street, WEB, app_id, uid};
use crier_platform::dispatch::Answer;
use crier_platform::model::app::{AppKind, ProfileName, Strictness};
use crier_platform::ports::store::StoreFault;
use crier_testkit::Broken;
use serde_json::{Value, json};

const BATCH: &str = "batch.run";
const SEND: &str = "method=liveMessage.send&recipient=563683308&event_name=e&message=m";
const PUBLISH: &str = "method=feed.publishStoryToUser&title=Hi";
const WHO: &str = "method=users.getLoggedInUser";

fn feed(items: &[&str]) -> String {
    serde_json::to_string(items).expect("JSON")
}

fn of(items: &[&str]) -> impl Fn(Call) -> Call {
    let feed = feed(items);
    move |call| call.with("method_feed", &feed)
}

/// The documents of a batch whose answer is JSON.
fn documents(said: Said) -> Vec<String> {
    let list = said.value();
    list.as_array()
        .expect("a list")
        .iter()
        .map(|item| item.as_str().expect("a string").to_owned())
        .collect()
}

/// What each item's JSON says: 0 and the value, or the code and the message.
fn told(documents: &[String]) -> Vec<(u64, Value)> {
    documents
        .iter()
        .map(|document| {
            let value: Value = serde_json::from_str(document).expect("an item's JSON");
            match value.get("error_code") {
                Some(code) => (code.as_u64().expect("a number"), value["error_msg"].clone()),
                None => (0, value),
            }
        })
        .collect()
}

fn codes(documents: &[String]) -> Vec<u64> {
    told(documents).into_iter().map(|(code, _)| code).collect()
}

impl Street {
    async fn batch(&self, items: &[&str]) -> Vec<String> {
        documents(self.act(of(items), BATCH).await)
    }

    /// Code and message of one item, run alone.
    async fn item(&self, item: &str) -> (u64, Value) {
        told(&self.batch(&[item]).await).remove(0)
    }

    async fn messages(&self) -> u64 {
        let cursor = self.ports.deliver.cursor(app_id(), uid(OTHER)).await;
        cursor.expect("a cursor").seq
    }
}

#[tokio::test]
async fn items_run_in_order_and_each_answers_with_its_own_document() {
    let street = Street::open(|_| {}).await;
    let answered = street
        .batch(&[WHO, SEND, PUBLISH, SEND, "method=users.isAppUser&uid=88"])
        .await;
    assert_eq!(answered, ["1240077", "true", "true", "true", "false"]);
    assert_eq!(street.messages().await, 2);
    assert_eq!(street.stories(WEB).await.len(), 1);
}

#[tokio::test]
async fn the_example_of_the_page_is_written_byte_for_byte() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let second = format!("{SEND}&format=json");
    let call = of(&[SEND, &second])(Call::acting(&app, &session, BATCH, "1")).without("format");
    let answer = street.answer(call.signed()).await;
    let ns = |quote: &str| {
        format!(
            "xmlns={quote}http://api.facebook.com/1.0/{quote} xmlns:xsi={quote}http://www.w3.org/2001/XMLSchema-instance{quote} \
             xsi:schemaLocation={quote}http://api.facebook.com/1.0/ http://api.facebook.com/1.0/facebook.xsd{quote}"
        )
    };
    let (plain, escaped) = (ns("\""), ns("&quot;"));
    assert_eq!(
        text(&answer),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<batch_run_response {plain} list=\"true\">\n  \
             <batch_run_response_elt>&lt;?xml version=&quot;1.0&quot; encoding=&quot;UTF-8&quot;?&gt;\n\
             &lt;liveMessage_send_response {escaped}&gt;1&lt;/liveMessage_send_response&gt;</batch_run_response_elt>\n  \
             <batch_run_response_elt>true</batch_run_response_elt>\n</batch_run_response>\n"
        )
    );
    assert!(
        answer.delivery.is_none(),
        "no other answer carries the headers of 13.11"
    );
    let answer = of(&[&second, "format=json"])(Call::acting(&app, &session, BATCH, "2"));
    let failing = street.answer(answer.signed()).await;
    assert_eq!(
        text(&failing),
        r#"["true","{\"error_code\":3,\"error_msg\":\"Unknown method\",\"request_args\":[{\"key\":\"format\",\"value\":\"json\"}]}"]"#
    );
    let bare = street.batch(&[""]).await;
    assert_eq!(
        bare,
        [r#"{"error_code":3,"error_msg":"Unknown method","request_args":[]}"#]
    );
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.rendered.body.clone()).expect("UTF-8")
}

#[tokio::test]
async fn a_root_echoes_its_items_spelling_and_a_document_has_no_last_line_feed() {
    let street = Street::open(|_| {}).await;
    let answered = street
        .batch(&["method=facebook.users_getloggedinuser&format=xml"])
        .await;
    assert!(
        answered[0].starts_with(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<users_getloggedinuser_response xmlns="
        )
    );
    assert!(answered[0].ends_with(">1240077</users_getloggedinuser_response>"));
}

#[tokio::test]
async fn a_batch_of_twenty_items_runs_and_of_twenty_one_is_950_and_runs_none() {
    let street = Street::open(|_| {}).await;
    assert_eq!(street.batch(&[SEND; 20]).await, ["true"; 20]);
    assert_eq!(street.messages().await, 20);
    let refused = Said::Error(950, "Each batch API can not contain more than 20 items".into());
    assert_eq!(street.act(of(&[SEND; 21]), BATCH).await, refused);
    assert_eq!(street.messages().await, 20);
    assert_eq!(street.act(of(&[]), BATCH).await, Said::Value(json!([])));
}

#[tokio::test]
async fn a_feed_that_is_no_array_of_strings_is_100_before_serial_only_and_the_count() {
    let street = Street::open(|_| {}).await;
    let many = feed(&[SEND; 21]);
    let rows = [
        (None, None, "method_feed is missing"),
        (Some(""), Some("x"), "method_feed is missing"),
        (
            Some("[1]"),
            Some("x"),
            "method_feed must be a JSON array of strings",
        ),
        (Some(&*many), Some("x"), "serial_only must be 1, 0, true or false"),
    ];
    for (feed, serial_only, cause) in rows {
        let with = |call: Call| {
            let call = feed
                .into_iter()
                .fold(call, |call, feed| call.with("method_feed", feed));
            serial_only
                .into_iter()
                .fold(call, |call, value| call.with("serial_only", value))
        };
        let said = street.act(with, BATCH).await;
        assert_eq!((said.code(), said.cause()), (100, cause));
    }
    for serial_only in ["", "0", "true", "FALSE", "1"] {
        let said = street
            .act(|call| of(&[WHO])(call).with("serial_only", serial_only), BATCH)
            .await;
        assert_eq!(said, Said::Value(json!(["1240077"])), "{serial_only}");
    }
}

#[tokio::test]
async fn what_breaks_the_grammar_of_pairs_is_the_items_own_100() {
    let street = Street::open(|_| {}).await;
    for (item, cause) in [
        ("a=%", "a percent sign must be followed by two hexadecimal digits"),
        (
            "a=%u00e9",
            "a percent sign must be followed by two hexadecimal digits",
        ),
        (
            "a[]=1",
            "a parameter name must be 1 to 40 letters, digits or underscores",
        ),
        ("a=%e9", "names and values must be UTF-8"),
        ("a=%00", "names and values must not contain U+0000"),
        ("method=x&method=x", "method is given twice"),
    ] {
        let answered = street.batch(&[item, SEND]).await;
        let expected =
            format!(r#"{{"error_code":100,"error_msg":"Invalid parameter: {cause}","request_args":[]}}"#);
        assert_eq!(answered, [expected.as_str(), "true"], "{item}");
    }
}

/// An item, what is appended to it, the code and the message.
const REFUSED: &[(&str, &str, u64, &str)] = &[
    (
        SEND,
        "&zzz=1",
        100,
        "Invalid parameter: zzz is not a parameter of liveMessage.send",
    ),
    (
        SEND,
        "&callback=f",
        100,
        "Invalid parameter: callback must be empty in a batch",
    ),
    (
        SEND,
        "&wait=acked",
        100,
        "Invalid parameter: wait must be none in a batch",
    ),
    (
        SEND,
        "&wait=long",
        100,
        "Invalid parameter: wait must be none, written or acked",
    ),
    (
        SEND,
        "&locale=english",
        100,
        "Invalid parameter: locale must be like en or en_US",
    ),
    (
        SEND,
        "&call_as_apikey=1",
        10,
        "Application does not have permission for this action: call_as_apikey is not supported",
    ),
    (
        "method=liveMessage.send&recipient=563683308&event_name=e",
        "",
        100,
        "Invalid parameter: message is missing",
    ),
    (
        "method=liveMessage.send&event_name=e&message=m&wait=acked",
        "",
        100,
        "Invalid parameter: recipient is missing",
    ),
    ("method=no.such", "", 3, "Unknown method"),
    ("method=", "", 3, "Unknown method"),
    (
        "method=batch.run",
        "&method_feed=%5B%5D",
        3,
        "Unknown method: not to be called in a batch",
    ),
    (
        "method=auth.createToken",
        "",
        3,
        "Unknown method: not to be called in a batch",
    ),
    (
        "method=auth.getSession",
        "&auth_token=x",
        3,
        "Unknown method: not to be called in a batch",
    ),
    (
        WHO,
        "&api_key=fedcba9876543210fedcba9876543210",
        101,
        "Invalid API key: api_key is not that of the batch",
    ),
    (
        WHO,
        "&api_key=",
        101,
        "Invalid API key: api_key is not that of the batch",
    ),
    (
        WHO,
        "&session_key=aaaaaaaaaaaaaaaaaaaaaaaa-88",
        102,
        "Session key invalid or no longer valid: session_key is not that of the batch",
    ),
    (
        "method=liveMessage.send&recipient=88&event_name=e&message=m",
        "",
        292,
        "An application is only allowed to send LiveMessages to users who have accepted the TOS for that application.",
    ),
];

#[tokio::test]
async fn an_items_errors_are_its_own_and_echo_its_pairs_in_their_order() {
    let street = Street::open(|_| {}).await;
    for (item, more, code, message) in REFUSED {
        let item = format!("{item}{more}");
        let answered = street.batch(&[&item, SEND]).await;
        assert_eq!(answered[1], "true", "{item}");
        let value: Value = serde_json::from_str(&answered[0]).expect("JSON");
        assert_eq!(
            (&value["error_code"], &value["error_msg"]),
            (&json!(code), &json!(message)),
            "{item}"
        );
        let echoed: Vec<String> = value["request_args"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|arg| {
                format!(
                    "{}={}",
                    arg["key"].as_str().unwrap(),
                    arg["value"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(echoed.join("&").replace("[]", "%5B%5D"), item);
    }
}

#[tokio::test]
async fn an_items_format_that_is_none_is_100_in_xml() {
    let street = Street::open(|_| {}).await;
    let answered = street.batch(&[&format!("{SEND}&format=yaml")]).await;
    assert!(answered[0].starts_with("<?xml"), "{}", answered[0]);
    assert!(answered[0].contains("<error_msg>Invalid parameter: format must be xml or json</error_msg>"));
    assert_eq!(street.messages().await, 0);
}

#[tokio::test]
async fn what_the_outer_signature_covers_is_not_judged_in_an_item() {
    let street = Street::open(|_| {}).await;
    let session = street.session().await;
    let app = street.app().await;
    for rest in [
        "sig=0".to_owned(),
        "call_id=NaN".to_owned(),
        "call_id=1".to_owned(),
        "v=2.0".to_owned(),
        "ss=perhaps".to_owned(),
        "sig_version=".to_owned(),
        "sig_version=9&ts=x".to_owned(),
        "ts=1".to_owned(),
        "session_key=".to_owned(),
        "callback=&format=&locale=en_US&return_ssl_resources=1&call_as_apikey=".to_owned(),
        format!("api_key={}&session_key={}", app.api_key, session.key),
    ] {
        assert_eq!(
            street.item(&format!("{WHO}&{rest}")).await,
            (0, json!(WEB)),
            "{rest}"
        );
        assert_eq!(
            street.item(&format!("{SEND}&wait=none&{rest}")).await,
            (0, json!(true)),
            "{rest}"
        );
    }
}

#[tokio::test]
async fn the_call_id_of_the_batch_is_spent_once_and_its_items_spend_none() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let batch = |call_id: &str| {
        of(&[&format!("{SEND}&call_id=5"), &format!("{SEND}&call_id=5")])(Call::acting(
            &app, &session, BATCH, call_id,
        ))
    };
    assert_eq!(
        street.ask(batch("5").signed()).await,
        Said::Value(json!(["true", "true"]))
    );
    assert_eq!(street.ask(batch("5").signed()).await.code(), 103);
    assert_eq!(street.messages().await, 2, "a refused batch runs nothing");
    let next = Call::acting(&app, &session, "users.getLoggedInUser", "5.1");
    assert_eq!(street.ask(next.signed()).await.code(), 0);
}

#[tokio::test]
async fn a_batch_costs_one_call_and_each_item_one_and_an_item_over_the_quota_gets_4() {
    let street = Street::open(|app| app.calls_per_minute = 4).await;
    let answered = street
        .batch(&[
            SEND,
            "method=no.such",
            "a=%",
            SEND,
            PUBLISH,
            "method=no.such",
            "a=%",
        ])
        .await;
    assert_eq!(codes(&answered), [0, 3, 100, 4, 4, 4, 4]);
    let (_, cause) = &told(&answered)[3];
    assert_eq!(
        cause,
        "Application request limit reached: 4 calls in 60 s, window ends in 60 s"
    );
    assert_eq!(street.messages().await, 1);
    assert!(street.stories(WEB).await.is_empty());
    assert_eq!(street.act(of(&[]), BATCH).await.code(), 4);
}

#[tokio::test]
async fn a_refused_batch_costs_its_own_call_alone() {
    let street = Street::open(|app| app.calls_per_minute = 2).await;
    assert_eq!(street.act(of(&[SEND; 21]), BATCH).await.code(), 950);
    assert_eq!(street.act(of(&[]), BATCH).await.code(), 0);
    assert_eq!(street.act(of(&[]), BATCH).await.code(), 4);
}

#[tokio::test]
async fn an_item_after_one_that_ends_the_session_is_102() {
    let street = Street::open(|_| {}).await;
    let answered = street
        .batch(&[SEND, "method=auth.expireSession", SEND, WHO])
        .await;
    assert_eq!(codes(&answered), [0, 0, 102, 102]);
    assert_eq!(street.messages().await, 1);
}

#[tokio::test]
async fn signed_with_the_session_secret_a_batch_holds_no_method_that_needs_the_other() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let by_page = of(&["method=auth.promoteSession&ss=0", SEND])(Call::acting(&app, &session, BATCH, "1"))
        .with("ss", "1")
        .secret(&session.secret);
    assert_eq!(codes(&documents(street.ask(by_page.signed()).await)), [3, 0]);
    let by_app = street.batch(&["method=auth.promoteSession&ss=1"]).await;
    assert_eq!(by_app, [format!("\"{}\"", session.secret.expose())]);
}

#[tokio::test]
async fn a_desktop_batch_is_signed_and_charged_by_its_session() {
    let street = Street::open(|app| {
        app.kind = AppKind::Desktop;
        app.calls_per_minute = 2;
    })
    .await;
    let (app, session) = (street.app().await, street.session().await);
    let call = of(&[WHO, WHO])(Call::acting(&app, &session, BATCH, "1"));
    assert_eq!(street.ask(call.clone().signed()).await.code(), 104);
    let said = street.ask(call.secret(&session.secret).signed()).await;
    assert_eq!(codes(&documents(said)), [0, 4]);
    let other = street.session_of(OTHER).await;
    let call = Call::acting(&app, &other, "users.getLoggedInUser", "1").secret(&other.secret);
    assert_eq!(
        street.ask(call.signed()).await.code(),
        0,
        "another session's quota is its own"
    );
}

#[tokio::test]
async fn status_and_cancel_in_a_batch_reach_the_messages_of_its_user_alone() {
    let street = Street::open(|_| {}).await;
    let mine = street
        .act(
            |call| {
                call.with("recipient", &OTHER.to_string())
                    .with("event_name", "e")
                    .with("message", "m")
                    .with("outcome", "1")
            },
            "liveMessage.send",
        )
        .await;
    let mine = mine.value()["id"].as_str().unwrap().to_owned();
    let (app, session) = (street.app().await, street.session_of(OTHER).await);
    let ask = format!("method=liveMessage.status&id={mine}");
    let take = format!("method=liveMessage.cancel&id={mine}");
    let foreign = of(&[&ask, &take])(Call::acting(&app, &session, BATCH, "1"));
    assert_eq!(codes(&documents(street.ask(foreign.signed()).await)), [100, 100]);
    let own = told(&street.batch(&[&take, &ask]).await);
    assert_eq!(
        (&own[0].1["state"], &own[1].1["state"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
}

#[tokio::test]
async fn an_items_outcome_is_an_object_in_its_string() {
    let street = Street::open(|_| {}).await;
    let (code, outcome) = street.item(&format!("{SEND}&outcome=1&ttl=5")).await;
    assert_eq!(
        (code, &outcome["seq"], &outcome["state"]),
        (0, &json!(1), &json!("no_handler"))
    );
}

#[tokio::test]
async fn the_settings_of_the_application_hold_for_items() {
    let street = Street::of(ProfileName::Period).await;
    // Lenient: a name that is none is without effect. Detailed: the second story is 340.
    let odd = format!("{PUBLISH}&zzz=1");
    assert_eq!(codes(&street.batch(&[&odd, PUBLISH]).await), [0, 340]);
    street
        .set_app(|app| app.settings.strictness = Strictness::Strict)
        .await;
    assert_eq!(codes(&street.batch(&[&odd]).await), [100]);
    // A callback is refused in an item also where it has no effect in a call.
    street.set_app(|app| app.settings.jsonp = false).await;
    assert_eq!(codes(&street.batch(&[&format!("{WHO}&callback=f")]).await), [100]);
}

#[tokio::test]
async fn a_fault_of_ours_is_its_items_error_and_is_told_to_the_log() {
    let street = Street::open(|_| {}).await;
    street.store.breaks(Broken {
        grants: Some(StoreFault::Unavailable("the disk is full".into())),
        ..Broken::default()
    });
    let (app, session) = (street.app().await, street.session().await);
    let call = of(&[WHO, SEND, "method=no.such"])(Call::acting(&app, &session, BATCH, "1"));
    let answer = street.answer(call.signed()).await;
    assert_eq!(codes(&documents(said(&answer))), [0, 2, 3]);
    assert!(answer.fault.is_none(), "the batch itself has succeeded");
    let items: Vec<_> = answer
        .items
        .iter()
        .map(|item| {
            (
                item.method,
                item.error.map(|code| code.number()),
                item.fault.is_some(),
            )
        })
        .collect();
    assert_eq!(
        items,
        [
            (Some("users.getLoggedInUser"), None, false),
            (Some("liveMessage.send"), Some(2), true),
            (None, Some(3), false),
        ]
    );
}

#[tokio::test]
async fn a_batch_signed_by_version_2_covers_its_items() {
    let street = Street::of(ProfileName::Modern).await;
    let (app, session) = (street.app().await, street.session().await);
    let send = "method=liveMessage.send&recipient=563683308&event_name=e&message=%7B%7D";
    let call = of(&[send, WHO])(Call::acting(&app, &session, BATCH, "1"));
    let said = street.ask(call.signed_v2(street.now_secs())).await;
    assert_eq!(said, Said::Value(json!(["true", "1240077"])));
}

/// An item has no file; whether its digest is asked for, the signature of the batch says (protocol 15.8).
#[tokio::test]
async fn an_upload_in_a_batch_is_told_that_its_file_is_missing() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let digest = format!("method=photos.upload&file_sha256={}", "0".repeat(64));
    let items = [
        "method=photos.upload",
        "method=photos.upload&sig_version=2&ts=1",
        &digest,
    ];
    let call = |call_id: &str| of(&items)(Call::acting(&app, &session, BATCH, call_id));
    let by_md5 = street.ask(call("1").signed()).await;
    assert_eq!(codes(&documents(by_md5)), [324, 324, 324]);
    let by_hmac = street.ask(call("2").signed_v2(street.now_secs())).await;
    assert_eq!(codes(&documents(by_hmac)), [100, 100, 324]);
}

#[tokio::test]
async fn a_callback_wraps_the_whole_batch() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = of(&[WHO])(Call::acting(&app, &session, BATCH, "1")).with("callback", "f");
    assert_eq!(text(&street.answer(call.signed()).await), "/**/f([\"1240077\"]);");
}

/// A power cut may take the last second's marks; a story that is kept keeps the mark of its batch, so that nobody can run it again.
#[tokio::test]
async fn a_story_of_a_batch_keeps_the_call_order_of_its_batch_in_its_own_commit() {
    let street = Street::open(|_| {}).await;
    street.store.breaks(Broken {
        lost_marks: true,
        ..Broken::default()
    });
    let (app, session) = (street.app().await, street.session().await);
    let kept = async || {
        let values = street.ports.store.call_ids(session.id).await.expect("books");
        values.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let call = of(&[WHO])(Call::acting(&app, &session, BATCH, "41"));
    assert_eq!(documents(street.ask(call.signed()).await), ["1240077"]);
    assert!(
        kept().await.is_empty(),
        "nothing was committed that could be marked"
    );
    let call = of(&[WHO, PUBLISH])(Call::acting(&app, &session, BATCH, "42.50"));
    assert_eq!(documents(street.ask(call.signed()).await), ["1240077", "true"]);
    assert_eq!(kept().await, ["42.5"]);
    assert_eq!(street.stories(WEB).await.len(), 1);
}
