//! WWW::Facebook::API 0.4.18 for Perl, unmodified, pointed at this server by its own setting (protocol 20, T2, T9, T11, T16,
//! T17, T23). Needs Perl and the Debian package libwww-facebook-api-perl.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that cannot go on has failed its test"
)]

use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::model::app::{AppKind, ProfileName};
use crier_proto::ids::Uid;
use crier_testkit::identity::{
    API_KEY, APP_NAME, APP_SECRET, RECIPIENT, SENDER, SESSION_KEY, SESSION_SECRET,
};
use crier_testkit::{Identity, TestServer};
use std::process::Command;

/// What the client made of one call.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    success: bool,
    error: String,
    response: String,
}

struct Client<'a> {
    server: &'a TestServer,
    kind: AppKind,
    format: &'a str,
    secret: &'a str,
}

impl<'a> Client<'a> {
    fn of(server: &'a TestServer, kind: AppKind, format: &'a str) -> Self {
        Self {
            server,
            kind,
            format,
            secret: secret_of(kind),
        }
    }

    fn call(&self, method: &str, params: &[(&str, &str)]) -> Seen {
        let uri = format!("http://{}/restserver.php", self.server.address);
        let kind = match self.kind {
            AppKind::Web => "web",
            AppKind::Desktop => "desktop",
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/period_clients/client.pl");
        let ran = Command::new("perl")
            .args([
                script,
                &uri,
                kind,
                self.format,
                self.secret,
                SESSION_KEY,
                API_KEY,
                method,
            ])
            .args(params.iter().flat_map(|(name, value)| [*name, *value]))
            .output()
            .expect("perl can be started");
        let told = String::from_utf8(ran.stdout).expect("the script writes UTF-8");
        let complaint = String::from_utf8(ran.stderr).unwrap_or_default();
        let mut lines = told.splitn(3, '\n');
        let mut line = || {
            lines
                .next()
                .unwrap_or_else(|| panic!("{told}{complaint}"))
                .to_owned()
        };
        Seen {
            success: line() == "ok",
            error: line(),
            response: line().trim_end().to_owned(),
        }
    }

    fn send(&self, params: &[(&str, &str)]) -> Seen {
        self.call("liveMessage.send", params)
    }

    fn publish(&self, params: &[(&str, &str)]) -> Seen {
        self.call("feed.publishStoryToUser", params)
    }
}

async fn server(kind: AppKind, profile: ProfileName) -> TestServer {
    let server = TestServer::start().await.unwrap();
    Identity { kind, profile }
        .establish(server.accounts())
        .await
        .unwrap();
    server
}

fn secret_of(kind: AppKind) -> &'static str {
    match kind {
        AppKind::Web => APP_SECRET,
        AppKind::Desktop => SESSION_SECRET,
    }
}

/// How many messages the recipient's mailbox has taken.
async fn mailbox_end(server: &TestServer, kind: AppKind) -> u64 {
    const KEY: &str = "0123456789abcdef01234567-563683308";
    let order = NewSessionOrder {
        app: APP_NAME.to_owned(),
        user: "recipient".to_owned(),
        ttl_secs: None,
        session_key: Some(KEY.to_owned()),
        session_secret: Some(SESSION_SECRET.to_owned()),
    };
    server.accounts().add_session(order).await.unwrap();
    let caller = server.caller(API_KEY, secret_of(kind)).with_session(KEY);
    let answer = caller
        .call("liveMessage.createTicket", &[("format", "JSON")])
        .await
        .unwrap();
    answer.json()["seq"].as_u64().unwrap()
}

async fn stories(server: &TestServer) -> Vec<String> {
    let page = server
        .state
        .feed
        .page(Uid::new(SENDER).unwrap(), None)
        .await
        .unwrap();
    page.stories.into_iter().map(|view| view.story.title).collect()
}

const TITLE: &str = "Étienne scored <a href=\"http://apps.example.com/g?a=1&b=2\">9 & up</a>";
const MESSAGE: [(&str, &str); 3] = [
    ("recipient", "563683308"),
    ("event_name", "rochambeau"),
    ("message", "{\"message\":\"Let's start a game.\"}"),
];

/// In JSON the client hands out what it parsed, in XML the document.
fn is_yes(format: &str, root: &str, seen: &Seen) -> bool {
    let answered = match format {
        "JSON" => seen.response == "1",
        _ => seen.response.contains(&format!("<{root}_response ")) && seen.response.contains(">1<"),
    };
    seen.success && seen.error.is_empty() && answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unmodified_perl_client_sends_live_messages() {
    for (kind, format) in [AppKind::Web, AppKind::Desktop]
        .into_iter()
        .flat_map(|kind| [(kind, "JSON"), (kind, "XML")])
    {
        let server = server(kind, ProfileName::Period).await;
        let client = Client::of(&server, kind, format);
        for _ in 0..2 {
            let seen = client.send(&MESSAGE);
            assert!(
                is_yes(format, "liveMessage_send", &seen),
                "{kind:?} {format} {seen:?}"
            );
        }
        assert_eq!(mailbox_end(&server, kind).await, 2, "{kind:?} {format}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unmodified_perl_client_publishes_one_story_in_twelve_hours() {
    for (kind, format) in [AppKind::Web, AppKind::Desktop]
        .into_iter()
        .flat_map(|kind| [(kind, "JSON"), (kind, "XML")])
    {
        let server = server(kind, ProfileName::Period).await;
        let client = Client::of(&server, kind, format);
        let story = [
            ("title", TITLE),
            ("body", "<b>New</b> high score: 100% — \"wow\""),
        ];
        let seen = client.publish(&story);
        assert!(
            is_yes(format, "feed_publishStoryToUser", &seen),
            "{kind:?} {format} {seen:?}"
        );
        let title = "Étienne scored <a href=\"http://apps.example.com/g?a=1&amp;b=2\">9 &amp; up</a>";
        assert_eq!(stories(&server).await, [title], "{kind:?} {format}");
        let seen = client.publish(&story);
        assert!(
            !seen.success
                && seen
                    .error
                    .starts_with("340: Feed publication request limit reached"),
            "{seen:?}"
        );
        assert_eq!(stories(&server).await, [title], "{kind:?} {format}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_reads_every_documented_error_in_both_formats() {
    let server = server(AppKind::Web, ProfileName::Period).await;
    let (long_event, long_message) = ("e".repeat(129), "m".repeat(1_025));
    let long_title = "x".repeat(61);
    for format in ["JSON", "XML"] {
        let client = Client {
            server: &server,
            kind: AppKind::Web,
            format,
            secret: APP_SECRET,
        };
        let forger = Client {
            secret: SESSION_SECRET,
            ..client
        };
        let cases = [
            (forger.send(&MESSAGE), "104: Incorrect signature"),
            (client.send(&MESSAGE[1..]), "100: Invalid parameter"),
            (client.send(&MESSAGE[..2]), "100: Invalid parameter"),
            (
                client.send(&[MESSAGE[0], ("event_name", &long_event), MESSAGE[2]]),
                "1101: ",
            ),
            (
                client.send(&[MESSAGE[0], MESSAGE[1], ("message", &long_message)]),
                "1102: ",
            ),
            (
                client.send(&[("recipient", "99"), MESSAGE[1], MESSAGE[2]]),
                "292: ",
            ),
            (client.publish(&[]), "100: Invalid parameter"),
            (client.publish(&[("title", "<u>x</u>")]), "100: Invalid parameter"),
            (client.publish(&[("title", &long_title)]), "343: "),
            (client.publish(&[("title", "&nbsp;")]), "345: "),
            (
                client.publish(&[("title", "x"), ("image_1", "http://e.example/")]),
                "348: ",
            ),
            (client.call("no.suchMethod", &[]), "3: "),
        ];
        for (seen, error) in cases {
            assert!(
                !seen.success && seen.error.starts_with(error),
                "{format} {error}: {seen:?}"
            );
        }
    }
    assert_eq!(stories(&server).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_stories_switched_off_the_answer_is_false_and_not_an_error() {
    let server = server(AppKind::Web, ProfileName::Period).await;
    let app = server.accounts().find_app(APP_NAME).await.unwrap();
    server
        .accounts()
        .switch_stories(app.id, Uid::new(SENDER).unwrap(), false)
        .await
        .unwrap();
    let client = Client {
        server: &server,
        kind: AppKind::Web,
        format: "JSON",
        secret: APP_SECRET,
    };
    let seen = client.publish(&[("title", "x")]);
    assert_eq!((seen.success, seen.response.as_str()), (true, "0"), "{seen:?}");
    assert_eq!(stories(&server).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_web_mode_the_client_needs_the_period_profile_because_it_sends_no_call_id() {
    let server = server(AppKind::Web, ProfileName::Documented).await;
    let client = Client {
        server: &server,
        kind: AppKind::Web,
        format: "JSON",
        secret: APP_SECRET,
    };
    for seen in [client.send(&MESSAGE), client.publish(&[("title", "x")])] {
        assert!(
            !seen.success && seen.error.starts_with("100: Invalid parameter"),
            "{seen:?}"
        );
    }
    assert_eq!(RECIPIENT.to_string(), MESSAGE[0].1);
}
