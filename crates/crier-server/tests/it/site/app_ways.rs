//! The other ways into an application: adding, the session itself, the canvas page as target, typed codes (protocol 18.2 to 18.8).

use crate::figures::scrape;
use crate::site::browser::{Browser, between, encoded, location};
use crate::site::stage::{PASSWORD, Stage};
use crier_platform::model::app::AppKind;
use crier_proto::digest::{lower_hex, md5};
use crier_proto::ids::Uid;
use crier_testkit::Answer;

const BO: i64 = 563_683_308;

async fn key(stage: &Stage, app: &str) -> String {
    stage.app(app).await.api_key.to_string()
}

/// The code that a page shows.
fn code(page: &Answer) -> String {
    let code = between(page.text(), "<output>", "</output>").unwrap_or_default();
    assert!(
        code.len() == 5 && code.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z')),
        "{}",
        page.text()
    );
    code.to_owned()
}

async fn get_session(stage: &Stage, app: &str, token: &str) -> Answer {
    let caller = stage.caller_without_session(app).await;
    let params = [("auth_token", token), ("format", "json")];
    caller.call("auth.getSession", &params).await.unwrap()
}

/// A query's value, decoded by this test's own few lines.
fn query_value(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    let found = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(&format!("{name}=")))?;
    let mut bytes = Vec::new();
    let mut rest = found.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

async fn give_canvas(stage: &Stage) {
    let canvas = [("canvas".to_owned(), "rps".to_owned())];
    stage
        .server
        .accounts()
        .set_app("Rochambeau", &canvas)
        .await
        .unwrap();
}

#[tokio::test]
async fn adding_is_a_form_that_accepts_too_and_leads_back_with_installed_once() {
    let stage = Stage::open().await;
    let app = stage.app("Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    for document in ["add.php", "install.php"] {
        let address = format!("/{document}?api_key={}&next=hello%23x", app.api_key);
        let page = bo.get(&address).await;
        assert!(
            page.status == 200 && page.text().contains("Add <bdi"),
            "{}",
            page.text()
        );
        let done = bo.submit(&address, &[]).await;
        assert_eq!(
            (done.status, location(&done)),
            (303, "http://app.example/cb/hello?installed=1#x")
        );
        let grant = stage
            .server
            .accounts()
            .grant(app.id, Uid::new(BO).unwrap())
            .await
            .unwrap();
        assert!(grant.unwrap().added);
        assert_eq!(location(&bo.get(&address).await), "http://app.example/cb/hello#x");
        stage
            .server
            .accounts()
            .withdraw(app.id, Uid::new(BO).unwrap())
            .await
            .unwrap();
    }
    stage.grant("Rochambeau").await;
    let page = bo.get(&format!("/add.php?api_key={}", app.api_key)).await;
    assert!(
        page.text().contains("You have accepted this application before"),
        "{}",
        page.text()
    );
    let plain = bo.get(&format!("/tos.php?api_key={}", app.api_key)).await;
    assert_eq!(location(&plain), "http://app.example/cb/");
}

#[tokio::test]
async fn return_session_brings_the_session_itself_signed_as_the_fifth_cookie() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let app = stage.app("Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    let answer = bo
        .get(&format!("/login.php?api_key={}&return_session=1", app.api_key))
        .await;
    let back = location(&answer).to_owned();
    assert!(
        back.starts_with("http://app.example/cb/?session=%7B%22session_key%22%3A%22"),
        "{back}"
    );
    assert!(!back.contains("auth_token"));
    let text = query_value(&back, "session").unwrap();
    let session: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    assert_eq!(
        [keys[0], keys[2], keys[4], keys[5], keys[7]],
        ["session_key", "uid", "expires", "secret", "sig"]
    );
    let member = |name: &str| session[name].as_str().unwrap().to_owned();
    assert_eq!((member("uid"), member("secret").len()), (BO.to_string(), 34));
    let signed = format!(
        "expires={}session_key={}ss={}user={}{}",
        session["expires"].as_i64().unwrap(),
        member("session_key"),
        member("secret"),
        member("uid"),
        app.secret.expose()
    );
    assert_eq!(member("sig"), lower_hex(&md5(&[signed.as_bytes()])));
    let caller = stage.caller_without_session("Rochambeau").await;
    let caller = caller.with_session(&member("session_key"));
    let said = caller
        .call("users.getLoggedInUser", &[("format", "json")])
        .await
        .unwrap();
    assert_eq!(said.text(), BO.to_string());
    let plain = bo
        .get(&format!("/login.php?api_key={}&return_session=0", app.api_key))
        .await;
    assert!(location(&plain).contains("?auth_token="));
}

#[tokio::test]
async fn a_session_is_returned_to_the_callback_and_the_listed_origins_alone() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let app = stage.app("Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    for next in [
        "http://evil.example/",
        "https://app.example/cb/",
        "http://app.example@evil.example/",
    ] {
        let address = format!(
            "/login.php?api_key={}&return_session=1&next={}",
            app.api_key,
            encoded(next)
        );
        let answer = bo.get(&address).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{next}");
        assert!(!answer.text().contains("session_key"));
    }
}

#[tokio::test]
async fn canvas_leads_to_the_canvas_page_and_never_beside_it() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let key = key(&stage, "Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    let without = bo.get(&format!("/login.php?api_key={key}&canvas")).await;
    assert_eq!((without.status, without.header("location")), (400, None));
    give_canvas(&stage).await;
    let own = format!("http://{}", stage.server.address);
    for (next, target) in [
        ("", "/apps/rps/?auth_token="),
        ("&next=play%3Fa%3D1", "/apps/rps/play?a=1&auth_token="),
    ] {
        let answer = bo.get(&format!("/login.php?api_key={key}&canvas=1{next}")).await;
        assert!(
            location(&answer).starts_with(&format!("{own}{target}")),
            "{}",
            location(&answer)
        );
    }
    for next in [
        "../other/".to_owned(),
        "%2e%2e/other/".to_owned(),
        "../../settings".to_owned(),
        format!("{own}/apps/other/"),
        format!("{own}/apps/rps/../other/"),
        format!("{own}/settings"),
        "http://app.example/cb/".replace("app.", "evil."),
    ] {
        let address = format!("/login.php?api_key={key}&canvas=1&next={}", encoded(&next));
        let answer = bo.get(&address).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{next}");
    }
}

#[tokio::test]
async fn a_typed_code_is_shown_after_login_and_terms_and_buys_one_session_without_an_end() {
    let stage = Stage::open().await;
    stage.add_app("Desk", "", AppKind::Desktop).await;
    let address = format!("/code_gen.php?api_key={}&v=1.0", key(&stage, "Desk").await);
    let mut bo: Browser = stage.browser();
    let asked = bo.get(&address).await;
    assert_eq!(
        location(&asked),
        format!("/login?then={}", encoded_then(&address))
    );
    bo.get(location(&asked)).await;
    let fields = [("name", "bo"), ("password", PASSWORD), ("then", address.as_str())];
    assert_eq!(location(&bo.submit("/login", &fields).await), address);
    let terms = bo.get(&address).await;
    assert!(terms.text().contains("Accept <bdi"), "{}", terms.text());
    let done = bo.submit(&address, &[("step", "terms")]).await;
    assert_eq!((done.status, location(&done)), (303, address.as_str()));
    let (first, second) = (code(&bo.get(&address).await), code(&bo.get(&address).await));
    assert_ne!(first, second);
    assert_eq!(
        get_session(&stage, "Desk", &first).await.error_code(),
        Some(100),
        "voided by the next"
    );
    assert_eq!(
        get_session(&stage, "Rochambeau", &second).await.error_code(),
        Some(100),
        "foreign"
    );
    let session = get_session(&stage, "Desk", &second).await;
    assert_eq!(
        (session.json()["uid"].as_str(), session.json()["expires"].as_i64()),
        (Some("563683308"), Some(0))
    );
    assert_eq!(
        get_session(&stage, "Desk", &second).await.error_code(),
        Some(100),
        "used"
    );
}

#[tokio::test]
async fn a_look_at_what_makes_a_code_a_token_or_a_session_makes_none_and_voids_none() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let rps = [("canvas".to_owned(), "rps".to_owned())];
    stage.server.accounts().set_app("Rochambeau", &rps).await.unwrap();
    let key = key(&stage, "Rochambeau").await;
    let code_page = format!("/code_gen.php?api_key={key}");
    let login_page = format!("/login.php?api_key={key}");
    let session_page = format!("{login_page}&return_session=1");
    let mut bo = stage.logged_in("bo").await;
    let open = code(&bo.get(&code_page).await);
    for path in [code_page.as_str(), &login_page, &session_page, "/apps/rps/"] {
        let head = bo.head(path).await;
        let ahead = bo.get_with("Sec-Purpose: prefetch\r\n", path).await;
        for answer in [head, ahead] {
            assert_eq!((answer.status, answer.header("location")), (400, None), "{path}");
            assert!(!answer.text().contains("fb_sig_session_key"), "{path}");
        }
    }
    let stranger = stage.browser();
    for path in [login_page.as_str(), "/apps/rps/"] {
        assert_eq!(stranger.head(path).await.status, 200, "{path}");
    }
    let session = get_session(&stage, "Rochambeau", &open).await;
    assert_eq!(
        session.json()["uid"].as_str(),
        Some("563683308"),
        "{}",
        session.text()
    );
}

/// As the site writes a path into a query.
fn encoded_then(path: &str) -> String {
    path.replace('/', "%2F")
        .replace('?', "%3F")
        .replace('=', "%3D")
        .replace('&', "%26")
}

#[tokio::test]
async fn a_code_is_valid_for_600_seconds_and_void_after_20_failures() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let address = format!("/code_gen.php?api_key={}", key(&stage, "Rochambeau").await);
    let mut bo = stage.logged_in("bo").await;
    let late = code(&bo.get(&address).await);
    stage.server.clock.advance_ms(600_000);
    assert_eq!(
        get_session(&stage, "Rochambeau", &late).await.error_code(),
        Some(100)
    );
    let open = code(&bo.get(&address).await);
    stage.server.clock.advance_ms(599_999);
    for _ in 0..20 {
        let missed = get_session(&stage, "Rochambeau", "_wrong").await;
        assert_eq!(missed.error_code(), Some(100));
    }
    let figures = scrape(&stage.server).await;
    assert_eq!(figures["crier_server_codes_voided_total"], 1.0);
    let void = get_session(&stage, "Rochambeau", &open).await;
    assert_eq!(void.error_code(), Some(100));
    assert!(void.text().contains("auth_token is void"), "{}", void.text());
    stage.server.clock.advance_ms(1);
    let fresh = code(&bo.get(&address).await);
    assert!(
        get_session(&stage, "Rochambeau", &fresh)
            .await
            .error_code()
            .is_none()
    );
}

#[tokio::test]
async fn logging_out_judges_key_and_version_as_the_other_pages_do() {
    let stage = Stage::open().await;
    let key = key(&stage, "Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    for query in [
        "api_key=0123456789abcdef0123456789abcdef".to_owned(),
        "api_key=nonsense".to_owned(),
        "v=1.1".to_owned(),
        format!("api_key={key}&v=2.0"),
        "next=http%3A%2F%2Fapp.example%2Fcb%2F".to_owned(),
        format!("api_key={key}&next=http%3A%2F%2Fevil.example%2F"),
    ] {
        let answer = bo.get(&format!("/logout.php?{query}")).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{query}");
    }
    let address = format!("/logout.php?api_key={key}&next=bye");
    assert_eq!(bo.get(&address).await.status, 200);
    assert_eq!(
        location(&bo.submit(&address, &[]).await),
        "http://app.example/cb/bye"
    );
    assert_eq!(bo.cookie("crier_login"), None);
}

#[tokio::test]
async fn logging_out_without_next_leads_to_the_application_and_without_its_page_to_the_front_page() {
    let stage = Stage::open().await;
    let key = key(&stage, "Rochambeau").await;
    let named = format!("/logout.php?api_key={key}");
    let mut stranger = stage.browser();
    for (address, target) in [
        (named.as_str(), "http://app.example/cb/"),
        ("/logout.php", "/"),
        ("/logout.php?api_key=&next=&v=", "/"),
    ] {
        let answer = stranger.get(address).await;
        assert_eq!((answer.status, location(&answer)), (303, target), "{address}");
    }
    let homeless = [("callback".to_owned(), String::new())];
    stage
        .server
        .accounts()
        .set_app("Rochambeau", &homeless)
        .await
        .unwrap();
    assert_eq!(location(&stranger.get(&named).await), "/");
    let astray = stranger.get(&format!("{named}&next=bye")).await;
    assert_eq!((astray.status, astray.header("location")), (400, None));
}

#[tokio::test]
async fn what_has_no_effect_is_accepted_and_what_is_empty_counts_as_absent() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let key = key(&stage, "Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    for query in [
        "fbconnect=1",
        "v=",
        "v=1.0&next=&cancel_url=&req_perms=&auth_token=&return_session=",
        "popup&hide_checkbox&locale=de_DE&extern=1",
        "req_perms=email,publish_stream",
        "auth_token=0123456789abcdef0123456789abcdef",
    ] {
        let answer = bo.get(&format!("/login.php?api_key={key}&{query}")).await;
        let target = location(&answer);
        assert!(
            answer.status == 303 && target.starts_with("http://app.example/cb/?auth_token="),
            "{query}: {} {target}",
            answer.status
        );
    }
}
