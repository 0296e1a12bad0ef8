//! Live connections over a real socket: tickets, the Origin rule, delivery, resume, limits and ends (live sections 3, 4, 9).

use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::model::app::{AppKind, ProfileName};
use crier_platform::ports::store::StoreFault;
use crier_server::bound::Bound;
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, Identity, RECIPIENT, SENDER, SESSION_KEY};
use crier_testkit::page::{End, FakePage, PageAddress};
use crier_testkit::{Broken, RawClient, SignedClient, TestServer};
use serde_json::Value;

pub const ORIGIN: &str = "http://game.example";
pub const PAGE: &str = "page-0123456789abcdef";

/// A server with the replay identity and one listed origin.
pub async fn started() -> TestServer {
    started_with(&[]).await
}

pub async fn started_with(keys: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(keys).await.unwrap();
    let identity = Identity {
        kind: AppKind::Web,
        profile: ProfileName::Documented,
    };
    identity.establish(server.accounts()).await.unwrap();
    let changes = [("origins".to_owned(), ORIGIN.to_owned())];
    server.accounts().set_app(APP_NAME, &changes).await.unwrap();
    server
}

pub fn at(server: &TestServer, origin: Option<&str>) -> PageAddress {
    PageAddress {
        address: server.address,
        base_path: String::new(),
        api_key: API_KEY.to_owned(),
        origin: origin.map(str::to_owned),
    }
}

pub fn caller(server: &TestServer) -> SignedClient {
    server.caller(API_KEY, APP_SECRET).with_session(SESSION_KEY)
}

pub async fn ticket(caller: &SignedClient) -> Value {
    let answer = caller
        .call("liveMessage.createTicket", &[("format", "json")])
        .await
        .unwrap();
    answer.json()
}

/// A page of the sender that is welcome.
pub async fn welcome(server: &TestServer, caller: &SignedClient, events: &[&str]) -> (FakePage, Value) {
    let ticket = ticket(caller).await;
    let mut page = FakePage::open(&at(server, Some(ORIGIN)), PAGE).await.unwrap();
    let welcome = page
        .hello(ticket["ticket"].as_str().unwrap(), events)
        .await
        .unwrap();
    (page, welcome)
}

/// Sends to the sender itself, who has one acceptance to give.
pub async fn send(caller: &SignedClient, event: &str, text: &str, more: &[(&str, &str)]) -> Value {
    let recipient = SENDER.to_string();
    let mut params = vec![
        ("recipient", recipient.as_str()),
        ("event_name", event),
        ("message", text),
        ("format", "json"),
    ];
    params.extend_from_slice(more);
    caller.call("liveMessage.send", &params).await.unwrap().json()
}

fn upgrade(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

#[tokio::test]
async fn books_that_fail_are_told_to_a_socket_by_a_bye_and_to_a_post_by_its_status() {
    let server = started().await;
    server.books.breaks(Broken {
        apps: Some(StoreFault::Unavailable("the disk is full".into())),
        ..Broken::default()
    });
    let mut page = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    let bye = page.next().await.unwrap().unwrap();
    assert_eq!(
        bye,
        serde_json::json!({"type": "bye", "code": 4104, "reason": "internal error", "retry_after": 1_000})
    );
    assert_eq!(page.end().await.unwrap(), End::Closed(4104));
    let post = format!(
        "POST /live/sse?app={API_KEY} HTTP/1.1\r\nHost: h\r\nOrigin: {ORIGIN}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let answer = RawClient::exchange(server.address, post.as_bytes())
        .await
        .unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    // Nobody is left hanging: the stop is a clean one.
    server.books.breaks(Broken::default());
    let (mut page, _) = welcome(&server, &caller(&server), &["e"]).await;
    let (stopped, end) = tokio::join!(server.stop(), page.end());
    assert_eq!((stopped.unwrap(), end.unwrap()), (true, End::Closed(4001)));
}

#[tokio::test]
async fn a_message_reaches_the_page_with_every_field_of_its_frame() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, welcome) = welcome(&server, &caller, &["rochambeau"]).await;
    assert_eq!((&welcome["v"], &welcome["ping_secs"]), (&1.into(), &25.into()));
    assert_eq!(welcome["user"], SENDER.to_string());
    let text = "{message:\"Let's start a game.\"}";
    let outcome = send(&caller, "rochambeau", text, &[("outcome", "true")]).await;
    assert_eq!(
        (&outcome["state"], &outcome["pages"], &outcome["handlers"]),
        (&"queued".into(), &1.into(), &1.into())
    );
    let message = page.next_of("message").await.unwrap();
    assert_eq!(message["id"], outcome["id"]);
    assert_eq!(message["raw"], text);
    assert_eq!(message["data"]["message"], "Let's start a game.");
    assert_eq!((&message["seq"], &message["via"]), (&1.into(), &"app".into()));
    assert_eq!(message["from"], SENDER.to_string());
    assert!(message.get("pages").is_none() && message.get("once").is_none());
}

#[tokio::test]
async fn a_sender_who_waits_for_the_ack_is_answered_by_it() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = welcome(&server, &caller, &["e"]).await;
    let more = [("wait", "acked"), ("timeout_ms", "5000"), ("outcome", "true")];
    let (outcome, ()) = tokio::join!(send(&caller, "e", "1", &more), async {
        let message = page.next_of("message").await.unwrap();
        page.ack(&[message["id"].as_str().unwrap()]).await.unwrap();
    });
    assert_eq!(
        (&outcome["state"], &outcome["written"], &outcome["acked"]),
        (&"acked".into(), &1.into(), &1.into())
    );
}

#[tokio::test]
async fn a_wait_without_a_handler_is_answered_at_once() {
    let server = started().await;
    let caller = caller(&server);
    let more = [("wait", "acked"), ("timeout_ms", "5000"), ("outcome", "true")];
    let outcome = send(&caller, "e", "1", &more).await;
    assert_eq!(outcome["state"], "no_handler");
}

#[tokio::test]
async fn what_was_sent_after_the_ticket_reaches_a_page_that_connects_later() {
    let server = started().await;
    let caller = caller(&server);
    let ticket = ticket(&caller).await;
    send(&caller, "e", "\"early\"", &[]).await;
    let mut page = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    let hello = serde_json::json!({"type": "hello", "v": 1, "ticket": ticket["ticket"], "epoch": ticket["epoch"],
        "pages": [{"page": PAGE, "seq": ticket["seq"], "events": ["e"]}]});
    page.say(&hello).await.unwrap();
    page.next_of("welcome").await.unwrap();
    assert_eq!(page.next_of("message").await.unwrap()["data"], "early");
}

#[tokio::test]
async fn a_lost_connection_resumes_at_its_cursor_and_supersedes_the_old_one() {
    let server = started().await;
    let caller = caller(&server);
    let (mut old, hello) = welcome(&server, &caller, &["e"]).await;
    send(&caller, "e", "1", &[]).await;
    let first = old.next_of("message").await.unwrap();
    send(&caller, "e", "2", &[]).await;
    let mut new = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    let cursor = (hello["epoch"].as_str().unwrap(), first["seq"].as_u64().unwrap());
    new.resume(hello["resume"].as_str().unwrap(), cursor, &["e"])
        .await
        .unwrap();
    assert_eq!(new.next_of("message").await.unwrap()["raw"], "2");
    assert_eq!(old.end().await.unwrap(), End::Closed(4303));
}

#[tokio::test]
async fn a_token_from_another_origin_is_refused() {
    let server = started().await;
    let caller = caller(&server);
    let changes = [("origins".to_owned(), format!("{ORIGIN},http://other.example"))];
    server.accounts().set_app(APP_NAME, &changes).await.unwrap();
    let (_page, hello) = welcome(&server, &caller, &["e"]).await;
    let mut thief = FakePage::open(&at(&server, Some("http://other.example")), PAGE)
        .await
        .unwrap();
    let cursor = (hello["epoch"].as_str().unwrap(), 0);
    assert!(
        thief
            .resume(hello["resume"].as_str().unwrap(), cursor, &["e"])
            .await
            .is_err()
    );
    assert_eq!(thief.end().await.unwrap(), End::Closed(4202));
}

#[tokio::test]
async fn a_ticket_opens_one_connection_once() {
    let server = started().await;
    let caller = caller(&server);
    let ticket = ticket(&caller).await;
    let text = ticket["ticket"].as_str().unwrap();
    let mut first = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    first.hello(text, &["e"]).await.unwrap();
    let mut second = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    assert!(second.hello(text, &["e"]).await.is_err());
    assert_eq!(second.end().await.unwrap(), End::Closed(4200));
}

#[tokio::test]
async fn origins_outside_the_list_are_refused_before_any_upgrade() {
    let server = started().await;
    let path = format!("/live/ws?app={API_KEY}");
    for header in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: \r\n",
        "",
        "Origin: http://game.example\r\nOrigin: http://game.example\r\n",
    ] {
        let answer = RawClient::exchange(server.address, upgrade(&path, header).as_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, 403, "{header}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("vary"), Some("Origin"));
        assert_eq!(
            answer.text(),
            r#"{"type":"bye","code":4302,"reason":"origin refused"}"#
        );
    }
}

#[tokio::test]
async fn an_upgraded_socket_is_one_of_the_servers_connections() {
    let server = started_with(&[("CRIER__SERVER__CONNECTIONS_MAX", "1")]).await;
    let page = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    let mut second = RawClient::connect(server.address).await.unwrap();
    assert!(second.is_closed().await.unwrap());
    assert_eq!(server.state.metrics.times_met(Bound::Connections), 1);
    drop(page);
}

#[tokio::test]
async fn requests_that_are_no_upgrade_get_their_status_and_the_live_headers() {
    let server = started().await;
    let path = format!("/live/ws?app={API_KEY}");
    let plain = format!("GET {path} HTTP/1.1\r\nHost: h\r\nOrigin: {ORIGIN}\r\n\r\n");
    let posted = format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    let asked = format!("OPTIONS {path} HTTP/1.1\r\nHost: h\r\nOrigin: {ORIGIN}\r\n\r\n");
    let nameless = upgrade("/live/ws", &format!("Origin: {ORIGIN}\r\n"));
    // HTTP/1.0 knows no upgrade.
    let old = upgrade(&path, &format!("Origin: {ORIGIN}\r\n")).replacen("HTTP/1.1", "HTTP/1.0", 1);
    let requests = [
        (plain, 426),
        (old, 426),
        (posted, 405),
        (asked, 204),
        (nameless, 400),
    ];
    for (request, status) in requests {
        let answer = RawClient::exchange(server.address, request.as_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{request}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("vary"), Some("Origin"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        if status == 204 {
            assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
            assert_eq!(answer.header("access-control-max-age"), Some("7200"));
            assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST"));
        }
    }
}

#[tokio::test]
async fn frames_that_break_the_rules_end_with_their_code() {
    let server = started().await;
    let caller = caller(&server);
    let large = format!("{{\"type\":\"leave\",\"x\":\"{}\"}}", "x".repeat(65_536));
    let cases = [
        ("{", 4300),
        (r#"{"type":"leave","type":"leave"}"#, 4300),
        (r#"{"type":"hello","v":1,"ticket":"t","pages":[]}"#, 4300),
        (large.as_str(), 4301),
    ];
    for (text, code) in cases {
        let (mut page, _) = welcome(&server, &caller, &["e"]).await;
        page.say_text(text).await.unwrap();
        assert_eq!(
            page.end().await.unwrap(),
            End::Closed(code),
            "{}",
            &text[..text.len().min(60)]
        );
        let bye = page.next_of("bye").await.unwrap();
        assert_eq!(bye["code"], code);
    }
    let mut silent = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    silent
        .say_text(r#"{"type":"hello","v":2,"ticket":"t","pages":[]}"#)
        .await
        .unwrap();
    assert_eq!(silent.end().await.unwrap(), End::Closed(4306));
}

#[tokio::test]
async fn rate_frames_over_the_burst_ends_the_connection() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = welcome(&server, &caller, &["e"]).await;
    // The hello was the first of the two hundred; nothing is said behind the one that is too many.
    for _ in 0..200 {
        page.say_text(r#"{"type":"pong","at":1}"#).await.unwrap();
    }
    assert_eq!(page.end().await.unwrap(), End::Closed(4103));
}

#[tokio::test]
async fn rate_frames_counts_the_pings_of_the_protocol_too() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = welcome(&server, &caller, &["e"]).await;
    for _ in 0..200 {
        page.ping().await.unwrap();
    }
    assert_eq!(page.end().await.unwrap(), End::Closed(4103));
}

#[tokio::test]
async fn a_socket_that_was_open_before_its_application_was_disabled_cannot_resume_behind_it() {
    let server = started().await;
    let caller = caller(&server);
    let (_page, _) = welcome(&server, &caller, &["e"]).await;
    let mut silent = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    server.accounts().enable_app(APP_NAME, false).await.unwrap();
    server.clock.advance_ms(1_000);
    assert_eq!(silent.end().await.unwrap(), End::Closed(4304));
}

#[tokio::test]
async fn a_page_sends_and_a_repeated_ref_sends_nothing() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = welcome(&server, &caller, &["e"]).await;
    let me = SENDER.to_string();
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        page.send("ref-0001", (&me, "e"), "7").await.unwrap();
        let mut frame = page.next().await.unwrap().unwrap();
        if frame["type"] == "message" {
            assert_eq!(frame["via"], "user");
            frame = page.next().await.unwrap().unwrap();
        }
        assert_eq!(
            (&frame["type"], &frame["ref"]),
            (&"sent".into(), &"ref-0001".into())
        );
        outcomes.push((frame["id"].clone(), frame["seq"].clone()));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    page.send("ref-0002", (&me, "unhandled"), "7").await.unwrap();
    assert_eq!(page.next_of("error").await.unwrap()["code"], 1100);
    page.send("ref-0003", ("999", "e"), "7").await.unwrap();
    let refused = page.next_of("error").await.unwrap();
    assert_eq!(
        (&refused["code"], &refused["ref"]),
        (&292.into(), &"ref-0003".into())
    );
}

#[tokio::test]
async fn a_silent_socket_is_ended_after_five_seconds_and_an_unanswered_ping_after_ten() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = welcome(&server, &caller, &["e"]).await;
    let mut silent = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    // The first frame of the open page proves that the silent socket behind it has been taken in.
    page.register(&["f"]).await.unwrap();
    server.clock.advance_ms(5_250);
    assert_eq!(silent.end().await.unwrap(), End::Closed(4107));
    server.clock.advance_ms(25_000);
    assert!(
        page.register(&["g"]).await.is_ok(),
        "a ping is due, not yet overdue"
    );
}

#[tokio::test]
async fn withdrawn_users_and_ended_sessions_and_disabled_applications_are_cut_off() {
    for (code, what) in [(4305, "grant"), (4203, "session"), (4304, "app")] {
        let server = started().await;
        let caller = caller(&server);
        let (mut page, hello) = welcome(&server, &caller, &["e"]).await;
        let accounts = server.accounts();
        match what {
            "grant" => accounts.remove_grant(APP_NAME, "sender").await.map(drop).unwrap(),
            "session" => accounts.remove_session(SESSION_KEY).await.unwrap(),
            _ => {
                accounts.enable_app(APP_NAME, false).await.unwrap();
            }
        }
        server.clock.advance_ms(1_000);
        assert_eq!(page.end().await.unwrap(), End::Closed(code), "{what}");
        if what != "app" {
            let mut back = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
            let cursor = (hello["epoch"].as_str().unwrap(), 0);
            assert!(
                back.resume(hello["resume"].as_str().unwrap(), cursor, &["e"])
                    .await
                    .is_err()
            );
            assert_eq!(back.end().await.unwrap(), End::Closed(4202));
        }
    }
}

#[tokio::test]
async fn a_session_that_runs_out_ends_its_connections_with_4203() {
    let server = started().await;
    server.accounts().remove_session(SESSION_KEY).await.unwrap();
    let order = NewSessionOrder {
        app: APP_NAME.to_owned(),
        user: "sender".to_owned(),
        ttl_secs: Some(60),
        session_key: Some(SESSION_KEY.to_owned()),
        session_secret: None,
    };
    let session = server.accounts().add_session(order).await.unwrap();
    let (mut page, hello) = welcome(&server, &caller(&server), &["e"]).await;
    let expires = session.expires.map(|secs| secs * 1_000);
    assert_eq!(hello["until"].as_i64(), expires);
    server.clock.advance_ms(61_000);
    assert_eq!(page.end().await.unwrap(), End::Closed(4203));
}

#[tokio::test]
async fn a_stopping_server_tells_every_page_when_to_come_back() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = welcome(&server, &caller, &["e"]).await;
    let (drained, bye) = tokio::join!(server.stop(), async {
        let bye = page.next_of("bye").await.unwrap();
        page.end().await.unwrap();
        bye
    });
    assert!(drained.unwrap());
    assert_eq!(bye["code"], 4001);
    assert!(bye["retry_after"].as_u64().unwrap() < 1_000);
}

#[tokio::test]
async fn a_recipient_who_is_somebody_else_gets_it_and_the_sender_does_not() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = welcome(&server, &caller, &["e"]).await;
    let other = RECIPIENT.to_string();
    let params = [
        ("recipient", other.as_str()),
        ("event_name", "e"),
        ("message", "1"),
        ("format", "json"),
    ];
    caller.call("liveMessage.send", &params).await.unwrap();
    send(&caller, "e", "2", &[]).await;
    assert_eq!(page.next_of("message").await.unwrap()["raw"], "2");
}

#[tokio::test]
async fn a_reader_that_rests_gets_every_message_in_order_and_its_neighbour_never_waits() {
    let server = started().await;
    let caller = caller(&server);
    let (mut slow, _) = welcome(&server, &caller, &["e"]).await;
    let ticket = ticket(&caller).await;
    let mut quick = FakePage::open(&at(&server, Some(ORIGIN)), "another-0123456789abc")
        .await
        .unwrap();
    quick
        .hello(ticket["ticket"].as_str().unwrap(), &["e"])
        .await
        .unwrap();
    let padding = "x".repeat(1_000);
    for number in 1..=900_u64 {
        send(&caller, "e", &padding, &[]).await;
        assert_eq!(quick.next().await.unwrap().unwrap()["seq"], number);
    }
    for number in 1..=900_u64 {
        let message = slow.next().await.unwrap().unwrap();
        assert_eq!(
            (&message["type"], &message["seq"]),
            (&"message".into(), &number.into())
        );
        assert_eq!(message["raw"], padding);
    }
}
