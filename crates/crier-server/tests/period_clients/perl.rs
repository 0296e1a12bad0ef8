//! WWW::Facebook::API 0.4.18 for Perl, unmodified, pointed at this server by its own setting (protocol 20, T2, T9, T11, T16,
//! T17, T23).

use crate::errors::{Caller, Reported, every_documented_error_reaches};
use crate::stage::{mailbox_end, secret_of, server, stories};
use crier_platform::model::app::{AppKind, ProfileName};
use crier_proto::ids::Uid;
use crier_testkit::TestServer;
use crier_testkit::identity::{APP_NAME, RECIPIENT, SENDER};
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
    caller: Caller,
}

impl<'a> Client<'a> {
    fn of(server: &'a TestServer, kind: AppKind, format: &'a str) -> Self {
        Self {
            server,
            kind,
            format,
            caller: Caller {
                secret: secret_of(kind).to_owned(),
                ..Caller::default()
            },
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
                &self.caller.secret,
                &self.caller.session_key,
                &self.caller.api_key,
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

/// The client's `last_error` is `code: text`, in JSON found by a pattern, in XML likewise.
async fn reads_every_documented_error(format: &str) {
    every_documented_error_reaches(|server, caller, method, params| {
        let client = Client {
            caller: caller.clone(),
            ..Client::of(server, AppKind::Web, format)
        };
        let seen = client.call(method, params);
        if seen.success {
            return Reported::Value(seen.response);
        }
        let (code, text) = seen.error.split_once(": ").expect("code: text");
        Reported::Error(code.parse().expect("a code"), text.to_owned())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_error_reaches_the_perl_client_by_json() {
    reads_every_documented_error("JSON").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_error_reaches_the_perl_client_by_xml() {
    reads_every_documented_error("XML").await;
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
    let client = Client::of(&server, AppKind::Web, "JSON");
    let seen = client.publish(&[("title", "x")]);
    assert_eq!((seen.success, seen.response.as_str()), (true, "0"), "{seen:?}");
    assert_eq!(stories(&server).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_web_mode_the_client_needs_the_period_profile_because_it_sends_no_call_id() {
    let server = server(AppKind::Web, ProfileName::Documented).await;
    let client = Client::of(&server, AppKind::Web, "JSON");
    for seen in [client.send(&MESSAGE), client.publish(&[("title", "x")])] {
        assert!(
            !seen.success && seen.error.starts_with("100: Invalid parameter"),
            "{seen:?}"
        );
    }
    assert_eq!(RECIPIENT.to_string(), MESSAGE[0].1);
}
