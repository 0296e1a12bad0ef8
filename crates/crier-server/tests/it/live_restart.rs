//! Mailboxes over a clean stop, a cut and a damaged snapshot (live 5.8, 5.9, 9.6), seen by a page that comes back.

use crate::live::{ORIGIN, PAGE, at, caller, send, started, ticket, welcome};
use crier_testkit::page::{End, FakePage};
use crier_testkit::{SignedClient, TestServer};
use serde_json::Value;
use std::fs;

/// What a page keeps of its connection.
struct Held {
    resume: String,
    epoch: String,
    socket: FakePage,
}

async fn held(server: &TestServer, caller: &SignedClient) -> Held {
    let (socket, hello) = welcome(server, caller, &["e"]).await;
    Held {
        resume: hello["resume"].as_str().unwrap().to_owned(),
        epoch: hello["epoch"].as_str().unwrap().to_owned(),
        socket,
    }
}

/// A caller that goes on above the calls made before the restart.
fn later_caller(server: &TestServer) -> SignedClient {
    caller(server).from_call_id(1_000)
}

/// The page comes back with its cursor; the frames up to the welcome.
async fn back(server: &TestServer, held: &Held, seq: u64) -> (FakePage, Value) {
    let mut page = FakePage::open(&at(server, Some(ORIGIN)), PAGE).await.unwrap();
    let welcome = page
        .resume(&held.resume, (&held.epoch, seq), &["e"])
        .await
        .unwrap();
    (page, welcome)
}

/// The next frame, of which nothing is skipped.
async fn next(page: &mut FakePage) -> Value {
    page.next().await.unwrap().unwrap()
}

async fn stopped(server: TestServer, page: &mut FakePage) -> TestServer {
    let (server, end) = tokio::join!(server.restart(&[]), page.end());
    assert_eq!(end.unwrap(), End::Closed(4001));
    server.unwrap()
}

#[tokio::test]
async fn a_page_that_comes_back_after_a_clean_restart_misses_nothing_and_runs_nothing_twice() {
    let server = started().await;
    let sender = caller(&server);
    let mut held = held(&server, &sender).await;
    send(&sender, "e", "\"acked\"", &[]).await;
    let first = held.socket.next_of("message").await.unwrap();
    held.socket.ack(&[first["id"].as_str().unwrap()]).await.unwrap();
    // The answer proves that the ack before it was read.
    held.socket.register(&["f"]).await.unwrap();
    let written = send(&sender, "e", "\"written\"", &[("outcome", "true")]).await;
    let server = stopped(server, &mut held.socket).await;

    // Its cursor is older than its ack: the ack was kept.
    let (mut page, welcome) = back(&server, &held, 0).await;
    assert_eq!(welcome["epoch"], *held.epoch);
    assert!(!server.data().join("live.snapshot").exists());
    let second = next(&mut page).await;
    assert_eq!(
        (&second["type"], &second["raw"]),
        (&"message".into(), &"\"written\"".into())
    );
    assert_eq!((&second["id"], &second["seq"]), (&written["id"], &2.into()));
    let sender = later_caller(&server);
    let third = send(&sender, "e", "\"new\"", &[("outcome", "true")]).await;
    assert_eq!((&third["seq"], &third["epoch"]), (&3.into(), &welcome["epoch"]));
    assert_eq!(next(&mut page).await["raw"], "\"new\"");
}

#[tokio::test]
async fn a_message_without_a_page_and_a_ticket_outlive_a_clean_restart() {
    let server = started().await;
    let sender = caller(&server);
    let ticket = ticket(&sender).await;
    send(&sender, "e", "1", &[("ttl", "600")]).await;
    let server = server.restart(&[]).await.unwrap();
    let mut page = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    let cursor = (ticket["epoch"].as_str().unwrap(), ticket["seq"].as_u64().unwrap());
    page.hello_from(ticket["ticket"].as_str().unwrap(), cursor, &["e"])
        .await
        .unwrap();
    assert_eq!(next(&mut page).await["raw"], "1");
}

#[tokio::test]
async fn a_claim_outlives_a_clean_restart_and_nobody_else_runs_its_message() {
    let server = started().await;
    let sender = caller(&server);
    let mut held = held(&server, &sender).await;
    send(&sender, "e", "1", &[("fanout", "one")]).await;
    held.socket.next_of("message").await.unwrap();
    let server = stopped(server, &mut held.socket).await;

    let sender = later_caller(&server);
    let ticket = ticket(&sender).await;
    let mut other = FakePage::open(&at(&server, Some(ORIGIN)), "another-0123456789abc")
        .await
        .unwrap();
    other
        .hello(ticket["ticket"].as_str().unwrap(), &["e"])
        .await
        .unwrap();
    let (mut page, _) = back(&server, &held, 0).await;
    let again = next(&mut page).await;
    assert_eq!((&again["raw"], &again["once"]), (&"1".into(), &true.into()));
    send(&sender, "e", "2", &[]).await;
    assert_eq!(next(&mut other).await["raw"], "2");
}

#[tokio::test]
async fn a_session_that_ended_before_the_restart_resumes_nothing_after_it() {
    let server = started().await;
    let sender = caller(&server);
    let mut held = held(&server, &sender).await;
    send(&sender, "e", "1", &[]).await;
    held.socket.next_of("message").await.unwrap();
    server.clock.advance_ms(1);
    server
        .accounts()
        .remove_session(crier_testkit::identity::SESSION_KEY)
        .await
        .unwrap();
    let (server, _) = tokio::join!(server.restart(&[]), held.socket.end());
    let server = server.unwrap();
    let mut page = FakePage::open(&at(&server, Some(ORIGIN)), PAGE).await.unwrap();
    let refused = page.resume(&held.resume, (&held.epoch, 0), &["e"]).await;
    assert!(refused.is_err());
    assert_eq!(page.end().await.unwrap(), End::Closed(4202));
}

#[tokio::test]
async fn after_a_cut_the_page_is_told_that_the_history_is_not_known_any_more() {
    let server = started().await;
    let sender = caller(&server);
    let mut held = held(&server, &sender).await;
    send(&sender, "e", "1", &[]).await;
    held.socket.next_of("message").await.unwrap();
    let server = server.restart_after_cut(&[]).await.unwrap();
    told_of_a_new_epoch(&server, &held).await;
}

#[tokio::test]
async fn a_damaged_snapshot_keeps_no_server_from_starting_and_begins_new_epochs() {
    for damage in [
        &b""[..],
        b"crier live snapshot 2\n",
        b"crier live snapshot 9\nwhat?",
    ] {
        let server = started().await;
        let sender = caller(&server);
        let mut held = held(&server, &sender).await;
        send(&sender, "e", "1", &[]).await;
        held.socket.next_of("message").await.unwrap();
        let folder = server.folder();
        let path = folder.path().join("live.snapshot");
        let clock = std::sync::Arc::clone(&server.clock);
        let (stopped, _) = tokio::join!(server.stop(), held.socket.end());
        assert!(stopped.unwrap());
        assert!(path.exists());
        fs::write(&path, damage).unwrap();
        let server = TestServer::start_in(folder, clock, &[]).await.unwrap();
        told_of_a_new_epoch(&server, &held).await;
        assert!(!path.exists());
    }
}

async fn told_of_a_new_epoch(server: &TestServer, held: &Held) {
    let (mut page, welcome) = back(server, held, 1).await;
    assert_ne!(welcome["epoch"], *held.epoch);
    let gap = next(&mut page).await;
    assert_eq!(
        (&gap["type"], &gap["from"], &gap["to"], &gap["reason"]),
        (&"gap".into(), &2.into(), &Value::Null, &"epoch".into())
    );
    assert_eq!(
        (&gap["epoch"], &gap["pages"]),
        (&welcome["epoch"], &serde_json::json!([PAGE]))
    );
    send(&later_caller(server), "e", "\"after\"", &[]).await;
    let message = next(&mut page).await;
    assert_eq!((&message["seq"], &message["data"]), (&1.into(), &"after".into()));
}
