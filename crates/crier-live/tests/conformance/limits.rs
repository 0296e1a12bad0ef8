//! Every bound of live section 12 that is reached through a node, under its overflow name.

use crate::world::{World, app, decimal, page_name, user};
use crier_live::config::LiveConfig;
use crier_live::hub::Errand;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::message::{DeliveryState, NewMessage, WaitFor};
use crier_platform::model::quantity::{Bytes, Span};
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Ticket;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::{AcceptError, Deliver};
use crier_platform::ports::ledger::{Charge, Ledger, LedgerRefusal, OrderCharge, OrderRule};
use crier_platform::ports::tickets::Tickets;
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
    let met = |name| world.metrics.overflows(name);
    assert_eq!((met("handlers"), met("event_name")), (1, 1));
}

pub async fn handlers_of_a_connection_are_256_and_a_hello_is_told_once_a_page(world: World) {
    let socket = world.socket();
    let pages: Vec<_> = (0..32)
        .map(|page| {
            let events: Vec<_> = (0..64).map(|event| format!("{page}-{event}")).collect();
            json!({"page": page_name(page), "events": events})
        })
        .collect();
    socket.hello(&json!({"pages": pages}));
    let frames = socket.frames();
    assert_eq!(frames[0]["type"], "welcome");
    // Four pages of 64 have taken all; each of the others is told so once.
    let told: Vec<_> = frames[1..]
        .iter()
        .map(|frame| {
            (
                frame["type"].clone(),
                frame["code"].clone(),
                frame["page"].clone(),
            )
        })
        .collect();
    let expected: Vec<_> = (4..32)
        .map(|page| (json!("error"), json!(4), json!(page_name(page))))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(world.metrics.overflows("handlers"), 28 * 64);
    let nameless = world.socket();
    nameless.hello(&json!({"pages": [{"page": page_name(40), "events": ["", "e"]}]}));
    assert_eq!(
        nameless.frames()[1]["text"],
        "Invalid parameter: events must not be empty or contain U+0000"
    );
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

pub async fn app_bytes_max_refuses_what_no_longer_fits(_: World) {
    let world = World::with(LiveConfig {
        app_bytes_max: Bytes(200),
        ..LiveConfig::default()
    });
    world.send("1").await;
    assert_eq!(
        world.accept(world.message("2")).await,
        Err(AcceptError::AppMailboxFull)
    );
}

pub async fn heads_max_lets_the_longest_unused_head_leave(_: World) {
    let world = World::with(LiveConfig {
        heads_max: 3,
        ..LiveConfig::default()
    });
    let epoch = async |number| {
        world.clock.advance_ms(1);
        world.node.cursor(app(), user(number)).await.unwrap().epoch
    };
    let (first, second, third) = (epoch(1).await, epoch(2).await, epoch(3).await);
    assert_eq!(epoch(1).await, first, "three are not too many");
    epoch(4).await;
    assert_eq!(world.metrics.overflows("head"), 1);
    assert_eq!(epoch(1).await, first);
    assert_eq!(epoch(3).await, third);
    assert_ne!(epoch(2).await, second, "the longest unused has left");
    assert_eq!(world.metrics.overflows("head"), 2);
}

pub async fn heads_max_of_a_large_process_bounds_it_too(_: World) {
    let world = World::with(LiveConfig {
        heads_max: 1_000,
        ..LiveConfig::default()
    });
    for number in 1..=3_000 {
        world.node.cursor(app(), user(number)).await.unwrap();
    }
    assert_eq!(world.metrics.overflows("head"), 2_000);
}

pub async fn heads_max_spares_the_heads_of_live_messages_and_present_pages(_: World) {
    let world = World::with(LiveConfig {
        heads_max: 2,
        ..LiveConfig::default()
    });
    let _page = world.page(1, &["e"]);
    let waiting = NewMessage {
        recipient: user(1),
        ..world.message("1")
    };
    world.accept(waiting).await.unwrap();
    let kept = async |number| world.node.cursor(app(), user(number)).await.unwrap().epoch;
    let (of_message, of_page) = (kept(1).await, kept(2).await);
    for number in 3..=20 {
        world.clock.advance_ms(1);
        kept(number).await;
    }
    assert_eq!((kept(1).await, kept(2).await), (of_message, of_page));
    assert_eq!(
        world.metrics.overflows("head"),
        17,
        "all but the last of the others"
    );
}

pub async fn pong_deadline_and_progress_deadline_are_kept_as_configured(_: World) {
    let world = World::with(LiveConfig {
        ping: Span(1_000),
        pong_deadline: Span(2_000),
        progress_deadline: Span(3_000),
        ..LiveConfig::default()
    });
    let silent = world.page(1, &["e"]);
    let stuck = world.page(2, &["e"]);
    world.advance(1_250).await;
    assert_eq!(silent.frames()[0]["type"], "ping");
    let mut code = None;
    for _ in 0..9 {
        world.advance(250).await;
        code = code.or(silent.code());
    }
    assert_eq!(code, Some(4102));
    world.advance(1_000).await;
    assert_eq!(world.hub().next(&stuck.link), crier_live::connection::Next::Cut);
}

pub async fn app_waiters_max_and_waiters_max_answer_at_once(_: World) {
    let configs = [
        LiveConfig {
            app_waiters_max: 1,
            ..LiveConfig::default()
        },
        LiveConfig {
            waiters_max: 1,
            ..LiveConfig::default()
        },
    ];
    for config in configs {
        let world = World::with(config);
        let page = world.page(1, &["e"]);
        let sent = world.send("1").await;
        let wait = || world.node.watch(sent.id, WaitFor::Acked, 5_000);
        let (first, second, ()) = tokio::join!(wait(), wait(), async {
            let frame = page.frames().remove(0);
            page.ack(1, &frame["id"]);
        });
        assert_eq!(first.unwrap().unwrap().state, DeliveryState::Acked);
        assert_eq!(second.unwrap().unwrap().state, DeliveryState::Queued);
        assert_eq!(world.metrics.overflows("waiters"), 1);
    }
}

pub async fn status_items_max_and_status_keep_forget_records(_: World) {
    let world = World::with(LiveConfig {
        status_items_max: 2,
        status_keep: Span(1_000),
        ..LiveConfig::default()
    });
    let (first, second) = (world.send("first").await, world.send("second").await);
    let last = world.send("x").await;
    let known = async |id| {
        world
            .node
            .watch(id, WaitFor::Accepted, 0)
            .await
            .unwrap()
            .is_some()
    };
    assert!(!known(first.id).await);
    assert_eq!(world.metrics.overflows("status"), 1);
    assert!(known(second.id).await && known(last.id).await);
    world.clock.advance_ms(61_000);
    world.advance(250).await;
    assert!(!known(last.id).await);
}

pub async fn ledger_sessions_max_forgets_nothing_that_the_store_knows(_: World) {
    let world = World::with(LiveConfig {
        ledger_sessions_max: 1,
        ..LiveConfig::default()
    });
    let charge = |session| Charge {
        quota: None,
        order: Some(OrderCharge {
            session: SessionId(session),
            rule: OrderRule::Greater,
            value: decimal("5"),
        }),
    };
    for session in 0..3_000 {
        assert_eq!(world.node.settle(&charge(session)).await, Ok(Ok(())));
    }
    for session in 0..3_000 {
        let again = world.node.settle(&charge(session)).await;
        assert_eq!(again, Ok(Err(LedgerRefusal::CallIdRepeated)), "{session}");
    }
}

pub async fn ticket_life_decides_which_tickets_a_withdrawal_voids(_: World) {
    let world = World::with(LiveConfig {
        ticket_life: Span(10_000),
        ..LiveConfig::default()
    });
    let ticket = |number, life_ms| Ticket {
        token: TokenDigest([number; 32]),
        app: app(),
        user: user(2),
        session: SessionId(5),
        session_key: world.permit().session_key,
        expires_at: world.clock.wall().plus_ms(life_ms),
    };
    world.node.issue(ticket(1, 10_000)).await.unwrap();
    world.node.issue(ticket(2, 10_001)).await.unwrap();
    world
        .node
        .withdraw(app(), user(2), world.clock.wall())
        .await
        .unwrap();
    assert!(world.node.redeem(TokenDigest([1; 32])).await.unwrap().is_none());
    assert!(world.node.redeem(TokenDigest([2; 32])).await.unwrap().is_some());
}
