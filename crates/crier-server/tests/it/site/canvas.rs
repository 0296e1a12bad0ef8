//! The canvas page: what the frame shows, what it is told, and what it may not do (protocol 18.9, 19.1, 19.2, 19.7).

use crate::site::browser::{Browser, between};
use crate::site::stage::Stage;
use crier_platform::accounts::terms::Assent;
use crier_platform::model::app::AppKind;
use crier_proto::digest::{lower_hex, md5};
use crier_testkit::Answer;
use std::collections::BTreeMap;

const BO: &str = "563683308";

async fn set(stage: &Stage, app: &str, pairs: &[(&str, &str)]) {
    let pairs: Vec<(String, String)> = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    stage.server.accounts().set_app(app, &pairs).await.unwrap();
}

async fn open() -> Stage {
    let stage = Stage::open().await;
    set(&stage, "Rochambeau", &[("canvas", "rps")]).await;
    stage
}

/// The frame's address.
fn frame(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.text());
    let address = between(page.text(), " src=\"http", "\"").unwrap();
    format!("http{}", address.replace("&amp;", "&").replace("&#38;", "&"))
}

/// Names and values behind the frame's address; no value of these tests needs more than one escape.
fn told(address: &str) -> BTreeMap<String, String> {
    let query = address.split_once('?').unwrap().1;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.replace("%2C", ",")))
        .collect()
}

/// The signature of a set by 6.1, computed as a period library does.
fn signature(told: &BTreeMap<String, String>, secret: &str) -> String {
    let names = told
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("fb_sig_")?, value)));
    let text: String = names.map(|(name, value)| format!("{name}={value}")).collect();
    lower_hex(&md5(&[text.as_bytes(), secret.as_bytes()]))
}

async fn look(browser: &mut Browser, path: &str) -> BTreeMap<String, String> {
    told(&frame(&browser.get(path).await))
}

#[tokio::test]
async fn the_frame_is_told_of_a_session_that_works_in_a_signed_set() {
    let stage = open().await;
    stage.grant("Rochambeau").await;
    let app = stage.app("Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    let page = bo.get("/apps/rps/play/1?a[]=1&a[]=2&q=%C3%A9").await;
    let address = frame(&page);
    assert!(
        address.starts_with("http://app.example/cb/play/1?a[]=1&a[]=2&q=%C3%A9&fb_sig_added=0&"),
        "{address}"
    );
    let told = told(&address);
    let names: Vec<&str> = told
        .keys()
        .filter_map(|name| name.strip_prefix("fb_sig_"))
        .collect();
    assert_eq!(
        names,
        [
            "added",
            "api_key",
            "app_id",
            "expires",
            "in_iframe",
            "in_new_facebook",
            "locale",
            "position_fix",
            "profile_update_time",
            "request_method",
            "session_key",
            "time",
            "user"
        ]
    );
    assert_eq!(told["fb_sig_user"], BO);
    assert_eq!(told["fb_sig_app_id"], app.id.to_string());
    assert_eq!(told["fb_sig"], signature(&told, app.secret.expose()));
    assert_eq!(told["fb_sig_time"].split_once('.').unwrap().1.len(), 4);
    let caller = stage.caller_without_session("Rochambeau").await;
    let caller = caller.with_session(&told["fb_sig_session_key"]);
    let said = caller
        .call("users.getLoggedInUser", &[("format", "json")])
        .await
        .unwrap();
    assert_eq!(said.text(), BO);
    let again = look(&mut bo, "/apps/rps/").await;
    assert_eq!(
        again["fb_sig_session_key"], told["fb_sig_session_key"],
        "looking twice makes one session"
    );
}

#[tokio::test]
async fn a_stranger_and_somebody_who_has_not_accepted_bring_no_session() {
    let stage = open().await;
    let app = stage.app("Rochambeau").await;
    let mut nobody = stage.browser();
    let page = nobody.get("/apps/rps/").await;
    assert!(page.text().contains(">log in</a>"), "{}", page.text());
    let out = told(&frame(&page));
    assert_eq!(out["fb_sig_logged_out_facebook"], "1");
    let mut bo = stage.logged_in("bo").await;
    let page = bo.get("/apps/rps/").await;
    assert!(page.text().contains(">accept it</a>"), "{}", page.text());
    let not = told(&frame(&page));
    assert_eq!(not["fb_sig_canvas_user"], BO);
    for told in [&out, &not] {
        assert_eq!(told["fb_sig"], signature(told, app.secret.expose()));
        for name in ["user", "session_key", "expires", "ss", "profile_update_time"] {
            assert!(!told.contains_key(&format!("fb_sig_{name}")), "{name}");
        }
    }
    assert!(!out.contains_key("fb_sig_canvas_user") && !not.contains_key("fb_sig_logged_out_facebook"));
}

#[tokio::test]
async fn the_session_secret_offline_access_and_added_are_told_when_they_are_so() {
    let stage = open().await;
    set(&stage, "Rochambeau", &[("canvas_ss", "on")]).await;
    let app = stage.app("Rochambeau").await;
    let bo = stage.server.accounts().find_user("bo").await.unwrap();
    let assent = Assent {
        added: true,
        offline_access: true,
        ..Assent::default()
    };
    let accounts = stage.server.accounts();
    accounts.accept_terms(&app, &bo, assent).await.unwrap();
    let mut browser = stage.logged_in("bo").await;
    let told = look(&mut browser, "/apps/rps/").await;
    assert_eq!(
        (told["fb_sig_added"].as_str(), told["fb_sig_ext_perms"].as_str()),
        ("1", "offline_access")
    );
    assert_eq!(
        (told["fb_sig_expires"].as_str(), told["fb_sig_ss"].len()),
        ("0", 34)
    );
    assert_eq!(told["fb_sig"], signature(&told, app.secret.expose()));
}

#[tokio::test]
async fn a_desktop_applications_set_is_signed_with_the_session_secret() {
    let stage = open().await;
    stage
        .add_app("Desk", "http://desk.example/", AppKind::Desktop)
        .await;
    set(&stage, "Desk", &[("canvas", "desk"), ("canvas_ss", "on")]).await;
    stage.grant("Desk").await;
    let mut bo = stage.logged_in("bo").await;
    let told = look(&mut bo, "/apps/desk/").await;
    assert_eq!(told["fb_sig"], signature(&told, &told["fb_sig_ss"]));
}

#[tokio::test]
async fn with_hmac_the_set_carries_crier_sig_too() {
    let stage = open().await;
    stage.grant("Rochambeau").await;
    set(&stage, "Rochambeau", &[("signature", "hmac")]).await;
    let app = stage.app("Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    let told = look(&mut bo, "/apps/rps/").await;
    let line: Vec<String> = told
        .iter()
        .filter_map(|(name, value)| Some(format!("{}={value}", name.strip_prefix("fb_sig_")?)))
        .collect();
    let text = format!("crier-set-sha256-1\n{}", line.join("&"));
    let mac = crier_proto::digest::hmac_sha256(app.secret.expose().as_bytes(), &[text.as_bytes()]);
    assert_eq!(told["crier_sig"], lower_hex(&mac));
    assert_eq!(told["fb_sig"], signature(&told, app.secret.expose()));
}

#[tokio::test]
async fn nothing_that_the_address_pretends_reaches_the_frame() {
    let stage = open().await;
    let mut nobody = stage.browser();
    let page = nobody
        .get("/apps/rps/?fb_sig_user=1&x=1&fb%5Fsig=0&fb.sig_session_key=2&crier_sig=3")
        .await;
    let address = frame(&page);
    assert!(
        address.starts_with("http://app.example/cb/?x=1&fb_sig_added=0&"),
        "{address}"
    );
    assert_eq!(address.matches("sig=").count(), 1, "{address}");
}

#[tokio::test]
async fn the_frame_is_sandboxed_and_the_page_frames_that_origin_alone() {
    let stage = open().await;
    let page = stage.browser().get("/apps/rps/").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("frame-src http://app.example; frame-ancestors 'self'"),
        "{policy}"
    );
    assert_eq!(page.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(page.header("cache-control"), Some("private, no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let sandbox = between(page.text(), "sandbox=\"", "\"").unwrap();
    assert_eq!(
        sandbox,
        "allow-forms allow-popups allow-same-origin allow-scripts"
    );
    let own = format!("http://{}/demo/", stage.server.address);
    stage.add_app("Own", &own, AppKind::Web).await;
    set(&stage, "Own", &[("canvas", "own")]).await;
    let page = stage.browser().get("/apps/own/").await;
    let sandbox = between(page.text(), "sandbox=\"", "\"").unwrap();
    assert_eq!(
        sandbox, "allow-forms allow-popups allow-scripts",
        "on our own origin"
    );
}

#[tokio::test]
async fn an_unknown_disabled_or_homeless_canvas_is_not_there() {
    let stage = open().await;
    stage.add_app("Homeless", "", AppKind::Web).await;
    set(&stage, "Homeless", &[("canvas", "homeless")]).await;
    let mut bo = stage.logged_in("bo").await;
    for path in [
        "/apps/other/",
        "/apps/RPS/",
        "/apps/homeless/",
        "/apps//",
        "/apps/rps%2F/",
    ] {
        assert_eq!(bo.get(path).await.status, 404, "{path}");
    }
    let short = bo.get("/apps/rps?x=1").await;
    assert_eq!(
        (short.status, short.header("location")),
        (303, Some("/apps/rps/?x=1"))
    );
    stage
        .server
        .accounts()
        .enable_app("Rochambeau", false)
        .await
        .unwrap();
    assert_eq!(bo.get("/apps/rps/").await.status, 404);
}

#[tokio::test]
async fn a_set_that_was_signed_for_a_frame_is_no_call() {
    let stage = open().await;
    stage.grant("Rochambeau").await;
    set(&stage, "Rochambeau", &[("canvas_ss", "on")]).await;
    let mut bo = stage.logged_in("bo").await;
    let told = look(&mut bo, "/apps/rps/?method=users.getLoggedInUser").await;
    let set: Vec<String> = told
        .iter()
        .filter_map(|(name, value)| Some(format!("{}={value}", name.strip_prefix("fb_sig_")?)))
        .collect();
    for extra in [
        "",
        "&method=users.getLoggedInUser",
        "&method=users.getLoggedInUser&v=1.0",
    ] {
        let path = format!(
            "/restserver.php?format=json&{}&sig={}{extra}",
            set.join("&"),
            told["fb_sig"]
        );
        let code = bo.get(&path).await.error_code();
        assert!(matches!(code, Some(3 | 104)), "{code:?} {extra}");
    }
}
