//! Each way in which a connection comes to its end, with its code, its moment and its counter (live 3.8 to 3.10, 4.1, 4.15).

use crate::world::{World, page_name};
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::WallMs;
use crier_platform::ports::clock::Clock;
use serde_json::{Value, json};

pub async fn floods_and_frames_over_their_bounds_end_with_their_code_and_are_counted(world: World) {
    let pong = json!({"type": "pong", "at": 1});
    let register = json!({"type": "register", "page": page_name(1), "events": ["e"]});
    let flood = vec![pong; 201];
    let array = json!(vec![register; 65]);
    let ack = json!({"type": "ack", "page": page_name(1), "ids": vec!["0".repeat(32); 257]});
    let large = json!({"type": "pong", "at": 1, "x": "x".repeat(65_536)});
    for (messages, code, bound) in [
        (flood, 4103, "rate_frames"),
        (vec![array], 4300, "frame_items"),
        (vec![ack], 4300, "frame_items"),
        (vec![large], 4301, "frame_size"),
    ] {
        let before = world.metrics.overflows(bound);
        let page = world.page(1, &["e"]);
        for message in messages {
            page.say(&message);
        }
        assert_eq!(page.code(), Some(code), "{bound}");
        assert_eq!(world.metrics.overflows(bound), before + 1, "{bound}");
        page.lose();
    }
}

pub async fn a_renewal_moves_the_end_and_past_it_the_bye_comes_within_a_second(world: World) {
    let page = world.page(1, &["e"]);
    let until = WallMs(world.clock.wall().0 + 10_000);
    let permit = Permit {
        until,
        ..world.permit()
    };
    world.hub().renewed(&page.link, permit);
    let renewed = page.frames().remove(0);
    assert_eq!(
        (&renewed["type"], &renewed["until"]),
        (&json!("renewed"), &json!(until.0))
    );
    world.advance(9_750).await;
    assert_eq!(page.code(), None);
    world.advance(1_250).await;
    assert_eq!(page.code(), Some(4201));
    assert_eq!(world.metrics.overflows("authorised"), 1);
    let late = world.socket();
    late.hello(&json!({"resume": renewed["resume"], "pages": [{"page": page_name(1), "events": ["e"]}]}));
    assert_eq!(late.code(), Some(4202));
    assert_eq!(world.metrics.overflows("authorised"), 2);
}

pub async fn a_span_that_ends_with_its_session_ends_with_4203_also_after_a_resume(world: World) {
    let page = world.page(1, &["e"]);
    let until = WallMs(world.clock.wall().0 + 10_000);
    let permit = Permit {
        until,
        session_ends: true,
        ..world.permit()
    };
    world.hub().renewed(&page.link, permit);
    let renewed = page.frames().remove(0);
    let next = world.socket();
    next.hello(&json!({"resume": renewed["resume"], "pages": [{"page": page_name(1), "events": ["e"]}]}));
    assert_eq!(next.frames()[0]["until"], json!(until.0));
    world.advance(9_750).await;
    assert_eq!(next.code(), None);
    world.advance(1_250).await;
    assert_eq!(next.code(), Some(4203));
    // No bound was met: the session was over.
    assert_eq!(world.metrics.overflows("authorised"), 0);
}

pub async fn a_resume_ends_the_connection_it_comes_from_and_no_other(world: World) {
    let old = world.socket();
    old.hello(&json!({"pages": [{"page": page_name(1), "events": ["e"]}]}));
    let token = old.frames()[0]["resume"].clone();
    let neighbour = world.page(2, &["e"]);
    let new = world.socket();
    new.hello(&json!({"resume": token, "pages": [{"page": page_name(1), "events": ["e"]}]}));
    assert_eq!(new.frames()[0]["type"], "welcome");
    let last: Vec<Value> = old.frames();
    assert_eq!(last[0]["code"], 4303);
    world.send("once").await;
    assert_eq!(
        (new.texts(), neighbour.texts()),
        (vec!["once".to_owned()], vec!["once".to_owned()])
    );
    assert!(old.frames().iter().all(|frame| frame["type"] != "message"));
}
