//! Exactly once, or a gap (live 1.1): a page whose connections are cut over and over, judged by the delivery log.

use crier_platform::model::app::{AppKind, ProfileName};
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, SESSION_KEY};
use crier_testkit::page::PageAddress;
use crier_testkit::{DeliveryLog, FakePage, FaultProxy, Identity, SignedClient, TestServer};
use serde_json::Value;
use std::collections::BTreeSet;

const PAGE: &str = "a-page-that-is-cut-0123";
const ROUNDS: u64 = 24;
const SENDS_A_ROUND: u64 = 10;

/// A page that comes back: what a browser's client keeps over its connections (live 6.7, 6.9, 9.1).
struct Returning {
    at: PageAddress,
    socket: FakePage,
    resume: String,
    epoch: String,
    cursor: u64,
    started: BTreeSet<String>,
}

impl Returning {
    async fn opened(at: PageAddress, ticket: &str) -> Self {
        let mut socket = FakePage::open(&at, PAGE).await.unwrap();
        let welcome = socket.hello(ticket, &["turn"]).await.unwrap();
        Self {
            at,
            socket,
            resume: text(&welcome, "resume"),
            epoch: text(&welcome, "epoch"),
            cursor: 0,
            started: BTreeSet::new(),
        }
    }

    async fn come_back(&mut self) {
        self.socket = FakePage::open(&self.at, PAGE).await.unwrap();
        let cursor = (self.epoch.as_str(), self.cursor);
        let welcome = self.socket.resume(&self.resume, cursor, &["turn"]).await.unwrap();
        self.resume = text(&welcome, "resume");
        assert_eq!(text(&welcome, "epoch"), self.epoch);
    }

    /// Runs the next message that it has not run before, acks it and writes it down.
    async fn run_one(&mut self, log: &mut DeliveryLog) {
        loop {
            let frame = self.socket.next_of("message").await.unwrap();
            let (id, seq) = (text(&frame, "id"), frame["seq"].as_u64().unwrap());
            self.socket.ack(&[&id]).await.unwrap();
            self.cursor = self.cursor.max(seq);
            if self.started.insert(id) {
                log.page(PAGE).starts.push(seq);
                return;
            }
        }
    }
}

fn text(frame: &Value, field: &str) -> String {
    frame[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} in {frame}"))
        .to_owned()
}

async fn ticket(server: &TestServer) -> String {
    let caller = server.caller(API_KEY, APP_SECRET).with_session(SESSION_KEY);
    let answer = caller
        .call("liveMessage.createTicket", &[("format", "JSON")])
        .await
        .unwrap();
    text(&answer.json(), "ticket")
}

async fn send(caller: &SignedClient, log: &mut DeliveryLog) {
    let to_oneself = [
        ("recipient", "1240077"),
        ("event_name", "turn"),
        ("message", "1"),
        ("format", "JSON"),
    ];
    let answer = caller.call("liveMessage.send", &to_oneself).await.unwrap();
    assert_eq!(answer.text(), "true");
    log.sent(
        answer
            .header("Crier-Seq")
            .and_then(|seq| seq.parse().ok())
            .unwrap(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_cut_again_and_again_runs_every_message_once_and_in_order() {
    let server = TestServer::start().await.unwrap();
    let identity = Identity {
        kind: AppKind::Web,
        profile: ProfileName::Period,
    };
    identity.establish(server.accounts()).await.unwrap();
    let native = [("native_clients".to_owned(), "on".to_owned())];
    server.accounts().set_app(APP_NAME, &native).await.unwrap();
    let proxy = FaultProxy::to(server.address).await.unwrap();
    let at = PageAddress {
        address: proxy.address(),
        base_path: String::new(),
        api_key: API_KEY.to_owned(),
        origin: None,
    };
    let mut page = Returning::opened(at, &ticket(&server).await).await;
    let caller = server.caller(API_KEY, APP_SECRET).with_session(SESSION_KEY);
    let mut log = DeliveryLog::default();
    let mut owed = 0;
    for round in 0..ROUNDS {
        for _ in 0..SENDS_A_ROUND {
            send(&caller, &mut log).await;
            owed += 1;
        }
        // Another number of messages is left unread each time; some rounds are cut before a single one.
        let left = owed * (round % 4) / 3;
        while owed > left {
            page.run_one(&mut log).await;
            owed -= 1;
        }
        proxy.cut();
        page.come_back().await;
    }
    for _ in 0..owed {
        page.run_one(&mut log).await;
    }
    assert_eq!(log.page(PAGE).starts.len() as u64, ROUNDS * SENDS_A_ROUND);
    assert_eq!(log.breaches(), []);
}
