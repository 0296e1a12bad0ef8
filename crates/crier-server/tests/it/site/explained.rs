//! What explains a feed and changes it, from outside: preview and preferences, counted clicks, what is left out, one's own
//! applications' stories, the formula (feed 2.9, 4.1, 4.8, 5.4, 5.5, 6.4).

use crate::site::browser::{Browser, between, location};
use crate::site::stage::{Stage, first_story};
use crier_platform::model::app::AppKind;
use crier_platform::model::ranking_config::RankingConfig;

/// Bo has accepted two applications, and each has told a story with a link.
async fn with_two() -> (Stage, Browser) {
    let stage = Stage::open().await;
    stage.add_app("Orchard", "", AppKind::Web).await;
    for (app, title) in [
        ("Rochambeau", "Paper"),
        ("Orchard", "<a href=\"http://pears.example/\">Pears</a>"),
    ] {
        stage.grant(app).await;
        stage.publish(app, &[("title", title)]).await;
    }
    let bo = stage.logged_in("bo").await;
    (stage, bo)
}

/// The number of the view that a page belongs to, with its proof.
fn view_of(page: &str) -> &str {
    between(page, "name=\"v\" value=\"", "\"").unwrap()
}

/// The titles of the preview, in order.
fn previewed(page: &str) -> Vec<&str> {
    let list = between(page, "<section id=\"preview\"", "</section>").unwrap();
    let items = list.split("<li>").skip(1);
    items
        .map(|item| between(item, "<span dir=\"auto\">", "</span>").unwrap())
        .collect()
}

#[tokio::test]
async fn a_preview_shows_what_a_form_of_sliders_would_do_and_only_saving_does_it() {
    let (stage, mut bo) = with_two().await;
    let [rochambeau, orchard] = [stage.app("Rochambeau").await.id, stage.app("Orchard").await.id];
    let page = bo.get("/feed/preferences").await;
    assert!(page.text().contains("Your feed as it is"));
    assert_eq!(previewed(page.text()), ["Pears", "Paper"]);
    let names = [
        format!("s{rochambeau}"),
        format!("on{rochambeau}"),
        format!("s{orchard}"),
        format!("on{orchard}"),
    ];
    let wishes = |stop| {
        [
            (names[0].as_str(), "2"),
            (&names[1], "1"),
            (&names[2], stop),
            (&names[3], "1"),
        ]
    };
    let tried = bo.submit("/feed/preferences/preview", &wishes("0")).await;
    assert!(
        tried.text().contains("Your feed as it would be"),
        "{}",
        tried.text()
    );
    assert_eq!(previewed(tried.text()), ["Paper"]);
    let mut in_place = wishes("1").to_vec();
    in_place.push(("in_place", "1"));
    let part = bo.submit("/feed/preferences/preview", &in_place).await;
    assert!(
        part.text().starts_with("<section id=\"preview\""),
        "{}",
        part.text()
    );
    assert_eq!(previewed(part.text()), ["Paper", "Pears"]);
    bo.get("/feed/preferences").await;
    let odd = bo.submit("/feed/preferences", &wishes("5")).await;
    assert_eq!(odd.status, 400);
    // No view was made of all this, and nothing was saved.
    let feed = bo.get("/feed").await;
    assert!(view_of(feed.text()).starts_with("1."), "{}", feed.text());
    assert!(feed.text().contains("Pears") && feed.text().contains("Paper"));
    let saved = bo.submit("/feed/preferences", &wishes("0")).await;
    assert_eq!(location(&saved), "/feed/preferences?done=saved");
    let after = bo.get("/feed").await;
    assert!(!after.text().contains("Pears") && after.text().contains("Paper"));
    let missed = bo.get("/feed/missed").await;
    assert!(
        missed
            .text()
            .contains("Your slider for its application stands at none."),
        "{}",
        missed.text()
    );
    let kept = bo.get("/feed/preferences").await;
    assert_eq!(previewed(kept.text()), ["Paper"]);
}

#[tokio::test]
async fn a_click_counts_once_and_only_from_the_page_that_was_served() {
    let (stage, mut bo) = with_two().await;
    let feed = bo.get("/feed").await;
    let (id, v) = (first_story(&feed), view_of(feed.text()).to_owned());
    let go = format!("/go/{id}/t?v={v}");
    let forged = format!("/go/{id}/t?v=1.0123456789abcdef");
    let opened = async |bo: &mut Browser| {
        stage.server.state.feed.write_notes().await;
        let page = bo.get("/feed/preferences").await;
        page.text().contains("1 story in 28 days: 1 shown, 1 opened")
    };
    for (head, path) in [
        ("Sec-Fetch-Site: cross-site\r\n", go.as_str()),
        ("Sec-Fetch-Site: same-site\r\n", &go),
        ("Sec-Purpose: prefetch\r\n", &go),
        ("", &forged),
        ("", &format!("/go/{id}/t")),
    ] {
        let answer = bo.get_with(head, path).await;
        assert_eq!(
            (answer.status, location(&answer)),
            (303, "http://pears.example/"),
            "{head}{path}"
        );
        assert!(!opened(&mut bo).await, "{head}{path}");
    }
    for _ in 0..2 {
        bo.get_with("Sec-Fetch-Site: same-origin\r\n", &go).await;
        assert!(opened(&mut bo).await);
    }
    let altered = bo.get(&format!("/feed/why/{id}?v=1.0123456789abcdef")).await;
    assert!(
        altered.text().contains("That view is not kept."),
        "{}",
        altered.text()
    );
    let why = bo.get(&format!("/feed/why/{id}")).await;
    assert!(!why.text().contains("That view is not kept."), "{}", why.text());
    assert!(
        why.text().contains("you did nothing with its stories"),
        "the view was before the click"
    );
    bo.get("/feed").await;
    let why = bo.get(&format!("/feed/why/{id}")).await;
    assert!(
        why.text().contains("you clicked 1 of its stories in 28 days"),
        "{}",
        why.text()
    );
}

#[tokio::test]
async fn of_ones_own_applications_the_newest_25_stories_stand_first_and_the_others_where_the_page_says() {
    let stage = Stage::open().await;
    for number in 1..=27 {
        stage
            .publish_to("ada", "Rochambeau", &[("title", &format!("Own {number}."))])
            .await;
    }
    let mut ada = stage.logged_in("ada").await;
    let feed = ada.get("/feed").await;
    assert_eq!(
        feed.text()
            .matches("always shown: you own this application")
            .count(),
        25
    );
    assert!(!feed.text().contains("Own 2.") && feed.text().contains("Own 3."));
    assert!(!feed.text().contains("I don't want this application here"));
    let way = between(
        feed.text(),
        "<a href=\"/feed/missed?own=1",
        "\">2 more from your own applications",
    )
    .unwrap();
    let rest = ada
        .get(&format!("/feed/missed?own=1{}", way.replace("&amp;", "&")))
        .await;
    let titles: Vec<&str> = rest
        .text()
        .split("<h2 class=\"title\" dir=\"auto\">")
        .skip(1)
        .collect();
    assert_eq!(titles.len(), 2, "{}", rest.text());
    assert!(titles[0].starts_with("Own 2.") && titles[1].starts_with("Own 1."));
    let all = ada.get("/feed/missed").await;
    assert!(all.text().contains("Own 2.") && all.text().contains("Own 1.") && !all.text().contains("Own 3."));
    let behind = "Newer stories of your own applications stand before it.";
    assert_eq!(all.text().matches(behind).count(), 2, "{}", all.text());
    let oldest = between(titles[1], "/feed/why/", "?").unwrap();
    let why = ada.get(&format!("/feed/why/{oldest}")).await;
    assert!(
        why.text()
            .contains("If it competed like any other story, it would stand at slot 1."),
        "{}",
        why.text()
    );
    assert!(!why.text().contains("class=\"slider\"") && why.text().contains("Hide this story"));
}

#[tokio::test]
async fn the_configuration_in_force_is_readable_and_beside_it_stands_as_it_is_kept() {
    let stage = Stage::open().await;
    let mut bo = stage.logged_in("bo").await;
    let page = bo.get("/feed/ranking").await;
    assert!(
        page.text()
            .contains("<dt>feed.ranking.slots_guaranteed</dt><dd>5</dd>"),
        "{}",
        page.text()
    );
    let kept = bo.get("/feed/ranking.json").await;
    assert_eq!(kept.header("content-type"), Some("application/json"));
    assert_eq!(kept.text(), RankingConfig::default().canonical_text());
    // Published: nobody has to log in for it.
    let mut anybody = stage.browser();
    assert!(
        anybody
            .get("/feed/ranking")
            .await
            .text()
            .contains("<dt>feed.ranking.slots</dt><dd>25</dd>")
    );
    assert_eq!(anybody.get("/feed/ranking.json").await.text(), kept.text());
}

#[tokio::test]
async fn controls_under_why_this_stand_as_they_do_now_and_an_application_that_was_withdrawn_from_has_none() {
    let (stage, mut bo) = with_two().await;
    let feed = bo.get("/feed").await;
    let (story, v) = (first_story(&feed), view_of(feed.text()).to_owned());
    let why = format!("/feed/why/{story}?v={v}");
    let before = bo.get(&why).await;
    assert!(before.text().contains("value=\"2\" checked"), "{}", before.text());
    let saved = bo
        .submit("/feed/slider", &[("story", &story), ("v", &v), ("slider", "1")])
        .await;
    assert_eq!((saved.status, location(&saved)), (303, why.as_str()));
    let after = bo.get(&why).await;
    assert!(after.text().contains("value=\"1\" checked"), "{}", after.text());
    assert!(!after.text().contains("That view is not kept."));
    let bo_uid = stage.server.accounts().find_user("bo").await.unwrap().uid;
    let app = stage.app("Orchard").await.id;
    stage.server.accounts().withdraw(app, bo_uid).await.unwrap();
    let gone = bo.get(&why).await;
    assert!(
        gone.text().contains("Accepting its application again."),
        "{}",
        gone.text()
    );
    for control in ["/feed/wanted", "/feed/unwanted", "/feed/slider"] {
        assert!(!gone.text().contains(control), "{control}: {}", gone.text());
    }
}
