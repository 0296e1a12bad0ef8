//! Acceptances.

use crate::backends::{START_MS, World, app_id, grant, uid};
use crier_platform::model::change::Fact;
use crier_platform::model::grant::Grant;
use crier_platform::model::time::WallMs;
use crier_platform::model::token::{AuthToken, TokenState};
use crier_platform::ports::store::{Conflict, Write};

pub async fn an_acceptance_comes_back_and_is_replaced(world: &World) {
    world.user(7).await;
    assert_eq!(world.store.grant(app_id(4), uid(7)).await.unwrap(), None);
    let mark = world.store.last_change().await.unwrap();
    world.commit(vec![Write::SetGrant(grant(4, 7))]).await;
    assert_eq!(
        world.store.grant(app_id(4), uid(7)).await.unwrap(),
        Some(grant(4, 7))
    );
    let moved = Grant {
        feed: false,
        added: false,
        offline_access: true,
        ..grant(4, 7)
    };
    world.commit(vec![Write::SetGrant(moved)]).await;
    assert_eq!(world.store.grant(app_id(4), uid(7)).await.unwrap(), Some(moved));
    assert_eq!(
        world.facts_after(mark).await,
        [Fact::Granted(app_id(4), uid(7)), Fact::Granted(app_id(4), uid(7))]
    );
}

pub async fn accepting_again_keeps_time_and_switches(world: &World) {
    world.user(7).await;
    let (app, user) = (app_id(4), uid(7));
    let accept = |added| vec![Write::AcceptTerms { app, user, added }];
    world.commit(accept(false)).await;
    let first = world.store.grant(app, user).await.unwrap().unwrap();
    assert_eq!(
        (first.feed, first.added, first.offline_access),
        (true, false, false)
    );
    world
        .commit(vec![
            Write::SwitchStories {
                app,
                user,
                feed: false,
            },
            Write::PermitOfflineAccess { app, user },
        ])
        .await;
    let mark = world.store.last_change().await.unwrap();
    world.commit(accept(true)).await;
    world.commit(accept(false)).await;
    let expected = Grant {
        feed: false,
        added: true,
        offline_access: true,
        ..first
    };
    assert_eq!(world.store.grant(app, user).await.unwrap(), Some(expected));
    // What changes nothing leaves no change.
    assert_eq!(world.facts_after(mark).await, [Fact::Granted(app, user)]);
}

pub async fn a_switch_is_moved_where_there_is_an_acceptance_and_makes_none(world: &World) {
    world.user(7).await;
    let (app, user) = (app_id(4), uid(7));
    let moves = [
        Write::SwitchStories {
            app,
            user,
            feed: true,
        },
        Write::PermitOfflineAccess { app, user },
    ];
    let mark = world.store.last_change().await.unwrap();
    for moved in moves.clone() {
        assert_eq!(world.refused(vec![moved]).await, Conflict::Missing);
    }
    assert_eq!(world.store.grant(app, user).await.unwrap(), None);
    world.commit(vec![Write::SetGrant(grant(4, 7))]).await;
    world.commit(vec![Write::RemoveGrant { app, user }]).await;
    for moved in moves {
        assert_eq!(world.refused(vec![moved]).await, Conflict::Missing);
    }
    assert_eq!(world.store.grant(app, user).await.unwrap(), None);
    assert_eq!(
        world.facts_after(mark).await,
        [Fact::Granted(app, user), Fact::Withdrawn(app, user)]
    );
}

pub async fn two_switches_moved_at_once_both_move(world: &World) {
    world.user(7).await;
    let (app, user) = (app_id(4), uid(7));
    world
        .commit(vec![Write::AcceptTerms {
            app,
            user,
            added: false,
        }])
        .await;
    tokio::join!(
        world.commit(vec![Write::SwitchStories {
            app,
            user,
            feed: false
        }]),
        world.commit(vec![Write::PermitOfflineAccess { app, user }]),
        world.commit(vec![Write::AcceptTerms {
            app,
            user,
            added: true
        }]),
    );
    let grant = world.store.grant(app, user).await.unwrap().unwrap();
    assert_eq!(
        (grant.feed, grant.added, grant.offline_access),
        (false, true, true)
    );
}

pub async fn acceptances_are_listed_newest_first(world: &World) {
    world.user(7).await;
    world.user(8).await;
    for (app, user, at) in [(4, 7, 10), (5, 7, 30), (6, 7, 20), (4, 8, 99)] {
        let granted_at = WallMs(START_MS + at);
        world
            .commit(vec![Write::SetGrant(Grant {
                granted_at,
                ..grant(app, user)
            })])
            .await;
    }
    let listed = world.store.grants_of(uid(7)).await.unwrap();
    assert_eq!(
        listed.iter().map(|grant| grant.app.get()).collect::<Vec<_>>(),
        [5, 6, 4]
    );
}

pub async fn withdrawing_ends_the_users_sessions_of_that_application_alone(world: &World) {
    world.user(7).await;
    world.user(8).await;
    for (app, user) in [(4, 7), (5, 7), (4, 8)] {
        world.commit(vec![Write::SetGrant(grant(app, user))]).await;
    }
    let (ended, id) = world.session(4, 7, None).await;
    let (other_app, _) = world.session(5, 7, None).await;
    let (other_user, _) = world.session(4, 8, None).await;
    assert!(world.store.session(&ended).await.unwrap().is_some());
    assert!(world.store.grant(app_id(4), uid(7)).await.unwrap().is_some());
    let mark = world.store.last_change().await.unwrap();
    world
        .commit(vec![Write::RemoveGrant {
            app: app_id(4),
            user: uid(7),
        }])
        .await;
    assert!(world.store.session(&ended).await.unwrap().is_none());
    assert!(world.store.grant(app_id(4), uid(7)).await.unwrap().is_none());
    assert!(world.store.session(&other_app).await.unwrap().is_some());
    assert!(world.store.session(&other_user).await.unwrap().is_some());
    assert!(world.store.grant(app_id(5), uid(7)).await.unwrap().is_some());
    assert!(world.store.grant(app_id(4), uid(8)).await.unwrap().is_some());
    // The withdrawal's own word comes first to those who follow (live 3.14): his pages must not hear of an ended session.
    assert_eq!(
        world.facts_after(mark).await,
        [Fact::Withdrawn(app_id(4), uid(7)), Fact::SessionEnded(id)]
    );
}

pub async fn withdrawing_voids_bound_tokens(world: &World) {
    world.user(7).await;
    let token = AuthToken {
        token: world.bytes(),
        app: app_id(4),
        state: TokenState::New,
        expires_at: WallMs(START_MS + 1000),
    };
    world
        .commit(vec![Write::AddAuthToken(token), Write::SetGrant(grant(4, 7))])
        .await;
    let bind = Write::BindAuthToken {
        token: token.token,
        app: app_id(4),
        user: uid(7),
        lasting: true,
    };
    world.commit(vec![bind]).await;
    world
        .commit(vec![Write::RemoveGrant {
            app: app_id(4),
            user: uid(7),
        }])
        .await;
    let used = Write::UseAuthToken {
        token: token.token,
        app: app_id(4),
    };
    assert_eq!(world.refused(vec![used]).await, Conflict::TokenNotUsable);
}
