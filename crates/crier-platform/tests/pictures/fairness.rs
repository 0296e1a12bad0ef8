//! Who is asked when: never more at once than is permitted, and applications in turns.

use crate::world::{World, image};
use crier_platform::model::story::SlotState;

#[tokio::test]
async fn fetches_max_fetches_per_app_and_fetches_per_host_bound_what_is_under_way() {
    let world = World::with(|rules| rules.fetches_max = 5).await;
    // One application alone, at three hosts: two at once.
    for number in 0..6 {
        world
            .publish(1, &format!("http://h{}.example/{number}", number % 3))
            .await;
    }
    let (first, hosts) = world.hosts_asked(2).await;
    assert_eq!(hosts, ["h0.example", "h1.example"]);
    let met =
        |world: &World| ["fetches_max", "fetches_per_app", "fetches_per_host"].map(|key| world.met(key) > 0);
    assert_eq!(met(&world), [false, true, false]);
    // Others at one host: that host is asked twice at once.
    for app in 2..=5 {
        world.publish(app, &format!("http://slow.example/{app}")).await;
    }
    let (second, hosts) = world.hosts_asked(2).await;
    assert_eq!(hosts, ["slow.example", "slow.example"]);
    assert_eq!(met(&world), [false, true, true]);
    // Two further applications, and one place.
    world.publish(6, "http://a.example/").await;
    world.publish(7, "http://b.example/").await;
    let (third, hosts) = world.hosts_asked(1).await;
    assert_eq!(hosts, ["a.example"]);
    assert_eq!(met(&world), [true, true, true]);
    drop((first, second, third));
}

#[tokio::test]
async fn one_application_that_fills_its_queue_does_not_delay_another() {
    let world = World::with(|rules| rules.fetches_max = 2).await;
    for number in 0..50 {
        world.publish(1, &format!("http://h{number}.example/")).await;
    }
    let story = world.publish(2, "http://other.example/").await;
    // Its turn comes as soon as a place is free, whoever came first.
    let mut open = world.asked(2).await;
    let freed = open.pop().unwrap();
    assert_ne!(freed.host(), "other.example");
    freed.answer(image("one"));
    let (next, hosts) = world.hosts_asked(1).await;
    assert_eq!(hosts, ["other.example"]);
    next.into_iter().for_each(|asked| asked.answer(image("other")));
    assert_eq!(world.settled(story).await.state, SlotState::Ready);
}

#[tokio::test]
async fn one_address_is_asked_once_however_many_slots_wait_for_it() {
    let world = World::with(|_| {}).await;
    let mut stories = Vec::new();
    for app in 1..=9 {
        stories.push(world.publish(app, "http://one.example/a.png").await);
    }
    let mut asked = world.asked(1).await;
    assert_eq!(asked.len(), 1);
    asked.remove(0).answer(image("one"));
    for story in stories {
        assert_eq!(world.settled(story).await.state, SlotState::Ready);
    }
    assert_eq!(world.asked(0).await.len(), 0);
}
