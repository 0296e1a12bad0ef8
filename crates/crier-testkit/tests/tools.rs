//! The tools against themselves: a checker that cannot fail proves nothing.
#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on has failed its test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the far side of a proxy is a task of the test's own runtime"
)]

use crier_proto::call::{Body, RawCall, RequestParts};
use crier_proto::secret::Secret;
use crier_proto::signature::Signed;
use crier_testkit::delivery_log::Broken;
use crier_testkit::{Carrier, DeliveryLog, FaultProxy, RawClient, SignedClient, Signing};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[test]
fn every_breach_of_the_promise_is_found_and_nothing_else() {
    let mut log = DeliveryLog::default();
    (1..=6).for_each(|seq| log.sent(seq));
    log.page("clean").starts = vec![1, 2, 3, 4, 5, 6];
    let late = log.page("came late, was told of a gap, inherited one");
    (late.owed_after, late.starts, late.gaps) = (2, vec![5, 1, 6], vec![(3, Some(4))]);
    late.out_of_order.insert(1);
    log.page("open gap").gaps = vec![(1, None)];
    assert_eq!(log.breaches(), []);

    let page = || "broken".to_owned();
    let broken = log.page("broken");
    (broken.starts, broken.gaps) = (vec![1, 3, 2, 3, 9], vec![(5, Some(5))]);
    assert_eq!(
        log.breaches(),
        [
            Broken::StartedTwice { page: page(), seq: 3 },
            Broken::Missed { page: page(), seq: 4 },
            Broken::Missed { page: page(), seq: 6 },
            Broken::OutOfOrder { page: page(), seq: 2 },
            Broken::NeverSent { page: page(), seq: 9 },
        ]
    );
}

#[tokio::test]
async fn each_carrier_and_version_carries_a_signature_that_the_wire_accepts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for carrier in [Carrier::Get, Carrier::Post, Carrier::Multipart] {
        for signing in [Signing::Md5, Signing::Hmac(1_795_290_600)] {
            let client = SignedClient::new(address, "k", "secret")
                .with_session("s")
                .over(carrier)
                .signing(signing)
                .from_call_id(7);
            let pairs = client.pairs("m", &[("message", "é &=%+\n\"x\""), ("empty", "")]);
            let request = String::from_utf8(client.request(&pairs)).unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let call = RawCall::read(parts(head, body)).unwrap();
            let signed = Signed::of(&call).unwrap();
            assert!(
                signed.matches(call.pairs().get("sig").unwrap(), &Secret::new("secret")),
                "{carrier:?} {signing:?}"
            );
            assert_eq!(call.pairs().get("call_id"), Some("7"));
            assert_eq!(call.pairs().get("message"), Some("é &=%+\n\"x\""));
            assert_eq!(call.pairs().get("empty"), Some(""));
        }
    }
}

fn parts(head: &str, body: &str) -> RequestParts {
    let (verb, rest) = head.split_once(' ').unwrap();
    let (path, query) = rest
        .split_once(' ')
        .unwrap()
        .0
        .split_once('?')
        .unwrap_or((rest.split_once(' ').unwrap().0, ""));
    let media_type = head
        .split_once("Content-Type: ")
        .map(|(_, rest)| rest.split("\r\n").next().unwrap().to_owned());
    RequestParts {
        verb: verb.into(),
        path: path.into(),
        query: query.as_bytes().to_vec(),
        body: Body::of(media_type.as_deref().map(str::as_bytes), body.as_bytes().to_vec()),
        source: Ipv4Addr::LOCALHOST.into(),
    }
}

/// A server that answers each connection's first bytes with `answer` and closes.
async fn answering(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut asked = [0; 1024];
            let _ = socket.read(&mut asked).await;
            let _ = socket.write_all(answer).await;
        }
    });
    address
}

#[tokio::test]
async fn answers_are_read_by_length_by_chunks_and_to_the_end() {
    for answer in [
        &b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b:c\r\n\r\nhello"[..],
        b"HTTP/1.1 200 OK\r\nX-A: b:c\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-a: b:c\r\n\r\nhello",
    ] {
        let got = RawClient::exchange(answering(answer).await, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!((got.status, got.text(), got.header("X-a")), (200, "hello", Some("b:c")));
    }
}

#[tokio::test]
async fn error_codes_are_found_in_both_formats() {
    for (answer, code) in [
        (
            &b"HTTP/1.1 200 OK\r\n\r\n{\"error_code\":104,\"error_msg\":\"x\"}"[..],
            Some(104),
        ),
        (
            b"HTTP/1.1 200 OK\r\n\r\n<error_response>\n<error_code>340</error_code>",
            Some(340),
        ),
        (b"HTTP/1.1 200 OK\r\n\r\ntrue", None),
    ] {
        let got = RawClient::exchange(answering(answer).await, b"x").await.unwrap();
        assert_eq!(got.error_code(), code);
    }
}

#[tokio::test]
async fn a_proxy_forwards_stalls_and_cuts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::to(listener.local_addr().unwrap()).await.unwrap();
    let mut near = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    let mut got = [0; 4];

    near.write_all(b"ping").await.unwrap();
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"ping");

    proxy.stall(true);
    far.write_all(b"pong").await.unwrap();
    proxy.stall(false);
    near.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"pong");

    proxy.cut();
    assert_eq!(near.read(&mut got).await.unwrap_or(0), 0);
    assert_eq!(far.read(&mut got).await.unwrap_or(0), 0);

    proxy.refuse(true);
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(refused.read(&mut got).await.unwrap_or(0), 0);
}
