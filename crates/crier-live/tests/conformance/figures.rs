//! Figures that follow from a turned clock, exactly (live section 13).

use crate::world::{World, app, page_name, user};
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::Deliver;
use crier_proto::message::Fanout;
use serde_json::json;

fn shows(world: &World, expected: &[(&str, &str)]) {
    for (series, value) in expected {
        assert_eq!(world.figure(series).as_deref(), Some(*value), "{series}");
    }
}

pub async fn a_ping_is_timed_to_its_pong_once(world: World) {
    let page = world.page(1, &["e"]);
    let ping = loop {
        world.advance(250).await;
        if let Some(ping) = page.frames().pop() {
            break ping;
        }
    };
    assert_eq!(ping["type"], "ping", "{ping}");
    world.clock.advance_ms(7);
    let pong = json!({"type": "pong", "at": ping["at"]});
    page.say(&pong);
    page.say(&pong);
    shows(
        &world,
        &[
            ("ping_round_trip_seconds_count", "1"),
            ("ping_round_trip_seconds_sum", "0.007"),
            ("frames_total{direction=\"in\",type=\"pong\"}", "2"),
            ("frames_total{direction=\"out\",type=\"ping\"}", "1"),
        ],
    );
}

pub async fn a_withdrawal_is_timed_to_its_last_byte(world: World) {
    let (first, second) = (world.page(1, &["e"]), world.page(2, &["e"]));
    let at = world.clock.wall();
    world.clock.advance_ms(40);
    world.node.withdraw(app(), user(2), at).await.unwrap();
    assert_eq!(first.code(), Some(4305));
    shows(
        &world,
        &[("withdrawal_seconds_count", "0"), ("withdrawals_total", "1")],
    );
    world.clock.advance_ms(160);
    assert_eq!(second.code(), Some(4305));
    shows(
        &world,
        &[
            ("withdrawal_seconds_count", "1"),
            ("withdrawal_seconds_sum", "0.2"),
            ("withdrawal_seconds_bucket{le=\"0.1\"}", "0"),
            ("withdrawal_seconds_bucket{le=\"0.25\"}", "1"),
            ("byes_total{code=\"4305\"}", "2"),
        ],
    );
}

pub async fn a_withdrawal_that_ends_nobody_is_timed_too(world: World) {
    let lost = world.page(1, &["e"]);
    let at = world.clock.wall();
    world.node.withdraw(app(), user(9), at).await.unwrap();
    shows(
        &world,
        &[
            ("withdrawal_seconds_count", "1"),
            ("withdrawal_seconds_sum", "0.0"),
        ],
    );
    // Whoever is cut has written its last.
    world.node.withdraw(app(), user(2), at).await.unwrap();
    shows(&world, &[("withdrawal_seconds_count", "1")]);
    lost.lose();
    shows(&world, &[("withdrawal_seconds_count", "2")]);
}

pub async fn messages_are_timed_to_their_first_hand_over_and_their_first_ack(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    world.send("x").await;
    world.clock.advance_ms(3);
    let message = one.frames();
    world.clock.advance_ms(4);
    two.frames();
    two.ack(2, &message[0]["id"]);
    world.clock.advance_ms(100);
    one.ack(1, &message[0]["id"]);
    shows(
        &world,
        &[
            ("accept_to_written_seconds_count", "1"),
            ("accept_to_written_seconds_sum", "0.003"),
            ("accept_to_acked_seconds_count{fanout=\"all\"}", "1"),
            ("accept_to_acked_seconds_sum{fanout=\"all\"}", "0.007"),
            ("accept_to_acked_seconds_count{fanout=\"one\"}", "0"),
            ("frames_total{direction=\"out\",type=\"message\"}", "2"),
        ],
    );
}

pub async fn what_is_offered_again_is_counted(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    world.send_for("x", Fanout::One).await;
    let first = one.frames();
    assert_eq!(first.len(), 1, "the oldest page has it");
    one.lose();
    world.advance(15_250).await;
    let again = two.frames();
    assert!(
        again.iter().any(|frame| frame["redelivered"] == true),
        "{again:?}"
    );
    shows(
        &world,
        &[
            ("redelivered_total", "1"),
            ("overflow_total{name=\"page_gone\"}", "1"),
        ],
    );
}

pub async fn pages_and_handlers_are_those_that_are_present(world: World) {
    let one = world.page(1, &["e", "f"]);
    let two = world.page(2, &["e"]);
    shows(
        &world,
        &[
            ("pages", "2"),
            ("handlers", "3"),
            ("connections{transport=\"ws\"}", "2"),
        ],
    );
    one.say(&json!({"type": "unregister", "page": page_name(1), "events": ["f"]}));
    two.lose();
    // Within its grace a page is still present.
    shows(
        &world,
        &[
            ("pages", "2"),
            ("handlers", "2"),
            ("connections{transport=\"ws\"}", "1"),
        ],
    );
    one.say(&json!({"type": "leave"}));
    world.advance(15_250).await;
    shows(&world, &[("pages", "0"), ("handlers", "0"), ("heads", "1")]);
}

pub async fn a_lagging_connection_is_seen_with_its_bytes(world: World) {
    let page = world.page(1, &["e"]);
    let text = "x".repeat(1_024);
    for _ in 0..60 {
        world.send(&text).await;
    }
    let bytes: usize = world.figure("outbox_bytes").unwrap().parse().unwrap();
    assert!((64_000..=65_536).contains(&bytes), "{bytes}");
    shows(
        &world,
        &[
            ("lagging_connections", "1"),
            ("overflow_total{name=\"outbox\"}", "1"),
        ],
    );
    page.frames();
    shows(&world, &[("lagging_connections", "0"), ("outbox_bytes", "0")]);
}
