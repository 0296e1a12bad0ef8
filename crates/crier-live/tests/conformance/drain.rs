//! Leaving: how a stopping node sends its pages away, and what comes meanwhile (live 9.6, 9.7).

use crate::world::{Socket, World, page_name};
use crier_live::config::{Drain, LiveConfig};
use crier_platform::model::message::{DeliveryState, WaitFor};
use crier_platform::model::quantity::Span;
use crier_platform::ports::deliver::Deliver;
use serde_json::{Value, json};

fn many(drain: Drain) -> World {
    World::with(LiveConfig {
        drain,
        connections_per_user_max: 10_000,
        connections_per_address_max: 0,
        drain_window: Span(2_000),
        ..LiveConfig::default()
    })
}

fn delays_told(sockets: &[Socket<'_>], kind: &str) -> Vec<u64> {
    let retry = |socket: &Socket<'_>| {
        let frames = socket.frames();
        let told: Vec<&Value> = frames.iter().filter(|frame| frame["type"] == kind).collect();
        assert_eq!(told.len(), 1, "{frames:?}");
        told[0]["retry_after"].as_u64().unwrap()
    };
    sockets.iter().map(retry).collect()
}

/// The stop, polled once: it waits for whoever is connected.
macro_rules! begun {
    ($world:expr) => {{
        let mut stop = Box::pin($world.node.stop());
        assert!(
            futures_util::future::poll_immediate(stop.as_mut())
                .await
                .is_none()
        );
        stop
    }};
}

pub async fn a_restart_ends_every_connection_with_a_delay_of_its_own(_: World) {
    let world = many(Drain::Restart);
    let pages: Vec<_> = (0..200).map(|number| world.page(number, &["e"])).collect();
    let sent = world.send("waited for").await;
    let waiting = world.node.watch(sent.id, WaitFor::Acked, 5_000);
    let mut begun = None;
    let (waited, ()) = tokio::join!(waiting, async { begun = Some(begun!(world)) });
    assert_eq!(waited.unwrap().unwrap().state, DeliveryState::Queued);
    let mut delays = delays_told(&pages, "bye");
    delays.sort_unstable();
    // The second has as many equal parts as there are pages.
    for (part, delay) in (0..).zip(&delays) {
        assert!((part * 5..part * 5 + 5).contains(delay), "{delays:?}");
    }
    assert_eq!(pages[0].code(), Some(4001));
    pages.iter().for_each(Socket::lose);
    begun.unwrap().await;
}

pub async fn drain_window_is_a_second_for_each_thousand_connections_and_no_longer_than_configured(_: World) {
    for (count, window) in [(1_500_u64, 1_500), (3_000, 2_000)] {
        let world = many(Drain::Restart);
        let pages: Vec<_> = (0..count).map(|_| world.page(1, &["e"])).collect();
        let _stop = begun!(world);
        let mut delays = delays_told(&pages, "bye");
        delays.sort_unstable();
        assert!(delays[0] < 2 && delays[delays.len() - 1] == window - 1);
        let in_the_first_second = delays.iter().filter(|delay| **delay < 1_000).count() as u64;
        assert_eq!(in_the_first_second, count * 1_000 / window);
    }
}

pub async fn a_handover_asks_every_connection_and_ends_what_is_left(_: World) {
    let world = many(Drain::Handover);
    let pages = [
        world.page(1, &["e"]),
        world.page(2, &["e"]),
        world.page(3, &["e"]),
    ];
    let mut stop = begun!(world);
    let delays = delays_told(&pages, "drain");
    assert!(delays.iter().all(|delay| *delay < 1_000));
    // Until it is gone a page gets everything.
    world.send("still here").await;
    assert_eq!(pages[0].texts(), ["still here"]);
    pages[0].lose();
    world.advance(750).await;
    assert!(
        futures_util::future::poll_immediate(stop.as_mut())
            .await
            .is_none()
    );
    assert_eq!(pages[1].texts(), ["still here"]);
    world.advance(250).await;
    assert!(
        futures_util::future::poll_immediate(stop.as_mut())
            .await
            .is_none()
    );
    for left in &pages[1..] {
        let frames = left.frames();
        let bye = frames.iter().find(|frame| frame["type"] == "bye").unwrap();
        assert_eq!(bye["code"], 4000);
        assert!(bye["retry_after"].as_u64().unwrap() < 1_000);
        assert_eq!(frames.last(), Some(&json!(4000)));
        left.lose();
    }
    stop.await;
}

pub async fn a_handover_ends_as_soon_as_everybody_has_gone(_: World) {
    let world = many(Drain::Handover);
    let pages = [world.page(1, &["e"]), world.page(2, &["e"])];
    let stop = begun!(world);
    pages.iter().for_each(Socket::lose);
    // Nobody turns the clock.
    stop.await;
}

pub async fn whoever_comes_while_the_server_leaves_is_told_to_come_back(_: World) {
    for drain in [Drain::Restart, Drain::Handover] {
        let world = many(drain);
        let here = world.page(1, &["e"]);
        let silent = world.socket();
        world.node.close_door();
        assert_eq!(silent.code(), Some(4001), "it has not said hello");
        let late = world.socket();
        let frames = late.frames();
        assert_eq!(frames[0]["code"], 4001);
        assert!(frames[0]["retry_after"].as_u64().unwrap() < 1_000);
        late.hello(&json!({"pages": [{"page": page_name(2), "events": ["e"]}]}));
        assert!(late.frames().iter().all(|frame| frame["type"] != "welcome"));
        assert!(
            here.frames().is_empty(),
            "who is here stays until the second step"
        );
    }
}
