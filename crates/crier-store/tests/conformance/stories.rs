//! Stories and the twelve hours.
#![expect(
    clippy::disallowed_methods,
    reason = "parallel calls are what the case is about"
)]

use crate::backends::{START_MS, World, app_id, grant, story, uid};
use crier_platform::model::change::Fact;
use crier_platform::model::record::{FeedAct, FeedWrite};
use crier_platform::model::story::{NewSlot, NewStory, Priority, SlotState};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{CommitError, Conflict, Made, Write};
use crier_proto::ids::{Pid, StoryId};
use crier_proto::story::ImageSource;
use std::sync::Arc;

const TWELVE_HOURS_MS: i64 = 43_200_000;

async fn publish(world: &World, story: NewStory) -> (StoryId, i64) {
    match world.commit(vec![Write::PublishStory(story)]).await.as_slice() {
        [Made::Story { id, seq }] => (*id, *seq),
        other => panic!("no story: {other:?}"),
    }
}

pub async fn a_story_comes_back_with_its_slots(world: &World) {
    world.user(7).await;
    let slot = |number, source, link: &str| NewSlot {
        number,
        source,
        link: link.to_owned(),
    };
    let given = NewStory {
        body: Some("a <b>body</b> with \u{1F600} and \"quotes\"".to_owned()),
        priority: Priority::Number(100),
        slots: vec![
            slot(
                1,
                ImageSource::Url("http://x.example/a.png".to_owned()),
                "http://x.example/1",
            ),
            slot(4, ImageSource::Pid(Pid::new(99).unwrap()), "http://x.example/4"),
        ],
        ..story(4, 7, world.now())
    };
    let mark = world.store.last_change().await.unwrap();
    let (id, seq) = publish(world, given.clone()).await;
    let read = world.store.story(id).await.unwrap().unwrap();
    assert_eq!(
        world.store.stories(uid(7), None, 10).await.unwrap(),
        std::slice::from_ref(&read)
    );
    assert_eq!(
        (read.id, read.seq, read.user, read.app),
        (id, 1, uid(7), app_id(4))
    );
    assert_eq!(seq, 1);
    assert_eq!(
        (read.title, read.body, read.priority),
        (given.title, given.body, given.priority)
    );
    assert_eq!(
        (read.exempt, read.published_at, read.hidden_at),
        (false, world.now(), None)
    );
    let slots: Vec<_> = read
        .slots
        .iter()
        .map(|slot| (slot.number, slot.link.as_str(), slot.state))
        .collect();
    assert_eq!(
        slots,
        [
            (1, "http://x.example/1", SlotState::Pending),
            (4, "http://x.example/4", SlotState::Removed)
        ]
    );
    assert_eq!(
        world.store.window(app_id(4), uid(7)).await.unwrap(),
        Some(world.now())
    );
    assert_eq!(world.facts_after(mark).await, [Fact::Feed(uid(7))]);
    let odd = NewStory {
        priority: Priority::Text("very".to_owned()),
        ..story(5, 7, world.now())
    };
    let (id, _) = publish(world, odd).await;
    assert_eq!(
        world.store.story(id).await.unwrap().unwrap().priority,
        Priority::Text("very".to_owned())
    );
}

pub async fn places_are_gapless_in_commit_order_also_after_refusals(world: &World) {
    world.user(7).await;
    world.user(8).await;
    let mut ids = Vec::new();
    for (turn, app) in (1..=5).enumerate() {
        let (id, seq) = publish(world, story(app, 7, world.now())).await;
        assert_eq!(seq, i64::try_from(turn).unwrap() + 1);
        ids.push(id);
        world
            .refused(vec![Write::PublishStory(story(app, 7, world.now()))])
            .await;
    }
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(publish(world, story(1, 8, world.now())).await.1, 1);
}

pub async fn the_window_opens_after_exactly_twelve_hours(world: &World) {
    world.user(7).await;
    publish(world, story(4, 7, WallMs(START_MS))).await;
    let next_allowed = WallMs(START_MS + TWELVE_HOURS_MS);
    for early in [0, 1, TWELVE_HOURS_MS - 1] {
        let refused = world
            .refused(vec![Write::PublishStory(story(4, 7, WallMs(START_MS + early)))])
            .await;
        assert_eq!(refused, Conflict::WindowClosed { next_allowed });
    }
    assert_eq!(
        world.store.window(app_id(4), uid(7)).await.unwrap(),
        Some(WallMs(START_MS))
    );
    publish(world, story(4, 7, next_allowed)).await;
    assert_eq!(
        world.store.window(app_id(4), uid(7)).await.unwrap(),
        Some(next_allowed)
    );
    assert_eq!(world.store.stories(uid(7), None, 10).await.unwrap().len(), 2);
}

pub async fn a_clock_that_stepped_back_does_not_open_the_window(world: &World) {
    world.user(7).await;
    publish(world, story(4, 7, WallMs(START_MS))).await;
    for back in [1, TWELVE_HOURS_MS, 10 * TWELVE_HOURS_MS, START_MS] {
        let refused = world
            .refused(vec![Write::PublishStory(story(4, 7, WallMs(START_MS - back)))])
            .await;
        assert_eq!(
            refused,
            Conflict::WindowClosed {
                next_allowed: WallMs(START_MS + TWELVE_HOURS_MS)
            }
        );
    }
}

pub async fn an_exempt_story_neither_reads_nor_writes_the_window(world: &World) {
    world.user(7).await;
    let exempt = || NewStory {
        exempt: true,
        ..story(4, 7, world.now())
    };
    publish(world, exempt()).await;
    publish(world, exempt()).await;
    assert_eq!(world.store.window(app_id(4), uid(7)).await.unwrap(), None);
    publish(world, story(4, 7, world.now())).await;
    world.clock.advance_ms(5);
    publish(world, exempt()).await;
    assert_eq!(
        world.store.window(app_id(4), uid(7)).await.unwrap(),
        Some(WallMs(START_MS))
    );
    assert!(world.store.stories(uid(7), None, 1).await.unwrap()[0].exempt);
}

pub async fn the_window_survives_withdrawal_and_is_of_one_application_and_user(world: &World) {
    world.user(7).await;
    world.user(8).await;
    world.commit(vec![Write::SetGrant(grant(4, 7))]).await;
    publish(world, story(4, 7, world.now())).await;
    world
        .commit(vec![Write::RemoveGrant {
            app: app_id(4),
            user: uid(7),
        }])
        .await;
    world.commit(vec![Write::SetGrant(grant(4, 7))]).await;
    let refused = world
        .refused(vec![Write::PublishStory(story(4, 7, world.now()))])
        .await;
    assert!(matches!(refused, Conflict::WindowClosed { .. }));
    publish(world, story(5, 7, world.now())).await;
    publish(world, story(4, 8, world.now())).await;
}

pub async fn sixty_four_parallel_calls_publish_one_story(world: &World) {
    world.user(7).await;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let (store, batch) = (
                Arc::clone(&world.store),
                world.batch(vec![Write::PublishStory(story(4, 7, world.now()))]),
            );
            tokio::spawn(async move { store.commit(batch).await })
        })
        .collect();
    let (mut published, mut refused) = (0, 0);
    for call in calls {
        match call.await.unwrap() {
            Ok(made) => {
                assert!(matches!(made[..], [Made::Story { seq: 1, .. }]));
                published += 1;
            }
            Err(CommitError::Refused(Conflict::WindowClosed { next_allowed })) => {
                assert_eq!(next_allowed, WallMs(START_MS + TWELVE_HOURS_MS));
                refused += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((published, refused), (1, 63));
    assert_eq!(world.store.stories(uid(7), None, 10).await.unwrap().len(), 1);
}

pub async fn pages_are_read_downwards_without_overlap(world: &World) {
    world.user(7).await;
    for app in 1..=7 {
        publish(world, story(app, 7, world.now())).await;
    }
    let page = async |before, limit| -> Vec<i64> {
        world
            .store
            .stories(uid(7), before, limit)
            .await
            .unwrap()
            .iter()
            .map(|story| story.seq)
            .collect()
    };
    assert_eq!(page(None, 3).await, [7, 6, 5]);
    assert_eq!(page(Some(5), 3).await, [4, 3, 2]);
    assert_eq!(page(Some(2), 3).await, [1]);
    assert!(page(Some(1), 3).await.is_empty());
    assert!(page(None, 0).await.is_empty());
}

pub async fn a_story_is_put_away_by_its_own_user_alone(world: &World) {
    world.user(7).await;
    world.user(8).await;
    let (id, _) = publish(world, story(4, 7, world.now())).await;
    let act = |user, story, act| {
        vec![Write::Feed(FeedWrite::Act {
            user: uid(user),
            story,
            act,
        })]
    };
    assert_eq!(world.refused(act(8, id, FeedAct::Hide)).await, Conflict::Missing);
    let unknown = StoryId::new(99).unwrap();
    assert_eq!(
        world.refused(act(7, unknown, FeedAct::Hide)).await,
        Conflict::Missing
    );
    assert_eq!(world.store.story(id).await.unwrap().unwrap().hidden_at, None);
    let mark = world.store.last_change().await.unwrap();
    world.commit(act(7, id, FeedAct::Hide)).await;
    assert_eq!(
        world.store.stories(uid(7), None, 1).await.unwrap()[0].hidden_at,
        Some(world.now())
    );
    world.commit(act(7, id, FeedAct::Undo)).await;
    assert_eq!(world.store.story(id).await.unwrap().unwrap().hidden_at, None);
    assert_eq!(
        world.facts_after(mark).await,
        [Fact::Feed(uid(7)), Fact::Feed(uid(7))]
    );
}
