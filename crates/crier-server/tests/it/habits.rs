//! How unmodified clients of the period behave (protocol 20), each habit as the bytes that bring it: signed requests that must be
//! accepted, and answers that must have the form by which those clients read them.

use crier_platform::model::app::{AppKind, ProfileName};
use crier_proto::pairs::Pair;
use crier_proto::secret::Secret;
use crier_proto::signature::{sign_v1, signed_text_v1};
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, SENDER, SESSION_KEY};
use crier_testkit::{Answer, Identity, RawClient, TestServer};

type Params<'a> = &'a [(&'a str, &'a str)];

async fn started() -> TestServer {
    let server = TestServer::start().await.unwrap();
    let identity = Identity {
        kind: AppKind::Web,
        profile: ProfileName::Documented,
    };
    identity.establish(server.accounts()).await.unwrap();
    server
}

async fn exchange(server: &TestServer, request: impl AsRef<[u8]>) -> Answer {
    let answer = RawClient::exchange(server.address, request.as_ref())
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "T1: {}", answer.text());
    answer
}

/// These pairs with the keys of every call and their signature.
fn signed(params: Params<'_>) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = [("api_key", API_KEY), ("v", "1.0")]
        .iter()
        .chain(params)
        .map(|(name, value)| Pair {
            name: (*name).into(),
            value: (*value).into(),
        })
        .collect();
    let sig = sign_v1(&signed_text_v1(&pairs), &Secret::new(APP_SECRET));
    pairs.push(Pair {
        name: "sig".into(),
        value: sig.into(),
    });
    pairs
}

fn urlencoded(pairs: &[Pair]) -> String {
    let escaped = |value: &str| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
        value
            .bytes()
            .map(|byte| {
                if plain(byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02x}")
                }
            })
            .collect()
    };
    let pairs: Vec<String> = pairs
        .iter()
        .map(|pair| format!("{}={}", pair.name, escaped(&pair.value)))
        .collect();
    pairs.join("&")
}

/// A form posted to the target, with these headers beside the two that it needs.
fn post(target: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\n{headers}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

const DOOR: &str = "/restserver.php";
const HOST: &str = "Host: api.facebook.com\r\n";

/// The answer of a call of the session, posted.
async fn call(server: &TestServer, method: &str, call_id: &str, params: Params<'_>) -> Answer {
    let keys = [
        ("method", method),
        ("session_key", SESSION_KEY),
        ("call_id", call_id),
    ];
    exchange(
        server,
        post(DOOR, HOST, &urlencoded(&signed(&[&keys, params].concat()))),
    )
    .await
}

const JSON: (&str, &str) = ("format", "JSON");
const WHO: &str = "users.getLoggedInUser";
const MESSAGE: [(&str, &str); 4] = [
    ("recipient", "563683308"),
    ("event_name", "e"),
    ("message", "{}"),
    JSON,
];

/// T13: the official JavaScript client and PHP of 2009 split one signed set, with `method` in both halves.
#[tokio::test]
async fn one_signed_set_may_be_split_over_query_and_body_with_the_method_in_both() {
    let server = started().await;
    let pairs = signed(&[
        ("method", WHO),
        ("session_key", SESSION_KEY),
        ("call_id", "1"),
        JSON,
    ]);
    let (query, body): (Vec<Pair>, Vec<Pair>) = pairs
        .iter()
        .cloned()
        .partition(|pair| ["api_key", "method", "format"].contains(&&*pair.name));
    let method = pairs.into_iter().find(|pair| &*pair.name == "method").unwrap();
    let body = urlencoded(&[body, vec![method]].concat());
    let target = format!("{DOOR}?{}", urlencoded(&query));
    let answer = exchange(&server, post(&target, HOST, &body)).await;
    assert_eq!(answer.text(), SENDER.to_string());
}

/// T11: PEAR and Perl send every call in parts; the boundary's own hyphens belong to it.
#[tokio::test]
async fn every_call_may_come_in_parts_whatever_its_boundary_looks_like() {
    let server = started().await;
    let boundaries = [
        "xYzZY",
        "----------------------------d55d77d2f3c6",
        "--a",
        "\"a b\"",
    ];
    for (number, boundary) in (1..).zip(boundaries) {
        let call_id = number.to_string();
        let pairs = signed(
            &[
                &[
                    ("method", "liveMessage.send"),
                    ("session_key", SESSION_KEY),
                    ("call_id", &call_id),
                ],
                &MESSAGE[..],
            ]
            .concat(),
        );
        let line = boundary.trim_matches('"');
        let parts: String = pairs
            .iter()
            .map(|pair| {
                format!(
                    "--{line}\r\ncontent-disposition: FORM-DATA; name={}\r\n\r\n{}\r\n",
                    pair.name, pair.value
                )
            })
            .collect();
        let body = format!("{parts}--{line}--\r\n");
        let request = format!(
            "POST {DOOR} HTTP/1.1\r\n{HOST}content-type: multipart/form-data; boundary={boundary}\r\nCONTENT-LENGTH: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(exchange(&server, request).await.text(), "true", "{boundary}");
    }
}

/// T22: clients led here by a proxy setting, the two Ruby libraries by no other; T31: headers in any case, HTTP/1.0 without a host.
#[tokio::test]
async fn a_signed_call_may_name_the_old_address_and_come_by_http_1_0() {
    let server = started().await;
    let body = |call_id: &str| {
        let keys = [
            ("method", WHO),
            ("session_key", SESSION_KEY),
            ("call_id", call_id),
            JSON,
        ];
        urlencoded(&signed(&keys))
    };
    let old = "http://api.facebook.com/restserver.php";
    let proxied = "hOST: api.facebook.com\r\nProxy-Connection: Keep-Alive\r\nte: deflate,gzip;q=0.3\r\nConnection: TE, close\r\n\
                   Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\n";
    let without_host = post(DOOR, "", &body("3")).replace("HTTP/1.1", "HTTP/1.0");
    let without_host_at_old = post(old, "", &body("4")).replace("HTTP/1.1", "HTTP/1.0");
    let got = format!(
        "GET {old}?{} HTTP/1.0\r\nProxy-Connection: close\r\n\r\n",
        body("5")
    );
    for request in [
        post(old, proxied, &body("1")),
        post("https://api.facebook.com:443/restserver.php", HOST, &body("2")),
        without_host,
        without_host_at_old,
        got,
    ] {
        let answer = exchange(&server, &request).await;
        assert_eq!(answer.text(), SENDER.to_string(), "{request}");
        assert_eq!(answer.header("content-encoding"), None, "T29");
    }
}

/// T14: PHP of 2008 sends every name that it knows, T18: and no `call_id` with calls of auth.
#[tokio::test]
async fn empty_values_are_signed_and_mean_none() {
    let server = started().await;
    let empty = [
        ("generate_session_secret", ""),
        ("session_key", ""),
        ("call_id", ""),
        ("locale", ""),
        JSON,
    ];
    let token = urlencoded(&signed(
        &[&[("method", "auth.createToken")], &empty[1..]].concat(),
    ));
    let answer = exchange(&server, post(DOOR, HOST, &token)).await;
    assert_eq!(
        (answer.text().len(), answer.error_code()),
        (34, None),
        "T6: {}",
        answer.text()
    );
    // T25: not yet bound is 100 and nothing else.
    let token = [
        ("method", "auth.getSession"),
        ("auth_token", answer.text().trim_matches('"')),
    ];
    let body = urlencoded(&signed(&[&token, &empty[..]].concat()));
    assert_eq!(
        exchange(&server, post(DOOR, HOST, &body)).await.error_code(),
        Some(100)
    );
    let slots: Vec<_> = ["image_2", "image_2_link", "image_3", "image_3_link", "body"]
        .map(|name| (name, ""))
        .into();
    let story = [&[("title", "x"), JSON], &slots[..]].concat();
    assert_eq!(
        call(&server, "feed.publishStoryToUser", "1", &story).await.text(),
        "true"
    );
}

/// T15, T8: spellings and the root that echoes them. T16: the units in which clients count. T20: `uid` for `recipient`.
#[tokio::test]
async fn spellings_counters_and_aliases_of_the_clients_are_taken() {
    let server = started().await;
    let counters = [
        "2",
        "3",
        "1795291901.0345",
        "1795291901.0345001",
        "1795291901034",
        "1.79529190104E+12",
    ];
    let spellings = [
        "facebook.liveMessage.send",
        "facebook.livemessage.send",
        "liveMessage.send",
        "liveMessage_send",
    ];
    for (call_id, spelled) in counters.iter().zip(spellings.iter().cycle()) {
        let answer = call(
            &server,
            spelled,
            call_id,
            &[("uid", "563683308"), MESSAGE[1], MESSAGE[2]],
        )
        .await;
        let root = spelled.trim_start_matches("facebook.").replace('.', "_");
        // T7: the root on one line, its text touching its tags.
        let last = answer.text().lines().last().unwrap();
        assert!(
            last.starts_with(&format!("<{root}_response xmlns=")),
            "{}",
            answer.text()
        );
        assert!(
            last.ends_with(&format!(">1</{root}_response>")),
            "{}",
            answer.text()
        );
    }
    assert_eq!(
        call(&server, WHO, "1795291901.0345", &[]).await.error_code(),
        Some(103)
    );
}

/// T21: names that later clients always add.
#[tokio::test]
async fn locale_priority_and_ssl_resources_are_signed_and_change_nothing() {
    let server = started().await;
    let extra = [("locale", "en_US"), ("return_ssl_resources", "1"), JSON];
    assert_eq!(call(&server, WHO, "1", &extra).await.text(), SENDER.to_string());
    let story = [&extra[..], &[("title", "x"), ("priority", "5")]].concat();
    assert_eq!(
        call(&server, "feed.publishStoryToUser", "2", &story).await.text(),
        "true"
    );
}

/// T2, T3, T4, T9, T10: errors as patterns, positions and parsers find them. T5, T27: values as they tell true from false.
#[tokio::test]
async fn answers_have_the_form_by_which_the_clients_read_them() {
    let server = started().await;
    let wrong = [("recipient", "x"), MESSAGE[1], MESSAGE[2]];
    let json = call(&server, "liveMessage.send", "1", &[&wrong[..], &[JSON]].concat()).await;
    let begins = r#"{"error_code":100,"error_msg":"Invalid parameter: recipient must be a uid","request_args":[{"key":"api_key","value":"0123"#;
    assert!(json.text().starts_with(begins), "{}", json.text());
    assert!(json.text().ends_with("\"}]}"), "T4: {}", json.text());
    let xml = call(&server, "liveMessage.send", "2", &wrong).await;
    let children = "\n  <error_code>100</error_code>\n  <error_msg>Invalid parameter: recipient must be a uid</error_msg>\n  <request_args list=\"true\">\n    <arg>\n      <key>api_key</key>\n";
    assert!(xml.text().contains(children), "{}", xml.text());
    let app = server.accounts().find_app(APP_NAME).await.unwrap();
    let sender = crier_proto::ids::Uid::new(SENDER).unwrap();
    server
        .accounts()
        .switch_stories(app.id, sender, false)
        .await
        .unwrap();
    let publish = "feed.publishStoryToUser";
    assert_eq!(
        call(&server, publish, "3", &[("title", "x"), JSON]).await.text(),
        "false"
    );
    let zero = call(&server, publish, "4", &[("title", "x")]).await;
    assert!(
        zero.text().ends_with(">0</feed_publishStoryToUser_response>\n"),
        "{}",
        zero.text()
    );
}

/// T28: a Perl application whose `callback` is its own address. T30: what the JavaScript client signs cannot be met.
#[tokio::test]
async fn a_callback_that_is_an_address_needs_jsonp_off_and_utf_16_escapes_are_100() {
    let server = started().await;
    let address = [("callback", "http://game.example/fb"), JSON];
    let refused = call(&server, WHO, "1", &address).await;
    assert_eq!(refused.error_code(), Some(100), "{}", refused.text());
    let off = [("jsonp".to_owned(), "off".to_owned())];
    server.accounts().set_app(APP_NAME, &off).await.unwrap();
    assert_eq!(call(&server, WHO, "2", &address).await.text(), SENDER.to_string());
    let pairs = urlencoded(&signed(&[
        ("method", WHO),
        ("session_key", SESSION_KEY),
        ("call_id", "3"),
        JSON,
    ]));
    for escape in ["%u00e9", "%e9"] {
        let answer = exchange(&server, post(DOOR, HOST, &format!("{pairs}&locale={escape}"))).await;
        assert_eq!(answer.error_code(), Some(100), "{escape}");
        assert!(
            answer.text().ends_with("\"request_args\":[]}"),
            "{}",
            answer.text()
        );
    }
}
