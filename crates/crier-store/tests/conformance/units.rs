//! Units as wholes.

use crate::backends::{World, app, app_id, grant, story, uid, user};
use crier_platform::model::change::Fact;
use crier_platform::ports::store::{CommitError, Conflict, Write};

pub async fn a_refused_condition_rolls_back_the_whole_unit(world: &World) {
    world.user(7).await;
    let mark = world.store.last_change().await.unwrap();
    let writes = vec![
        Write::SetGrant(grant(4, 7)),
        Write::PublishStory(story(4, 7, world.now())),
        Write::AddApp(Box::new(app(4, 7))),
        Write::AddUser(user(7)),
    ];
    assert_eq!(world.refused(writes).await, Conflict::IdTaken);
    assert!(world.store.grant(app_id(4), uid(7)).await.unwrap().is_none());
    assert!(world.store.stories(uid(7), None, 1).await.unwrap().is_empty());
    assert!(world.store.window(app_id(4), uid(7)).await.unwrap().is_none());
    assert!(world.store.apps().await.unwrap().is_empty());
    assert!(world.facts_after(mark).await.is_empty());
}

pub async fn a_repeated_unit_is_answered_and_not_applied_again(world: &World) {
    world.user(7).await;
    let batch = world.batch(vec![Write::PublishStory(story(4, 7, world.now()))]);
    let first = world.store.commit(batch.clone()).await.unwrap();
    let mark = world.store.last_change().await.unwrap();
    assert_eq!(world.store.commit(batch).await.unwrap(), first);
    assert_eq!(world.store.stories(uid(7), None, 10).await.unwrap().len(), 1);
    assert_eq!(world.store.last_change().await.unwrap(), mark);
}

pub async fn a_refused_unit_may_be_tried_again_under_its_id(world: &World) {
    let batch = world.batch(vec![Write::PublishStory(story(4, 7, world.now()))]);
    let refused = world.store.commit(batch.clone()).await;
    assert_eq!(refused, Err(CommitError::Refused(Conflict::Missing)));
    world.user(7).await;
    assert_eq!(world.store.commit(batch).await.unwrap().len(), 1);
}

pub async fn every_write_leaves_its_changes_in_order(world: &World) {
    assert_eq!(world.store.last_change().await.unwrap(), 0);
    world
        .commit(vec![Write::AddUser(user(7)), Write::AddApp(Box::new(app(4, 7)))])
        .await;
    world.commit(vec![Write::SetGrant(grant(4, 7))]).await;
    let facts = [
        Fact::User(uid(7)),
        Fact::App(app_id(4)),
        Fact::Granted(app_id(4), uid(7)),
    ];
    assert_eq!(world.facts_after(0).await, facts);
    let changes = world.store.changes_after(0, 2).await.unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0].at, world.now());
    assert_eq!(world.facts_after(changes[1].id).await, facts[2..]);
    assert_eq!(
        world.store.last_change().await.unwrap(),
        world.store.changes_after(0, 10).await.unwrap()[2].id
    );
}

pub async fn a_ready_store_says_so(world: &World) {
    assert_eq!(world.store.check().await, Ok(()));
}
