//! The queue of hellos: order, bounds, ageing, and the delay that it makes refusals name (live 9.2, 9.3).

use crate::world::{Socket, World, page_name};
use crier_live::config::LiveConfig;
use crier_live::hub::{Coming, Turn};
use serde_json::{Value, json};
use std::cell::RefCell;

fn queue(running: usize, places: usize) -> World {
    World::with(LiveConfig {
        admit_running_max: running,
        admit_places_max: places,
        ..LiveConfig::default()
    })
}

/// A socket whose hello has come and is not judged yet.
fn arrived(world: &World) -> Socket<'_> {
    let socket = world.socket();
    let hello =
        json!({"type": "hello", "v": 1, "ticket": "T", "pages": [{"page": page_name(1), "events": []}]});
    for frame in world.hub().received(&socket.link, &hello.to_string()) {
        assert!(world.hub().frame(&socket.link, frame).is_some());
    }
    socket
}

async fn turn<'a>(world: &'a World, socket: &Socket<'_>, coming: Coming) -> Option<Turn<'a>> {
    world.hub().turn(&socket.link, coming).await
}

/// Whether a future is still waiting after it was polled once.
macro_rules! waits {
    ($future:expr) => {
        futures_util::future::poll_immediate($future.as_mut())
            .await
            .is_none()
    };
}

pub async fn admit_running_max_judges_so_many_hellos_at_once_and_the_next_as_one_ends(_: World) {
    let world = queue(2, 10);
    let sockets = [world.socket(), world.socket(), world.socket()];
    let first = turn(&world, &sockets[0], Coming::New).await;
    let _second = turn(&world, &sockets[1], Coming::Resume).await.unwrap();
    let mut third = Box::pin(turn(&world, &sockets[2], Coming::New));
    assert!(waits!(third));
    drop(first);
    assert!(third.await.is_some());
}

pub async fn resumes_stand_before_new_connections_each_in_order_of_arrival(_: World) {
    let world = queue(1, 10);
    let busy = turn(&world, &world.socket(), Coming::New).await;
    let order = RefCell::new(Vec::new());
    let come = async |name: &'static str, coming| {
        let socket = world.socket();
        let turn = turn(&world, &socket, coming).await;
        order.borrow_mut().push(name);
        drop(turn);
    };
    tokio::join!(
        come("new 1", Coming::New),
        come("new 2", Coming::New),
        come("resume 1", Coming::Resume),
        come("new 3", Coming::New),
        come("resume 2", Coming::Resume),
        async { drop(busy) }
    );
    assert_eq!(
        order.into_inner(),
        ["resume 1", "resume 2", "new 1", "new 2", "new 3"]
    );
}

pub async fn admit_places_max_refuses_the_one_behind_the_last_place(_: World) {
    let world = queue(1, 2);
    let sockets = [world.socket(), world.socket(), world.socket(), world.socket()];
    let _busy = turn(&world, &sockets[0], Coming::New).await;
    let mut second = Box::pin(turn(&world, &sockets[1], Coming::New));
    let mut third = Box::pin(turn(&world, &sockets[2], Coming::New));
    assert!(waits!(second) && waits!(third));
    assert!(turn(&world, &sockets[3], Coming::Resume).await.is_none());
    assert_eq!(sockets[3].code(), Some(4100));
    assert_eq!(world.metrics.overflows("admit"), 1);
    assert!(waits!(second) && waits!(third));
}

pub async fn a_place_older_than_ten_seconds_is_refused(_: World) {
    let world = queue(1, 10);
    let sockets = [arrived(&world), arrived(&world), arrived(&world)];
    let _busy = turn(&world, &sockets[0], Coming::New).await;
    let mut old = Box::pin(turn(&world, &sockets[1], Coming::Resume));
    assert!(waits!(old));
    world.advance(5_000).await;
    let mut young = Box::pin(turn(&world, &sockets[2], Coming::New));
    assert!(waits!(young));
    world.advance(4_750).await;
    assert!(waits!(old));
    world.advance(250).await;
    assert!(old.await.is_none());
    assert_eq!(sockets[1].code(), Some(4100));
    assert!(waits!(young));
    assert_eq!(world.metrics.overflows("admit"), 1);
}

pub async fn whoever_goes_away_while_waiting_gives_the_place_back_and_the_turn_too(_: World) {
    let world = queue(1, 1);
    let sockets = [world.socket(), world.socket(), world.socket(), world.socket()];
    let busy = turn(&world, &sockets[0], Coming::New).await;
    let mut gone = Box::pin(turn(&world, &sockets[1], Coming::New));
    assert!(waits!(gone));
    drop(gone);
    let mut called = Box::pin(turn(&world, &sockets[2], Coming::New));
    assert!(waits!(called), "the place was free again");
    drop(busy);
    drop(called);
    let last = turn(&world, &sockets[3], Coming::New).await;
    assert!(last.is_some(), "the turn that nobody took is free again");
}

fn retry_after(frames: &[Value]) -> &Value {
    let bye = frames.iter().find(|frame| frame["type"] == "bye");
    &bye.unwrap()["retry_after"]
}

pub async fn a_refusal_for_load_names_the_backlog_over_the_rate_of_the_last_second(_: World) {
    let world = queue(1, 12);
    let refused = async |what: &str| {
        let over = world.socket();
        assert!(turn(&world, &over, Coming::New).await.is_none(), "{what}");
        retry_after(&over.frames()).clone()
    };
    for _ in 0..4 {
        drop(turn(&world, &world.socket(), Coming::New).await);
    }
    let busy = turn(&world, &world.socket(), Coming::New).await;
    let sockets: Vec<_> = (0..12).map(|_| world.socket()).collect();
    let mut waiting = Vec::new();
    for socket in &sockets {
        let mut place = Box::pin(turn(&world, socket, Coming::New));
        assert!(waits!(place));
        waiting.push(place);
    }
    assert_eq!(refused("12 wait, 4 were admitted within the second").await, 3_000);
    world.clock.advance_ms(900);
    assert_eq!(refused("they still count").await, 3_000);
    world.clock.advance_ms(100);
    assert_eq!(refused("nobody was admitted within the second").await, 30_000);
    waiting.clear();
    drop(busy);
    let many = world.page(1, &["e"]);
    for _ in 0..201 {
        many.say(&json!({"type": "pong", "at": 1}));
    }
    assert_eq!(retry_after(&many.frames()), 1_000, "nobody waits");
}

pub async fn a_stop_sends_away_who_waits_without_calling_it_load(_: World) {
    let world = queue(1, 10);
    let sockets = [world.socket(), world.socket()];
    let busy = turn(&world, &sockets[0], Coming::New).await;
    let waiting = turn(&world, &sockets[1], Coming::New);
    let (none, ()) = tokio::join!(waiting, async {
        let mut stop = Box::pin(world.node.stop());
        assert!(waits!(stop));
    });
    assert!(none.is_none() && busy.is_some());
    assert_eq!(sockets[1].code(), Some(4001));
    assert_eq!(world.metrics.overflows("admit"), 0);
}

pub async fn a_hello_that_waits_for_its_turn_is_not_waited_for_any_more(_: World) {
    let world = World::with(LiveConfig {
        hello_waiting_max: 1,
        ..LiveConfig::default()
    });
    let said = arrived(&world);
    let next = world.socket();
    world.advance(6_000).await;
    assert_eq!(next.code(), Some(4107), "it was given its five seconds");
    assert_eq!(said.code(), None, "its hello came in time");
}
