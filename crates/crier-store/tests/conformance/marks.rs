//! Call order.

use crate::backends::World;
use crier_platform::model::change::Fact;
use crier_platform::model::session::SessionId;
use crier_platform::ports::ledger::{CALL_IDS_KEPT, OrderRule};
use crier_platform::ports::store::Write;
use crier_proto::decimal::Decimal;

fn value(text: &str) -> Decimal {
    text.parse().unwrap()
}

async fn kept(world: &World, session: SessionId) -> Vec<String> {
    world
        .store
        .call_ids(session)
        .await
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

async fn a_session(world: &World) -> SessionId {
    world.user(7).await;
    world.session(4, 7, None).await.1
}

fn mark(session: SessionId, rule: OrderRule, text: &str) -> Write {
    Write::MarkCall {
        session,
        rule,
        value: value(text),
    }
}

pub async fn marked_values_are_read_back_greatest_last(world: &World) {
    let session = a_session(world).await;
    let (_, other) = world.session(4, 7, None).await;
    for text in [
        "10",
        "9.5",
        "1795290524.11810000000000000001",
        "1795290524.1181",
        "9.50",
    ] {
        world.store.mark_call(session, &value(text)).unwrap();
    }
    let expected = ["9.5", "10", "1795290524.1181", "1795290524.11810000000000000001"];
    assert_eq!(kept(world, session).await, expected);
    assert!(kept(world, other).await.is_empty());
}

pub async fn of_many_marks_the_128_greatest_are_kept(world: &World) {
    let session = a_session(world).await;
    for number in (1..=200).rev() {
        if number % 2 == 0 {
            world
                .store
                .mark_call(session, &value(&number.to_string()))
                .unwrap();
        } else {
            world
                .commit(vec![mark(session, OrderRule::Once, &number.to_string())])
                .await;
        }
    }
    let kept = kept(world, session).await;
    assert_eq!(kept.len(), CALL_IDS_KEPT);
    assert_eq!((kept[0].as_str(), kept[127].as_str()), ("73", "200"));
}

pub async fn a_synced_mark_and_a_live_one_are_read_together(world: &World) {
    let session = a_session(world).await;
    world.store.mark_call(session, &value("3")).unwrap();
    world
        .commit(vec![
            mark(session, OrderRule::Once, "2"),
            mark(session, OrderRule::Once, "3"),
        ])
        .await;
    assert_eq!(kept(world, session).await, ["2", "3"]);
}

pub async fn a_rule_that_compares_with_the_last_keeps_the_last(world: &World) {
    let session = a_session(world).await;
    for text in ["1", "2", "10"] {
        world.commit(vec![mark(session, OrderRule::Greater, text)]).await;
    }
    assert_eq!(kept(world, session).await, ["10"]);
}

pub async fn a_reset_forgets_both_kinds_of_marks(world: &World) {
    let session = a_session(world).await;
    world.store.mark_call(session, &value("8")).unwrap();
    world.commit(vec![mark(session, OrderRule::Once, "9")]).await;
    let before = world.store.last_change().await.unwrap();
    world.commit(vec![Write::ResetCallOrder(session)]).await;
    assert!(kept(world, session).await.is_empty());
    assert_eq!(world.facts_after(before).await, [Fact::CallOrderReset(session)]);
    world.store.mark_call(session, &value("1")).unwrap();
    assert_eq!(kept(world, session).await, ["1"]);
}
