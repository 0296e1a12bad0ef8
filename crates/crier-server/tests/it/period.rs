//! Recorded requests of unmodified period clients, replayed byte for byte (protocol 20, 21.2): the stated answer and effect,
//! and after every single changed byte of a parameter value the stated error and no effect.

use crate::captures::{Capture, all};
use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::feed::Serving;
use crier_platform::model::app::{AppKind, ProfileName};
use crier_platform::model::story::Story;
use crier_proto::ids::Uid;
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, RECIPIENT, SENDER, renew_session};
use crier_testkit::page::PageAddress;
use crier_testkit::{Answer, FakePage, Identity, RawClient, TestServer};

/// The recipient's session, with which their page asks for its ticket.
const RECIPIENT_SESSION: &str = "0123456789abcdef01234567-563683308";
const RECIPIENT_SECRET: &str = "ffeeddccbbaa99887766554433221100";

/// A server with the replay identity for this capture.
async fn replay_server(capture: &Capture, profile: ProfileName) -> TestServer {
    let server = TestServer::start().await.unwrap();
    let kind = if capture.is_desktop() {
        AppKind::Desktop
    } else {
        AppKind::Web
    };
    Identity { kind, profile }
        .establish(server.accounts())
        .await
        .unwrap();
    let native = [("native_clients".to_owned(), "on".to_owned())];
    server.accounts().set_app(APP_NAME, &native).await.unwrap();
    let order = NewSessionOrder {
        app: APP_NAME.to_owned(),
        user: "recipient".to_owned(),
        ttl_secs: None,
        session_key: Some(RECIPIENT_SESSION.to_owned()),
        session_secret: Some(RECIPIENT_SECRET.to_owned()),
    };
    server.accounts().add_session(order).await.unwrap();
    server
}

async fn replay(server: &TestServer, capture: &Capture) -> Answer {
    let answer = RawClient::exchange(server.address, &capture.bytes).await.unwrap();
    assert_eq!(answer.status, 200, "{}", capture.name);
    answer
}

/// The answer `1` in the format that the capture asks for: `true`, or the scalar document with the root it spelled.
fn accepted(capture: &Capture) -> String {
    let asks_json = capture.bytes.windows(11).any(|window| window == b"format=JSON")
        || capture.bytes.windows(8).any(|window| window == b"\r\n\r\nJSON");
    if asks_json {
        return "true".to_owned();
    }
    let root = capture.method().replace('.', "_");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}_response xmlns=\"http://api.facebook.com/1.0/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://api.facebook.com/1.0/ \
         http://api.facebook.com/1.0/facebook.xsd\">1</{root}_response>\n"
    )
}

async fn stories(server: &TestServer) -> Vec<Story> {
    let page = server
        .state
        .feed
        .view(Uid::new(SENDER).unwrap(), Serving::Look)
        .await
        .unwrap();
    page.slots.into_iter().map(|placed| placed.view.story).collect()
}

/// The answer of `liveMessage.createTicket` for the recipient.
async fn ticket(server: &TestServer, capture: &Capture) -> serde_json::Value {
    let secret = if capture.is_desktop() {
        RECIPIENT_SECRET
    } else {
        APP_SECRET
    };
    let caller = server.caller(API_KEY, secret).with_session(RECIPIENT_SESSION);
    let answer = caller
        .call("liveMessage.createTicket", &[("format", "JSON")])
        .await
        .unwrap();
    assert_eq!(answer.error_code(), None, "{}", answer.text());
    answer.json()
}

/// A page of the recipient that is loaded with this ticket and its cursor.
async fn page(server: &TestServer, ticket: &serde_json::Value, name: &str) -> FakePage {
    let at = PageAddress {
        address: server.address,
        base_path: String::new(),
        api_key: API_KEY.to_owned(),
        origin: None,
    };
    let mut page = FakePage::open(&at, name).await.unwrap();
    let cursor = (ticket["epoch"].as_str().unwrap(), ticket["seq"].as_u64().unwrap());
    let events = ["rochambeau", "e", "other"];
    page.hello_from(ticket["ticket"].as_str().unwrap(), cursor, &events)
        .await
        .unwrap();
    page
}

/// Event and text of a recorded send.
fn sent(capture: &Capture) -> (&'static str, &'static str) {
    if capture.name == "php-2008-05-desktop.liveMessage.send" {
        ("e", "{}")
    } else if capture.name.starts_with("php") || capture.name.starts_with("perl") {
        ("rochambeau", "{\"message\":\"Let's start a game.\"}")
    } else {
        ("rochambeau", "{\"message\": \"Let's start a game.\"}")
    }
}

fn is_send(capture: &Capture) -> bool {
    capture.method().eq_ignore_ascii_case("liveMessage.send")
}

fn is_story(capture: &Capture) -> bool {
    capture.method() == "feed.publishStoryToUser"
}

/// One page has its handler before the call, the other was rendered before it and connects after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_send_reaches_the_pages_of_its_recipient() {
    for capture in all().iter().filter(|capture| is_send(capture)) {
        let name = &capture.name;
        let server = replay_server(capture, ProfileName::Period).await;
        let (early, late) = (ticket(&server, capture).await, ticket(&server, capture).await);
        assert_eq!((&early["seq"], &late["seq"]), (&0.into(), &0.into()), "{name}");
        let mut early = page(&server, &early, "early-page-0123456789").await;
        let answer = replay(&server, capture).await;
        assert_eq!(answer.text(), accepted(capture), "{name}");
        assert_eq!(answer.header("Crier-Seq"), Some("1"), "{name}");
        assert_eq!(answer.header("Crier-Handlers"), Some("1"), "{name}");
        let mut late = page(&server, &late, "late-page-01234567890").await;
        let (event, text) = sent(capture);
        for page in [&mut early, &mut late] {
            let frame = page.next_of("message").await.unwrap();
            assert_eq!(
                (frame["event"].as_str(), frame["raw"].as_str()),
                (Some(event), Some(text)),
                "{name}"
            );
            assert_eq!(
                frame["data"],
                serde_json::from_str::<serde_json::Value>(text).unwrap(),
                "{name}"
            );
            assert_eq!(frame["id"].as_str(), answer.header("Crier-Id"), "{name}");
            assert_eq!(frame["from"], SENDER.to_string(), "{name}");
            let via = if capture.is_desktop() { "user" } else { "app" };
            assert_eq!((&frame["seq"], &frame["via"]), (&1.into(), &via.into()), "{name}");
        }
        assert_eq!(ticket(&server, capture).await["seq"], 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_story_is_published_once_in_twelve_hours() {
    for capture in all().iter().filter(|capture| is_story(capture)) {
        let server = replay_server(capture, ProfileName::Period).await;
        assert_eq!(
            replay(&server, capture).await.text(),
            accepted(capture),
            "{}",
            capture.name
        );
        let published = stories(&server).await;
        let [story] = published.as_slice() else {
            panic!("{}: {} stories", capture.name, published.len());
        };
        assert_eq!(
            story.title, "Étienne scored <a href=\"http://apps.example.com/g?a=1&amp;b=2\">9 &amp; up</a>",
            "{}",
            capture.name
        );
        assert_eq!(
            story.body.as_deref(),
            Some("<b>New</b> high score: 100% — \"wow\""),
            "{}",
            capture.name
        );
        let slots: Vec<_> = story
            .slots
            .iter()
            .map(|slot| (slot.number, slot.link.as_str()))
            .collect();
        assert_eq!(
            slots,
            [(1, "http://apps.example.com/g?a=1&b=2")],
            "{}",
            capture.name
        );

        renew_session(server.accounts()).await.unwrap();
        server.clock.advance_ms(43_200_000 - 1);
        let second = replay(&server, capture).await;
        assert_eq!(
            second.error_code(),
            Some(340),
            "{}: {}",
            capture.name,
            second.text()
        );
        renew_session(server.accounts()).await.unwrap();
        server.clock.advance_ms(1);
        assert_eq!(
            replay(&server, capture).await.text(),
            accepted(capture),
            "{}",
            capture.name
        );
        assert_eq!(stories(&server).await.len(), 2, "{}", capture.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_auth_calls_have_the_stated_answers() {
    let capture = Capture::named("pyfacebook.auth.createToken");
    let server = replay_server(&capture, ProfileName::Period).await;
    let answer = replay(&server, &capture).await;
    let token = answer
        .text()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default();
    assert!(
        token.len() == 32
            && token
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "{}",
        answer.text()
    );
    for name in [
        "php-2008-05-desktop.auth.getSession",
        "perl-www-facebook-api-0.4.18-desktop.auth.getSession",
    ] {
        let capture = Capture::named(name);
        let server = replay_server(&capture, ProfileName::Period).await;
        let answer = replay(&server, &capture).await;
        assert_eq!(answer.error_code(), Some(100), "{name}: {}", answer.text());
    }
}

/// One message and one story: the page has the one, the feed the other, and each item's document is the one of its own call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recorded_batch_sends_its_message_and_publishes_its_story() {
    for profile in [ProfileName::Period, ProfileName::Documented] {
        let capture = Capture::named("php-2008-05-batch.batch.run");
        let server = replay_server(&capture, profile).await;
        let recipient = ticket(&server, &capture).await;
        let mut page = page(&server, &recipient, "early-page-0123456789").await;
        let answer = replay(&server, &capture).await;
        let item = |root: &str| {
            let document = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}_response xmlns=\"http://api.facebook.com/1.0/\" \
                 xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://api.facebook.com/1.0/ \
                 http://api.facebook.com/1.0/facebook.xsd\">1</{root}_response>"
            );
            let text = document
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;");
            format!("  <batch_run_response_elt>{text}</batch_run_response_elt>\n")
        };
        let list = accepted(&capture).replace(">1<", " list=\"true\">\n@<").replace(
            '@',
            &[item("liveMessage_send"), item("feed_publishStoryToUser")].concat(),
        );
        assert_eq!(answer.text(), list, "{profile:?}");
        assert_eq!(answer.header("Crier-Id"), None, "{profile:?}");
        let frame = page.next_of("message").await.unwrap();
        assert_eq!(
            (
                frame["event"].as_str(),
                frame["raw"].as_str(),
                frame["via"].as_str()
            ),
            (Some("e"), Some("{}"), Some("app")),
            "{profile:?}"
        );
        let titles: Vec<_> = stories(&server)
            .await
            .into_iter()
            .map(|story| story.title)
            .collect();
        assert_eq!(titles, ["Hi"], "{profile:?}");
    }
}

/// Its file part has no name and holds a line that looks like a delimiter; its album does not exist.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_upload_is_read_and_told_that_its_album_does_not_exist() {
    let capture = Capture::named("pyfacebook.photos.upload");
    let server = replay_server(&capture, ProfileName::Period).await;
    let answer = replay(&server, &capture).await;
    assert_eq!(answer.error_code(), Some(120), "{}", answer.text());
    assert_eq!(stories(&server).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_profile_asks_for_a_call_id_and_answers_a_second_story_with_4() {
    for capture in all() {
        let server = replay_server(&capture, ProfileName::Documented).await;
        let answer = replay(&server, &capture).await;
        let name = &capture.name;
        if name.starts_with("perl") && !capture.is_desktop() {
            assert_eq!(answer.error_code(), Some(100), "{name}: {}", answer.text());
            assert_eq!(stories(&server).await, [], "{name}");
        } else if is_send(&capture) {
            assert_eq!(answer.text(), accepted(&capture), "{name}");
            let again = replay(&server, &capture).await;
            assert_eq!(again.error_code(), Some(103), "{name}: {}", again.text());
        } else if is_story(&capture) {
            assert_eq!(answer.text(), accepted(&capture), "{name}");
            renew_session(server.accounts()).await.unwrap();
            let again = replay(&server, &capture).await;
            assert_eq!(again.error_code(), Some(4), "{name}: {}", again.text());
            assert_eq!(stories(&server).await.len(), 1, "{name}");
        }
    }
}

/// Whoever changes one byte on the way changes nothing else: no message, no story, no call order, no quota (protocol 11.1).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_every_single_byte_change_of_a_value_a_capture_is_refused_and_leaves_no_trace() {
    for capture in all() {
        let server = replay_server(&capture, ProfileName::Period).await;
        // One call for the recorded request itself: were a changed one charged, that would be refused.
        let one_call = [("calls_per_minute".to_owned(), "1".to_owned())];
        server.accounts().set_app(APP_NAME, &one_call).await.unwrap();
        for change in capture.changes() {
            let answer = RawClient::exchange(server.address, &change.bytes).await.unwrap();
            let expected = match change.parameter.as_str() {
                "api_key" => 101,
                "session_key" => 102,
                _ => 104,
            };
            assert_eq!(
                (answer.status, answer.error_code()),
                (200, Some(expected)),
                "{}: {} at byte {}: {}",
                capture.name,
                change.parameter,
                change.at,
                answer.text()
            );
        }
        assert_eq!(stories(&server).await, [], "{}", capture.name);
        let answer = replay(&server, &capture).await;
        if is_send(&capture) {
            assert_eq!(
                (answer.text(), answer.header("Crier-Seq")),
                (accepted(&capture).as_str(), Some("1")),
                "{}",
                capture.name
            );
        } else if is_story(&capture) {
            assert_eq!(answer.text(), accepted(&capture), "{}", capture.name);
        } else {
            assert!(
                !matches!(answer.error_code(), Some(4 | 103 | 104)),
                "{}: {}",
                capture.name,
                answer.text()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_send_to_a_user_who_has_not_accepted_is_292_and_keeps_nothing() {
    let capture = Capture::named("php-2008-05.liveMessage.send");
    let server = replay_server(&capture, ProfileName::Period).await;
    server
        .accounts()
        .remove_grant(APP_NAME, &RECIPIENT.to_string())
        .await
        .unwrap();
    let answer = replay(&server, &capture).await;
    assert_eq!(
        (answer.error_code(), answer.header("Crier-Seq")),
        (Some(292), None),
        "{}",
        answer.text()
    );
}
