//! The two ways of a soft stop, seen from outside (live 9.6): what is still served when, and what pages are told.

use crate::live::{ORIGIN, PAGE, at, caller, send, started_with, welcome};
use crier_testkit::RawClient;
use crier_testkit::page::{End, FakePage};
use std::net::SocketAddr;
use std::sync::Arc;

/// Returns when the admin door says that calls should go elsewhere.
async fn not_ready(admin: SocketAddr) {
    let request = b"GET /readyz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    while RawClient::exchange(admin, request).await.unwrap().status != 503 {}
}

#[tokio::test]
async fn a_handover_serves_calls_for_five_seconds_then_asks_pages_to_move_and_ends_what_is_left() {
    let server = started_with(&[("CRIER__LIVE__DRAIN", "handover")]).await;
    let sender = caller(&server);
    let (mut page, _) = welcome(&server, &sender, &["e"]).await;
    let (clock, admin, door) = (
        Arc::clone(&server.clock),
        server.admin_address,
        at(&server, Some(ORIGIN)),
    );
    let (drained, ()) = tokio::join!(server.stop(), async {
        not_ready(admin).await;
        assert_eq!(send(&sender, "e", "1", &[]).await, true, "calls are still served");
        assert_eq!(page.next_of("message").await.unwrap()["raw"], "1");
        let mut late = FakePage::open(&door, PAGE).await.unwrap();
        assert_eq!(late.end().await.unwrap(), End::Closed(4001));
        clock.advance_ms(5_000);
        let drain = page.next_of("drain").await.unwrap();
        assert!(drain["retry_after"].as_u64().unwrap() < 1_000);
        assert_eq!(send(&sender, "e", "2", &[]).await["error_code"], 2);
        clock.advance_ms(1_000);
        let bye = page.next_of("bye").await.unwrap();
        assert_eq!(bye["code"], 4000);
        assert!(bye["retry_after"].as_u64().unwrap() < 1_000);
        assert_eq!(page.end().await.unwrap(), End::Closed(4000));
    });
    assert!(drained.unwrap());
}

#[tokio::test]
async fn a_second_signal_cuts_a_handover_short_and_that_is_no_clean_stop() {
    let server = started_with(&[("CRIER__LIVE__DRAIN", "handover")]).await;
    let sender = caller(&server);
    let (mut page, _) = welcome(&server, &sender, &["e"]).await;
    let (drained, end) = tokio::join!(server.stop_twice(), page.end());
    assert!(!drained.unwrap());
    assert_eq!(end.unwrap(), End::Cut);
}
