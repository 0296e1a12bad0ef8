//! `crier listen` as its users meet it: the binary against the binary, over restarts, a crash, and refusals for good.

use crate::cli::{A, K, SK, Served, call, crier, established, refused, said, text};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::ops::RangeInclusive;
use std::process::{Child, ChildStderr, ChildStdout, Stdio};
use tempfile::TempDir;

/// A running `crier listen`; killed when the test ends.
struct Listening {
    child: Child,
    printed: BufReader<ChildStdout>,
    complained: BufReader<ChildStderr>,
}

impl Listening {
    fn start(folder: &TempDir, url: &str) -> Self {
        let keys = ["--api-key", K, "--secret", A, "--session-key", SK, "--url", url];
        let mut child = crier(folder, &[&["listen", "e"][..], &keys].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap());
        let complained = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            printed,
            complained,
        }
    }

    /// Skips complaints up to the one that holds these words.
    fn complains(&mut self, words: &str) -> String {
        let mut skipped = Vec::new();
        while skipped.last().is_none_or(|line: &String| !line.contains(words)) {
            let mut line = String::new();
            let read = self.complained.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "it has ended after {skipped:?}");
            skipped.push(line);
        }
        skipped.pop().unwrap()
    }

    /// (seq, raw) of the next message.
    fn prints(&mut self) -> (u64, String) {
        let mut line = String::new();
        assert_ne!(self.printed.read_line(&mut line).unwrap(), 0, "it has ended");
        let frame: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(frame["type"], "message", "{line}");
        (
            frame["seq"].as_u64().unwrap(),
            frame["raw"].as_str().unwrap().to_owned(),
        )
    }

    /// What is printed until the end, and the status.
    fn ends(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.printed.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(folder: &TempDir, url: &str, number: u64) {
    let message = format!("message={number}");
    let words = ["liveMessage.send", "recipient=1240077", "event_name=e", &message];
    let sent = call(folder, url, &words);
    assert_eq!(sent.status.code(), Some(0), "{}", text(&sent.stdout));
}

/// Sends these numbers, each the seq of its message; it prints exactly them.
fn hears(listening: &mut Listening, (folder, url): (&TempDir, &str), numbers: RangeInclusive<u64>) {
    for number in numbers.clone() {
        send(folder, url, number);
    }
    for number in numbers {
        assert_eq!(listening.prints(), (number, number.to_string()));
    }
}

fn permitted() -> TempDir {
    let folder = established();
    said(&folder, &["app", "set", K, "native_clients=on"]);
    folder
}

#[test]
fn listen_loses_and_repeats_nothing_over_restarts_with_and_without_its_token() {
    let folder = permitted();
    let served = Served::start_at(&folder, "127.0.8.2:0");
    let url = served.url.clone();
    let address = url.strip_prefix("http://").unwrap();
    let mut listening = Listening::start(&folder, &url);
    listening.complains("listening");
    hears(&mut listening, (&folder, &url), 1..=3);

    assert_eq!(served.stop(), Some(0));
    listening.complains("the connection is lost (4001 ");
    let served = Served::start_at(&folder, address);
    // Sent before, while or after it comes back: it makes no difference.
    hears(&mut listening, (&folder, &url), 4..=6);

    // Tokens of another key are refused, and a new ticket is asked for; the cursor stays.
    assert_eq!(served.stop(), Some(0));
    std::fs::remove_file(folder.path().join("crier-data/keys/live.key")).unwrap();
    let served = Served::start_at(&folder, address);
    hears(&mut listening, (&folder, &url), 7..=9);
    listening.complains("(4202 ");

    said(&folder, &["app", "disable", K]);
    let why = listening.complains("the server refused");
    assert!(
        why.contains(": 4304 ") && why.contains("crier app enable"),
        "{why}"
    );
    assert_eq!(listening.ends(), (String::new(), Some(3)));
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn listen_tells_in_words_what_a_crash_may_have_lost() {
    let folder = permitted();
    let served = Served::start_at(&folder, "127.0.8.3:0");
    let url = served.url.clone();
    let mut listening = Listening::start(&folder, &url);
    listening.complains("listening");
    send(&folder, &url, 1);
    assert_eq!(listening.prints(), (1, "1".into()));
    // Dropping it kills it.
    drop(served);
    listening.complains("the connection is lost");
    let _served = Served::start_at(&folder, url.strip_prefix("http://").unwrap());
    let gap = listening.complains("may have been missed");
    assert!(
        gap.starts_with("crier: messages from 2 on may have been missed"),
        "{gap}"
    );
    send(&folder, &url, 2);
    assert_eq!(listening.prints(), (1, "2".into()));
}

#[test]
fn listen_says_why_it_is_refused_and_what_to_do() {
    let folder = established();
    let served = Served::start_at(&folder, "127.0.8.4:0");
    let listen = |secret: &str, url: &str| {
        let keys = [
            "--api-key",
            K,
            "--secret",
            secret,
            "--session-key",
            SK,
            "--url",
            url,
        ];
        refused(&folder, &[&["listen", "e"][..], &keys].concat())
    };
    let (status, why) = listen(A, &served.url);
    assert_eq!((status, why.lines().count()), (3, 1), "{why}");
    assert!(
        why.contains("4302 origin refused; without --origin") && why.contains("native_clients=on"),
        "{why}"
    );
    let (status, why) = listen("00000000000000000000000000000000", &served.url);
    assert_eq!((status, why.contains("no ticket: 104 ")), (3, true), "{why}");
    let long = "n".repeat(129);
    for name in ["", long.as_str()] {
        let keys = ["listen", name, "--api-key", K, "--secret", A, "--session-key", SK];
        let (status, why) = refused(&folder, &keys);
        assert_eq!(
            (status, why.contains("an event name has 1 to 128 bytes")),
            (2, true),
            "{why}"
        );
    }
    let url = served.url.clone();
    assert_eq!(served.stop(), Some(0));
    let (status, why) = listen(A, &url);
    assert_eq!(
        (status, why.starts_with("crier: nothing answered at ")),
        (4, true),
        "{why}"
    );
}
