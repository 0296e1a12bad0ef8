//! `crier audit …` over the binary itself: what other commands leave, and what is found when somebody touches it.

use crate::cli::{K, established, refused, said};
use crate::site::stage::Stage;
use crier_platform::model::audit::AuditQuery;
use serde_json::Value;

fn entries(folder: &tempfile::TempDir, words: &[&str]) -> Vec<Value> {
    let said = said(folder, &[&["audit", "list", "--json"], words].concat());
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn commands_leave_entries_that_are_listed_newest_first() {
    let folder = established();
    said(&folder, &["app", "set", K, "calls_per_minute=60"]);
    let listed = entries(&folder, &["--limit", "2"]);
    let newest = &listed[0];
    assert_eq!(listed.len(), 2);
    assert_eq!(newest["actor"], "command_line");
    assert_eq!(newest["act"], "app.set");
    assert_eq!(
        newest["details"],
        serde_json::json!({"calls_per_minute": [6000, 60]})
    );
    assert_eq!(
        newest["number"].as_i64().unwrap(),
        listed[1]["number"].as_i64().unwrap() + 1
    );
    let of_ada = entries(&folder, &["--subject", "user:1240077"]);
    let acts: Vec<&str> = of_ada
        .iter()
        .map(|entry| entry["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["session.add", "grant.set", "grant.add", "user.add"]);
    assert!(entries(&folder, &["--actor", "system"]).is_empty());
}

#[test]
fn an_export_is_verified_without_the_books_and_a_changed_line_is_named() {
    let folder = established();
    let whole = said(&folder, &["audit", "export"]);
    let count = whole.lines().count();
    assert!(count > 5, "{whole}");
    let path = folder.path().join("audit.log");
    let verified = |text: &str, more: &[&str]| {
        std::fs::write(&path, text).unwrap();
        let words = [&["audit", "verify", "audit.log"], more].concat();
        crate::cli::run(&folder, &words)
    };
    let of_books = said(&folder, &["audit", "verify"]);
    assert!(of_books.contains(&format!("entries  {count}")), "{of_books}");
    let of_export = verified(&whole, &[]);
    assert_eq!(crate::cli::text(&of_export.stdout), of_books);
    let head = of_books.split_whitespace().last().unwrap().to_owned();
    let changed = whole.replacen("user:563683308", "user:563683309", 1);
    let output = verified(&changed, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        crate::cli::text(&output.stderr),
        "crier: entry 2 is broken: its hash is not that of its text and of the entry before it\n"
    );
    let cut: String = whole
        .lines()
        .take(count - 1)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(verified(&cut, &[]).status.code(), Some(0));
    let output = verified(&cut, &["--head", &head]);
    assert_eq!(
        (output.status.code(), crate::cli::text(&output.stderr)),
        (
            Some(1),
            format!(
                "crier: entry {count} is broken: it is missing: the log ends before the entry that was noted down\n"
            )
        )
    );
    for torn in ["x\n", &format!("{}\n", "0".repeat(70_000)), "\n"] {
        let output = verified(torn, &[]);
        assert_eq!(
            crate::cli::text(&output.stderr),
            "crier: entry 1 is broken: its line is no hash, a blank and a text\n"
        );
    }
    let (status, sentence) = refused(&folder, &["audit", "verify", "--head", "7"]);
    assert!(status == 2 && sentence.contains("NUMBER:HASH"), "{sentence}");
}

#[tokio::test]
async fn what_a_developer_changes_on_the_site_is_told_with_their_number_and_their_own_affairs_are_not() {
    let stage = Stage::open().await;
    let app = stage.app("Rochambeau").await.id;
    let mut ada = stage.logged_in("ada").await;
    let secrets = format!("/developers/{app}/secrets");
    ada.get(&secrets).await;
    let rotated = ada
        .submit(&format!("{secrets}/rotate"), &[("secret", "calls")])
        .await;
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    ada.get("/settings").await;
    let saved = ada.submit("/settings/time-zone", &[("zone", "Asia/Tokyo")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let query = AuditQuery {
        limit: 1,
        ..AuditQuery::default()
    };
    let kept = stage.server.accounts().audit_page(query).await.unwrap();
    let entry = kept[0].entry().unwrap();
    let told = (entry.actor.as_str(), entry.act.as_str(), entry.subject);
    assert_eq!(told, ("person:1240077", "app.set", format!("app:{app}")));
    assert_eq!(entry.details["secret"], "changed");
}
