//! The pages of administration: for administrators alone, and what may be done there, with its entry in the audit log.

use crate::site::browser::{Browser, between, location};
use crate::site::stage::{PASSWORD, Stage};
use crier_platform::accounts::admin::{NewUser, UserChange};
use crier_platform::model::audit::{AuditQuery, KeptEntry};
use crier_proto::ids::Uid;

const BO: i64 = 563_683_308;

/// A stage on which ada is an administrator, in her browser, and bo is not.
async fn open() -> (Stage, Browser) {
    let stage = Stage::open().await;
    let change = UserChange {
        admin: Some(true),
        ..UserChange::default()
    };
    stage.server.accounts().set_user("ada", change).await.unwrap();
    let ada = stage.logged_in("ada").await;
    (stage, ada)
}

/// The last entries of the audit log, newest first: actor, act and subject.
async fn told(stage: &Stage, limit: u32) -> Vec<String> {
    let query = AuditQuery {
        limit,
        ..AuditQuery::default()
    };
    let kept = stage.server.accounts().audit_page(query).await.unwrap();
    let entries = kept.iter().filter_map(KeptEntry::entry);
    entries
        .map(|entry| format!("{} {} {}", entry.actor, entry.act, entry.subject))
        .collect()
}

/// Opens a page and sends one of its forms.
async fn submitted(browser: &mut Browser, page: &str, form: &str, fields: &[(&str, &str)]) -> String {
    assert_eq!(browser.get(page).await.status, 200, "{page}");
    let answer = browser.submit(form, fields).await;
    assert_eq!(answer.status, 303, "{form}: {}", answer.text());
    location(&answer).to_owned()
}

#[tokio::test]
async fn for_whoever_is_no_administrator_there_are_no_such_pages() {
    let (stage, mut ada) = open().await;
    let app = stage.app("Rochambeau").await.id;
    let person = format!("/admin/people/{BO}");
    let application = format!("/admin/applications/{app}");
    let mut bo = stage.logged_in("bo").await;
    let missing = bo.get("/no/such/page").await;
    assert_eq!(missing.status, 404);
    for page in [
        "/admin",
        "/admin/people",
        &person,
        "/admin/people/1",
        "/admin/applications",
        &application,
        "/admin/takedowns",
        "/admin/audit",
        "/admin/audit/verify",
        "/admin/audit/export",
    ] {
        let answer = bo.get(page).await;
        assert_eq!((answer.status, answer.text()), (404, missing.text()), "{page}");
        let answer = stage.browser().get(page).await;
        assert!(location(&answer).starts_with("/login?then=%2Fadmin"), "{page}");
    }
    let before = told(&stage, 1_000).await;
    bo.get("/settings").await;
    let token = bo.form_token();
    for (form, fields) in [
        (format!("{person}/suspend"), vec![]),
        (format!("{person}/restore"), vec![]),
        (format!("{person}/link"), vec![]),
        (format!("{person}/end"), vec![]),
        (format!("{person}/erase"), vec![("name", "bo")]),
        (format!("{application}/disable"), vec![]),
        (format!("{application}/enable"), vec![]),
        (format!("{application}/quota"), vec![("calls_per_minute", "0")]),
        (format!("{application}/owner"), vec![("owner", "bo")]),
        (format!("{application}/erase"), vec![("name", "Rochambeau")]),
        ("/admin/takedowns/picture".to_owned(), vec![("hash", "0")]),
        ("/admin/takedowns/story".to_owned(), vec![("story", "1")]),
    ] {
        let answer = bo.post(&form, Some(&token), &fields).await;
        assert_eq!((answer.status, answer.text()), (404, missing.text()), "{form}");
    }
    assert_eq!(told(&stage, 1_000).await, before);
    assert!(!bo.get("/settings").await.text().contains("/admin"));
    assert!(ada.get("/settings").await.text().contains("href=\"/admin\""));
    let change = UserChange {
        admin: Some(false),
        ..UserChange::default()
    };
    stage.server.accounts().set_user("ada", change).await.unwrap();
    assert_eq!(ada.get("/admin/people").await.status, 404, "at once");
}

#[tokio::test]
async fn people_are_found_by_a_part_of_their_name_or_by_their_number_and_in_pages() {
    let (stage, mut ada) = open().await;
    for number in 0..60 {
        let user = NewUser {
            name: format!("Guest {number:02}%_"),
            uid: Uid::new(1_000 + number),
            ..NewUser::default()
        };
        stage.server.accounts().add_user(user).await.unwrap();
    }
    let page = ada.get("/admin/people?q=GUEST+1").await;
    assert_eq!(page.text().matches("<li>\n<a href=\"/admin/people/").count(), 10);
    assert!(page.text().contains(">Guest 19%_</a>") && !page.text().contains(">Guest 20%_</a>"));
    let page = ada.get("/admin/people?q=%25_").await;
    let more = between(page.text(), "href=\"/admin/people?q=", "\">More").unwrap();
    assert_eq!(more, "%25_&#38;after=Guest%2049%25_");
    let rest = ada.get("/admin/people?q=%25_&after=Guest%2049%25_").await;
    assert_eq!(rest.text().matches("<li>\n<a href=\"/admin/people/").count(), 10);
    assert!(!rest.text().contains(">More<"));
    let page = ada.get(&format!("/admin/people?q={BO}")).await;
    assert!(page.text().contains(">bo</a>") && !page.text().contains("Guest"));
    assert!(
        ada.get("/admin/people?q=nobody")
            .await
            .text()
            .contains("Nobody has this")
    );
    for unknown in ["1", "x", "0", "-1", "9223372036854775808"] {
        assert_eq!(
            ada.get(&format!("/admin/people/{unknown}")).await.status,
            404,
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn a_person_is_suspended_and_restored_and_nobody_suspends_themselves() {
    let (stage, mut ada) = open().await;
    let person = format!("/admin/people/{BO}");
    let mut bo = stage.logged_in("bo").await;
    let done = submitted(&mut ada, &person, &format!("{person}/suspend"), &[]).await;
    assert_eq!(done, format!("{person}?done=suspended"));
    assert!(ada.get(&done).await.text().contains("role=\"status\">Suspended."));
    assert_eq!(location(&bo.get("/settings").await), "/login?then=%2Fsettings");
    bo.get("/login").await;
    let refused = bo
        .submit("/login", &[("name", "bo"), ("password", PASSWORD)])
        .await;
    assert_eq!(refused.status, 200, "{}", location(&refused));
    ada.get(&person).await;
    let refused = ada.submit(&format!("{person}/link"), &[]).await;
    assert_eq!(refused.status, 400);
    submitted(&mut ada, &person, &format!("{person}/restore"), &[]).await;
    stage.logged_in("bo").await;
    assert_eq!(
        told(&stage, 2).await,
        vec![format!("person:1240077 user.set user:{BO}"); 2]
    );
    ada.get("/admin/people/1240077").await;
    for act in ["suspend", "erase"] {
        let refused = ada
            .submit(&format!("/admin/people/1240077/{act}"), &[("name", "ada")])
            .await;
        assert!(
            refused.status == 400 && refused.text().contains("your own account"),
            "{act}"
        );
        ada.get("/admin/people/1240077").await;
    }
}

#[tokio::test]
async fn a_link_logs_in_once_and_both_its_making_and_its_use_are_told() {
    let (stage, mut ada) = open().await;
    let person = format!("/admin/people/{BO}");
    ada.get(&person).await;
    let shown = ada.submit(&format!("{person}/link"), &[]).await;
    assert_eq!(
        (shown.status, shown.header("cache-control")),
        (200, Some("private, no-store"))
    );
    let token = between(shown.text(), "/login/once?token=", "<")
        .unwrap()
        .to_owned();
    let address = format!("/login/once?token={token}");
    let mut guest = stage.browser();
    guest.get(&address).await;
    let logged_in = guest.submit("/login/once", &[("token", &token)]).await;
    assert_eq!(location(&logged_in), "/feed");
    assert!(guest.get("/settings").await.text().contains("number 563683308"));
    assert_eq!(stage.browser().get(&address).await.status, 400);
    assert_eq!(
        told(&stage, 2).await,
        [
            format!("system login_link.use user:{BO}"),
            format!("person:1240077 login_link.add user:{BO}"),
        ]
    );
    let log = ada.get("/admin/audit").await;
    assert!(!log.text().contains(&token));
}

#[tokio::test]
async fn ending_all_sessions_ends_logins_and_sessions_and_permits_new_ones() {
    let (stage, mut ada) = open().await;
    let caller = stage.caller("Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    let person = format!("/admin/people/{BO}");
    submitted(&mut ada, &person, &format!("{person}/end"), &[]).await;
    assert_eq!(location(&bo.get("/settings").await), "/login?then=%2Fsettings");
    let ended = caller.call("users.getLoggedInUser", &[]).await.unwrap();
    assert_eq!(ended.error_code(), Some(102), "{}", ended.text());
    stage.logged_in("bo").await;
    assert_eq!(
        told(&stage, 1).await,
        [format!("person:1240077 user.end_access user:{BO}")]
    );
}

#[tokio::test]
async fn erasing_asks_for_the_name_and_leaves_the_log_and_its_chain() {
    let (stage, mut ada) = open().await;
    let person = format!("/admin/people/{BO}");
    let erase = format!("{person}/erase");
    let owned = stage.server.accounts();
    let give = [("owner".to_owned(), "bo".to_owned())];
    owned.set_app("Rochambeau", &give).await.unwrap();
    let asked = ada.get(&erase).await;
    assert!(
        asked.text().contains("They still own applications"),
        "{}",
        asked.text()
    );
    let give = [("owner".to_owned(), "ada".to_owned())];
    owned.set_app("Rochambeau", &give).await.unwrap();
    ada.get(&erase).await;
    for wrong in ["", "Bo", "bo ", "ada"] {
        let refused = ada.submit(&erase, &[("name", wrong)]).await;
        assert!(refused.text().contains("Nothing was erased"), "{wrong}");
        ada.get(&erase).await;
    }
    let erased = ada.submit(&erase, &[("name", "bo")]).await;
    assert_eq!(location(&erased), "/admin/people?done=erased");
    assert_eq!(ada.get(&person).await.status, 404);
    assert_eq!(
        told(&stage, 1).await,
        [format!("person:1240077 user.erase user:{BO}")]
    );
    let verified = ada.get("/admin/audit/verify").await;
    assert!(verified.text().contains("The chain holds"), "{}", verified.text());
}

#[tokio::test]
async fn an_application_is_switched_off_given_a_quota_and_another_owner_by_administrators_alone() {
    let (stage, mut ada) = open().await;
    let app = stage.app("Rochambeau").await;
    let page = format!("/admin/applications/{}", app.id);
    let caller = stage.caller("Rochambeau").await;
    let found = ada.get("/admin/applications?q=rocham").await;
    assert!(found.text().contains(&format!("href=\"{page}\"")));
    for search in [app.api_key.as_str(), &app.id.to_string()] {
        let found = ada.get(&format!("/admin/applications?q={search}")).await;
        assert!(found.text().contains(&format!("href=\"{page}\"")), "{search}");
    }
    let quota = [("calls_per_minute", "2")];
    submitted(&mut ada, &page, &format!("{page}/quota"), &quota).await;
    for wrong in ["", "-1", "two", "4294967296"] {
        ada.get(&page).await;
        let refused = ada
            .submit(&format!("{page}/quota"), &[("calls_per_minute", wrong)])
            .await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(
            caller
                .call("users.getLoggedInUser", &[])
                .await
                .unwrap()
                .error_code(),
        );
    }
    assert_eq!(codes, [None, None, Some(4)]);
    submitted(&mut ada, &page, &format!("{page}/owner"), &[("owner", "bo")]).await;
    assert_eq!(stage.app("Rochambeau").await.owner.get(), BO);
    submitted(&mut ada, &page, &format!("{page}/disable"), &[]).await;
    let refused = caller.call("users.getLoggedInUser", &[]).await.unwrap();
    assert_eq!(refused.error_code(), Some(101), "{}", refused.text());
    submitted(&mut ada, &page, &format!("{page}/enable"), &[]).await;
    assert!(stage.app("Rochambeau").await.enabled);
    let expected = format!("person:1240077 app.set app:{}", app.id);
    assert_eq!(told(&stage, 4).await, [expected.as_str(); 4]);
    assert!(ada.get(&page).await.text().contains("calls_per_minute 6000 → 2"));
}

#[tokio::test]
async fn the_log_is_filtered_paged_verified_and_downloaded() {
    let (stage, mut ada) = open().await;
    for number in 1..=55 {
        let user = NewUser {
            name: format!("Guest {number}"),
            uid: Uid::new(number),
            ..NewUser::default()
        };
        stage.server.accounts().add_user(user).await.unwrap();
    }
    let rows = |page: &str| page.matches("<p><b>").count();
    let newest = ada.get("/admin/audit").await;
    assert_eq!(rows(newest.text()), 50);
    let more = between(newest.text(), "href=\"/admin/audit?actor=&#38;", "\">Older").unwrap();
    let older = ada
        .get(&format!("/admin/audit?{}", more.replace("&#38;", "&")))
        .await;
    assert!((5..50).contains(&rows(older.text())), "{}", older.text());
    assert!(!older.text().contains(">Older<"));
    let about = ada.get("/admin/audit?subject=user%3A7").await;
    assert_eq!(rows(about.text()), 1);
    assert!(about.text().contains("<bdi dir=\"auto\">Guest 7</bdi>"));
    assert_eq!(rows(ada.get("/admin/audit?actor=command_line").await.text()), 0);
    let file = ada.get("/admin/audit/export").await;
    assert_eq!(
        (file.header("content-type"), file.header("content-disposition")),
        (
            Some("text/plain; charset=utf-8"),
            Some("attachment; filename=\"audit.log\"")
        )
    );
    let kept = stage.server.accounts().audit_after(0).await.unwrap();
    let lines: Vec<String> = kept
        .iter()
        .map(|kept| String::from_utf8(kept.line()).unwrap())
        .collect();
    assert_eq!(file.text().lines().collect::<Vec<_>>(), lines);
    let verified = ada.get("/admin/audit/verify").await;
    let head = stage.server.accounts().verify_audit(None).await.unwrap().unwrap();
    assert!(
        verified.text().contains(&format!("<code>{head}</code>")),
        "{}",
        verified.text()
    );
}

#[tokio::test]
async fn a_picture_is_looked_up_shown_and_blocked() {
    let (stage, mut ada) = open().await;
    let hash = "0a".repeat(32);
    for named in [hash.clone(), format!("http%3A%2F%2Fx.example%2Fp%2F{hash}.png")] {
        let found = ada.get(&format!("/admin/takedowns?picture={named}")).await;
        assert!(
            found.text().contains(&format!("name=\"hash\" value=\"{hash}\"")),
            "{named}"
        );
        assert!(found.text().contains("not shown anywhere"), "{named}");
    }
    let unknown = ada
        .get("/admin/takedowns?picture=http%3A%2F%2Fx.example%2Fa.png")
        .await;
    assert!(unknown.text().contains("No picture was found"));
    let page = format!("/admin/takedowns?picture={hash}");
    let done = submitted(&mut ada, &page, "/admin/takedowns/picture", &[("hash", &hash)]).await;
    assert_eq!(done, "/admin/takedowns?done=blocked");
    assert_eq!(
        told(&stage, 1).await,
        [format!("person:1240077 picture.block picture:{hash}")]
    );
    ada.get(&page).await;
    let refused = ada.submit("/admin/takedowns/picture", &[("hash", "x")]).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_reported_story_is_listed_shown_and_taken_down_for_everybody() {
    let (stage, mut ada) = open().await;
    stage.grant("Rochambeau").await;
    stage.publish("Rochambeau", &[("title", "Buy my hat")]).await;
    let mut bo = stage.logged_in("bo").await;
    let story = crate::site::stage::first_story(&bo.get("/feed").await);
    let page = "/admin/takedowns";
    assert!(ada.get(page).await.text().contains("Nothing is reported"));
    bo.get("/feed").await;
    bo.submit("/feed/report/spam", &[("story", &story)]).await;
    let listed = ada.get(page).await;
    let link = format!("href=\"/admin/takedowns?story={story}\" dir=\"auto\">Buy my hat</a>");
    assert!(listed.text().contains(&link), "{}", listed.text());
    assert!(listed.text().contains(">spam · <time"), "{}", listed.text());
    let shown = format!("{page}?story={story}");
    let done = submitted(&mut ada, &shown, "/admin/takedowns/story", &[("story", &story)]).await;
    assert_eq!(done, "/admin/takedowns?done=taken_down");
    assert!(ada.get(page).await.text().contains("Nothing is reported"));
    assert!(!bo.get("/feed/hidden").await.text().contains("Buy my hat"));
    assert_eq!(
        told(&stage, 1).await,
        [format!("person:1240077 story.take_down story:{story}")]
    );
    // Whoever meets it is told: its reader by its links and its "Why?", its developer in Insights.
    let gone = bo.get(&format!("/go/{story}/t")).await;
    assert_eq!(gone.status, 410);
    for words in [
        "An administrator took it down on ",
        &format!("href=\"/feed/why/{story}\""),
    ] {
        assert!(gone.text().contains(words), "{words}: {}", gone.text());
    }
    let why = bo.get(&format!("/feed/why/{story}")).await;
    assert!(
        why.text().contains("An administrator took it down on "),
        "{}",
        why.text()
    );
    assert_eq!(ada.get(&format!("/go/{story}/t")).await.status, 404, "not hers");
    let insights = format!("/developers/{}/insights", stage.app("Rochambeau").await.id);
    let told_of = ada.get(&insights).await;
    for words in [
        "Stories taken down",
        &format!("<p>Story <code>{story}</code></p>"),
    ] {
        assert!(told_of.text().contains(words), "{words}: {}", told_of.text());
    }
    let report = ada.get(&format!("{insights}.json")).await.json();
    assert_eq!(report["taken_down"].as_array().unwrap().len(), 1);
    assert_eq!(
        report["taken_down"][0]["story"].to_string().trim_matches('"'),
        story
    );
    for unknown in [story.as_str(), "x", "999999"] {
        let page = ada.get(&format!("{page}?story={unknown}")).await;
        assert!(page.text().contains("no story with that number"), "{unknown}");
    }
    for unknown in ["x", "999999"] {
        ada.get(page).await;
        let refused = ada.submit("/admin/takedowns/story", &[("story", unknown)]).await;
        assert_eq!(refused.status, 400, "{unknown}");
    }
}

/// The rows of a page's table of quotas: of what, used, limit.
fn quotas(page: &str) -> Vec<[String; 3]> {
    let table = between(page, "aria-label=\"Table of quotas\"", "</table>").unwrap();
    let rows = table.split("<tr><th scope=\"row\">").skip(1);
    rows.map(|row| {
        let row = row
            .replace(" class=\"over\"", "")
            .replace("<span class=\"quiet\">", "");
        let mut cells = row.split("<td>");
        let words = cells.next().unwrap().split('<').next().unwrap().to_owned();
        let [used, limit] =
            [cells.next(), cells.next()].map(|cell| cell.unwrap().split('<').next().unwrap().to_owned());
        [words, used, limit]
    })
    .collect()
}

#[tokio::test]
async fn what_is_used_of_each_quota_stands_beside_its_limit() {
    let (stage, mut ada) = open().await;
    let app = stage.app("Rochambeau").await.id;
    let accounts = stage.server.accounts();
    let limit = [("calls_per_minute".to_owned(), "2".to_owned())];
    accounts.set_app("Rochambeau", &limit).await.unwrap();
    let page = format!("/admin/applications/{app}");
    let calls = |used: &str, limit: &str| ["Calls in this minute", used, limit].map(str::to_owned);
    let shown = ada.get(&page).await;
    assert_eq!(quotas(shown.text())[0], calls("0", "2"));
    assert!(!shown.text().contains("class=\"over\""));
    let caller = stage.caller("Rochambeau").await;
    for _ in 0..3 {
        caller.call("users.getLoggedInUser", &[]).await.unwrap();
    }
    let shown = ada.get(&page).await;
    let rows = quotas(shown.text());
    assert_eq!(rows[0], calls("2", "2"));
    assert_eq!(
        rows[1],
        ["Pictures fetched in this hour", "0", "600"].map(str::to_owned)
    );
    assert_eq!(
        rows[2],
        ["Fetched for them", "0 MiB", "300 MiB"].map(str::to_owned)
    );
    assert!(
        shown.text().contains("<td class=\"over\">2</td>"),
        "{}",
        shown.text()
    );
    let listed = ada.get("/admin/applications").await;
    assert!(
        listed.text().contains("calls in this minute: 2 of 2<"),
        "{}",
        listed.text()
    );
    let console = ada.get(&format!("/developers/{app}")).await;
    assert!(
        console.text().contains("(2 used in this minute)"),
        "{}",
        console.text()
    );
    stage.server.clock.advance_ms(60_000);
    let none = [("calls_per_minute".to_owned(), "0".to_owned())];
    accounts.set_app("Rochambeau", &none).await.unwrap();
    assert_eq!(quotas(ada.get(&page).await.text())[0], calls("0", "none"));
    // A person's: ada owns one application, and her test application is not counted with it.
    let owner = accounts.find_user("ada").await.unwrap();
    accounts.begin_test(&owner).await.unwrap();
    let test = accounts.test_bench(owner.uid).await.unwrap().unwrap();
    let rows = |page: &str| {
        quotas(page)
            .into_iter()
            .map(|row| row.join(" "))
            .collect::<Vec<_>>()
    };
    let hers = ada.get("/admin/people/1240077").await;
    assert_eq!(
        rows(hers.text()),
        [
            "Applications, without the test application 1 50",
            "Test people 2 10",
            "Private feeds 0 5",
            "Photos 0 1,000"
        ]
    );
    let of_a_test_person = ada.get(&format!("/admin/people/{}", test.people[0].uid)).await;
    assert_eq!(
        rows(of_a_test_person.text()),
        ["Private feeds 0 5", "Photos 0 1,000"],
        "test people make no applications"
    );
}

#[tokio::test]
async fn an_application_is_erased_when_its_name_is_written_out() {
    let (stage, mut ada) = open().await;
    let caller = stage.caller("Rochambeau").await;
    let app = stage.app("Rochambeau").await.id;
    let erase = format!("/admin/applications/{app}/erase");
    for wrong in ["", "rochambeau", "Rochambeau "] {
        ada.get(&erase).await;
        let refused = ada.submit(&erase, &[("name", wrong)]).await;
        assert!(refused.text().contains("Nothing was erased"), "{wrong}");
    }
    let name = [("name", "Rochambeau")];
    let done = submitted(&mut ada, &erase, &erase, &name).await;
    assert_eq!(done, "/admin/applications?done=app_erased");
    assert_eq!(ada.get(&erase).await.status, 404);
    let refused = caller.call("users.getLoggedInUser", &[]).await.unwrap();
    assert_eq!(refused.error_code(), Some(101), "{}", refused.text());
    assert_eq!(
        told(&stage, 1).await,
        [format!("person:1240077 app.erase app:{app}")]
    );
}
