//! The News Feed from outside: what a call published, and what its reader does with it.

use crate::site::browser::{between, location};
use crate::site::stage::{Stage, first_story};
use crier_platform::model::app::AppKind;
use crier_testkit::Answer;

const TITLE: &str = "title";
const BODY: &str = "body";

async fn with_story() -> Stage {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let params = [
        (TITLE, "You beat <a href=\"http://rps.example/?a=1&b=2\">ada</a>"),
        (
            BODY,
            "<b>Paper</b> covers <i>rock</i> & 1 < 2 <a href=\"https://b.example/\">again</a>",
        ),
        ("image_1", "http://pictures.example/1.png"),
        ("image_1_link", "http://pictures.example/page"),
    ];
    stage.publish("Rochambeau", &params).await;
    stage
}

/// The mark of the view that a page belongs to.
fn view_of(page: &Answer) -> &str {
    between(page.text(), "name=\"v\" value=\"", "\"").unwrap()
}

#[tokio::test]
async fn a_published_story_stands_in_its_readers_feed_with_its_links_and_boxes() {
    let stage = with_story().await;
    let page = stage.logged_in("bo").await.get("/feed").await;
    let id = first_story(&page);
    let text = page.text();
    let v = view_of(&page);
    let link = |key: &str, host: &str| {
        format!("<a href=\"/go/{id}/{key}?v={v}\" rel=\"nofollow noopener noreferrer ugc\" title=\"{host}\">")
    };
    assert!(
        text.contains(&format!("You beat {}ada</a></h2>", link("t", "rps.example"))),
        "{text}"
    );
    let body = format!(
        "<b>Paper</b> covers <i>rock</i> &#38; 1 &#60; 2 {}again</a></p>",
        link("b0", "b.example")
    );
    assert!(text.contains(&body), "{text}");
    assert!(
        text.contains(&link("p1", "pictures.example")) && text.contains("picture 1 of 1"),
        "{text}"
    );
    assert!(
        text.contains("<span dir=\"auto\">Rochambeau</span> · <time datetime=\"2026-11-21T"),
        "{text}"
    );
    assert!(!text.contains("<img") && !text.contains("http://"), "{text}");
    let other = stage.logged_in("ada").await.get("/feed").await;
    assert!(!other.text().contains("You beat"));
}

#[tokio::test]
async fn of_stories_alike_the_newest_stand_first_and_more_stories_goes_on_for_an_hour() {
    let stage = Stage::open().await;
    for number in 1..=27 {
        let name = format!("App {number}");
        stage.add_app(&name, "", AppKind::Web).await;
        stage.grant(&name).await;
        stage
            .publish(&name, &[(TITLE, &format!("Story {number}."))])
            .await;
    }
    let mut bo = stage.logged_in("bo").await;
    let first = bo.get("/feed").await;
    // The last five slots are for applications without a place: which, no age decides.
    let places: Vec<usize> = (8..=27)
        .rev()
        .map(|number| first.text().find(&format!("Story {number}.")).unwrap())
        .collect();
    assert!(places.is_sorted());
    let more = between(first.text(), "href=\"/feed?cursor=", "\"")
        .unwrap()
        .to_owned();
    let second = bo.get(&format!("/feed?cursor={more}")).await;
    for number in 1..=27 {
        let story = format!("Story {number}.");
        assert_ne!(
            first.text().contains(&story),
            second.text().contains(&story),
            "{story}"
        );
    }
    assert!(!second.text().contains("More stories"));
    let foreign = stage
        .logged_in("ada")
        .await
        .get(&format!("/feed?cursor={more}"))
        .await;
    assert_eq!(location(&foreign), "/feed?notice=cursor");
    for odd in ["0", "-1", "x", &more[1..]] {
        let answer = bo.get(&format!("/feed?cursor={odd}")).await;
        assert_eq!(
            (answer.status, location(&answer)),
            (303, "/feed?notice=cursor"),
            "{odd}"
        );
    }
    let notice = bo.get("/feed?notice=cursor").await;
    assert!(
        notice.text().contains("That page of the feed is no longer kept"),
        "{}",
        notice.text()
    );
    stage.server.clock.advance_ms(3_600_000);
    let expired = bo.get(&format!("/feed?cursor={more}")).await;
    assert_eq!(location(&expired), "/feed?notice=cursor");
}

#[tokio::test]
async fn hiding_leaves_one_line_with_an_undo_and_undo_brings_the_story_back() {
    let stage = with_story().await;
    let mut bo = stage.logged_in("bo").await;
    let first = bo.get("/feed").await;
    let id = first_story(&first);
    let here = between(first.text(), "name=\"at\" value=\"", "\"").unwrap();
    let hidden = bo.submit("/feed/hide", &[("story", &id), ("at", here)]).await;
    assert_eq!(
        (hidden.status, location(&hidden)),
        (303, format!("/feed?cursor={here}#s{id}").as_str())
    );
    let page = bo.get(&format!("/feed?cursor={here}")).await;
    assert!(
        page.text().contains("Hidden. ") && page.text().contains(">Undo</button>"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("I don't want this application here"));
    assert!(!page.text().contains("You beat"), "{}", page.text());
    let next = bo.get("/feed").await;
    assert!(
        next.text().contains("<b>1</b> that you have hidden"),
        "{}",
        next.text()
    );
    let missed = bo.get("/feed/missed").await;
    assert!(missed.text().contains("You hid it on "), "{}", missed.text());
    let list = bo.get("/feed/hidden").await;
    assert!(list.text().contains("You beat"), "{}", list.text());
    let back = bo
        .submit("/feed/undo", &[("story", &id), ("back", "hidden")])
        .await;
    assert_eq!((back.status, location(&back)), (303, "/feed/hidden"));
    assert!(bo.get("/feed").await.text().contains("You beat"));
}

#[tokio::test]
async fn another_persons_story_can_be_neither_hidden_nor_followed_nor_switched_off() {
    let stage = with_story().await;
    let mut bo = stage.logged_in("bo").await;
    let id = first_story(&bo.get("/feed").await);
    let mut ada = stage.logged_in("ada").await;
    ada.get("/settings").await;
    let token = ada.form_token();
    for path in ["/feed/hide", "/feed/undo", "/feed/unwanted"] {
        for story in [id.as_str(), "4711", "0", "x", ""] {
            let answer = ada.post(path, Some(&token), &[("story", story)]).await;
            assert_eq!(answer.status, 404, "{path} {story}");
        }
    }
    assert_eq!(ada.get(&format!("/go/{id}/t")).await.status, 404);
    assert!(bo.get("/feed").await.text().contains("You beat"));
}

#[tokio::test]
async fn a_link_leads_to_the_stored_address_and_to_nothing_else() {
    let stage = with_story().await;
    let mut bo = stage.logged_in("bo").await;
    let id = first_story(&bo.get("/feed").await);
    for (key, address) in [
        ("t", "http://rps.example/?a=1&b=2"),
        ("b0", "https://b.example/"),
        ("p1", "http://pictures.example/page"),
        ("t?v=1.0123456789abcdef", "http://rps.example/?a=1&b=2"),
    ] {
        let answer = bo.get(&format!("/go/{id}/{key}")).await;
        assert_eq!((answer.status, location(&answer)), (303, address), "{key}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    for path in [
        format!("/go/{id}/b1"),
        format!("/go/{id}/p2"),
        "/go/4711/t".to_owned(),
        "/go/x/t".to_owned(),
    ] {
        assert_eq!(bo.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(stage.browser().get(&format!("/go/{id}/t")).await.status, 404);
}

#[tokio::test]
async fn an_unwanted_application_is_switched_off_and_its_next_call_answers_no() {
    let stage = with_story().await;
    let mut bo = stage.logged_in("bo").await;
    let id = first_story(&bo.get("/feed").await);
    let answer = bo.submit("/feed/unwanted", &[("story", &id)]).await;
    let app = stage.app("Rochambeau").await.id;
    let way = format!("/feed?off={app}#s{id}");
    assert_eq!((answer.status, location(&answer)), (303, way.as_str()));
    let told = bo.get(&format!("/feed?off={app}")).await;
    let notice = "Stories of <bdi dir=\"auto\">Rochambeau</bdi> are switched off.";
    assert!(told.text().contains(notice), "{}", told.text());
    let page = bo.get("/feed").await;
    assert!(page.text().contains("Nothing to show just now") && !page.text().contains(notice));
    assert!(
        page.text()
            .contains("<b>1</b> of applications that are switched off"),
        "{}",
        page.text()
    );
    stage.server.clock.advance_ms(43_200_000);
    let caller = stage.caller("Rochambeau").await;
    let refused = caller
        .call("feed.publishStoryToUser", &[(TITLE, "Again")])
        .await
        .unwrap();
    assert!(refused.error_code().is_none(), "{}", refused.text());
    assert!(!bo.get("/feed").await.text().contains("Again"));
}

#[tokio::test]
async fn empty_feeds_say_why() {
    let stage = Stage::open().await;
    let mut bo = stage.logged_in("bo").await;
    let nobody = bo.get("/feed").await;
    assert!(
        nobody.text().contains("Nobody may write to you yet"),
        "{}",
        nobody.text()
    );
    assert!(nobody.text().contains("/authorize.php?api_key="));
    stage.grant("Rochambeau").await;
    assert!(bo.get("/feed").await.text().contains("Nothing yet"));
    stage.publish("Rochambeau", &[(TITLE, "Soon gone")]).await;
    stage.server.clock.advance_ms(604_800_000);
    let old = bo.get("/feed").await;
    assert!(
        old.text().contains("<b>1</b> older than seven days"),
        "{}",
        old.text()
    );
}

#[tokio::test]
async fn hostile_text_stays_text_on_the_page() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let params = [
        (
            TITLE,
            "&lt;script&gt;alert(1)&lt;/script&gt; \" onmouseover=alert(2) '",
        ),
        (
            BODY,
            "<a href='http://e.example/?\"onclick=alert(3)'>x</a>\u{202e}gnol",
        ),
    ];
    let refused = stage
        .caller("Rochambeau")
        .await
        .call("feed.publishStoryToUser", &params)
        .await
        .unwrap();
    assert!(
        refused.error_code().is_some(),
        "a quote in a link: {}",
        refused.text()
    );
    let params = [
        params[0],
        (BODY, "\u{202e}gnol &lt;img src=x onerror=alert(4)&gt;"),
    ];
    stage.publish("Rochambeau", &params).await;
    let page = stage.logged_in("bo").await.get("/feed").await;
    let scripts: Vec<&str> = page.text().split("<script").skip(1).collect();
    assert!(
        scripts.len() == 1 && scripts[0].starts_with(" src=\"/assets/feed."),
        "{scripts:?}"
    );
    assert!(!page.text().contains("<img"), "{}", page.text());
    assert!(
        page.text().contains("&#60;script&#62;alert(1)"),
        "{}",
        page.text()
    );
    let button = between(page.text(), "aria-label=\"Hide “", "”\"").unwrap();
    assert!(button.contains("&#34; onmouseover"), "{button}");
}

#[tokio::test]
async fn what_explains_the_feed_is_there_and_says_why() {
    let stage = with_story().await;
    let mut bo = stage.logged_in("bo").await;
    let page = bo.get("/feed").await;
    let (id, v) = (first_story(&page), view_of(&page).to_owned());
    let why = bo.get(&format!("/feed/why/{id}?v={v}")).await;
    assert!(why.text().contains("It stood at slot 1"), "{}", why.text());
    let json = bo.get(&format!("/feed/why/{id}.json?v={v}")).await.json();
    assert_eq!(json["story"].to_string().trim_matches('"'), id);
    assert_eq!(
        (json["verdict"].as_str(), json["slot"].as_u64()),
        (Some("shown_merit"), Some(1))
    );
    let missed = bo.get(&format!("/feed/missed?v={v}")).await;
    assert!(missed.text().contains("Everything made it"), "{}", missed.text());
    let ranking = bo.get("/feed/ranking").await;
    assert!(
        ranking.text().contains("Version 1, in force now"),
        "{}",
        ranking.text()
    );
    let other = stage.logged_in("ada").await.get(&format!("/feed/why/{id}")).await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn thumbs_reports_and_hidden_stories_can_be_taken_back() {
    let stage = with_story().await;
    let mut bo = stage.logged_in("bo").await;
    let id = first_story(&bo.get("/feed").await);
    bo.submit("/feed/thumb", &[("story", &id)]).await;
    assert!(bo.get("/feed").await.text().contains("aria-pressed=\"true\""));
    bo.submit("/feed/thumb", &[("story", &id)]).await;
    assert!(!bo.get("/feed").await.text().contains("aria-pressed=\"true\""));
    bo.submit("/feed/report/not_mine", &[("story", &id)]).await;
    let hidden = bo.get("/feed/hidden").await;
    assert!(
        hidden.text().contains("reported: you didn&#39;t do this"),
        "{}",
        hidden.text()
    );
    bo.submit("/feed/undo", &[("story", &id)]).await;
    assert!(bo.get("/feed/hidden").await.text().contains("Nothing is hidden"));
    assert!(bo.get("/feed").await.text().contains("You beat"));
}

#[tokio::test]
async fn a_private_feed_needs_no_login_and_is_gone_when_it_is_revoked() {
    let stage = with_story().await;
    let mut bo = stage.logged_in("bo").await;
    bo.get("/feed/preferences").await;
    let made = bo
        .submit("/feed/preferences/addresses", &[("label", "reader")])
        .await;
    let token = between(made.text(), "/f/", "/atom.xml").unwrap().to_owned();
    let mut anybody = stage.browser();
    for (file, words) in [
        ("atom.xml", "<feed"),
        ("rss.xml", "<rss"),
        ("feed.json", "jsonfeed.org"),
    ] {
        let answer = anybody.get(&format!("/f/{token}/{file}")).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.text().contains(words) && answer.text().contains("You beat"),
            "{file}"
        );
        assert_eq!(answer.header("x-robots-tag"), Some("noindex"));
    }
    let page = bo.get("/feed/preferences").await;
    let number = between(page.text(), "name=\"address\" value=\"", "\"")
        .unwrap()
        .to_owned();
    // Read as often as it may be in an hour: the next reader waits.
    for _ in 3..60 {
        anybody.get(&format!("/f/{token}/atom.xml")).await;
    }
    assert_eq!(anybody.get(&format!("/f/{token}/atom.xml")).await.status, 429);
    bo.submit("/feed/preferences/revoke", &[("address", &number)])
        .await;
    let gone = anybody.get(&format!("/f/{token}/atom.xml")).await;
    assert_eq!((gone.status, gone.text().contains("You beat")), (404, false));
}
