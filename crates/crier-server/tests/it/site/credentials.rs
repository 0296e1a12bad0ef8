//! The list of attacks on what stands for a person: auth tokens, session keys, session secrets, tickets and cookies that are forged,
//! replayed, expired, ended or another's (protocol 10, 18, 19.5; live 3.4). Prints what it tried.

use crate::site::browser::location;
use crate::site::stage::Stage;
use crier_platform::model::app::AppKind;
use crier_testkit::page::PageAddress;
use crier_testkit::{FakePage, SignedClient};

const DAY_MS: u64 = 86_400_000;

async fn code_of(caller: &SignedClient, method: &str, params: &[(&str, &str)]) -> Option<u64> {
    caller.call(method, params).await.unwrap().error_code()
}

/// A token bound to bo by the web flow.
async fn bound(stage: &Stage, app: &str) -> String {
    let key = stage.app(app).await.api_key.to_string();
    let mut bo = stage.logged_in("bo").await;
    let back = bo.get(&format!("/login.php?api_key={key}")).await;
    location(&back).split_once("auth_token=").unwrap().1.to_owned()
}

#[tokio::test]
async fn no_auth_token_buys_a_session_but_a_living_bound_one_of_its_own_application_once() {
    let stage = Stage::open().await;
    stage
        .add_app("Other", "http://other.example/", AppKind::Web)
        .await;
    stage.grant("Rochambeau").await;
    let caller = stage.caller_without_session("Rochambeau").await;
    let other = stage.caller_without_session("Other").await;
    let buy = async |caller: &SignedClient, token: &str| {
        code_of(caller, "auth.getSession", &[("auth_token", token)]).await
    };
    let mut tried = 0;
    let good = bound(&stage, "Rochambeau").await;
    for forged in [
        "",
        "0",
        &"0".repeat(32),
        &good.to_uppercase(),
        &good[1..],
        &format!("{good}0"),
        &format!("{good} "),
        &good.replace(|_: char| true, "f"),
        "AAAAA",
        "aaaaa",
    ] {
        assert_eq!(buy(&caller, forged).await, Some(100), "{forged:?}");
        tried += 1;
    }
    let new = caller
        .call("auth.createToken", &[("format", "json")])
        .await
        .unwrap();
    let new = new.json().as_str().unwrap().to_owned();
    assert_eq!(buy(&caller, &new).await, Some(100), "not bound");
    assert_eq!(buy(&other, &good).await, Some(100), "another application's");
    assert_eq!(buy(&caller, &good).await, None);
    assert_eq!(buy(&caller, &good).await, Some(100), "used");
    let late = bound(&stage, "Rochambeau").await;
    stage.server.clock.advance_ms(3_600_000);
    assert_eq!(buy(&caller, &late).await, Some(100), "expired");
    // A withdrawal voids what would buy a session.
    let before = bound(&stage, "Rochambeau").await;
    stage
        .server
        .accounts()
        .remove_grant("Rochambeau", "bo")
        .await
        .unwrap();
    stage.grant("Rochambeau").await;
    assert_eq!(buy(&caller, &before).await, Some(100), "withdrawn since");
    println!("auth tokens: {} tried, 1 bought a session", tried + 6);
}

#[tokio::test]
async fn no_session_key_acts_but_a_living_one_with_its_own_applications_signature() {
    let stage = Stage::open().await;
    stage
        .add_app("Other", "http://other.example/", AppKind::Web)
        .await;
    stage.grant("Rochambeau").await;
    let app = stage.app("Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    // A key in the address is nobody's: the session that comes back is a new one each time (fixation).
    let planted = "0123456789abcdef01234567-563683308";
    let address = format!(
        "/login.php?api_key={}&return_session=1&session_key={planted}&session=x",
        app.api_key
    );
    let (first, second) = (bo.get(&address).await, bo.get(&address).await);
    let keys = [&first, &second].map(|back| {
        let (_, tail) = location(back).split_once("session_key%22%3A%22").unwrap();
        tail[..34].to_owned()
    });
    assert_ne!(keys[0], keys[1]);
    assert!(
        keys.iter()
            .all(|key| key != planted && key.ends_with("-563683308"))
    );
    let own = || stage.server.caller(app.api_key.as_str(), app.secret.expose());
    let who = async |caller: SignedClient, key: &str| {
        code_of(&caller.with_session(key), "users.getLoggedInUser", &[]).await
    };
    assert_eq!(who(own(), &keys[0]).await, None);
    let mut tried = 0;
    for forged in [
        planted,
        "0",
        &keys[0].replace("-563683308", "-1240077"),
        &keys[0].replace("-563683308", ""),
        &keys[0].to_uppercase().replace("-563683308", "-0563683308"),
        &format!("{}0", keys[0]),
    ] {
        assert_eq!(who(own(), forged).await, Some(102), "{forged}");
        tried += 1;
    }
    let other = stage.caller_without_session("Other").await;
    assert_eq!(who(other, &keys[0]).await, Some(102), "another application's");
    let guessed = stage.server.caller(app.api_key.as_str(), &"0".repeat(32));
    assert_eq!(who(guessed, &keys[0]).await, Some(104), "without the secret");
    // Another session's secret signs nothing of this one.
    let ticket = [("ss", "1")];
    let (_, tail) = location(&second).split_once("secret%22%3A%22").unwrap();
    let secret = tail[..34].to_owned();
    for (key, code) in [(&keys[1], None), (&keys[0], Some(104))] {
        let page = own().with_session(key).with_secret(&secret);
        assert_eq!(code_of(&page, "users.getLoggedInUser", &ticket).await, code);
    }
    // Ended, expired, withdrawn.
    let ended = own().with_session(&keys[0]);
    assert_eq!(code_of(&ended, "auth.expireSession", &[]).await, None);
    assert_eq!(who(own(), &keys[0]).await, Some(102), "ended");
    stage.server.clock.advance_ms(DAY_MS - 2_000);
    assert_eq!(who(own(), &keys[1]).await, None, "its last second");
    stage.server.clock.advance_ms(2_000);
    assert_eq!(who(own(), &keys[1]).await, Some(102), "expired");
    let back = stage.logged_in("bo").await.get(&address).await;
    let (_, tail) = location(&back).split_once("session_key%22%3A%22").unwrap();
    let key = tail[..34].to_owned();
    stage
        .server
        .accounts()
        .remove_grant("Rochambeau", "bo")
        .await
        .unwrap();
    stage.grant("Rochambeau").await;
    assert_eq!(who(own(), &key).await, Some(102), "withdrawn since");
    println!("session keys and secrets: {} tried, 0 acted", tried + 6);
}

#[tokio::test]
async fn an_applications_cookies_are_worth_nothing_here_and_a_ticket_opens_one_connection_once() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let app = stage.app("Rochambeau").await;
    let key = app.api_key.to_string();
    let mut bo = stage.logged_in("bo").await;
    let back = bo
        .get(&format!("/login.php?api_key={key}&return_session=1"))
        .await;
    let value = |name: &str| {
        let tail = location(&back).split_once(&format!("{name}%22%3A%22")).unwrap().1;
        tail.split("%22").next().unwrap().to_owned()
    };
    let mut thief = stage.browser();
    for (name, value) in [
        ("_user", "563683308".to_owned()),
        ("_session_key", value("session_key")),
        ("_expires", "0".to_owned()),
        ("_ss", value("secret")),
        ("", value("sig")),
    ] {
        thief.plant(&format!("{key}{name}"), &value);
    }
    let mut tried = 0;
    for page in ["/settings", "/feed", "/developers", "/code_gen.php?api_key="] {
        let page = page.replace("api_key=", &format!("api_key={key}"));
        let answer = thief.get(&page).await;
        assert!(location(&answer).starts_with("/login?then="), "{page}");
        tried += 1;
    }
    let answer = thief
        .get(&format!(
            "/restserver.php?method=users.getLoggedInUser&v=1.0&api_key={key}"
        ))
        .await;
    assert_eq!(answer.error_code(), Some(102));

    let caller = stage.caller("Rochambeau").await;
    let issue = async || {
        let answer = caller
            .call("liveMessage.createTicket", &[("format", "json")])
            .await
            .unwrap();
        answer.json()["ticket"].as_str().unwrap().to_owned()
    };
    let open = async |ticket: &str| {
        let address = PageAddress {
            address: stage.server.address,
            base_path: String::new(),
            api_key: key.clone(),
            origin: Some("http://app.example".to_owned()),
        };
        let mut page = FakePage::open(&address, "page-0123456789abcdef").await.unwrap();
        page.hello(ticket, &["e"]).await.is_ok()
    };
    let good = issue().await;
    assert!(open(&good).await);
    let late = issue().await;
    for forged in [
        good.clone(),
        String::new(),
        "A".repeat(43),
        late.to_lowercase() + "A",
        format!("{late}="),
        late[1..].to_owned(),
    ] {
        assert!(!open(&forged).await, "{forged}");
        tried += 1;
    }
    stage.server.clock.advance_ms(61_000);
    assert!(!open(&late).await, "expired");
    let void = issue().await;
    assert_eq!(code_of(&caller, "auth.expireSession", &[]).await, None);
    assert!(!open(&void).await, "its session has ended");
    println!("cookies and tickets: {} tried, 0 let in", tried + 3);
}
