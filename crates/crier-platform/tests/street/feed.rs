//! `feed.publishStoryToUser` (protocol 14.2, feed section 3): every row of its checks in both spellings, and the twelve hours.

use crate::asked::{Call, Said};
use crate::harness::{OWNER, STRANGER, Street, WEB, app_id, grant, uid};
use crier_platform::model::app::{FeedErrors, FeedReply, ImageLinks, ProfileName, Settings};
use crier_platform::model::story::{Priority, SlotState};
use crier_platform::ports::store::Write;
use crier_proto::story::ImageSource;
use serde_json::json;

const PUBLISH: &str = "feed.publishStoryToUser";
const TWELVE_HOURS_MS: u64 = 43_200_000;

fn titled(call: Call) -> Call {
    call.with("title", "Ada <a href=\"http://e.example/\">beat</a> Bo")
}

async fn detailed() -> Street {
    Street::open(|app| app.settings.feed_errors = FeedErrors::Detailed).await
}

#[tokio::test]
async fn a_story_is_kept_in_canonical_form_with_its_slots() {
    let street = Street::open(|_| {}).await;
    let full = |call: Call| {
        call.with("title", "  Ada <A HREF='http://E.example:80/'>beat</A > Bo ")
            .with("body", "<b>rock</b> &amp; <i>paper</i>")
            .with("image_2", "HTTP://img.example/a.png#x")
            .with("image_2_link", "http://e.example/2")
            .with("image_3_link", "nonsense without an image")
            .with("image_4", "https://img.example/b.png")
            .with("image_4_link", "http://e.example/4")
            .with("priority", "7")
    };
    assert_eq!(street.act(full, PUBLISH).await, Said::Value(json!(true)));
    let stories = street.stories(WEB).await;
    assert_eq!(stories.len(), 1);
    let story = &stories[0];
    assert_eq!(story.title, "Ada <a href=\"http://e.example/\">beat</a> Bo");
    assert_eq!(story.body.as_deref(), Some("<b>rock</b> &amp; <i>paper</i>"));
    assert_eq!(
        (story.seq, story.exempt, &story.priority),
        // The acceptance has the first place of the record.
        (2, false, &Priority::Number(7))
    );
    assert_eq!(story.published_at, street.now());
    let slots: Vec<_> = story
        .slots
        .iter()
        .map(|slot| (slot.number, &*slot.link, slot.state))
        .collect();
    assert_eq!(
        slots,
        [
            (2, "http://e.example/2", SlotState::Pending),
            (4, "http://e.example/4", SlotState::Pending)
        ]
    );
}

/// What is spoilt of a good story, its code under `detailed`, and its exact cause.
type Row = (Vec<(&'static str, String)>, u64, &'static str);

/// The rows of the table in their order, but for its permission and its window.
fn rows() -> Vec<Row> {
    let long = |count: usize| "x".repeat(count);
    let link = "<a href=http://e.example/>x</a>";
    let image = |number: u8, source: &str, link: &str| {
        let (name, link_name) = match number {
            1 => ("image_1", "image_1_link"),
            2 => ("image_2", "image_2_link"),
            3 => ("image_3", "image_3_link"),
            _four => ("image_4", "image_4_link"),
        };
        vec![(name, source.to_owned()), (link_name, link.to_owned())]
    };
    let one = |name, value: &str| vec![(name, value.to_owned())];
    vec![
        (one("title", ""), 100, "title is missing"),
        (
            one("title", "<br>"),
            100,
            "title: tag at character 1 is not allowed",
        ),
        (
            one("title", &long(4_097)),
            343,
            "title has 4097 bytes of markup, limit 4096",
        ),
        (
            one("title", &long(61)),
            343,
            "title has 61 displayed characters, limit 60",
        ),
        (
            one("title", &format!("a{}", "\u{301}".repeat(300))),
            343,
            "title has 601 bytes of text, limit 600",
        ),
        (one("title", &link.repeat(2)), 342, "title has 2 links, limit 1"),
        (one("title", "&nbsp;"), 345, "title renders blank"),
        (
            one("body", "<u>x</u>"),
            100,
            "body: tag at character 1 is not allowed",
        ),
        (
            one("body", &long(8_193)),
            346,
            "body has 8193 bytes of markup, limit 8192",
        ),
        (
            one("body", &long(201)),
            346,
            "body has 201 displayed characters, limit 200",
        ),
        (
            one("body", &format!("a{}", "\u{301}".repeat(1_000))),
            346,
            "body has 2001 bytes of text, limit 2000",
        ),
        (one("body", "&nbsp;"), 100, "body renders blank"),
        (image(1, "http://i.example/", ""), 348, "image_1_link is missing"),
        (
            image(3, "http://i.example/", "https://e.example/"),
            348,
            "image_3_link is not acceptable",
        ),
        (
            image(2, "ftp://i.example/", "http://e.example/"),
            347,
            "image_2 is neither an acceptable URL nor a photo id",
        ),
        (image(4, "77", "http://e.example/"), 347, "image_4: no such photo"),
        (
            one("priority", "101"),
            100,
            "priority must be an integer from 0 to 100",
        ),
    ]
}

#[tokio::test]
async fn every_check_has_its_code_in_both_spellings_and_its_exact_cause() {
    let documented = Street::open(|_| {}).await;
    let detailed = detailed().await;
    for (params, code, cause) in rows() {
        let spoil = |call: Call| {
            params
                .iter()
                .fold(titled(call), |call, (name, value)| call.with(name, value))
        };
        let said = detailed.act(spoil, PUBLISH).await;
        assert_eq!((said.code(), said.cause()), (code, cause), "detailed");
        let said = documented.act(spoil, PUBLISH).await;
        assert_eq!((said.code(), said.cause()), (100, cause), "documented");
    }
    assert!(documented.stories(WEB).await.is_empty() && detailed.stories(WEB).await.is_empty());
    // None of the refusals has opened the window.
    assert_eq!(documented.act(titled, PUBLISH).await.code(), 0);
    assert_eq!(detailed.act(titled, PUBLISH).await.code(), 0);
}

#[tokio::test]
async fn slots_are_judged_one_after_another_link_before_source() {
    let street = detailed().await;
    let spoil = |call: Call| {
        titled(call)
            .with("image_1", "nonsense")
            .with("image_1_link", "http://e.example/")
            .with("image_2", "http://i.example/")
            .with("priority", "x")
    };
    assert_eq!(street.act(spoil, PUBLISH).await.code(), 347);
    let spoil = |call: Call| spoil(call).with("image_1_link", "");
    assert_eq!(
        street.act(spoil, PUBLISH).await.cause(),
        "image_1_link is missing"
    );
    let spoil = |call: Call| {
        titled(call)
            .with("priority", "x")
            .with("image_4", "")
            .with("image_4_link", "x")
    };
    assert_eq!(street.act(spoil, PUBLISH).await.code(), 100);
}

#[tokio::test]
async fn who_has_not_accepted_or_wants_no_stories_gets_0_before_any_judgement() {
    let street = Street::open(|_| {}).await;
    let broken = |call: Call| call.with("title", "<br>");
    let switched_off = crier_platform::model::grant::Grant {
        feed: false,
        ..grant(WEB)
    };
    street.write(vec![Write::SetGrant(switched_off)]).await;
    assert_eq!(street.act(broken, PUBLISH).await, Said::Value(json!(false)));
    assert_eq!(street.act(titled, PUBLISH).await, Said::Value(json!(false)));
    assert!(street.stories(WEB).await.is_empty());
    let session = street.session_of(STRANGER).await;
    let call = broken(Call::acting(&*street.app().await, &session, PUBLISH, "1"));
    assert_eq!(street.ask(call.signed()).await, Said::Value(json!(false)));
    // 0 has not opened the window.
    street.write(vec![Write::SetGrant(grant(WEB))]).await;
    assert_eq!(street.act(titled, PUBLISH).await, Said::Value(json!(true)));
}

#[tokio::test]
async fn zero_spends_the_call_id() {
    let street = Street::open(|_| {}).await;
    street
        .write(vec![Write::RemoveGrant {
            app: app_id(),
            user: uid(WEB),
        }])
        .await;
    let (app, session) = (street.app().await, street.session_of(WEB).await);
    let call = || titled(Call::acting(&app, &session, PUBLISH, "5")).signed();
    assert_eq!(street.ask(call()).await, Said::Value(json!(false)));
    assert_eq!(street.ask(call()).await.code(), 103);
}

#[tokio::test]
async fn the_list_form_wraps_both_results() {
    let street = Street::open(|app| {
        app.settings = Settings {
            feed_reply: FeedReply::List,
            ..app.settings
        }
    })
    .await;
    assert_eq!(street.act(titled, PUBLISH).await, Said::Value(json!([true])));
    street
        .write(vec![Write::RemoveGrant {
            app: app_id(),
            user: uid(WEB),
        }])
        .await;
    let session = street.session_of(WEB).await;
    let call = titled(Call::acting(&*street.app().await, &session, PUBLISH, "1"));
    assert_eq!(street.ask(call.signed()).await, Said::Value(json!([false])));
}

#[tokio::test]
async fn the_second_story_waits_twelve_hours_to_the_millisecond() {
    let street = Street::open(|_| {}).await;
    assert_eq!(street.act(titled, PUBLISH).await.code(), 0);
    let next = street.now_secs() + 43_200;
    let cause = format!("one story in 12 hours for each user, next allowed at {next}");
    street.turn_clock(TWELVE_HOURS_MS - 1);
    let said = street.act(titled, PUBLISH).await;
    assert_eq!(
        said,
        Said::Error(4, format!("Application request limit reached: {cause}"))
    );
    street.turn_clock(1);
    assert_eq!(street.act(titled, PUBLISH).await.code(), 0);
    assert_eq!(street.stories(WEB).await.len(), 2);
}

#[tokio::test]
async fn a_refusal_by_the_window_does_not_lengthen_it_and_is_340_where_details_are_wanted() {
    let street = detailed().await;
    assert_eq!(street.act(titled, PUBLISH).await.code(), 0);
    street.turn_clock(TWELVE_HOURS_MS / 2);
    let said = street.act(titled, PUBLISH).await;
    assert!(
        said.cause()
            .starts_with("one story in 12 hours for each user, next allowed at ")
    );
    assert_eq!(said.code(), 340);
    // The story's own faults come before the window.
    assert_eq!(
        street
            .act(|call| call.with("title", "&nbsp;"), PUBLISH)
            .await
            .code(),
        345
    );
    street.turn_clock(TWELVE_HOURS_MS / 2);
    assert_eq!(street.act(titled, PUBLISH).await.code(), 0);
}

#[tokio::test]
async fn the_owner_publishes_to_himself_without_acceptance_and_without_a_window() {
    let street = Street::open(|_| {}).await;
    let session = street.session_of(OWNER).await;
    let app = street.app().await;
    for number in ["1", "2", "3"] {
        let call = titled(Call::acting(&app, &session, PUBLISH, number));
        assert_eq!(street.ask(call.signed()).await, Said::Value(json!(true)));
    }
    let stories = street.stories(OWNER).await;
    assert!(stories.len() == 3 && stories.iter().all(|story| story.exempt));
    let call = Call::acting(&app, &session, PUBLISH, "4").with("title", "&nbsp;");
    assert_eq!(street.ask(call.signed()).await.code(), 100);
}

#[tokio::test]
async fn windows_are_per_user() {
    let street = Street::open(|_| {}).await;
    assert_eq!(street.act(titled, PUBLISH).await.code(), 0);
    let session = street.session_of(crate::harness::OTHER).await;
    let call = titled(Call::acting(&*street.app().await, &session, PUBLISH, "1"));
    assert_eq!(street.ask(call.signed()).await.code(), 0);
}

#[tokio::test]
async fn lenient_applications_may_give_any_short_priority() {
    let street = Street::of(ProfileName::Period).await;
    assert_eq!(
        street
            .act(|call| titled(call).with("priority", "high"), PUBLISH)
            .await
            .code(),
        0
    );
    assert_eq!(
        street.stories(WEB).await[0].priority,
        Priority::Text("high".into())
    );
}

#[tokio::test]
async fn https_links_need_the_setting_that_allows_them() {
    let with_link = |call: Call| {
        titled(call)
            .with("image_1", "https://i.example/")
            .with("image_1_link", "https://e.example/")
    };
    let street = Street::open(|_| {}).await;
    assert_eq!(
        street.act(with_link, PUBLISH).await.cause(),
        "image_1_link is not acceptable"
    );
    let street = Street::open(|app| app.settings.image_links = ImageLinks::HttpHttps).await;
    assert_eq!(street.act(with_link, PUBLISH).await.code(), 0);
}

#[tokio::test]
async fn links_that_lure_into_another_applications_login_are_not_acceptable() {
    let street = Street::open(|_| {}).await;
    let lure = "https://crier.example/base/login.php?api_key=ffffffffffffffffffffffffffffffff";
    let said = street
        .act(
            |call| call.with("title", &format!("<a href=\"{lure}\">x</a>")),
            PUBLISH,
        )
        .await;
    assert_eq!(
        (said.code(), said.cause()),
        (100, "title: link at character 1 is not acceptable")
    );
    let lure = lure.replace("https", "http");
    let spoil = |call: Call| {
        titled(call)
            .with("image_1", "http://i.example/")
            .with("image_1_link", &lure)
    };
    assert_eq!(
        street.act(spoil, PUBLISH).await.cause(),
        "image_1_link is not acceptable"
    );
    let own = lure.replace(&"f".repeat(32), "0123456789abcdef0123456789abcdef");
    let good = |call: Call| {
        titled(call)
            .with("image_1", "http://i.example/")
            .with("image_1_link", &own)
    };
    assert_eq!(street.act(good, PUBLISH).await.code(), 0);
}

#[test]
fn image_sources_are_kept_without_their_fragment() {
    assert_eq!(
        crier_proto::story::read_image_source("HTTP://I.example/a#b"),
        Some(ImageSource::Url("http://i.example/a".into()))
    );
}
