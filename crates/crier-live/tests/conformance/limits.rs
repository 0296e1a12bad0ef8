//! Every bound of live section 12 that is reached through a node, under its overflow name.

use crate::world::{World, page_name, user};
use crier_live::config::LiveConfig;
use crier_live::hub::Errand;
use crier_platform::model::message::NewMessage;
use crier_platform::model::quantity::Bytes;
use crier_platform::ports::deliver::AcceptError;
use serde_json::json;

pub async fn rate_recipient_allows_a_thousand_at_once(world: World) {
    let mut id = 0u32;
    let mut accepted = 0;
    for _ in 0..1_001 {
        id += 1;
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&id.to_be_bytes());
        let message = NewMessage {
            id: crier_proto::ids::MessageId::from_bytes(bytes),
            ..world.message("x")
        };
        match world.accept(message).await {
            Ok(_) => accepted += 1,
            Err(error) => assert_eq!(error, AcceptError::RecipientRate),
        }
    }
    assert_eq!((accepted, world.metrics.overflows("rate_recipient")), (1_000, 1));
    let elsewhere = NewMessage {
        recipient: user(3),
        ..world.message("another recipient")
    };
    assert!(world.accept(elsewhere).await.is_ok());
}

pub async fn mailbox_app_is_refused_when_full(_: World) {
    let world = World::with(LiveConfig {
        app_items_max: 2,
        ..LiveConfig::default()
    });
    world.send("1").await;
    world.send("2").await;
    assert_eq!(
        world.accept(world.message("3")).await,
        Err(AcceptError::AppMailboxFull)
    );
    assert_eq!(world.metrics.overflows("mailbox_app"), 1);
    world.clock.advance_ms(60_000);
    world.advance(16_000).await;
    world.send("3").await;
}

pub async fn mailbox_node_is_refused_when_full(_: World) {
    let world = World::with(LiveConfig {
        mailbox_bytes_max: Bytes(200),
        ..LiveConfig::default()
    });
    world.send("1").await;
    assert_eq!(
        world.accept(world.message("2")).await,
        Err(AcceptError::ServerMailboxFull)
    );
    assert_eq!(world.metrics.overflows("mailbox_node"), 1);
}

pub async fn connections_user_allows_32(world: World) {
    let all: Vec<_> = (0..32).map(|number| world.page(number, &["e"])).collect();
    let over = world.socket();
    over.hello(&json!({"pages": [{"page": page_name(99), "events": ["e"]}]}));
    assert_eq!(over.code(), Some(4106));
    assert_eq!(world.metrics.overflows("connections_user"), 1);
    all[0].lose();
    world.page(99, &["e"]);
}

pub async fn connections_address_allows_its_bound(_: World) {
    let world = World::with(LiveConfig {
        connections_per_address_max: 2,
        ..LiveConfig::default()
    });
    let (first, _second) = (world.socket(), world.socket());
    assert_eq!(world.socket().code(), Some(4106));
    assert_eq!(world.metrics.overflows("connections_address"), 1);
    first.lose();
    assert_eq!(
        world.socket().code(),
        Some(4106),
        "the refused one is counted until it is gone"
    );
}

pub async fn connections_of_the_process_are_bounded(_: World) {
    let world = World::with(LiveConfig {
        connections_max: 1,
        ..LiveConfig::default()
    });
    world.page(1, &["e"]);
    assert_eq!(world.socket().code(), Some(4100));
    assert_eq!(world.metrics.overflows("connections"), 1);
}

pub async fn hello_waiting_is_bounded(_: World) {
    let world = World::with(LiveConfig {
        hello_waiting_max: 1,
        ..LiveConfig::default()
    });
    world.page(1, &["e"]);
    let waiting = world.socket();
    assert_eq!(world.socket().code(), Some(4100));
    world.advance(5_250).await;
    assert_eq!(waiting.code(), Some(4107));
    assert_eq!(world.metrics.overflows("hello"), 2);
}

pub async fn handlers_of_a_page_are_64(world: World) {
    let events: Vec<_> = (0..64).map(|number| format!("e{number}")).collect();
    let page = world.page(1, &events.iter().map(String::as_str).collect::<Vec<_>>());
    let long = "l".repeat(129);
    page.say(&json!({"type": "register", "page": page_name(1), "events": ["one more", "e0", long]}));
    let refused = json!([{"event": "one more", "code": 4}, {"event": long, "code": 1101}]);
    assert_eq!(page.frames()[0]["refused"], refused);
    assert_eq!(world.metrics.overflows("handlers"), 1);
}

pub async fn rate_send_allows_60_at_once(world: World) {
    let page = world.page(1, &["e"]);
    let send = |number: u32| {
        json!({"type": "send", "ref": format!("reference-{number}"), "page": page_name(1), "recipient": "2",
            "event": "e", "message": "m"})
    };
    let errands = (0..61)
        .filter(|number| matches!(page.say(&send(*number)), Some(Errand::Send { .. })))
        .count();
    assert_eq!(errands, 60);
    let refused = &page.frames()[0];
    assert_eq!(
        (&refused["code"], &refused["ref"]),
        (&json!(4), &json!("reference-60"))
    );
    assert_eq!(world.metrics.overflows("rate_send"), 1);
}

pub async fn authorised_ends_after_its_span(world: World) {
    let page = world.page(1, &["e"]);
    let mut code = None;
    for _ in 0..3_602 {
        world.advance(1_000).await;
        page.say(&json!({"type": "pong", "at": 1}));
        code = page.code();
        if code.is_some() {
            break;
        }
    }
    assert_eq!((code, world.metrics.overflows("authorised")), (Some(4201), 1));
}

pub async fn ping_without_pong_ends_the_connection(world: World) {
    let page = world.page(1, &["e"]);
    let mut pings = 0;
    let mut quarters = 0;
    while pings == 0 {
        world.advance(250).await;
        quarters += 1;
        pings = page
            .frames()
            .iter()
            .filter(|frame| frame["type"] == "ping")
            .count();
    }
    assert!(quarters <= 101, "the first ping comes within 25 s");
    world.advance(9_750).await;
    assert_eq!(page.code(), None);
    world.advance(500).await;
    assert_eq!((page.code(), world.metrics.overflows("ping")), (Some(4102), 1));
}

pub async fn no_progress_for_30_seconds_cuts(world: World) {
    let page = world.page(1, &["e"]);
    world.send("never taken").await;
    world.advance(29_500).await;
    assert_ne!(world.hub().next(&page.link), crier_live::connection::Next::Cut);
    world.advance(750).await;
    assert_eq!(world.hub().next(&page.link), crier_live::connection::Next::Cut);
    assert_eq!(world.metrics.overflows("no_progress"), 1);
}

pub async fn page_gone_after_its_grace(world: World) {
    world.page(1, &["e"]).lose();
    assert_eq!(world.send("1").await.handlers, 1);
    world.advance(15_250).await;
    assert_eq!(world.send("2").await.handlers, 0);
    assert_eq!(world.metrics.overflows("page_gone"), 1);
}
