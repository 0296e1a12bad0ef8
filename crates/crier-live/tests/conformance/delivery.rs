//! Who gets which message, in which order, and who is told of a gap (live sections 1, 5, 6, 8).

use crate::world::{World, app, page_name, user};
use crier_platform::model::message::{DeliveryState, NewMessage, WaitFor};
use crier_platform::model::session::SessionId;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::Deliver;
use crier_platform::ports::ledger::{Charge, Ledger, QuotaCharge, QuotaScope};
use crier_proto::message::Fanout;
use serde_json::{Value, json};

pub async fn messages_arrive_in_commit_order_on_every_page(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e", "f"]));
    let deaf = world.page(3, &["f"]);
    let first = world.send("1").await;
    assert_eq!(
        (first.pages, first.handlers, first.state),
        (3, 2, DeliveryState::Queued)
    );
    world.send("2").await;
    assert_eq!(one.texts(), ["1", "2"]);
    assert_eq!(two.texts(), ["1", "2"]);
    assert!(deaf.frames().is_empty());
}

pub async fn a_repeated_id_gives_the_first_outcome_and_spends_nothing(world: World) {
    let page = world.page(1, &["e"]);
    let charge = Charge {
        quota: Some(QuotaCharge {
            scope: QuotaScope::Session(SessionId(5)),
            limit: 1,
        }),
        order: None,
    };
    let message = world.message("once");
    let first = world.node.accept(Some(&charge), message.clone()).await.unwrap();
    let again = world.node.accept(Some(&charge), message).await.unwrap();
    assert_eq!(
        (first.id, first.seq, first.epoch),
        (again.id, again.seq, again.epoch)
    );
    assert_eq!(page.texts(), ["once"]);
    assert!(
        world.node.settle(&charge).await.unwrap().is_err(),
        "one call was spent, not none"
    );
}

pub async fn what_nobody_handles_waits_for_the_page_that_registers(world: World) {
    let page = world.page(1, &[]);
    let waiting = world.send("waiting").await;
    assert_eq!((waiting.pages, waiting.state), (1, DeliveryState::NoHandler));
    assert!(page.frames().is_empty());
    page.say(&json!({"type": "register", "page": page_name(1), "events": ["e"]}));
    let frames = page.frames();
    assert_eq!(frames[0]["type"], "registered");
    assert_eq!(
        (&frames[1]["raw"], &frames[1]["once"]),
        (&json!("waiting"), &json!(true))
    );
    assert_eq!(frames[1]["pages"], json!([page_name(1)]));
    let late = world.page(2, &["e"]);
    assert!(late.frames().is_empty(), "inherited by one page alone");
}

pub async fn one_page_alone_runs_a_message_for_one(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    world.send_for("oldest", Fanout::One).await;
    two.say(&json!({"type": "focus", "page": page_name(2), "focus": true}));
    two.say(&json!({"type": "focus", "page": page_name(2), "focus": false}));
    world.send_for("most recently focused", Fanout::One).await;
    assert_eq!(one.texts(), ["oldest"]);
    assert_eq!(two.texts(), ["most recently focused"]);
}

pub async fn a_focused_message_goes_to_the_page_with_the_focus(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    for (page, number, focus) in [(&one, 1, true), (&two, 2, true), (&two, 2, false)] {
        page.say(&json!({"type": "focus", "page": page_name(number), "focus": focus}));
    }
    world.send_for("here", Fanout::Focused).await;
    assert_eq!(one.texts(), ["here"]);
    assert!(two.frames().is_empty());
}

pub async fn a_claim_is_released_when_its_page_is_gone(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    world.send_for("moving", Fanout::One).await;
    assert_eq!(one.texts(), ["moving"]);
    one.say(&json!({"type": "unregister", "page": page_name(1)}));
    let frames = two.frames();
    assert_eq!(
        (&frames[0]["raw"], &frames[0]["redelivered"]),
        (&json!("moving"), &json!(true))
    );
    two.ack(2, &frames[0]["id"]);
    two.say(&json!({"type": "unregister", "page": page_name(2)}));
    assert!(
        world.page(3, &["e"]).frames().is_empty(),
        "what is acked is offered to nobody"
    );
}

pub async fn a_resume_gets_what_it_missed_and_nothing_twice(world: World) {
    let old = world.socket();
    old.hello(&json!({"pages": [{"page": page_name(1), "events": ["e"]}]}));
    let welcome = old.frames().remove(0);
    world.send("1").await;
    let first = old.frames().remove(0);
    old.ack(1, &first["id"]);
    old.lose();
    world.send("2").await;
    world.send("3").await;
    let new = world.socket();
    new.hello(&json!({"resume": welcome["resume"], "epoch": welcome["epoch"],
        "pages": [{"page": page_name(1), "seq": first["seq"], "events": ["e"]}]}));
    let frames = new.frames();
    assert_eq!(
        (&frames[0]["type"], &frames[0]["pages"][0]["seq"]),
        (&json!("welcome"), &json!(1))
    );
    let rest: Vec<_> = frames[1..].iter().map(|frame| frame["raw"].clone()).collect();
    assert_eq!(rest, ["2", "3"]);
    world.send("4").await;
    assert_eq!(new.texts(), ["4"]);
}

pub async fn an_unknown_epoch_is_a_gap_and_then_every_live_message(world: World) {
    world.send("1").await;
    world.send("2").await;
    let page = world.socket();
    page.hello(
        &json!({"epoch": "0123456789abcdef", "pages": [{"page": page_name(1), "seq": 40, "events": ["e"]}]}),
    );
    let frames = page.frames();
    let gap = &frames[1];
    assert_eq!(
        (&gap["type"], &gap["from"], &gap["to"], &gap["reason"]),
        (&json!("gap"), &json!(41), &json!(null), &json!("epoch"))
    );
    assert_eq!(gap["epoch"], frames[0]["epoch"]);
    assert_eq!((&frames[2]["raw"], &frames[3]["raw"]), (&json!("1"), &json!("2")));
}

pub async fn an_unknown_epoch_is_told_before_what_its_successor_has_lost(world: World) {
    let page = world.page(2, &["e"]);
    world.send("missed").await;
    world.send("missed too").await;
    assert_eq!(page.texts(), ["missed", "missed too"]);
    world.clock.advance_ms(60_000);
    world.send("live").await;
    let old = world.socket();
    old.hello(&json!({"epoch": "0123456789abcdef", "pages": [
        {"page": page_name(3), "seq": 40, "events": ["e"]},
        {"page": page_name(4), "seq": 7, "events": ["e"]},
    ]}));
    let frames = old.frames();
    let pages = json!([page_name(3), page_name(4)]);
    let told: Vec<_> = frames[1..]
        .iter()
        .map(|frame| (&frame["from"], &frame["to"], &frame["reason"], &frame["raw"]))
        .collect();
    let none = &Value::Null;
    assert_eq!(
        told,
        [
            (&json!(41), none, &json!("epoch"), none),
            (&json!(8), none, &json!("epoch"), none),
            (&json!(1), &json!(2), &json!("expired"), none),
            (&json!("1"), none, none, &json!("live")),
        ]
    );
    assert_eq!(frames[3]["pages"], pages);
}

pub async fn a_claim_that_expires_with_its_connection_is_told_below_the_cursor(world: World) {
    let short = |text: &str| NewMessage {
        ttl_ms: 5_000,
        fanout: Fanout::One,
        ..world.message(text)
    };
    let page = world.page(1, &["e"]);
    let before = world.send("run").await;
    assert_eq!(page.texts(), ["run"]);
    let acked = world.accept(short("acked")).await.unwrap();
    page.ack(1, &json!(acked.id.to_string()));
    let lost = world.accept(short("lost")).await.unwrap();
    let last = world.send("run too").await;
    page.lose();
    world.clock.advance_ms(5_000);
    let back = || {
        let socket = world.socket();
        socket.hello(&json!({"epoch": before.epoch.to_string(),
            "pages": [{"page": page_name(1), "seq": last.seq, "events": ["e"]}]}));
        let frames = socket.frames();
        socket.lose();
        frames
    };
    let frames = back();
    assert_eq!(frames.len(), 2);
    assert_eq!(
        frames[1],
        json!({"type": "gap", "from": lost.seq, "to": lost.seq, "reason": "expired",
            "epoch": before.epoch.to_string(), "pages": [page_name(1)]})
    );
    assert_eq!(back().len(), 1, "it is told once");
}

pub async fn many_claims_that_expire_with_their_connection_are_one_gap(world: World) {
    let page = world.page(1, &["e"]);
    let mut sent = Vec::new();
    for number in 0..200 {
        let message = NewMessage {
            ttl_ms: 5_000,
            fanout: Fanout::One,
            ..world.message(&format!("{number}"))
        };
        sent.push(world.accept(message).await.unwrap());
    }
    assert_eq!(page.texts().len(), 200);
    page.lose();
    world.clock.advance_ms(5_000);
    let socket = world.socket();
    socket.hello(&json!({"epoch": sent[0].epoch.to_string(),
        "pages": [{"page": page_name(1), "seq": 199, "events": ["e"]}]}));
    let gaps: Vec<_> = socket.frames()[1..]
        .iter()
        .map(|frame| (frame["from"].clone(), frame["to"].clone()))
        .collect();
    assert_eq!(gaps, [(json!(1), json!(199)), (json!(200), json!(200))]);
}

pub async fn an_expired_message_is_a_gap_for_the_page_that_missed_it(world: World) {
    let cursor = world.node.cursor(app(), user(2)).await.unwrap();
    world.send("missed").await;
    world.clock.advance_ms(60_000);
    world.send("live").await;
    let page = world.socket();
    page.hello(&json!({"epoch": cursor.epoch.to_string(),
        "pages": [{"page": page_name(1), "seq": cursor.seq, "events": ["e"]}]}));
    let frames = page.frames();
    assert_eq!(
        (
            &frames[1]["type"],
            &frames[1]["from"],
            &frames[1]["to"],
            &frames[1]["reason"]
        ),
        (&json!("gap"), &json!(1), &json!(1), &json!("expired"))
    );
    assert_eq!((&frames[2]["raw"], frames.len()), (&json!("live"), 3));
}

pub async fn a_lagging_connection_reads_on_without_loss_or_double(world: World) {
    let (slow, quick) = (world.page(1, &["e"]), world.page(2, &["e"]));
    let long = "x".repeat(1_000);
    for number in 0..200 {
        world.send(&format!("{number:03}{long}")).await;
        assert_eq!(quick.texts().len(), 1);
    }
    assert!(world.metrics.overflows("outbox") > 0);
    let texts = slow.texts();
    let numbers: Vec<_> = texts
        .iter()
        .map(|text| text[..3].parse::<u32>().unwrap())
        .collect();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    world.send("live again").await;
    assert_eq!(slow.texts(), ["live again"]);
}

pub async fn a_replaced_message_is_cancelled(world: World) {
    let page = world.page(1, &["e"]);
    let keyed = |text: &str| NewMessage {
        collapse_key: Some("k".into()),
        ..world.message(text)
    };
    let old = world.accept(keyed("old")).await.unwrap();
    assert_eq!(page.texts(), ["old"]);
    let unseen = world.accept(keyed("new")).await.unwrap();
    world.accept(keyed("newer")).await.unwrap();
    let frames = page.frames();
    assert_eq!(frames[0], json!({"type": "cancel", "ids": [old.id.to_string()]}));
    assert_eq!(
        (&frames[1]["raw"], frames.len()),
        (&json!("newer"), 2),
        "what no page has is taken back without a word: {}",
        unseen.id
    );
    let now = world
        .node
        .watch(old.id, WaitFor::Accepted, 0)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(now.state, DeliveryState::Replaced);
}

pub async fn a_withdrawal_empties_mailboxes_and_outboxes(world: World) {
    let page = world.page(1, &["e"]);
    let theirs = world.send("from a withdrawn sender").await;
    page.frames();
    world.send("not yet with the page").await;
    let at = world.clock.wall();
    world.node.withdraw(app(), user(1), at).await.unwrap();
    let frames = page.frames();
    assert_eq!(
        frames,
        [json!({"type": "cancel", "ids": [theirs.id.to_string()]})]
    );
    let now = world
        .node
        .watch(theirs.id, WaitFor::Accepted, 0)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(now.state, DeliveryState::Revoked);
    world.send("to a withdrawn recipient").await;
    world.node.withdraw(app(), user(2), at).await.unwrap();
    let frames = page.frames();
    assert_eq!(frames.last(), Some(&json!(4305)));
    assert!(
        frames.iter().all(|frame| frame["type"] != "message"),
        "{frames:?}"
    );
    assert!(world.page(2, &["e"]).frames().is_empty(), "the mailbox is empty");
}

pub async fn a_wait_ends_with_the_ack_or_with_its_time(world: World) {
    let page = world.page(1, &["e"]);
    let sent = world.send("1").await;
    let (waited, ()) = tokio::join!(world.node.watch(sent.id, WaitFor::Acked, 5_000), async {
        let frame = page.frames().remove(0);
        page.ack(1, &frame["id"]);
    });
    let waited = waited.unwrap().unwrap();
    assert_eq!(
        (waited.state, waited.written, waited.acked),
        (DeliveryState::Acked, 1, 1)
    );
    let sent = world.send("2").await;
    let (waited, ()) = tokio::join!(world.node.watch(sent.id, WaitFor::Acked, 1_000), async {
        page.frames();
        world.clock.advance_ms(1_000);
    });
    assert_eq!(waited.unwrap().unwrap().state, DeliveryState::Written);
}

pub async fn ttl_0_for_one_page_goes_to_it_at_once_and_to_nobody_later(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e"]));
    let message = world.message("now");
    world
        .accept(NewMessage {
            ttl_ms: 0,
            fanout: Fanout::One,
            ..message
        })
        .await
        .unwrap();
    let frames = one.frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert_eq!(
        (&frames[0]["raw"], &frames[0]["once"], &frames[0]["pages"]),
        (&json!("now"), &json!(true), &json!([page_name(1)]))
    );
    one.say(&json!({"type": "leave"}));
    assert!(two.frames().is_empty());
}

pub async fn a_claim_lost_below_the_cursor_is_offered_to_its_page_again_when_that_comes_back_late(
    world: World,
) {
    world.send_for("waits", Fanout::One).await;
    let first = world.socket();
    first.hello(&json!({"pages": [{"page": page_name(1), "events": ["e"]}]}));
    let frames = first.frames();
    assert_eq!(
        (&frames[0]["pages"][0]["seq"], &frames[1]["raw"]),
        (&json!(1), &json!("waits"))
    );
    // The page never reads it, and its grace runs out.
    first.lose();
    world.advance(15_250).await;
    let late = world.socket();
    late.hello(
        &json!({"resume": frames[0]["resume"], "epoch": frames[0]["epoch"],
        "pages": [{"page": page_name(1), "seq": 1, "events": ["e"]}]}),
    );
    let again = late.frames();
    assert_eq!(
        (&again[1]["raw"], &again[1]["once"], &again[1]["redelivered"]),
        (&json!("waits"), &json!(true), &json!(true))
    );
}

pub async fn what_a_lagging_page_gets_from_one_that_ended_comes_in_its_order_and_once(world: World) {
    let (one, two) = (world.page(1, &["e"]), world.page(2, &["e", "f"]));
    // So much for the second page that its connection lags; then one message for each alone.
    for _ in 0..50 {
        let filler = world.message(&"x".repeat(1_400));
        world
            .accept(NewMessage {
                event: "f".into(),
                ..filler
            })
            .await
            .unwrap();
    }
    world.send_for("moves", Fanout::One).await;
    one.say(&json!({"type": "leave"}));
    let last = world.message("last");
    world
        .accept(NewMessage {
            event: "f".into(),
            ..last
        })
        .await
        .unwrap();
    let seqs: Vec<u64> = two
        .frames()
        .iter()
        .map(|frame| frame["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=52).collect::<Vec<_>>());
}

pub async fn one_avoids_a_connection_that_lags_for_another_page_s_sake(world: World) {
    let slow = world.socket();
    slow.hello(&json!({"pages": [{"page": page_name(1), "events": ["f"]}, {"page": page_name(2), "events": ["e"], "focus": true}]}));
    assert_eq!(slow.frames().len(), 1);
    let quick = world.page(3, &["e"]);
    for _ in 0..50 {
        let filler = world.message(&"x".repeat(1_400));
        world
            .accept(NewMessage {
                event: "f".into(),
                ..filler
            })
            .await
            .unwrap();
    }
    world.send_for("one", Fanout::One).await;
    assert_eq!(quick.texts(), ["one"]);
}

pub async fn a_wait_that_outlives_its_message_says_that_it_expired(world: World) {
    let page = world.page(1, &["e"]);
    let brief = || NewMessage {
        ttl_ms: 1_000,
        ..world.message("brief")
    };
    let held = world.accept(brief()).await.unwrap();
    page.frames();
    let (waited, ()) = tokio::join!(world.node.watch(held.id, WaitFor::Acked, 3_000), async {
        world.clock.advance_ms(1_000);
        tokio::task::yield_now().await;
        world.clock.advance_ms(2_000);
    });
    let waited = waited.unwrap().unwrap();
    assert_eq!((waited.state, waited.written), (DeliveryState::Expired, 1));
    page.lose();
    let missed = world.accept(brief()).await.unwrap();
    let (waited, ()) = tokio::join!(world.node.watch(missed.id, WaitFor::Acked, 3_000), async {
        world.clock.advance_ms(1_000);
    });
    let waited = waited.unwrap().unwrap();
    assert_eq!(
        (waited.state, waited.handlers, waited.written),
        (DeliveryState::Expired, 1, 0),
        "at its end, for nobody can get it any more"
    );
}
