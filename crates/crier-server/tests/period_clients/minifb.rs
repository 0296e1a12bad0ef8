//! minifb 1.3 for Python 2, unmodified, led here by the proxy setting of its environment (protocol 20, T2, T3, T5, T16, T17, T22):
//! every one of its requests names `http://api.facebook.com/restserver.php`.

use crate::errors::{Caller, Reported, every_documented_error_reaches};
use crate::stage::{mailbox_end, server, stories};
use crier_platform::model::app::{AppKind, ProfileName};
use crier_testkit::TestServer;
use crier_testkit::identity::APP_NAME;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// One running interpreter with the client in it; ended by the end of its input.
struct Client {
    child: Child,
    ask: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
}

impl Client {
    fn of(server: &TestServer) -> Self {
        Self::at(server.address)
    }

    fn at(address: SocketAddr) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/period_clients/client.py");
        let packages = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/period-clients");
        let mut child = Command::new("jython")
            .arg(script)
            .env("JYTHONPATH", packages)
            .env("http_proxy", format!("http://{address}"))
            .env_remove("no_proxy")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("jython can be started");
        let ask = child.stdin.take();
        let told = BufReader::new(child.stdout.take().expect("its output is piped"));
        Self { child, ask, told }
    }

    fn call(&mut self, caller: &Caller, method: &str, params: &[(&str, &str)]) -> Reported {
        let mut sent = json!({ "session_key": caller.session_key });
        for (name, value) in params {
            sent[*name] = json!(value);
        }
        let told = self.asked(&json!({
            "method": method,
            "api_key": caller.api_key,
            "secret": caller.secret,
            "params": sent,
        }));
        match told["code"].as_u64() {
            Some(code) => Reported::Error(
                code.try_into().expect("a code"),
                told["message"].as_str().expect("a text").to_owned(),
            ),
            None => Reported::Value(told["value"].to_string()),
        }
    }
}

impl Client {
    /// What the client makes of one line.
    fn asked(&mut self, line: &Value) -> Value {
        writeln!(self.ask.as_mut().expect("its input is open"), "{line}").expect("the client reads");
        let mut told = String::new();
        self.told.read_line(&mut told).expect("the client answers");
        serde_json::from_str(&told).unwrap_or_else(|_| panic!("JSON, not {told:?}"))
    }

    /// The signed values of what a browser brought; none when the client does not believe them.
    fn validated(&mut self, secret: &str, brought: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let told = self.asked(&json!({ "secret": secret, "params": brought }));
        serde_json::from_value(told["value"].clone()).expect("a dictionary of texts")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.ask = None;
        self.child.wait().expect("an interpreter without input ends");
    }
}

const MESSAGE: &[(&str, &str)] = &[
    ("recipient", "563683308"),
    ("event_name", "rochambeau"),
    ("message", "{\"message\":\"Let's start a game — é\"}"),
];

fn yes() -> Reported {
    Reported::Value("true".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unmodified_minifb_calls_through_a_proxy_setting_and_reads_its_values() {
    let server = server(AppKind::Web, ProfileName::Documented).await;
    let mut client = Client::of(&server);
    let caller = Caller::default();
    assert_eq!(client.call(&caller, "facebook.liveMessage.send", MESSAGE), yes());
    let story = [
        (
            "title",
            "Étienne <a href=\"http://apps.example.com/g?a=1&b=2\">9 & up</a>",
        ),
        ("body", "100% <b>new</b>"),
    ];
    assert_eq!(
        client.call(&caller, "facebook.feed.publishStoryToUser", &story),
        yes()
    );
    let who = client.call(&caller, "facebook.users.getLoggedInUser", &[]);
    assert_eq!(who, Reported::Value("1240077".to_owned()));
    let feed = (
        "method_feed",
        "[\"method=users.getLoggedInUser&format=json\",\"\"]",
    );
    let batch = client.call(&caller, "facebook.batch.run", &[feed]);
    let nothing = r#"{"error_code":3,"error_msg":"Unknown method","request_args":[]}"#;
    assert_eq!(batch, Reported::Value(json!(["1240077", nothing]).to_string()));
    assert_eq!(mailbox_end(&server, AppKind::Web).await, 1);
    assert_eq!(
        stories(&server).await,
        ["Étienne <a href=\"http://apps.example.com/g?a=1&amp;b=2\">9 &amp; up</a>"]
    );
}

/// It counts from 2 in every process, and so it needs `call_id=ignored` from its second one on (protocol 20, T17).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_of_minifb_needs_the_period_profile_because_it_counts_from_two_again() {
    let server = server(AppKind::Web, ProfileName::Documented).await;
    let caller = Caller::default();
    let mut clients = [Client::of(&server), Client::of(&server)];
    let mut send = |at: usize| clients[at].call(&caller, "liveMessage.send", MESSAGE);
    assert_eq!(send(0), yes());
    let repeated = "Call_id must be greater than previous: this call_id was already accepted";
    assert_eq!(send(1), Reported::Error(103, repeated.to_owned()));
    // Its next number is above the first one's last.
    assert_eq!(send(1), yes());
    let period = [("profile".to_owned(), "period".to_owned())];
    server.accounts().set_app(APP_NAME, &period).await.unwrap();
    assert_eq!(send(0), yes(), "3 again, after the other's 3");
    assert_eq!(mailbox_end(&server, AppKind::Web).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_error_reaches_minifb_as_its_own_exception() {
    let mut client = None;
    every_documented_error_reaches(|server, caller, method, params| {
        let client = client.get_or_insert_with(|| Client::of(server));
        client.call(caller, method, params)
    })
    .await;
}

/// The sets that a canvas frame is shown with, and what the client's own `validate` makes of them (protocol 19.2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn minifb_believes_every_set_of_a_canvas_frame_and_no_forged_or_foreign_one() {
    let server = server(AppKind::Web, ProfileName::Documented).await;
    let mut client = Client::of(&server);
    let settings = [("callback", "http://game.example/"), ("canvas_ss", "on")];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let app = server.accounts().set_app(APP_NAME, &settings).await.unwrap();
    let user = server.accounts().find_user("sender").await.unwrap();
    let secret = app.secret.expose();
    let mut refused = 0;
    for (visitor, names) in [(None, 10), (Some(&*user), 14)] {
        let pairs = server.accounts().canvas_pairs(&app, visitor).await.unwrap();
        let set: BTreeMap<String, String> = pairs.into_iter().collect();
        let believed = client.validated(secret, &set);
        let sent = set
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("fb_sig_")?, value)));
        let sent: BTreeMap<String, String> = sent
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        assert_eq!((believed.len(), &believed), (names, &sent));
        for name in set.keys() {
            let mut forged = set.clone();
            forged.get_mut(name).unwrap().push('0');
            assert!(client.validated(secret, &forged).is_empty(), "{name} longer");
            forged.remove(name);
            assert!(client.validated(secret, &forged).is_empty(), "{name} gone");
            refused += 2;
        }
        let mut more = set.clone();
        more.insert("fb_sig_friends".to_owned(), "1".to_owned());
        assert!(client.validated(secret, &more).is_empty());
        assert!(client.validated(&"0".repeat(32), &set).is_empty());
        refused += 2;
    }
    println!("sets shown to minifb: 2 believed, {refused} forged or foreign ones refused");
}
