//! What no page should do, over all three transports: each gets the bye of its row, by status where there is one, and no other
//! connection notices (live 3.5, 3.7, 3.8, 4.1, 4.11 to 4.15).

use crate::live::{ORIGIN, PAGE, at, caller, send, ticket};
use crate::live_transports::{going, going_with, opened, over_every_transport, welcomed};
use crier_testkit::identity::API_KEY;
use crier_testkit::page::{End, FakePage, Over};
use crier_testkit::{Answer, RawClient, SignedClient, TestServer};
use serde_json::{Value, json};

over_every_transport! {
    frames_that_break_the_grammar_get_4300,
    frame_items_over_64_get_4300_and_64_are_taken,
    frame_size_over_its_bound_gets_4301,
    rate_frames_over_the_burst_gets_4103,
    an_origin_that_is_not_listed_gets_4302,
    the_end_of_the_span_gets_4201_within_a_second,
    a_cancelled_message_is_taken_back,
    a_cursor_of_another_epoch_gets_a_gap_and_then_all_that_lives,
    a_cursor_below_the_ring_gets_one_gap_and_the_rest_in_order,
    a_reader_that_rests_gets_all_in_order,
}

/// The status of a refusal that a WebSocket cannot have.
fn by_status(over: Over, status: u16) -> Option<u16> {
    (over != Over::WebSocket).then_some(status)
}

/// How a page of its own ends that says this.
async fn refused_with(
    over: Over,
    (server, caller): (&TestServer, &SignedClient),
    text: &str,
) -> (Option<u16>, End) {
    let (mut page, _) = welcomed(over, server, caller, &["e"]).await;
    page.say_text(text).await.unwrap();
    let end = page.end().await.unwrap();
    assert_eq!(page.next_of("bye").await.unwrap()["type"], "bye");
    assert!(page.next().await.unwrap().is_none(), "nothing follows the bye");
    (page.refused(), end)
}

async fn frames_that_break_the_grammar_get_4300(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    for text in [
        r#"{"type":"focus","page":"page-0123456789abcdef","focus":true"#,
        r#"{"type":"focus","page":"page-0123456789abcdef","focus":true,"focus":true}"#,
        r#"{"type":"focus","page":"page-0123456789abcdef","focus":true,"x":{"a":1,"a":2}}"#,
        r#"{"type":"focus","page":"page-0123456789abcdef","focus":1}"#,
        r#"{"type":"focus","page":"page-0123456789abcdef"}"#,
        r#"{"page":"page-0123456789abcdef"}"#,
        r#"{"type":"ack","page":"page-0123456789abcdef","ids":[]}"#,
        "[]",
        "7",
    ] {
        let refused = refused_with(over, (&server, &caller), text).await;
        assert_eq!(refused, (by_status(over, 400), End::Closed(4300)), "{text}");
    }
}

async fn frame_items_over_64_get_4300_and_64_are_taken(over: Over) {
    let server = going().await;
    let focus = |count| json!(vec![json!({"type": "focus", "page": PAGE, "focus": true}); count]);
    let caller = caller(&server);
    let (mut page, _) = welcomed(over, &server, &caller, &["e"]).await;
    page.say(&focus(64)).await.unwrap();
    assert_eq!(page.register(&["f"]).await.unwrap()["type"], "registered");
    let refused = refused_with(over, (&server, &caller), &focus(65).to_string()).await;
    assert_eq!(refused, (by_status(over, 400), End::Closed(4300)));
}

async fn frame_size_over_its_bound_gets_4301(over: Over) {
    let server = going().await;
    let large = json!({"type": "focus", "page": PAGE, "focus": true, "x": "x".repeat(65_536)});
    let refused = refused_with(over, (&server, &caller(&server)), &large.to_string()).await;
    assert_eq!(refused, (by_status(over, 413), End::Closed(4301)));
}

async fn rate_frames_over_the_burst_gets_4103(over: Over) {
    let server = going_with(&[("CRIER__LIVE__FRAME_RATE", "1")]).await;
    let (mut page, _) = welcomed(over, &server, &caller(&server), &["e"]).await;
    for _ in 0..8 {
        // A socket that has been told goodbye may be gone when the next message comes.
        if page.refused().is_some() || page.say_text(r#"{"type":"pong","at":1}"#).await.is_err() {
            break;
        }
    }
    assert_eq!(page.end().await.unwrap(), End::Closed(4103));
    assert_eq!(page.refused(), by_status(over, 429));
    let bye = page.next_of("bye").await.unwrap();
    assert!(bye["retry_after"].as_u64() >= Some(1_000), "{bye}");
}

async fn an_origin_that_is_not_listed_gets_4302(over: Over) {
    let server = going().await;
    let ticket = ticket(&caller(&server)).await;
    for origin in [Some("http://evil.example"), Some("null"), Some(""), None] {
        let page = FakePage::open_over(over, &at(&server, origin), PAGE).await;
        if over == Over::WebSocket {
            assert_eq!(page.err().unwrap().to_string(), "status 403", "{origin:?}");
            continue;
        }
        let mut page = page.unwrap();
        assert!(
            page.hello(ticket["ticket"].as_str().unwrap(), &["e"])
                .await
                .is_err()
        );
        assert_eq!(
            (page.refused(), page.end().await.unwrap()),
            (Some(403), End::Closed(4302))
        );
    }
    // The ticket was never looked at.
    let mut page = opened(over, &server).await;
    page.hello(ticket["ticket"].as_str().unwrap(), &["e"])
        .await
        .unwrap();
}

async fn the_end_of_the_span_gets_4201_within_a_second(over: Over) {
    let server = going().await;
    let (mut page, welcome) = welcomed(over, &server, &caller(&server), &["e"]).await;
    let number = |name: &str| welcome[name].as_u64().unwrap();
    // The span began when the ticket was redeemed, which this going clock has left behind by the welcome.
    assert!(number("until") <= number("now") + 3_600_000, "{welcome}");
    server.clock.advance_ms(3_600_000 + 1_000);
    assert_eq!(page.end().await.unwrap(), End::Closed(4201));
}

async fn a_cancelled_message_is_taken_back(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let (mut page, _) = welcomed(over, &server, &caller, &["e"]).await;
    let sent = send(&caller, "e", "1", &[("outcome", "true")]).await;
    assert_eq!(page.next_of("message").await.unwrap()["id"], sent["id"]);
    let id = sent["id"].as_str().unwrap();
    // A long poll holds it for certain once it has come for more.
    page.register(&["f"]).await.unwrap();
    let answer = caller
        .call("liveMessage.cancel", &[("id", id), ("format", "json")])
        .await
        .unwrap();
    assert_eq!(answer.json()["state"], "cancelled");
    assert_eq!(page.next_of("cancel").await.unwrap()["ids"], json!([id]));
}

async fn a_cursor_of_another_epoch_gets_a_gap_and_then_all_that_lives(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let ticket = ticket(&caller).await;
    send(&caller, "e", "1", &[]).await;
    let mut page = opened(over, &server).await;
    let text = ticket["ticket"].as_str().unwrap();
    let welcome = page
        .hello_from(text, ("0123456789abcdef", 7), &["e"])
        .await
        .unwrap();
    let gap = page.next_of("gap").await.unwrap();
    assert_eq!(
        (
            &gap["from"],
            &gap["to"],
            &gap["reason"],
            &gap["epoch"],
            &gap["pages"]
        ),
        (
            &8.into(),
            &Value::Null,
            &"epoch".into(),
            &welcome["epoch"],
            &json!([PAGE])
        )
    );
    assert_eq!(page.next_of("message").await.unwrap()["seq"], 1);
}

async fn a_cursor_below_the_ring_gets_one_gap_and_the_rest_in_order(over: Over) {
    let server = going_with(&[("CRIER__LIVE__RING_ITEMS_MAX", "2")]).await;
    let caller = caller(&server);
    let ticket = ticket(&caller).await;
    for _ in 0..5 {
        send(&caller, "e", "1", &[]).await;
    }
    let mut page = opened(over, &server).await;
    let cursor = (ticket["epoch"].as_str().unwrap(), 0);
    page.hello_from(ticket["ticket"].as_str().unwrap(), cursor, &["e"])
        .await
        .unwrap();
    let gap = page.next_of("gap").await.unwrap();
    assert_eq!(
        (&gap["from"], &gap["to"], &gap["reason"]),
        (&1.into(), &3.into(), &"overflow".into())
    );
    for seq in [4, 5] {
        assert_eq!(page.next_of("message").await.unwrap()["seq"], seq);
    }
}

async fn a_reader_that_rests_gets_all_in_order(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let (mut page, _) = welcomed(over, &server, &caller, &["e"]).await;
    let padding = "x".repeat(1_000);
    // More than an outbox: a long poll lags for certain, the others as soon as the kernels are full.
    for _ in 0..200 {
        send(&caller, "e", &padding, &[]).await;
    }
    for seq in 1..=200 {
        assert_eq!(page.next_of("message").await.unwrap()["seq"], seq);
    }
}

async fn asked(server: &TestServer, request: &str) -> Answer {
    RawClient::exchange(server.address, request.as_bytes())
        .await
        .unwrap()
}

#[tokio::test]
async fn every_door_has_its_methods_and_every_answer_its_headers() {
    let server = going().await;
    for door in ["ws", "sse", "poll", "frames", "elsewhere"] {
        let own = if door == "ws" { "GET" } else { "POST" };
        for method in ["OPTIONS", "GET", "POST", "PUT", "DELETE", "PATCH"] {
            let status = match method {
                _ if door == "elsewhere" => 404,
                "OPTIONS" => 204,
                "GET" if door == "ws" => 426,
                "POST" if door != "ws" => 400,
                _ => 405,
            };
            let answer = asked(
                &server,
                &format!("{method} /live/{door}?app={API_KEY} HTTP/1.1\r\nHost: h\r\nOrigin: {ORIGIN}\r\nAccept-Encoding: gzip, br\r\nContent-Length: 0\r\n\r\n"),
            )
            .await;
            assert_eq!(answer.status, status, "{method} {door}");
            assert_eq!(answer.text().is_empty(), status != 400, "{method} {door}");
            for (name, value) in [
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
                ("vary", "Origin"),
                ("access-control-allow-origin", ORIGIN),
                ("access-control-expose-headers", "Retry-After"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{method} {door}");
            }
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            assert_eq!(answer.header("content-encoding"), None);
            if status == 204 {
                let told = ["methods", "headers"].map(|what| {
                    answer
                        .header(&format!("access-control-allow-{what}"))
                        .unwrap()
                        .to_owned()
                });
                assert_eq!(told, ["GET, POST", "Content-Type, Last-Event-ID"]);
                assert_eq!(answer.header("access-control-max-age"), Some("7200"));
            }
            if status == 405 {
                assert_eq!(answer.header("allow"), Some(&*format!("{own}, OPTIONS")));
            }
        }
    }
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A request of a door's own method.
fn of_door(door: &str, query: &str, headers: &str) -> String {
    let (method, more) = if door == "ws" {
        ("GET", UPGRADE)
    } else {
        ("POST", "Content-Length: 0\r\n")
    };
    format!("{method} /live/{door}{query} HTTP/1.1\r\nHost: h\r\n{headers}{more}\r\n")
}

#[tokio::test]
async fn an_application_is_named_once_and_a_refused_origin_may_read_why() {
    let server = going().await;
    let own = format!("Origin: {ORIGIN}\r\n");
    let (once, twice) = (format!("?app={API_KEY}"), format!("?app={API_KEY}&app={API_KEY}"));
    for door in ["ws", "sse", "poll", "frames"] {
        for query in ["", "?app=", &twice] {
            let answer = asked(&server, &of_door(door, query, &own)).await;
            assert_eq!(
                (answer.status, &answer.json()["code"]),
                (400, &4300.into()),
                "{door} {query}"
            );
        }
        let twofold = format!("{own}{own}");
        for (query, headers) in [
            (&*once, "Origin: http://evil.example\r\n"),
            (&*once, "Origin: null\r\n"),
            (&*once, "Origin: \r\n"),
            (&*once, ""),
            (&*once, &*twofold),
            ("?app=00000000000000000000000000000000", &*own),
            ("?app=none", &*own),
        ] {
            let answer = asked(&server, &of_door(door, query, headers)).await;
            let told = json!({"type": "bye", "code": 4302, "reason": "origin refused"});
            assert_eq!(
                (answer.status, answer.json()),
                (403, told),
                "{door} {query} {headers}"
            );
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        }
    }
}

#[tokio::test]
async fn a_key_that_is_no_key_of_an_upgrade_gets_400() {
    let server = going().await;
    for key in [
        "",
        "abc",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ!=",
        "dGhlIHNhbXBsZSBub25jZQ===",
    ] {
        let request = of_door("ws", &format!("?app={API_KEY}"), &format!("Origin: {ORIGIN}\r\n"))
            .replace("dGhlIHNhbXBsZSBub25jZQ==", key);
        let answer = asked(&server, &request).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &4300.into()),
            "{key}"
        );
    }
}

#[tokio::test]
async fn bodies_of_other_types_get_415_at_every_door_that_reads_one() {
    let server = going().await;
    for door in ["sse", "poll", "frames"] {
        for (header, status) in [
            ("text/plain;charset=UTF-8", 400),
            ("application/json", 400),
            ("application/x-www-form-urlencoded", 415),
            ("multipart/form-data; boundary=x", 415),
            ("text/html", 415),
        ] {
            let headers = format!("Origin: {ORIGIN}\r\nContent-Type: {header}\r\n");
            let answer = asked(&server, &of_door(door, &format!("?app={API_KEY}"), &headers)).await;
            assert_eq!(
                (answer.status, &answer.json()["code"]),
                (status, &4300.into()),
                "{door} {header}"
            );
        }
    }
}

async fn figure(server: &TestServer, line: &str) -> Option<String> {
    let request = b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answer = RawClient::exchange(server.admin_address, request).await.unwrap();
    let found = answer.text().lines().find_map(|text| text.strip_prefix(line));
    found.map(|value| value.trim().to_owned())
}

#[tokio::test]
async fn request_body_of_a_live_request_that_stops_coming_is_cut_and_counted_once_as_live() {
    let server = going().await;
    for (already, door) in ["sse", "poll", "frames"].into_iter().enumerate() {
        let mut client = RawClient::connect(server.address).await.unwrap();
        let request = format!(
            "POST /live/{door}?app={API_KEY} HTTP/1.1\r\nHost: h\r\nOrigin: {ORIGIN}\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n"
        );
        client.send(request.as_bytes()).await.unwrap();
        client.is_asked_to_continue().await.unwrap();
        client.send(b"{\"type\"").await.unwrap();
        let closed = server.clock.turning(11_000, client.is_closed()).await;
        assert!(closed.unwrap(), "{door}: no answer");
        let live = figure(&server, "crier_live_overflow_total{name=\"request_body\"}").await;
        assert_eq!(live, Some((already + 1).to_string()), "{door}");
    }
    let other = figure(&server, "crier_server_overflow_total{name=\"request_body\"}").await;
    assert!(other.is_none_or(|count| count == "0"));
}
