//! One-time rights to connect (live 3.5, 3.11, 3.14).

use crate::world::{World, app, user};
use crier_platform::model::login::TokenDigest;
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Ticket;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::Deliver;
use crier_platform::ports::tickets::Tickets;
use crier_proto::ids::SessionKey;

fn ticket(world: &World, number: u8) -> Ticket {
    Ticket {
        token: TokenDigest([number; 32]),
        app: app(),
        user: user(2),
        session: SessionId(5),
        session_key: SessionKey::of("0123456789abcdef01234567", user(2)).unwrap(),
        expires_at: world.clock.wall().plus_ms(60_000),
    }
}

async fn is_good(world: &World, number: u8) -> bool {
    let token = TokenDigest([number; 32]);
    world.node.redeem(token).await.unwrap().is_some()
}

pub async fn a_ticket_is_redeemed_once(world: World) {
    world.node.issue(ticket(&world, 1)).await.unwrap();
    assert!(!is_good(&world, 2).await);
    assert!(is_good(&world, 1).await);
    assert!(!is_good(&world, 1).await);
}

pub async fn tickets_outstanding_over_20_void_the_oldest(world: World) {
    for number in 1..=21 {
        world.node.issue(ticket(&world, number)).await.unwrap();
    }
    assert_eq!(world.metrics.overflows("tickets_outstanding"), 1);
    assert!(!is_good(&world, 1).await);
    for number in 2..=21 {
        assert!(is_good(&world, number).await, "{number}");
    }
}

pub async fn an_expired_ticket_is_void(world: World) {
    world.node.issue(ticket(&world, 1)).await.unwrap();
    world.node.issue(ticket(&world, 2)).await.unwrap();
    world.clock.advance_ms(59_999);
    assert!(is_good(&world, 1).await);
    world.clock.advance_ms(1);
    assert!(!is_good(&world, 2).await);
}

pub async fn tickets_end_with_their_session_and_their_grant(world: World) {
    world.node.issue(ticket(&world, 1)).await.unwrap();
    world.node.end_session(SessionId(5)).await.unwrap();
    assert!(!is_good(&world, 1).await);
    world.node.issue(ticket(&world, 2)).await.unwrap();
    let withdrawn_at = world.clock.wall();
    world.clock.advance_ms(1_000);
    world.node.issue(ticket(&world, 3)).await.unwrap();
    world.node.withdraw(app(), user(2), withdrawn_at).await.unwrap();
    assert!(!is_good(&world, 2).await);
    assert!(is_good(&world, 3).await, "issued after the withdrawal");
}
