//! Whoever floods a connection is bounded: answers that nobody reads, messages that nobody acks, handlers without end (live 4.1, 5.3,
//! 6.3, 7.5, 8.1).

use crate::world::{Socket, World, page_name, user};
use crier_live::config::LiveConfig;
use crier_live::connection::Next;
use crier_live::outbox::RESERVE_BYTES;
use crier_platform::model::message::{DeliveryState, NewMessage, WaitFor};
use crier_platform::ports::deliver::Deliver;
use crier_proto::frame::SERVER_FRAME_BYTES_MAX;
use crier_proto::ids::MessageId;
use futures_util::future::poll_immediate;
use serde_json::{Value, json};

/// The bound of an outbox and its reserve, as they are by default.
const OUTBOX_BYTES: f64 = 65_536.0 + RESERVE_BYTES as f64;

fn figure(world: &World, series: &str) -> f64 {
    world.figure(series).unwrap().parse().unwrap()
}

fn register(names: &[String]) -> Value {
    json!({"type": "register", "page": page_name(1), "events": names})
}

/// Arrays of registers whose names are refused, each near the bound of a client message.
fn arrays() -> Vec<Vec<Value>> {
    let long = (0..64).map(|number| vec![format!("{number:02}{}", "x".repeat(900))]);
    let many = (0..64).map(|number| {
        (0..14)
            .map(|_| format!("{number:02}{}", "y".repeat(58)))
            .collect()
    });
    let huge = (0..4).map(|number| {
        (0..16)
            .map(|name| format!("{number}{name:02}{}", "\"".repeat(500)))
            .collect()
    });
    // None of these is over the length of a name: they are empty, which takes three bytes in and twenty-four out.
    let empty = (0..64).map(|_| vec![String::new(); 64]);
    let all: [Vec<Vec<String>>; 4] = [long.collect(), many.collect(), huge.collect(), empty.collect()];
    all.iter()
        .map(|registers| registers.iter().map(|names| register(names)).collect())
        .collect()
}

/// Gives the kernel one frame, if one waits.
fn take_one(world: &World, socket: &Socket<'_>) -> Option<Value> {
    let Next::Frame(bytes) = world.hub().next(&socket.link) else {
        return None;
    };
    assert!(bytes.len() <= SERVER_FRAME_BYTES_MAX, "{} bytes", bytes.len());
    world.hub().taken(&socket.link);
    Some(serde_json::from_slice(&bytes).unwrap())
}

pub async fn outbox_bytes_max_bounds_the_answers_of_any_array_and_each_is_told(world: World) {
    let full: Vec<_> = (0..64).map(|number| format!("e{number}")).collect();
    let page = world.page(1, &full.iter().map(String::as_str).collect::<Vec<_>>());
    let hub = world.hub();
    let mut told = Vec::new();
    let mut asked = Vec::new();
    let mut most: f64 = 0.0;
    let mut waits = 0;
    for array in arrays() {
        let text = json!(array).to_string();
        assert!(text.len() <= 65_536, "{} bytes", text.len());
        for register in &array {
            asked.extend(register["events"].as_array().unwrap().iter().cloned());
        }
        for frame in hub.received(&page.link, &text) {
            while poll_immediate(std::pin::pin!(hub.room(&page.link)))
                .await
                .is_none()
            {
                waits += 1;
                told.extend(take_one(&world, &page));
            }
            let mut left = hub.frame(&page.link, frame);
            while let Some(crier_live::hub::Errand::Say { frames }) = left.take() {
                for frame in frames {
                    while poll_immediate(std::pin::pin!(hub.room(&page.link)))
                        .await
                        .is_none()
                    {
                        told.extend(take_one(&world, &page));
                    }
                    hub.say(&page.link, frame);
                    most = most.max(figure(&world, "outbox_bytes"));
                }
            }
            most = most.max(figure(&world, "outbox_bytes"));
        }
    }
    while let Some(frame) = take_one(&world, &page) {
        told.push(frame);
    }
    assert!(most <= OUTBOX_BYTES, "{most} bytes waited");
    assert!(waits > 0, "there was always room: the flood is too small");
    let names: Vec<Value> = told
        .iter()
        .inspect(|frame| assert_eq!(frame["type"], "registered"))
        .flat_map(|frame| frame["refused"].as_array().unwrap().clone())
        .map(|refused| refused["event"].clone())
        .collect();
    assert_eq!(names, asked);
}

pub async fn a_name_longer_than_a_frame_is_told_by_its_beginning(world: World) {
    let page = world.page(1, &["e"]);
    let name = "n".repeat(60_000);
    assert!(page.say(&register(&[name.clone(), "f".to_owned()])).is_none());
    let answer = take_one(&world, &page).unwrap();
    let refused = answer["refused"].as_array().unwrap();
    assert_eq!((refused.len(), &refused[0]["code"]), (1, &json!(1101)));
    let told = refused[0]["event"].as_str().unwrap();
    assert!(name.starts_with(told) && told.len() > 16_000);
    assert!(take_one(&world, &page).is_none());
    assert_eq!(world.send("e is still there").await.handlers, 1);
}

pub async fn who_waits_for_room_is_woken_by_whatever_makes_it(_: World) {
    type Makes = fn(&World, &Socket<'_>);
    let makers: [(&str, Makes); 4] = [
        ("frames are taken", |world, page| {
            for _ in 0..40 {
                take_one(world, page);
            }
        }),
        ("the connection ends", |world, page| {
            let bye = crier_proto::frame::Bye::Moved;
            world.hub().end(&page.link, bye, None);
        }),
        ("the page leaves", |_, page| {
            page.say(&json!({"type": "leave"}));
        }),
        ("nobody hears it any more", |world, page| {
            assert!(world.hub().is_heard_no_more(&page.link));
        }),
    ];
    for (what, makes) in makers {
        let world = World::begin();
        let page = world.page(1, &["e"]);
        while world.metrics.overflows("outbox") == 0 {
            world.send(&"x".repeat(1_000)).await;
        }
        let mut room = Box::pin(world.hub().room(&page.link));
        assert!(poll_immediate(&mut room).await.is_none(), "{what}");
        // Polled again only if it is woken: else this never ends.
        tokio::join!(room, async { makes(&world, &page) });
    }
}

pub async fn room_is_made_by_a_withdrawal_too(world: World) {
    let page = world.page(1, &["e"]);
    while world.metrics.overflows("outbox") == 0 {
        world.send(&"x".repeat(1_000)).await;
    }
    let mut room = Box::pin(world.hub().room(&page.link));
    assert!(poll_immediate(&mut room).await.is_none());
    let withdrawal = world.node.withdraw(
        crate::world::app(),
        user(1),
        crier_platform::ports::clock::Clock::wall(&*world.clock),
    );
    let ((), withdrawn) = tokio::join!(room, withdrawal);
    withdrawn.unwrap();
    assert_eq!(figure(&world, "outbox_bytes"), 0.0);
}

pub async fn what_is_asked_by_a_page_that_has_gone_is_done_and_not_answered(world: World) {
    let page = world.page(1, &["e"]);
    assert!(world.hub().is_heard_no_more(&page.link));
    page.say(&register(&["f".to_owned()]));
    assert!(page.frames().is_empty());
    assert_eq!(figure(&world, "handlers"), 2.0);
    let queued = world.socket();
    assert!(
        !world.hub().is_heard_no_more(&queued.link),
        "a hello is not judged for nobody"
    );
}

/// A message of its own, however many have been sent.
fn numbered(world: &World, number: u32) -> NewMessage {
    let mut id = [0x77; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    NewMessage {
        id: MessageId::from_bytes(id),
        ..world.message(&format!("{number}"))
    }
}

pub async fn a_page_that_never_acks_holds_no_more_than_ring_and_status(_: World) {
    let world = World::with(LiveConfig {
        status_items_max: 2_048,
        ..LiveConfig::default()
    });
    let page = world.page(1, &["e"]);
    let mut first = None;
    let mut heard = 0;
    for number in 1..=5_000 {
        if number % 200 == 0 {
            world.advance(1_000).await;
        }
        let sent = world.accept(numbered(&world, number)).await.unwrap();
        first.get_or_insert(sent.id);
        let frames = page.frames();
        heard += frames.iter().filter(|frame| frame["type"] == "message").count();
        assert!(frames.iter().all(|frame| frame["type"] != "gap"), "{frames:?}");
        if frames.iter().any(|frame| frame["type"] == "ping") {
            page.say(&json!({"type": "pong", "at": 1}));
        }
    }
    // Each was written once. What is kept of them all: a full ring, the newest outcomes, and nothing at the connection.
    assert_eq!(heard, 5_000);
    assert_eq!(figure(&world, "mailbox_items"), 1_000.0);
    assert_eq!(
        figure(&world, "mailbox_bytes"),
        (4_001..=5_000).map(|_| 4.0 + 1.0 + 128.0).sum::<f64>()
    );
    assert_eq!(figure(&world, "outbox_bytes"), 0.0);
    assert_eq!(world.metrics.overflows("mailbox_ring"), 4_000);
    assert!(world.metrics.overflows("status") >= 5_000 - 2_048);
    let forgotten = world
        .node
        .watch(first.unwrap(), WaitFor::Accepted, 0)
        .await
        .unwrap();
    assert!(forgotten.is_none());
}

pub async fn recipient_rate_bounds_what_a_page_that_never_acks_can_be_sent(world: World) {
    let page = world.page(1, &["e"]);
    let mut accepted = 0;
    for number in 0..5_000 {
        if world.accept(numbered(&world, number)).await.is_ok() {
            accepted += 1;
        }
        page.frames();
    }
    assert_eq!(
        (accepted, world.metrics.overflows("rate_recipient")),
        (1_000, 4_000)
    );
}

pub async fn handlers_are_all_that_a_flood_of_registers_leaves_behind(world: World) {
    let page = world.page(1, &["e"]);
    for turn in 0..150 {
        let names: Vec<_> = (0..64).map(|number| format!("{turn}-{number}")).collect();
        page.say(&register(&names));
        page.frames();
    }
    // 63 of the first turn beside `e`; everything later was refused.
    assert_eq!(figure(&world, "handlers"), 64.0);
    assert_eq!(world.metrics.overflows("handlers"), 150 * 64 - 63);
    assert_eq!(figure(&world, "outbox_bytes"), 0.0);
}

pub async fn what_a_withdrawal_drops_from_an_outbox_ends_as_revoked(world: World) {
    let reader = world.page(1, &["e"]);
    world.page(2, &["e"]);
    let without_life = |text: &str| NewMessage {
        ttl_ms: 0,
        ..world.message(text)
    };
    let written = world.accept(without_life("written")).await.unwrap();
    let state = async |id| {
        world
            .node
            .watch(id, WaitFor::Accepted, 0)
            .await
            .unwrap()
            .unwrap()
            .state
    };
    for _ in 0..2 {
        take_one(&world, &reader);
    }
    let waiting = world.accept(without_life("waiting")).await.unwrap();
    let lost = world
        .accept(NewMessage {
            ttl_ms: 500,
            ..world.message("out of time")
        })
        .await
        .unwrap();
    assert_eq!(state(waiting.id).await, DeliveryState::Expired);
    world.clock.advance_ms(500);
    let now = crier_platform::ports::clock::Clock::wall(&*world.clock);
    world
        .node
        .withdraw(crate::world::app(), user(1), now)
        .await
        .unwrap();
    assert_eq!(state(waiting.id).await, DeliveryState::Revoked);
    assert_eq!(state(lost.id).await, DeliveryState::Expired);
    // One of its two pages had not got it.
    assert_eq!(state(written.id).await, DeliveryState::Revoked);
    assert!(reader.frames().is_empty());
}
