//! `crier feed export` and `crier user export`: what a person read, computed again from what was written out (feed 8.6, 9.4).

use crate::cli::{A, Served, call, crier, established, refused, run, said, text};
use crate::pictures::host::png;
use crate::site::browser::{Browser, between};
use crier_testkit::patience::within;
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;
use tempfile::TempDir;

const PASSWORD: &str = "correct horse";

/// Sets a password by the command line.
fn give_password(folder: &TempDir, user: &str) {
    let mut child = crier(folder, &["user", "set", user, "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(PASSWORD.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
}

/// Ada, of whose three applications one has published; her photo is uploaded.
fn published(folder: &TempDir, url: &str) {
    let story = [
        "feed.publishStoryToUser",
        "title=ada won",
        "body=a secret <b>body</b>",
    ];
    let answer = call(folder, url, &story);
    assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stdout));
    std::fs::write(folder.path().join("photo.png"), png(200, (90, 60))).unwrap();
    let upload = ["photos.upload", "photo=@photo.png", "caption=my holiday"];
    let answer = call(folder, url, &upload);
    assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stdout));
    for number in 1..=2 {
        let name = format!("App {number}");
        let key = format!("{number:032x}");
        let session = format!("{number:024x}-1240077");
        let add = [
            "app",
            "add",
            &name,
            "--owner",
            "bo",
            "--api-key",
            &key,
            "--secret",
            A,
        ];
        said(folder, &add);
        said(folder, &["grant", "add", "--app", &name, "--user", "ada"]);
        let add = [
            "session",
            "add",
            "--app",
            &name,
            "--user",
            "ada",
            "--session-key",
            &session,
        ];
        said(folder, &add);
        let title = format!("title=story of {number}");
        let keys = [
            "--api-key",
            &key,
            "--secret",
            A,
            "--session-key",
            &session,
            "--url",
            url,
        ];
        let answer = run(
            folder,
            &[&["call", "feed.publishStoryToUser", &title][..], &keys].concat(),
        );
        assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stdout));
    }
}

/// Ada in her browser.
async fn logged_in(url: &str) -> Browser {
    let mut ada = Browser::at(url.strip_prefix("http://").unwrap().parse().unwrap());
    ada.get("/login").await;
    let login = ada
        .submit("/login", &[("name", "ada"), ("password", PASSWORD)])
        .await;
    assert_eq!(login.status, 303, "{}", login.text());
    ada
}

/// Ada looks at her feed, puts her oldest story away and looks again.
async fn read_twice(url: &str) {
    let mut ada = logged_in(url).await;
    let page = ada.get("/feed").await;
    assert_eq!(page.text().matches("<li id=\"s").count(), 3, "{}", page.text());
    let story = between(page.text(), "<li id=\"s", "\"").unwrap().to_owned();
    let hidden = ada.submit("/feed/hide", &[("story", &story)]).await;
    assert_eq!(hidden.status, 303, "{}", hidden.text());
    let page = ada.get("/feed").await;
    assert_eq!(page.text().matches("<li id=\"s").count(), 2, "{}", page.text());
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn words(lines: &[Value], field: &str) -> Vec<String> {
    let word = |line: &Value| line[field].as_str().unwrap().to_owned();
    lines.iter().map(word).collect()
}

#[tokio::test]
async fn an_exported_record_is_replayed_and_a_person_s_export_holds_it_and_their_photos() {
    let folder = established();
    give_password(&folder, "ada");
    let served = Served::start(&folder);
    published(&folder, &served.url);
    read_twice(&served.url).await;
    assert_eq!(served.stop(), Some(0));

    let record = said(&folder, &["feed", "export", "ada"]);
    let kinds = words(&lines(&record), "line");
    assert_eq!(kinds.first().map(String::as_str), Some("config"));
    assert_eq!(kinds.iter().filter(|kind| *kind == "story").count(), 3);
    assert_eq!(kinds.iter().filter(|kind| *kind == "view").count(), 2);
    for private in ["ada won", "secret", "story of"] {
        assert!(!record.contains(private), "{private}");
    }
    let with_text = said(&folder, &["feed", "export", "1240077", "--with-text"]);
    assert!(
        with_text.contains(r#""title":"ada won","body":"a secret <b>body</b>"}"#),
        "{with_text}"
    );
    let without: Vec<Value> = lines(&with_text)
        .into_iter()
        .map(|mut line| {
            if let Some(fields) = line.as_object_mut() {
                fields.remove("title");
                fields.remove("body");
            }
            line
        })
        .collect();
    assert_eq!(without, lines(&record));

    let all = lines(&said(&folder, &["user", "export", "ada"]));
    let held: Vec<&Value> = all.iter().filter(|line| line["kind"] == "feed_record").collect();
    let inside: String = held.iter().map(|line| format!("{}\n", line["record"])).collect();
    assert_eq!(lines(&inside), lines(&record));
    let photo = all.iter().find(|line| line["kind"] == "photo").unwrap();
    assert_eq!(photo["caption"], "my holiday");
    let pictures = photo["pictures"].as_array().unwrap();
    assert_eq!(pictures.len(), 3);
    assert!(pictures[0]["path"].as_str().unwrap().starts_with("/p/"));
    assert!(pictures[0]["base64url"].as_str().unwrap().len() > 40);

    for (name, lines) in [("plain", &record), ("text", &with_text), ("held", &inside)] {
        std::fs::write(folder.path().join(name), lines).unwrap();
        assert_eq!(
            said(&folder, &["simulate", "--replay", name]),
            "view 1: the same\nview 2: the same\n2 of 2 feed pages are the same\n"
        );
    }
    assert_eq!(
        said(&folder, &["feed", "export", "bo"]).lines().count(),
        1,
        "bo accepted an application"
    );
    let (status, why) = refused(&folder, &["feed", "export", "nobody"]);
    assert_eq!((status, why.contains("nobody")), (1, true), "{why}");
}

/// The story of a record that has this title.
fn story_titled(folder: &TempDir, title: &str) -> String {
    let record = lines(&said(folder, &["feed", "export", "ada", "--with-text"]));
    let found = record.iter().find(|line| line["title"] == title).unwrap();
    found["story"].to_string()
}

#[tokio::test]
async fn a_story_taken_down_and_an_erased_application_leave_their_reasons_beside_a_running_server() {
    let folder = established();
    give_password(&folder, "ada");
    // It looks as often as it takes until a name is forgotten.
    let patient = "[feed]\nreads_per_user = 1000000\n";
    std::fs::write(folder.path().join("crier.toml"), patient).unwrap();
    let served = Served::start(&folder);
    published(&folder, &served.url);
    let mut ada = logged_in(&served.url).await;
    assert_eq!(ada.get("/feed").await.text().matches("<li id=\"s").count(), 3);

    let (won, first) = (
        story_titled(&folder, "ada won"),
        story_titled(&folder, "story of 1"),
    );
    let taken = said(&folder, &["feed", "takedown", &won, "--json"]);
    assert_eq!(taken, format!("{{\"story_id\":{won}}}\n"));
    let erased = said(&folder, &["app", "erase", "App 1", "--json"]);
    let erased: Value = serde_json::from_str(&erased).unwrap();
    assert_eq!(erased["name"], "App 1");
    let page = ada.get("/feed").await;
    assert_eq!(page.text().matches("<li id=\"s").count(), 1, "{}", page.text());
    // Another process erased the application: the server may know its name for as long as a cache may be old.
    let forgotten = async {
        loop {
            let missed = ada.get("/feed/missed").await;
            if !missed.text().contains("App 1") {
                return Ok(missed);
            }
            tokio::task::yield_now().await;
        }
    };
    let missed = within("the end of a name", forgotten).await.unwrap();
    for sentence in [
        "A story whose text was removed",
        "An administrator took it down on ",
        "It went with its application on ",
        "an application that was removed",
    ] {
        assert!(missed.text().contains(sentence), "{sentence}: {}", missed.text());
    }
    for story in [&won, &first] {
        let why = ada.get(&format!("/feed/why/{story}")).await;
        assert_eq!(why.status, 200);
        assert!(why.text().contains("Its text was removed."), "{}", why.text());
        assert!(!why.text().contains("What would change it"), "{}", why.text());
        let json = ada.get(&format!("/feed/why/{story}.json")).await;
        assert!(json.text().contains(r#""verdict":"blanked""#), "{}", json.text());
        ada.get("/feed").await;
        let back = ada.submit("/feed/hide", &[("story", story)]).await;
        assert_eq!(back.status, 410, "nothing is left to hide");
    }
    let key = format!("{:032x}", 1);
    let keys = ["--api-key", &key, "--secret", A, "--url", &served.url];
    let call = run(
        &folder,
        &[&["call", "auth.createToken", "--format", "json"][..], &keys].concat(),
    );
    assert!(
        text(&call.stdout).starts_with(r#"{"error_code":101,"#),
        "{}",
        text(&call.stdout)
    );
    assert_eq!(served.stop(), Some(0));

    let record = said(&folder, &["feed", "export", "ada"]);
    std::fs::write(folder.path().join("record"), record).unwrap();
    let replayed = said(&folder, &["simulate", "--replay", "record"]);
    assert!(
        replayed.ends_with("4 of 4 feed pages are the same\n"),
        "{replayed}"
    );
    let data = folder.path().join("crier-data");
    let books = std::fs::read(data.join("crier.db")).unwrap();
    for gone in ["ada won", "story of 1"] {
        assert!(
            !books.windows(gone.len()).any(|bytes| bytes == gone.as_bytes()),
            "{gone}"
        );
    }
    for (words, sentence) in [
        (
            ["feed", "takedown", "999"],
            "there is no story with the number 999",
        ),
        (["app", "erase", "App 1"], "there is no application with"),
    ] {
        let (status, why) = refused(&folder, &words);
        assert_eq!((status, why.contains(sentence)), (1, true), "{why}");
    }
}
