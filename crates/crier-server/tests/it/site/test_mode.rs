//! Test mode from outside: one click makes an application and people who meet nobody else, one takes all of it away (ADR 0024).

use crate::site::browser::{Browser, between, location};
use crate::site::stage::Stage;
use crier_platform::accounts::AccountError;
use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::accounts::test_mode::TestBench;
use crier_platform::ports::store::Conflict;
use crier_testkit::Answer;

/// What stands behind each of these words, in the order of the page.
fn shown(page: &Answer, words: &str) -> Vec<String> {
    let opening = format!("<dt>{words}</dt>");
    let behind = page.text().split(opening.as_str()).skip(1);
    behind
        .map(|rest| between(rest, "<code>", "</code>").unwrap().to_owned())
        .collect()
}

/// Ada begins test mode; the page with the keys, and what there is now.
async fn begun(stage: &Stage, ada: &mut Browser) -> (Answer, TestBench) {
    ada.get("/developers").await;
    let keys = ada.submit("/developers/test", &[]).await;
    assert_eq!(
        (keys.status, keys.header("cache-control")),
        (200, Some("no-store")),
        "{}",
        keys.text()
    );
    (keys, bench(stage).await)
}

async fn bench(stage: &Stage) -> TestBench {
    let accounts = stage.server.accounts();
    let ada = accounts.find_user("ada").await.unwrap().uid;
    accounts.test_bench(ada).await.unwrap().unwrap()
}

/// A browser of a test person, by the link that ada has made.
async fn logged_in(stage: &Stage, link: &str) -> Browser {
    let mut browser = stage.browser();
    let path = format!("/login/once?{}", link.split_once('?').unwrap().1);
    browser.get(&path).await;
    let token = between(&path, "token=", "&")
        .unwrap_or(path.rsplit('=').next().unwrap())
        .to_owned();
    let answer = browser.submit("/login/once", &[("token", &token)]).await;
    assert_eq!(location(&answer), "/feed", "{}", answer.text());
    browser
}

#[tokio::test]
async fn one_click_makes_keys_that_send_and_publish() {
    let stage = Stage::open().await;
    let mut ada = stage.logged_in("ada").await;
    let (keys, bench) = begun(&stage, &mut ada).await;
    let (key, secret) = (&shown(&keys, "API key")[0], &shown(&keys, "Secret")[0]);
    let sessions = shown(&keys, "Session key");
    assert_eq!((bench.people.len(), sessions.len()), (2, 2));
    let caller = |place: usize| stage.server.caller(key, secret).with_session(&sessions[place]);
    let theo = bench.people[1].uid.to_string();
    let params = [
        ("recipient", theo.as_str()),
        ("event_name", "hello"),
        ("message", "1"),
        ("format", "json"),
    ];
    let sent = caller(0).call("liveMessage.send", &params).await.unwrap();
    assert_eq!(sent.text(), "true");
    let params = [("title", "A first story"), ("format", "json")];
    let told = caller(1).call("feed.publishStoryToUser", &params).await.unwrap();
    assert_eq!(told.text(), "true");
    for words in [
        "crier listen hello",
        "crier call liveMessage.send",
        "crier call feed.publishStoryToUser",
    ] {
        assert!(keys.text().contains(words), "{words}");
    }
    for page in ["/developers/test", "/developers"] {
        let again = ada.get(page).await;
        assert!(
            !again.text().contains(secret) && !again.text().contains(&sessions[0]),
            "{page}"
        );
    }
    let renewed = ada.get("/developers/test").await;
    assert!(renewed.text().contains("Make new keys"));
    let renewed = ada.submit("/developers/test/keys", &[]).await;
    assert_ne!(&shown(&renewed, "Secret")[0], secret);
    let old = caller(0).call("users.getLoggedInUser", &[]).await.unwrap();
    assert_eq!(old.error_code(), Some(102), "the older keys are void at once");
}

#[tokio::test]
async fn test_people_and_everybody_else_never_meet() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let mut ada = stage.logged_in("ada").await;
    let (keys, bench) = begun(&stage, &mut ada).await;
    let mut tess = logged_in(
        &stage,
        &shown(&keys, "Link that logs in once, for a private window")[0],
    )
    .await;
    let mut bo = stage.logged_in("bo").await;
    let rochambeau = stage.app("Rochambeau").await;
    for (browser, app, may) in [
        (&mut tess, &rochambeau, false),
        (&mut bo, &bench.app, false),
        (&mut ada, &bench.app, true),
    ] {
        let address = format!("/authorize.php?api_key={}", app.api_key);
        // Who may not is told before anything is asked, on every page that would ask.
        for page in ["authorize", "add", "code_gen"] {
            let asked = browser.get(&address.replace("authorize", page)).await;
            assert_eq!(
                asked.status,
                if may { 200 } else { 403 },
                "{page}: {}",
                asked.text()
            );
        }
        browser.get("/settings").await;
        let answer = browser.submit(&address, &[]).await;
        assert_eq!(answer.status, if may { 303 } else { 403 }, "{}", answer.text());
    }
    let refused = bo
        .get(&format!("/authorize.php?api_key={}", bench.app.api_key))
        .await;
    for words in [
        "This application is being tested",
        "Nobody but its developer and their test people",
    ] {
        assert!(refused.text().contains(words), "{}", refused.text());
    }
    let refused = tess
        .get(&format!("/authorize.php?api_key={}", rochambeau.api_key))
        .await;
    for words in ["You are logged in as a test person", "href=\"/logout\""] {
        assert!(refused.text().contains(words), "{}", refused.text());
    }
    // By a password the log in itself is kept.
    let mut fresh = stage.browser();
    let login = format!("/login.php?api_key={}", bench.app.api_key);
    stage
        .server
        .accounts()
        .set_app(
            bench.app.api_key.as_str(),
            &[("callback".to_owned(), "http://t.example/".to_owned())],
        )
        .await
        .unwrap();
    fresh.get(&login).await;
    let name_and_password = [("name", "bo"), ("password", crate::site::stage::PASSWORD)];
    let refused = fresh.submit(&login, &name_and_password).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(fresh.get("/settings").await.status, 200, "bo is logged in");
    let accounts = stage.server.accounts();
    let tess_uid = bench.people[0].uid;
    let bo_uid = accounts.find_user("bo").await.unwrap().uid;
    assert!(accounts.grant(rochambeau.id, tess_uid).await.unwrap().is_none());
    assert!(accounts.grant(bench.app.id, bo_uid).await.unwrap().is_none());
    for (app, user) in [(rochambeau.id, tess_uid), (bench.app.id, bo_uid)] {
        let order = NewSessionOrder {
            app: app.to_string(),
            user: user.to_string(),
            ttl_secs: None,
            session_key: None,
            session_secret: None,
        };
        let refused = accounts.add_session(order).await;
        assert_eq!(refused.unwrap_err(), AccountError::Conflict(Conflict::TestOnly));
        let refused = accounts
            .add_grant(&app.to_string(), &user.to_string(), true)
            .await;
        assert_eq!(refused.unwrap_err(), AccountError::Conflict(Conflict::TestOnly));
    }
    let given = accounts
        .set_app(
            &bench.app.id.to_string(),
            &[("owner".to_owned(), "bo".to_owned())],
        )
        .await;
    assert_eq!(given.unwrap_err(), AccountError::Conflict(Conflict::TestOnly));
    let offered = |apps: Vec<std::sync::Arc<crier_platform::model::app::App>>| {
        apps.iter().map(|app| app.id).collect::<Vec<_>>()
    };
    assert_eq!(
        offered(accounts.apps_open_to(bo_uid).await.unwrap()),
        [rochambeau.id]
    );
    assert_eq!(
        offered(accounts.apps_open_to(tess_uid).await.unwrap()),
        [bench.app.id]
    );
}

#[tokio::test]
async fn test_people_make_no_applications_and_have_no_password() {
    let stage = Stage::open().await;
    let mut ada = stage.logged_in("ada").await;
    let (keys, bench) = begun(&stage, &mut ada).await;
    let mut tess = logged_in(
        &stage,
        &shown(&keys, "Link that logs in once, for a private window")[0],
    )
    .await;
    assert_eq!(tess.get("/developers/new").await.status, 400);
    tess.get("/settings").await;
    assert_eq!(
        tess.submit("/developers/new", &[("name", "Mine")]).await.status,
        400
    );
    tess.get("/settings").await;
    assert_eq!(tess.submit("/developers/test", &[]).await.status, 400);
    let owned = stage
        .server
        .accounts()
        .apps_of(bench.people[0].uid)
        .await
        .unwrap();
    assert!(owned.is_empty());
    let mut thief = stage.browser();
    thief.get("/login").await;
    let name = bench.people[0].name.clone();
    let answer = thief.submit("/login", &[("name", &name), ("password", "")]).await;
    assert_ne!(answer.status, 303);
}

#[tokio::test]
async fn a_link_is_made_for_own_test_people_alone_and_voids_the_one_before() {
    let stage = Stage::open().await;
    let mut ada = stage.logged_in("ada").await;
    let (_, bench) = begun(&stage, &mut ada).await;
    let person = bench.people[0].uid.to_string();
    let mut links = Vec::new();
    for _ in 0..2 {
        ada.get("/developers/test").await;
        let page = ada.submit("/developers/test/link", &[("person", &person)]).await;
        assert_eq!(
            (page.status, page.header("cache-control")),
            (200, Some("no-store"))
        );
        links.push(between(page.text(), "<dd><code>", "</code>").unwrap().to_owned());
    }
    let older = format!("/login/once?{}", links[0].split_once('?').unwrap().1);
    assert_eq!(stage.browser().get(&older).await.status, 400);
    logged_in(&stage, &links[1]).await;
    let bo_uid = stage
        .server
        .accounts()
        .find_user("bo")
        .await
        .unwrap()
        .uid
        .to_string();
    for (who, person) in [
        ("bo", person.as_str()),
        ("ada", &bo_uid),
        ("ada", "x"),
        ("ada", "4711"),
    ] {
        let mut browser = stage.logged_in(who).await;
        browser.get("/developers/test").await;
        let answer = browser
            .submit("/developers/test/link", &[("person", person)])
            .await;
        assert_eq!(answer.status, 404, "{who} {person}");
    }
}

#[tokio::test]
async fn there_are_so_many_test_people_and_the_next_is_counted_as_refused() {
    let stage = Stage::open_with(&[("CRIER__ACCOUNTS__TEST_PEOPLE_MAX", "3")]).await;
    let mut ada = stage.logged_in("ada").await;
    begun(&stage, &mut ada).await;
    // As many as `test_people_max` says: two are there from the beginning.
    ada.get("/developers/test").await;
    assert_eq!(ada.submit("/developers/test/people", &[]).await.status, 303);
    let full = ada.get("/developers/test").await;
    assert!(full.text().contains("as many as there can be") && full.text().contains("Tilda"));
    let refused = ada.submit("/developers/test/people", &[]).await;
    assert!(refused.status == 400 && refused.text().contains("3 test people"));
    assert_eq!(bench(&stage).await.people.len(), 3);
    let line = "crier_server_overflow_total{name=\"accounts.test_people_max\"}";
    assert_eq!(super::console::figure(&stage, line).await.as_deref(), Some("1"));
    let mut bo = stage.logged_in("bo").await;
    bo.get("/developers/test").await;
    for form in ["keys", "people"] {
        let answer = bo.submit(&format!("/developers/test/{form}"), &[]).await;
        assert_eq!(answer.status, 404, "{form} before test mode has begun");
        bo.get("/developers/test").await;
    }
}

#[tokio::test]
async fn one_click_takes_all_of_it_away_and_nothing_else() {
    let stage = Stage::open().await;
    let mut ada = stage.logged_in("ada").await;
    let (keys, bench) = begun(&stage, &mut ada).await;
    let (key, secret) = (&shown(&keys, "API key")[0], &shown(&keys, "Secret")[0]);
    let caller = stage
        .server
        .caller(key, secret)
        .with_session(&shown(&keys, "Session key")[0]);
    caller
        .call("feed.publishStoryToUser", &[("title", "A first story")])
        .await
        .unwrap();
    ada.get("/developers/test").await;
    let ended = ada.submit("/developers/test/end", &[]).await;
    assert_eq!(location(&ended), "/developers/test?done=ended");
    let page = ada.get("/developers/test?done=ended").await;
    assert!(page.text().contains("are gone") && page.text().contains("Begin test mode"));
    let accounts = stage.server.accounts();
    for person in &bench.people {
        assert!(accounts.user(person.uid).await.unwrap().is_none());
    }
    let after = caller.call("users.getLoggedInUser", &[]).await.unwrap();
    assert_eq!(after.error_code(), Some(102), "its keys are void");
    let list = ada.get("/developers").await;
    assert!(list.text().contains("Rochambeau") && !list.text().contains("Test application"));
    let (_, again) = begun(&stage, &mut ada).await;
    assert_eq!((again.app.id, again.people.len()), (bench.app.id, 2));
}
