//! The list of attacks on pages: every route that changes something, as the router names it, against forged, foreign and stale forms,
//! frames, redirects, planted cookies, and one person's hands in another's things. Prints what it tried.

use crate::site::browser::{Browser, between, encoded, location};
use crate::site::stage::{PASSWORD, Stage, first_story};
use crier_platform::model::app::AppKind;
use crier_testkit::Answer;

/// The routers as they are written.
const ROUTER: &str = concat!(
    include_str!("../../../src/site/mod.rs"),
    include_str!("../../../src/site/console/mod.rs"),
    include_str!("../../../src/site/administration/mod.rs")
);

/// Every address behind which a form changes something, and how many addresses there are in all.
fn changing_routes() -> (Vec<&'static str>, usize) {
    let routes: Vec<&str> = ROUTER.split(".route(").skip(1).collect();
    let address = |route: &&'static str| between(route, "\"", "\"").unwrap();
    let changing = routes.iter().filter(|route| route.contains("form("));
    (changing.map(address).collect(), routes.len())
}

/// Two people of whom bo is an administrator, an application of ada's that both have accepted with a story of bo's, and one of bo's that nobody has.
async fn open() -> (Stage, String) {
    let stage = Stage::open().await;
    stage
        .add_app("Other", "http://other.example/", AppKind::Web)
        .await;
    let owner = [("owner".to_owned(), "bo".to_owned())];
    stage.server.accounts().set_app("Other", &owner).await.unwrap();
    let administrator = crier_platform::accounts::admin::UserChange {
        admin: Some(true),
        ..Default::default()
    };
    stage
        .server
        .accounts()
        .set_user("bo", administrator)
        .await
        .unwrap();
    stage.grant("Rochambeau").await;
    stage
        .server
        .accounts()
        .add_grant("Rochambeau", "ada", true)
        .await
        .unwrap();
    stage.publish("Rochambeau", &[("title", "A story")]).await;
    let mut bo = stage.logged_in("bo").await;
    let story = first_story(&bo.get("/feed").await);
    assert!(!story.is_empty());
    (stage, story)
}

/// What is held on both and how their applications stand, so that any change shows.
async fn held(stage: &Stage) -> Vec<String> {
    let mut held = stage.server.exported("ada").await.unwrap();
    held.extend(stage.server.exported("bo").await.unwrap());
    for app in stage.server.accounts().apps().await.unwrap() {
        held.push(format!("{app:?} {}", app.secret.expose()));
    }
    held
}

/// The address with everything that it could need; where it names an application of the visitor's, bo's.
async fn address(stage: &Stage, route: &str) -> String {
    let app = stage.app("Other").await;
    let route = route
        .replace("{app}", &app.id.to_string())
        .replace("{user}", "1240077");
    format!(
        "{route}?api_key={}&app={}&token={}",
        app.api_key,
        app.id,
        "0".repeat(64)
    )
}

/// A form's fields with everything that it could need.
async fn fields(stage: &Stage, story: &str) -> Vec<(String, String)> {
    let app = stage.app("Rochambeau").await.id.to_string();
    [
        ("step", "terms"),
        ("name", "bo"),
        ("password", PASSWORD),
        ("app", &app),
        ("story", story),
        ("stories", "off"),
        ("zone", "Asia/Tokyo"),
        ("token", "0"),
        ("profile", "modern"),
        ("calls_per_minute", "0"),
        ("owner", "bo"),
        ("hash", "0a"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn lent(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// Neither a change nor a cookie nor a way on, but a page that says what to do.
fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(
        (
            answer.status,
            answer.header("location"),
            answer.header("set-cookie")
        ),
        (400, None, None),
        "{what}"
    );
    assert!(
        answer.text().contains("Nothing was changed") && answer.text().contains("Open the page again"),
        "{what}"
    );
}

async fn token_of(browser: &mut Browser, page: &str) -> String {
    browser.get(page).await;
    let token = browser.form_token();
    assert_eq!(token.len(), 64, "{page}");
    token
}

#[tokio::test]
async fn no_form_is_taken_without_its_token_or_from_elsewhere() {
    let (stage, story) = open().await;
    let (routes, all) = changing_routes();
    let fields = fields(&stage, &story).await;
    let fields = lent(&fields);
    let anothers = token_of(&mut stage.logged_in("ada").await, "/settings").await;
    let before_login = token_of(&mut stage.browser(), "/login").await;
    let mut bo = stage.logged_in("bo").await;
    let own = token_of(&mut bo, "/settings").await;
    let held_before = held(&stage).await;
    let mut tried = 0;
    for route in &routes {
        let address = address(&stage, route).await;
        for token in [
            None,
            Some(""),
            Some("x"),
            Some(anothers.as_str()),
            Some(before_login.as_str()),
        ] {
            let answer = bo.post(&address, token, &fields).await;
            assert_refused(&answer, &format!("{route} with {token:?}"));
            tried += 1;
        }
        for head in [
            "Origin: http://evil.example\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Origin: null\r\nSec-Fetch-Site: same-site\r\n",
        ] {
            let mut sent = vec![("form_token", own.as_str())];
            sent.extend(&fields);
            let answer = bo.post_from(head, &address, &sent).await;
            assert_refused(&answer, &format!("{route} from {head:?}"));
            tried += 1;
        }
    }
    assert_eq!(held(&stage).await, held_before);
    println!(
        "forged forms: {tried} on {} of {all} routes, 0 taken",
        routes.len()
    );
    assert!(routes.len() >= 14 && tried == routes.len() * 8, "{routes:?}");
}

#[tokio::test]
async fn no_page_with_a_form_may_be_framed_and_looking_changes_nothing() {
    let (stage, _) = open().await;
    let (routes, _) = changing_routes();
    let mut bo = stage.logged_in("bo").await;
    let held_before = held(&stage).await;
    for route in &routes {
        let answer = bo.get(&address(&stage, route).await).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{route}: {policy}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{route}");
    }
    assert_eq!(held(&stage).await, held_before);
    println!("framed and looked at: {} pages, 0 changes", routes.len());
}

#[tokio::test]
async fn no_page_leads_to_a_strangers_address() {
    let (stage, _) = open().await;
    let key = stage.app("Rochambeau").await.api_key.to_string();
    let mut bo = stage.logged_in("bo").await;
    let mut tried = 0;
    for next in [
        "http://evil.example/",
        "https://evil.example/",
        "http://app.example@evil.example/",
        "http://app.example.evil.example/",
        "http://evil.example\\@app.example/",
        "http:///evil.example/",
        "http://app.example:81/",
        "http://app.example/\r\nSet-Cookie: a=b",
        "http://[::1",
        "http://app.example/\u{0}",
    ] {
        for document in [
            "login.php",
            "authorize.php",
            "tos.php",
            "add.php",
            "install.php",
            "logout.php",
        ] {
            for name in ["next", "cancel_url"] {
                if (document, name) == ("logout.php", "cancel_url") {
                    continue;
                }
                for more in ["", "&return_session=1", "&skipcookie"] {
                    let address = format!("/{document}?api_key={key}{more}&{name}={}", encoded(next));
                    let answer = bo.get(&address).await;
                    assert_eq!(
                        (answer.status, answer.header("location")),
                        (400, None),
                        "{address}"
                    );
                    assert!(!answer.text().contains("evil.example"), "{address}");
                    tried += 1;
                }
            }
        }
        let answer = bo.get(&format!("/login?then={}", encoded(next))).await;
        assert!(answer.status == 400 || location(&answer) == "/feed", "{next}");
        tried += 1;
    }
    println!("open redirects: {tried} tried, 0 led away");
}

#[tokio::test]
async fn a_planted_login_is_never_the_one_that_is_logged_in() {
    let (stage, _) = open().await;
    let planted = "0123456789abcdef".repeat(4);
    let key = stage.app("Rochambeau").await.api_key.to_string();
    let pages = ["/login".to_owned(), format!("/login.php?api_key={key}")];
    for page in &pages {
        let mut bo = stage.browser();
        bo.plant("crier_login", &planted);
        bo.get(page).await;
        let answer = bo.submit(page, &[("name", "bo"), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let login = bo.cookie("crier_login").unwrap().to_owned();
        assert_ne!(login, planted);
        let mut thief = stage.browser();
        thief.plant("crier_login", &planted);
        assert_eq!(location(&thief.get("/settings").await), "/login?then=%2Fsettings");
        let mut again = stage.browser();
        again.plant("crier_login", &login);
        let address = format!("/login.php?api_key={key}&skipcookie");
        again.get(&address).await;
        again
            .submit(&address, &[("name", "bo"), ("password", PASSWORD)])
            .await;
        assert_ne!(again.cookie("crier_login"), Some(login.as_str()));
        assert_eq!(
            location(&bo.get("/settings").await),
            "/login?then=%2Fsettings",
            "the older one has ended"
        );
    }
    println!("planted logins: {} pages, 0 taken over", pages.len());
}

#[tokio::test]
async fn nobody_reaches_into_another_persons_or_applications_things() {
    let (stage, story) = open().await;
    let rochambeau = stage.app("Rochambeau").await;
    let other = stage.app("Other").await;
    let session = stage.caller("Rochambeau").await;
    let order = crier_platform::accounts::admin::NewSessionOrder {
        app: "Rochambeau".to_owned(),
        user: "bo".to_owned(),
        ttl_secs: None,
        session_key: None,
        session_secret: None,
    };
    let bos = stage.server.accounts().add_session(order).await.unwrap();
    let before = stage.server.exported("bo").await.unwrap();
    let app = rochambeau.id.to_string();
    let mut ada = stage.logged_in("ada").await;
    let mut tried = 0;
    for (route, fields) in [
        ("/feed/hide", vec![("story", story.as_str())]),
        ("/feed/undo", vec![("story", story.as_str())]),
        ("/feed/unwanted", vec![("story", story.as_str())]),
        (
            "/settings/stories",
            vec![("app", app.as_str()), ("stories", "off")],
        ),
        ("/settings/withdraw", vec![("app", app.as_str())]),
        ("/settings/time-zone", vec![("zone", "Asia/Tokyo")]),
        ("/logout.php", vec![("session_key", bos.key.as_str())]),
    ] {
        ada.get("/settings").await;
        ada.submit(route, &fields).await;
        assert_eq!(stage.server.exported("bo").await.unwrap(), before, "{route}");
        tried += 1;
    }
    let mut bo = stage.logged_in("bo").await;
    let back = bo
        .get(&format!("/login.php?api_key={}", rochambeau.api_key))
        .await;
    let token = location(&back).split_once("auth_token=").unwrap().1.to_owned();
    let foreign = stage.caller_without_session("Other").await;
    let refused = foreign
        .call("auth.getSession", &[("auth_token", &token)])
        .await
        .unwrap();
    assert_eq!(refused.error_code(), Some(100));
    let borrowed = stage.server.caller(other.api_key.as_str(), other.secret.expose());
    let borrowed = borrowed.with_session(bos.key.as_str());
    let refused = borrowed.call("users.getLoggedInUser", &[]).await.unwrap();
    assert_eq!(refused.error_code(), Some(102));
    let bought = stage.caller_without_session("Rochambeau").await;
    assert!(
        bought
            .call("auth.getSession", &[("auth_token", &token)])
            .await
            .unwrap()
            .error_code()
            .is_none()
    );
    let replayed = bought
        .call("auth.getSession", &[("auth_token", &token)])
        .await
        .unwrap();
    assert_eq!(replayed.error_code(), Some(100));
    assert!(
        session
            .call("users.getLoggedInUser", &[])
            .await
            .unwrap()
            .error_code()
            .is_none()
    );
    println!("other people's things: {} tried, 0 reached", tried + 3);
}

#[tokio::test]
async fn an_application_is_there_for_its_owner_alone() {
    let (stage, story) = open().await;
    let fields = fields(&stage, &story).await;
    let fields = lent(&fields);
    let (rochambeau, others) = (stage.app("Rochambeau").await.id, stage.app("Other").await.id);
    let missing = "4711".to_owned();
    let (forms, _) = changing_routes();
    let pages: Vec<&str> = ROUTER
        .split(".route(")
        .skip(1)
        .filter_map(|route| between(route, "\"", "\""))
        .filter(|route| route.starts_with("/developers") && route.contains("{app}"))
        .collect();
    let mut bo = stage.logged_in("bo").await;
    let own = token_of(&mut bo, "/settings").await;
    let held_before = held(&stage).await;
    let mut tried = 0;
    for route in &pages {
        assert_ne!(
            bo.get(&route.replace("{app}", &others.to_string())).await.status,
            404,
            "{route}"
        );
        let mut bodies = Vec::new();
        for app in [&rochambeau.to_string(), &missing, "x", "", "0", "-1"] {
            let address = route.replace("{app}", app);
            let answer = bo.get(&address).await;
            assert_eq!(answer.status, 404, "{address}");
            bodies.push(answer.text().to_owned());
            if forms.contains(route) {
                let answer = bo.post(&address, Some(&own), &fields).await;
                assert_eq!(answer.status, 404, "{address}");
                bodies.push(answer.text().to_owned());
            }
            tried += 1;
        }
        bodies.dedup();
        assert_eq!(
            bodies.len(),
            1,
            "{route}: what is missing and what is another's look alike"
        );
        let address = route.replace("{app}", &others.to_string());
        let answer = stage.browser().get(&address).await;
        assert!(
            location(&answer).starts_with("/login?then=%2Fdevelopers%2F"),
            "{address}"
        );
    }
    assert_eq!(held(&stage).await, held_before);
    println!(
        "other people's applications: {tried} tried on {} pages, 0 reached",
        pages.len()
    );
    assert!(pages.len() >= 3, "{pages:?}");
}
