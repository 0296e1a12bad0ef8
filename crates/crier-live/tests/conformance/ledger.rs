//! Quotas and call order (protocol 9, 11.2).

use crate::world::{World, app, decimal};
use crier_live::config::LiveConfig;
use crier_platform::model::session::SessionId;
use crier_platform::ports::ledger::{
    Charge, Ledger, LedgerRefusal, OrderCharge, OrderRule, QuotaCharge, QuotaScope,
};
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const SESSION: SessionId = SessionId(5);

fn order(text: &str, rule: OrderRule) -> Charge {
    Charge {
        quota: None,
        order: Some(OrderCharge {
            session: SESSION,
            rule,
            value: decimal(text),
        }),
    }
}

fn quota(limit: u32) -> QuotaCharge {
    QuotaCharge {
        scope: QuotaScope::App(app()),
        limit,
    }
}

pub async fn of_64_concurrent_equal_call_ids_exactly_one_passes(world: World) {
    for (text, rule) in [("1.5", OrderRule::Greater), ("2.50", OrderRule::Once)] {
        let charge = order(text, rule);
        let all = join_all((0..64).map(|_| world.node.settle(&charge))).await;
        let passed = all.iter().filter(|settled| **settled == Ok(Ok(()))).count();
        let repeated = Ok(Err(LedgerRefusal::CallIdRepeated));
        assert_eq!(passed, 1);
        assert_eq!(all.iter().filter(|settled| **settled == repeated).count(), 63);
    }
}

pub async fn accepted_call_ids_survive_the_process(world: World) {
    assert_eq!(
        world.node.settle(&order("10", OrderRule::Greater)).await,
        Ok(Ok(()))
    );
    let next = World::over(LiveConfig::default(), world.folder(), Arc::clone(&world.clock));
    assert_eq!(
        next.node.settle(&order("10.0", OrderRule::Greater)).await,
        Ok(Err(LedgerRefusal::CallIdRepeated))
    );
    assert_eq!(
        next.node.settle(&order("9", OrderRule::Greater)).await,
        Ok(Err(LedgerRefusal::CallIdTooSmall { last: decimal("10") }))
    );
    assert_eq!(
        next.node.settle(&order("11", OrderRule::Greater)).await,
        Ok(Ok(()))
    );
}

pub async fn a_reset_session_may_carry_any_value_again(world: World) {
    assert_eq!(
        world.node.settle(&order("10", OrderRule::Greater)).await,
        Ok(Ok(()))
    );
    world.marks.forget(SESSION);
    world.node.reset(SESSION).await.unwrap();
    assert_eq!(
        world.node.settle(&order("0", OrderRule::Greater)).await,
        Ok(Ok(()))
    );
}

pub async fn quota_is_charged_before_call_order_and_spent_by_its_refusal(world: World) {
    let charge = |text| Charge {
        quota: Some(quota(2)),
        ..order(text, OrderRule::Greater)
    };
    assert_eq!(world.node.settle(&charge("5")).await, Ok(Ok(())));
    let refused = world.node.settle(&charge("5")).await;
    assert_eq!(refused, Ok(Err(LedgerRefusal::CallIdRepeated)));
    let spent = LedgerRefusal::Quota {
        limit: 2,
        ends_in_secs: 60,
    };
    assert_eq!(world.node.peek(quota(2)), Some(spent.clone()));
    assert_eq!(world.node.spent(quota(2).scope), 2);
    assert_eq!(world.node.settle(&charge("6")).await, Ok(Err(spent)));
    world.clock.advance_ms(60_000);
    assert_eq!(world.node.peek(quota(2)), None);
    assert_eq!(world.node.spent(quota(2).scope), 0);
    assert_eq!(world.node.settle(&charge("6")).await, Ok(Ok(())));
}

pub async fn never_more_calls_than_permitted_are_charged_at_once(world: World) {
    let charge = Charge {
        quota: Some(quota(40)),
        order: None,
    };
    let all = join_all((0..100).map(|_| world.node.settle(&charge))).await;
    assert_eq!(all.iter().filter(|settled| **settled == Ok(Ok(()))).count(), 40);
}

pub async fn a_store_that_fails_keeps_no_call_id(world: World) {
    world.marks.failing.store(true, Ordering::Relaxed);
    assert!(world.node.settle(&order("5", OrderRule::Greater)).await.is_err());
    world.marks.failing.store(false, Ordering::Relaxed);
    assert_eq!(
        world.node.settle(&order("5", OrderRule::Greater)).await,
        Ok(Ok(()))
    );
}
