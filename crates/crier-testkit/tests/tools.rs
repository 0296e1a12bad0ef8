//! The tools against themselves: a checker that cannot fail proves nothing.
#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on has failed its test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the far side of a proxy is a task of the test's own runtime"
)]

use crier_platform::ports::clock::Clock;
use crier_proto::call::{Body, RawCall, RequestParts};
use crier_proto::secret::Secret;
use crier_proto::signature::Signed;
use crier_testkit::delivery_book::{Breach, FanOut, Place, Sent, Start, Told};
use crier_testkit::delivery_log::Broken;
use crier_testkit::{
    Carrier, DeliveryBook, DeliveryLog, FaultProxy, ManualClock, RawClient, SignedClient, Signing,
};
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

fn place(life: u32, seq: u64) -> Place {
    Place { life, seq }
}

fn ran(message: u64, place: Place) -> Start {
    let (once, redelivered) = (false, false);
    Start {
        message,
        place,
        once,
        redelivered,
    }
}

fn claimed(message: u64, redelivered: bool) -> Start {
    Start {
        once: true,
        redelivered,
        ..ran(message, place(0, message))
    }
}

/// One user, messages 1 to 3 for all his pages and 4 for one, then a crash and message 5 in a new epoch; another user's message 9.
fn two_lives() -> DeliveryBook {
    let mut book = DeliveryBook::default();
    let for_all = |recipient, place| Sent {
        recipient,
        fan_out: FanOut::All,
        place: Some(place),
    };
    (1..=3).for_each(|message| book.sent(message, for_all(7, place(0, message))));
    let fan_out = FanOut::One;
    book.sent(
        4,
        Sent {
            fan_out,
            ..for_all(7, place(0, 4))
        },
    );
    book.sent(5, for_all(7, place(1, 1)));
    book.sent(9, for_all(8, place(0, 1)));
    let first = book.page("first");
    first.recipient = 7;
    first.starts = vec![
        ran(1, place(0, 1)),
        ran(2, place(0, 2)),
        claimed(4, false),
        ran(5, place(1, 1)),
    ];
    first.gaps = vec![Told {
        from: place(0, 3),
        to: place(1, 0),
        reason: "epoch".to_owned(),
    }];
    let ended = book.page("ended");
    (ended.recipient, ended.ended) = (7, true);
    ended.starts = vec![ran(1, place(0, 1)), claimed(4, true)];
    book
}

#[test]
fn a_page_that_ended_a_gap_over_a_crash_and_a_second_claim_that_says_so_are_no_breach() {
    let verdict = two_lives().judge();
    assert_eq!(verdict.breaches, []);
    assert_eq!((verdict.starts, verdict.redelivered), (6, 1));
    assert_eq!(
        verdict.covered.into_iter().collect::<Vec<_>>(),
        [("epoch".to_owned(), 1)]
    );
}

#[test]
fn a_book_with_a_doubled_a_lost_a_foreign_or_an_early_delivery_is_refused_by_name() {
    let page = || "first".to_owned();
    let judged = |spoil: &dyn Fn(&mut DeliveryBook)| {
        let mut book = two_lives();
        spoil(&mut book);
        book.judge().breaches
    };
    let doubled = judged(&|book| book.page("first").starts.push(ran(5, place(1, 1))));
    let (first, message) = (page(), 5);
    assert_eq!(doubled, [Breach::StartedTwice { page: first, message }]);
    let lost = judged(&|book| book.page("first").gaps.clear());
    assert_eq!(
        lost,
        [Breach::Missed {
            page: page(),
            message: 3
        }]
    );
    let behind_the_crash = judged(&|book| book.page("first").starts.truncate(3));
    assert_eq!(
        behind_the_crash,
        [Breach::Missed {
            page: page(),
            message: 5
        }]
    );
    let skipped = judged(&|book| book.page("ended").starts.push(ran(3, place(0, 3))));
    let (ended, message) = ("ended".to_owned(), 2);
    assert_eq!(skipped, [Breach::Missed { page: ended, message }]);
    let foreign = judged(&|book| book.page("first").starts.push(ran(9, place(1, 2))));
    assert_eq!(
        foreign,
        [Breach::Foreign {
            page: page(),
            message: 9
        }]
    );
    let early = judged(&|book| book.page("first").starts.swap(0, 1));
    assert_eq!(
        early,
        [Breach::OutOfOrder {
            page: page(),
            message: 1
        }]
    );
    let twice_claimed = judged(&|book| book.page("ended").starts[1].redelivered = false);
    assert_eq!(
        twice_claimed,
        [Breach::RanInTwo {
            page: page(),
            message: 4
        }]
    );
    let nowhere = judged(&|book| {
        book.page("first").starts.remove(2);
        book.page("ended").starts.truncate(1);
        let first = book.page("first");
        first.gaps.clear();
        first.starts.insert(2, ran(3, place(0, 3)));
    });
    assert_eq!(nowhere, [Breach::RanNowhere { message: 4 }]);
}

#[tokio::test]
async fn a_clock_turns_until_its_sleeper_is_awake_and_no_further() {
    let clock = ManualClock::at(0);
    let moment = clock.elapsed().plus_ms(10_000);
    clock.turning(2_500, clock.sleep_until(moment)).await;
    assert_eq!(clock.elapsed(), moment);
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
