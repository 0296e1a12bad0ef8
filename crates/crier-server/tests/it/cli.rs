//! The command line as its users meet it: the binary itself, its output and its exit status.
#![expect(
    clippy::disallowed_methods,
    reason = "a process's output is shown when a test fails, even if it is no UTF-8"
)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

pub const K: &str = "0123456789abcdef0123456789abcdef";
pub const A: &str = "fedcba9876543210fedcba9876543210";
pub const SK: &str = "acacbdbd010123237878dede-1240077";
const S: &str = "00112233445566778899aabbccddeeff";
const CALLS_OF_SECONDS: usize = 3_000;

pub fn crier(folder: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crier"));
    command.current_dir(folder.path()).env_clear().args(words);
    command.stdin(Stdio::null());
    command
}

pub fn run(folder: &TempDir, words: &[&str]) -> Output {
    crier(folder, words).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output of a command that succeeds.
pub fn said(folder: &TempDir, words: &[&str]) -> String {
    let output = run(folder, words);
    assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The one JSON line of a command that succeeds.
fn row(folder: &TempDir, words: &[&str]) -> Value {
    let said = said(folder, &[words, &["--json"]].concat());
    assert_eq!(said.lines().count(), 1, "{said}");
    serde_json::from_str(&said).unwrap()
}

/// Status and the one sentence of a command that fails.
pub fn refused(folder: &TempDir, words: &[&str]) -> (i32, String) {
    let output = run(folder, words);
    assert_eq!(text(&output.stdout), "", "{words:?}");
    (output.status.code().unwrap(), text(&output.stderr))
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Two people, an application that both have accepted, a session of the first.
pub fn established() -> TempDir {
    let folder = folder();
    said(&folder, &["user", "add", "ada", "--uid", "1240077"]);
    said(&folder, &["user", "add", "bo", "--uid", "563683308"]);
    said(
        &folder,
        &[
            "app",
            "add",
            "Rochambeau",
            "--owner",
            "bo",
            "--api-key",
            K,
            "--secret",
            A,
        ],
    );
    for user in ["ada", "bo"] {
        said(&folder, &["grant", "add", "--app", "Rochambeau", "--user", user]);
    }
    said(
        &folder,
        &[
            "session",
            "add",
            "--app",
            "Rochambeau",
            "--user",
            "ada",
            "--session-key",
            SK,
            "--session-secret",
            S,
        ],
    );
    folder
}

/// A running server; killed when the test ends without stopping it.
pub struct Served {
    child: Child,
    pub url: String,
}

impl Served {
    pub fn start(folder: &TempDir) -> Self {
        Self::start_at(folder, "127.0.0.1:0")
    }

    /// At an address that may be taken again after a stop: one of the loopback network that no other test has to do with, since a
    /// port of the usual address would be given to whoever asks next.
    pub fn start_at(folder: &TempDir, address: &str) -> Self {
        Self::of(crier(
            folder,
            &["serve", "--listen", address, "--admin-listen", "127.0.0.1:0"],
        ))
    }

    pub fn of(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let url = ready
            .trim_end()
            .strip_prefix("crier ready on ")
            .unwrap()
            .to_owned();
        Self { child, url }
    }

    pub fn stop(self) -> Option<i32> {
        self.stop_by(&[rustix::process::Signal::TERM])
    }

    pub fn stop_by(mut self, signals: &[rustix::process::Signal]) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        for signal in signals {
            rustix::process::kill_process(pid, *signal).unwrap();
        }
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn call(folder: &TempDir, url: &str, words: &[&str]) -> Output {
    let keys = ["--api-key", K, "--secret", A, "--session-key", SK, "--url", url];
    run(folder, &[&["call"], words, &keys].concat())
}

#[test]
fn help_of_every_command_teaches_with_examples() {
    let folder = folder();
    for noun in ["", "serve", "user", "app", "grant", "session", "call", "listen"] {
        let words: Vec<&str> = [noun, "--help"]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        let help = said(&folder, &words);
        let name = if noun.is_empty() { "crier" } else { noun };
        insta::assert_snapshot!(format!("help_{name}"), help);
    }
}

#[test]
fn help_of_every_command_below_a_noun_has_examples_too() {
    fn walk(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        let teaches = command.get_after_help().is_some_and(|text| {
            let text = text.to_string();
            text.contains("Examples:\n  ") || text.contains("Start here:\n  ")
        });
        assert!(teaches, "{path} --help has no examples");
        for below in command.get_subcommands() {
            walk(below, &path);
        }
    }
    walk(&crier_server::cli::command(), "");
}

#[test]
fn help_of_the_demo_names_its_own_folder_and_examples() {
    let help = said(&folder(), &["demo", "--help"]);
    assert!(help.contains("Data folder that stays"), "{help}");
    assert!(help.contains("crier demo --data ./demo"), "{help}");
    assert!(!help.contains("crier serve --data"), "{help}");
}

#[test]
fn json_objects_have_exactly_the_promised_fields_in_order() {
    let folder = folder();
    let line = |words: &[&str]| said(&folder, &[words, &["--json"]].concat());
    assert_eq!(
        line(&["user", "add", "ada", "--uid", "7"]),
        "{\"uid\":7,\"name\":\"ada\"}\n"
    );
    let app = row(
        &folder,
        &["app", "add", "Chess", "--owner", "7", "--profile", "period"],
    );
    let names: Vec<&String> = app.as_object().unwrap().keys().collect();
    assert_eq!(names, ["api_key", "app_id", "name", "profile", "secret"]);
    assert_eq!(
        (app["profile"].as_str(), app["secret"].as_str().unwrap().len()),
        (Some("period"), 32)
    );
    let grant = row(
        &folder,
        &["grant", "add", "--app", "Chess", "--user", "ada", "--no-feed"],
    );
    assert_eq!(
        (&grant["app_id"], &grant["uid"], &grant["feed"]),
        (&app["app_id"], &7.into(), &false.into())
    );
    let session = row(
        &folder,
        &[
            "session", "add", "--app", "Chess", "--user", "ada", "--ttl", "never",
        ],
    );
    assert_eq!((&session["uid"], &session["expires"]), (&7.into(), &0.into()));
    assert!(session["secret"].as_str().unwrap().ends_with("__"));
    let rotated = row(&folder, &["app", "rotate-secret", "Chess"]);
    assert_ne!(rotated["secret"], app["secret"]);
    assert!(rotated["previous_valid_until"].as_i64().unwrap() > 0);
    let shown = row(&folder, &["user", "show", "ada"]);
    assert!(shown["created_at"].as_i64().unwrap() > 0);
}

#[test]
fn the_receipt_secret_is_printed_when_it_is_made_and_when_it_is_rotated() {
    let folder = established();
    let (status, why) = refused(&folder, &["app", "rotate-secret", K, "--receipts"]);
    assert_eq!(
        (status, why.contains("has no receipt secret yet")),
        (1, true),
        "{why}"
    );
    let to = |address: &str| row(&folder, &["app", "set", K, &format!("receipts={address}")]);
    let made = to("https://game.example/r");
    assert_eq!(made["receipts"], "https://game.example/r");
    let secret = made["receipt_secret"].as_str().unwrap();
    assert!(
        secret.len() == 64
            && secret
                .bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    );
    for again in [
        to(""),
        to("https://game.example/s"),
        row(&folder, &["app", "show", K]),
    ] {
        assert_eq!(again.get("receipt_secret"), None);
    }
    let rotated = row(&folder, &["app", "rotate-secret", K, "--receipts"]);
    assert_ne!(rotated["receipt_secret"], made["receipt_secret"]);
    assert!(rotated["previous_valid_until"].as_i64().unwrap() > 0);
    assert_eq!(rotated.get("secret"), None);
    for wrong in [
        "https://u:p@game.example/",
        "ftp://game.example/",
        "https://game.example/#x",
    ] {
        let (status, why) = refused(&folder, &["app", "set", K, &format!("receipts={wrong}")]);
        assert_eq!((status, why.contains("receipts: ")), (1, true), "{why}");
    }
}

#[test]
fn settings_are_set_all_or_none_and_shown() {
    let folder = established();
    let set = row(
        &folder,
        &[
            "app",
            "set",
            K,
            "profile=modern",
            "calls_per_minute=7",
            "origins=http://a.example,http://b.example",
        ],
    );
    assert_eq!(
        (&set["call_id"], &set["calls_per_minute"]),
        (&"unique".into(), &7.into())
    );
    assert_eq!(set["origins"], "http://a.example,http://b.example");
    let (status, why) = refused(&folder, &["app", "set", K, "calls_per_minute=8", "colour=red"]);
    assert_eq!(status, 1);
    assert!(why.contains("colour"), "{why}");
    assert_eq!(row(&folder, &["app", "show", K])["calls_per_minute"], 7);
    assert!(row(&folder, &["app", "show", K]).get("secret").is_none());
}

#[test]
fn passwords_come_from_the_first_line_of_standard_input() {
    let folder = folder();
    let mut child = crier(&folder, &["user", "add", "ada", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"a long password\nrest")
        .unwrap();
    assert!(child.wait().unwrap().success());
    let (status, why) = refused(&folder, &["user", "set", "ada", "--password-stdin"]);
    assert_eq!(
        (status, why.as_str()),
        (
            1,
            "crier: standard input holds no password: write it on the first line\n"
        )
    );
}

#[test]
fn what_is_not_there_is_named_in_one_sentence() {
    let folder = established();
    for words in [
        ["user", "show", "nobody"].as_slice(),
        &["app", "show", "nothing"],
        &["grant", "add", "--app", "nothing", "--user", "ada"],
        &["session", "add", "--app", "Rochambeau", "--user", "nobody"],
    ] {
        let (status, why) = refused(&folder, words);
        assert_eq!((status, why.lines().count()), (1, 1), "{why}");
        assert!(
            why.starts_with("crier: ") && (why.contains("nobody") || why.contains("nothing")),
            "{why}"
        );
    }
    let (status, why) = refused(&folder, &["user", "add", "x", "--uid", "0"]);
    assert_eq!((status, why.contains("0 is no uid")), (1, true), "{why}");
}

#[test]
fn a_block_of_a_picture_that_is_not_here_says_so_and_what_is_no_hash_is_refused() {
    let folder = established();
    let hash = "a".repeat(64);
    for named in [hash.clone(), hash.to_uppercase(), format!("/p/{hash}.png")] {
        let output = run(&folder, &["picture", "block", &named, "--json"]);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(
            text(&output.stdout),
            format!("{{\"hash\":\"{hash}\",\"known\":false}}\n")
        );
        assert_eq!(
            text(&output.stderr),
            "no picture or image here has this hash, so nothing was removed; one that comes will be refused\n"
        );
    }
    for named in ["", "zz", &hash[1..], "http://e.example/none.png"] {
        let (status, sentence) = refused(&folder, &["picture", "block", named]);
        assert_eq!(status, 1, "{named}");
        assert!(
            sentence.contains(&format!("{named:?} names no picture")),
            "{sentence}"
        );
    }
}

#[test]
fn given_keys_in_use_and_outside_their_grammar_are_refused() {
    let folder = established();
    let app = |key: &'static str, secret: &'static str| {
        [
            "app",
            "add",
            "Other",
            "--owner",
            "ada",
            "--api-key",
            key,
            "--secret",
            secret,
        ]
    };
    for words in [
        app(K, A),
        app("short", A),
        app("ffffffffffffffffffffffffffffffff", "short"),
    ] {
        assert_eq!(refused(&folder, &words).0, 1, "{words:?}");
    }
    let session = [
        "session",
        "add",
        "--app",
        "Rochambeau",
        "--user",
        "ada",
        "--session-key",
        SK,
    ];
    assert_eq!(refused(&folder, &session).0, 1);
    said(&folder, &["session", "remove", SK]);
    said(&folder, &session);
}

#[test]
fn both_methods_work_from_the_shell_in_both_signatures_and_formats() {
    let folder = established();
    let served = Served::start(&folder);
    let send = [
        "liveMessage.send",
        "recipient=563683308",
        "event_name=rochambeau",
        "message={\"a\":1}",
    ];
    let sent = call(&folder, &served.url, &send);
    assert_eq!(sent.status.code(), Some(0), "{}", text(&sent.stdout));
    assert!(
        text(&sent.stdout).ends_with(">1</liveMessage_send_response>\n"),
        "{}",
        text(&sent.stdout)
    );
    let sent = call(
        &folder,
        &served.url,
        &[&send[..], &["--sig", "1", "--format", "json"]].concat(),
    );
    assert_eq!(
        (sent.status.code(), text(&sent.stdout).as_str()),
        (Some(0), "true\n")
    );
    let publish = [
        "feed.publishStoryToUser",
        "title=<b>won</b> & lost=1",
        "--format",
        "json",
    ];
    let published = call(&folder, &served.url, &publish);
    assert_eq!(published.status.code(), Some(3), "{}", text(&published.stdout));
    assert!(
        text(&published.stdout).starts_with("{\"error_code\":100,"),
        "{}",
        text(&published.stdout)
    );
    let publish = [
        "feed.publishStoryToUser",
        "title=ada won é +%26=",
        "--format",
        "json",
    ];
    let published = call(&folder, &served.url, &publish);
    assert_eq!(
        (published.status.code(), text(&published.stdout).as_str()),
        (Some(0), "true\n")
    );
    let again = call(&folder, &served.url, &publish);
    assert_eq!(again.status.code(), Some(3));
    assert!(
        text(&again.stdout).starts_with("{\"error_code\":4,"),
        "{}",
        text(&again.stdout)
    );
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn call_without_a_server_ends_with_status_4() {
    let folder = folder();
    // No other test has to do with this address.
    let output = call(&folder, "http://127.0.8.1:9", &["auth.createToken"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(
        text(&output.stderr).starts_with("crier: nothing answered at "),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn call_takes_its_keys_from_a_profile() {
    let folder = established();
    let served = Served::start(&folder);
    let profile = format!(
        "[demo]\nurl = \"{}\"\napi_key = \"{K}\"\nsecret = \"{A}\"\nsession_key = \"{SK}\"\n",
        served.url
    );
    std::fs::write(folder.path().join("keys.toml"), profile).unwrap();
    let said = said(
        &folder,
        &[
            "call",
            "users.getLoggedInUser",
            "--as",
            "demo",
            "--profiles",
            "keys.toml",
            "--format",
            "json",
        ],
    );
    assert_eq!(said, "1240077\n");
    let (status, why) = refused(
        &folder,
        &[
            "call",
            "users.getLoggedInUser",
            "--as",
            "other",
            "--profiles",
            "keys.toml",
        ],
    );
    assert_eq!(
        (status, why.as_str()),
        (1, "crier: keys.toml has no profile other; it has: demo\n")
    );
}

#[test]
fn commands_beside_a_running_server_are_in_force_within_a_second() {
    let folder = established();
    let served = Served::start(&folder);
    let who = ["users.getLoggedInUser", "--format", "json"];
    assert_eq!(text(&call(&folder, &served.url, &who).stdout), "1240077\n");
    said(&folder, &["app", "disable", "Rochambeau"]);
    // Each call is a process of its own: so many take longer than a second on any machine.
    let mut calls = (0..CALLS_OF_SECONDS).map(|_| text(&call(&folder, &served.url, &who).stdout));
    let refused = calls.any(|answer| answer.starts_with("{\"error_code\":101,"));
    assert!(refused, "still served after {CALLS_OF_SECONDS} calls");
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn occupied_address_is_one_sentence_that_says_what_to_do() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, why) = refused(&folder, &["serve", "--listen", &address]);
    assert_eq!(status, 1);
    assert!(
        why.starts_with(&format!("crier: cannot listen on {address} ")),
        "{why}"
    );
    assert!(
        why.ends_with("or choose another address with --listen\n"),
        "{why}"
    );
}

#[test]
fn addresses_of_the_other_mode_are_refused_with_one_sentence() {
    let folder = folder();
    for (words, part) in [
        (
            ["serve", "--store", "postgres://h/crier"].as_slice(),
            "add --broker redis://HOST",
        ),
        (
            &["serve", "--broker", "redis://h"],
            "add --store postgres://HOST/NAME",
        ),
        (
            &["serve", "--store", "postgres://h/c", "--broker", "redis://h"],
            "leave --store and --broker out",
        ),
        (
            &["user", "list", "--store", "postgres://h/c"],
            "add --broker redis://HOST",
        ),
    ] {
        let (status, why) = refused(&folder, words);
        assert_eq!((status, why.lines().count()), (1, 1), "{why}");
        assert!(why.contains(part), "{why}");
    }
}

#[test]
fn data_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    said(&folder, &["user", "add", "ada", "--data", "books"]);
    let mode = std::fs::metadata(folder.path().join("books"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn configuration_is_checked_and_printed_with_its_origins() {
    let folder = folder();
    std::fs::write(
        folder.path().join("crier.toml"),
        "[server]\nhead_deadline = \"5s\"\n",
    )
    .unwrap();
    assert_eq!(
        said(&folder, &["config", "check"]),
        "server.head_deadline = \"5s\"  # crier.toml line 2\nok\n"
    );
    let printed = said(&folder, &["config", "print", "--data", "books"]);
    assert!(
        printed.contains("\ndata = \"books\"  # flag --data\n"),
        "{printed}"
    );
    assert!(printed.contains("\n[live]\n"), "{printed}");
    assert_eq!(
        said(&folder, &["config", "print", "--default"]),
        crier_server::config::DEFAULT_PAGE
    );
    std::fs::write(folder.path().join("crier.toml"), "[server]\ndatta = 1\n").unwrap();
    let (status, why) = refused(&folder, &["config", "check"]);
    assert_eq!(
        (status, why.as_str()),
        (
            1,
            "crier: unknown key server.datta (crier.toml line 2): the nearest known key is server.data\n"
        )
    );
}

#[test]
fn doctor_says_ok_or_what_to_do_on_each_line() {
    let folder = established();
    let output = run(&folder, &["doctor", "--json"]);
    let checks: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: std::collections::BTreeSet<&str> = checks
        .iter()
        .filter_map(|check| check["check"].as_str())
        .collect();
    for name in [
        "configuration",
        "store",
        "broker",
        "clock",
        "free space",
        "descriptors",
    ] {
        assert!(names.contains(name), "{names:?}");
    }
    for check in &checks {
        let says = check["says"].as_str().unwrap();
        assert_eq!(check["ok"].as_bool(), Some(says.starts_with("ok: ")), "{says}");
    }
}

#[test]
fn a_command_that_only_looks_makes_no_books() {
    let folder = folder();
    for words in [
        &["user", "list"][..],
        &["app", "show", "Rochambeau"],
        &["backup", "copy.db"],
        &["doctor"],
    ] {
        let output = run(&folder, &[words, &["--data", "mistyped"]].concat());
        let says = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{says}");
        let sentence = "there are no books in mistyped: start with crier serve or crier user add, or name the folder with --data";
        assert!(says.contains(sentence), "{says}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    said(&folder, &["user", "add", "ada", "--data", "right"]);
    assert!(said(&folder, &["user", "list", "--data", "right"]).contains("ada"));
}

#[test]
fn a_copy_brings_back_what_was_erased_and_the_audit_log_says_so() {
    let folder = established();
    said(&folder, &["backup", "copy.db"]);
    said(&folder, &["session", "remove", SK]);
    let replaced = said(&folder, &["audit", "verify"]);
    said(&folder, &["restore", "copy.db"]);
    let entry = said(&folder, &["audit", "list", "--limit", "1", "--json"]);
    let entry: Value = serde_json::from_str(&entry).unwrap();
    assert_eq!(
        (&entry["actor"], &entry["act"], &entry["subject"]),
        (&"command_line".into(), &"books.restore".into(), &"books".into())
    );
    let head = replaced.split_whitespace().last();
    assert_eq!(
        entry["details"]["replaced"].as_str(),
        head,
        "the log that is gone"
    );
    said(&folder, &["audit", "verify"]);
    let session = [
        "session",
        "add",
        "--app",
        "Rochambeau",
        "--user",
        "ada",
        "--session-key",
        SK,
    ];
    assert_eq!(refused(&folder, &session).0, 1, "the session is there again");
    assert_eq!(
        refused(&folder, &["backup", "copy.db"]).0,
        1,
        "a copy is never overwritten"
    );
}

#[test]
fn a_persons_export_holds_what_the_audit_log_tells_of_them() {
    let folder = established();
    said(&folder, &["user", "set", "ada", "--admin"]);
    let entries = |user: &str| -> Vec<Value> {
        let lines = said(&folder, &["user", "export", user]);
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &Value| line["kind"] == "audit_entry")
            .collect()
    };
    let of_ada = entries("ada");
    let acts: Vec<&str> = of_ada
        .iter()
        .map(|entry| entry["act"].as_str().unwrap())
        .collect();
    assert_eq!(
        acts,
        ["user.set", "session.add", "grant.set", "grant.add", "user.add"]
    );
    let newest = &of_ada[0];
    assert_eq!(
        (&newest["actor"], &newest["subject"], &newest["details"]),
        (
            &"command_line".into(),
            &"user:1240077".into(),
            &serde_json::json!({"admin": [0, 1]})
        )
    );
    let of_bo = entries("bo");
    assert!(
        !of_bo.is_empty() && of_bo.iter().all(|entry| entry["subject"] == "user:563683308"),
        "{of_bo:?}"
    );
}

#[test]
fn completions_manual_page_and_version_are_printed() {
    let folder = folder();
    assert!(said(&folder, &["completions", "bash"]).contains("_crier()"));
    assert!(said(&folder, &["man"]).contains(".TH crier 1"));
    assert_eq!(row(&folder, &["version"])["name"], "crier");
}
