//! What became of a message, and taking it back, over real sockets (live section 7; protocol 16.1 to 16.5), and a page's `ref` (4.2).

use crate::live::{ORIGIN, at, caller, started, started_with, ticket};
use crier_platform::accounts::admin::NewSessionOrder;
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, RECIPIENT, SENDER};
use crier_testkit::raw::Answer;
use crier_testkit::server::START_MS;
use crier_testkit::{FakePage, SignedClient, TestServer};
use serde_json::{Value, json};

const ONE: &str = "page-one-0123456789";
const TWO: &str = "page-two-0123456789";
const UNKNOWN: &str = "3f0a9c1de2b84756a1c0d9e8f7061524";
const OUT_OF_REACH: &str = "Invalid parameter: id names no message that this call may reach";

/// A page of the sender that is welcome.
async fn page(server: &TestServer, caller: &SignedClient, name: &str, events: &[&str]) -> FakePage {
    let ticket = ticket(caller).await;
    let mut page = FakePage::open(&at(server, Some(ORIGIN)), name).await.unwrap();
    page.hello(text(&ticket, "ticket"), events).await.unwrap();
    page
}

/// Sends an event "e" and returns the outcome object.
async fn send(caller: &SignedClient, to: i64, more: &[(&str, &str)]) -> Value {
    let recipient = to.to_string();
    let mut params = vec![
        ("recipient", recipient.as_str()),
        ("event_name", "e"),
        ("message", "m"),
        ("outcome", "true"),
        ("format", "json"),
    ];
    params.extend_from_slice(more);
    caller.call("liveMessage.send", &params).await.unwrap().json()
}

async fn asked(caller: &SignedClient, method: &str, id: &str, more: &[(&str, &str)]) -> Answer {
    let params = [&[("id", id)], more].concat();
    let answer = caller.call(method, &params).await.unwrap();
    assert_eq!(outcome_headers(&answer), [""; 0], "protocol 13.11");
    answer
}

async fn status(caller: &SignedClient, id: &str) -> Value {
    let answer = asked(caller, "liveMessage.status", id, &[("format", "json")]).await;
    answer.json()
}

async fn cancel(caller: &SignedClient, id: &str) -> Value {
    let answer = asked(caller, "liveMessage.cancel", id, &[("format", "json")]).await;
    answer.json()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// The words of a timeline, each with its page.
fn words(status: &Value) -> Vec<String> {
    let entries = status["timeline"].as_array().unwrap().iter();
    let words = entries.map(|entry| match entry.get("page") {
        Some(page) => format!("{} {}", text(entry, "what"), page.as_str().unwrap()),
        None => text(entry, "what").to_owned(),
    });
    words.collect()
}

/// The next message of a page. What the server has for the page after it is asked for and answered, so that it has noted the
/// writing too.
async fn message(page: &mut FakePage) -> Value {
    let message = page.next_of("message").await.unwrap();
    settled(page).await;
    message
}

/// Returns when the server has read all that the page has said.
async fn settled(page: &mut FakePage) {
    page.register(&["unheard"]).await.unwrap();
}

async fn ack(page: &mut FakePage, id: &str, failed: &[&str]) {
    let ack = json!({"type": "ack", "page": page.page, "ids": [id], "failed": failed});
    page.say(&ack).await.unwrap();
    settled(page).await;
}

#[tokio::test]
async fn a_status_is_written_byte_for_byte_in_every_format() {
    let server = started().await;
    let caller = caller(&server);
    let mut one = page(&server, &caller, ONE, &["e"]).await;
    let mut two = page(&server, &caller, TWO, &["e"]).await;
    let sent = send(&caller, SENDER, &[]).await;
    let (id, epoch) = (text(&sent, "id"), text(&sent, "epoch"));
    message(&mut one).await;
    message(&mut two).await;
    server.clock.advance_ms(250);
    ack(&mut one, id, &[id]).await;
    let (expires, start, later) = (START_MS / 1_000 + 60, START_MS, START_MS + 250);
    let body = asked(&caller, "liveMessage.status", id, &[("format", "json")]).await;
    let entry = |at: i64, what: &str, page: &str| format!(r#"{{"at":{at},"what":"{what}","page":"{page}"}}"#);
    assert_eq!(
        body.text(),
        format!(
            r#"{{"id":"{id}","seq":1,"epoch":"{epoch}","state":"acked","pages":2,"handlers":2,"written":2,"acked":1,"expires_at":{expires},"failed":1,"lagging":0,"timeline":[{{"at":{start},"what":"accepted"}},{},{},{},{},{}]}}"#,
            entry(start, "offered", ONE),
            entry(start, "offered", TWO),
            entry(start, "written", ONE),
            entry(start, "written", TWO),
            entry(later, "failed", ONE),
        )
    );
    let body = asked(&caller, "liveMessage.status", id, &[]).await;
    let fields = format!(
        "  <id>{id}</id>\n  <seq>1</seq>\n  <epoch>{epoch}</epoch>\n  <state>acked</state>\n  <pages>2</pages>\n  \
         <handlers>2</handlers>\n  <written>2</written>\n  <acked>1</acked>\n  <expires_at>{expires}</expires_at>\n  \
         <failed>1</failed>\n  <lagging>0</lagging>\n  <timeline list=\"true\">\n    <timeline_elt>\n      \
         <at>{start}</at>\n      <what>accepted</what>\n    </timeline_elt>\n"
    );
    assert!(body.text().contains(&fields), "{}", body.text());
    let last = format!(
        "    <timeline_elt>\n      <at>{later}</at>\n      <what>failed</what>\n      <page>{ONE}</page>\n    \
         </timeline_elt>\n  </timeline>\n</liveMessage_status_response>\n"
    );
    assert!(body.text().ends_with(&last), "{}", body.text());
    let wrapped = [("format", "json"), ("callback", "MyApp.cb")];
    let body = asked(&caller, "liveMessage.status", id, &wrapped).await;
    assert!(
        body.text()
            .starts_with(&format!(r#"/**/MyApp.cb({{"id":"{id}","#)),
        "{}",
        body.text()
    );
    assert!(body.text().ends_with("}]});"), "{}", body.text());
}

/// The nine fields of protocol 13.11 as one line each.
fn outcome_headers(answer: &Answer) -> Vec<String> {
    let fields = answer.headers.iter();
    let fields = fields.filter(|(name, _)| name.starts_with("crier-"));
    fields.map(|(name, value)| format!("{name}: {value}")).collect()
}

#[tokio::test]
async fn a_send_carries_its_outcome_in_headers_whatever_it_answers_and_a_refusal_none() {
    let server = started().await;
    let caller = caller(&server);
    let mut one = page(&server, &caller, ONE, &["e"]).await;
    let to = SENDER.to_string();
    let params = |wait, outcome| {
        [
            ("recipient", to.as_str()),
            ("event_name", "e"),
            ("message", "m"),
            ("format", "json"),
            ("wait", wait),
            ("timeout_ms", "5000"),
            ("outcome", outcome),
        ]
    };
    let at_once = caller
        .call("liveMessage.send", &params("none", "0"))
        .await
        .unwrap();
    assert_eq!(at_once.text(), "true");
    let frame = message(&mut one).await;
    let (id, epoch) = (text(&frame, "id"), at_once.header("Crier-Epoch").unwrap());
    let expires = START_MS / 1_000 + 60;
    let expected = |id: &str, seq: u64, state: &str, count: u8| {
        [
            format!("crier-id: {id}"),
            format!("crier-seq: {seq}"),
            format!("crier-epoch: {epoch}"),
            format!("crier-state: {state}"),
            "crier-pages: 1".to_owned(),
            "crier-handlers: 1".to_owned(),
            format!("crier-written: {count}"),
            format!("crier-acked: {count}"),
            format!("crier-expires-at: {expires}"),
        ]
    };
    assert_eq!(outcome_headers(&at_once), expected(id, 1, "queued", 0));
    let params = params("acked", "1");
    let (waited, frame) = tokio::join!(caller.call("liveMessage.send", &params), async {
        let frame = message(&mut one).await;
        ack(&mut one, text(&frame, "id"), &[]).await;
        frame
    });
    let waited = waited.unwrap();
    assert_eq!(
        outcome_headers(&waited),
        expected(text(&frame, "id"), 2, "acked", 1)
    );
    assert_eq!(waited.json()["state"], "acked");
    let refused = caller
        .call("liveMessage.send", &[("event_name", "e")])
        .await
        .unwrap();
    assert_eq!(
        (refused.error_code(), outcome_headers(&refused)),
        (Some(100), vec![])
    );
}

#[tokio::test]
async fn a_cancelled_message_is_taken_back_from_the_page_that_holds_it() {
    let server = started().await;
    let caller = caller(&server);
    let mut one = page(&server, &caller, ONE, &["e"]).await;
    let sent = send(&caller, SENDER, &[]).await;
    let id = text(&sent, "id");
    message(&mut one).await;
    assert_eq!(status(&caller, id).await["state"], "written");
    let answer = asked(&caller, "liveMessage.cancel", id, &[]).await;
    let (epoch, expires) = (text(&sent, "epoch"), START_MS / 1_000 + 60);
    assert_eq!(
        answer.text(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<liveMessage_cancel_response xmlns=\"http://api.facebook.com/1.0/\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://api.facebook.com/1.0/ \
             http://api.facebook.com/1.0/facebook.xsd\">\n  <id>{id}</id>\n  <seq>1</seq>\n  <epoch>{epoch}</epoch>\n  \
             <state>cancelled</state>\n  <pages>1</pages>\n  <handlers>1</handlers>\n  <written>1</written>\n  \
             <acked>0</acked>\n  <expires_at>{expires}</expires_at>\n</liveMessage_cancel_response>\n"
        )
    );
    let frame = one.next().await.unwrap().unwrap();
    assert_eq!(frame, json!({"type": "cancel", "ids": [id]}));
    let again = asked(&caller, "liveMessage.cancel", id, &[("format", "json")]).await;
    assert_eq!(
        again.text(),
        format!(
            r#"{{"id":"{id}","seq":1,"epoch":"{epoch}","state":"cancelled","pages":1,"handlers":1,"written":1,"acked":0,"expires_at":{expires}}}"#
        )
    );
    settled(&mut one).await;
    // A handler that had started counts: from then on it is acked.
    ack(&mut one, id, &[]).await;
    let after = status(&caller, id).await;
    assert_eq!((&after["state"], &after["acked"]), (&json!("acked"), &json!(1)));
    assert_eq!(words(&after).last().unwrap(), &format!("acked {ONE}"));
    assert_eq!(cancel(&caller, id).await["state"], "acked");
}

#[tokio::test]
async fn a_message_that_a_page_has_acked_is_not_taken_back() {
    let server = started().await;
    let caller = caller(&server);
    let mut one = page(&server, &caller, ONE, &["e"]).await;
    let sent = send(&caller, SENDER, &[]).await;
    let id = text(&sent, "id");
    message(&mut one).await;
    ack(&mut one, id, &[]).await;
    let after = cancel(&caller, id).await;
    assert_eq!((&after["state"], &after["acked"]), (&json!("acked"), &json!(1)));
    settled(&mut one).await;
    let mut two = page(&server, &caller, TWO, &["e"]).await;
    settled(&mut two).await;
}

#[tokio::test]
async fn every_ending_is_a_state_and_the_last_word_of_its_timeline() {
    let server = started_with(&[("CRIER__LIVE__RING_ITEMS_MAX", "1")]).await;
    let caller = caller(&server);
    let key = [("collapse_key", "k")];
    let dropped = send(&caller, RECIPIENT, &key).await;
    assert_eq!(dropped["state"], "no_handler");
    let replaced = send(&caller, RECIPIENT, &[("collapse_key", "l")]).await;
    let revoked = send(&caller, RECIPIENT, &[("collapse_key", "l")]).await;
    let expired = send(&caller, SENDER, &[("ttl", "5")]).await;
    let expected = [
        (&dropped, "dropped"),
        (&replaced, "replaced"),
        (&revoked, "no_handler"),
    ];
    for (sent, state) in expected {
        assert_eq!(status(&caller, text(sent, "id")).await["state"], state);
    }
    server
        .accounts()
        .remove_grant(APP_NAME, "recipient")
        .await
        .unwrap();
    server.clock.advance_ms(5_000);
    for (sent, state) in [
        (dropped, "dropped"),
        (replaced, "replaced"),
        (revoked, "revoked"),
        (expired, "expired"),
    ] {
        let id = text(&sent, "id");
        let now = status(&caller, id).await;
        assert_eq!(now["state"], state);
        assert_eq!(words(&now), ["accepted", "no_handler", state]);
        let outcome = cancel(&caller, id).await;
        assert_eq!(outcome["state"], state, "after the end nothing changes");
        assert_eq!(words(&status(&caller, id).await), words(&now));
    }
}

#[tokio::test]
async fn a_claimed_message_moves_on_and_its_timeline_says_so() {
    let server = started().await;
    let caller = caller(&server);
    let mut one = page(&server, &caller, ONE, &["e"]).await;
    let mut two = page(&server, &caller, TWO, &["e"]).await;
    let sent = send(&caller, SENDER, &[("fanout", "one")]).await;
    let id = text(&sent, "id");
    assert_eq!(message(&mut one).await["once"], true);
    one.say(&json!({"type": "unregister", "page": ONE}))
        .await
        .unwrap();
    assert_eq!(message(&mut two).await["redelivered"], true);
    ack(&mut two, id, &[]).await;
    let now = status(&caller, id).await;
    let at = |what: &str, page: &str| format!("{what} {page}");
    assert_eq!(
        words(&now),
        [
            "accepted".to_owned(),
            at("offered", ONE),
            at("written", ONE),
            at("released", ONE),
            at("offered", TWO),
            at("written", TWO),
            at("acked", TWO),
        ]
    );
    assert_eq!(
        (&now["pages"], &now["written"], &now["acked"]),
        (&json!(1), &json!(2), &json!(1))
    );
}

#[tokio::test]
async fn a_wait_that_is_cancelled_is_answered_with_the_cancellation() {
    let server = started().await;
    let caller = caller(&server);
    let app_alone = server.caller(API_KEY, APP_SECRET);
    let mut one = page(&server, &caller, ONE, &["e"]).await;
    let more = [("wait", "acked"), ("timeout_ms", "5000")];
    let (outcome, cancelled) = tokio::join!(send(&caller, SENDER, &more), async {
        let frame = message(&mut one).await;
        cancel(&app_alone, text(&frame, "id")).await
    });
    assert_eq!(outcome, cancelled);
    assert_eq!(outcome["state"], "cancelled");
}

#[tokio::test]
async fn a_session_reaches_its_users_messages_and_the_application_all_of_its_own() {
    let server = started_with(&[("CRIER__LIVE__STATUS_KEEP", "1s")]).await;
    let caller = caller(&server);
    let app_alone = server.caller(API_KEY, APP_SECRET);
    let session_key = "0123456789abcdef01234567-563683308";
    let order = NewSessionOrder {
        app: APP_NAME.to_owned(),
        user: "recipient".to_owned(),
        ttl_secs: None,
        session_key: Some(session_key.to_owned()),
        session_secret: None,
    };
    server.accounts().add_session(order).await.unwrap();
    let theirs = server.caller(API_KEY, APP_SECRET).with_session(session_key);
    let sent = send(&caller, RECIPIENT, &[]).await;
    let id = text(&sent, "id");
    for reaching in [&caller, &app_alone] {
        assert_eq!(status(reaching, id).await["id"], json!(id));
    }
    for method in ["liveMessage.status", "liveMessage.cancel"] {
        for (asker, id) in [(&theirs, id), (&app_alone, UNKNOWN), (&caller, UNKNOWN)] {
            let refused = asked(asker, method, id, &[("format", "json")]).await.json();
            assert_eq!(
                (&refused["error_code"], &refused["error_msg"]),
                (&json!(100), &json!(OUT_OF_REACH))
            );
        }
    }
    assert_eq!(
        status(&caller, id).await["state"],
        "no_handler",
        "nobody has taken it back"
    );
    server.clock.advance_ms(61_000);
    let forgotten = status(&caller, id).await;
    assert_eq!(forgotten["error_msg"], OUT_OF_REACH);
}

#[tokio::test]
async fn a_repeated_ref_gives_its_first_outcome_on_another_connection_after_a_withdrawal() {
    let server = started().await;
    let caller = caller(&server);
    let to = RECIPIENT.to_string();
    let mut one = page(&server, &caller, ONE, &["e"]).await;
    one.send("ref-0001", (&to, "e"), "7").await.unwrap();
    let first = one.next_of("sent").await.unwrap();
    let fields: Vec<_> = first.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "type",
        "ref",
        "id",
        "seq",
        "epoch",
        "state",
        "pages",
        "handlers",
        "written",
        "acked",
        "expires_at",
    ];
    expected.sort_unstable();
    assert_eq!(fields, expected, "the ref and the outcome object");
    server
        .accounts()
        .remove_grant(APP_NAME, "recipient")
        .await
        .unwrap();
    let mut two = page(&server, &caller, TWO, &[]).await;
    two.send("ref-0001", (&to, "e"), "7").await.unwrap();
    assert_eq!(two.next_of("sent").await.unwrap(), first);
    assert_eq!(status(&caller, text(&first, "id")).await["state"], "revoked");
    one.send("ref-0002", (&to, "e"), "7").await.unwrap();
    assert_eq!(one.next_of("error").await.unwrap()["code"], 292);
}

#[tokio::test]
async fn live_ttl_is_the_life_of_a_message_whose_sender_names_none() {
    let server = started_with(&[("CRIER__LIVE__TTL", "90s")]).await;
    let caller = caller(&server);
    for (named, secs) in [(&[][..], 90), (&[("ttl", "10")], 10)] {
        let more: Vec<(&str, &str)> = [("outcome", "true")].iter().chain(named).copied().collect();
        let outcome = crate::live::send(&caller, "e", "1", &more).await;
        assert_eq!(outcome["expires_at"], START_MS / 1_000 + secs);
    }
}
