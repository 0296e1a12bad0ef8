//! Durable mailboxes of the binary itself over SIGKILL (live 5.8, 5.10): what was answered is delivered, once, in its epoch.

use crate::live::{ORIGIN, PAGE};
use crate::receipts::Receiver;
use crier_testkit::SignedClient;
use crier_testkit::page::{FakePage, PageAddress};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub const API_KEY: &str = "0123456789abcdef0123456789abcdef";
pub const SECRET: &str = "fedcba9876543210fedcba9876543210";
const SESSION_KEY: &str = "acacbdbd010123237878dede-1240077";

/// A data folder with one user, who has accepted one application and is logged in to it.
pub fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join("crier.toml"),
        "[live]\nmailbox = \"durable\"\n[media]\ndial_allow = [\"127.0.0.0/8\"]\n",
    )
    .unwrap();
    let commands = [
        "user add ada --uid 1240077",
        &format!("app add Chess --owner ada --api-key {API_KEY} --secret {SECRET} --origin {ORIGIN}"),
        "grant add --app Chess --user ada",
        &format!(
            "session add --app Chess --user ada --ttl never --session-key {SESSION_KEY} --session-secret \
             00112233445566778899aabbccddeeff"
        ),
    ];
    for words in commands {
        let status = crier(&folder, words).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{words}");
    }
    folder
}

pub fn crier(folder: &TempDir, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crier"));
    command.current_dir(folder.path()).env_clear();
    command.args(words.split_whitespace()).stdin(Stdio::null());
    command
}

/// A server that is killed when it is dropped.
pub struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    pub fn start(folder: &TempDir) -> Self {
        let mut child = crier(folder, "serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut ready).unwrap();
        let address = ready.trim_end().strip_prefix("crier ready on http://").unwrap();
        Self {
            address: address.parse().unwrap(),
            child,
        }
    }

    /// As `kill -9` does it: no handler runs, nothing is written any more.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn caller(&self, first_call_id: u64) -> SignedClient {
        SignedClient::new(self.address, API_KEY, SECRET)
            .with_session(SESSION_KEY)
            .from_call_id(first_call_id)
    }

    async fn page(&self, name: &str) -> FakePage {
        let address = PageAddress {
            address: self.address,
            base_path: String::new(),
            api_key: API_KEY.to_owned(),
            origin: Some(ORIGIN.to_owned()),
        };
        FakePage::open(&address, name).await.unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have been killed by the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn send(caller: &SignedClient, text: &str, more: &[(&str, &str)]) -> Value {
    let mut params = vec![
        ("recipient", "1240077"),
        ("event_name", "e"),
        ("message", text),
        ("format", "json"),
        ("outcome", "true"),
    ];
    params.extend_from_slice(more);
    caller.call("liveMessage.send", &params).await.unwrap().json()
}

#[tokio::test]
async fn kill_minus_nine_loses_no_answered_message_and_no_page_its_right_to_come_back() {
    let folder = folder();
    let mut server = Served::start(&folder);
    let caller = server.caller(1);
    let ticket = caller
        .call("liveMessage.createTicket", &[("format", "json")])
        .await
        .unwrap()
        .json();
    let mut page = server.page(PAGE).await;
    let welcome = page
        .hello(ticket["ticket"].as_str().unwrap(), &["e"])
        .await
        .unwrap();
    let epoch = welcome["epoch"].as_str().unwrap().to_owned();
    let resume = welcome["resume"].as_str().unwrap().to_owned();
    let first = send(&caller, "1", &[]).await;
    assert_eq!(
        (&first["seq"], &first["epoch"]),
        (&1.into(), &epoch.as_str().into())
    );
    page.next_of("message").await.unwrap();
    for text in ["2", "3"] {
        send(&caller, text, &[]).await;
    }
    let one = send(&caller, "for one", &[("fanout", "one")]).await;
    server.kill();

    let mut server = Served::start(&folder);
    // The page settled the first message alone; another page comes before it and is owed nothing.
    let caller = server.caller(100);
    let ticket = caller
        .call("liveMessage.createTicket", &[("format", "json")])
        .await
        .unwrap()
        .json();
    assert_eq!(
        (&ticket["epoch"], &ticket["seq"]),
        (&epoch.as_str().into(), &4.into())
    );
    let mut other = server.page("another-0123456789abc").await;
    other
        .hello(ticket["ticket"].as_str().unwrap(), &["e"])
        .await
        .unwrap();
    let mut page = server.page(PAGE).await;
    let welcome = page.resume(&resume, (&epoch, 1), &["e"]).await.unwrap();
    assert_eq!(welcome["epoch"], *epoch);
    for text in ["2", "3"] {
        let frame = page.next_of("message").await.unwrap();
        assert_eq!((&frame["raw"], frame.get("once")), (&text.into(), None));
    }
    let claimed = page.next_of("message").await.unwrap();
    assert_eq!(
        (&claimed["id"], &claimed["once"], claimed.get("redelivered")),
        (&one["id"], &true.into(), None)
    );
    send(&caller, "5", &[]).await;
    assert_eq!(page.next_of("message").await.unwrap()["seq"], 5);
    assert_eq!(other.next_of("message").await.unwrap()["seq"], 5);

    // The outcome records are rows too.
    server.kill();
    let server = Served::start(&folder);
    let caller = server.caller(200);
    let id = first["id"].as_str().unwrap();
    let status = caller
        .call("liveMessage.status", &[("id", id), ("format", "json")])
        .await
        .unwrap()
        .json();
    assert_eq!(
        (&status["seq"], &status["epoch"]),
        (&1.into(), &epoch.as_str().into())
    );
}

/// A page of the one user, with its messages acked by hand.
async fn open_page(server: &Served, call_id: u64) -> FakePage {
    let ticket = server
        .caller(call_id)
        .call("liveMessage.createTicket", &[("format", "json")])
        .await
        .unwrap()
        .json();
    let mut page = server.page(PAGE).await;
    page.hello(ticket["ticket"].as_str().unwrap(), &["e"])
        .await
        .unwrap();
    page
}

async fn ack_next(page: &mut FakePage) {
    let message = page.next_of("message").await.unwrap();
    page.ack(&[message["id"].as_str().unwrap()]).await.unwrap();
}

#[tokio::test]
async fn kill_minus_nine_leaves_one_receipt_for_each_message_in_a_body_that_keeps_its_id() {
    let (folder, receiver) = (folder(), Receiver::new().await);
    let set = format!("app set Chess receipts=http://{}/hook", receiver.address);
    let status = crier(&folder, &set).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    let mut server = Served::start(&folder);
    let mut page = open_page(&server, 1).await;
    let caller = server.caller(2);
    let first = send(&caller, "1", &[]).await;
    ack_next(&mut page).await;
    let refused = receiver.take("503 Service Unavailable").await;
    server.kill();
    receiver.forget_the_dead().await;

    let server = Served::start(&folder);
    let again = receiver.take("200 OK").await;
    assert_eq!(again.body, refused.body);
    let id = "crier-receipt-id";
    assert_eq!(again.header(id), refused.header(id));
    assert_eq!(again.receipts()[0]["id"], first["id"]);
    // What comes next tells of the next message alone, in another body.
    let mut page = open_page(&server, 100).await;
    let second = send(&server.caller(101), "2", &[]).await;
    ack_next(&mut page).await;
    let next = receiver.take("200 OK").await;
    let told: Vec<_> = next.receipts().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(told, [second["id"].clone()]);
    assert_ne!(next.header(id), again.header(id));
}

#[tokio::test]
async fn a_page_of_a_later_time_is_told_by_a_gap_that_an_older_copy_was_restored() {
    let folder = folder();
    let mut server = Served::start(&folder);
    let caller = server.caller(1);
    let ticket = caller
        .call("liveMessage.createTicket", &[("format", "json")])
        .await
        .unwrap()
        .json();
    let mut page = server.page(PAGE).await;
    let welcome = page
        .hello(ticket["ticket"].as_str().unwrap(), &["e"])
        .await
        .unwrap();
    let epoch = welcome["epoch"].as_str().unwrap().to_owned();
    let resume = welcome["resume"].as_str().unwrap().to_owned();
    send(&caller, "in the copy", &[]).await;
    let copied = crier(&folder, "backup copy.db").stdout(Stdio::null()).status();
    assert!(copied.unwrap().success());
    send(&caller, "after the copy", &[]).await;
    server.kill();
    let restored = crier(&folder, "restore copy.db").stdout(Stdio::null()).status();
    assert!(restored.unwrap().success());

    let server = Served::start(&folder);
    let mut page = server.page(PAGE).await;
    let welcome = page.resume(&resume, (&epoch, 2), &["e"]).await.unwrap();
    assert_ne!(welcome["epoch"], *epoch);
    let gap = page.next_of("gap").await.unwrap();
    assert_eq!(
        (&gap["reason"], &gap["to"], &gap["epoch"]),
        (&"epoch".into(), &Value::Null, &welcome["epoch"]),
        "{gap}"
    );
    assert_eq!(page.next_of("message").await.unwrap()["raw"], "in the copy");
    send(&server.caller(100), "next", &[]).await;
    assert_eq!(page.next_of("message").await.unwrap()["raw"], "next");
}
