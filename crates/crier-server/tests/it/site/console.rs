//! The console from outside: applications are made, told what to do, and given new secrets that are shown once.

use crate::site::browser::{Browser, between, encoded, location};
use crate::site::stage::Stage;
use crier_platform::accounts::developer::app_settings;
use crier_testkit::{Answer, RawClient};

/// The text behind the words of a page that shows a secret.
fn shown(answer: &Answer, words: &str) -> String {
    let behind = answer.text().split_once(&format!("<dt>{words}</dt>")).unwrap().1;
    between(behind, "<code>", "</code>").unwrap().to_owned()
}

/// A figure of the process.
pub(super) async fn figure(stage: &Stage, line: &str) -> Option<String> {
    let request = b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answer = RawClient::exchange(stage.server.admin_address, request)
        .await
        .unwrap();
    let found = answer.text().lines().find_map(|text| text.strip_prefix(line));
    found.map(|value| value.trim().to_owned())
}

/// What a call without a session answers: 0 when it is right.
async fn code(stage: &Stage, api_key: &str, secret: &str) -> u16 {
    let answer = stage
        .server
        .caller(api_key, secret)
        .call("auth.createToken", &[])
        .await;
    answer
        .unwrap()
        .error_code()
        .map_or(0, |code| u16::try_from(code).unwrap())
}

async fn settings_of(stage: &Stage, app: &str) -> Vec<(&'static str, String)> {
    app_settings(&*stage.app(app).await)
}

async fn made(bo: &mut Browser, name: &str) -> Answer {
    bo.get("/developers/new").await;
    bo.submit(
        "/developers/new",
        &[("name", name), ("profile", "modern"), ("kind", "web")],
    )
    .await
}

#[tokio::test]
async fn a_new_application_shows_its_secret_once_and_it_signs() {
    let stage = Stage::open().await;
    let mut bo = stage.logged_in("bo").await;
    assert!(
        bo.get("/developers")
            .await
            .text()
            .contains("You have no application yet")
    );
    let made = made(&mut bo, "Chess").await;
    assert_eq!(
        (made.status, made.header("cache-control")),
        (200, Some("no-store"))
    );
    let (key, secret) = (shown(&made, "API key"), shown(&made, "Secret"));
    let app = stage.app("Chess").await;
    assert_eq!(
        (app.owner.get(), app.api_key.as_str()),
        (563_683_308, key.as_str())
    );
    assert_eq!(
        stage
            .server
            .caller(&key, &secret)
            .call("auth.createToken", &[])
            .await
            .unwrap()
            .error_code(),
        Some(104),
        "profile modern takes no version 1"
    );
    let owned = format!("/developers/{}", app.id);
    for page in ["", "/settings", "/secrets"] {
        let answer = bo.get(&format!("{owned}{page}")).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text().contains(&secret), "{page}");
    }
    let list = bo.get("/developers").await;
    assert!(list.text().contains("Chess") && !list.text().contains("Rochambeau"));
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_beside_its_field_and_the_values_are_kept() {
    let stage = Stage::open().await;
    let mut bo = stage.logged_in("bo").await;
    bo.get("/developers/new").await;
    let fields = [
        ("name", "rochambeau"),
        ("callback", "ftp://<b>"),
        ("profile", "modern"),
        ("kind", "toaster"),
    ];
    let refused = bo.submit("/developers/new", &fields).await;
    assert_eq!(refused.status, 400);
    let text = refused.text();
    assert!(text.contains("2 values cannot be taken"), "{text}");
    for (id, wrong) in [("callback", true), ("kind", true), ("name", false)] {
        assert_eq!(text.contains(&format!("id=\"{id}-wrong\"")), wrong, "{id}");
    }
    assert!(text.contains("value=\"rochambeau\"") && text.contains("value=\"ftp://&#60;b&#62;\""));
    assert!(text.contains("<option value=\"modern\" selected>"));
    let taken = bo
        .submit(
            "/developers/new",
            &[("name", "rochambeau"), ("profile", "modern"), ("kind", "web")],
        )
        .await;
    assert!(
        taken.status == 400
            && taken
                .text()
                .contains("There is already an application named rochambeau.")
    );
    assert!(
        bo.get("/developers")
            .await
            .text()
            .contains("You have no application yet")
    );
}

#[tokio::test]
async fn every_setting_of_an_owner_can_be_set_alone() {
    let stage = Stage::open().await;
    let id = stage.app("Rochambeau").await.id;
    let page = format!("/developers/{id}/settings");
    let mut ada = stage.logged_in("ada").await;
    for (part, key, value) in [
        ("about", "icon", "http://app.example/icon.png"),
        ("about", "callback", "https://other.example/cb"),
        ("about", "canvas", "rps"),
        ("about", "canvas_ss", "on"),
        ("about", "kind", "desktop"),
        ("profile", "profile", "modern"),
        ("calls", "call_id", "ignored"),
        ("calls", "feed_errors", "documented"),
        ("calls", "feed_reply", "list"),
        ("calls", "image_links", "http"),
        ("calls", "live_text", "any"),
        ("calls", "signature", "md5"),
        ("calls", "jsonp", "off"),
        ("calls", "strictness", "lenient"),
        ("callers", "allow_ip", "127.0.0.1,10.1.2.*"),
        ("callers", "origins", "https://a.example,https://other.example"),
        ("callers", "native_clients", "on"),
        ("hooks", "post_authorize", "https://app.example/in"),
        ("hooks", "post_remove", "https://app.example/out"),
    ] {
        ada.get(&page).await;
        let answer = ada.submit(&page, &[("part", part), (key, value)]).await;
        let to = format!("{page}?saved={part}#{part}");
        assert_eq!(
            (answer.status, location(&answer)),
            (303, to.as_str()),
            "{key}: {}",
            answer.text()
        );
        let set = settings_of(&stage, "Rochambeau").await;
        assert!(
            set.contains(&(key, value.to_owned())),
            "{key} is not {value} in {set:?}"
        );
    }
    ada.get(&page).await;
    ada.submit(&page, &[("part", "about"), ("name", "Scissors")])
        .await;
    assert_eq!(stage.app("Scissors").await.id, id);
}

#[tokio::test]
async fn the_operators_settings_are_shown_and_not_changed() {
    let stage = Stage::open().await;
    let page = format!("/developers/{}/settings", stage.app("Rochambeau").await.id);
    let before = settings_of(&stage, "Rochambeau").await;
    let mut ada = stage.logged_in("ada").await;
    let shown = ada.get(&page).await;
    assert!(shown.text().contains("6000 calls in any 60 seconds."));
    for (key, value) in [("calls_per_minute", "0"), ("owner", "bo"), ("enabled", "no")] {
        for part in ["about", "calls", "callers", "hooks", "quota"] {
            ada.get(&page).await;
            ada.submit(&page, &[("part", part), (key, value)]).await;
        }
    }
    assert_eq!(settings_of(&stage, "Rochambeau").await, before);
}

#[tokio::test]
async fn a_rotated_secret_overlaps_until_the_overlap_is_ended() {
    let stage = Stage::open().await;
    let app = stage.app("Rochambeau").await;
    let (key, old) = (app.api_key.as_str(), app.secret.expose());
    let secrets = format!("/developers/{}/secrets", app.id);
    let mut ada = stage.logged_in("ada").await;
    ada.get(&secrets).await;
    let rotated = ada
        .submit(&format!("{secrets}/rotate"), &[("secret", "calls")])
        .await;
    assert_eq!(
        (rotated.status, rotated.header("cache-control")),
        (200, Some("no-store"))
    );
    let new = shown(&rotated, "Secret");
    assert_ne!(new, old);
    assert_eq!(
        (code(&stage, key, &new).await, code(&stage, key, old).await),
        (0, 0)
    );
    let page = ada.get(&secrets).await;
    assert!(page.text().contains("Void the previous secret now") && !page.text().contains(&new));
    let ended = ada
        .submit(&format!("{secrets}/end"), &[("secret", "calls")])
        .await;
    assert_eq!(location(&ended), format!("{secrets}?done=ended"));
    assert_eq!(
        (code(&stage, key, &new).await, code(&stage, key, old).await),
        (0, 104)
    );
}

#[tokio::test]
async fn the_first_address_for_receipts_shows_the_secret_that_signs_them() {
    let stage = Stage::open().await;
    let id = stage.app("Rochambeau").await.id;
    let (settings, secrets) = (
        format!("/developers/{id}/settings"),
        format!("/developers/{id}/secrets"),
    );
    let mut ada = stage.logged_in("ada").await;
    ada.get(&secrets).await;
    let none = ada
        .submit(&format!("{secrets}/rotate"), &[("secret", "receipts")])
        .await;
    assert_eq!(none.status, 404);
    let fields = [("part", "hooks"), ("receipts", "https://app.example/r")];
    ada.get(&settings).await;
    let first = ada.submit(&settings, &fields).await;
    assert_eq!(
        (first.status, first.header("cache-control")),
        (200, Some("no-store"))
    );
    let secret = shown(&first, "Secret");
    assert_eq!(secret.len(), 64);
    ada.get(&settings).await;
    assert_eq!(
        ada.submit(&settings, &fields).await.status,
        303,
        "it is made once"
    );
    ada.get(&secrets).await;
    let second = ada
        .submit(&format!("{secrets}/rotate"), &[("secret", "receipts")])
        .await;
    assert_ne!(shown(&second, "Secret"), secret);
    let app = stage.app("Rochambeau").await;
    assert_eq!(app.receipts.previous_secret.as_ref().unwrap().0.expose(), secret);
    ada.get(&secrets).await;
    ada.submit(&format!("{secrets}/end"), &[("secret", "receipts")])
        .await;
    assert!(stage.app("Rochambeau").await.receipts.previous_secret.is_none());
}

#[tokio::test]
async fn a_developer_makes_so_many_applications_and_the_next_is_counted_as_refused() {
    let stage = Stage::open_with(&[("CRIER__ACCOUNTS__APPS_PER_DEVELOPER_MAX", "2")]).await;
    let mut bo = stage.logged_in("bo").await;
    // As many as `apps_per_developer_max` says.
    for name in ["One", "Two"] {
        assert_eq!(made(&mut bo, name).await.status, 200);
    }
    let refused = made(&mut bo, "Three").await;
    assert!(refused.status == 400 && refused.text().contains("You have 2 applications"));
    assert!(stage.server.accounts().find_app("Three").await.is_err());
    let line = "crier_server_overflow_total{name=\"accounts.apps_per_developer_max\"}";
    assert_eq!(figure(&stage, line).await.as_deref(), Some("1"));
    let ada = stage.logged_in("ada").await;
    assert_eq!(
        made(&mut { ada }, "Three").await.status,
        200,
        "the bound is each one's own"
    );
}

#[tokio::test]
async fn where_administrators_make_the_applications_nobody_else_does() {
    let stage = Stage::open_with(&[("CRIER__ACCOUNTS__APP_MAKERS", "administrators")]).await;
    let mut bo = stage.logged_in("bo").await;
    let list = bo.get("/developers").await;
    assert!(
        list.text().contains("administrators make the applications")
            && !list.text().contains("/developers/new")
    );
    assert_eq!(bo.get("/developers/new").await.status, 400);
    bo.get("/settings").await;
    assert_eq!(
        bo.submit("/developers/new", &[("name", "Chess")]).await.status,
        400
    );
    assert!(stage.server.accounts().find_app("Chess").await.is_err());
    let mut ada = stage.logged_in("ada").await;
    assert_eq!(ada.get("/developers").await.status, 200);
    let page = ada
        .get(&format!("/developers/{}", stage.app("Rochambeau").await.id))
        .await;
    assert_eq!(page.status, 200, "what was made for her is hers to look after");
    assert!(location(&stage.browser().get("/developers").await).ends_with(&encoded("/developers")));
}

#[tokio::test]
async fn an_owner_sees_people_by_number_and_ends_none_but_own_sessions() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let accounts = stage.server.accounts();
    accounts.add_grant("Rochambeau", "ada", true).await.unwrap();
    let session = async |user: &str| {
        let order = crier_platform::accounts::admin::NewSessionOrder {
            app: "Rochambeau".to_owned(),
            user: user.to_owned(),
            ttl_secs: None,
            session_key: None,
            session_secret: None,
        };
        accounts.add_session(order).await.unwrap()
    };
    let (adas, bos) = (session("ada").await, session("bo").await);
    let people = format!("/developers/{}/people", stage.app("Rochambeau").await.id);
    let mut ada = stage.logged_in("ada").await;
    let page = ada.get(&people).await;
    let text = page.text();
    assert!(text.contains("563683308") && text.contains("1240077 <bdi dir=\"auto\">ada</bdi>"));
    assert!(!text.contains(">bo<") && !text.contains(bos.key.as_str()) && !text.contains(adas.key.as_str()));
    assert!(text.contains("never ends by itself"));
    for other in [bos.id.0.to_string(), "4711".to_owned(), "x".to_owned()] {
        ada.get(&people).await;
        let answer = ada.submit(&format!("{people}/end"), &[("session", &other)]).await;
        assert_eq!(answer.status, 404, "{other}");
    }
    ada.get(&people).await;
    let own = adas.id.0.to_string();
    let ended = ada.submit(&format!("{people}/end"), &[("session", &own)]).await;
    assert_eq!(location(&ended), format!("{people}?done=ended#sessions"));
    assert!(ada.get(&people).await.text().contains("There is none."));
    assert!(
        accounts.remove_session(bos.key.as_str()).await.is_ok(),
        "bo's lives on"
    );
    assert!(
        accounts.remove_session(adas.key.as_str()).await.is_err(),
        "ada's has ended"
    );
}

#[tokio::test]
async fn an_owner_resets_the_call_order_of_a_session_of_the_application_and_of_no_other() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let judged = async |call_id: &str| {
        let setting = [("call_id".to_owned(), call_id.to_owned())];
        let app = stage.server.accounts().set_app("Rochambeau", &setting).await;
        app.unwrap()
    };
    let app = judged("required").await;
    let bos = stage.caller("Rochambeau").await;
    let twice = bos.pairs("users.getLoggedInUser", &[]);
    let value = |name: &str| {
        twice
            .iter()
            .find(|pair| &*pair.name == name)
            .unwrap()
            .value
            .to_string()
    };
    let (key, number) = (value("session_key"), value("call_id"));
    let code = async || {
        let call = bos.call("users.getLoggedInUser", &[("call_id", &number)]).await;
        call.unwrap().error_code()
    };
    assert_eq!((code().await, code().await), (None, Some(103)));
    let people = format!("/developers/{}/people", app.id);
    let (mut ada, reset) = (stage.logged_in("ada").await, format!("{people}/reset"));
    for (sent, done, told) in [
        ("", "no-session", "Nothing was reset"),
        ("nonsense", "no-session", "Nothing was reset"),
        (&*format!(" {key} "), "reset", "The order is reset"),
    ] {
        assert!(code().await == Some(103), "not yet");
        ada.get(&people).await;
        let answer = ada.submit(&reset, &[("session_key", sent)]).await;
        assert_eq!(location(&answer), format!("{people}?done={done}#order"));
        assert!(
            ada.get(&format!("{people}?done={done}"))
                .await
                .text()
                .contains(told)
        );
    }
    assert_eq!((code().await, code().await), (None, Some(103)), "once more");
    let mut bo = stage.logged_in("bo").await;
    bo.get("/settings").await;
    assert_eq!(
        bo.submit(&reset, &[("session_key", &key)]).await.status,
        404,
        "not the owner"
    );
    judged("ignored").await;
    assert!(ada.get(&people).await.text().contains("nothing need be reset"));
}

#[tokio::test]
async fn names_that_a_lenient_application_sends_in_vain_stand_on_its_page_of_calls() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let lenient = [("strictness".to_owned(), "lenient".to_owned())];
    let app = stage
        .server
        .accounts()
        .set_app("Rochambeau", &lenient)
        .await
        .unwrap();
    let calls = format!("/developers/{}/calls", app.id);
    let mut ada = stage.logged_in("ada").await;
    assert!(!ada.get(&calls).await.text().contains("without effect"));
    let bos = stage.caller("Rochambeau").await;
    for params in [&[("formt", "json"), ("foo", "1")][..], &[("formt", "json")]] {
        let answer = bos.call("users.getLoggedInUser", params).await.unwrap();
        assert_eq!(answer.error_code(), None, "{}", answer.text());
    }
    let page = ada.get(&calls).await;
    for told in [
        "<summary>2 parameters without effect</summary>",
        "<li><code>formt</code> in 2 calls</li>\n<li><code>foo</code> in 1 call</li>",
    ] {
        assert!(page.text().contains(told), "{told}: {}", page.text());
    }
    let settings = ada.get(&format!("/developers/{}/settings", app.id)).await;
    assert!(settings.text().contains("may cut it short and add parameters"));
}

#[tokio::test]
async fn people_stand_fifty_to_a_page_and_each_once() {
    let stage = Stage::open().await;
    let accounts = stage.server.accounts();
    let mut uids = Vec::new();
    for number in 0..51 {
        let user = crier_platform::accounts::admin::NewUser {
            name: format!("reader {number}"),
            ..Default::default()
        };
        let uid = accounts.add_user(user).await.unwrap().uid.to_string();
        accounts.add_grant("Rochambeau", &uid, true).await.unwrap();
        uids.push(uid);
    }
    let people = format!("/developers/{}/people", stage.app("Rochambeau").await.id);
    let mut ada = stage.logged_in("ada").await;
    let first = ada.get(&people).await.text().to_owned();
    let next = between(&first, "/people?behind=", "\"").unwrap().to_owned();
    let second = ada
        .get(&format!("{people}?behind={next}"))
        .await
        .text()
        .to_owned();
    let on = |page: &str| {
        uids.iter()
            .filter(|uid| page.contains(&format!("<th scope=\"row\">{uid}")))
            .count()
    };
    assert_eq!((on(&first), on(&second)), (50, 1));
    assert!(second.contains("Newest") && !second.contains("Earlier"));
}
