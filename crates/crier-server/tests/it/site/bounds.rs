//! Section `[site]`: each bound of pages for people met from outside, to the byte, and counted under its key.

use crate::figures::scrape;
use crate::site::browser::{Browser, between, location};
use crate::site::stage::{PASSWORD, Stage};
use crier_platform::model::app::AppKind;
use crier_testkit::{RawClient, TestServer};

/// How often the bound of this key was met.
async fn met(stage: &Stage, key: &str) -> f64 {
    let series = format!("crier_server_overflow_total{{name=\"{key}\"}}");
    scrape(&stage.server).await[&series]
}

/// Sends a log in form whose body is so long.
async fn send_form_of(browser: &mut Browser, bytes: usize) -> crier_testkit::Answer {
    let token = browser.form_token();
    let rest = format!("form_token={token}&name=eve&filler=").len();
    let filler = "x".repeat(bytes - rest);
    browser
        .post("/login", Some(&token), &[("name", "eve"), ("filler", &filler)])
        .await
}

#[tokio::test]
async fn form_bytes_max_is_kept_to_the_byte() {
    let stage = Stage::open_with(&[("CRIER__SITE__FORM_BYTES_MAX", "4KiB")]).await;
    let mut browser = stage.browser();
    browser.get("/login").await;
    let fits = send_form_of(&mut browser, 4_096).await;
    assert!(fits.status == 200 && fits.text().contains("do not belong together"));
    assert_eq!(met(&stage, "site.form_bytes_max").await, 0.0);
    browser.get("/login").await;
    let over = send_form_of(&mut browser, 4_097).await;
    assert_eq!(over.status, 400);
    assert!(
        over.text().contains("too large: at most 4KiB of it are read"),
        "{}",
        over.text()
    );
    assert_eq!(met(&stage, "site.form_bytes_max").await, 1.0);
}

#[tokio::test]
async fn text_form_bytes_max_is_the_bound_of_forms_with_texts_alone() {
    let stage = Stage::open_with(&[
        ("CRIER__SITE__FORM_BYTES_MAX", "4KiB"),
        ("CRIER__SITE__TEXT_FORM_BYTES_MAX", "8KiB"),
    ])
    .await;
    let mut ada = stage.logged_in("ada").await;
    let path = format!("/developers/{}/story", stage.app("Rochambeau").await.id);
    assert_eq!(ada.get(&path).await.status, 200);
    let token = ada.form_token();
    let rest = format!("form_token={token}&body=").len();
    for (bytes, too_large) in [(8_192, false), (8_193, true)] {
        let text = "x".repeat(bytes - rest);
        let answer = ada.post(&path, Some(&token), &[("body", &text)]).await;
        assert_eq!(
            answer.text().contains("too large: at most 8KiB"),
            too_large,
            "{bytes}"
        );
    }
    assert_eq!(met(&stage, "site.text_form_bytes_max").await, 1.0);
    assert_eq!(met(&stage, "site.form_bytes_max").await, 0.0);
}

#[tokio::test]
async fn a_form_that_comes_too_slowly_is_not_called_too_large() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    browser.get("/login").await;
    let cookie = browser.cookie("crier_form").unwrap();
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: h\r\nConnection: close\r\nCookie: crier_form={cookie}\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n"
    );
    let mut client = RawClient::connect(stage.server.address).await.unwrap();
    client.send(request.as_bytes()).await.unwrap();
    client.is_asked_to_continue().await.unwrap();
    client.send(b"name").await.unwrap();
    let answer = stage.server.clock.turning(11_000, client.answer()).await.unwrap();
    assert!(
        answer.status == 400 && answer.text().contains("came too slowly"),
        "{}",
        answer.text()
    );
    let live = &scrape(&stage.server).await["crier_live_overflow_total{name=\"request_body\"}"];
    assert_eq!(*live, 1.0);
}

#[tokio::test]
async fn fields_max_is_the_bound_of_queries_and_of_forms() {
    let stage = Stage::open_with(&[("CRIER__SITE__FIELDS_MAX", "32")]).await;
    let mut browser = stage.browser();
    let names: Vec<String> = (0..33).map(|number| format!("n{number}")).collect();
    let query = |count: usize| names[..count].join("&");
    assert_eq!(browser.get(&format!("/login?{}", query(32))).await.status, 200);
    let over = browser.get(&format!("/login?{}", query(33))).await;
    assert!(
        over.status == 400 && over.text().contains("too many parts"),
        "{}",
        over.text()
    );
    browser.get("/login").await;
    let token = browser.form_token();
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    // The token is a field too.
    assert_eq!(
        browser.post("/login", Some(&token), &fields[..31]).await.status,
        200
    );
    let over = browser.post("/login", Some(&token), &fields[..32]).await;
    assert!(
        over.status == 400 && over.text().contains("at most 32 of them"),
        "{}",
        over.text()
    );
    assert_eq!(met(&stage, "site.fields_max").await, 2.0);
}

#[tokio::test]
async fn the_preferences_of_forty_applications_are_saved() {
    let stage = Stage::open().await;
    let mut apps = Vec::new();
    for number in 0..40 {
        let name = format!("Orchard {number}");
        let app = stage.add_app(&name, "http://app.example/", AppKind::Web).await;
        stage.grant(&name).await;
        apps.push(app.id);
    }
    let mut bo = stage.logged_in("bo").await;
    bo.get("/feed/preferences").await;
    let names: Vec<[String; 2]> = apps
        .iter()
        .map(|app| [format!("s{app}"), format!("on{app}")])
        .collect();
    let fields: Vec<(&str, &str)> = names
        .iter()
        .flat_map(|[slider, on]| [(slider.as_str(), "1"), (on.as_str(), "1")])
        .collect();
    let saved = bo.submit("/feed/preferences", &fields).await;
    assert_eq!(
        location(&saved),
        "/feed/preferences?done=saved",
        "{}",
        saved.text()
    );
}

#[tokio::test]
async fn preferences_of_more_applications_than_a_form_may_name_stand_on_several_pages_and_each_is_saved() {
    // 4 fields and two for each application: 14 at once.
    let stage = Stage::open_with(&[("CRIER__SITE__FIELDS_MAX", "32")]).await;
    for number in 0..16 {
        let name = format!("Orchard {number}");
        stage.add_app(&name, "http://app.example/", AppKind::Web).await;
        stage.grant(&name).await;
    }
    let mut bo = stage.logged_in("bo").await;
    let first = bo.get("/feed/preferences").await;
    assert_eq!(first.text().matches("stories of this application").count(), 14);
    for told in ["1 to 14 of your 16", "href=\"/feed/preferences?from=14\""] {
        assert!(first.text().contains(told), "{}", first.text());
    }
    let page = bo.get("/feed/preferences?from=14").await;
    assert!(page.text().contains("15 to 16 of your 16"), "{}", page.text());
    let last = format!("s{}", between(page.text(), "name=\"s", "\"").unwrap());
    let saved = bo
        .submit("/feed/preferences", &[("from", "14"), (&last, "4")])
        .await;
    assert_eq!(location(&saved), "/feed/preferences?done=saved&from=14");
    let page = bo.get("/feed/preferences?from=14").await;
    let chosen = format!("name=\"{last}\" value=\"4\" checked");
    assert!(page.text().contains(&chosen), "{}", page.text());
    // What the form did not name stands as it stood.
    let first = bo.get("/feed/preferences?from=99").await;
    assert_eq!(first.text().matches("value=\"2\" checked").count(), 14);
    let on = "value=\"1\" checked aria-label=\"Stories of ";
    assert_eq!(first.text().matches(on).count(), 14, "{}", first.text());
}

#[tokio::test]
async fn cookie_bytes_max_is_the_bound_of_one_line_of_cookies() {
    let stage = Stage::open_with(&[("CRIER__SITE__COOKIE_BYTES_MAX", "1KiB")]).await;
    let mut bo = stage.logged_in("bo").await;
    let login = format!("; crier_form={}", bo.cookie("crier_form").unwrap()).len()
        + format!("; crier_login={}", bo.cookie("crier_login").unwrap()).len();
    let own = login + "a=".len() - "; ".len() + "; ".len();
    bo.plant("a", &"x".repeat(1_024 - own));
    assert_eq!(bo.get("/feed").await.status, 200);
    assert_eq!(met(&stage, "site.cookie_bytes_max").await, 0.0);
    bo.plant("a", &"x".repeat(1_025 - own));
    let answer = bo.get("/feed").await;
    assert_eq!((answer.status, location(&answer)), (303, "/login?then=%2Ffeed"));
    assert_eq!(met(&stage, "site.cookie_bytes_max").await, 1.0);
}

#[tokio::test]
async fn label_chars_max_is_in_the_form_and_kept_behind_it() {
    let stage = Stage::open_with(&[("CRIER__SITE__LABEL_CHARS_MAX", "3")]).await;
    let mut bo = stage.logged_in("bo").await;
    let page = bo.get("/feed/preferences").await;
    assert!(page.text().contains("name=\"label\" maxlength=\"3\""));
    let token = bo.form_token();
    let make = "/feed/preferences/addresses";
    assert_eq!(bo.post(make, Some(&token), &[("label", "öäü")]).await.status, 200);
    for (label, times) in [("", 0.0), ("öäüß", 1.0)] {
        let refused = bo.post(make, Some(&token), &[("label", label)]).await;
        assert!(refused.status == 400 && refused.text().contains("a label of 1 to 3 characters"));
        assert_eq!(met(&stage, "site.label_chars_max").await, times, "{label}");
    }
}

#[tokio::test]
async fn offered_apps_max_are_named_to_somebody_who_has_accepted_none() {
    let stage = Stage::open_with(&[("CRIER__SITE__OFFERED_APPS_MAX", "2")]).await;
    stage
        .add_app("Orchard", "http://app.example/", AppKind::Web)
        .await;
    let mut bo = stage.logged_in("bo").await;
    let offered = |page: &str| page.matches("authorize.php?api_key=").count();
    assert_eq!(offered(bo.get("/feed").await.text()), 2);
    assert_eq!(met(&stage, "site.offered_apps_max").await, 0.0);
    stage
        .add_app("Night sky", "http://app.example/", AppKind::Web)
        .await;
    assert_eq!(offered(bo.get("/feed").await.text()), 2);
    assert_eq!(met(&stage, "site.offered_apps_max").await, 1.0);
}

#[tokio::test]
async fn waiting_pictures_max_boxes_of_an_open_page_are_told_when_they_close_up() {
    let stage = Stage::open_with(&[("CRIER__SITE__WAITING_PICTURES_MAX", "2")]).await;
    let mut bo = stage.logged_in("bo").await;
    // Stories that are not there show nothing either.
    let two = bo.get("/feed/poll?after=0&seen=0&waiting=1/p1,2/p1").await;
    assert_eq!(two.json()["pictures"].as_array().map(Vec::len), Some(2));
    assert_eq!(met(&stage, "site.waiting_pictures_max").await, 0.0);
    let three = bo.get("/feed/poll?after=0&seen=0&waiting=1/p1,2/p1,3/p1").await;
    assert_eq!(three.json()["pictures"].as_array().map(Vec::len), Some(2));
    assert_eq!(met(&stage, "site.waiting_pictures_max").await, 1.0);
}

#[tokio::test]
async fn wrong_passwords_wait_as_the_keys_of_the_site_say() {
    let stage = Stage::open_with(&[
        ("CRIER__SITE__LOGIN_FAILURES_PER_NAME_AND_ADDRESS_MAX", "1"),
        ("CRIER__SITE__LOGIN_FAILURES_PER_ADDRESS_MAX", "2"),
        ("CRIER__SITE__LOGIN_FAILURES_PER_NAME_MAX", "3"),
        ("CRIER__SITE__LOGIN_FAILURES_WINDOW", "90s"),
    ])
    .await;
    let mut browser = stage.browser();
    browser.get("/login").await;
    let token = browser.form_token();
    let right = [("name", "ada"), ("password", PASSWORD)];
    let wrong = [("name", "ada"), ("password", "wrong horse")];
    assert_eq!(browser.post("/login", Some(&token), &wrong).await.status, 200);
    let waits = browser.post("/login", Some(&token), &right).await;
    assert_eq!((waits.status, waits.header("retry-after")), (429, Some("90")));
    let met_both = met(&stage, "site.login_failures_per_name_and_address_max").await;
    assert_eq!(met_both, 1.0);
    let other = [("name", "eve"), ("password", "wrong horse")];
    assert_eq!(browser.post("/login", Some(&token), &other).await.status, 200);
    let third = [("name", "bo"), ("password", PASSWORD)];
    assert_eq!(browser.post("/login", Some(&token), &third).await.status, 429);
    assert_eq!(met(&stage, "site.login_failures_per_address_max").await, 1.0);
    stage.server.clock.advance_ms(90_000);
    assert_eq!(browser.post("/login", Some(&token), &right).await.status, 303);
}

#[tokio::test]
async fn reads_per_address_is_an_hour_for_one_private_feed_in_all_formats() {
    let stage = Stage::open_with(&[("CRIER__FEED__READS_PER_ADDRESS", "2")]).await;
    let bo = stage.server.accounts().find_user("bo").await.unwrap();
    let token = stage
        .server
        .state
        .feed
        .add_address(bo.uid, "reader")
        .await
        .unwrap()
        .unwrap();
    let mut reader = stage.browser();
    for file in ["atom.xml", "rss.xml"] {
        let answer = reader.get(&format!("/f/{}/{file}", token.expose())).await;
        assert_eq!(answer.status, 200, "{file}");
    }
    let again = format!("/f/{}/feed.json", token.expose());
    let waits = reader.get(&again).await;
    assert_eq!((waits.status, waits.header("retry-after")), (429, Some("3600")));
    let series = "crier_feed_overflow_total{name=\"reads_per_address\"}";
    assert_eq!(scrape(&stage.server).await[series], 1.0);
    stage.server.clock.advance_ms(3_600_000);
    assert_eq!(reader.get(&again).await.status, 200);
}

#[tokio::test]
async fn every_bound_of_the_site_stands_on_the_page_of_figures_from_the_start() {
    let server = TestServer::start().await.unwrap();
    let page = scrape(&server).await;
    for bound in crier_server::bound::Bound::ALL {
        let series = format!("crier_server_overflow_total{{name=\"{}\"}}", bound.name());
        assert_eq!(page.get(&series), Some(&0.0), "{series}");
    }
}
