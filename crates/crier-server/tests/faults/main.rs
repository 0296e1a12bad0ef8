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
    disk: Option<(Child, BufReader<ChildStderr>)>,
}

impl Served {
    fn start(folder: &TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crier"));
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
            disk: None,
        }
    }

    /// From now on every sync of the log of the books fails. What has been answered before is not touched: how often a start syncs is
    /// its own affair.
    fn fail_every_sync(&mut self, folder: &TempDir) {
        let log = folder.path().join("crier-data/crier.db-wal");
        let mut strace = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"])
            .args(["-e", "inject=fsync,fdatasync:error=EIO", "-P"])
            .arg(log)
            .args(["-p", &self.child.id().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut says = BufReader::new(strace.stderr.take().unwrap());
        let mut heard = String::new();
        while !heard.contains(" attached") {
            assert!(says.read_line(&mut heard).unwrap() > 0, "{heard}");
        }
        // What else it says, a line for each thread that comes, has room in the pipe.
        self.disk = Some((strace, says));
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
        // It ends with what it stands beside.
        let _ = self.disk.as_mut().map(|(strace, _)| strace.wait());
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
    let mut server = Served::start(&folder);
    let mut answered = Vec::new();
    for call_id in 1..=3 {
        let answer = send(&server, call_id).await;
        assert!(answer["error_code"].is_null(), "{answer}");
        answered.push(answer);
    }
    server.fail_every_sync(&folder);
    let refused = send(&server, 4).await;
    assert_eq!(refused["error_code"], 2, "{refused}");
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
    let mut server = Served::start(&folder);
    // Its answer comes after whatever the start has to write.
    let token = server.call(1, ("auth.createToken", &[("format", "json")])).await;
    assert!(token["error_code"].is_null(), "{token}");
    server.fail_every_sync(&folder);
    let story = [("title", "Fred waved"), ("format", "json")];
    let refused = server.call(2, ("feed.publishStoryToUser", &story)).await;
    // Protocol 13: the next start may find it, so it is neither done nor refused.
    assert_eq!(refused["error_code"], 1, "{refused}");
    failed(server).await;
}
