//! The test page and "Check a story" from outside: every method's form, a call step by step, and a check that leaves no trace.

use crate::site::browser::{Browser, location};
use crate::site::stage::Stage;
use crier_platform::model::app::App;
use crier_proto::params::METHODS;
use std::sync::Arc;

struct Desk {
    stage: Stage,
    ada: Browser,
    app: Arc<App>,
}

impl Desk {
    async fn open() -> Self {
        let stage = Stage::open().await;
        Self {
            ada: stage.logged_in("ada").await,
            app: stage.app("Rochambeau").await,
            stage,
        }
    }

    fn address(&self, page: &str) -> String {
        format!("/developers/{}/{page}", self.app.id)
    }

    /// Fills in the form of a method and sends it.
    async fn make(&mut self, method: &str, fields: &[(&str, &str)]) -> String {
        let address = self.address(&format!("try?method={method}"));
        self.ada.get(&address).await;
        let mut sent = vec![
            ("method", method),
            ("who", "own"),
            ("version", "1"),
            ("verb", "POST"),
        ];
        for field in fields {
            sent.retain(|(name, _)| *name != field.0);
            sent.push(*field);
        }
        let page = self.ada.submit(&address, &sent).await;
        assert_eq!(page.status, 200, "{}", page.text());
        page.text().to_owned()
    }
}

/// A page's text with its escapes undone.
fn plain(page: &str) -> String {
    [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&#38;", "&"),
    ]
    .into_iter()
    .fold(page.to_owned(), |page, (escape, letter)| {
        page.replace(escape, letter)
    })
}

#[tokio::test]
async fn every_method_has_a_form_with_every_parameter_of_its_table() {
    let mut desk = Desk::open().await;
    for method in METHODS {
        let page = desk
            .ada
            .get(&desk.address(&format!("try?method={}", method.name)))
            .await;
        assert!(
            page.text()
                .contains(&format!("<option selected>{}</option>", method.name))
        );
        for param in method.params {
            assert!(
                page.text().contains(&format!("name=\"p_{}\"", param.name)),
                "{} of {}",
                param.name,
                method.name
            );
        }
        assert_eq!(page.text().contains("File part"), method.file);
    }
}

#[tokio::test]
async fn a_call_is_shown_step_by_step_and_the_secret_never() {
    let mut desk = Desk::open().await;
    for version in ["1", "2"] {
        let page = desk
            .make(
                "users.getLoggedInUser",
                &[("version", version), ("p_callback", "My.cb")],
            )
            .await;
        let page = plain(&page);
        for words in [
            ">1240077</users_getLoggedInUser_response>",
            "aria-label=\"The answer in JSON\" dir=\"ltr\">1240077</pre>",
            "/**/My.cb(1240077);</pre>",
            "curl 'http://",
            "--data-urlencode 'method=users.getLoggedInUser'",
            "Content-Type: application/x-www-form-urlencoded",
            "in the log",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(page.contains(if version == "1" {
            "MD5"
        } else {
            "crier-hmac-sha256-2"
        }));
        assert!(!page.contains(desk.app.secret.expose()));
    }
    let list = desk.ada.get(&desk.address("calls")).await;
    assert_eq!(list.text().matches("tried here").count(), 2);
    assert!(!list.text().contains(desk.app.secret.expose()));
    assert!(
        desk.stage
            .server
            .accounts()
            .last_session(desk.app.id, desk.app.owner)
            .await
            .unwrap()
            .is_none(),
        "the session has ended"
    );
}

#[tokio::test]
async fn a_call_is_made_as_a_test_person_in_a_session_that_ends_with_it_and_for_a_test_application_alone() {
    let mut desk = Desk::open().await;
    let accounts = desk.stage.server.accounts().clone();
    let ada = accounts.find_user("ada").await.unwrap();
    accounts.begin_test(&ada).await.unwrap();
    let bench = accounts.test_bench(ada.uid).await.unwrap().unwrap();
    let (tess, theo) = (&bench.people[0], &bench.people[1]);
    let as_tess = format!("test-{}", tess.uid);
    let form = desk.ada.get(&desk.address("try")).await;
    assert!(
        !form.text().contains(&as_tess),
        "not for an application of real people"
    );
    let refused = desk
        .ada
        .submit(
            &desk.address("try?method=users.getLoggedInUser"),
            &[
                ("method", "users.getLoggedInUser"),
                ("who", &as_tess),
                ("version", "1"),
                ("verb", "POST"),
            ],
        )
        .await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("That test person is not there any more."));

    desk.app = bench.app.clone();
    let test_mode = desk.ada.get("/developers/test").await;
    let link = format!("/developers/{}/try?who={as_tess}", bench.app.id);
    assert!(test_mode.text().contains(&format!("href=\"{link}\"")));
    let form = desk.ada.get(&link).await;
    let chosen = format!("value=\"{as_tess}\" checked>");
    assert!(form.text().contains(&chosen), "{}", form.text());
    assert!(
        form.text()
            .contains(&format!("number {}, in a session", theo.uid))
    );
    let before = accounts.audit_after(0).await.unwrap().len();
    let sessions = accounts.last_session(bench.app.id, tess.uid).await.unwrap();
    let page = desk
        .make("users.getLoggedInUser", &[("who", &as_tess), ("version", "2")])
        .await;
    let page = plain(&page);
    for words in [
        format!(">{}</users_getLoggedInUser_response>", tess.uid),
        format!("aria-label=\"The answer in JSON\" dir=\"ltr\">{}</pre>", tess.uid),
        format!("/**/callback({});</pre>", tess.uid),
        "crier-hmac-sha256-2".to_owned(),
        chosen,
        // The next method's form goes on as the same person.
        format!("<input type=\"hidden\" name=\"who\" value=\"{as_tess}\">"),
    ] {
        assert!(page.contains(&words), "{words}: {page}");
    }
    let to_theo = theo.uid.to_string();
    let fields = [
        ("who", as_tess.as_str()),
        ("p_recipient", to_theo.as_str()),
        ("p_event_name", "hello"),
        ("p_message", "1"),
    ];
    let page = desk.make("liveMessage.send", &fields).await;
    assert!(page.contains("role=\"status\">answered"), "{page}");
    let fields = [("who", as_tess.as_str()), ("p_title", "From the console")];
    let page = desk.make("feed.publishStoryToUser", &fields).await;
    assert!(page.contains("role=\"status\">answered"), "{page}");
    let after = accounts.last_session(bench.app.id, tess.uid).await.unwrap();
    assert_eq!(
        after.map(|session| session.id),
        sessions.map(|session| session.id),
        "no session is left of the calls"
    );
    assert_eq!(
        accounts.audit_after(0).await.unwrap().len(),
        before,
        "what a developer does with their test people is their own affair"
    );
    // An address that names somebody who has gone begins with the developer.
    let form = desk.ada.get(&desk.address("try?who=test-77")).await;
    assert!(form.text().contains("value=\"own\" checked>"), "{}", form.text());
}

#[tokio::test]
async fn refusals_files_and_nobodys_calls_can_be_tried() {
    let mut desk = Desk::open().await;
    let page = desk.make("liveMessage.send", &[("p_recipient", "x")]).await;
    assert!(page.contains("100 Invalid parameter: recipient"), "{page}");
    let page = desk.make("photos.upload", &[("file", "picture")]).await;
    assert!(
        page.contains("&lt;pid&gt;") || page.contains("&#60;pid&#62;"),
        "{page}"
    );
    let page = desk.make("photos.upload", &[("file", "text")]).await;
    assert!(page.contains("324 Missing or invalid image file"), "{page}");
    let page = desk
        .make("auth.createToken", &[("who", "nobody"), ("verb", "GET")])
        .await;
    assert!(page.contains("role=\"status\">answered"), "{page}");
    let page = desk.make("auth.expireSession", &[]).await;
    assert!(page.contains("role=\"status\">answered"), "{page}");
    let page = desk
        .make(
            "auth.createToken",
            &[("who", "nobody"), ("further", "nonsense[]=1")],
        )
        .await;
    assert!(
        page.contains("a parameter name must be 1 to 40 letters"),
        "{page}"
    );
}

#[tokio::test]
async fn a_call_over_several_lines_is_sent_with_line_feeds() {
    let mut desk = Desk::open().await;
    desk.stage
        .server
        .accounts()
        .add_grant("Rochambeau", "ada", true)
        .await
        .unwrap();
    let fields = [
        ("p_recipient", "1240077"),
        ("p_event_name", "e"),
        ("p_message", "a\r\nb"),
    ];
    let page = desk.make("liveMessage.send", &fields).await;
    assert!(page.contains("role=\"status\">answered"), "{page}");
    assert!(
        page.contains("message=a%0Ab&") || page.contains("message=a%0Ab&#38;"),
        "{page}"
    );
}

#[tokio::test]
async fn a_story_is_checked_with_counts_and_both_spellings_and_leaves_no_trace() {
    let mut desk = Desk::open().await;
    desk.stage.grant("Rochambeau").await;
    let address = desk.address("story");
    desk.ada.get(&address).await;
    let before = desk.stage.server.exported("bo").await.unwrap();
    let long = "x".repeat(61);
    let fields = [
        ("user", "563683308"),
        ("title", long.as_str()),
        ("body", "<b>Rock</b> & <a href=\"http://e.example/\">paper</a>"),
        ("image_2", "http://e.example/2.png"),
    ];
    let page = desk.ada.submit(&address, &fields).await;
    for words in [
        "A call would be refused for the first of these.",
        "100 Invalid parameter: title has 61 displayed characters, limit 60",
        "343 Feed story title is too long: title has 61 displayed characters, limit 60",
        "348 Feed story photo link invalid: image_2_link is missing",
        "<td class=\"over\">61</td><td>60</td>",
        "<b>Rock</b>",
        "title=\"e.example\">paper</span>",
    ] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    let good = [
        ("user", "563683308"),
        ("title", "Hi"),
        ("image_1", "http://e.example/1"),
        ("image_1_link", "http://e.example/"),
    ];
    let page = desk.ada.submit(&address, &good).await;
    assert!(page.text().contains("A call would be answered 1.") && page.text().contains("picture 1"));
    assert_eq!(desk.stage.server.exported("bo").await.unwrap(), before);
    desk.stage.publish("Rochambeau", &[("title", "Hi")]).await;
    let page = desk.ada.submit(&address, &good).await;
    assert!(
        page.text().contains("the twelve hours are not over"),
        "{}",
        page.text()
    );
    assert!(
        page.text()
            .contains("340 Feed publication request limit reached: one story in 12 hours")
    );
    let page = desk
        .ada
        .submit(&address, &[("user", "1240077"), ("title", "Hi")])
        .await;
    assert!(page.text().contains("You own the application"), "{}", page.text());
    let page = desk
        .ada
        .submit(&address, &[("user", "77"), ("title", "Hi")])
        .await;
    assert!(page.text().contains("would be answered 0"), "{}", page.text());
    let page = desk
        .ada
        .submit(&address, &[("user", "ada"), ("title", "Hi")])
        .await;
    assert!(page.text().contains("A user is named by their number."));
    assert_eq!(location(&page), "");
}
