//! What is asked, and what each answer means.

use crate::world::{WALL_MS, World, image, wanted};
use crier_media::config::MediaConfig;
use crier_platform::model::picture::Cause;
use crier_platform::ports::fetch::{Fetch, FetchFailed, Got, Validators, Wanted};
use std::fmt::Write as _;

#[tokio::test]
async fn a_request_carries_the_fields_of_its_page_and_no_other() {
    let world = World::new().await;
    let (fetched, asked) = world
        .exchange(
            wanted(&world.url()),
            &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage"],
        )
        .await;
    assert_eq!(fetched.outcome.map_err(|failed| failed.cause), image("image"));
    assert_eq!(fetched.bytes, 43);
    assert_eq!(
        asked,
        [format!(
            "GET /a.png?x=1 HTTP/1.1\r\nHost: {}\r\nUser-Agent: Crier/test (+http://crier.example)\r\n\
             Accept: image/jpeg, image/png, image/gif, image/webp\r\nAccept-Encoding: identity\r\n\r\n",
            world.address
        )]
    );
    assert_eq!(world.metrics.fetches("image"), 1);
}

#[tokio::test]
async fn validators_are_kept_sent_back_and_answered_by_304() {
    let world = World::new().await;
    let validators = Validators {
        etag: Some("W/\"7\"".into()),
        last_modified: Some("Tue, 14 Nov 2023 22:13:20 GMT".into()),
    };
    let answer = "HTTP/1.1 200 OK\r\nETag: W/\"7\"\r\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\nx";
    let (fetched, _) = world.exchange(wanted(&world.url()), &[answer]).await;
    assert_eq!(
        fetched.outcome,
        Ok(Got::Image {
            bytes: "x".into(),
            validators: validators.clone()
        })
    );
    let again = Wanted {
        url: world.url(),
        validators,
    };
    let (fetched, asked) = world
        .exchange(again, &["HTTP/1.1 304 Not Modified\r\n\r\n"])
        .await;
    assert_eq!(fetched.outcome, Ok(Got::Unchanged));
    assert!(
        asked[0].ends_with(
            "\r\nIf-None-Match: W/\"7\"\r\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\n"
        ),
        "{}",
        asked[0]
    );
}

#[tokio::test]
async fn only_200_has_a_body_for_us() {
    let world = World::new().await;
    for status in [
        201, 203, 206, 226, 300, 304, 305, 400, 404, 408, 410, 425, 429, 451, 500, 503, 599,
    ] {
        let answer = format!("HTTP/1.1 {status} Odd\r\nContent-Range: bytes 0-0/1\r\n\r\nimage");
        assert_eq!(
            world.outcome(&answer).await,
            Err(Cause::Status(status)),
            "{status}"
        );
    }
}

#[tokio::test]
async fn retry_after_is_read_as_seconds_and_as_a_date() {
    let world = World::new().await;
    // 2023-11-14 22:13:30 is 9,001 ms after the clock's wall time.
    assert_eq!(WALL_MS, 1_700_000_000_999);
    for (value, expected) in [
        ("120", Some(120_000)),
        ("0", Some(0)),
        ("Tue, 14 Nov 2023 22:13:30 GMT", Some(9_001)),
        ("Tue, 14 Nov 2000 22:13:30 GMT", Some(0)),
        ("99999999999999999999999", Some(u64::MAX)),
        ("-1", None),
        ("soon", None),
        ("", None),
    ] {
        let answer = format!("HTTP/1.1 503 Busy\r\nRetry-After: {value}\r\n\r\n");
        let (fetched, _) = world.exchange(wanted(&world.url()), &[&answer]).await;
        let failed = FetchFailed {
            cause: Cause::Status(503),
            retry_after_ms: expected,
        };
        assert_eq!(fetched.outcome, Err(failed), "{value}");
    }
}

#[tokio::test]
async fn redirects_max_redirects_are_followed_and_not_one_more() {
    let world = World::new().await;
    let elsewhere = |status: u16, path: &str| {
        format!("HTTP/1.1 {status} Elsewhere\r\nETag: \"redirect\"\r\nLocation: {path}\r\n\r\nnot for us")
    };
    let image_answer = "HTTP/1.1 200 OK\r\nETag: \"image\"\r\nContent-Length: 5\r\n\r\nimage".to_owned();
    for statuses in [[301, 302, 303], [307, 308, 301]] {
        let mut answers: Vec<String> = statuses
            .iter()
            .map(|status| elsewhere(*status, "b#part"))
            .collect();
        answers.push(image_answer.clone());
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let (fetched, asked) = world.exchange(wanted(&world.url()), &answers).await;
        // The image behind a redirect may be another one next time: there is nothing to ask with.
        assert_eq!(fetched.outcome.map_err(|failed| failed.cause), image("image"));
        assert!(asked[3].starts_with("GET /b HTTP/1.1\r\n"), "{}", asked[3]);
    }
    let round = elsewhere(302, &world.url());
    let (fetched, _) = world.exchange(wanted(&world.url()), &[round.as_str(); 4]).await;
    assert_eq!(fetched.outcome, Err(Cause::TooManyRedirects.into()));
    assert_eq!(world.metrics.times_met("redirects_max"), 1);
    world.nothing_arrived().await;
    assert_eq!(MediaConfig::default().redirects_max, 3);
}

#[tokio::test]
async fn validators_are_not_sent_to_where_a_redirect_leads() {
    let world = World::new().await;
    let asking = Wanted {
        url: world.url(),
        validators: Validators {
            etag: Some("\"1\"".into()),
            last_modified: None,
        },
    };
    let answers = [
        "HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
    ];
    let (fetched, asked) = world.exchange(asking, &answers).await;
    assert_eq!(fetched.outcome, Err(Cause::Status(304).into()));
    assert!(asked[0].contains("If-None-Match") && !asked[1].contains("If-None-Match"));
}

#[tokio::test]
async fn an_encoded_body_is_refused_unread() {
    let world = World::new().await;
    for encoding in ["gzip", "br", "identity, gzip", "deflate", ""] {
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 1000000\r\n\r\n");
        assert_eq!(
            world.outcome(&answer).await,
            Err(Cause::EncodedBody),
            "{encoding}"
        );
    }
    let plain = "HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(world.outcome(plain).await, image("x"));
}

#[tokio::test]
async fn a_body_of_image_bytes_max_is_taken_and_one_byte_more_is_not() {
    let world = World::new().await;
    let config = MediaConfig {
        image_bytes_max: crier_platform::model::quantity::Bytes(100_000),
        ..MediaConfig::default()
    };
    let chunked = |length: usize| {
        let mut text = String::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for _ in 0..length / 100 {
            let _ = write!(text, "64\r\n{}\r\n", "x".repeat(100));
        }
        let _ = write!(text, "{}0\r\n\r\n", "1\r\nx\r\n".repeat(length % 100));
        text
    };
    let closed = |length: usize| format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(length));
    let counted = |length: usize| {
        let body = "x".repeat(length);
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    for answer in [chunked(100_000), closed(100_000), counted(100_000)] {
        let fetched = served(&world, &config, &answer).await;
        let Ok(Got::Image { bytes, .. }) = fetched else {
            panic!("{fetched:?}")
        };
        assert_eq!(bytes.len(), 100_000);
    }
    let promised = "HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n".to_owned();
    for answer in [chunked(100_001), closed(100_001), counted(100_001), promised] {
        let fetched = served(&world, &config, &answer).await;
        assert_eq!(fetched, Err(Cause::TooBig), "{answer:.60}");
    }
    assert_eq!(world.metrics.times_met("image_bytes_max"), 4);
}

async fn served(world: &World, config: &MediaConfig, answer: &str) -> Result<Got, Cause> {
    use tokio::io::AsyncWriteExt;
    struct Never;
    #[async_trait::async_trait]
    impl crier_media::dial::Resolver for Never {
        async fn lookup(&self, _: &str, _: u16) -> Result<Vec<std::net::SocketAddr>, String> {
            Err("no names here".into())
        }
    }
    let fetcher = world.fetcher_with(config.clone(), std::sync::Arc::new(Never));
    let serving = async {
        let (mut socket, _) = world.asked().await;
        // Whoever has read enough goes away before the end.
        let _ = socket.write_all(answer.as_bytes()).await;
        let _ = socket.shutdown().await;
    };
    let (fetched, ()) = futures_util::future::join(fetcher.fetch(wanted(&world.url())), serving).await;
    fetched.outcome.map_err(|failed| failed.cause)
}
