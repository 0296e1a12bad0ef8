//! Mailboxes that the books keep: nothing is told before it is kept, and nothing that was told is forgotten (live 5.8 to 5.11).

use crate::world::{Mode, START_MS, Socket, World, app, in_mode, page_name, user};
use crier_live::config::LiveConfig;
use crier_platform::model::mailbox::RowNo;
use crier_platform::model::message::{Asker, Delivery, DeliveryState, NewMessage};
use crier_platform::model::time::WallMs;
use crier_platform::ports::deliver::{AcceptError, Deliver};
use crier_platform::ports::store::StoreFault;
use crier_proto::message::Fanout;
use crier_testkit::ManualClock;
use futures_util::future::poll_immediate;
use serde_json::{Value, json};
use std::pin::pin;
use std::sync::Arc;

fn world() -> World {
    in_mode(Mode::Durable);
    World::begin()
}

/// The process is killed, and another one begins over the same books at this wall time.
async fn killed_until(world: &World, wall_ms: i64) -> World {
    world.books.forget_waiting();
    let clock = Arc::new(ManualClock::at(wall_ms));
    let next = World::over(LiveConfig::default(), world.folder(), clock);
    next.numbering_after(world);
    next.node.load().await.unwrap();
    next
}

async fn killed(world: &World) -> World {
    killed_until(world, START_MS).await
}

fn full() -> StoreFault {
    StoreFault::Unavailable("disk full".into())
}

/// A page that comes back with this cursor; its frames after the welcome.
fn back<'a>(world: &'a World, number: u8, (epoch, seq): (&Delivery, u64)) -> (Socket<'a>, Vec<Value>) {
    let socket = world.socket();
    let pages = json!([{"page": page_name(number), "seq": seq, "events": ["e"]}]);
    socket.hello(&json!({"epoch": epoch.epoch.to_string(), "pages": pages}));
    let mut frames = socket.frames();
    assert_eq!(frames.remove(0)["type"], "welcome");
    (socket, frames)
}

fn raws(frames: &[Value]) -> Vec<&str> {
    frames
        .iter()
        .map(|frame| frame["raw"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn nobody_is_told_of_a_message_before_the_books_have_it() {
    let world = world();
    let page = world.page(1, &["e"]);
    let before = world.node.cursor(app(), user(2)).await.unwrap();
    world.books.hold();
    let message = world.message("1");
    let id = message.id;
    let mut sent = pin!(world.accept(message));
    assert!(poll_immediate(sent.as_mut()).await.is_none());
    assert!(page.frames().is_empty());
    let everybody = Asker {
        app: app(),
        sender: None,
    };
    assert_eq!(world.node.status(id, everybody).await, Ok(None));
    world.books.go_on();
    let delivery = sent.await.unwrap();
    assert_eq!((delivery.seq, delivery.epoch), (before.seq + 1, before.epoch));
    assert_eq!(page.texts(), ["1"]);
}

#[tokio::test]
async fn the_places_of_what_was_not_kept_are_given_to_what_comes_next() {
    in_mode(Mode::Durable);
    let world = World::with(LiveConfig {
        app_items_max: 4,
        ..LiveConfig::default()
    });
    let page = world.page(1, &["e"]);
    world.send("0").await;
    world.books.hold();
    let mut all: Vec<_> = ["lost", "1", "2"]
        .into_iter()
        .map(|text| Box::pin(world.accept(world.message(text))))
        .collect();
    for sent in &mut all {
        assert!(poll_immediate(sent.as_mut()).await.is_none());
    }
    world.books.fail(Some(full()));
    assert!(world.books.answer());
    world.books.fail(None);
    world.books.go_on();
    let mut told = Vec::new();
    for sent in all {
        told.push(sent.await.map(|delivery| delivery.seq));
    }
    assert_eq!(
        told,
        [Err(AcceptError::NotKept("disk full".into())), Ok(2), Ok(3)]
    );
    assert_eq!(page.texts(), ["0", "1", "2"]);
    let texts: Vec<_> = world.books.look().messages.values().map(|row| row.seq).collect();
    assert_eq!(texts, [1, 2, 3]);
    // What was not kept counts nowhere.
    world.send("3").await;
    assert_eq!(
        world.accept(world.message("4")).await,
        Err(AcceptError::AppMailboxFull)
    );
}

#[tokio::test]
async fn a_mailbox_waits_for_its_own_write_and_not_for_another_s() {
    let world = world();
    world.books.hold();
    let stranger = NewMessage {
        recipient: user(3),
        ..world.message("to another")
    };
    let (first, second) = (world.message("1"), world.message("2"));
    let mut all: Vec<_> = [first, second, stranger]
        .into_iter()
        .map(|message| Box::pin(world.accept(message)))
        .collect();
    for sent in &mut all {
        assert!(poll_immediate(sent.as_mut()).await.is_none());
    }
    assert_eq!(world.books.look().synced, 2, "one of each mailbox");
    world.books.go_on();
    assert_eq!(world.books.look().synced, 3);
    for sent in all {
        sent.await.unwrap();
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_changes_nothing_and_a_repeated_id_waits_for_the_first() {
    let world = world();
    let page = world.page(1, &["e"]);
    world.books.hold();
    let message = world.message("once");
    let mut again = pin!(world.accept(message.clone()));
    {
        let mut first = pin!(world.accept(message));
        assert!(poll_immediate(first.as_mut()).await.is_none());
        assert!(poll_immediate(again.as_mut()).await.is_none());
    }
    world.books.go_on();
    assert_eq!(again.await.unwrap().seq, 1);
    assert_eq!(page.texts(), ["once"]);
    assert_eq!(world.books.look().messages.len(), 1);
}

#[tokio::test]
async fn what_was_answered_outlives_a_crash_with_its_epoch_place_and_outcome() {
    let before = world();
    let page = before.page(1, &["e"]);
    let message = before.message("2");
    let first = before.send("1").await;
    let second = before.accept(message.clone()).await.unwrap();
    assert_eq!(page.texts(), ["1", "2"]);
    let after = killed(&before).await;
    let again = after.accept(message).await.unwrap();
    assert_eq!(again, second);
    let (page, frames) = back(&after, 1, (&first, 1));
    assert_eq!(raws(&frames), ["2"]);
    let third = after.send("3").await;
    assert_eq!((third.seq, third.epoch), (3, first.epoch));
    assert_eq!(page.texts(), ["3"]);
}

#[tokio::test]
async fn an_unwritten_answer_is_no_message_after_a_crash() {
    let before = world();
    let first = before.send("1").await;
    before.books.hold();
    let mut sent = pin!(before.accept(before.message("2")));
    assert!(poll_immediate(sent.as_mut()).await.is_none());
    let after = killed(&before).await;
    let (page, frames) = back(&after, 1, (&first, 0));
    assert_eq!(raws(&frames), ["1"]);
    assert_eq!(after.send("new").await.seq, 2);
    assert_eq!(page.texts(), ["new"]);
}

#[tokio::test]
async fn an_epoch_that_a_ticket_told_is_found_again_after_a_crash() {
    let before = world();
    let told = before.node.cursor(app(), user(2)).await.unwrap();
    let after = killed(&before).await;
    assert_eq!(after.node.cursor(app(), user(2)).await.unwrap(), told);
    before.books.hold();
    let mut other = pin!(before.node.cursor(app(), user(3)));
    assert!(
        poll_immediate(other.as_mut()).await.is_none(),
        "nothing is told before it is kept"
    );
    before.books.fail(Some(full()));
    before.books.go_on();
    assert!(other.await.is_err());
}

#[tokio::test]
async fn a_claim_outlives_a_crash_and_another_page_runs_it_only_when_the_first_has_vanished() {
    let before = world();
    let page = before.page(1, &["e"]);
    let sent = before.send_for("one", Fanout::One).await;
    assert_eq!(page.texts(), ["one"]);
    // The page has run it, its ack is lost with the process.
    let after = killed(&before).await;
    let (other, frames) = back(&after, 2, (&sent, 0));
    assert!(frames.is_empty(), "{frames:?}");
    let (_page, frames) = back(&after, 1, (&sent, 0));
    assert_eq!(raws(&frames), ["one"], "its own window of ids drops it");
    assert_eq!(frames[0]["once"], true);

    let vanished = killed(&before).await;
    drop(other);
    let (other, frames) = back(&vanished, 2, (&sent, 0));
    assert!(frames.is_empty(), "{frames:?}");
    vanished.advance(15_000).await;
    assert!(other.frames().iter().all(|frame| frame["type"] == "ping"));
    vanished.advance(1_500).await;
    let mut frames = other.frames();
    frames.retain(|frame| frame["type"] != "ping");
    assert_eq!(raws(&frames), ["one"]);
    assert_eq!(
        (&frames[0]["once"], &frames[0]["redelivered"]),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn an_inherited_message_is_offered_only_when_the_books_know_by_whom() {
    let before = world();
    let sent = before.send("orphan").await;
    let page = before.page(1, &[]);
    before.books.hold();
    page.say(&json!({"type": "register", "page": page_name(1), "events": ["e"]}));
    assert_eq!(page.frames()[0]["type"], "registered");
    assert!(page.frames().is_empty());
    before.books.go_on();
    let frames = page.frames();
    assert_eq!(
        (raws(&frames), &frames[0]["once"]),
        (vec!["orphan"], &json!(true))
    );
    let after = killed(&before).await;
    let (_other, frames) = back(&after, 2, (&sent, sent.seq));
    assert!(frames.is_empty(), "another page's claim stands");
    let (_page, frames) = back(&after, 1, (&sent, sent.seq));
    assert_eq!(raws(&frames), ["orphan"]);
    assert!(frames[0].get("redelivered").is_none());
}

#[tokio::test]
async fn a_claim_that_could_not_be_kept_is_tried_again() {
    let world = world();
    world.send("orphan").await;
    let page = world.page(1, &[]);
    world.books.fail(Some(full()));
    page.say(&json!({"type": "register", "page": page_name(1), "events": ["e"]}));
    assert_eq!(page.frames().len(), 1);
    world.books.fail(None);
    world.advance(2_000).await;
    let frames = page.frames().into_iter().filter(|frame| frame["type"] != "ping");
    assert_eq!(raws(&frames.collect::<Vec<_>>()), ["orphan"]);
}

#[tokio::test]
async fn after_a_crash_an_orphan_waits_for_the_page_that_may_be_owed_it() {
    let before = world();
    let _page = before.page(1, &["e"]);
    let sent = before.send("owed").await;
    let after = killed(&before).await;
    let (_stranger, frames) = back(&after, 2, (&sent, sent.seq));
    assert!(frames.is_empty(), "{frames:?}");
    let (_page, frames) = back(&after, 1, (&sent, 0));
    assert_eq!(raws(&frames), ["owed"]);
    let late = killed(&before).await;
    late.advance(16_000).await;
    let (_heir, frames) = back(&late, 3, (&sent, sent.seq));
    assert_eq!(raws(&frames), ["owed"]);
    assert_eq!(
        (&frames[0]["once"], &frames[0]["redelivered"]),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn after_a_crash_an_orphan_goes_to_a_page_that_is_here_when_no_other_came_back() {
    let before = world();
    let _page = before.page(1, &["e"]);
    let sent = before.send("owed").await;
    let after = killed(&before).await;
    let (heir, frames) = back(&after, 2, (&sent, sent.seq));
    assert!(frames.is_empty(), "{frames:?}");
    after.advance(16_000).await;
    let frames = heir.frames().into_iter().filter(|frame| frame["type"] != "ping");
    let frames: Vec<_> = frames.collect();
    assert_eq!(raws(&frames), ["owed"]);
    assert_eq!(
        (&frames[0]["once"], &frames[0]["redelivered"]),
        (&json!(true), &json!(true))
    );
    after.advance(5_000).await;
    assert!(heir.frames().iter().all(|frame| frame["type"] == "ping"));
}

#[tokio::test]
async fn after_a_crash_a_message_for_one_page_that_nobody_had_claimed_goes_to_the_first_that_comes() {
    let before = world();
    let page = before.page(1, &["e"]);
    page.lose();
    let sent = before.send_for("for one", Fanout::One).await;
    let after = killed(&before).await;
    let (_page, frames) = back(&after, 1, (&sent, 0));
    assert_eq!(raws(&frames), ["for one"]);
    assert!(frames[0].get("redelivered").is_none(), "it was never on its way");
}

#[tokio::test]
async fn marks_ride_unsynced_and_are_known_after_a_crash() {
    let before = world();
    let page = before.page(1, &["e"]);
    let sent = before.send("1").await;
    let frames = page.frames();
    page.ack(1, &frames[0]["id"]);
    let synced = before.books.look().synced;
    before.advance(500).await;
    let written = {
        let books = before.books.look();
        (books.synced, books.unsynced)
    };
    assert_eq!(written, (synced, 1));
    let after = killed(&before).await;
    let everybody = Asker {
        app: app(),
        sender: None,
    };
    let status = after.node.status(sent.id, everybody).await.unwrap().unwrap();
    let delivery = status.delivery;
    assert_eq!(
        (delivery.state, delivery.written, delivery.acked),
        (DeliveryState::Acked, 1, 1)
    );
    // Its cursor is older than its ack; the ack counts once, before and after.
    let (page, frames) = back(&after, 1, (&sent, 0));
    assert!(frames.is_empty(), "{frames:?}");
    page.ack(1, &json!(sent.id.to_string()));
    let status = after.node.status(sent.id, everybody).await.unwrap().unwrap();
    assert_eq!(status.delivery.acked, 1);
}

#[tokio::test]
async fn marks_that_could_not_be_written_are_written_later() {
    let world = world();
    let page = world.page(1, &["e"]);
    world.send("1").await;
    let first = world.books.look().messages[&RowNo(1)].outcome.clone();
    let id = page.frames()[0]["id"].clone();
    page.ack(1, &id);
    world.books.fail(Some(full()));
    world.advance(500).await;
    assert_eq!(world.books.look().messages[&RowNo(1)].outcome, first);
    world.books.fail(None);
    world.advance(2_000).await;
    assert_ne!(world.books.look().messages[&RowNo(1)].outcome, first);
}

#[tokio::test]
async fn what_was_replaced_or_pushed_out_is_so_again_after_a_crash() {
    let before = world();
    let keyed = |text: &str| NewMessage {
        collapse_key: Some("k".into()),
        ..before.message(text)
    };
    let first = before.accept(keyed("old")).await.unwrap();
    before.send("other").await;
    before.accept(keyed("new")).await.unwrap();
    let after = killed(&before).await;
    let (_page, frames) = back(&after, 1, (&first, 0));
    assert_eq!(raws(&frames), ["other", "new"], "and no gap");
    let config = LiveConfig {
        ring_items_max: 1,
        ..LiveConfig::default()
    };
    let small = World::over(config, before.folder(), Arc::new(ManualClock::at(START_MS)));
    small.node.load().await.unwrap();
    let (_page, frames) = back(&small, 1, (&first, 0));
    assert_eq!(
        (&frames[0]["type"], &frames[0]["reason"]),
        (&json!("gap"), &json!("overflow"))
    );
    assert_eq!((&frames[0]["from"], &frames[0]["to"]), (&json!(1), &json!(2)));
    assert_eq!(raws(&frames[1..]), ["new"]);
}

#[tokio::test]
async fn a_damaged_row_is_a_gap_and_hides_nothing_else() {
    let before = world();
    let first = before.send("1").await;
    before.send("2").await;
    before.send("3").await;
    before.books.look().damaged.push(RowNo(2));
    let after = killed(&before).await;
    let (_page, frames) = back(&after, 1, (&first, 0));
    let gap = &frames[0];
    assert_eq!(
        (&gap["type"], &gap["reason"], &gap["from"], &gap["to"]),
        (&json!("gap"), &json!("damaged"), &json!(1), &json!(2))
    );
    assert_eq!(raws(&frames[1..]), ["1", "3"]);
    assert_eq!(after.send("4").await.seq, 4);
    assert!(!after.books.look().messages.contains_key(&RowNo(2)));
    // The loss is kept with the head: the row that told of it is gone.
    before.books.look().damaged.clear();
    let again = killed(&after).await;
    let (_page, frames) = back(&again, 1, (&first, 0));
    assert_eq!(frames[0]["reason"], "damaged");
}

#[tokio::test]
async fn a_lost_head_begins_a_new_life_and_the_messages_are_still_delivered() {
    let before = world();
    let first = before.send("1").await;
    before.books.look().heads.clear();
    let after = killed(&before).await;
    let (_page, frames) = back(&after, 1, (&first, 1));
    assert_eq!(
        (&frames[0]["reason"], &frames[0]["to"]),
        (&json!("epoch"), &Value::Null)
    );
    assert_eq!(raws(&frames[1..]), ["1"]);
    let second = after.send("2").await;
    assert_eq!(second.seq, 2);
    assert_ne!(second.epoch, first.epoch);
    let again = killed(&after).await;
    assert_eq!(
        again.node.cursor(app(), user(2)).await.unwrap().epoch,
        second.epoch
    );
}

#[tokio::test]
async fn time_that_passes_while_nobody_serves_ends_messages_and_a_clock_stepped_back_revives_none() {
    let before = world();
    let short = NewMessage {
        ttl_ms: 1_000,
        ..before.message("short")
    };
    let first = before.accept(short).await.unwrap();
    before.send("long").await;
    let later = killed_until(&before, START_MS + 1_000).await;
    let (_page, frames) = back(&later, 1, (&first, 0));
    assert_eq!(
        (&frames[0]["reason"], &frames[0]["to"]),
        (&json!("expired"), &json!(1))
    );
    assert_eq!(raws(&frames[1..]), ["long"]);
    later.send("seen").await;
    let stepped = killed_until(&later, START_MS - 3_600_000).await;
    let (_page, frames) = back(&stepped, 1, (&first, 0));
    assert_eq!(raws(&frames[1..]), ["long", "seen"]);
    stepped.advance(59_000).await;
    let (_page, frames) = back(&stepped, 2, (&first, 1));
    assert_eq!(
        (&frames[0]["reason"], raws(&frames[1..])),
        (&json!("expired"), vec!["seen"])
    );
}

#[tokio::test]
async fn a_place_of_a_message_without_life_is_not_given_again_after_a_crash() {
    let before = world();
    let page = before.page(1, &["e"]);
    let instant = NewMessage {
        ttl_ms: 0,
        ..before.message("now")
    };
    let first = before.accept(instant).await.unwrap();
    assert_eq!(page.texts(), ["now"]);
    let after = killed(&before).await;
    let (page, frames) = back(&after, 1, (&first, first.seq));
    assert!(frames.is_empty(), "{frames:?}");
    assert_eq!(after.send("next").await.seq, 2);
    assert_eq!(page.texts(), ["next"]);
}

#[tokio::test]
async fn a_message_whose_time_ran_out_on_its_way_to_the_disk_is_never_written() {
    let world = world();
    let page = world.page(1, &["e"]);
    world.books.hold();
    let short = NewMessage {
        ttl_ms: 1_000,
        ..world.message("late")
    };
    let mut sent = pin!(world.accept(short));
    assert!(poll_immediate(sent.as_mut()).await.is_none());
    world.clock.advance_ms(1_000);
    world.books.go_on();
    assert_eq!(sent.await.unwrap().seq, 1);
    assert!(page.frames().is_empty());
}

#[tokio::test]
async fn what_is_withdrawn_on_its_way_to_the_disk_is_revoked_and_never_delivered() {
    let world = world();
    let page = world.page(1, &["e"]);
    world.books.hold();
    let message = world.message("from the one who withdraws");
    let id = message.id;
    let mut sent = pin!(world.accept(message));
    assert!(poll_immediate(sent.as_mut()).await.is_none());
    world
        .node
        .withdraw(app(), user(1), WallMs(START_MS))
        .await
        .unwrap();
    world.books.go_on();
    sent.await.unwrap();
    assert!(page.frames().is_empty());
    let everybody = Asker {
        app: app(),
        sender: None,
    };
    let status = world.node.status(id, everybody).await.unwrap().unwrap();
    assert_eq!(status.delivery.state, DeliveryState::Revoked);
    world.advance(500).await;
    assert!(world.books.look().messages[&RowNo(1)].item.is_none());
}

#[tokio::test]
async fn rows_leave_with_their_records_and_heads_after_their_rest() {
    let world = world();
    let sent = world.send("1").await;
    world.clock.advance_ms(60_000);
    world.advance(17_000).await;
    assert!(world.books.look().messages[&RowNo(1)].item.is_none());
    world.clock.advance_ms(3_600_000);
    world.advance(17_000).await;
    assert!(world.books.look().messages.is_empty());
    let head = world.books.look().heads[&(app(), user(2))];
    assert_eq!(
        (head.last, head.low),
        (1, 1),
        "what the row knew, the head knows now"
    );
    let after = killed_until(&world, START_MS + 4_000_000).await;
    let next = after.send("2").await;
    assert_eq!((next.seq, next.epoch), (2, sent.epoch));
    world.clock.advance_ms(24 * 3_600_000);
    world.advance(17_000).await;
    assert!(world.books.look().heads.is_empty());
}

#[tokio::test]
async fn a_clean_stop_leaves_nothing_unsaid() {
    let before = world();
    let page = before.page(1, &["e"]);
    let sent = before.send("1").await;
    let id = page.frames()[0]["id"].clone();
    page.ack(1, &id);
    before.node.keep_all().await.unwrap();
    let after = killed(&before).await;
    let (_page, frames) = back(&after, 1, (&sent, 0));
    assert!(frames.is_empty(), "{frames:?}");
    before.books.fail(Some(full()));
    page.ack(1, &id);
    assert!(before.node.keep_all().await.is_err());
}

#[tokio::test]
async fn in_memory_mode_the_books_are_never_asked() {
    in_mode(Mode::Memory);
    let world = World::begin();
    let page = world.page(1, &["e"]);
    world.send_for("1", Fanout::One).await;
    let id = page.frames()[0]["id"].clone();
    page.ack(1, &id);
    world.advance(1_000).await;
    assert_eq!(world.node.load().await, Ok(None));
    world.node.keep_all().await.unwrap();
    let books = world.books.look();
    assert_eq!((books.synced, books.unsynced), (0, 0));
}
