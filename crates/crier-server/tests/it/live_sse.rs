//! Streams of server-sent events and posted frames, byte by byte (live 4.1, 4.7, 4.9 to 4.13).

use crate::live::{ORIGIN, PAGE, at, caller, send, started, started_with, ticket, welcome};
use crate::live_floods::reached;
use crier_testkit::identity::{API_KEY, APP_NAME, SESSION_KEY};
use crier_testkit::page::{End, FakePage, Over};
use crier_testkit::{Answer, RawClient, SignedClient, TestServer};
use serde_json::{Value, json};

/// A POST below `/live` with these header lines more.
fn post(door: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /live/{door}?app={API_KEY} HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn from_origin() -> String {
    format!("Origin: {ORIGIN}\r\n")
}

fn hello(ticket: &Value) -> String {
    let pages = json!([{"page": PAGE, "events": ["e"]}]);
    json!({"type": "hello", "v": 1, "ticket": ticket["ticket"], "pages": pages}).to_string()
}

/// A welcome page over a stream.
async fn streaming(server: &TestServer, caller: &SignedClient, events: &[&str]) -> (FakePage, Value) {
    let ticket = ticket(caller).await;
    let mut page = FakePage::open_over(Over::Sse, &at(server, Some(ORIGIN)), PAGE)
        .await
        .unwrap();
    let welcome = page
        .hello(ticket["ticket"].as_str().unwrap(), events)
        .await
        .unwrap();
    (page, welcome)
}

async fn exchange(server: &TestServer, request: &[u8]) -> Answer {
    RawClient::exchange(server.address, request).await.unwrap()
}

#[tokio::test]
async fn a_stream_is_its_head_a_retry_line_one_event_for_each_frame_and_the_bye_before_its_end() {
    let server = started().await;
    let caller = caller(&server);
    let ticket = ticket(&caller).await;
    let mut client = RawClient::connect(server.address).await.unwrap();
    client
        .send(&post("sse", &from_origin(), &hello(&ticket)))
        .await
        .unwrap();
    reached(&server, "handlers", 1).await;
    send(&caller, "e", "\"é\"", &[("ttl", "0")]).await;
    server.accounts().remove_session(SESSION_KEY).await.unwrap();
    server.clock.advance_ms(1_000);
    let answer = client.answer().await.unwrap();
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("x-accel-buffering", "no"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("vary", "Origin"),
        ("access-control-allow-origin", ORIGIN),
        ("access-control-expose-headers", "Retry-After"),
        ("connection", "close"),
        ("date", "Sat, 21 Nov 2026 00:00:00 GMT"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    for absent in [
        "access-control-allow-credentials",
        "content-encoding",
        "content-length",
        "set-cookie",
    ] {
        assert_eq!(answer.header(absent), None, "{absent}");
    }
    let events: Vec<&str> = answer.text().split("\n\n").collect();
    assert_eq!(events[0], "retry: 3000");
    let frames = &events[1..events.len() - 1];
    let kinds: Vec<Value> = frames
        .iter()
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    assert_eq!(kinds[0]["type"], "welcome");
    assert_eq!(kinds[1]["raw"], "\"é\"");
    assert_eq!(
        *frames.last().unwrap(),
        r#"data: {"type":"bye","code":4203,"reason":"session ended"}"#
    );
    assert_eq!(events.last(), Some(&""));
}

#[tokio::test]
async fn a_hello_that_is_refused_is_answered_by_status_with_one_bye() {
    let server = started().await;
    let ticket = ticket(&caller(&server)).await;
    let used = hello(&ticket);
    let (_page, _) = {
        let mut page = FakePage::open_over(Over::Sse, &at(&server, Some(ORIGIN)), PAGE)
            .await
            .unwrap();
        page.say_text(&used).await.unwrap();
        let welcome = page.next_of("welcome").await.unwrap();
        (page, welcome)
    };
    let resume =
        r#"{"type":"hello","v":1,"resume":"x","pages":[{"page":"page-0123456789abcdef","events":[]}]}"#;
    let second = r#"{"type":"hello","v":2,"ticket":"t","pages":[]}"#;
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(65_536));
    let cases = [
        (used.as_str(), 401, 4200),
        (resume, 401, 4202),
        (second, 400, 4306),
        ("", 400, 4300),
        ("{", 400, 4300),
        ("\u{0}", 400, 4300),
        (r#"{"type":"leave"}"#, 400, 4300),
        (r#"{"type":"hello","type":"hello"}"#, 400, 4300),
        ("[]", 400, 4300),
        (large.as_str(), 413, 4301),
    ];
    for (body, status, code) in cases {
        let answer = exchange(&server, &post("sse", &from_origin(), body)).await;
        let shown = &body[..body.len().min(60)];
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &code.into()),
            "{shown}"
        );
        assert_eq!(answer.json()["type"], "bye");
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn media_types_are_plain_text_json_or_none() {
    let server = started().await;
    for (header, status) in [
        ("Content-Type: text/plain;charset=UTF-8\r\n", 400),
        ("Content-Type: application/json; charset=utf-8\r\n", 400),
        ("", 400),
        ("Content-Type: text/html\r\n", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
    ] {
        for door in ["sse", "frames"] {
            let headers = format!("{}{header}", from_origin());
            let answer = exchange(&server, &post(door, &headers, "{")).await;
            assert_eq!(answer.status, status, "{door} {header}");
            assert_eq!(answer.json()["code"], 4300);
        }
    }
}

#[tokio::test]
async fn foreign_origins_and_disabled_applications_are_refused_before_any_stream() {
    let server = started().await;
    let open = |headers: &str| post("sse", headers, "{}");
    for header in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "",
        "Origin: http://game.example\r\nOrigin: http://game.example\r\n",
    ] {
        for door in ["sse", "frames"] {
            let answer = exchange(&server, &post(door, header, "{}")).await;
            assert_eq!(
                (answer.status, &answer.json()["code"]),
                (403, &4302.into()),
                "{header}"
            );
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        }
    }
    let nameless =
        format!("POST /live/sse HTTP/1.1\r\nHost: h\r\nOrigin: {ORIGIN}\r\nContent-Length: 2\r\n\r\n{{}}");
    assert_eq!(exchange(&server, nameless.as_bytes()).await.status, 400);
    server.accounts().enable_app(APP_NAME, false).await.unwrap();
    let answer = exchange(&server, &open(&from_origin())).await;
    assert_eq!((answer.status, &answer.json()["code"]), (403, &4304.into()));
}

#[tokio::test]
async fn methods_other_than_post_get_405_and_options_its_204() {
    let server = started().await;
    for door in ["sse", "frames"] {
        for (method, status) in [("GET", 405), ("PUT", 405), ("DELETE", 405), ("OPTIONS", 204)] {
            let request = format!(
                "{method} /live/{door}?app={API_KEY} HTTP/1.1\r\nHost: h\r\nOrigin: {ORIGIN}\r\n\r\n"
            );
            let answer = exchange(&server, request.as_bytes()).await;
            assert_eq!((answer.status, answer.text()), (status, ""), "{method} {door}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            if status == 204 {
                let allowed = answer.header("access-control-allow-headers");
                assert_eq!(allowed, Some("Content-Type, Last-Event-ID"));
            } else {
                assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
            }
        }
    }
}

#[tokio::test]
async fn a_connection_s_secret_opens_it_and_nothing_else_does() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, hello) = streaming(&server, &caller, &["e"]).await;
    let (_socket, of_socket) = welcome(&server, &caller, &["e"]).await;
    let other = "http://other.example";
    let changes = [("origins".to_owned(), format!("{ORIGIN},{other}"))];
    server.accounts().set_app(APP_NAME, &changes).await.unwrap();
    let secret = hello["connection"].as_str().unwrap();
    let wrong = format!("{}0", &secret[..secret.len() - 1]);
    let wrong = if wrong == secret {
        format!("{}1", &secret[..secret.len() - 1])
    } else {
        wrong
    };
    let foreign = format!("Origin: {other}\r\n");
    let cases = [
        (from_origin(), wrong.as_str()),
        (from_origin(), ""),
        (from_origin(), of_socket["connection"].as_str().unwrap()),
        (foreign, secret),
    ];
    for (headers, named) in cases {
        let body = json!({"connection": named, "frames": {"type": "leave"}}).to_string();
        let answer = exchange(&server, &post("frames", &headers, &body)).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (410, &4002.into()),
            "{named}"
        );
    }
    assert_eq!(page.register(&["f"]).await.unwrap()["type"], "registered");
}

#[tokio::test]
async fn a_malformed_post_is_refused_and_changes_nothing() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, hello) = streaming(&server, &caller, &["e"]).await;
    let secret = &hello["connection"];
    let many =
        json!({"connection": secret, "frames": vec![json!({"type": "pong", "at": 1}); 65]}).to_string();
    let large = json!({"connection": secret, "frames": [], "x": "x".repeat(65_536)}).to_string();
    let cases = [
        ("{}".to_owned(), 400, 4300),
        (json!({"connection": secret}).to_string(), 400, 4300),
        (json!({"connection": 7, "frames": []}).to_string(), 400, 4300),
        (json!({"connection": secret, "frames": []}).to_string(), 400, 4300),
        (many, 400, 4300),
        (large, 413, 4301),
    ];
    for (body, status, code) in cases {
        let answer = exchange(&server, &post("frames", &from_origin(), &body)).await;
        let shown = &body[..body.len().min(80)];
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &code.into()),
            "{shown}"
        );
    }
    page.register(&["f"]).await.unwrap();
    // A hello behind the hello is a frame out of its place: that ends the connection as on a WebSocket.
    let again =
        r#"{"type":"hello","v":1,"ticket":"t","pages":[{"page":"page-0123456789abcdef","events":[]}]}"#;
    page.say_text(again).await.unwrap();
    assert_eq!(
        (page.refused(), page.end().await.unwrap()),
        (Some(400), End::Closed(4300))
    );
}

#[tokio::test]
async fn posts_may_repeat_and_a_leave_ends_stream_and_pages() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, hello) = streaming(&server, &caller, &["e"]).await;
    send(&caller, "e", "1", &[]).await;
    let message = page.next_of("message").await.unwrap();
    for _ in 0..2 {
        page.ack(&[message["id"].as_str().unwrap()]).await.unwrap();
    }
    for _ in 0..2 {
        page.send("ref-0001", (hello["user"].as_str().unwrap(), "e"), "2")
            .await
            .unwrap();
    }
    let frames = [
        page.next().await.unwrap(),
        page.next().await.unwrap(),
        page.next().await.unwrap(),
    ];
    let kinds: Vec<_> = frames
        .iter()
        .flatten()
        .map(|frame| frame["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "message").count(), 1);
    assert_eq!(kinds.iter().filter(|kind| **kind == "sent").count(), 2);
    page.say(&json!({"type": "leave"})).await.unwrap();
    assert_eq!(page.end().await.unwrap(), End::Cut);
    let outcome = send(&caller, "e", "3", &[("outcome", "true")]).await;
    assert_eq!(
        (&outcome["pages"], &outcome["state"]),
        (&0.into(), &"no_handler".into())
    );
}

#[tokio::test]
async fn rate_frames_counts_posted_bodies_and_answers_429() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = streaming(&server, &caller, &["e"]).await;
    let mut posted = 1;
    while page.refused().is_none() {
        page.say_text(r#"{"type":"pong","at":1}"#).await.unwrap();
        posted += 1;
    }
    // The hello was the first of the two hundred.
    assert_eq!((posted, page.refused()), (201, Some(429)));
    assert_eq!(page.end().await.unwrap(), End::Closed(4103));
}

#[tokio::test]
async fn connections_of_a_user_over_their_bound_get_429_and_say_when_to_come_back() {
    let server = started_with(&[("CRIER__LIVE__CONNECTIONS_PER_USER_MAX", "1")]).await;
    let caller = caller(&server);
    let (_page, _) = streaming(&server, &caller, &["e"]).await;
    let ticket = ticket(&caller).await;
    let answer = exchange(&server, &post("sse", &from_origin(), &hello(&ticket))).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    assert_eq!(
        answer.json(),
        json!({"type": "bye", "code": 4106, "reason": "too many connections", "retry_after": 1000})
    );
}

#[tokio::test]
async fn a_reader_that_goes_away_is_noticed_at_once() {
    let server = started().await;
    let caller = caller(&server);
    let (page, _) = streaming(&server, &caller, &["e"]).await;
    reached(&server, r#"connections{transport="sse"}"#, 1).await;
    page.vanish();
    // Nothing was written meanwhile, and no clock was turned: the hub learns of the end by itself, and with it of a free place.
    reached(&server, r#"connections{transport="sse"}"#, 0).await;
    let outcome = send(&caller, "e", "1", &[("outcome", "true")]).await;
    assert_eq!((&outcome["pages"], &outcome["written"]), (&1.into(), &0.into()));
}

#[tokio::test]
async fn a_stream_that_nobody_answers_pings_on_lives_on() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = streaming(&server, &caller, &["e"]).await;
    for _ in 0..3 {
        server.clock.advance_ms(25_250);
        page.register(&["f"]).await.unwrap();
    }
}
