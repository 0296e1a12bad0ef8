//! Posts to hooks: queued with what they tell, in turns, bounded, given up.

use crate::backends::{World, app_id, new_session, uid};
use crier_platform::model::hook::{
    HookKind, HookPost, HookPostId, HookQuery, HookSpace, HookWrite, NextPost, Told,
};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Conflict, NewSession, Write};
use crier_proto::digest::lower_hex;
use crier_proto::ids::{AppId, SessionKey};

/// A session of this user with this application, its key made of the two numbers.
fn session(app: i64, user: i64) -> NewSession {
    let digits = lower_hex(&[u8::try_from(app * 16 + user).unwrap(); 12]);
    let key = SessionKey::of(&digits, uid(user)).unwrap();
    new_session(&key, app, Some(1_795_400_000))
}

fn accept(app: i64, user: i64, waiting_max: u32) -> Vec<Write> {
    let told = HookWrite::TellAccepted {
        session: session(app, user),
        added: true,
        waiting_max,
    };
    let (app, user) = (app_id(app), uid(user));
    vec![
        Write::Hook(told),
        Write::AcceptTerms {
            app,
            user,
            added: true,
        },
    ]
}

fn withdraw(app: i64, user: i64) -> Vec<Write> {
    let (app, user) = (app_id(app), uid(user));
    let told = HookWrite::TellWithdrawn {
        app,
        user,
        waiting_max: 100,
    };
    vec![Write::Hook(told), Write::RemoveGrant { app, user }]
}

async fn next(world: &World, after: Option<AppId>, busy: &[(AppId, HookKind)]) -> NextPost {
    let query = HookQuery {
        now: world.now(),
        after,
        busy: busy.to_vec(),
    };
    world.store.next_post(query).await.unwrap()
}

async fn due(world: &World, after: Option<AppId>, busy: &[(AppId, HookKind)]) -> HookPost {
    match next(world, after, busy).await {
        NextPost::Now(post) => *post,
        other => panic!("no post is due: {other:?}"),
    }
}

async fn end(world: &World, id: HookPostId) {
    world.commit(vec![Write::Hook(HookWrite::End(id))]).await;
}

async fn waiting(world: &World) -> u64 {
    world.store.hook_space().await.unwrap().waiting
}

pub async fn a_post_and_its_session_stand_in_the_unit_of_the_acceptance_they_tell_of(world: &World) {
    world.user(7).await;
    assert_eq!(next(world, None, &[]).await, NextPost::Never);
    // A unit that is refused leaves neither.
    let mut refused = accept(4, 7, 100);
    refused.push(Write::SwitchStories {
        app: app_id(5),
        user: uid(7),
        feed: true,
    });
    assert_eq!(world.refused(refused).await, Conflict::Missing);
    let key = session(4, 7).key;
    assert!(world.store.session(&key).await.unwrap().is_none());
    assert_eq!(waiting(world).await, 0);
    assert_eq!(world.refused(accept(4, 8, 100)).await, Conflict::Missing);

    world.commit(accept(4, 7, 100)).await;
    let post = due(world, None, &[]).await;
    assert_eq!((post.app, post.user, post.at), (app_id(4), uid(7), world.now()));
    assert_eq!(
        post.told,
        Told::Accepted {
            added: true,
            session: key.clone(),
            expires: 1_795_400_000
        }
    );
    assert!(world.store.session(&key).await.unwrap().is_some());
    // Who has accepted before is no news.
    world.commit(accept(4, 7, 100)).await;
    assert_eq!(waiting(world).await, 1);
    end(world, post.id).await;
    world.commit(withdraw(4, 7)).await;
    assert_eq!(due(world, None, &[]).await.told, Told::Withdrawn);
    assert!(world.store.session(&key).await.unwrap().is_none());
    // Nor is it that somebody withdraws who had not accepted.
    world.commit(withdraw(4, 7)).await;
    assert_eq!(waiting(world).await, 1);
}

pub async fn posts_of_one_user_keep_their_order_and_applications_take_turns(world: &World) {
    for user in [7, 8] {
        world.user(user).await;
    }
    world.commit(accept(4, 7, 100)).await;
    world.commit(withdraw(4, 7)).await;
    world.commit(accept(4, 8, 100)).await;
    world.commit(accept(5, 7, 100)).await;
    let first = due(world, None, &[]).await;
    assert_eq!((first.app, first.user), (app_id(4), uid(7)));
    assert_eq!(due(world, Some(app_id(4)), &[]).await.app, app_id(5));
    assert_eq!(due(world, Some(app_id(5)), &[]).await.id, first.id);
    // What was tried waits, and the same user's withdrawal waits behind it; nobody else does.
    let later = WallMs(world.now().0 + 1_000);
    world
        .commit(vec![Write::Hook(HookWrite::Later(first.id, later))])
        .await;
    let other = due(world, None, &[]).await;
    assert_eq!((other.app, other.user), (app_id(4), uid(8)));
    let busy = [(app_id(4), HookKind::Authorize), (app_id(5), HookKind::Authorize)];
    assert_eq!(next(world, None, &busy).await, NextPost::At(later));
    world.clock.advance_ms(1_000);
    end(world, other.id).await;
    let again = due(world, None, &[]).await;
    assert_eq!((again.id, again.attempts), (first.id, 1));
    end(world, first.id).await;
    assert_eq!(due(world, None, &[]).await.told, Told::Withdrawn);
}

pub async fn too_many_posts_let_the_oldest_leave_and_old_ones_are_given_up(world: &World) {
    for user in [7, 8, 9] {
        world.user(user).await;
        world.commit(accept(4, user, 2)).await;
        world.clock.advance_ms(10);
    }
    world.commit(accept(5, 7, 2)).await;
    let oldest = WallMs(world.now().0 - 20);
    let space = world.store.hook_space().await.unwrap();
    assert_eq!(
        space,
        HookSpace {
            waiting: 3,
            oldest: Some(oldest),
            dropped: 1,
            expired: 0
        }
    );
    assert_eq!(due(world, None, &[]).await.user, uid(8));
    world.commit(vec![Write::Hook(HookWrite::GiveUp(oldest))]).await;
    let space = world.store.hook_space().await.unwrap();
    assert_eq!((space.waiting, space.dropped, space.expired), (2, 1, 1));
    assert_eq!(due(world, None, &[]).await.user, uid(9));
}
