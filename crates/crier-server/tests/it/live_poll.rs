//! Long polls, request by request (live 4.7, 4.8).

use crate::live::{ORIGIN, PAGE, caller, send, ticket};
use crate::live_transports::{going, going_with};
use crier_testkit::identity::API_KEY;
use crier_testkit::{Answer, RawClient, SignedClient, TestServer};
use serde_json::{Value, json};

fn request(door: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST /live/{door}?app={API_KEY} HTTP/1.1\r\nHost: h\r\nOrigin: {ORIGIN}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn client(server: &TestServer) -> RawClient {
    RawClient::connect(server.address).await.unwrap()
}

async fn polled(client: &mut RawClient, body: &Value) -> Answer {
    client.send(&request("poll", body)).await.unwrap();
    client.answer().await.unwrap()
}

/// A connection by its secret; its welcome has been answer 1.
async fn welcomed(server: &TestServer, caller: &SignedClient) -> (RawClient, String) {
    let ticket = ticket(caller).await;
    let mut client = client(server).await;
    let pages = json!([{"page": PAGE, "events": ["e"]}]);
    let hello = json!({"type": "hello", "v": 1, "ticket": ticket["ticket"], "pages": pages});
    let answer = polled(&mut client, &json!({"hello": hello})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (answer, frames) = (answer.json(), answer.json()["frames"].clone());
    assert_eq!((&answer["n"], &frames[0]["type"]), (&1.into(), &"welcome".into()));
    (client, frames[0]["connection"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_answer_is_given_again_unchanged_until_it_is_confirmed_and_the_connection_is_kept_for_the_next() {
    let server = going().await;
    let caller = caller(&server);
    let (mut client, secret) = welcomed(&server, &caller).await;
    send(&caller, "e", "1", &[]).await;
    let poll = json!({"connection": secret, "got": 1});
    let first = polled(&mut client, &poll).await;
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(
        (&first.json()["n"], &first.json()["frames"][0]["raw"]),
        (&2.into(), &"1".into())
    );
    send(&caller, "e", "2", &[]).await;
    let again = polled(&mut client, &poll).await;
    assert_eq!(again.body, first.body);
    let next = polled(&mut client, &json!({"connection": secret, "got": 2})).await;
    assert_eq!(
        (&next.json()["n"], &next.json()["frames"][0]["raw"]),
        (&3.into(), &"2".into())
    );
    for got in [0, 1, 4] {
        let refused = polled(&mut client, &json!({"connection": secret, "got": got})).await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (400, &4300.into()),
            "{got}"
        );
    }
}

#[tokio::test]
async fn a_second_poll_answers_the_first_with_no_frames() {
    let server = going().await;
    let caller = caller(&server);
    let (mut first, secret) = welcomed(&server, &caller).await;
    let poll = json!({"connection": secret, "got": 1});
    first.send(&request("poll", &poll)).await.unwrap();
    let mut second = client(&server).await;
    second.send(&request("poll", &poll)).await.unwrap();
    // Either may have come first; the one that was overtaken is answered, and the other gets the message.
    let (overtaken, mut latest) = tokio::select! {
        answer = first.answer() => (answer.unwrap(), second),
        answer = second.answer() => (answer.unwrap(), first),
    };
    assert_eq!(overtaken.text(), r#"{"n":1,"frames":[]}"#);
    send(&caller, "e", "1", &[]).await;
    let answer = latest.answer().await.unwrap().json();
    assert_eq!(
        (&answer["n"], &answer["frames"][0]["raw"]),
        (&2.into(), &"1".into())
    );
}

#[tokio::test]
async fn a_poll_brings_frames_and_takes_their_replies() {
    let server = going().await;
    let caller = caller(&server);
    let (mut client, secret) = welcomed(&server, &caller).await;
    let frames = json!([{"type": "register", "page": PAGE, "events": ["f"]}, {"type": "dance"}]);
    let answer = polled(
        &mut client,
        &json!({"connection": secret, "got": 1, "frames": frames}),
    )
    .await;
    let answer = answer.json();
    let kinds: Vec<_> = answer["frames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|frame| &frame["type"])
        .collect();
    assert_eq!(kinds, ["registered", "error"]);
}

#[tokio::test]
async fn a_poll_is_held_for_poll_hold_and_then_answered_with_what_there_is() {
    let server = going_with(&[("CRIER__LIVE__POLL_HOLD", "20ms"), ("CRIER__LIVE__PING", "1h")]).await;
    let caller = caller(&server);
    let (mut client, secret) = welcomed(&server, &caller).await;
    for n in 2..5 {
        let answer = polled(&mut client, &json!({"connection": secret, "got": n - 1})).await;
        assert_eq!(answer.text(), format!("{{\"n\":{n},\"frames\":[]}}"));
    }
}

#[tokio::test]
async fn a_connection_that_nobody_polls_for_fifteen_seconds_is_lost_and_its_poll_gets_410() {
    let server = going().await;
    let caller = caller(&server);
    let (mut client, secret) = welcomed(&server, &caller).await;
    server.clock.advance_ms(15_250);
    let answer = loop {
        let answer = polled(&mut client, &json!({"connection": secret, "got": 7})).await;
        // The wheel has turned when the connection is not known any more; until then the number is what is wrong.
        if answer.status != 400 {
            break answer;
        }
    };
    assert_eq!((answer.status, &answer.json()["code"]), (410, &4002.into()));
}

#[tokio::test]
async fn a_leave_by_beacon_ends_the_connection_and_later_polls_get_410() {
    let server = going().await;
    let caller = caller(&server);
    let (mut client, secret) = welcomed(&server, &caller).await;
    let leave = json!({"connection": secret, "frames": {"type": "leave"}});
    let answer = RawClient::exchange(server.address, &request("frames", &leave))
        .await
        .unwrap();
    assert_eq!((answer.status, answer.text()), (204, ""));
    let answer = polled(&mut client, &json!({"connection": secret, "got": 1})).await;
    assert_eq!((answer.status, &answer.json()["code"]), (410, &4002.into()));
    let outcome = send(&caller, "e", "1", &[("outcome", "true")]).await;
    assert_eq!(outcome["pages"], 0);
}

#[tokio::test]
async fn answers_stay_within_their_bound_and_lose_nothing() {
    let server = going().await;
    let caller = caller(&server);
    let (mut client, secret) = welcomed(&server, &caller).await;
    let text = "x".repeat(1_000);
    for _ in 0..90 {
        send(&caller, "e", &text, &[]).await;
    }
    let (mut got, mut seq) = (1, 0);
    while seq < 90 {
        let answer = polled(&mut client, &json!({"connection": secret, "got": got})).await;
        assert!(answer.body.len() <= 65_536, "{}", answer.body.len());
        got += 1;
        for frame in answer.json()["frames"].as_array().unwrap() {
            if frame["type"] == "message" {
                seq += 1;
                assert_eq!(frame["seq"], seq);
            }
        }
    }
    assert!(got > 2, "one answer could not hold them");
}
