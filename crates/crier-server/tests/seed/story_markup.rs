//! The page of Feed.publishStoryToUser: title, body, pictures and their links.

use crate::stage::{Stage, stage, stage_with};
use crier_platform::model::app::ProfileName;

const PUBLISH: &str = "feed.publishStoryToUser";
const LINK: (&str, &str) = ("image_1_link", "http://l.example/1");
const LONG_ENOUGH_MS: u64 = 43_200_000;

/// The code of publishing in a window that is open again each time.
async fn code(stage: &Stage, params: &[(&str, &str)]) -> u64 {
    stage.server.clock.advance_ms(LONG_ENOUGH_MS);
    stage.code(PUBLISH, params).await
}

async fn title_code(stage: &Stage, title: &str) -> u64 {
    code(stage, &[("title", title)]).await
}

async fn body_code(stage: &Stage, body: &str) -> u64 {
    code(stage, &[("title", "t"), ("body", body)]).await
}

#[tokio::test]
async fn title_markup_is_shown_in_the_title_section() {
    let stage = stage().await;
    assert_eq!(
        title_code(
            &stage,
            "ada <a href=\"http://game.example/?a=1&b=2\">played</a> &amp; won"
        )
        .await,
        0
    );
    let feed = stage.feed_of("sender").await;
    let heading = feed
        .split("<h2")
        .nth(1)
        .and_then(|rest| rest.split("</h2>").next())
        .expect("a heading");
    assert!(
        heading.contains("ada ") && heading.contains("&amp; won") || heading.contains("&#38; won"),
        "{heading}"
    );
    assert!(
        heading.contains(">played</a>") && heading.contains("title=\"game.example\""),
        "{heading}"
    );
}

#[tokio::test]
async fn body_markup_is_shown_in_the_body_section() {
    let stage = stage().await;
    assert_eq!(
        body_code(
            &stage,
            "<b>bold</b>, <i>italic</i> and <a href='http://e.example/'>linked</a>"
        )
        .await,
        0
    );
    let feed = stage.feed_of("sender").await;
    let body = feed
        .split("class=\"body\"")
        .nth(1)
        .and_then(|rest| rest.split("</p>").next())
        .expect("a body");
    assert!(
        body.contains("<b>bold</b>") && body.contains("<i>italic</i>") && body.contains(">linked</a>"),
        "{body}"
    );
}

#[tokio::test]
async fn a_missing_or_empty_title_is_error_100() {
    let stage = stage().await;
    assert_eq!(code(&stage, &[]).await, 100);
    assert_eq!(title_code(&stage, "").await, 100);
    assert_eq!(title_code(&stage, " \t\n ").await, 100);
    assert_eq!(title_code(&stage, "x").await, 0);
}

#[tokio::test]
async fn title_of_60_displayed_characters_passes_and_of_61_is_refused() {
    let stage = stage_with(ProfileName::Period, &[]).await;
    let linked = format!(
        "<a href=\"http://e.example/{}\">{}</a>",
        "y".repeat(300),
        "x".repeat(60)
    );
    for accepted in [
        "x".repeat(60),
        linked,
        "&eacute;".repeat(60),
        "e\u{301}".repeat(60),
        format!("  {}  ", "x".repeat(60)),
    ] {
        assert_eq!(title_code(&stage, &accepted).await, 0, "{accepted}");
    }
    for refused in [
        "x".repeat(61),
        "&eacute;".repeat(61),
        format!("{} x", "x".repeat(59)),
    ] {
        assert_eq!(title_code(&stage, &refused).await, 343, "{refused}");
    }
    let refused = stage.call(PUBLISH, &[("title", &"x".repeat(61))]).await;
    assert!(
        refused
            .text()
            .contains("Feed story title is too long: title has 61 displayed characters, limit 60<")
    );
    stage.set("feed_errors", "documented").await;
    assert_eq!(title_code(&stage, &"x".repeat(61)).await, 100);
}

#[tokio::test]
async fn a_title_may_hold_no_or_one_link() {
    let stage = stage_with(ProfileName::Period, &[]).await;
    let link = |text: &str| format!("<a href=\"http://e.example/\">{text}</a>");
    assert_eq!(title_code(&stage, "none").await, 0);
    assert_eq!(title_code(&stage, &link("one")).await, 0);
    assert_eq!(
        title_code(&stage, &format!("{} {}", link("one"), link("two"))).await,
        342
    );
    stage.set("feed_errors", "documented").await;
    assert_eq!(
        title_code(&stage, &format!("{} {}", link("one"), link("two"))).await,
        100
    );
}

#[tokio::test]
async fn no_other_tag_is_allowed_in_the_title() {
    let stage = stage().await;
    for tag in [
        "<b>x</b>",
        "<i>x</i>",
        "<br>",
        "<img src=x>",
        "<script>x</script>",
        "<fb:name uid=\"1\"/>",
        "<!-- x -->",
        "<a href=\"http://e.example/\" onclick=\"x()\">x</a>",
        "<a href=\"javascript:x()\">x</a>",
        "<a>x</a>",
        "<a href=\"http://e.example/\">x",
    ] {
        assert_eq!(title_code(&stage, tag).await, 100, "{tag}");
    }
    assert_eq!(title_code(&stage, "1 < 2").await, 0);
}

#[tokio::test]
async fn the_body_is_optional() {
    let stage = stage().await;
    assert_eq!(title_code(&stage, "without").await, 0);
    assert_eq!(body_code(&stage, "").await, 0);
}

#[tokio::test]
async fn body_of_200_displayed_characters_passes_and_of_201_is_refused() {
    let stage = stage_with(ProfileName::Period, &[]).await;
    for accepted in [
        "x".repeat(200),
        format!("<b>{}</b>", "x".repeat(200)),
        "&amp;".repeat(200),
    ] {
        assert_eq!(body_code(&stage, &accepted).await, 0, "{accepted}");
    }
    assert_eq!(body_code(&stage, &"x".repeat(201)).await, 346);
    stage.set("feed_errors", "documented").await;
    let refused = stage
        .call(PUBLISH, &[("title", "t"), ("body", &"x".repeat(201))])
        .await;
    assert!(
        refused
            .text()
            .contains("Invalid parameter: body has 201 displayed characters, limit 200<"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn the_body_may_hold_a_b_and_i_and_nothing_else() {
    let stage = stage().await;
    for accepted in [
        "<a href=\"http://e.example/\">x</a> <A HREF='https://e.example/'>y</A >",
        "<B>x</B>",
        "<i><b>x</b></i>",
    ] {
        assert_eq!(body_code(&stage, accepted).await, 0, "{accepted}");
    }
    for refused in [
        "<u>x</u>",
        "<br/>",
        "<p>x</p>",
        "<b class=\"x\">y</b>",
        "<b>x",
        "<b><i>x</b></i>",
        "<iframe src=\"http://e.example/\"></iframe>",
    ] {
        assert_eq!(body_code(&stage, refused).await, 100, "{refused}");
    }
}

#[tokio::test]
async fn four_image_slots_are_kept_each_with_its_link() {
    let stage = stage().await;
    let params = [
        ("title", "four"),
        ("image_1", "http://i.example/1.jpg"),
        ("image_1_link", "http://l.example/one"),
        ("image_2", "https://i.example/2.png"),
        ("image_2_link", "http://l.example/two"),
        ("image_3", "http://i.example/3.gif"),
        ("image_3_link", "http://l.example/three"),
        ("image_4", "http://i.example/4"),
        ("image_4_link", "http://l.example/four"),
    ];
    assert_eq!(code(&stage, &params).await, 0);
    let feed = stage.feed_of("sender").await;
    for place in 1..=4 {
        assert!(
            feed.contains(&format!("/p{place}?v=")),
            "picture {place} has its link"
        );
    }
    let exported = stage
        .server
        .exported("sender")
        .await
        .expect("an export")
        .join("\n");
    assert!(
        ["one", "two", "three", "four"]
            .iter()
            .all(|link| exported.contains(&format!("http://l.example/{link}")))
    );
    let fifth = [
        ("title", "five"),
        ("image_5", "http://i.example/5"),
        ("image_5_link", "http://l.example/"),
    ];
    assert_eq!(code(&stage, &fifth).await, 100);
    let gaps = [
        ("title", "gap"),
        ("image_1", ""),
        LINK,
        ("image_3", "http://i.example/3"),
        ("image_3_link", "http://l.example/3"),
    ];
    assert_eq!(code(&stage, &gaps).await, 0);
}

#[tokio::test]
async fn an_image_is_a_url_or_a_photo_id() {
    let stage = stage_with(ProfileName::Period, &[]).await;
    for source in ["http://i.example/a.jpg", "HTTPS://I.example/a"] {
        assert_eq!(
            code(&stage, &[("title", "t"), ("image_1", source), LINK]).await,
            0,
            "{source}"
        );
    }
    for source in [
        "ftp://i.example/a",
        "//i.example/a",
        "a.jpg",
        "http://",
        "http://user@i.example/",
        "javascript:x",
        "0",
        "12345678901234567890",
    ] {
        assert_eq!(
            code(&stage, &[("title", "t"), ("image_1", source), LINK]).await,
            347,
            "{source}"
        );
    }
    let refused = stage
        .call(PUBLISH, &[("title", "t"), ("image_1", "4711"), LINK])
        .await;
    assert!(
        refused
            .text()
            .contains("Feed story photo could not be accessed or proxied: image_1: no such photo<"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn no_page_holds_a_strangers_image_address() {
    let stage = stage().await;
    assert_eq!(
        code(
            &stage,
            &[
                ("title", "t"),
                ("image_1", "http://strangers.example/a.jpg"),
                LINK
            ]
        )
        .await,
        0
    );
    let feed = stage.feed_of("sender").await;
    assert!(feed.contains("/p1?v=") && !feed.contains("strangers.example"));
}

#[tokio::test]
async fn each_image_needs_a_link_that_starts_with_http() {
    let image = ("image_2", "http://i.example/2.jpg");
    for (profile, refused) in [(ProfileName::Documented, 100), (ProfileName::Period, 348)] {
        let stage = stage_with(profile, &[]).await;
        assert_eq!(code(&stage, &[("title", "t"), image]).await, refused);
        for link in [
            "",
            "https://l.example/",
            "HTTP://l.example/",
            "ftp://l.example/",
            "l.example",
            "http://l.example/a b",
        ] {
            assert_eq!(
                code(&stage, &[("title", "t"), image, ("image_2_link", link)]).await,
                refused,
                "{link}"
            );
        }
        assert_eq!(
            code(
                &stage,
                &[("title", "t"), image, ("image_2_link", "http://l.example/")]
            )
            .await,
            0
        );
        stage.set("image_links", "http_https").await;
        assert_eq!(
            code(
                &stage,
                &[("title", "t"), image, ("image_2_link", "https://l.example/")]
            )
            .await,
            0
        );
    }
}
