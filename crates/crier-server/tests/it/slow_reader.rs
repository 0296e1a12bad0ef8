//! A slow reader over a real socket with small buffers, under a turned clock: while the kernel can still be given bytes it stays,
//! and once it takes none for thirty seconds it is cut (live 8.4). And whoever asks and asks and never reads its answers (8.1).

use crate::live::{ORIGIN, caller, send, started, ticket};
use crate::live_floods::reached;
use crier_testkit::identity::API_KEY;
use crier_testkit::{RawClient, TestServer};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Messages sent: three times what kernel and outbox hold of them.
const SENDS: u32 = 300;
/// What the slow reader takes at once: too little for the system to wake the writer by itself.
const SIP_BYTES: usize = 8_192;
/// Connections that were cut since they read nothing.
const CUT: &str = r#"overflow_total{name="no_progress"}"#;

/// A page that is welcome, and whose kernel keeps little of what it has not read.
async fn page(server: &TestServer, name: &str, ticket: &str) -> WebSocketStream<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let stream = socket.connect(server.address).await.unwrap();
    let url = format!("ws://{}/live/ws?app={API_KEY}", server.address);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("Origin", ORIGIN.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let hello =
        json!({"type": "hello", "v": 1, "ticket": ticket, "pages": [{"page": name, "events": ["e"]}]});
    say(&mut socket, &hello).await;
    assert_eq!(frame(&mut socket).await["type"], "welcome");
    socket
}

async fn say(socket: &mut WebSocketStream<TcpStream>, frame: &Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

async fn frame(socket: &mut WebSocketStream<TcpStream>) -> Value {
    let message = socket.next().await.unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

/// Turns the clock, and returns when a neighbour has been pinged for it and its pong has been read.
async fn turn(server: &TestServer, neighbour: &mut WebSocketStream<TcpStream>, ms: u64) {
    server.clock.advance_ms(ms);
    while frame(neighbour).await["type"] != "ping" {}
    say(neighbour, &json!({"type": "pong", "at": 1})).await;
    say(
        neighbour,
        &json!({"type": "register", "page": "neighbour-0123456789", "events": ["e"]}),
    )
    .await;
    while frame(neighbour).await["type"] != "registered" {}
}

async fn cut(server: &TestServer) -> u64 {
    series(server, CUT).await
}

/// What the page of figures shows for this series, without the prefix.
pub async fn series(server: &TestServer, series: &str) -> u64 {
    let request = b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answer = RawClient::exchange(server.admin_address, request).await.unwrap();
    let text = answer.text();
    let wanted = format!("crier_live_{series} ");
    let number = text.lines().find_map(|line| line.strip_prefix(&wanted));
    number.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_reader_that_sips_is_kept_and_one_that_stops_is_cut() {
    let server = started().await;
    let sender = caller(&server);
    let text = |ticket: Value| ticket["ticket"].as_str().unwrap().to_owned();
    let mut slow = page(&server, "slow-page-0123456789", &text(ticket(&sender).await)).await;
    let mut neighbour = page(&server, "neighbour-0123456789", &text(ticket(&sender).await)).await;
    let long = "x".repeat(1_000);
    for seq in 1..=SENDS {
        send(&sender, "e", &long, &[("ttl", "86400")]).await;
        assert_eq!(frame(&mut neighbour).await["seq"], seq);
    }
    let mut sip = vec![0; SIP_BYTES];
    for _ in 0..8 {
        slow.get_mut().read_exact(&mut sip).await.unwrap();
        turn(&server, &mut neighbour, 29_000).await;
        assert_eq!(cut(&server).await, 0);
    }
    for _ in 0..3 {
        turn(&server, &mut neighbour, 31_000).await;
    }
    reached(&server, CUT, 1).await;
    // The socket was reset: what the kernel held is gone, and all the more what it never got.
    let mut rest = Vec::new();
    let end = slow.get_mut().read_to_end(&mut rest).await;
    let all = usize::try_from(SENDS).unwrap() * long.len();
    assert!(end.is_err() || rest.len() + 8 * SIP_BYTES < all);
}

#[tokio::test]
async fn a_page_that_asks_and_never_reads_is_answered_no_further_than_its_outbox_and_cut() {
    let server = started().await;
    let sender = caller(&server);
    let text = |ticket: Value| ticket["ticket"].as_str().unwrap().to_owned();
    let name = "asking-page-0123456789";
    let mut asking = page(&server, name, &text(ticket(&sender).await)).await;
    let mut neighbour = page(&server, "neighbour-0123456789", &text(ticket(&sender).await)).await;
    let register = json!({"type": "register", "page": name, "events": ["x".repeat(900)]});
    let array = json!(vec![register; 64]).to_string();
    let asks = async { while asking.send(Message::text(array.clone())).await.is_ok() {} };
    let judge = async {
        let mut most = 0;
        let mut full = 0;
        while full < 20 {
            let waiting = series(&server, "outbox_bytes").await;
            most = waiting.max(most);
            full += u32::from(waiting > 32_768);
        }
        assert!(most <= 65_536 + 1_024, "{most} bytes waited");
        for _ in 0..2 {
            turn(&server, &mut neighbour, 31_000).await;
        }
    };
    tokio::join!(asks, judge);
    reached(&server, CUT, 1).await;
}
