//! `crier serve` as its operator meets it: when it is ready, what ends it, and that one process alone serves a folder.

use crate::cli::{Served, established, folder, refused, said};
use std::process::Command;

#[test]
fn a_terminal_that_goes_away_is_a_soft_stop_unless_nobody_is_to_notice() {
    use rustix::process::Signal;
    let started = |disposition: &str| {
        let folder = folder();
        let mut command = Command::new("env");
        command.current_dir(folder.path()).env_clear().args([
            disposition,
            env!("CARGO_BIN_EXE_crier"),
            "serve",
            "--listen=127.0.0.1:0",
            "--admin-listen=127.0.0.1:0",
        ]);
        (Served::of(command), folder)
    };
    let (noticing, folder) = started("--default-signal=HUP");
    assert_eq!(noticing.stop_by(&[Signal::HUP, Signal::HUP]), Some(0));
    assert!(folder.path().join("crier-data/live.snapshot").exists());
    let (not_noticing, _folder) = started("--ignore-signal=HUP");
    // Were the first of them heard, the second would cut.
    assert_eq!(not_noticing.stop_by(&[Signal::HUP, Signal::TERM]), Some(0));
}

#[test]
fn ready_is_said_when_the_mailboxes_are_back() {
    let folder = folder();
    let mut command = Command::new("sh");
    let serve = "exec \"$0\" serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --log-format json 2>log";
    command.current_dir(folder.path()).env_clear();
    command.env("CRIER__LIVE__MAILBOX", "durable");
    command.args(["-c", serve, env!("CARGO_BIN_EXE_crier")]);
    let served = Served::of(command);
    assert_eq!(served.stop(), Some(0));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let at = |words: &str| log.find(words).unwrap();
    assert!(
        at("mailboxes were taken back from the books") < at("\"ready\""),
        "{log}"
    );
}

#[test]
fn a_folder_that_is_served_is_neither_restored_nor_served_a_second_time() {
    let folder = established();
    said(&folder, &["backup", "copy.db"]);
    let served = Served::start(&folder);
    let (status, why) = refused(&folder, &["restore", "copy.db"]);
    assert_eq!(
        (status, why.as_str()),
        (
            1,
            "crier: nothing was restored: another process serves this data folder; stop it first\n"
        )
    );
    let second = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    let (status, why) = refused(&folder, &second);
    assert_eq!(status, 1);
    let sentence =
        "cannot serve ./crier-data: another process serves this data folder; stop it first, or name another";
    assert!(why.contains(sentence), "{why}");
    assert_eq!(served.stop(), Some(0));
    said(&folder, &["restore", "copy.db"]);
}
