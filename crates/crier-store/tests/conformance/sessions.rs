//! Sessions.

use crate::backends::{START_MS, World, app_id, new_session, uid};
use crier_platform::model::change::Fact;
use crier_platform::model::session::SessionKind;
use crier_platform::ports::store::{Conflict, NewSession, Write};
use crier_proto::ids::SessionKey;

const NOW_SECS: i64 = START_MS / 1000;

fn key(digit: char) -> SessionKey {
    SessionKey::of(&digit.to_string().repeat(24), uid(7)).unwrap()
}

pub async fn a_session_comes_back_with_its_secret(world: &World) {
    world.user(7).await;
    let given = NewSession {
        expires: Some(NOW_SECS + 60),
        ..new_session(&key('a'), 4, None)
    };
    let id = world.add_session(given.clone()).await;
    let read = world.store.session(&key('a')).await.unwrap().unwrap();
    assert_eq!(
        (read.id, &read.key, read.app, read.user),
        (id, &given.key, app_id(4), uid(7))
    );
    assert!(read.secret.matches(given.secret.expose()));
    assert_eq!(
        (read.expires, read.kind, read.created_at),
        (Some(NOW_SECS + 60), SessionKind::Sliding, world.now())
    );
    assert!(world.store.session(&key('b')).await.unwrap().is_none());
}

pub async fn a_living_key_is_taken_and_an_ended_one_is_free(world: &World) {
    world.user(7).await;
    let id = world.add_session(new_session(&key('a'), 4, None)).await;
    assert_eq!(
        world
            .refused(vec![Write::AddSession(new_session(&key('a'), 5, None))])
            .await,
        Conflict::KeyTaken
    );
    assert_eq!(
        world.store.session(&key('a')).await.unwrap().unwrap().app,
        app_id(4)
    );
    world.commit(vec![Write::EndSession(id)]).await;
    assert!(world.store.session(&key('a')).await.unwrap().is_none());
    world.add_session(new_session(&key('a'), 5, None)).await;
    assert_eq!(
        world.store.session(&key('a')).await.unwrap().unwrap().app,
        app_id(5)
    );
}

pub async fn the_last_session_of_a_user_and_an_application_is_found(world: &World) {
    world.user(7).await;
    assert!(
        world
            .store
            .last_session(app_id(4), uid(7))
            .await
            .unwrap()
            .is_none()
    );
    let made = [
        new_session(&key('c'), 4, None),
        new_session(&key('b'), 4, Some(NOW_SECS + 60)),
        new_session(&key('a'), 5, None),
    ];
    for session in made {
        world.add_session(session).await;
    }
    let found = world
        .store
        .last_session(app_id(4), uid(7))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.key.clone(), found.expires),
        (key('b'), Some(NOW_SECS + 60))
    );
    world.store.mark_expiry(found.id, NOW_SECS + 90).unwrap();
    let moved = world
        .store
        .last_session(app_id(4), uid(7))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(moved.expires, Some(NOW_SECS + 90));
    world.commit(vec![Write::EndSession(found.id)]).await;
    let found = world
        .store
        .last_session(app_id(4), uid(7))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.key, key('c'));
    assert!(
        world
            .store
            .last_session(app_id(4), uid(8))
            .await
            .unwrap()
            .is_none()
    );
}

pub async fn an_expired_session_makes_room_for_its_key(world: &World) {
    world.user(7).await;
    let id = world
        .add_session(new_session(&key('a'), 4, Some(NOW_SECS + 1)))
        .await;
    world.clock.advance_ms(999);
    assert_eq!(
        world
            .refused(vec![Write::AddSession(new_session(&key('a'), 4, None))])
            .await,
        Conflict::KeyTaken
    );
    world.store.mark_expiry(id, NOW_SECS + 2).unwrap();
    world.clock.advance_ms(1000);
    assert_eq!(
        world
            .refused(vec![Write::AddSession(new_session(&key('a'), 4, None))])
            .await,
        Conflict::KeyTaken
    );
    world.clock.advance_ms(1);
    assert!(
        world
            .store
            .session(&key('a'))
            .await
            .unwrap()
            .unwrap()
            .has_expired(world.now())
    );
    let again = world.add_session(new_session(&key('a'), 4, None)).await;
    assert!(again > id);
    assert_eq!(world.store.session(&key('a')).await.unwrap().unwrap().id, again);
}

pub async fn a_given_again_key_gets_a_new_number_and_no_call_order(world: &World) {
    world.user(7).await;
    let first = world.add_session(new_session(&key('a'), 4, None)).await;
    world.store.mark_call(first, &"17".parse().unwrap()).unwrap();
    world.commit(vec![Write::EndSession(first)]).await;
    let second = world.add_session(new_session(&key('a'), 4, None)).await;
    assert!(second > first);
    assert!(world.store.call_ids(second).await.unwrap().is_empty());
    assert!(world.store.call_ids(first).await.unwrap().is_empty());
}

pub async fn ending_a_session_twice_changes_nothing_more(world: &World) {
    world.user(7).await;
    let id = world.add_session(new_session(&key('a'), 4, None)).await;
    let mark = world.store.last_change().await.unwrap();
    world.commit(vec![Write::EndSession(id)]).await;
    world.commit(vec![Write::EndSession(id)]).await;
    assert_eq!(world.facts_after(mark).await, [Fact::SessionEnded(id)]);
}

pub async fn a_moved_expiry_is_read_at_once_and_never_moves_back(world: &World) {
    world.user(7).await;
    let id = world
        .add_session(new_session(&key('a'), 4, Some(NOW_SECS + 60)))
        .await;
    let expires = async || world.store.session(&key('a')).await.unwrap().unwrap().expires;
    assert_eq!(expires().await, Some(NOW_SECS + 60));
    world.store.mark_expiry(id, NOW_SECS + 90).unwrap();
    assert_eq!(expires().await, Some(NOW_SECS + 90));
    world.store.mark_expiry(id, NOW_SECS + 70).unwrap();
    assert_eq!(expires().await, Some(NOW_SECS + 90));
}

pub async fn a_fixed_expiry_is_not_moved(world: &World) {
    world.user(7).await;
    let fixed = NewSession {
        kind: SessionKind::Fixed,
        ..new_session(&key('a'), 4, Some(NOW_SECS + 60))
    };
    let id = world.add_session(fixed).await;
    let lasting = world.add_session(new_session(&key('b'), 4, None)).await;
    assert!(world.store.session(&key('a')).await.unwrap().is_some());
    world.store.mark_expiry(id, NOW_SECS + 90).unwrap();
    world.store.mark_expiry(lasting, NOW_SECS + 90).unwrap();
    assert_eq!(
        world.store.session(&key('a')).await.unwrap().unwrap().expires,
        Some(NOW_SECS + 60)
    );
    assert_eq!(
        world.store.session(&key('b')).await.unwrap().unwrap().expires,
        None
    );
}
