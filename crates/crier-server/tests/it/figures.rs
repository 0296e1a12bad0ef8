//! The page of figures after a scripted evening: exact numbers, series by series (live section 13).

use crate::live::{ORIGIN, caller, send, started, started_with, ticket, welcome};
use crier_testkit::identity::{API_KEY, SENDER};
use crier_testkit::{RawClient, TestServer};
use std::collections::BTreeMap;

/// Every series with its value.
pub(crate) async fn scrape(server: &TestServer) -> BTreeMap<String, f64> {
    let request = b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answer = RawClient::exchange(server.admin_address, request).await.unwrap();
    let lines = answer.text().lines().filter(|line| !line.starts_with('#'));
    let series = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    });
    series.collect()
}

/// The sum over all series of a name with this label, whatever their other labels.
fn sum(page: &BTreeMap<String, f64>, name: &str, label: &str) -> f64 {
    let of_name = |series: &&String| series.starts_with(name) && series.contains(label);
    page.keys().filter(of_name).map(|series| page[series]).sum()
}

/// Series of a counter that have counted, without the prefix.
fn counted(page: &BTreeMap<String, f64>, name: &str) -> Vec<String> {
    let prefix = format!("crier_live_{name}_total");
    let moved = page
        .iter()
        .filter(|(series, value)| series.starts_with(&prefix) && **value > 0.0);
    moved
        .map(|(series, value)| format!("{} {value}", &series[prefix.len()..]))
        .collect()
}

#[tokio::test]
async fn figures_of_a_scripted_evening_are_exact() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = welcome(&server, &caller, &["e"]).await;
    ticket(&caller).await;
    let outcome = send(&caller, "e", "1", &[("outcome", "true")]).await;
    let app = page.next_of("message").await.unwrap()["app"]
        .as_str()
        .unwrap()
        .to_owned();
    page.ack(&[outcome["id"].as_str().unwrap()]).await.unwrap();
    // Nobody handles these; the second replaces the first.
    for text in ["2", "3"] {
        send(&caller, "elsewhere", text, &[("collapse_key", "k")]).await;
    }
    // Refused by their values, the last by a value that is over no bound.
    let long = "e".repeat(129);
    send(&caller, &long, "4", &[]).await;
    send(&caller, "e", &"5".repeat(1_025), &[]).await;
    send(&caller, "e", "6", &[("ttl", "86401")]).await;
    send(&caller, "e", "7", &[("collapse_key", &"k".repeat(33))]).await;
    send(&caller, "e", "8", &[("ttl", "soon")]).await;
    // A page sends, repeats itself, and sends for an event that it does not handle.
    let me = SENDER.to_string();
    for (reference, event, answer) in [
        ("reference-1", "e", "sent"),
        ("reference-1", "e", "sent"),
        ("reference-2", "elsewhere", "error"),
    ] {
        page.send(reference, (&me, event), "9").await.unwrap();
        let mut frame = page.next().await.unwrap().unwrap();
        if frame["type"] == "message" {
            frame = page.next().await.unwrap().unwrap();
        }
        assert_eq!(frame["type"], answer, "{frame}");
    }

    let page = scrape(&server).await;
    let expected: [(&str, &[&str]); 9] = [
        (
            "sends",
            &[
                r#"{door="page",result="1100"} 1"#,
                r#"{door="page",result="ok"} 1"#,
                r#"{door="rest",result="100"} 3"#,
                r#"{door="rest",result="1101"} 1"#,
                r#"{door="rest",result="1102"} 1"#,
                r#"{door="rest",result="ok"} 3"#,
            ],
        ),
        (
            "overflow",
            &[
                r#"{name="collapse_key"} 1"#,
                r#"{name="event_name"} 1"#,
                r#"{name="message"} 1"#,
                r#"{name="ttl"} 1"#,
            ],
        ),
        (
            "frames",
            &[
                r#"{direction="in",type="ack"} 1"#,
                r#"{direction="in",type="hello"} 1"#,
                r#"{direction="in",type="send"} 3"#,
                r#"{direction="out",type="error"} 1"#,
                r#"{direction="out",type="message"} 2"#,
                r#"{direction="out",type="sent"} 2"#,
                r#"{direction="out",type="welcome"} 1"#,
            ],
        ),
        ("admissions", &[r#"{kind="ticket",result="ok"} 1"#]),
        ("tickets", &[r#"{result="issued"} 2"#, r#"{result="redeemed"} 1"#]),
        (
            "messages_ended",
            &[&format!(r#"{{app="{app}",state="replaced"}} 1"#)],
        ),
        ("no_handler", &[&format!(r#"{{app="{app}"}} 2"#)]),
        ("byes", &[]),
        ("gaps", &[]),
    ];
    for (name, series) in expected {
        assert_eq!(counted(&page, name), series, "{name}");
    }
    for (series, value) in [
        ("connections{transport=\"ws\"}", 1.0),
        ("pages", 1.0),
        ("handlers", 1.0),
        ("lagging_connections", 0.0),
        ("outbox_bytes", 0.0),
        ("waiters", 0.0),
        ("mailbox_items", 3.0),
        ("mailbox_bytes", 130.0 + 139.0 + 130.0),
        ("heads", 1.0),
        ("accept_seconds_count{mode=\"memory\"}", 4.0),
        ("accept_to_written_seconds_count", 2.0),
        ("accept_to_acked_seconds_count{fanout=\"all\"}", 1.0),
        ("admission_wait_seconds_count{kind=\"ticket\"}", 1.0),
    ] {
        assert_eq!(
            page.get(&format!("crier_live_{series}")),
            Some(&value),
            "{series}"
        );
    }
}

#[tokio::test]
async fn messages_in_a_batch_are_counted_by_their_own_door_and_its_items_as_calls() {
    let server = started().await;
    let me = SENDER.to_string();
    let send = format!("method=liveMessage.send&recipient={me}&event_name=e&message=m");
    let long = format!("{send}{}", "m".repeat(1_024));
    let feed = serde_json::to_string(&[&send, &send, &long, "method=no.such"]).unwrap();
    let answer = caller(&server)
        .call("batch.run", &[("method_feed", &feed), ("format", "JSON")])
        .await
        .unwrap();
    assert_eq!(answer.error_code(), None, "{}", answer.text());
    let page = scrape(&server).await;
    assert_eq!(
        counted(&page, "sends"),
        [
            r#"{door="batch",result="1102"} 1"#,
            r#"{door="batch",result="ok"} 2"#
        ]
    );
    for (series, value) in [
        (r#"method="batch.run",code="0""#, 1.0),
        (r#"method="liveMessage.send",code="0""#, 2.0),
        (r#"method="liveMessage.send",code="1102""#, 1.0),
        (r#"method="unknown",code="3""#, 1.0),
    ] {
        let name = format!("crier_server_calls_total{{{series}}}");
        assert_eq!(page.get(&name), Some(&value), "{name}");
    }
}

#[tokio::test]
async fn accepted_messages_are_the_live_ones_and_the_ended_ones() {
    let server = started().await;
    let caller = caller(&server);
    let (mut page, _) = welcome(&server, &caller, &["e"]).await;
    for number in 0..20 {
        let ttl = if number % 3 == 0 { "0" } else { "60" };
        let key = format!("k{}", number % 4);
        let more = [("ttl", ttl), ("collapse_key", key.as_str()), ("outcome", "true")];
        let outcome = send(&caller, "e", "x", &more).await;
        if number % 2 == 0 {
            page.ack(&[outcome["id"].as_str().unwrap()]).await.unwrap();
        }
    }
    server.clock.advance_ms(61_000);
    // The next commit lets go what has expired.
    send(&caller, "e", "last", &[]).await;
    let page = scrape(&server).await;
    let placed = sum(&page, "crier_live_sends_total", "result=\"ok\"");
    let ended = sum(&page, "crier_live_messages_ended_total", "");
    assert_eq!(
        (placed, ended, page["crier_live_mailbox_items"]),
        (21.0, 20.0, 1.0)
    );
}

#[tokio::test]
async fn acceptance_with_a_sync_is_measured_apart() {
    let server = started_with(&[("CRIER__LIVE__MAILBOX", "durable")]).await;
    send(&caller(&server), "e", "1", &[]).await;
    let page = scrape(&server).await;
    let count = |mode: &str| page[&format!("crier_live_accept_seconds_count{{mode=\"{mode}\"}}")];
    assert_eq!((count("durable"), count("memory")), (1.0, 0.0));
}

#[tokio::test]
async fn every_refusal_by_status_is_one_bye() {
    let server = started().await;
    let live = format!("/live/sse?app={API_KEY}");
    let posts = format!("/live/frames?app={API_KEY}");
    let polls = format!("/live/poll?app={API_KEY}");
    let unknown = r#"{"connection":"nobody","frames":[{"type":"leave"}]}"#;
    let pages = r#""pages":[{"page":"page-0123456789abcdef","events":[]}]"#;
    let hello = format!(
        r#"{{"type":"hello","v":1,"ticket":"{}",{pages}}}"#,
        "t".repeat(43)
    );
    let steps = [
        (live.as_str(), "http://evil.example", "{}", 403, "4302"),
        (live.as_str(), ORIGIN, "{", 400, "4300"),
        (live.as_str(), ORIGIN, hello.as_str(), 401, "4200"),
        (posts.as_str(), ORIGIN, unknown, 410, "4002"),
        (
            polls.as_str(),
            ORIGIN,
            r#"{"connection":"nobody","got":0}"#,
            410,
            "4002",
        ),
        (polls.as_str(), ORIGIN, "{", 400, "4300"),
        ("/live/frames", ORIGIN, "{}", 400, "4300"),
    ];
    let mut byes = BTreeMap::new();
    for (path, origin, body, status, code) in steps {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nOrigin: {origin}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = RawClient::exchange(server.address, request.as_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{path} {}", answer.text());
        *byes.entry(code).or_insert(0) += 1;
        let expected: Vec<String> = byes
            .iter()
            .map(|(code, times)| format!("{{code=\"{code}\"}} {times}"))
            .collect();
        assert_eq!(counted(&scrape(&server).await, "byes"), expected, "{path}");
    }
}
