//! Receipts as an application's server meets them (live 7.8 to 7.11): a real receiver on the loopback, which checks what it gets.

use crate::live::{caller, send, started_with, welcome};
use crier_proto::digest::{hmac_sha256, lower_hex};
use crier_testkit::identity::{APP_NAME, SENDER};
use crier_testkit::page::FakePage;
use crier_testkit::patience::within;
use crier_testkit::{SignedClient, TestServer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Loopback may be dialled; the clock, which a test turns quickly, cuts no post and no way to it.
const KEYS: &[(&str, &str)] = &[
    ("CRIER__MEDIA__DIAL_ALLOW", "127.0.0.0/8"),
    ("CRIER__MEDIA__CONNECT_TIMEOUT", "30d"),
    ("CRIER__RECEIPTS__DEADLINE", "30d"),
];
/// Movements of the clock's hand while nothing arrives: a minute.
const QUIET_STEPS: usize = 240;
/// Turns of the scheduler between two of them.
const TURNS: usize = 20;

/// One post as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    headers: BTreeMap<String, String>,
    /// The JSON text.
    pub body: String,
}

impl Post {
    pub fn header(&self, name: &str) -> &str {
        &self.headers[name]
    }

    pub fn receipts(&self) -> Vec<Value> {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        body["receipts"].as_array().unwrap().clone()
    }

    fn states(&self) -> Vec<String> {
        let state = |receipt: &Value| receipt["state"].as_str().unwrap().to_owned();
        self.receipts().iter().map(state).collect()
    }

    /// The signature by the words of the page, computed from the digits of the secret.
    fn expected(&self, secret: &str) -> String {
        let digit = |at: usize| u8::from_str_radix(&secret[at..at + 2], 16).unwrap();
        let key: Vec<u8> = (0..secret.len()).step_by(2).map(digit).collect();
        let (id, time) = (self.header("crier-receipt-id"), self.header("crier-timestamp"));
        let signed = format!("crier-receipt-v1\n{id}\n{time}\n{}", self.body);
        format!("v1={}", lower_hex(&hmac_sha256(&key, &[signed.as_bytes()])))
    }
}

/// An application's server that takes receipts.
pub struct Receiver {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Receiver {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            listener,
        }
    }

    /// Takes one post and answers with this status line.
    pub async fn take(&self, status: &str) -> Post {
        let (mut socket, _) = self.listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let (head, body) = loop {
            assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0);
            let request = std::str::from_utf8(&bytes).unwrap();
            if let Some((head, body)) = request.split_once("\r\n\r\n") {
                let length = header(head, "content-length").parse::<usize>().unwrap();
                if body.len() >= length {
                    break (head.to_owned(), body.to_owned());
                }
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        socket.write_all(answer.as_bytes()).await.unwrap();
        // The poster closes when it has taken the answer in.
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest).await;
        let lines = head
            .split("\r\n")
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        Post {
            headers: lines
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body,
        }
    }

    /// Takes the next post while the clock goes on.
    async fn next(&self, server: &TestServer, status: &str) -> Post {
        let taken = server.clock.turning(250, self.take(status));
        within("a post", async { Ok(taken.await) }).await.unwrap()
    }

    /// The clock goes on for a minute, and nothing arrives.
    async fn hears_nothing(&self, server: &TestServer) {
        for _ in 0..QUIET_STEPS {
            server.clock.advance_ms(250);
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        }
        let own = TcpStream::connect(self.address).await.unwrap();
        let (_, first) = self.listener.accept().await.unwrap();
        assert_eq!(first, own.local_addr().unwrap());
    }

    /// Forgets what a server that is no more had begun and nobody has taken: it may have tried again before its end.
    pub async fn forget_the_dead(&self) {
        let own = TcpStream::connect(self.address).await.unwrap();
        let own = own.local_addr().unwrap();
        while self.listener.accept().await.unwrap().1 != own {}
    }

    /// Makes it the receiver of the application; the secret, when it is made.
    async fn appointed(&self, server: &TestServer) -> Option<String> {
        let settings = [("receipts".to_owned(), format!("http://{}/hook", self.address))];
        let changed = server.accounts().change_app(APP_NAME, &settings).await.unwrap();
        changed.receipt_secret.map(|secret| secret.expose().to_owned())
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
    let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
    found.next().unwrap().1
}

struct World {
    server: TestServer,
    receiver: Receiver,
    secret: String,
    sender: SignedClient,
}

impl World {
    async fn new() -> Self {
        let (server, receiver) = (started_with(KEYS).await, Receiver::new().await);
        let secret = receiver.appointed(&server).await.unwrap();
        let sender = caller(&server);
        Self {
            server,
            receiver,
            secret,
            sender,
        }
    }

    async fn next(&self, status: &str) -> Post {
        self.receiver.next(&self.server, status).await
    }

    async fn sent(&self, event: &str, more: &[(&str, &str)]) -> Value {
        let mut params = vec![("outcome", "true")];
        params.extend_from_slice(more);
        send(&self.sender, event, "1", &params).await
    }

    async fn status(&self, id: &str) -> Value {
        let params = [("id", id), ("format", "json")];
        self.sender
            .call("liveMessage.status", &params)
            .await
            .unwrap()
            .json()
    }

    /// Acks the next message; the answer to `register` proves that it was read.
    async fn ack(&self, page: &mut FakePage) {
        let message = page.next_of("message").await.unwrap();
        page.ack(&[message["id"].as_str().unwrap()]).await.unwrap();
        page.register(&["proof"]).await.unwrap();
    }
}

#[tokio::test]
async fn the_first_ack_makes_one_receipt_which_its_secret_signs() {
    let world = World::new().await;
    let (mut page, _) = welcome(&world.server, &world.sender, &["e"]).await;
    let sent = world.sent("e", &[]).await;
    world.ack(&mut page).await;
    let post = world.next("200 OK").await;
    assert_eq!(post.header("content-type"), "application/json");
    assert_eq!(post.header("crier-signature"), post.expected(&world.secret));
    let receipts = post.receipts();
    assert_eq!(receipts.len(), 1);
    let receipt = receipts[0].as_object().unwrap();
    let shown = |name: &str| receipt[name].clone();
    assert_eq!(
        (shown("id"), shown("seq"), shown("epoch")),
        (sent["id"].clone(), 1.into(), sent["epoch"].clone())
    );
    assert_eq!(
        serde_json::json!(["state", "pages", "handlers", "written", "acked", "failed"].map(shown)),
        serde_json::json!(["acked", 1, 1, 1, 1, 0])
    );
    assert_eq!(shown("expires_at"), sent["expires_at"]);
    assert_eq!(
        (shown("recipient"), shown("event_name")),
        (SENDER.to_string().into(), "e".into())
    );
    assert!(shown("at").as_i64().unwrap() >= crier_testkit::server::START_MS);
    let timeline = world.status(sent["id"].as_str().unwrap()).await;
    let last = timeline["timeline"].as_array().unwrap().last().unwrap()["what"].clone();
    assert_eq!(last, "receipt_posted");
    // Its end makes no second one.
    world.receiver.hears_nothing(&world.server).await;
}

#[tokio::test]
async fn a_message_that_ended_unacked_makes_its_receipt_after_fifteen_seconds_unless_an_ack_comes() {
    let world = World::new().await;
    let (mut page, _) = welcome(&world.server, &world.sender, &["late"]).await;
    world.sent("nobody", &[("ttl", "0")]).await;
    let cancelled = world.sent("nobody", &[]).await;
    let params = [("id", cancelled["id"].as_str().unwrap()), ("format", "json")];
    world.sender.call("liveMessage.cancel", &params).await.unwrap();
    world.sent("late", &[("ttl", "0")]).await;
    world.server.clock.advance_ms(12_000);
    world.ack(&mut page).await;
    let first = world.next("200 OK").await;
    assert_eq!(
        (first.states(), first.receipts()[0]["seq"].clone()),
        (vec!["acked".to_owned()], 3.into())
    );
    let second = world.next("200 OK").await;
    let mut states = second.states();
    states.sort_unstable();
    assert_eq!(states, ["cancelled", "expired"]);
    world.receiver.hears_nothing(&world.server).await;
}

#[tokio::test]
async fn a_body_that_was_not_taken_comes_again_with_the_same_id_and_bytes() {
    let world = World::new().await;
    world.sent("nobody", &[("ttl", "0")]).await;
    let first = world.next("500 Internal Server Error").await;
    let redirected = world.next("302 Found").await;
    let taken = world.next("200 OK").await;
    for again in [&redirected, &taken] {
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("crier-receipt-id"), first.header("crier-receipt-id"));
        assert_eq!(again.header("crier-signature"), again.expected(&world.secret));
    }
    world.receiver.hears_nothing(&world.server).await;
}

#[tokio::test]
async fn a_hundred_and_one_receipts_are_two_bodies_in_order() {
    let world = World::new().await;
    for _ in 0..101 {
        world.sent("nobody", &[("ttl", "0")]).await;
    }
    let (first, second) = (world.next("200 OK").await, world.next("204 No Content").await);
    let seqs = |post: &Post| {
        post.receipts()
            .iter()
            .map(|one| one["seq"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    let mut all = seqs(&first);
    assert_eq!((all.len(), seqs(&second).len()), (100, 1));
    all.extend(seqs(&second));
    all.sort_unstable();
    assert_eq!(all, (1..=101).collect::<Vec<_>>());
    assert_ne!(
        first.header("crier-receipt-id"),
        second.header("crier-receipt-id")
    );
}

#[tokio::test]
async fn an_unposted_body_outlives_a_clean_restart_with_its_id() {
    let World {
        server,
        receiver,
        secret,
        sender,
    } = World::new().await;
    send(&sender, "nobody", "1", &[("ttl", "0")]).await;
    let before = receiver.next(&server, "503 Service Unavailable").await;
    let server = server.restart(KEYS).await.unwrap();
    let after = receiver.next(&server, "200 OK").await;
    assert_eq!(after.body, before.body);
    assert_eq!(
        after.header("crier-receipt-id"),
        before.header("crier-receipt-id")
    );
    assert_eq!(after.header("crier-signature"), after.expected(&secret));
    receiver.hears_nothing(&server).await;
}

#[tokio::test]
async fn while_the_secret_is_rotated_two_signatures_stand_in_the_header() {
    let world = World::new().await;
    let (new, _) = world
        .server
        .accounts()
        .rotate_receipt_secret(APP_NAME)
        .await
        .unwrap();
    world.sent("nobody", &[("ttl", "0")]).await;
    let post = world.next("200 OK").await;
    let both = format!("{},{}", post.expected(new.expose()), post.expected(&world.secret));
    assert_eq!(post.header("crier-signature"), both);
}

#[tokio::test]
async fn a_receiver_that_is_gone_turns_receipts_off_and_the_application_says_so() {
    let world = World::new().await;
    world.sent("nobody", &[("ttl", "0")]).await;
    world.next("410 Gone").await;
    let off = async {
        loop {
            let app = world.server.accounts().find_app(APP_NAME).await.unwrap();
            if app.receipts.address.is_empty() {
                return Ok(app);
            }
            tokio::task::yield_now().await;
        }
    };
    let app = within("receipts turned off", off).await.unwrap();
    let ended = app.receipts.ended.clone().unwrap();
    assert_eq!(ended.address, format!("http://{}/hook", world.receiver.address));
    world.sent("nobody", &[("ttl", "0")]).await;
    world.receiver.hears_nothing(&world.server).await;
}

#[tokio::test]
async fn a_receiver_at_a_forbidden_address_is_never_connected_to() {
    let (server, receiver) = (started_with(&KEYS[1..]).await, Receiver::new().await);
    receiver.appointed(&server).await.unwrap();
    send(&caller(&server), "nobody", "1", &[("ttl", "0")]).await;
    receiver.hears_nothing(&server).await;
}

#[tokio::test]
async fn without_an_address_nothing_is_posted_and_a_page_s_send_makes_a_receipt_too() {
    let (server, receiver) = (started_with(KEYS).await, Receiver::new().await);
    let sender = caller(&server);
    send(&sender, "nobody", "1", &[("ttl", "0")]).await;
    receiver.hears_nothing(&server).await;
    receiver.appointed(&server).await.unwrap();
    let (mut page, _) = welcome(&server, &sender, &["e"]).await;
    page.send("ref-0123456789", (&SENDER.to_string(), "e"), "1")
        .await
        .unwrap();
    let message = page.next_of("message").await.unwrap();
    page.ack(&[message["id"].as_str().unwrap()]).await.unwrap();
    page.next_of("sent").await.unwrap();
    page.register(&["proof"]).await.unwrap();
    let post = receiver.next(&server, "200 OK").await;
    assert_eq!(post.receipts()[0]["id"], message["id"]);
}

#[tokio::test]
async fn in_durable_mode_an_unposted_body_outlives_a_cut_with_its_id() {
    let keys = [KEYS, &[("CRIER__LIVE__MAILBOX", "durable")]].concat();
    let (server, receiver) = (started_with(&keys).await, Receiver::new().await);
    receiver.appointed(&server).await.unwrap();
    let sender = caller(&server);
    let sent = send(&sender, "nobody", "1", &[("ttl", "1"), ("outcome", "true")]).await;
    let before = receiver.next(&server, "500 Internal Server Error").await;
    assert_eq!(before.receipts()[0]["id"], sent["id"]);
    let server = server.restart_after_cut(&keys).await.unwrap();
    let after = receiver.next(&server, "200 OK").await;
    assert_eq!(
        (&after.body, after.header("crier-receipt-id")),
        (&before.body, before.header("crier-receipt-id"))
    );
    receiver.hears_nothing(&server).await;
}
