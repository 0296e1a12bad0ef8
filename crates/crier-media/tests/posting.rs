//! Posts to a receiver on the loopback (live 7.8, 7.10, 7.11): what arrives, and what each answer means.

use async_trait::async_trait;
use bytes::Bytes;
use crier_media::config::MediaConfig;
use crier_media::dial::{Dialer, Resolver};
use crier_media::hooks::{ANSWER_BYTES_MAX, Poster};
use crier_media::metrics::MediaMetrics;
use crier_platform::ports::hooks::{Content, Hook, Hooks, Posted};
use crier_proto::digest::{hmac_sha256, lower_hex};
use crier_proto::receipt::{ReceiptKey, secret_of};
use crier_testkit::ManualClock;
use futures_util::future::join;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

const BODY: &[u8] = b"{\"app\":\"7\",\"receipts\":[]}";
const ID: &str = "3f0a9c1de2b84756a1c0d9e8f7061524";
const WALL_MS: i64 = 1_700_000_000_999;
const KEYS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

/// Every name lies at one address.
struct At(SocketAddr);

#[async_trait]
impl Resolver for At {
    async fn lookup(&self, _name: &str, _port: u16) -> Result<Vec<SocketAddr>, String> {
        Ok(vec![self.0])
    }
}

struct World {
    listener: TcpListener,
    address: SocketAddr,
    clock: Arc<ManualClock>,
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self {
            address: listener.local_addr().expect("it is bound"),
            listener,
            clock: Arc::new(ManualClock::at(WALL_MS)),
        }
    }

    fn dialer(&self, allow: &[&str]) -> Dialer {
        let config = MediaConfig {
            dial_allow: allow.iter().map(|entry| (*entry).to_owned()).collect(),
            ..MediaConfig::default()
        };
        Dialer::new(&config, Arc::clone(&self.clock) as _, MediaMetrics::default())
            .expect("the entries are right")
            .asking(Arc::new(At(self.address)))
    }

    fn poster(&self, dialer: Dialer) -> Poster {
        Poster::new(
            dialer,
            Arc::clone(&self.clock) as _,
            "Crier/test (+http://crier.example)".into(),
        )
    }

    async fn post(&self, url: &str) -> Posted {
        self.poster(self.dialer(&["127.0.0.0/8"])).post(hook(url)).await
    }

    /// Posts to `/hook?x=1` while one connection is answered with `answer`; gives what was sent, too.
    async fn exchange(&self, answer: &str) -> (Posted, String) {
        let url = format!("http://{}/hook?x=1", self.address);
        join(self.post(&url), self.serve(answer)).await
    }

    async fn serve(&self, answer: &str) -> String {
        let (socket, _) = self.listener.accept().await.expect("it listens");
        answered(socket, answer).await
    }
}

async fn answered(mut socket: impl AsyncRead + AsyncWrite + Unpin, answer: &str) -> String {
    let mut request = Vec::new();
    while !request.ends_with(BODY) {
        let read = socket.read_buf(&mut request).await.expect("the request is whole");
        assert_ne!(read, 0, "the request is whole");
    }
    socket
        .write_all(answer.as_bytes())
        .await
        .expect("the answer is taken");
    // Whoever shuts down first after an answer with a length: both are right.
    let _ = socket.shutdown().await;
    String::from_utf8(request).expect("a request is text")
}

fn hook(url: &str) -> Hook {
    Hook {
        url: url.to_owned(),
        content: Content::Receipts {
            id: ID.parse().expect("32 digits"),
            keys: KEYS
                .iter()
                .map(|key| ReceiptKey::of(&secret_of(key)).expect("64 digits"))
                .collect(),
            body: Bytes::from_static(BODY),
        },
        deadline_ms: 5_000,
    }
}

fn expected_signature(key: &[u8]) -> String {
    let signed = format!("crier-receipt-v1\n{ID}\n1700000000\n");
    format!("v1={}", lower_hex(&hmac_sha256(key, &[signed.as_bytes(), BODY])))
}

#[tokio::test]
async fn a_post_carries_id_time_and_both_signatures() {
    let world = World::new().await;
    let (posted, request) = world.exchange("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(posted, Posted::Delivered);
    let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
    assert_eq!(body.as_bytes(), BODY);
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /hook?x=1 HTTP/1.1");
    lines.sort_unstable();
    let [first, second] = KEYS.map(|key| expected_signature(&key));
    assert_eq!(
        lines,
        [
            "Connection: close",
            &format!("Content-Length: {}", BODY.len()),
            "Content-Type: application/json",
            &format!("Crier-Receipt-Id: {ID}"),
            &format!("Crier-Signature: {first},{second}"),
            "Crier-Timestamp: 1700000000",
            &format!("Host: {}", world.address),
            "User-Agent: Crier/test (+http://crier.example)",
        ]
    );
}

#[tokio::test]
async fn each_status_means_delivered_refused_or_try_later() {
    let world = World::new().await;
    for (status, expected) in [
        ("200 OK", Posted::Delivered),
        ("202 Accepted", Posted::Delivered),
        ("299 Odd", Posted::Delivered),
        ("410 Gone", Posted::Refused),
        ("304 Not Modified", Posted::TryLater("the answer was 304".into())),
        ("404 Not Found", Posted::TryLater("the answer was 404".into())),
        ("500 Oops", Posted::TryLater("the answer was 500".into())),
    ] {
        let (posted, _) = world
            .exchange(&format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"))
            .await;
        assert_eq!(posted, expected, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new().await;
    let target = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = target.local_addr().expect("it is bound");
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Elsewhere\r\nLocation: http://{address}/\r\nContent-Length: 0\r\n\r\n"
        );
        let (posted, _) = world.exchange(&answer).await;
        assert_eq!(posted, Posted::TryLater(format!("the answer was {status}")));
    }
    let own = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let (_, first) = target.accept().await.expect("it listens");
    assert_eq!(first, own.local_addr().expect("it is connected"));
}

#[tokio::test]
async fn of_an_endless_answer_one_kibibyte_is_read() {
    let world = World::new().await;
    let receiver = async {
        let (mut socket, _) = world.listener.accept().await.expect("it listens");
        let mut request = Vec::new();
        while !request.ends_with(BODY) {
            socket.read_buf(&mut request).await.expect("the request is whole");
        }
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
        socket.write_all(head).await.expect("the head is taken");
        let mut written = 0_usize;
        while let Ok(more) = socket.write(&[b'x'; ANSWER_BYTES_MAX]).await {
            written += more;
        }
        written
    };
    let url = format!("http://{}/", world.address);
    let (posted, written) = join(world.post(&url), receiver).await;
    assert_eq!(posted, Posted::Delivered);
    // The rest lay in the buffers of the kernel when the connection was closed.
    assert!(written < 50_000_000, "{written}");
}

#[tokio::test]
async fn a_receiver_that_says_nothing_or_half_a_head_is_left_at_the_deadline() {
    let world = World::new().await;
    let url = format!("http://{}/", world.address);
    for said in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let receiver = async {
            let (mut socket, _) = world.listener.accept().await.expect("it listens");
            let mut request = Vec::new();
            while !request.ends_with(BODY) {
                socket.read_buf(&mut request).await.expect("the request is whole");
            }
            socket.write_all(said.as_bytes()).await.expect("it is taken");
            world.clock.advance_ms(5_000);
            // Closed or reset: the poster has gone, else this would wait for ever.
            let _ = socket.read_to_end(&mut request).await;
        };
        let (posted, ()) = join(world.post(&url), receiver).await;
        assert_eq!(posted, Posted::TryLater("no answer in time".into()), "{said}");
    }
}

#[tokio::test]
async fn a_cut_or_garbled_answer_is_tried_later() {
    let world = World::new().await;
    for answer in [
        "",
        "HTTP/1.1 200",
        "SSH-2.0-x\r\n",
        &format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(20_000)),
    ] {
        let (posted, _) = world.exchange(answer).await;
        assert!(matches!(posted, Posted::TryLater(_)), "{answer:.20}: {posted:?}");
    }
}

#[tokio::test]
async fn an_address_that_is_not_allowed_gets_no_connection() {
    let world = World::new().await;
    let url = format!("http://{}/", world.address);
    let posted = world.poster(world.dialer(&[])).post(hook(&url)).await;
    assert_eq!(
        posted,
        Posted::TryLater("forbidden address: 127.0.0.1 is a private or special address".into())
    );
    let own = tokio::net::TcpStream::connect(world.address)
        .await
        .expect("it listens");
    let (_, first) = world.listener.accept().await.expect("it listens");
    assert_eq!(first, own.local_addr().expect("it is connected"));
}

fn authority() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(include_bytes!("certificates/ca.der").to_vec().into())
        .expect("a certificate");
    client(roots)
}

fn client(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the versions are known")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn receiver() -> tokio_rustls::TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(include_bytes!("certificates/receiver.key.der").to_vec());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the versions are known")
        .with_no_client_auth()
        .with_single_cert(
            vec![include_bytes!("certificates/receiver.der").to_vec().into()],
            PrivateKeyDer::from(key),
        )
        .expect("key and certificate belong together");
    Arc::new(config).into()
}

#[tokio::test]
async fn https_needs_a_certificate_of_the_name_by_a_known_authority() {
    let world = World::new().await;
    let port = world.address.port();
    for (host, tls, expected) in [
        ("receiver.example", authority(), true),
        ("receiver.example.", authority(), true),
        ("another.example", authority(), false),
        ("receiver.example", client(RootCertStore::empty()), false),
    ] {
        let poster = world.poster(world.dialer(&["127.0.0.1"]).trusting(tls));
        let url = format!("https://{host}:{port}/");
        let serving = async {
            let (socket, _) = world.listener.accept().await.expect("it listens");
            if let Ok(socket) = receiver().accept(socket).await {
                answered(socket, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            }
        };
        let (posted, ()) = join(poster.post(hook(&url)), serving).await;
        let is_delivered = posted == Posted::Delivered;
        assert_eq!(is_delivered, expected, "{host}: {posted:?}");
    }
}
