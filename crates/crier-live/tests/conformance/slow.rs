//! Readers that take their time: lagging, reading on, what expires meanwhile, and when one is cut (live 5.2, 5.5, 8).

use crate::world::{Socket, World, app, page_name, user};
use crier_live::connection::Next;
use crier_live::link::Pump;
use crier_platform::model::message::NewMessage;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::Deliver;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

async fn send(world: &World, text: &str, ttl_ms: u64) {
    let message = world.message(text);
    world.accept(NewMessage { ttl_ms, ..message }).await.unwrap();
}

fn gap(frame: &Value) -> [Value; 5] {
    ["type", "from", "to", "reason", "pages"].map(|field| frame[field].clone())
}

fn expired(from: u64, to: u64, page: u8) -> [Value; 5] {
    [
        json!("gap"),
        json!(from),
        json!(to),
        json!("expired"),
        json!([page_name(page)]),
    ]
}

/// A KiB and more on the wire, by its number: some fifty fill an outbox.
fn long(number: u32) -> String {
    format!("{number:03}{}", "x".repeat(1_000))
}

pub async fn what_expires_in_an_outbox_is_a_gap_before_what_follows(world: World) {
    let page = world.page(1, &["e"]);
    send(&world, "short 1", 1_000).await;
    send(&world, "short 2", 2_000).await;
    send(&world, "long", 60_000).await;
    world.clock.advance_ms(1_999);
    send(&world, "last", 60_000).await;
    world.clock.advance_ms(1);
    let frames = page.frames();
    assert_eq!(gap(&frames[0]), expired(1, 2, 1));
    let texts: Vec<_> = frames[1..].iter().map(|frame| frame["raw"].clone()).collect();
    assert_eq!(texts, ["long", "last"]);
    send(&world, "live", 60_000).await;
    assert_eq!(page.texts(), ["live"]);
}

pub async fn what_expires_between_live_messages_is_a_gap_of_its_own(world: World) {
    let page = world.page(1, &["e"]);
    for (text, ttl_ms) in [("1", 60_000), ("2", 500), ("3", 60_000), ("4", 500), ("5", 500)] {
        send(&world, text, ttl_ms).await;
    }
    world.clock.advance_ms(500);
    let frames = page.frames();
    assert_eq!((&frames[0]["raw"], &frames[2]["raw"]), (&json!("1"), &json!("3")));
    assert_eq!(gap(&frames[1]), expired(2, 2, 1));
    assert_eq!(gap(&frames[3]), expired(4, 5, 1));
    assert_eq!(frames.len(), 4);
}

pub async fn a_frame_whose_write_has_begun_is_finished_and_one_put_back_is_judged_again(world: World) {
    let page = world.page(1, &["e"]);
    send(&world, "begun", 1_000).await;
    send(&world, "waiting", 1_000).await;
    let hub = world.hub();
    assert!(matches!(hub.next(&page.link), Next::Frame(_)));
    world.clock.advance_ms(1_000);
    hub.taken(&page.link);
    let told = match hub.next(&page.link) {
        Next::Frame(bytes) => Some(bytes),
        Next::Close(_) | Next::Cut | Next::Nothing => None,
    };
    let told = told.unwrap();
    assert_eq!(gap(&serde_json::from_slice(&told).unwrap()), expired(2, 2, 1));
    hub.taken(&page.link);
    send(&world, "not begun", 1_000).await;
    assert!(matches!(hub.next(&page.link), Next::Frame(_)));
    hub.not_begun(&page.link);
    world.clock.advance_ms(1_000);
    assert_eq!(gap(&page.frames()[0]), expired(3, 3, 1));
}

pub async fn pages_of_one_connection_are_told_of_what_each_was_owed(world: World) {
    let socket = world.socket();
    socket.hello(&json!({"pages": [{"page": page_name(1), "events": ["e"]},
        {"page": page_name(2), "events": ["e", "f"]}, {"page": page_name(3), "events": []}]}));
    socket.frames();
    send(&world, "both", 1_000).await;
    let message = world.message("the second alone");
    let event = "f".into();
    world
        .accept(NewMessage {
            event,
            ttl_ms: 1_000,
            ..message
        })
        .await
        .unwrap();
    world.clock.advance_ms(1_000);
    let frames = socket.frames();
    assert_eq!(gap(&frames[0]), expired(1, 1, 1));
    assert_eq!(gap(&frames[1]), expired(1, 2, 2));
    assert_eq!(frames.len(), 2);
}

pub async fn what_expires_makes_room_for_reading_on(world: World) {
    let page = world.page(1, &["e"]);
    let mut sent = 0;
    while world.metrics.overflows("outbox") == 0 {
        send(&world, &long(sent), 1_000).await;
        sent += 1;
    }
    send(&world, &long(sent), 60_000).await;
    world.clock.advance_ms(1_000);
    let frames = page.frames();
    // What was in the outbox, then what the mailbox lost while nothing was pushed.
    assert_eq!(gap(&frames[0]), expired(1, u64::from(sent) - 1, 1));
    assert_eq!(
        (&frames[1]["type"], &frames[1]["from"], &frames[1]["to"]),
        (&json!("gap"), &json!(sent), &json!(sent))
    );
    assert_eq!(frames[2]["raw"], long(sent));
    assert_eq!(frames.len(), 3);
}

pub async fn ttl_0_waits_in_an_outbox_and_is_a_gap_for_a_lagging_page(world: World) {
    let page = world.page(1, &["e"]);
    send(&world, "before", 60_000).await;
    send(&world, "now", 0).await;
    world.clock.advance_ms(5_000);
    assert_eq!(page.texts(), ["before", "now"]);
    let mut sent = 2;
    while world.metrics.overflows("outbox") == 0 {
        send(&world, &long(sent), 60_000).await;
        sent += 1;
    }
    send(&world, "for nobody", 0).await;
    let frames = page.frames();
    let lost = frames.iter().find(|frame| frame["type"] == "gap").unwrap();
    assert_eq!(lost["to"], sent + 1);
    assert!(frames.iter().all(|frame| frame["raw"] != "for nobody"));
    assert_eq!(
        frames.last().unwrap()["raw"],
        long(sent - 1),
        "the last one stored came"
    );
}

pub async fn a_withdrawn_senders_messages_leave_every_outbox_stored_or_not(world: World) {
    let page = world.page(1, &["e"]);
    let other = NewMessage {
        sender: user(9),
        ..world.message("another's")
    };
    send(&world, "stored", 60_000).await;
    send(&world, "not stored", 0).await;
    world.accept(other).await.unwrap();
    world
        .node
        .withdraw(app(), user(1), world.clock.wall())
        .await
        .unwrap();
    world.clock.advance_ms(1);
    send(&world, "after he has accepted again", 0).await;
    let frames = page.frames();
    let texts: Vec<_> = frames.iter().filter_map(|frame| frame["raw"].as_str()).collect();
    assert_eq!(texts, ["another's", "after he has accepted again"]);
}

pub async fn a_reader_behind_the_ring_gets_one_gap_and_goes_on_at_the_oldest(_: World) {
    let world = World::with(crier_live::config::LiveConfig {
        ring_items_max: 20,
        ..crier_live::config::LiveConfig::default()
    });
    let page = world.page(1, &["e"]);
    for number in 1..=200 {
        send(&world, &long(number), 60_000).await;
    }
    let frames = page.frames();
    let at = frames.iter().position(|frame| frame["type"] == "gap").unwrap();
    let before = at as u64;
    assert_eq!(
        gap(&frames[at]),
        [
            json!("gap"),
            json!(before + 1),
            json!(180),
            json!("overflow"),
            json!([page_name(1)])
        ]
    );
    let seqs: Vec<_> = frames.iter().filter_map(|frame| frame["seq"].as_u64()).collect();
    let expected: Vec<_> = (1..=before).chain(181..=200).collect();
    assert_eq!(seqs, expected);
}

pub async fn a_reader_that_takes_a_byte_every_29_seconds_is_never_cut(world: World) {
    let page = world.page(1, &["e"]);
    send(&world, "slowly taken", 60_000).await;
    assert!(matches!(world.hub().next(&page.link), Next::Frame(_)));
    for _ in 0..20 {
        world.advance(29_000).await;
        assert_ne!(world.hub().next(&page.link), Next::Cut);
        world.hub().progressed(&page.link);
    }
    assert_eq!(world.metrics.overflows("no_progress"), 0);
}

/// A transport whose kernel takes a byte only when it is pressed, and only so often.
struct Reluctant {
    hub: Arc<crier_live::hub::Hub>,
    link: Arc<crier_live::link::Link>,
    gives: AtomicU32,
}

impl Pump for Reluctant {
    fn pump(&self) {}

    fn press(&self) {
        let gave = self
            .gives
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if gave.is_ok() {
            self.hub.progressed(&self.link);
        }
    }
}

pub async fn the_transport_tries_once_more_before_a_connection_is_cut(world: World) {
    let page: Socket<'_> = world.page(1, &["e"]);
    let reluctant = Arc::new(Reluctant {
        hub: Arc::clone(world.hub()),
        link: Arc::clone(&page.link),
        gives: AtomicU32::new(3),
    });
    let pump: Arc<dyn Pump> = Arc::clone(&reluctant) as _;
    page.link.attach(Arc::downgrade(&pump));
    send(&world, "taken a byte at a time", 600_000).await;
    assert!(matches!(world.hub().next(&page.link), Next::Frame(_)));
    for tries in (0..3).rev() {
        world.advance(30_500).await;
        assert_eq!(reluctant.gives.load(Ordering::Relaxed), tries);
        assert_ne!(world.hub().next(&page.link), Next::Cut);
    }
    world.advance(30_500).await;
    assert_eq!(world.hub().next(&page.link), Next::Cut);
    assert_eq!(world.metrics.overflows("no_progress"), 1);
}
