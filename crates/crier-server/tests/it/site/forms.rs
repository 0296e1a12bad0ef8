//! What every page and every form keeps: headers, tokens, and no change but by a form of this site.

use crate::site::browser::Browser;
use crate::site::stage::{PASSWORD, Stage};
use crier_testkit::Answer;

const POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn assert_guarded(answer: &Answer, path: &str) {
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("cache-control", "private, no-cache"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name} of {path}");
    }
}

#[tokio::test]
async fn every_page_has_the_same_strict_headers_errors_included() {
    let stage = Stage::open().await;
    let mut ada = stage.logged_in("ada").await;
    for path in [
        "/feed",
        "/settings",
        "/logout",
        "/login",
        "/nothing/here",
        "/login/once?token=x",
        "/feed?a=1&a=2",
    ] {
        assert_guarded(&ada.get(path).await, path);
    }
    let mut stranger = stage.browser();
    for path in ["/", "/login", "/feed"] {
        assert_guarded(&stranger.get(path).await, path);
    }
}

#[tokio::test]
async fn an_unknown_address_helps_on() {
    let stage = Stage::open().await;
    let answer = stage.browser().get("/nothing/here").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("There is nothing here") && answer.text().contains("href=\"/\""));
}

/// Bo's switch for the application.
async fn stories_are_on(stage: &Stage) -> bool {
    let (app, bo) = (
        stage.app("Rochambeau").await.id,
        stage.server.accounts().find_user("bo").await.unwrap(),
    );
    stage
        .server
        .accounts()
        .grant(app, bo.uid)
        .await
        .unwrap()
        .unwrap()
        .feed
}

#[tokio::test]
async fn a_form_without_its_token_or_with_anothers_changes_nothing() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let app = stage.app("Rochambeau").await.id.to_string();
    let fields = [("app", app.as_str()), ("stories", "off")];
    let mut ada = stage.logged_in("ada").await;
    ada.get("/settings").await;
    let mut stranger = stage.browser();
    stranger.get("/login").await;
    let mut bo = stage.logged_in("bo").await;
    bo.get("/settings").await;
    let (own, anothers, before) = (bo.form_token(), ada.form_token(), stranger.form_token());
    let cut = own.get(1..).unwrap();
    for token in [
        None,
        Some(""),
        Some(anothers.as_str()),
        Some(before.as_str()),
        Some(cut),
    ] {
        let answer = bo.post("/settings/stories", token, &fields).await;
        assert_eq!(answer.status, 400, "{token:?}");
        assert!(answer.text().contains("Nothing was changed"), "{token:?}");
        assert!(stories_are_on(&stage).await, "{token:?}");
    }
    assert_eq!(
        bo.post("/settings/stories", Some(&own), &fields).await.status,
        303
    );
    assert!(!stories_are_on(&stage).await);
}

#[tokio::test]
async fn a_form_sent_from_another_site_changes_nothing_even_with_the_token() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let app = stage.app("Rochambeau").await.id.to_string();
    let mut bo = stage.logged_in("bo").await;
    bo.get("/settings").await;
    let token = bo.form_token();
    let fields = [("form_token", token.as_str()), ("app", &app), ("stories", "off")];
    for head in [
        "Origin: http://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Origin: null\r\nSec-Fetch-Site: same-site\r\n",
    ] {
        let answer = bo.post_from(head, "/settings/stories", &fields).await;
        assert_eq!(answer.status, 400, "{head}");
        assert!(stories_are_on(&stage).await, "{head}");
    }
    let own = "Origin: null\r\nSec-Fetch-Site: same-origin\r\n";
    assert_eq!(bo.post_from(own, "/settings/stories", &fields).await.status, 303);
}

#[tokio::test]
async fn a_log_in_form_of_another_browser_logs_nobody_in() {
    let stage = Stage::open().await;
    let mut thief = stage.browser();
    thief.get("/login").await;
    let token = thief.form_token();
    let mut victim = stage.browser();
    victim.get("/login").await;
    let fields = [("name", "ada"), ("password", PASSWORD)];
    assert_eq!(victim.post("/login", Some(&token), &fields).await.status, 400);
    assert_eq!(victim.cookie("crier_login"), None);
}

#[tokio::test]
async fn opening_a_forms_address_changes_nothing() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let app = stage.app("Rochambeau").await.id.to_string();
    let mut bo: Browser = stage.logged_in("bo").await;
    for path in [
        "/feed/hide",
        "/feed/undo",
        "/feed/unwanted",
        "/settings/stories",
        "/settings/time-zone",
    ] {
        let answer = bo.get(&format!("{path}?app={app}&stories=off&story=1")).await;
        assert_eq!(answer.status, 303, "{path}");
    }
    bo.get(&format!("/settings/withdraw?app={app}")).await;
    assert!(stories_are_on(&stage).await);
}

#[tokio::test]
async fn a_form_of_more_than_16_kib_or_with_a_doubled_name_is_refused() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    browser.get("/login").await;
    let large = "x".repeat(17_000);
    assert_eq!(browser.submit("/login", &[("name", &large)]).await.status, 400);
    browser.get("/login").await;
    assert_eq!(
        browser
            .submit("/login", &[("name", "ada"), ("name", "bo")])
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn the_style_is_kept_for_ever_under_its_hash() {
    let stage = Stage::open().await;
    let page = stage.browser().get("/").await;
    let style = crate::site::browser::between(page.text(), "rel=\"stylesheet\" href=\"", "\"").unwrap();
    let answer = stage.browser().get(style).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(
        answer.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(stage.browser().get("/assets/style.css").await.status, 404);
}
