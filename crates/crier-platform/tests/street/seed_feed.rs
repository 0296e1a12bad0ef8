//! The seed page Feed.publishStoryToUser, sentence by sentence, as far as the street alone can prove it (docs/conformance.md).

use crate::asked::{Call, Said};
use crate::harness::{OTHER, OWNER, STRANGER, Street, WEB};
use crier_platform::dispatch::Answer;
use crier_platform::model::app::{FeedErrors, ProfileName};
use crier_platform::model::story::Priority;
use serde_json::json;

const PUBLISH: &str = "feed.publishStoryToUser";

fn titled(call: Call) -> Call {
    call.with("title", "Ada beat Bo")
}

/// What a story with this title is answered, on a street of its own.
async fn of_title(title: &str) -> Said {
    Street::open(|_| {})
        .await
        .act(|call| call.with("title", title), PUBLISH)
        .await
}

/// What a story with this body is answered, on a street of its own.
async fn of_body(body: &str) -> Said {
    let street = Street::open(|_| {}).await;
    street.act(|call| titled(call).with("body", body), PUBLISH).await
}

fn body(answer: Answer) -> String {
    String::from_utf8(answer.rendered.body).expect("UTF-8")
}

#[tokio::test]
async fn publish_story_is_served_and_its_successor_is_an_unknown_method() {
    let street = Street::open(|_| {}).await;
    assert_eq!(street.act(titled, PUBLISH).await, Said::Value(json!(true)));
    assert_eq!(
        street.act(titled, "feed.publishUserAction").await,
        Said::Error(3, "Unknown method".into())
    );
}

#[tokio::test]
async fn a_story_enters_the_feed_of_the_sessions_user_and_of_nobody_else() {
    let street = Street::open(|_| {}).await;
    assert_eq!(street.act(titled, PUBLISH).await.code(), 0);
    assert_eq!(street.stories(WEB).await.len(), 1);
    assert_eq!(street.stories(WEB).await[0].title, "Ada beat Bo");
    for other in [OTHER, OWNER, STRANGER] {
        assert!(street.stories(other).await.is_empty());
    }
}

#[tokio::test]
async fn a_story_needs_a_session() {
    let street = Street::open(|_| {}).await;
    let call = titled(Call::of(&*street.app().await, PUBLISH));
    assert_eq!(street.ask(call.signed()).await.code(), 102);
}

#[tokio::test]
async fn format_is_xml_unless_json_is_asked() {
    let street = Street::of(ProfileName::Period).await;
    let (app, session) = (street.app().await, street.session_of(OWNER).await);
    for (format, media_type) in [
        (None, "text/xml; charset=utf-8"),
        (Some("XML"), "text/xml; charset=utf-8"),
        (Some(""), "text/xml; charset=utf-8"),
        (Some("JSON"), "application/json"),
        (Some("json"), "application/json"),
    ] {
        let call = titled(Call::acting(&app, &session, PUBLISH, "1")).without("format");
        let call = match format {
            Some(format) => call.with("format", format),
            None => call,
        };
        let answer = street.answer(call.signed()).await;
        assert_eq!(
            (answer.rendered.media_type, answer.error),
            (media_type, None),
            "{format:?}"
        );
    }
    let call = titled(Call::acting(&app, &session, PUBLISH, "1")).with("format", "text");
    assert!(body(street.answer(call.signed()).await).contains("<error_code>100</error_code>"));
}

#[tokio::test]
async fn callback_wraps_both_formats() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session_of(OWNER).await);
    let call =
        |call_id: &str| titled(Call::acting(&app, &session, PUBLISH, call_id)).with("callback", "cb.$1_");
    let answer = street.answer(call("1").signed()).await;
    assert_eq!(answer.rendered.media_type, "text/javascript; charset=utf-8");
    assert_eq!(body(answer), "/**/cb.$1_(true);");
    let xml = body(street.answer(call("2").with("format", "xml").signed()).await);
    assert!(xml.starts_with(r"/**/cb.$1_('\u003c?xml version=\"), "{xml}");
    assert!(
        xml.ends_with(r"\u003e1\u003c\/feed_publishStoryToUser_response\u003e');"),
        "{xml}"
    );
}

#[tokio::test]
async fn four_image_slots_are_kept_each_with_its_link() {
    let street = Street::open(|_| {}).await;
    let pictured = |call: Call| {
        (1..=4).fold(titled(call), |call, number| {
            call.with(
                &format!("image_{number}"),
                &format!("http://i.example/{number}.png"),
            )
            .with(
                &format!("image_{number}_link"),
                &format!("http://e.example/{number}"),
            )
        })
    };
    let said = street
        .act(
            |call| pictured(call).with("image_5", "http://i.example/"),
            PUBLISH,
        )
        .await;
    assert_eq!(
        said.cause(),
        "image_5 is not a parameter of feed.publishStoryToUser"
    );
    assert_eq!(street.act(pictured, PUBLISH).await.code(), 0);
    let story = street.stories(WEB).await.remove(0);
    let slots: Vec<_> = story
        .slots
        .into_iter()
        .map(|slot| (slot.number, slot.link))
        .collect();
    assert_eq!(
        slots,
        [1, 2, 3, 4].map(|number| (number, format!("http://e.example/{number}")))
    );
}

#[tokio::test]
async fn priority_is_stored_and_other_text_is_refused() {
    let street = Street::open(|_| {}).await;
    let said = street
        .act(|call| titled(call).with("priority", "urgent"), PUBLISH)
        .await;
    assert_eq!(
        (said.code(), said.cause()),
        (100, "priority must be an integer from 0 to 100")
    );
    assert_eq!(
        street
            .act(|call| titled(call).with("priority", "100"), PUBLISH)
            .await
            .code(),
        0
    );
    assert_eq!(street.stories(WEB).await[0].priority, Priority::Number(100));
    let street = Street::of(ProfileName::Period).await;
    assert_eq!(
        street
            .act(|call| titled(call).with("priority", "urgent"), PUBLISH)
            .await
            .code(),
        0
    );
    assert_eq!(
        street.stories(WEB).await[0].priority,
        Priority::Text("urgent".into())
    );
}

#[tokio::test]
async fn the_answer_is_1_on_success_0_without_permission_or_an_error_response() {
    let street = Street::open(|_| {}).await;
    let app = street.app().await;
    let publish = async |user: i64, title: &str| {
        let session = street.session_of(user).await;
        let call = Call::acting(&app, &session, PUBLISH, "1")
            .with("title", title)
            .with("format", "xml");
        body(street.answer(call.signed()).await)
    };
    assert!(
        publish(WEB, "Ada beat Bo")
            .await
            .contains("xsd\">1</feed_publishStoryToUser_response>")
    );
    assert!(
        publish(STRANGER, "Ada beat Bo")
            .await
            .contains("xsd\">0</feed_publishStoryToUser_response>")
    );
    assert!(publish(OTHER, "").await.contains("<error_response "));
}

#[tokio::test]
async fn a_missing_or_empty_title_is_error_100() {
    let street = Street::open(|_| {}).await;
    let missing = street.act(|call| call, PUBLISH).await;
    assert_eq!(
        missing,
        Said::Error(100, "Invalid parameter: title is missing".into())
    );
    assert_eq!(of_title("").await, missing);
}

#[tokio::test]
async fn title_of_60_displayed_characters_passes_and_of_61_is_refused() {
    let link = |text: &str| format!("<a href=\"http://e.example/\">{text}</a> &amp;");
    assert_eq!(of_title(&link(&"é".repeat(58))).await.code(), 0);
    assert_eq!(
        of_title(&link(&"é".repeat(59))).await.cause(),
        "title has 61 displayed characters, limit 60"
    );
}

#[tokio::test]
async fn a_title_may_hold_no_or_one_link() {
    let link = "<a href=\"http://e.example/\">x</a>";
    assert_eq!(of_title("x").await.code(), 0);
    assert_eq!(of_title(link).await.code(), 0);
    let said = of_title(&format!("{link}{link}")).await;
    assert_eq!((said.code(), said.cause()), (100, "title has 2 links, limit 1"));
}

#[tokio::test]
async fn no_other_tag_is_allowed_in_the_title() {
    for title in [
        "<b>x</b>",
        "<i>x</i>",
        "x<br>",
        "<img src=x>",
        "<fb:name uid=\"1\">",
        "<script>x</script>",
    ] {
        let said = of_title(title).await;
        assert_eq!(said.code(), 100, "{title}");
        assert!(said.cause().starts_with("title: tag at character "), "{said:?}");
    }
}

#[tokio::test]
async fn the_body_is_optional() {
    let street = Street::open(|_| {}).await;
    assert_eq!(
        street
            .act(|call| titled(call).with("body", ""), PUBLISH)
            .await
            .code(),
        0
    );
    assert_eq!(street.stories(WEB).await[0].body, None);
}

#[tokio::test]
async fn body_of_200_displayed_characters_passes_and_of_201_is_refused() {
    assert_eq!(of_body(&format!("<b>{}</b>", "é".repeat(200))).await.code(), 0);
    let said = of_body(&format!("<b>{}</b>", "é".repeat(201))).await;
    assert_eq!(
        (said.code(), said.cause()),
        (100, "body has 201 displayed characters, limit 200")
    );
}

#[tokio::test]
async fn the_body_may_hold_a_b_and_i_and_nothing_else() {
    assert_eq!(
        of_body("<a href='http://e.example/'><b><i>x</i></b></a>")
            .await
            .code(),
        0
    );
    for body in ["<u>x</u>", "<br>", "<p>x</p>", "<img src=x>", "<span>x</span>"] {
        assert_eq!(
            of_body(body).await.cause(),
            "body: tag at character 1 is not allowed",
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_image_is_a_url_or_a_photo_id() {
    let street = Street::open(|app| app.settings.feed_errors = FeedErrors::Detailed).await;
    let with = |image: &'static str| {
        move |call| {
            titled(call)
                .with("image_1", image)
                .with("image_1_link", "http://e.example/")
        }
    };
    let said = street.act(with("//i.example/"), PUBLISH).await;
    assert_eq!(
        (said.code(), said.cause()),
        (347, "image_1 is neither an acceptable URL nor a photo id")
    );
    let said = street.act(with("1"), PUBLISH).await;
    assert_eq!((said.code(), said.cause()), (347, "image_1: no such photo"));
    assert_eq!(street.act(with("HTTPS://i.example/"), PUBLISH).await.code(), 0);
}

#[tokio::test]
async fn each_image_needs_a_link_that_starts_with_http() {
    let street = Street::open(|_| {}).await;
    let with = |link: &'static str| {
        move |call| {
            titled(call)
                .with("image_2", "http://i.example/")
                .with("image_2_link", link)
        }
    };
    assert_eq!(
        street.act(with(""), PUBLISH).await.cause(),
        "image_2_link is missing"
    );
    for link in [
        "https://e.example/",
        "HTTP://e.example/",
        "ftp://e.example/",
        "e.example",
        "http://",
    ] {
        let said = street.act(with(link), PUBLISH).await;
        assert_eq!(
            (said.code(), said.cause()),
            (100, "image_2_link is not acceptable"),
            "{link}"
        );
    }
    assert_eq!(street.act(with("http://e.example/"), PUBLISH).await.code(), 0);
}

#[tokio::test]
async fn a_second_story_within_12_hours_is_refused_and_accepted_at_12_hours() {
    for (profile, code) in [(ProfileName::Documented, 4), (ProfileName::Period, 340)] {
        let street = Street::of(profile).await;
        assert_eq!(street.act(titled, PUBLISH).await.code(), 0);
        street.turn_clock(43_199_999);
        assert_eq!(street.act(titled, PUBLISH).await.code(), code);
        street.turn_clock(1);
        assert_eq!(street.act(titled, PUBLISH).await.code(), 0);
    }
}

#[tokio::test]
async fn the_owner_publishing_to_himself_is_always_published() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session_of(OWNER).await);
    for call_id in ["1", "2"] {
        let call = titled(Call::acting(&app, &session, PUBLISH, call_id));
        assert_eq!(street.ask(call.signed()).await.value(), true);
    }
    assert!(street.stories(OWNER).await.iter().all(|story| story.exempt));
}

#[tokio::test]
async fn the_example_answer_of_the_feed_page_is_given() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = titled(Call::acting(&app, &session, PUBLISH, "1")).without("format");
    assert_eq!(
        body(street.answer(call.signed()).await),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed_publishStoryToUser_response \
         xmlns=\"http://api.facebook.com/1.0/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://api.facebook.com/1.0/ http://api.facebook.com/1.0/facebook.xsd\">1</feed_publishStoryToUser_response>\n"
    );
}

#[tokio::test]
async fn a_missing_or_invalid_parameter_is_error_100_with_its_cause() {
    let street = Street::open(|_| {}).await;
    for (name, value, cause) in [
        ("title", "", "title is missing"),
        ("title", "<b>x</b>", "title: tag at character 1 is not allowed"),
        ("body", "<b>x", "body: element at character 1 is not closed"),
        ("image_1", "http://i.example/", "image_1_link is missing"),
        ("priority", "-1", "priority must be an integer from 0 to 100"),
        (
            "tilte",
            "x",
            "tilte is not a parameter of feed.publishStoryToUser",
        ),
    ] {
        let said = street.act(|call| titled(call).with(name, value), PUBLISH).await;
        assert_eq!((said.code(), said.cause()), (100, cause));
    }
    assert!(street.stories(WEB).await.is_empty());
}
