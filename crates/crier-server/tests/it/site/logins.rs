//! Logging in by password and by link, and out.

use crate::site::browser::{Browser, location};
use crate::site::stage::{PASSWORD, Stage};

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_and_logs_nobody_in() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    browser.get("/login").await;
    let answer = browser
        .submit("/login", &[("name", "ada"), ("password", "wrong horse")])
        .await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("do not belong together") && answer.text().contains("value=\"ada\""));
    assert_eq!(browser.cookie("crier_login"), None);
    let unknown = browser
        .submit("/login", &[("name", "eve"), ("password", "wrong horse")])
        .await;
    assert_eq!(
        unknown.text().replace("value=\"eve\"", "value=\"ada\""),
        answer.text()
    );
}

#[tokio::test]
async fn a_log_in_over_another_ends_the_other() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    browser.get("/login").await;
    let page = browser.form_token();
    let fields = [("name", "ada"), ("password", PASSWORD)];
    browser.post("/login", Some(&page), &fields).await;
    let first = browser.cookie("crier_login").unwrap().to_owned();
    browser.post("/login", Some(&page), &fields).await;
    let second = browser.cookie("crier_login").unwrap().to_owned();
    assert_ne!(first, second);
    let accounts = stage.server.accounts();
    assert!(accounts.logged_in(&first).await.unwrap().is_none());
    assert_eq!(accounts.logged_in(&second).await.unwrap().unwrap().name, "ada");
}

#[tokio::test]
async fn a_log_in_sets_a_guarded_cookie_and_leads_on() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    let asked = browser.get("/settings").await;
    assert_eq!((asked.status, location(&asked)), (303, "/login?then=%2Fsettings"));
    browser.get(location(&asked)).await;
    let fields = [("then", "/settings"), ("name", "ada"), ("password", PASSWORD)];
    let answer = browser.submit("/login", &fields).await;
    assert_eq!((answer.status, location(&answer)), (303, "/settings"));
    let cookie = answer.header("set-cookie").unwrap();
    for part in [
        "crier_login=",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Path=/",
        "; Max-Age=2592000",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    assert_eq!(browser.get("/settings").await.status, 200);
}

#[tokio::test]
async fn below_a_base_path_behind_https_cookies_and_links_follow() {
    let stage = Stage::open_with(&[("CRIER__SERVER__URL", "https://host.example/crier")]).await;
    let mut browser = stage.browser();
    let page = browser.get("/crier/login").await;
    assert!(page.text().contains("action=\"/crier/login\""), "{}", page.text());
    let fields = [("name", "ada"), ("password", PASSWORD)];
    let answer = browser.submit("/crier/login", &fields).await;
    assert_eq!(location(&answer), "/crier/feed");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.contains("; Secure") && cookie.contains("; Path=/crier"),
        "{cookie}"
    );
}

#[tokio::test]
async fn a_log_in_leads_nowhere_but_to_this_site() {
    let stage = Stage::open().await;
    for then in [
        "http://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/assets/x",
        "javascript:alert(1)",
    ] {
        let mut browser = stage.browser();
        browser.get("/login").await;
        let fields = [("then", then), ("name", "ada"), ("password", PASSWORD)];
        assert_eq!(
            location(&browser.submit("/login", &fields).await),
            "/feed",
            "{then}"
        );
    }
}

#[tokio::test]
async fn the_eleventh_wrong_password_waits_and_ten_minutes_later_the_right_one_works() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    browser.get("/login").await;
    let token = browser.form_token();
    let wrong = [("name", "ada"), ("password", "wrong horse")];
    for _ in 0..10 {
        assert_eq!(browser.post("/login", Some(&token), &wrong).await.status, 200);
    }
    let right = [("name", "ada"), ("password", PASSWORD)];
    let waits = browser.post("/login", Some(&token), &right).await;
    assert_eq!((waits.status, waits.header("retry-after")), (429, Some("600")));
    stage.server.clock.advance_ms(600_000);
    assert_eq!(browser.post("/login", Some(&token), &right).await.status, 303);
}

#[tokio::test]
async fn a_login_link_is_used_up_by_its_button_and_not_by_looking() {
    let stage = Stage::open().await;
    let token = stage.server.accounts().add_login_link("bo").await.unwrap();
    let address = format!("/login/once?token={}", token.expose());
    let mut looker = stage.browser();
    for _ in 0..2 {
        assert!(looker.get(&address).await.text().contains("Log in as"));
    }
    let mut browser = stage.browser();
    browser.get(&address).await;
    let fields = [("token", token.expose())];
    let answer = browser.submit("/login/once", &fields).await;
    assert_eq!((answer.status, location(&answer)), (303, "/feed"));
    assert!(browser.get("/feed").await.text().contains(">bo<"));
    assert_eq!(looker.submit("/login/once", &fields).await.status, 400);
    assert_eq!(looker.get(&address).await.status, 400);
    assert_eq!(looker.cookie("crier_login"), None);
}

#[tokio::test]
async fn logging_out_asks_first_and_then_the_cookie_is_worth_nothing() {
    let stage = Stage::open().await;
    let mut browser = stage.logged_in("ada").await;
    let stolen = browser.cookie("crier_login").unwrap().to_owned();
    assert!(browser.get("/logout").await.text().contains("Log out?"));
    assert_eq!(browser.get("/feed").await.status, 200);
    browser.get("/logout").await;
    let answer = browser.submit("/logout", &[]).await;
    assert_eq!((answer.status, location(&answer)), (303, "/"));
    assert_eq!(browser.cookie("crier_login"), None);
    assert!(reuse(&stage, &stolen).await);
    assert_eq!(location(&browser.get("/logout").await), "/");
}

/// Whether a cookie that was kept is refused.
async fn reuse(stage: &Stage, cookie: &str) -> bool {
    let request =
        format!("GET /feed HTTP/1.1\r\nHost: h\r\nConnection: close\r\nCookie: crier_login={cookie}\r\n\r\n");
    let answer = crier_testkit::RawClient::exchange(stage.server.address, request.as_bytes())
        .await
        .unwrap();
    answer.status == 303 && location(&answer).starts_with("/login")
}

#[tokio::test]
async fn the_front_page_greets_strangers_and_leads_people_to_their_feed() {
    let stage = Stage::open().await;
    let mut stranger: Browser = stage.browser();
    let page = stranger.get("/").await;
    assert!(page.status == 200 && page.text().contains("href=\"/login\""));
    let mut ada = stage.logged_in("ada").await;
    assert_eq!(location(&ada.get("/").await), "/feed");
}
