//! While a connection's message is worked at: its socket is written and its end is seen, and answers that are more than its outbox
//! holds go out piece by piece, over every transport (live 4.1, 8.1, 9.3).

use crate::live::{ORIGIN, PAGE, at, caller, started_with, ticket};
use crate::live_transports::{going, welcomed};
use crate::slow_reader::series;
use crier_live::hub::Coming;
use crier_live::link::{Link, Opening, Transport};
use crier_live::resume::OriginMark;
use crier_testkit::identity::{API_KEY, APP_NAME};
use crier_testkit::page::{End, FakePage, Over};
use crier_testkit::patience::within;
use crier_testkit::{RawClient, TestServer};
use serde_json::{Value, json};
use std::sync::Arc;

/// Registers in one array, each refused by its name, with answers of more than an outbox together.
const REGISTERS: usize = 64;

fn name(number: usize) -> String {
    format!("{number:02}{}", "\"".repeat(440))
}

fn registers() -> Value {
    let one = |number| json!({"type": "register", "page": PAGE, "events": [name(number)]});
    (0..REGISTERS).map(one).collect()
}

async fn answers_come_in_order(over: Over) {
    let server = going().await;
    let (mut page, _) = welcomed(over, &server, &caller(&server), &["e"]).await;
    page.say(&registers()).await.unwrap();
    for number in 0..REGISTERS {
        let answer = page.next_of("registered").await.unwrap();
        assert_eq!(answer["refused"], json!([{"event": name(number), "code": 1101}]));
    }
}

#[tokio::test]
async fn a_socket_gets_every_answer_of_a_long_array() {
    answers_come_in_order(Over::WebSocket).await;
}

#[tokio::test]
async fn a_stream_gets_every_answer_of_a_long_array() {
    answers_come_in_order(Over::Sse).await;
}

#[tokio::test]
async fn polls_bring_every_answer_to_the_frames_of_one() {
    let server = going().await;
    let ticket = ticket(&caller(&server)).await;
    let polled = async |body: Value| {
        let body = body.to_string();
        let length = body.len();
        let request = format!(
            "POST /live/poll?app={API_KEY} HTTP/1.1\r\nHost: h\r\nOrigin: {ORIGIN}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = RawClient::exchange(server.address, request.as_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.body.len() <= 65_536);
        answer.json()
    };
    let pages = json!([{"page": PAGE, "events": ["e"]}]);
    let hello = json!({"type": "hello", "v": 1, "ticket": ticket["ticket"], "pages": pages});
    let welcome = polled(json!({"hello": hello})).await;
    let secret = &welcome["frames"][0]["connection"];
    let mut answer = polled(json!({"connection": secret, "got": 1, "frames": registers()})).await;
    let mut told = Vec::new();
    loop {
        let frames = answer["frames"].as_array().unwrap().iter();
        told.extend(
            frames
                .filter(|frame| frame["type"] == "registered")
                .map(|frame| frame["refused"][0]["event"].clone()),
        );
        if told.len() >= REGISTERS {
            break;
        }
        answer = polled(json!({"connection": secret, "got": answer["n"]})).await;
    }
    let asked: Vec<_> = (0..REGISTERS).map(name).collect();
    assert_eq!(told, asked);
}

/// A server that judges one hello at a time, and a connection that is being judged.
async fn judging() -> (TestServer, Arc<Link>) {
    let server = started_with(&[("CRIER__LIVE__ADMIT_RUNNING_MAX", "1")]).await;
    let app = server.state.live_door.app(API_KEY).await.unwrap().unwrap();
    let opening = Opening {
        transport: Transport::WebSocket,
        app: app.id,
        origin: OriginMark::of(Some(ORIGIN)),
        address: None,
    };
    let link = server.state.hub.open(opening);
    (server, link)
}

/// A page whose hello has come and waits for its turn.
async fn queued(server: &TestServer) -> FakePage {
    let ticket = ticket(&caller(server)).await;
    let mut page = FakePage::open(&at(server, Some(ORIGIN)), PAGE).await.unwrap();
    let pages = json!([{"page": PAGE, "events": ["e"]}]);
    page.say(&json!({"type": "hello", "v": 1, "ticket": ticket["ticket"], "pages": pages}))
        .await
        .unwrap();
    reached(server, r#"frames_total{direction="in",type="hello"}"#, 1).await;
    page
}

/// Returns when a figure has come to this.
pub async fn reached(server: &TestServer, name: &str, value: u64) {
    let comes = async {
        while series(server, name).await != value {}
        Ok(())
    };
    within(name, comes).await.unwrap();
}

#[tokio::test]
async fn whoever_closes_while_its_hello_waits_gives_its_place_back_at_once() {
    let (server, judged) = judging().await;
    let turn = server.state.hub.turn(&judged, Coming::New).await;
    let page = queued(&server).await;
    reached(&server, r#"connections{transport="ws"}"#, 2).await;
    page.vanish();
    reached(&server, r#"connections{transport="ws"}"#, 1).await;
    drop(turn);
    assert_eq!(
        series(&server, r#"admissions_total{kind="ticket",result="ok"}"#).await,
        0
    );
}

#[tokio::test]
async fn a_bye_is_said_while_the_hello_waits() {
    let (server, judged) = judging().await;
    let turn = server.state.hub.turn(&judged, Coming::New).await;
    let mut page = queued(&server).await;
    server.accounts().enable_app(APP_NAME, false).await.unwrap();
    server.clock.advance_ms(1_000);
    assert_eq!(page.end().await.unwrap(), End::Closed(4304));
    drop(turn);
}
