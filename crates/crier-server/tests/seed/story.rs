//! The page of Feed.publishStoryToUser: who gets a story, how often, and what the answers are.

use crate::stage::{Stage, stage, stage_with};
use crier_platform::accounts::admin::NewUser;
use crier_platform::model::app::ProfileName;
use crier_testkit::identity::{APP_NAME, SESSION_KEY};

const PUBLISH: &str = "feed.publishStoryToUser";
const TWELVE_HOURS_MS: u64 = 43_200_000;

async fn publish(stage: &Stage, title: &str) -> u64 {
    stage.code(PUBLISH, &[("title", title)]).await
}

#[tokio::test]
async fn publish_story_is_served_and_its_successor_is_an_unknown_method() {
    let stage = stage().await;
    assert_eq!(publish(&stage, "t").await, 0);
    let refused = stage.call("feed.publishUserAction", &[]).await;
    assert!(
        refused.text().contains("<error_code>3</error_code>"),
        "{}",
        refused.text()
    );
    assert!(
        refused.text().contains("<error_msg>Unknown method"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn a_story_enters_the_feed_of_the_sessions_user_and_of_nobody_else() {
    let stage = stage().await;
    assert_eq!(publish(&stage, "only for the sender").await, 0);
    assert!(stage.feed_of("sender").await.contains("only for the sender"));
    assert!(!stage.feed_of("recipient").await.contains("only for the sender"));
    assert!(!stage.feed_of("owner").await.contains("only for the sender"));
}

#[tokio::test]
async fn the_answer_is_1_on_success_0_without_permission_or_an_error_response() {
    let stage = stage().await;
    let accounts = stage.server.accounts();
    accounts
        .add_grant(APP_NAME, "sender", false)
        .await
        .expect("the switch is turned off");
    let refused = stage.call(PUBLISH, &[("title", "t"), ("format", "json")]).await;
    assert_eq!(refused.text(), "false");
    let refused = stage.call(PUBLISH, &[("title", "")]).await;
    assert!(
        refused
            .text()
            .ends_with("facebook.xsd\">0</feed_publishStoryToUser_response>\n"),
        "0 precedes every check of the story"
    );
    accounts
        .add_grant(APP_NAME, "sender", true)
        .await
        .expect("the switch is turned on");
    let error = stage.call(PUBLISH, &[("title", ""), ("format", "json")]).await;
    assert!(
        error.text().starts_with("{\"error_code\":100,"),
        "{}",
        error.text()
    );
    let done = stage.call(PUBLISH, &[("title", "t"), ("format", "json")]).await;
    assert_eq!(done.text(), "true", "neither 0 nor an error opened the window");
}

#[tokio::test]
async fn the_example_answer_of_the_feed_page_is_given() {
    let stage = stage().await;
    let answer = stage.call(PUBLISH, &[("title", "t")]).await;
    let (declaration, rest) = answer.text().split_once('\n').expect("a line of its own");
    assert_eq!(declaration, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let example = "<feed_publishStoryToUser_response xmlns=\"http://api.facebook.com/1.0/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://api.facebook.com/1.0/ http://api.facebook.com/1.0/facebook.xsd\">1</feed_publishStoryToUser_response>\n";
    assert_eq!(rest, example);
}

#[tokio::test]
async fn a_second_story_within_12_hours_is_refused_and_accepted_at_12_hours() {
    for (profile, code, text) in [
        (ProfileName::Documented, 4, "Application request limit reached"),
        (ProfileName::Period, 340, "Feed publication request limit reached"),
    ] {
        let stage = stage_with(profile, &[]).await;
        assert_eq!(publish(&stage, "first").await, 0);
        let opened = crier_testkit::server::START_MS / 1000 + 43_200;
        stage.server.clock.advance_ms(TWELVE_HOURS_MS - 1);
        let refused = stage.call(PUBLISH, &[("title", "early")]).await;
        assert_eq!(refused.error_code(), Some(code));
        let cause = format!(
            "<error_msg>{text}: one story in 12 hours for each user, next allowed at {opened}</error_msg>"
        );
        assert!(refused.text().contains(&cause), "{}", refused.text());
        stage.server.clock.advance_ms(1);
        assert_eq!(publish(&stage, "second").await, 0);
        assert_eq!(publish(&stage, "third").await, code);
        let feed = stage.feed_of("sender").await;
        assert!(
            feed.contains("first")
                && feed.contains("second")
                && !feed.contains("early")
                && !feed.contains("third")
        );
    }
}

#[tokio::test]
async fn of_64_parallel_publishes_exactly_one_succeeds() {
    let stage = stage_with(ProfileName::Period, &[]).await;
    let calls = (0..64).map(|place| {
        let stage = &stage;
        async move { publish(stage, &format!("story {place}")).await }
    });
    let codes = futures_util::future::join_all(calls).await;
    let succeeded = codes.iter().filter(|code| **code == 0).count();
    let refused = codes.iter().filter(|code| **code == 340).count();
    assert_eq!((succeeded, refused), (1, 63));
    assert_eq!(stage.feed_of("sender").await.matches("<h2").count(), 1);
}

#[tokio::test]
async fn stories_compete_for_25_slots_and_of_those_alike_the_newest_stand_first() {
    let stage = stage().await;
    for place in 0..26 {
        assert_eq!(publish(&stage, &format!("number {place:02}")).await, 0);
        stage.server.clock.advance_ms(TWELVE_HOURS_MS / 2);
        assert_eq!(publish(&stage, "too early").await, 4);
        stage.server.clock.advance_ms(TWELVE_HOURS_MS / 2);
        if place == 12 {
            break;
        }
    }
    let feed = stage.feed_of("sender").await;
    let places: Vec<usize> = (0..13)
        .filter_map(|place| feed.find(&format!("number {place:02}")))
        .collect();
    assert!(
        places.windows(2).all(|pair| pair[0] > pair[1]),
        "the newest stands first"
    );
    assert!(places.len() >= 12, "a week's stories compete: {}", places.len());

    let crowd = crowded_feed().await;
    assert_eq!(crowd.matches("<h2").count(), 25, "a feed page has 25 slots");
    // Of stories alike the newest 20 are on it by merit; the last five slots are for applications without a place.
    for place in 10..30 {
        assert!(crowd.contains(&format!("from application {place}")), "{place}");
    }
    assert!(crowd.contains("More stories"));
}

/// The feed of a user for whom 30 applications have published.
async fn crowded_feed() -> String {
    let stage = stage().await;
    for place in 0..30 {
        let name = format!("App{place:02}");
        let mut app = crier_testkit::Identity {
            kind: crier_platform::model::app::AppKind::Web,
            profile: ProfileName::Documented,
        }
        .app();
        (app.name, app.api_key, app.secret) = (name.clone(), None, None);
        let app = stage
            .server
            .accounts()
            .add_app(app)
            .await
            .expect("an application");
        stage
            .server
            .accounts()
            .add_grant(&name, "sender", true)
            .await
            .expect("an acceptance");
        let order = crier_platform::accounts::admin::NewSessionOrder {
            app: name,
            user: "sender".to_owned(),
            ttl_secs: None,
            session_key: None,
            session_secret: None,
        };
        let session = stage
            .server
            .accounts()
            .add_session(order)
            .await
            .expect("a session");
        let caller = stage
            .server
            .caller(app.api_key.as_str(), app.secret.expose())
            .with_session(session.key.as_str());
        let title = format!("from application {place:02}");
        let answer = caller
            .call(PUBLISH, &[("title", &title)])
            .await
            .expect("an answer");
        assert_eq!(answer.error_code(), None, "{}", answer.text());
        stage.server.clock.advance_ms(1000);
    }
    stage.feed_of("sender").await
}

#[tokio::test]
async fn the_owner_publishing_to_himself_is_always_published() {
    let stage = stage().await;
    let owner = stage.caller_of("owner").await;
    for place in 0..3 {
        let title = format!("tweak {place}");
        let answer = owner
            .call(PUBLISH, &[("title", &title)])
            .await
            .expect("an answer");
        assert!(
            answer.text().contains(">1</feed_publishStoryToUser_response>"),
            "{}",
            answer.text()
        );
    }
    let feed = stage.feed_of("owner").await;
    assert!((0..3).all(|place| feed.contains(&format!("tweak {place}"))));
    assert!(feed.contains("always shown: you own this application"));
    let still_checked = owner
        .call(PUBLISH, &[("title", "<b>x</b>")])
        .await
        .expect("an answer");
    assert_eq!(still_checked.error_code(), Some(100));
}

#[tokio::test]
async fn priority_is_stored_and_other_text_is_refused() {
    let stage = stage().await;
    for wrong in ["101", "-1", "1.0", "01", "high"] {
        let refused = stage.call(PUBLISH, &[("title", "t"), ("priority", wrong)]).await;
        assert!(
            refused
                .text()
                .contains("Invalid parameter: priority must be an integer from 0 to 100"),
            "{wrong}: {}",
            refused.text()
        );
    }
    assert_eq!(
        stage.code(PUBLISH, &[("title", "t"), ("priority", "100")]).await,
        0
    );
    let exported = stage.server.exported("sender").await.expect("an export");
    let story = exported
        .iter()
        .find(|line| line.contains("\"title\":\"t\""))
        .expect("the story");
    assert!(story.contains("100"), "{story}");
    let lenient = stage_with(ProfileName::Period, &[]).await;
    assert_eq!(
        lenient
            .code(PUBLISH, &[("title", "t"), ("priority", "high")])
            .await,
        0
    );
}

#[tokio::test]
async fn a_missing_or_invalid_parameter_is_error_100_with_its_cause() {
    let stage = stage().await;
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[], "title is missing"),
        (
            &[("title", "<b>x</b>")],
            "title: tag at character 1 is not allowed",
        ),
        (
            &[("title", "t"), ("image_1", "http://i.example/a.jpg")],
            "image_1_link is missing",
        ),
        (
            &[("title", "t"), ("priority", "x")],
            "priority must be an integer from 0 to 100",
        ),
        (&[("title", "t"), ("nonsense", "1")], "nonsense"),
    ];
    for (params, cause) in cases {
        let refused = stage.call(PUBLISH, params).await;
        assert_eq!(refused.error_code(), Some(100), "{cause}");
        assert!(
            refused
                .text()
                .contains(&format!("<error_msg>Invalid parameter: {cause}")),
            "{}",
            refused.text()
        );
    }
    assert_eq!(publish(&stage, "t").await, 0, "none of them opened the window");
}

#[tokio::test]
async fn an_ended_session_publishes_nothing() {
    let stage = stage().await;
    stage
        .server
        .accounts()
        .remove_session(SESSION_KEY)
        .await
        .expect("the session ends");
    assert_eq!(publish(&stage, "t").await, 102);
    let bystander = NewUser {
        name: "bystander".to_owned(),
        ..NewUser::default()
    };
    stage.server.accounts().add_user(bystander).await.expect("a user");
    assert!(!stage.feed_of("sender").await.contains("<h2 id=\"t"));
}
