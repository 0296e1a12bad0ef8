//! An application's own pages: `login.php`, `authorize.php`, `logout.php` (protocol section 18).

use crate::site::browser::{between, location};
use crate::site::stage::{PASSWORD, Stage};
use crier_platform::model::app::AppKind;
use crier_proto::ids::Uid;

async fn accepted(stage: &Stage, app: &str) -> bool {
    let app = stage.app(app).await.id;
    let bo = Uid::new(563_683_308).unwrap();
    stage.server.accounts().grant(app, bo).await.unwrap().is_some()
}

#[tokio::test]
async fn a_web_application_gets_a_person_back_with_a_token_that_buys_a_session() {
    let stage = Stage::open().await;
    let key = stage.app("Rochambeau").await.api_key.to_string();
    let address = format!("/login.php?api_key={key}&v=1.0&next=play");
    let mut bo = stage.browser();
    let asked = bo.get(&address).await;
    assert!(asked.text().contains("Log in to continue to") && asked.text().contains("name=\"lasting\""));
    let policy = asked.header("content-security-policy").unwrap();
    assert!(
        policy.contains("form-action 'self' http://app.example;"),
        "{policy}"
    );
    let terms = bo
        .submit(&address, &[("name", "bo"), ("password", PASSWORD)])
        .await;
    assert!(
        terms.status == 200
            && terms
                .text()
                .contains("Accept <bdi dir=\"auto\">Rochambeau</bdi>?")
    );
    assert!(!accepted(&stage, "Rochambeau").await);
    let done = bo.submit(&address, &[("step", "terms")]).await;
    assert_eq!(done.status, 303, "{}", done.text());
    let token = location(&done)
        .strip_prefix("http://app.example/cb/play?auth_token=")
        .unwrap();
    assert!(accepted(&stage, "Rochambeau").await);
    let caller = stage.caller_without_session("Rochambeau").await;
    let session = caller
        .call("auth.getSession", &[("auth_token", token)])
        .await
        .unwrap();
    assert!(session.text().contains("563683308"), "{}", session.text());
    let again = bo.get(&address).await;
    assert_eq!(again.status, 303);
    assert!(!location(&again).ends_with(token));
}

#[tokio::test]
async fn declining_leads_to_cancel_url_or_to_the_front_page() {
    let stage = Stage::open().await;
    let key = stage.app("Rochambeau").await.api_key.to_string();
    let mut bo = stage.logged_in("bo").await;
    let page = bo.get(&format!("/login.php?api_key={key}")).await;
    assert!(
        page.text()
            .contains("href=\"/\" rel=\"noreferrer\">No, thank you"),
        "{}",
        page.text()
    );
    let page = bo.get(&format!("/login.php?api_key={key}&cancel_url=bye")).await;
    assert!(
        page.text().contains("href=\"http://app.example/cb/bye\""),
        "{}",
        page.text()
    );
    assert!(!accepted(&stage, "Rochambeau").await);
}

#[tokio::test]
async fn popup_skipcookie_and_hide_checkbox_are_obeyed() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let key = stage.app("Rochambeau").await.api_key.to_string();
    let mut bo = stage.logged_in("bo").await;
    let page = bo
        .get(&format!(
            "/login.php?api_key={key}&popup=1&skipcookie&hide_checkbox=1"
        ))
        .await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<body class=\"popup\">") && page.text().contains("type=\"password\""));
    assert!(!page.text().contains("name=\"lasting\""));
}

#[tokio::test]
async fn a_lasting_session_is_the_persons_tick_and_nothing_of_the_address() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let key = stage.app("Rochambeau").await.api_key.to_string();
    let caller = stage.caller_without_session("Rochambeau").await;
    for (query, fields, lasts) in [
        ("", vec![("lasting", "1")], true),
        ("", vec![], false),
        ("&lasting=1", vec![], false),
        ("&hide_checkbox=1", vec![("lasting", "1")], false),
    ] {
        let address = format!("/login.php?api_key={key}{query}");
        let mut bo = stage.browser();
        bo.get(&address).await;
        let mut sent = vec![("name", "bo"), ("password", PASSWORD)];
        sent.extend(fields);
        let done = bo.submit(&address, &sent).await;
        let token = location(&done).split_once("auth_token=").unwrap().1.to_owned();
        let session = caller
            .call("auth.getSession", &[("auth_token", &token)])
            .await
            .unwrap();
        let never = session.text().contains("<expires>0</expires>") || session.json()["expires"] == 0;
        assert_eq!(never, lasts, "{query}: {}", session.text());
    }
}

#[tokio::test]
async fn offline_access_is_offered_only_when_asked_for_and_kept_when_ticked() {
    let stage = Stage::open().await;
    let app = stage.app("Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    let plain = bo
        .get(&format!("/login.php?api_key={}&req_perms=email", app.api_key))
        .await;
    assert!(!plain.text().contains("name=\"offline\""));
    let address = format!(
        "/login.php?api_key={}&req_perms=email,offline_access",
        app.api_key
    );
    assert!(bo.get(&address).await.text().contains("name=\"offline\""));
    bo.submit(&address, &[("step", "terms"), ("offline", "1")]).await;
    let grant = stage
        .server
        .accounts()
        .grant(app.id, Uid::new(563_683_308).unwrap())
        .await
        .unwrap();
    assert!(grant.unwrap().offline_access);
}

#[tokio::test]
async fn a_desktop_token_is_bound_by_a_click_and_then_buys_a_session() {
    let stage = Stage::open().await;
    stage.add_app("Desk", "", AppKind::Desktop).await;
    let key = stage.app("Desk").await.api_key.to_string();
    let caller = stage.caller_without_session("Desk").await;
    let made = caller.call("auth.createToken", &[]).await.unwrap();
    let token = made
        .text()
        .split(['<', '>', '"'])
        .find(|text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) && *text != key);
    let token = token.unwrap().to_owned();
    let address = format!("/login.php?api_key={key}&v=1.0&auth_token={token}");
    let mut bo = stage.logged_in("bo").await;
    let page = bo.get(&address).await;
    assert!(
        page.status == 200 && page.text().contains("Accept <bdi"),
        "{}",
        page.text()
    );
    let done = bo.submit(&address, &[("step", "terms")]).await;
    assert!(
        done.status == 200 && done.text().contains("You may close this window"),
        "{}",
        done.text()
    );
    let session = caller
        .call("auth.getSession", &[("auth_token", &token)])
        .await
        .unwrap();
    assert!(session.text().contains("563683308"), "{}", session.text());
    assert_eq!(bo.get(&address).await.status, 400);
    for stale in ["", "0123456789abcdef0123456789abcdef", "nonsense"] {
        assert_eq!(
            bo.get(&format!("/login.php?api_key={key}&auth_token={stale}"))
                .await
                .status,
            400
        );
    }
}

#[tokio::test]
async fn looking_at_a_desktop_log_in_binds_nothing_even_for_somebody_who_has_accepted() {
    let stage = Stage::open().await;
    stage.add_app("Desk", "", AppKind::Desktop).await;
    stage.grant("Desk").await;
    let key = stage.app("Desk").await.api_key.to_string();
    let caller = stage.caller_without_session("Desk").await;
    let made = caller
        .call("auth.createToken", &[("format", "json")])
        .await
        .unwrap();
    let token = made.text().trim_matches('"').to_owned();
    let mut bo = stage.logged_in("bo").await;
    let page = bo
        .get(&format!("/login.php?api_key={key}&auth_token={token}"))
        .await;
    assert!(page.text().contains("Continue to <bdi"), "{}", page.text());
    let early = caller
        .call("auth.getSession", &[("auth_token", &token)])
        .await
        .unwrap();
    assert!(early.error_code().is_some(), "{}", early.text());
}

#[tokio::test]
async fn somebody_who_has_accepted_and_types_their_password_there_sees_no_further_question() {
    let stage = Stage::open().await;
    stage.add_app("Desk", "", AppKind::Desktop).await;
    stage.grant("Desk").await;
    let key = stage.app("Desk").await.api_key.to_string();
    let caller = stage.caller_without_session("Desk").await;
    let made = caller
        .call("auth.createToken", &[("format", "json")])
        .await
        .unwrap();
    let token = made.text().trim_matches('"').to_owned();
    let address = format!("/login.php?api_key={key}&auth_token={token}");
    let mut bo = stage.browser();
    let asked = bo.get(&address).await;
    assert!(asked.text().contains("to continue to <bdi"), "{}", asked.text());
    let done = bo
        .submit(&address, &[("name", "bo"), ("password", PASSWORD)])
        .await;
    assert!(
        done.text().contains("You may close this window"),
        "{}",
        done.text()
    );
    let session = caller
        .call("auth.getSession", &[("auth_token", &token)])
        .await
        .unwrap();
    assert!(session.text().contains("563683308"), "{}", session.text());
}

#[tokio::test]
async fn accepting_is_a_form_and_leads_to_the_application_or_to_the_settings() {
    let stage = Stage::open().await;
    stage.add_app("Homeless", "", AppKind::Web).await;
    let mut bo = stage.logged_in("bo").await;
    for (app, document, onward) in [
        ("Rochambeau", "authorize.php", "http://app.example/cb/hello"),
        ("Homeless", "tos.php", "/settings?done=accepted"),
    ] {
        let key = stage.app(app).await.api_key.to_string();
        let next = if app == "Homeless" { "" } else { "&next=hello" };
        let address = format!("/{document}?api_key={key}{next}");
        let page = bo.get(&address).await;
        assert!(page.status == 200 && page.text().contains(app), "{}", page.text());
        assert!(!accepted(&stage, app).await);
        let done = bo.submit(&address, &[("step", "terms")]).await;
        assert_eq!((done.status, location(&done)), (303, onward));
        assert!(accepted(&stage, app).await);
        assert_eq!(location(&bo.get(&address).await), onward);
    }
    let mut stranger = stage.browser();
    let key = stage.app("Rochambeau").await.api_key.to_string();
    let answer = stranger.get(&format!("/authorize.php?api_key={key}")).await;
    let expected = format!("/login?then=%2Fauthorize.php%3Fapi_key%3D{key}");
    assert_eq!((answer.status, location(&answer)), (303, expected.as_str()));
}

#[tokio::test]
async fn logout_php_ends_the_login_and_the_named_session_and_leads_to_the_application() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let key = stage.app("Rochambeau").await.api_key.to_string();
    let caller = stage.caller("Rochambeau").await;
    let user = caller.call("users.getLoggedInUser", &[]).await.unwrap();
    assert!(user.text().contains("563683308"), "{}", user.text());
    let session_key = session_key_of(&caller);
    let address = format!("/logout.php?api_key={key}&session_key={session_key}&next=bye");
    let mut bo = stage.logged_in("bo").await;
    assert!(
        bo.get(&address)
            .await
            .text()
            .contains("The application that asked is logged out too.")
    );
    let done = bo.submit(&address, &[("session_key", &session_key)]).await;
    assert_eq!((done.status, location(&done)), (303, "http://app.example/cb/bye"));
    let ended = caller.call("users.getLoggedInUser", &[]).await.unwrap();
    assert_eq!(ended.error_code(), Some(102), "{}", ended.text());
    let foreign = format!("/logout.php?api_key={key}&next=http%3A%2F%2Fevil.example%2F");
    assert_eq!(bo.get(&foreign).await.status, 400);
}

/// The session key that a caller sends.
fn session_key_of(caller: &crier_testkit::SignedClient) -> String {
    let pairs = caller.pairs("users.getLoggedInUser", &[]);
    let found = pairs.into_iter().find(|pair| &*pair.name == "session_key");
    found.unwrap().value.to_string()
}

#[tokio::test]
async fn a_hostile_name_of_an_application_stays_text() {
    let stage = Stage::open().await;
    let name = "<img src=x onerror=alert(1)>\"'";
    stage.add_app(name, "http://x.example/", AppKind::Web).await;
    let key = stage.app(name).await.api_key.to_string();
    let mut bo = stage.logged_in("bo").await;
    let page = bo.get(&format!("/login.php?api_key={key}")).await;
    assert!(!page.text().contains("<img"), "{}", page.text());
    let shown = between(page.text(), "Accept <bdi dir=\"auto\">", "</bdi>").unwrap();
    assert_eq!(shown, "&#60;img src=x onerror=alert(1)&#62;&#34;&#39;");
}
