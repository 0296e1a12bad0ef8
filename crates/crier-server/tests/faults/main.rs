//! The binary itself while the disk fails under it (live 5.10): strace lets every sync of the books' log fail.
//!
//! Nobody is answered as if it were kept, readiness ends, the process ends with status 1, and what was answered before is still there.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on has failed its test"
)]

use crier_testkit::{RawClient, SignedClient};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use tempfile::TempDir;

const API_KEY: &str = "0123456789abcdef0123456789abcdef";
const SECRET: &str = "fedcba9876543210fedcba9876543210";
/// Syncs of a first start, queued before the first call can come: the log that other processes left is emptied, its head is written
/// anew, and so is the version of the ranking.
const START_SYNCS: u32 = 3;
const SESSION_KEY: &str = "acacbdbd010123237878dede-1240077";

/// A data folder with one user, who has accepted one application and is logged in to it.
fn folder(mailbox: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let config = format!("[live]\nmailbox = \"{mailbox}\"\n");
    fs::write(folder.path().join("crier.toml"), config).unwrap();
    let commands = [
        "user add ada --uid 1240077",
        &format!("app add Chess --owner ada --api-key {API_KEY} --secret {SECRET}"),
        "grant add --app Chess --user ada",
        &format!(
            "session add --app Chess --user ada --ttl never --session-key {SESSION_KEY} --session-secret \
             00112233445566778899aabbccddeeff"
        ),
    ];
    for words in commands {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crier"));
        command.args(words.split_whitespace());
        let status = within(&mut command, &folder).status().unwrap();
        assert!(status.success(), "{words}");
    }
    folder
}

fn within<'a>(command: &'a mut Command, folder: &TempDir) -> &'a mut Command {
    command
        .current_dir(folder.path())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
}

/// A running server; killed when it is dropped.
struct Served {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Served {
    fn start(folder: &TempDir) -> Self {
        Self::started(Command::new(env!("CARGO_BIN_EXE_crier")), folder)
    }

    /// A server that can sync the log of its books so many times and never again.
    fn start_with_syncs(folder: &TempDir, syncs: u32) -> Self {
        let mut strace = Command::new("strace");
        // With -D the child is the server, and strace stands beside it.
        strace.args([
            "-D",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync,fdatasync",
        ]);
        strace.args([
            "-e",
            &format!("inject=fsync,fdatasync:error=EIO:when={}+", syncs + 1),
        ]);
        strace
            .arg("-P")
            .arg(folder.path().join("crier-data/crier.db-wal"));
        strace.arg(env!("CARGO_BIN_EXE_crier"));
        Self::started(strace, folder)
    }

    fn started(mut command: Command, folder: &TempDir) -> Self {
        command.args("serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --log-format json".split(' '));
        let mut child = within(&mut command, folder).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let ready = loop {
            let mut line = String::new();
            assert!(
                log.read_line(&mut line).unwrap() > 0,
                "no server: {:?}",
                child.wait()
            );
            if line.contains("admin_listen") {
                break line;
            }
        };
        let address = |name: &str| {
            let (_, rest) = ready.split_once(&format!("\"{name}\":\"")).unwrap();
            rest.split_once('"').unwrap().0.parse().unwrap()
        };
        Self {
            address: address("listen"),
            admin: address("admin_listen"),
            child,
            log,
        }
    }

    async fn call(&self, call_id: u64, (method, params): (&str, &[(&str, &str)])) -> Value {
        let caller = SignedClient::new(self.address, API_KEY, SECRET)
            .with_session(SESSION_KEY)
            .from_call_id(call_id);
        caller.call(method, params).await.unwrap().json()
    }

    /// Reads /readyz until nobody answers; what it said.
    async fn readiness_to_the_end(&self) -> Vec<(u16, String)> {
        let request = b"GET /readyz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        let mut said = Vec::new();
        while let Ok(answer) = RawClient::exchange(self.admin, request).await {
            said.push((answer.status, answer.text().to_owned()));
        }
        said
    }

    /// The exit status and the rest of the log of a process that ends by itself.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What follows a failed sync: readiness has ended, and the process ends with status 1 and one sentence in the log.
async fn failed(server: Served) {
    for (status, text) in server.readiness_to_the_end().await {
        assert_eq!(status, 503, "{text}");
        assert!(text.contains("the store has stopped"), "{text}");
    }
    let (status, log) = server.end();
    assert_eq!(status, Some(1), "{log}");
    let sentence = "a sync is never retried: this process ends";
    assert_eq!(log.matches(sentence).count(), 1, "{log}");
}

async fn send(server: &Served, call_id: u64) -> Value {
    let params = [
        ("recipient", "1240077"),
        ("event_name", "e"),
        ("message", "1"),
        ("format", "json"),
        ("outcome", "true"),
    ];
    server.call(call_id, ("liveMessage.send", &params)).await
}

#[tokio::test]
async fn a_failed_sync_of_a_message_is_answered_2_and_ends_the_process_and_what_was_answered_is_kept() {
    let folder = folder("durable");
    let server = Served::start_with_syncs(&folder, START_SYNCS + 4);
    let mut answered = Vec::new();
    let refused = loop {
        let answer = send(&server, answered.len() as u64 + 1).await;
        if answer["error_code"].is_null() {
            answered.push(answer);
        } else {
            break answer;
        }
    };
    assert_eq!(refused["error_code"], 2, "{refused}");
    assert!((1..=4).contains(&answered.len()), "{answered:?}");
    failed(server).await;
    let server = Served::start(&folder);
    for (call_id, answer) in (100..).zip(&answered) {
        let id = [("id", answer["id"].as_str().unwrap()), ("format", "json")];
        let status = server.call(call_id, ("liveMessage.status", &id)).await;
        assert_eq!(
            (&status["seq"], &status["epoch"]),
            (&answer["seq"], &answer["epoch"]),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_failed_sync_of_a_story_is_answered_1_for_nobody_knows_and_ends_the_process_in_memory_mode_too() {
    let folder = folder("memory");
    let server = Served::start_with_syncs(&folder, START_SYNCS + 1);
    let token = server.call(1, ("auth.createToken", &[("format", "json")])).await;
    assert!(token["error_code"].is_null(), "{token}");
    let story = [("title", "Fred waved"), ("format", "json")];
    let refused = server.call(2, ("feed.publishStoryToUser", &story)).await;
    // Protocol 13: the next start may find it, so it is neither done nor refused.
    assert_eq!(refused["error_code"], 1, "{refused}");
    failed(server).await;
}
