//! Slow and lying hosts (feed 12): each is left at its bound.

use crate::world::{World, image, wanted};
use crier_media::config::MediaConfig;
use crier_media::dial::SystemResolver;
use crier_platform::model::picture::Cause;
use crier_platform::model::quantity::{Bytes, Span};
use crier_platform::ports::fetch::Fetch;
use futures_util::future::join;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const HEAD: u64 = 16_384;
const BODY: u64 = 500_000;
/// What the kernel may hold for both sides beyond what is read.
const BUFFERED_BYTES: usize = 24 << 20;

/// The outcome for a host that says this first and then one thing over and over, and how much it could say.
async fn endless(first: &str, again: &str) -> (Cause, u64, usize) {
    let world = World::new().await;
    let config = MediaConfig {
        image_bytes_max: Bytes(BODY),
        ..MediaConfig::default()
    };
    let fetcher = world.fetcher_with(config, Arc::new(SystemResolver));
    let serving = async {
        let (mut socket, _) = world.asked().await;
        let again = again.repeat(4_096 / again.len().max(1) + 1);
        let mut written = 0;
        let mut next = first.as_bytes();
        while let Ok(more) = socket.write(next).await {
            written += more;
            next = &next[more..];
            if next.is_empty() {
                next = again.as_bytes();
            }
        }
        written
    };
    let (fetched, written) = join(fetcher.fetch(wanted(&world.url())), serving).await;
    (
        fetched.outcome.expect_err("there is no end").cause,
        fetched.bytes,
        written,
    )
}

#[tokio::test]
async fn endless_answers_are_left_at_their_bounds() {
    for (first, again, bound) in [
        ("HTTP/1.1 200 OK\r\n", "X-Y: z\r\n", HEAD),
        ("HTTP/1.1 200 OK\r\nX: ", "y", HEAD),
        ("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", HEAD),
        ("", "\r\n", HEAD),
        ("HTTP/1.1 200 OK\r\n\r\n", "x", BODY + BODY / 8 + 2 * HEAD),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "1\r\nx\r\n",
            BODY + BODY / 8 + 2 * HEAD,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 500001\r\n\r\n", "x", HEAD),
    ] {
        let (cause, read, written) = endless(first, again).await;
        assert_eq!(cause, Cause::TooBig, "{first}{again}");
        assert!(read <= bound, "{first}{again}: {read} bytes read");
        assert!(
            written < BUFFERED_BYTES,
            "{first}{again}: {written} bytes written"
        );
    }
}

#[tokio::test]
async fn lying_lengths_and_garbled_answers_have_their_causes() {
    let world = World::new().await;
    for (answer, cause) in [
        ("", Cause::NoAnswer),
        ("HTTP/1.1 200", Cause::NoAnswer),
        ("SSH-2.0-x\r\n\r\n", Cause::NoAnswer),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nxyz",
            Cause::NoAnswer,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nxyz", Cause::NoAnswer),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            Cause::CutBody,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nimage\r\n",
            Cause::CutBody,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nimages\r\n0\r\n\r\n",
            Cause::CutBody,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
            Cause::CutBody,
        ),
        ("HTTP/1.1 301 Moved\r\n\r\n", Cause::Status(301)),
        (
            "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n",
            Cause::Status(302),
        ),
    ] {
        assert_eq!(world.outcome(answer).await, Err(cause), "{answer}");
    }
    // What follows a body that is shorter than what was sent is nobody's.
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nimage";
    assert_eq!(world.outcome(short).await, image("im"));
}

#[tokio::test]
async fn who_answers_before_being_asked_is_no_host_of_images() {
    let world = World::new().await;
    let fetcher = world.fetcher();
    let serving = async {
        let (mut socket, _) = world.listener.accept().await.expect("it listens");
        socket
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage")
            .await
            .expect("it is taken");
        let _ = socket.shutdown().await;
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest).await;
    };
    let (fetched, ()) = join(fetcher.fetch(wanted(&world.url())), serving).await;
    // Whether the answer lies there before or after the request is sent is up to the kernel: it is one of the two, and bounded.
    assert!(fetched.bytes <= 43);
    match fetched.outcome {
        Ok(got) => assert_eq!(Ok(got), image("image")),
        Err(failed) => assert_eq!(failed.cause, Cause::NoAnswer),
    }
}

#[tokio::test]
async fn silence_ends_at_first_byte_timeout_and_a_trickle_at_fetch_timeout() {
    for (said, ends_after_ms) in [
        ("", 5_000),
        ("HTTP/1.1 200 OK\r\nContent-Le", 10_000),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nima", 10_000),
    ] {
        let world = World::new().await;
        let fetcher = world.fetcher();
        let serving = async {
            let (mut socket, _) = world.asked().await;
            socket.write_all(said.as_bytes()).await.expect("it is taken");
            world.clock.advance_ms(ends_after_ms);
            // Closed or reset: the fetcher has gone, else this would wait for ever.
            let _ = socket.read_to_end(&mut Vec::new()).await;
        };
        let (fetched, ()) = join(fetcher.fetch(wanted(&world.url())), serving).await;
        assert_eq!(fetched.outcome, Err(Cause::Timeout.into()), "{said}");
        // When both are over at once it is one of the two that is met.
        let met = ["first_byte_timeout", "fetch_timeout"].map(|name| world.metrics.times_met(name));
        assert_eq!(met.iter().sum::<u64>(), 1, "{said}");
        assert!(!said.is_empty() || met == [1, 0]);
    }
}

#[tokio::test]
async fn fetch_timeout_is_met_by_itself_where_it_is_the_shorter_one() {
    let world = World::new().await;
    let config = MediaConfig {
        first_byte_timeout: Span(60_000),
        ..MediaConfig::default()
    };
    let fetcher = world.fetcher_with(config, Arc::new(SystemResolver));
    let serving = async {
        let (mut socket, _) = world.asked().await;
        world.clock.advance_ms(10_000);
        let _ = socket.read_to_end(&mut Vec::new()).await;
    };
    let (fetched, ()) = join(fetcher.fetch(wanted(&world.url())), serving).await;
    assert_eq!(fetched.outcome, Err(Cause::Timeout.into()));
    let met = ["first_byte_timeout", "fetch_timeout"].map(|name| world.metrics.times_met(name));
    assert_eq!(met, [0, 1]);
}

#[tokio::test]
async fn one_byte_a_second_is_left_after_fetch_timeout() {
    let world = World::new().await;
    let fetcher = world.fetcher();
    let serving = async {
        let (mut socket, _) = world.asked().await;
        let mut seconds = 0;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
            "x".repeat(100)
        );
        for byte in answer.bytes() {
            if socket.write_all(&[byte]).await.is_err() || seconds == 10 {
                break;
            }
            world.clock.advance_ms(1_000);
            seconds += 1;
        }
        let _ = socket.read_to_end(&mut Vec::new()).await;
        seconds
    };
    let (fetched, seconds) = join(fetcher.fetch(wanted(&world.url())), serving).await;
    assert_eq!(fetched.outcome, Err(Cause::Timeout.into()));
    assert_eq!(seconds, 10);
    assert_eq!(world.metrics.fetches("timeout"), 1);
}
