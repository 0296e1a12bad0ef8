//! Where an application may send people (protocol 18.3): every row, each violation a page and no redirect.

use crate::site::browser::{encoded, location};
use crate::site::stage::Stage;
use crier_platform::model::app::AppKind;

async fn login_page(stage: &Stage, name: &str, query: &str) -> crier_testkit::Answer {
    let key = stage.app(name).await.api_key.to_string();
    let mut bo = stage.logged_in("bo").await;
    bo.get(&format!("/login.php?api_key={key}&v=1.0{query}")).await
}

#[tokio::test]
async fn a_target_is_the_callback_what_follows_it_or_an_own_origin() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let origins = [("origins".to_owned(), "https://other.example:8443".to_owned())];
    stage
        .server
        .accounts()
        .set_app("Rochambeau", &origins)
        .await
        .unwrap();
    for (next, target) in [
        ("", "http://app.example/cb/?auth_token="),
        ("play?a=1", "http://app.example/cb/play?a=1&auth_token="),
        ("?a=1#top", "http://app.example/cb/?a=1&auth_token="),
        ("/x", "http://app.example/cb//x?auth_token="),
        (
            "//evil.example/",
            "http://app.example/cb///evil.example/?auth_token=",
        ),
        (
            "http://app.example/elsewhere",
            "http://app.example/elsewhere?auth_token=",
        ),
        (
            "https://other.example:8443/",
            "https://other.example:8443/?auth_token=",
        ),
    ] {
        let answer = login_page(&stage, "Rochambeau", &format!("&next={}", encoded(next))).await;
        assert_eq!(answer.status, 303, "{next}");
        assert!(
            location(&answer).starts_with(target),
            "{next}: {}",
            location(&answer)
        );
        assert_eq!(location(&answer).ends_with("#top"), next.ends_with("#top"));
    }
}

#[tokio::test]
async fn any_other_target_is_a_page_without_a_redirect() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    stage.add_app("Bare", "http://bare.example", AppKind::Web).await;
    stage.grant("Bare").await;
    for (app, next) in [
        ("Rochambeau", "http://evil.example/"),
        ("Rochambeau", "https://app.example/cb/"),
        ("Rochambeau", "http://app.example:8080/"),
        ("Rochambeau", "http://app.example.evil.example/"),
        ("Rochambeau", "http://app.example@evil.example/"),
        ("Rochambeau", "http://evil.example\\@app.example/"),
        ("Rochambeau", "http:///app.example/"),
        ("Bare", ".evil.example/"),
        ("Bare", "@evil.example/"),
        ("Bare", ":80@evil.example/"),
        ("Bare", ":8080/"),
    ] {
        for name in ["next", "cancel_url"] {
            let answer = login_page(&stage, app, &format!("&{name}={}", encoded(next))).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (400, None),
                "{name}={next}"
            );
        }
    }
}

#[tokio::test]
async fn an_application_without_callback_or_with_a_wrong_key_or_version_gets_a_page() {
    let stage = Stage::open().await;
    stage.add_app("Homeless", "", AppKind::Web).await;
    assert_eq!(login_page(&stage, "Homeless", "").await.status, 400);
    let key = stage.app("Rochambeau").await.api_key.to_string();
    let mut bo = stage.logged_in("bo").await;
    for document in ["login.php", "authorize.php", "tos.php"] {
        for query in [
            String::new(),
            "?api_key=0123456789abcdef0123456789abcdef".to_owned(),
            "?api_key=nonsense".to_owned(),
            format!("?api_key={key}&v=1.1"),
        ] {
            let answer = bo.get(&format!("/{document}{query}")).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (400, None),
                "{document}{query}"
            );
        }
    }
    stage
        .server
        .accounts()
        .enable_app("Rochambeau", false)
        .await
        .unwrap();
    assert_eq!(bo.get(&format!("/login.php?api_key={key}")).await.status, 400);
}
