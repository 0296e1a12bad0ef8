//! The REST door on a real socket: each row of protocol section 2, and the limits of section 3.

use crate::figures::scrape;
use crier_platform::model::app::{AppKind, ProfileName};
use crier_server::bound::Bound;
use crier_testkit::identity::{API_KEY, Identity};
use crier_testkit::{Answer, RawClient, TestServer};
use std::fmt::Write;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SHAPE_ERROR: &str = "  <request_args list=\"true\"/>\n</error_response>\n";

async fn started() -> TestServer {
    TestServer::start().await.unwrap()
}

async fn exchange(server: &TestServer, request: impl AsRef<[u8]>) -> Answer {
    RawClient::exchange(server.address, request.as_ref())
        .await
        .unwrap()
}

/// An urlencoded POST of this body.
fn post(body: &str) -> String {
    format!(
        "POST /restserver.php HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn assert_is_api_error(answer: &Answer, code: u64) {
    assert_eq!(
        (answer.status, answer.error_code()),
        (200, Some(code)),
        "{}",
        answer.text()
    );
}

fn assert_is_shape_error(answer: &Answer) {
    assert_is_api_error(answer, 100);
    let is_bare = answer.text().ends_with(SHAPE_ERROR) || answer.text().ends_with("\"request_args\":[]}");
    assert!(is_bare, "{}", answer.text());
}

/// How often the edges have met a bound.
async fn met(server: &TestServer, name: &str) -> f64 {
    let series = format!("crier_server_overflow_total{{name=\"{name}\"}}");
    scrape(server).await[&series]
}

#[tokio::test]
async fn get_and_post_have_equal_meaning() {
    let server = started().await;
    let got = exchange(
        &server,
        "GET /restserver.php?method=m&format=json HTTP/1.1\r\nHost: h\r\n\r\n",
    )
    .await;
    let posted = exchange(&server, post("method=m&format=json")).await;
    assert_is_api_error(&got, 101);
    assert_eq!(got.body, posted.body);
}

#[tokio::test]
async fn every_answer_carries_its_four_headers_and_no_other_of_ours() {
    let server = started().await;
    let answer = exchange(&server, post("method=m")).await;
    let mut names: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "cache-control",
            "content-length",
            "content-type",
            "date",
            "x-content-type-options"
        ]
    );
    assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn other_verbs_are_shape_errors_and_head_has_headers_only() {
    let server = started().await;
    for verb in ["PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let answer = exchange(
            &server,
            format!("{verb} /restserver.php HTTP/1.1\r\nHost: h\r\n\r\n"),
        )
        .await;
        assert_is_shape_error(&answer);
    }
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client
        .write_all(b"HEAD /restserver.php HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(
        answer.contains("content-length: ") && !answer.contains("content-length: 0"),
        "{answer}"
    );
}

#[tokio::test]
async fn absolute_form_targets_count_by_their_path_and_query() {
    let server = started().await;
    for target in [
        "http://api.facebook.com/restserver.php",
        "https://any.host:99/restserver.php",
    ] {
        let answer = exchange(
            &server,
            format!(
                "POST {target}?format=json HTTP/1.1\r\nHost: api.facebook.com\r\nContent-Length: 0\r\n\r\n"
            ),
        )
        .await;
        assert_is_api_error(&answer, 101);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn what_follows_the_path_is_not_found() {
    let server = started().await;
    for path in [
        "/restserver.php/x",
        "/restserver.php/",
        "/restserver",
        "/x/restserver.php",
    ] {
        let answer = exchange(&server, format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn host_must_stand_once_in_http_1_1_and_may_be_missing_in_1_0() {
    let server = started().await;
    for hosts in ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nhost: a\r\n"] {
        let answer = exchange(&server, format!("GET /restserver.php HTTP/1.1\r\n{hosts}\r\n")).await;
        assert_eq!(answer.status, 400, "{hosts}");
        assert_eq!(answer.header("connection"), Some("close"));
    }
    let mut older = TcpStream::connect(server.address).await.unwrap();
    older
        .write_all(b"GET /restserver.php HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    older.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.contains("<error_code>101</error_code>"), "{answer}");
    let any = exchange(&server, "GET /restserver.php HTTP/1.1\r\nHost: what ever\r\n\r\n").await;
    assert_is_api_error(&any, 101);
}

#[tokio::test]
async fn request_line_over_65534_bytes_is_414() {
    let server = started().await;
    let rest = "GET /restserver.php? HTTP/1.1".len();
    for (length, status) in [(65_534, 200), (65_535, 414), (70_000, 414)] {
        let query = "x".repeat(length - rest);
        let request = format!("GET /restserver.php?{query} HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(exchange(&server, request).await.status, status, "{length}");
    }
    assert_eq!(met(&server, "request_head").await, 2.0);
}

#[tokio::test]
async fn header_section_over_65536_bytes_is_431() {
    let server = started().await;
    let rest = "Host: h\r\nX: \r\n".len();
    for (length, status) in [(65_536, 200), (65_537, 431), (200_000, 431)] {
        let filler = "x".repeat(length - rest);
        let request = format!("GET /restserver.php HTTP/1.1\r\nHost: h\r\nX: {filler}\r\n\r\n");
        assert_eq!(exchange(&server, request).await.status, status, "{length}");
    }
    assert_eq!(met(&server, "request_head").await, 2.0);
}

#[tokio::test]
async fn more_header_fields_than_head_fields_max_are_431() {
    let server = started().await;
    for (count, status) in [(256, 200), (257, 431)] {
        let mut request = "GET /restserver.php HTTP/1.1\r\nHost: h\r\n".to_owned();
        for number in 1..count {
            write!(request, "X-{number}: 1\r\n").unwrap();
        }
        request.push_str("\r\n");
        assert_eq!(exchange(&server, request).await.status, status, "{count}");
    }
    assert_eq!(met(&server, "request_head").await, 1.0);
}

#[tokio::test]
async fn what_is_no_http_is_400() {
    let server = started().await;
    for request in [
        "hello\r\n\r\n",
        "GET /restserver.php HTTP/9.9\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET restserver.php HTTP/1.1\r\nHost: h\r\n\r\n",
        "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
        "CONNECT /restserver.php HTTP/1.1\r\nHost: h\r\n\r\n",
        "CONNECT http://h/restserver.php HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET ftp://h/restserver.php HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /restserver.php HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n",
        "POST /restserver.php HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /restserver.php HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        "POST /restserver.php HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n",
    ] {
        assert_eq!(exchange(&server, request).await.status, 400, "{request}");
    }
}

#[tokio::test]
async fn urlencoded_body_over_its_limit_is_413_by_length_and_while_reading() {
    let server = started().await;
    let fits = format!("a={}", "x".repeat(262_142));
    assert_is_shape_error(&exchange(&server, post(&fits)).await);
    let over = format!("{fits}x");
    let by_length = exchange(&server, post(&over)).await;
    let head = "POST /restserver.php HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let while_reading = exchange(&server, format!("{head}{:x}\r\n{over}\r\n0\r\n\r\n", over.len())).await;
    for answer in [by_length, while_reading] {
        assert_eq!((answer.status, answer.error_code()), (413, Some(100)));
        assert!(answer.text().starts_with("<?xml"), "{}", answer.text());
        assert!(answer.text().ends_with(SHAPE_ERROR), "{}", answer.text());
        assert_eq!(answer.header("connection"), Some("close"));
    }
    assert_eq!(server.state.metrics.times_met(Bound::RequestBodyBytes), 2);
}

#[tokio::test]
async fn length_over_the_limit_is_refused_before_the_body_comes() {
    let server = started().await;
    let mut client = RawClient::connect(server.address).await.unwrap();
    let head =
        "POST /restserver.php HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 262145\r\n\r\n";
    client.send(head.as_bytes()).await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 413);
    assert!(client.is_closed().await.unwrap());
}

#[tokio::test]
async fn multipart_body_may_have_ten_mebibytes_and_not_a_byte_more() {
    let server = started().await;
    let head = "--B\r\nContent-Disposition: form-data; filename=\"f\"\r\n\r\n";
    let tail = "\r\n--B--\r\n";
    for (length, status) in [(10_485_760, 200), (10_485_761, 413)] {
        let filler = "x".repeat(length - head.len() - tail.len());
        let request = format!(
            "POST /restserver.php HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: {length}\r\n\r\n{head}{filler}{tail}"
        );
        assert_eq!(exchange(&server, request).await.status, status, "{length}");
    }
}

#[tokio::test]
async fn period_headers_change_nothing() {
    let server = started().await;
    let plain = exchange(&server, post("method=m")).await;
    let headers = "te: deflate,gzip;q=0.3\r\nConnection: TE, close\r\nProxy-Connection: keep-alive\r\nAccept-Encoding: gzip\r\nMIME-Version: 1.0\r\nCOOKIE: a=b\r\n";
    let answer = exchange(
        &server,
        format!("POST /restserver.php HTTP/1.1\r\nhOST: api.facebook.com\r\n{headers}Content-Length: 8\r\n\r\nmethod=m"),
    )
    .await;
    assert_eq!(answer.body, plain.body);
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn expect_100_continue_gets_its_interim_answer() {
    let server = started().await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /restserver.php HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 8\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0u8; 25];
    client.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"method=m").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn chunked_bodies_are_read_and_get_bodies_are_discarded() {
    let server = started().await;
    let chunked = "POST /restserver.php HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nmethod=m&\r\nb\r\nformat=json\r\n0\r\n\r\n";
    let answer = exchange(&server, chunked).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let got = "GET /restserver.php?method=m HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nformat=json";
    let answer = exchange(&server, got).await;
    assert_is_api_error(&answer, 101);
    assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
}

#[tokio::test]
async fn content_encoding_other_than_identity_is_a_shape_error() {
    let server = started().await;
    let request = |encoding: &str| {
        format!(
            "POST /restserver.php HTTP/1.1\r\nHost: h\r\nContent-Encoding: {encoding}\r\nContent-Length: 8\r\n\r\nmethod=m"
        )
    };
    assert_is_shape_error(&exchange(&server, request("gzip")).await);
    assert_is_api_error(&exchange(&server, request("identity")).await, 101);
}

#[tokio::test]
async fn body_of_another_type_is_a_shape_error_unless_it_is_empty() {
    let server = started().await;
    let request = |body: &str| {
        format!(
            "POST /restserver.php?format=json HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    assert_is_shape_error(&exchange(&server, request("x")).await);
    assert_is_api_error(&exchange(&server, request("")).await, 101);
}

#[tokio::test]
async fn connections_are_kept_alive_until_the_client_closes_them() {
    let server = started().await;
    let mut client = RawClient::connect(server.address).await.unwrap();
    for _ in 0..3 {
        client.send(post("method=m").as_bytes()).await.unwrap();
        assert_is_api_error(&client.answer().await.unwrap(), 101);
    }
    let last = "GET /restserver.php HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    client.send(last.as_bytes()).await.unwrap();
    assert_is_api_error(&client.answer().await.unwrap(), 101);
    assert!(client.is_closed().await.unwrap());
}

#[tokio::test]
async fn sixty_five_parameters_are_a_shape_error_and_sixty_four_are_not() {
    let server = started().await;
    let body = |count: usize| {
        (0..count)
            .map(|number| format!("p{number}=1"))
            .collect::<Vec<_>>()
            .join("&")
    };
    assert_is_api_error(&exchange(&server, post(&body(64))).await, 101);
    assert_is_shape_error(&exchange(&server, post(&body(65))).await);
}

#[tokio::test]
async fn nul_bad_utf8_bad_escapes_and_doubles_are_shape_errors_in_the_asked_format() {
    let server = started().await;
    for body in [
        "a=%00", "a=%ff", "a=%u00e9", "a=100%", "a=1&a=2", "a[]=1", "%C3%28=1",
    ] {
        let answer = exchange(&server, post(&format!("format=json&{body}"))).await;
        assert_is_shape_error(&answer);
        assert!(
            answer.text().starts_with("{\"error_code\":100,"),
            "{body}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn truncated_and_nameless_multipart_is_a_shape_error() {
    let server = started().await;
    let request = |body: &str| {
        format!(
            "POST /restserver.php HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let part = |disposition: &str| format!("--B\r\nContent-Disposition: {disposition}\r\n\r\nm\r\n");
    let named = part("form-data; name=\"method\"");
    assert_is_api_error(
        &exchange(&server, request(&format!("{named}--B--\r\n"))).await,
        101,
    );
    for body in [
        named.clone(),
        format!("{named}--B\r\n"),
        format!("{}--B--\r\n", part("form-data")),
        format!("{}--B--\r\n", part("attachment; name=\"a\"")),
        "--C--\r\n".to_owned(),
    ] {
        assert_is_shape_error(&exchange(&server, request(&body)).await);
    }
}

#[tokio::test]
async fn body_that_does_not_come_is_closed_when_its_patience_is_over() {
    let server = started().await;
    let mut client = RawClient::connect(server.address).await.unwrap();
    let head =
        "POST /restserver.php HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n";
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    // The interim answer says that the door waits for the body: its patience has begun.
    let mut interim = [0u8; 25];
    socket.read_exact(&mut interim).await.unwrap();
    server.clock.advance_ms(120_001);
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"", "no answer is owed to a body that never came");
    client.send(post("method=m").as_bytes()).await.unwrap();
    assert_is_api_error(&client.answer().await.unwrap(), 101);
}

#[tokio::test]
async fn head_that_does_not_end_is_closed_at_the_head_deadline() {
    let server = TestServer::start_with(&[("CRIER__SERVER__HEAD_DEADLINE", "50ms")])
        .await
        .unwrap();
    for begun in ["", "POST /restserver.php HTTP/1.1\r\nHost: h\r\n"] {
        let mut client = RawClient::connect(server.address).await.unwrap();
        client.send(begun.as_bytes()).await.unwrap();
        assert!(client.is_closed().await.unwrap(), "{begun}");
    }
    assert_eq!(met(&server, "request_head").await, 2.0);
}

#[tokio::test]
async fn connection_over_connections_max_is_closed_at_once() {
    let server = TestServer::start_with(&[("CRIER__SERVER__CONNECTIONS_MAX", "1")])
        .await
        .unwrap();
    let mut first = RawClient::connect(server.address).await.unwrap();
    first.send(post("method=m").as_bytes()).await.unwrap();
    first.answer().await.unwrap();
    let mut second = RawClient::connect(server.address).await.unwrap();
    assert!(second.is_closed().await.unwrap());
    assert_eq!(server.state.metrics.times_met(Bound::Connections), 1);
    first.send(post("method=m").as_bytes()).await.unwrap();
    assert_is_api_error(&first.answer().await.unwrap(), 101);
}

#[tokio::test]
async fn admin_connections_max_is_apart_from_the_places_of_the_public_doors() {
    let server = TestServer::start_with(&[
        ("CRIER__SERVER__CONNECTIONS_MAX", "1"),
        ("CRIER__SERVER__ADMIN_CONNECTIONS_MAX", "1"),
    ])
    .await
    .unwrap();
    let mut public = RawClient::connect(server.address).await.unwrap();
    public.send(post("method=m").as_bytes()).await.unwrap();
    assert_is_api_error(&public.answer().await.unwrap(), 101);
    // Every public place is taken: the operator still hears how the server is.
    let ready = b"GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut operator = RawClient::connect(server.admin_address).await.unwrap();
    operator.send(ready).await.unwrap();
    assert_eq!(operator.answer().await.unwrap().status, 200);
    let mut second = RawClient::connect(server.admin_address).await.unwrap();
    assert!(second.is_closed().await.unwrap());
    let met = |bound| server.state.metrics.times_met(bound);
    assert_eq!((met(Bound::AdminConnections), met(Bound::Connections)), (1, 0));
}

#[tokio::test]
async fn base_path_is_served_with_and_without_a_proxy_that_removes_it() {
    let server = TestServer::start_with(&[("CRIER__SERVER__URL", "https://host.example/crier")])
        .await
        .unwrap();
    for path in ["/crier/restserver.php", "/restserver.php"] {
        let answer = exchange(&server, format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        assert_is_api_error(&answer, 101);
    }
    let answer = exchange(&server, "GET /crierx/restserver.php HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn schemas_are_served_as_xml() {
    let server = started().await;
    for path in ["/1.0/facebook.xsd", "/1.0/crier.xsd"] {
        let answer = exchange(&server, format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("text/xml; charset=utf-8"))
        );
        assert!(answer.text().starts_with("<?xml"), "{path}");
    }
}

#[tokio::test]
async fn source_address_is_the_trusted_proxys_word() {
    let server = TestServer::start_with(&[("CRIER__SERVER__TRUSTED_PROXIES", "127.0.0.1")])
        .await
        .unwrap();
    let identity = Identity {
        kind: AppKind::Web,
        profile: ProfileName::Documented,
    };
    identity.establish(server.accounts()).await.unwrap();
    let settings = [("allow_ip".to_owned(), "192.0.2.0/24".to_owned())];
    server.accounts().set_app(API_KEY, &settings).await.unwrap();
    let body = format!("api_key={API_KEY}&method=users.getLoggedInUser&v=1.0&format=json");
    let from = |forwarded: &str| {
        format!(
            "POST /restserver.php HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: {forwarded}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let refused = exchange(&server, from("192.0.2.7, 198.51.100.1")).await;
    assert_is_api_error(&refused, 5);
    assert!(
        refused.text().contains("(ip was: 198.51.100.1)"),
        "{}",
        refused.text()
    );
    let admitted = exchange(&server, from("198.51.100.1, 192.0.2.7")).await;
    assert_ne!(admitted.error_code(), Some(5), "{}", admitted.text());
}

#[tokio::test]
async fn admin_listener_says_alive_and_ready_and_shows_the_calls() {
    let server = started().await;
    exchange(&server, post("method=m")).await;
    let admin = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/restserver.php", 404)] {
        let answer = RawClient::exchange(server.admin_address, admin(path).as_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{path}");
    }
    let answer = RawClient::exchange(server.admin_address, admin("/metrics").as_bytes())
        .await
        .unwrap();
    assert!(
        answer.text().contains("crier_server_calls_total{"),
        "{}",
        answer.text()
    );
    let public = exchange(&server, admin("/metrics")).await;
    assert_eq!(public.status, 404);
}

#[tokio::test]
async fn draining_server_is_not_ready_and_ends_cleanly() {
    let server = started().await;
    let mut client = RawClient::connect(server.address).await.unwrap();
    client.send(post("method=m").as_bytes()).await.unwrap();
    client.answer().await.unwrap();
    assert!(server.stop().await.unwrap());
    assert!(client.is_closed().await.unwrap());
}

#[tokio::test]
async fn soft_stop_that_has_not_ended_at_stop_deadline_is_cut() {
    let patient = [
        ("CRIER__SERVER__BODY_GRACE", "1d"),
        ("CRIER__SERVER__BODY_DEADLINE", "1d"),
        ("CRIER__LIVE__STOP_DEADLINE", "45s"),
    ];
    let server = TestServer::start_with(&patient).await.unwrap();
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head =
        "POST /restserver.php HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0u8; 25];
    socket.read_exact(&mut interim).await.unwrap();
    let clock = std::sync::Arc::clone(&server.clock);
    let drained = clock.turning(1_000, server.stop()).await.unwrap();
    assert!(!drained, "a call that never ends is no clean drain");
}

#[tokio::test]
async fn new_calls_of_a_draining_server_are_503_with_error_2_in_their_format() {
    let patient = [
        ("CRIER__SERVER__BODY_GRACE", "1d"),
        ("CRIER__SERVER__BODY_DEADLINE", "1d"),
    ];
    let server = TestServer::start_with(&patient).await.unwrap();
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let body = "method=m&format=json";
    let head = format!(
        "POST /restserver.php HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0u8; 25];
    socket.read_exact(&mut interim).await.unwrap();
    let admin = server.admin_address;
    let calling = async {
        // The soft stop has begun when the admin door says so, or is gone.
        let ready = "GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n";
        while let Ok(answer) = RawClient::exchange(admin, ready.as_bytes()).await {
            if answer.status == 503 {
                break;
            }
        }
        socket.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (drained, answer) = tokio::join!(server.stop(), calling);
    assert!(drained.unwrap());
    assert!(
        answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
        "{answer}"
    );
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(
        answer.ends_with(
            "{\"error_code\":2,\"error_msg\":\"Service temporarily unavailable\",\"request_args\":[]}"
        ),
        "{answer}"
    );
}
