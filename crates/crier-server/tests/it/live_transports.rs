//! One list of cases over all three transports: whatever carries its frames, a page is promised the same (live 4.7; section 9 of the
//! architecture).

use crate::live::{ORIGIN, PAGE, at, caller, send, ticket};
use crier_platform::model::app::{AppKind, ProfileName};
use crier_testkit::identity::{APP_NAME, Identity, SENDER, SESSION_KEY};
use crier_testkit::page::{End, FakePage, Over};
use crier_testkit::{SignedClient, TestServer};
use serde_json::{Value, json};

/// A server whose clock goes by itself through the milliseconds in which a poll gathers.
pub async fn going() -> TestServer {
    going_with(&[]).await
}

pub async fn going_with(keys: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_going_with(keys).await.unwrap();
    let identity = Identity {
        kind: AppKind::Web,
        profile: ProfileName::Documented,
    };
    identity.establish(server.accounts()).await.unwrap();
    let changes = [("origins".to_owned(), ORIGIN.to_owned())];
    server.accounts().set_app(APP_NAME, &changes).await.unwrap();
    server
}

pub async fn opened(over: Over, server: &TestServer) -> FakePage {
    FakePage::open_over(over, &at(server, Some(ORIGIN)), PAGE)
        .await
        .unwrap()
}

pub async fn welcomed(
    over: Over,
    server: &TestServer,
    caller: &SignedClient,
    events: &[&str],
) -> (FakePage, Value) {
    let ticket = ticket(caller).await;
    let mut page = opened(over, server).await;
    let welcome = page
        .hello(ticket["ticket"].as_str().unwrap(), events)
        .await
        .unwrap();
    (page, welcome)
}

/// One test of each case for each transport.
macro_rules! over_every_transport {
    ($($case:ident),+ $(,)?) => {
        mod websocket { $( #[tokio::test] async fn $case() { super::$case(super::Over::WebSocket).await; } )+ }
        mod sse { $( #[tokio::test] async fn $case() { super::$case(super::Over::Sse).await; } )+ }
        mod poll { $( #[tokio::test] async fn $case() { super::$case(super::Over::Poll).await; } )+ }
    };
}

pub(crate) use over_every_transport;

over_every_transport! {
    a_page_registers_is_written_to_acks_and_sends,
    a_waiting_sender_is_answered_by_the_ack,
    messages_arrive_once_and_in_order_over_every_change_of_transport,
    a_used_ticket_opens_nothing,
    withdrawn_users_and_ended_sessions_get_their_bye,
    a_stopping_server_says_when_to_come_back,
    a_renewal_is_answered_and_a_used_ticket_for_one_ends_the_connection,
    a_frame_of_an_unknown_type_is_answered_and_life_goes_on,
}

async fn a_page_registers_is_written_to_acks_and_sends(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let (mut page, welcome) = welcomed(over, &server, &caller, &[]).await;
    assert_eq!(welcome["ping_secs"], 25);
    let long = "x".repeat(129);
    let registered = page.register(&["e", &long]).await.unwrap();
    assert_eq!(registered["refused"], json!([{"event": long, "code": 1101}]));
    let sent = send(&caller, "e", "{message:'é'}", &[("outcome", "true")]).await;
    let message = page.next_of("message").await.unwrap();
    assert_eq!(
        (&message["id"], &message["data"]["message"]),
        (&sent["id"], &"é".into())
    );
    page.ack(&[message["id"].as_str().unwrap()]).await.unwrap();
    let me = welcome["user"].as_str().unwrap().to_owned();
    page.send("ref-0001", (&me, "e"), "7").await.unwrap();
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let frame = page.next().await.unwrap().unwrap();
        kinds.push(frame["type"].as_str().unwrap().to_owned());
    }
    kinds.sort();
    assert_eq!(kinds, ["message", "sent"]);
}

async fn a_waiting_sender_is_answered_by_the_ack(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let (mut page, _) = welcomed(over, &server, &caller, &["e"]).await;
    for (wait, count) in [("written", "written"), ("acked", "acked")] {
        let more = [("wait", wait), ("timeout_ms", "5000"), ("outcome", "true")];
        let (outcome, ()) = tokio::join!(send(&caller, "e", "1", &more), async {
            let message = page.next_of("message").await.unwrap();
            if wait == "acked" {
                page.ack(&[message["id"].as_str().unwrap()]).await.unwrap();
            }
        });
        assert_eq!((&outcome["state"], &outcome[count]), (&wait.into(), &1.into()));
    }
}

/// From this transport to each of the three and back, with messages on the way that nobody was there for.
async fn messages_arrive_once_and_in_order_over_every_change_of_transport(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let (mut page, mut welcome) = welcomed(over, &server, &caller, &["e"]).await;
    let (mut number, mut seq) = (0, 0);
    for next in [over, Over::WebSocket, over, Over::Sse, over, Over::Poll, over] {
        for _ in 0..3 {
            number += 1;
            send(&caller, "e", &number.to_string(), &[]).await;
        }
        // One is taken and settled, the others are on their way when the page changes over.
        let message = page.next_of("message").await.unwrap();
        seq += 1;
        assert_eq!(
            (&message["seq"], &message["raw"]),
            (&seq.into(), &seq.to_string().into())
        );
        page.ack(&[message["id"].as_str().unwrap()]).await.unwrap();
        let mut new = opened(next, &server).await;
        let cursor = (welcome["epoch"].as_str().unwrap(), seq);
        let token = welcome["resume"].as_str().unwrap();
        welcome = new.resume(token, cursor, &["e"]).await.unwrap();
        assert_eq!(
            page.end().await.unwrap(),
            End::Closed(4303),
            "{over:?} to {next:?}"
        );
        page = new;
        while seq < number {
            let message = page.next_of("message").await.unwrap();
            seq += 1;
            assert_eq!(
                (&message["seq"], &message["raw"]),
                (&seq.into(), &seq.to_string().into())
            );
            page.ack(&[message["id"].as_str().unwrap()]).await.unwrap();
        }
    }
    send(&caller, "e", "\"last\"", &[]).await;
    assert_eq!(page.next_of("message").await.unwrap()["data"], "last");
}

async fn a_used_ticket_opens_nothing(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let ticket = ticket(&caller).await;
    let text = ticket["ticket"].as_str().unwrap();
    let mut first = opened(over, &server).await;
    first.hello(text, &["e"]).await.unwrap();
    let mut second = opened(over, &server).await;
    assert!(second.hello(text, &["e"]).await.is_err());
    assert_eq!(second.end().await.unwrap(), End::Closed(4200));
    let by_status = (over != Over::WebSocket).then_some(401);
    assert_eq!(second.refused(), by_status);
}

async fn withdrawn_users_and_ended_sessions_get_their_bye(over: Over) {
    for code in [4305, 4203] {
        let server = going().await;
        let caller = caller(&server);
        let (mut page, _) = welcomed(over, &server, &caller, &["e"]).await;
        let accounts = server.accounts();
        if code == 4305 {
            accounts.remove_grant(APP_NAME, "sender").await.map(drop).unwrap();
        } else {
            accounts.remove_session(SESSION_KEY).await.unwrap();
        }
        server.clock.advance_ms(1_000);
        assert_eq!(page.end().await.unwrap(), End::Closed(code));
        let bye = page.next_of("bye").await.unwrap();
        assert_eq!(bye["code"], code);
        assert!(page.next().await.unwrap().is_none(), "nothing follows the bye");
    }
}

async fn a_stopping_server_says_when_to_come_back(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let (mut page, _) = welcomed(over, &server, &caller, &["e"]).await;
    let told = async move {
        assert_eq!(page.end().await.unwrap(), End::Closed(4001));
        assert!(page.next_of("bye").await.unwrap()["retry_after"].is_u64());
        // Gone with its socket, on whose last bytes the server waits.
    };
    let (stopped, ()) = tokio::join!(server.stop(), told);
    assert!(stopped.unwrap());
}

async fn a_renewal_is_answered_and_a_used_ticket_for_one_ends_the_connection(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let (mut page, welcome) = welcomed(over, &server, &caller, &["e"]).await;
    let fresh = ticket(&caller).await;
    page.say(&json!({"type": "renew", "ticket": fresh["ticket"]}))
        .await
        .unwrap();
    let renewed = page.next_of("renewed").await.unwrap();
    assert!(renewed["until"].as_i64() >= welcome["until"].as_i64());
    page.say(&json!({"type": "renew", "ticket": fresh["ticket"]}))
        .await
        .unwrap();
    assert_eq!(page.end().await.unwrap(), End::Closed(4200));
}

async fn a_frame_of_an_unknown_type_is_answered_and_life_goes_on(over: Over) {
    let server = going().await;
    let caller = caller(&server);
    let (mut page, _) = welcomed(over, &server, &caller, &["e"]).await;
    page.say(&json!([{"type": "dance"}, {"type": "focus", "page": PAGE, "focus": true}]))
        .await
        .unwrap();
    let told = page.next_of("error").await.unwrap();
    assert_eq!(
        (&told["code"], &told["text"]),
        (&100.into(), &"Invalid parameter: type names no frame".into())
    );
    page.send("ref-with-nul", (&SENDER.to_string(), "e"), "a\0b")
        .await
        .unwrap();
    let told = page.next_of("error").await.unwrap();
    assert_eq!(
        (&told["code"], &told["text"]),
        (
            &100.into(),
            &"Invalid parameter: message must not contain U+0000".into()
        )
    );
    send(&caller, "e", "1", &[("fanout", "focused")]).await;
    let message = page.next_of("message").await.unwrap();
    assert_eq!(
        (&message["once"], &message["pages"]),
        (&true.into(), &json!([PAGE]))
    );
}
