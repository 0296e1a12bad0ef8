//! What a sender can learn of a message and take back (live section 7), and what a page's `ref` gives again (4.2).

use crate::world::{Socket, World, app, page_name, user};
use crier_live::config::LiveConfig;
use crier_live::hub::Errand;
use crier_platform::model::message::{Asker, Delivery, DeliveryState, NewMessage, Status, WaitFor};
use crier_platform::model::quantity::Span;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::Deliver;
use crier_platform::ports::ledger::{Charge, QuotaCharge, QuotaScope};
use crier_proto::ids::{AppId, MessageId};
use crier_proto::message::Fanout;
use serde_json::{Value, json};

/// The application itself, without a session.
fn anyone() -> Asker {
    Asker {
        app: app(),
        sender: None,
    }
}

async fn status(world: &World, id: MessageId) -> Status {
    world.node.status(id, anyone()).await.unwrap().unwrap()
}

async fn cancel(world: &World, id: MessageId) -> Delivery {
    world.node.cancel(id, anyone()).await.unwrap().unwrap()
}

/// The words of a timeline with the numbers of their pages.
async fn words(world: &World, id: MessageId) -> Vec<String> {
    let timeline = status(world, id).await.timeline;
    let words = timeline.into_iter().map(|entry| match entry.page {
        Some(page) => format!(
            "{} {}",
            entry.what.as_str(),
            &page.as_str()[page.as_str().len() - 1..]
        ),
        None => entry.what.as_str().to_owned(),
    });
    words.collect()
}

fn cancel_of(delivery: &Delivery) -> Value {
    json!({"type": "cancel", "ids": [delivery.id.to_string()]})
}

fn ack_failed(page: &Socket<'_>, number: u8, id: &Value) {
    page.say(&json!({"type": "ack", "page": page_name(number), "ids": [id], "failed": [id]}));
}

pub async fn a_cancelled_message_leaves_mailbox_outboxes_and_pages_without_a_gap(world: World) {
    let cursor = world.node.cursor(app(), user(2)).await.unwrap();
    let (holding, waiting, deaf) = (
        world.page(1, &["e"]),
        world.page(2, &["e"]),
        world.page(3, &["f"]),
    );
    let sent = world.send("taken back").await;
    assert_eq!(holding.texts(), ["taken back"]);
    let after = cancel(&world, sent.id).await;
    assert_eq!(
        (after.state, after.written, after.acked, after.seq),
        (DeliveryState::Cancelled, 1, 0, sent.seq)
    );
    assert_eq!((after.pages, after.handlers), (3, 2));
    assert_eq!(holding.frames(), [cancel_of(&sent)]);
    assert!(waiting.frames().is_empty(), "the kernel never had it");
    assert!(deaf.frames().is_empty());
    let late = world.socket();
    late.hello(&json!({"epoch": cursor.epoch.to_string(),
        "pages": [{"page": page_name(4), "seq": cursor.seq, "events": ["e"]}]}));
    let frames = late.frames();
    assert_eq!((&frames[0]["type"], frames.len()), (&json!("welcome"), 1));
    assert_eq!(
        words(&world, sent.id).await,
        ["accepted", "offered 1", "offered 2", "written 1", "cancelled"]
    );
}

pub async fn cancelling_again_or_after_the_end_changes_nothing(world: World) {
    let page = world.page(1, &["e"]);
    let sent = world.send("1").await;
    let first = cancel(&world, sent.id).await;
    page.frames();
    assert_eq!(cancel(&world, sent.id).await, first);
    assert_eq!(words(&world, sent.id).await.last().unwrap(), "cancelled");
    let sent = world.send("2").await;
    world.clock.advance_ms(60_000);
    let after = cancel(&world, sent.id).await;
    assert_eq!(after.state, DeliveryState::Expired);
    assert_eq!(cancel(&world, sent.id).await, after);
    assert!(
        page.frames().iter().all(|frame| frame["type"] != "cancel"),
        "nothing is left to be told"
    );
}

pub async fn what_a_page_has_acked_is_not_cancelled(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    let sent = world.send("done").await;
    let frame = one.frames().remove(0);
    one.ack(1, &frame["id"]);
    let after = cancel(&world, sent.id).await;
    assert_eq!((after.state, after.acked), (DeliveryState::Acked, 1));
    assert!(one.frames().is_empty());
    assert_eq!(two.texts(), ["done"], "it lives on for the others");
}

pub async fn a_page_that_had_started_may_still_ack_a_cancelled_message(world: World) {
    let page = world.page(1, &["e"]);
    let sent = world.send("running").await;
    let frame = page.frames().remove(0);
    assert_eq!(cancel(&world, sent.id).await.state, DeliveryState::Cancelled);
    page.ack(1, &frame["id"]);
    let now = status(&world, sent.id).await;
    assert_eq!(
        (now.delivery.state, now.delivery.acked),
        (DeliveryState::Acked, 1)
    );
    assert_eq!(
        words(&world, sent.id).await,
        ["accepted", "offered 1", "written 1", "cancelled", "acked 1"]
    );
}

pub async fn a_cancelled_claim_goes_to_nobody_else(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    let sent = world.send_for("for one", Fanout::One).await;
    assert_eq!(one.texts(), ["for one"]);
    assert_eq!(cancel(&world, sent.id).await.state, DeliveryState::Cancelled);
    assert_eq!(one.frames(), [cancel_of(&sent)]);
    one.say(&json!({"type": "unregister", "page": page_name(1)}));
    assert!(two.frames().is_empty());
    assert!(world.page(3, &["e"]).frames().is_empty());
}

pub async fn a_cancel_makes_room_for_a_connection_that_lagged(world: World) {
    let page = world.page(1, &["e"]);
    let long = "x".repeat(1_000);
    let mut sent = Vec::new();
    while world.metrics.overflows("outbox") == 0 {
        sent.push(world.send(&long).await);
    }
    assert_eq!(status(&world, sent[0].id).await.lagging, 1);
    let last = sent.pop().unwrap();
    for delivery in &sent {
        cancel(&world, delivery.id).await;
    }
    assert_eq!(status(&world, last.id).await.lagging, 0);
    assert_eq!(
        page.texts(),
        [long],
        "the last one alone, and no word of the others"
    );
}

pub async fn a_cancel_ends_the_wait(world: World) {
    let page = world.page(1, &["e"]);
    let sent = world.send("1").await;
    page.frames();
    let (waited, cancelled) = tokio::join!(world.node.watch(sent.id, WaitFor::Acked, 5_000), async {
        cancel(&world, sent.id).await
    });
    assert_eq!(waited.unwrap().unwrap(), cancelled);
    assert_eq!(cancelled.state, DeliveryState::Cancelled);
}

pub async fn a_message_without_life_is_waited_for_until_its_pages_have_acked(world: World) {
    let page = world.page(1, &["e"]);
    let now_or_never = NewMessage {
        ttl_ms: 0,
        ..world.message("now")
    };
    let sent = world.accept(now_or_never).await.unwrap();
    assert_eq!(sent.state, DeliveryState::Queued);
    let (waited, ()) = tokio::join!(world.node.watch(sent.id, WaitFor::Acked, 5_000), async {
        let frame = page.frames().remove(0);
        assert_eq!(
            status(&world, sent.id).await.delivery.state,
            DeliveryState::Expired
        );
        page.ack(1, &frame["id"]);
    });
    assert_eq!(waited.unwrap().unwrap().state, DeliveryState::Acked);
    assert_eq!(
        words(&world, sent.id).await,
        ["accepted", "offered 1", "expired", "written 1", "acked 1"]
    );
}

pub async fn a_page_within_its_grace_is_waited_for(world: World) {
    let page = world.page(1, &["e"]);
    page.lose();
    let sent = world.send("1").await;
    assert_eq!(
        (sent.pages, sent.handlers, sent.state),
        (1, 1, DeliveryState::Queued)
    );
    let (waited, ()) = tokio::join!(world.node.watch(sent.id, WaitFor::Written, 1_000), async {
        world.clock.advance_ms(1_000);
    });
    assert_eq!(waited.unwrap().unwrap().state, DeliveryState::Queued);
    world.advance(15_000).await;
    let now = status(&world, sent.id).await.delivery;
    assert_eq!(
        (now.pages, now.handlers, now.state),
        (0, 0, DeliveryState::NoHandler)
    );
    let waited = world.node.watch(sent.id, WaitFor::Written, 1_000).await;
    assert_eq!(waited.unwrap().unwrap(), now, "at once: nobody can be waited for");
}

pub async fn a_timeline_names_every_page_of_a_message_for_all(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    let sent = world.send("for all").await;
    world.clock.advance_ms(3);
    let frame = two.frames().remove(0);
    one.frames();
    world.clock.advance_ms(4);
    ack_failed(&two, 2, &frame["id"]);
    one.ack(1, &frame["id"]);
    let now = status(&world, sent.id).await;
    assert_eq!((now.failed, now.delivery.acked, now.delivery.written), (1, 2, 2));
    let start = now.timeline[0].at.0;
    assert_eq!(start, crate::world::START_MS);
    let moments: Vec<_> = now.timeline.iter().map(|entry| entry.at.0 - start).collect();
    assert_eq!(moments, [0, 0, 0, 3, 3, 7, 7]);
    assert_eq!(
        words(&world, sent.id).await,
        [
            "accepted",
            "offered 1",
            "offered 2",
            "written 2",
            "written 1",
            "failed 2",
            "acked 1"
        ]
    );
}

pub async fn a_timeline_tells_of_a_claim_that_moved(world: World) {
    let one = world.page(1, &["e"]);
    let two = world.page(2, &["e"]);
    let sent = world.send_for("moving", Fanout::One).await;
    one.frames();
    one.lose();
    world.advance(15_000).await;
    let frame = two
        .frames()
        .into_iter()
        .find(|frame| frame["type"] == "message")
        .unwrap();
    assert_eq!(frame["redelivered"], json!(true));
    two.ack(2, &frame["id"]);
    assert_eq!(
        words(&world, sent.id).await,
        [
            "accepted",
            "offered 1",
            "written 1",
            "released 1",
            "offered 2",
            "written 2",
            "acked 2"
        ]
    );
}

pub async fn a_timeline_tells_what_waited_for_its_page_and_how_it_ended(world: World) {
    let waiting = world.send("waiting").await;
    world.page(1, &["e"]);
    world.clock.advance_ms(60_100);
    assert_eq!(
        words(&world, waiting.id).await,
        ["accepted", "no_handler", "offered 1", "written 1", "expired"]
    );
    let timeline = status(&world, waiting.id).await.timeline;
    assert_eq!(timeline[4].at, waiting.expires_at, "not when it was noticed");
    let keyed = |text: &str| NewMessage {
        collapse_key: Some("k".into()),
        event: "nobody's".into(),
        ..world.message(text)
    };
    let old = world.accept(keyed("old")).await.unwrap();
    world.accept(keyed("new")).await.unwrap();
    assert_eq!(
        words(&world, old.id).await,
        ["accepted", "no_handler", "replaced"]
    );
    let withdrawn = world.send("from a withdrawn sender").await;
    world
        .node
        .withdraw(app(), user(1), world.clock.wall())
        .await
        .unwrap();
    assert_eq!(words(&world, withdrawn.id).await.last().unwrap(), "revoked");
}

pub async fn a_message_pushed_out_of_its_ring_ends_as_dropped(_: World) {
    let world = World::with(LiveConfig {
        ring_items_max: 1,
        ..LiveConfig::default()
    });
    let first = world.send("1").await;
    world.send("2").await;
    assert_eq!(
        status(&world, first.id).await.delivery.state,
        DeliveryState::Dropped
    );
    assert_eq!(
        words(&world, first.id).await,
        ["accepted", "no_handler", "dropped"]
    );
    assert_eq!(cancel(&world, first.id).await.state, DeliveryState::Dropped);
}

pub async fn an_outcome_is_told_to_its_application_and_its_sender_alone(_: World) {
    let world = World::with(LiveConfig {
        status_keep: Span(1_000),
        ..LiveConfig::default()
    });
    let sent = world.send("1").await;
    let reached = async |app: AppId, sender: Option<i64>| {
        let asker = Asker {
            app,
            sender: sender.map(user),
        };
        let status = world.node.status(sent.id, asker).await.unwrap();
        status.is_some()
    };
    let other = AppId::new(8).unwrap();
    assert!(reached(app(), None).await && reached(app(), Some(1)).await);
    assert!(!reached(app(), Some(2)).await, "its recipient is not its sender");
    assert!(!reached(other, None).await && !reached(other, Some(1)).await);
    let theirs = Asker {
        app: app(),
        sender: Some(user(2)),
    };
    assert_eq!(world.node.cancel(sent.id, theirs).await, Ok(None));
    assert_eq!(
        status(&world, sent.id).await.delivery.state,
        DeliveryState::NoHandler
    );
    world.clock.advance_ms(60_999);
    assert!(reached(app(), None).await);
    world.clock.advance_ms(1);
    assert!(!reached(app(), None).await, "forgotten with its moment");
    assert_eq!(world.node.cancel(sent.id, anyone()).await, Ok(None));
    let unknown = MessageId::from_bytes([0xEE; 16]);
    assert_eq!(world.node.status(unknown, anyone()).await, Ok(None));
}

/// What a page says to send with this `ref`, and the errand that follows from it.
fn send(page: &Socket<'_>, number: u8, event: &str) -> Option<Errand> {
    page.say(
        &json!({"type": "send", "ref": "reference-1", "page": page_name(number), "recipient": "3",
        "event": event, "message": "m"}),
    )
}

pub async fn a_repeated_ref_gives_the_first_outcome_on_any_connection_whatever_became_of_it(world: World) {
    let page = world.page(1, &["e"]);
    let Some(Errand::Send {
        permit,
        reference,
        send: sending,
    }) = send(&page, 1, "e")
    else {
        unreachable!("a page with the handler may send")
    };
    let message = NewMessage {
        id: sending.id,
        sender: permit.user,
        recipient: user(3),
        ..world.message("m")
    };
    let first = world.accept(message).await;
    world.hub().sent(
        &page.link,
        reference,
        &first.clone().map_err(|_| unreachable!("it has its place")),
    );
    let told = page.frames().remove(0);
    assert_eq!(
        (&told["type"], &told["ref"]),
        (&json!("sent"), &json!("reference-1"))
    );
    assert_eq!(
        (&told["state"], &told["acked"]),
        (&json!("no_handler"), &json!(0))
    );
    // Its recipient has withdrawn, so that it is revoked, and this page has no handler for what it says.
    let at = world.clock.wall();
    world.node.withdraw(app(), user(3), at).await.unwrap();
    let elsewhere = world.page(2, &[]);
    assert!(send(&elsewhere, 2, "unhandled").is_none(), "nothing is sent");
    assert_eq!(elsewhere.frames(), [told]);
    assert_eq!(
        status(&world, sending.id).await.delivery.state,
        DeliveryState::Revoked
    );
    world.clock.advance_ms(60_000 + 3_600_000);
    assert!(
        send(&world.page(3, &["e"]), 3, "e").is_some(),
        "a forgotten ref is a new one"
    );
}

pub async fn equal_refs_at_once_spend_the_quota_once(world: World) {
    let quota = |limit| Charge {
        quota: Some(QuotaCharge {
            scope: QuotaScope::App(app()),
            limit,
        }),
        order: None,
    };
    let message = world.message("once");
    let charge = quota(2);
    let runtime = tokio::runtime::Handle::current();
    let outcomes = std::thread::scope(|threads| {
        // Each waits for its answer: in durable mode all but one wait for the write of another.
        let accept = || runtime.block_on(world.node.accept(Some(&charge), message.clone()));
        let all: Vec<_> = (0..16).map(|_| threads.spawn(accept)).collect();
        let all = all.into_iter().map(|one| one.join().unwrap());
        all.collect::<Vec<_>>()
    });
    for outcome in &outcomes {
        assert_eq!(outcome, &outcomes[0]);
    }
    let another = world.node.accept(Some(&charge), world.message("another")).await;
    assert_eq!(
        another.map(|delivery| delivery.seq),
        Ok(2),
        "one of two calls is left"
    );
    assert!(
        world
            .node
            .accept(Some(&charge), world.message("third"))
            .await
            .is_err()
    );
}

pub async fn an_ack_of_a_page_that_the_message_was_not_for_counts_nothing(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    let sent = world.send_for("for one", Fanout::One).await;
    let id = json!(one.frames()[0]["id"]);
    two.ack(2, &id);
    let asker = Asker {
        app: app(),
        sender: None,
    };
    let status = world.node.status(sent.id, asker).await.unwrap().unwrap();
    assert_eq!(
        (status.delivery.acked, status.delivery.state),
        (0, DeliveryState::Written)
    );
    one.ack(1, &id);
    one.ack(1, &id);
    let status = world.node.status(sent.id, asker).await.unwrap().unwrap();
    assert_eq!(
        (status.delivery.acked, status.delivery.state),
        (1, DeliveryState::Acked)
    );
}
