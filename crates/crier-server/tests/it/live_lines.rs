//! Token lines: whoever comes with a resume token, new or old, leaves at most one connection that delivers (live 3.9, 3.10).

use crate::live::{ORIGIN, PAGE, at, caller, send, started, welcome};
use crier_testkit::TestServer;
use crier_testkit::page::{End, FakePage};
use serde_json::Value;

/// A page of its own that comes with this token.
async fn resumed(server: &TestServer, page: &str, token: &str) -> (FakePage, String) {
    let mut page = FakePage::open(&at(server, Some(ORIGIN)), page).await.unwrap();
    let hello = serde_json::json!({"type": "hello", "v": 1, "resume": token, "pages": [{"page": page.page, "events": ["e"]}]});
    page.say(&hello).await.unwrap();
    let welcome = page.next_of("welcome").await.unwrap();
    (page, text(&welcome, "resume"))
}

fn text(frame: &Value, name: &str) -> String {
    frame[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_older_token_supersedes_whoever_carries_its_line_on() {
    let server = started().await;
    let caller = caller(&server);
    let (mut first, hello) = welcome(&server, &caller, &["e"]).await;
    let oldest = text(&hello, "resume");
    let (mut second, newer) = resumed(&server, "page-second-01234567", &oldest).await;
    assert_eq!(first.end().await.unwrap(), End::Closed(4303));
    // The answer to this one is lost, say, and the client asks once more with what it has.
    let (mut third, _) = resumed(&server, "page-third-012345678", &oldest).await;
    assert_eq!(second.end().await.unwrap(), End::Closed(4303));
    let (mut fourth, newest) = resumed(&server, "page-fourth-01234567", &newer).await;
    assert_eq!(third.end().await.unwrap(), End::Closed(4303));
    // A line goes on from where it is, also when nobody of it is here.
    drop(fourth.say_text(r#"{"type":"leave"}"#).await);
    assert_eq!(fourth.end().await.unwrap(), End::Cut);
    let (mut fifth, _) = resumed(&server, "page-fifth-012345678", &newest).await;
    let (mut sixth, _) = resumed(&server, "page-sixth-012345678", &oldest).await;
    assert_eq!(fifth.end().await.unwrap(), End::Closed(4303));
    send(&caller, "e", "1", &[]).await;
    assert_eq!(sixth.next_of("message").await.unwrap()["raw"], "1");
}

#[tokio::test]
async fn two_tickets_begin_two_lines() {
    let server = started().await;
    let caller = caller(&server);
    let (mut one, hello) = welcome(&server, &caller, &["e"]).await;
    let mut other = FakePage::open(&at(&server, Some(ORIGIN)), "page-other-012345678")
        .await
        .unwrap();
    let ticket = crate::live::ticket(&caller).await;
    other.hello(&text(&ticket, "ticket"), &["e"]).await.unwrap();
    let (mut heir, _) = resumed(&server, PAGE, &text(&hello, "resume")).await;
    assert_eq!(one.end().await.unwrap(), End::Closed(4303));
    send(&caller, "e", "1", &[]).await;
    for page in [&mut other, &mut heir] {
        assert_eq!(page.next_of("message").await.unwrap()["raw"], "1");
    }
}
