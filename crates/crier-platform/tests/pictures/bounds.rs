//! What one application may cost in an hour, and what the cache may hold.

use crate::world::{World, image};
use crier_platform::model::story::SlotState;

#[tokio::test]
async fn app_fetches_per_hour_and_app_bytes_per_hour_hold_an_application_back_until_the_next_hour() {
    for by_bytes in [false, true] {
        let world = World::with(|rules| {
            // Each answer of these hosts costs 1,000 bytes.
            rules.app_fetches_per_hour = if by_bytes { 1_000 } else { 2 };
            rules.app_bytes_per_hour = if by_bytes { 1_000 } else { 1_000_000 };
        })
        .await;
        let mut stories = Vec::new();
        for number in 0..3 {
            stories.push(world.publish(1, &format!("http://h{number}.example/")).await);
        }
        for asked in world.asked(2).await {
            asked.answer(image("a"));
        }
        assert_eq!(world.settled(stories[0]).await.state, SlotState::Ready);
        assert_eq!(world.settled(stories[1]).await.state, SlotState::Ready);
        // Another application is not held back.
        world.publish(2, "http://other.example/").await;
        let (other, hosts) = world.hosts_asked(1).await;
        assert_eq!(hosts, ["other.example"]);
        drop(other);
        let met = ["app_fetches_per_hour", "app_bytes_per_hour"].map(|key| world.met(key) > 0);
        assert_eq!(met, [!by_bytes, by_bytes]);
        world.clock.advance_ms(3_600_000);
        let (_, hosts) = world.hosts_asked(1).await;
        assert!(hosts.contains(&"h2.example".to_owned()), "{hosts:?}");
    }
}

#[tokio::test]
async fn above_cache_bytes_hard_nothing_is_fetched() {
    let world = World::with(|rules| rules.cache_bytes_hard = 7).await;
    let story = world.publish(1, "http://a.example/").await;
    world.asked(1).await.remove(0).answer(image("a"));
    assert_eq!(world.settled(story).await.state, SlotState::Ready);
    // Nine bytes are held by a live story: they stay, and the next job waits.
    let waiting = world.publish(1, "http://b.example/").await;
    assert_eq!(world.asked(0).await.len(), 0);
    assert_eq!(world.slot(waiting).await.state, SlotState::Pending);
    assert!(world.met("cache_bytes_hard") > 0);
}

#[tokio::test]
async fn above_cache_bytes_max_what_no_live_story_needs_is_evicted() {
    let world = World::with(|rules| rules.cache_bytes_max = 20).await;
    let old = world.publish(1, "http://a.example/").await;
    world.asked(1).await.remove(0).answer(image("a"));
    assert_eq!(world.settled(old).await.state, SlotState::Ready);
    world.clock.advance_ms(604_800_000);
    for (number, host) in (1..).zip(["b", "c"]) {
        let story = world.publish(number, &format!("http://{host}.example/")).await;
        world.asked(1).await.remove(0).answer(image(host));
        assert_eq!(world.settled(story).await.state, SlotState::Ready);
    }
    let evicted = async {
        while world.slot(old).await.state == SlotState::Ready {
            tokio::task::yield_now().await;
        }
        Ok(())
    };
    crier_testkit::patience::within("an eviction", evicted)
        .await
        .unwrap();
    assert_eq!(world.slot(old).await.state, SlotState::Evicted);
    assert_eq!(world.ports.store.picture_space().await.unwrap().bytes, 18);
    assert_eq!(world.books.figures.evicted(), 1);
    assert_eq!(world.met("cache_bytes_max"), 1);
}
