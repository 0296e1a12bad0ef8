//! Long polls, request by request (live 4.7, 4.8).

use crate::live::{ORIGIN, PAGE, caller, send, ticket};
use crate::live_transports::{going, going_with};
use crier_testkit::identity::{API_KEY, APP_NAME, SENDER};
use crier_testkit::patience::within;
use crier_testkit::{Answer, RawClient, SignedClient, TestServer};
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpSocket;

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
async fn what_was_taken_back_is_left_out_of_an_answer_given_again_and_what_has_expired_is_not() {
    let server = going().await;
    let caller = caller(&server);
    let (mut client, secret) = welcomed(&server, &caller).await;
    let kept = send(&caller, "e", "1", &[("outcome", "true"), ("ttl", "5")]).await;
    let gone = send(&caller, "e", "2", &[("outcome", "true")]).await;
    let poll = json!({"connection": secret, "got": 1});
    let ids = |answer: &Answer| {
        let frames = answer.json()["frames"].as_array().unwrap().clone();
        let messages = frames.iter().filter(|frame| frame["type"] == "message");
        messages.map(|frame| frame["id"].clone()).collect::<Vec<_>>()
    };
    let first = polled(&mut client, &poll).await;
    assert_eq!(ids(&first), [kept["id"].clone(), gone["id"].clone()]);
    let cancel = [("id", gone["id"].as_str().unwrap()), ("format", "json")];
    caller.call("liveMessage.cancel", &cancel).await.unwrap();
    server.clock.advance_ms(6_000);
    let again = polled(&mut client, &poll).await;
    assert_eq!(
        (&again.json()["n"], ids(&again)),
        (&2.into(), vec![kept["id"].clone()])
    );
    server
        .accounts()
        .remove_grant(APP_NAME, "sender")
        .await
        .map(drop)
        .unwrap();
    server.clock.advance_ms(1_000);
    // The withdrawal has been told when the bye waits behind the answer that is given again.
    let last = loop {
        let again = polled(&mut client, &poll).await;
        assert_eq!(again.json()["n"], 2);
        if ids(&again).is_empty() {
            break polled(&mut client, &json!({"connection": secret, "got": 2})).await;
        }
    };
    let frames = last.json()["frames"].as_array().unwrap().clone();
    assert_eq!(
        (&last.json()["n"], &frames.last().unwrap()["code"]),
        (&3.into(), &4305.into())
    );
}

#[tokio::test]
async fn posts_at_once_are_done_one_after_another_and_each_in_one_piece() {
    let server = going_with(&[("CRIER__LIVE__MAILBOX", "durable")]).await;
    let caller = caller(&server);
    let (mut client, secret) = welcomed(&server, &caller).await;
    let me = SENDER.to_string();
    let posts = ["one", "two", "three", "four"].map(|name| {
        let frames: Vec<Value> = (0..8)
            .map(|number| {
                json!({"type": "send", "ref": format!("{name}-000{number}"), "page": PAGE, "recipient": me, "event": "e",
                    "message": "1"})
            })
            .collect();
        request("frames", &json!({"connection": secret, "frames": frames}))
    });
    let [one, two, three, four] = posts
        .each_ref()
        .map(|post| RawClient::exchange(server.address, post));
    let (one, two, three, four) = tokio::join!(one, two, three, four);
    for answer in [one, two, three, four] {
        assert_eq!(answer.unwrap().status, 204);
    }
    let (mut got, mut refs) = (1, Vec::new());
    while refs.len() < 32 {
        let answer = polled(&mut client, &json!({"connection": secret, "got": got}))
            .await
            .json();
        got += 1;
        let frames = answer["frames"].as_array().unwrap();
        let sent = frames.iter().filter(|frame| frame["type"] == "sent");
        refs.extend(sent.map(|frame| frame["ref"].as_str().unwrap().to_owned()));
    }
    for post in refs.chunks(8) {
        let name = post[0].split('-').next().unwrap();
        let whole: Vec<String> = (0..8).map(|number| format!("{name}-000{number}")).collect();
        assert_eq!(post, whole, "{refs:?}");
    }
}

#[tokio::test]
async fn no_progress_of_an_answer_that_is_not_read_gives_the_connection_up() {
    let server = going().await;
    let caller = caller(&server);
    let (mut client, secret) = welcomed(&server, &caller).await;
    for _ in 0..70 {
        send(&caller, "e", &"x".repeat(1_000), &[("ttl", "86400")]).await;
    }
    let slow = TcpSocket::new_v4().unwrap();
    slow.set_recv_buffer_size(2_048).unwrap();
    let mut slow = slow.connect(server.address).await.unwrap();
    let poll = json!({"connection": secret, "got": 1});
    slow.write_all(&request("poll", &poll)).await.unwrap();
    // The answer has begun: nobody is absent any more when the clock is turned.
    slow.readable().await.unwrap();
    // It is given up by a reset: what the kernel held is gone with it.
    let ended = within("a reset", async {
        while !slow.ready(Interest::ERROR).await?.is_error() {}
        Ok(())
    });
    server.clock.turning(10_000, ended).await.unwrap();
    let gone = polled(&mut client, &poll).await;
    assert_eq!((gone.status, &gone.json()["code"]), (410, &4002.into()));
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
