//! What only an independent protocol suite meets is in no build but its own.
#![cfg(not(feature = "echo"))]

use crate::live::started;
use crier_testkit::RawClient;

#[tokio::test]
async fn the_echo_of_the_protocol_suite_is_in_no_other_build() {
    let server = started().await;
    let upgrade = "GET /live/echo HTTP/1.1\r\nHost: crier\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let answer = RawClient::exchange(server.address, upgrade.as_bytes())
        .await
        .unwrap();
    assert_eq!(answer.status, 404);
}
