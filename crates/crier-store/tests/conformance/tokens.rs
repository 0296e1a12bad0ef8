//! Auth tokens.

use crate::backends::{START_MS, World, app_id, uid};
use crier_platform::model::time::WallMs;
use crier_platform::model::token::{AuthToken, TokenState};
use crier_platform::ports::store::{Conflict, Write};

fn token(world: &World) -> AuthToken {
    AuthToken {
        token: world.bytes(),
        app: app_id(4),
        state: TokenState::New,
        expires_at: WallMs(START_MS + 1000),
    }
}

fn bind(token: &AuthToken, app: i64) -> Write {
    Write::BindAuthToken {
        token: token.token,
        app: app_id(app),
        user: uid(7),
        lasting: true,
    }
}

fn spend(token: &AuthToken, app: i64) -> Write {
    Write::UseAuthToken {
        token: token.token,
        app: app_id(app),
    }
}

pub async fn a_token_is_bound_once_and_used_once(world: &World) {
    world.user(7).await;
    let token = token(world);
    world.commit(vec![Write::AddAuthToken(token)]).await;
    assert_eq!(world.store.auth_token(token.token).await.unwrap(), Some(token));
    assert_eq!(
        world.refused(vec![spend(&token, 4)]).await,
        Conflict::TokenNotUsable
    );
    world.commit(vec![bind(&token, 4)]).await;
    let bound = TokenState::Bound {
        user: uid(7),
        lasting: true,
    };
    assert_eq!(
        world.store.auth_token(token.token).await.unwrap().unwrap().state,
        bound
    );
    assert_eq!(
        world.refused(vec![bind(&token, 4)]).await,
        Conflict::TokenNotUsable
    );
    world.commit(vec![spend(&token, 4)]).await;
    assert_eq!(
        world.store.auth_token(token.token).await.unwrap().unwrap().state,
        TokenState::Used
    );
    assert_eq!(
        world.refused(vec![spend(&token, 4)]).await,
        Conflict::TokenNotUsable
    );
    assert_eq!(
        world.refused(vec![bind(&token, 4)]).await,
        Conflict::TokenNotUsable
    );
}

/// A typed code of a user for an application.
fn code(world: &World, app: i64) -> AuthToken {
    AuthToken {
        app: app_id(app),
        state: TokenState::Code { user: uid(7) },
        ..token(world)
    }
}

pub async fn a_code_is_used_once_and_a_users_next_one_takes_its_place(world: &World) {
    world.user(7).await;
    let (first, second, others) = (code(world, 4), code(world, 4), code(world, 5));
    for one in [first, others, second] {
        world.commit(vec![Write::AddAuthToken(one)]).await;
    }
    assert_eq!(world.store.auth_token(first.token).await.unwrap(), None);
    assert_eq!(world.store.auth_token(others.token).await.unwrap(), Some(others));
    assert_eq!(
        world.refused(vec![bind(&second, 4)]).await,
        Conflict::TokenNotUsable
    );
    world.commit(vec![spend(&second, 4)]).await;
    assert_eq!(
        world.refused(vec![spend(&second, 4)]).await,
        Conflict::TokenNotUsable
    );
}

pub async fn an_expired_or_foreign_token_is_not_usable(world: &World) {
    world.user(7).await;
    let (fresh, bound) = (token(world), token(world));
    world
        .commit(vec![
            Write::AddAuthToken(fresh),
            Write::AddAuthToken(bound),
            bind(&bound, 4),
        ])
        .await;
    assert_eq!(
        world.refused(vec![bind(&fresh, 5)]).await,
        Conflict::TokenNotUsable
    );
    assert_eq!(
        world.refused(vec![spend(&bound, 5)]).await,
        Conflict::TokenNotUsable
    );
    assert_eq!(
        world.refused(vec![bind(&token(world), 4)]).await,
        Conflict::TokenNotUsable
    );
    world.clock.advance_ms(1000);
    assert_eq!(
        world.refused(vec![bind(&fresh, 4)]).await,
        Conflict::TokenNotUsable
    );
    assert_eq!(
        world.refused(vec![spend(&bound, 4)]).await,
        Conflict::TokenNotUsable
    );
}

pub async fn a_used_code_may_be_drawn_again_and_a_living_one_not(world: &World) {
    world.user(7).await;
    let code = token(world);
    world.commit(vec![Write::AddAuthToken(code)]).await;
    assert_eq!(
        world.refused(vec![Write::AddAuthToken(code)]).await,
        Conflict::KeyTaken
    );
    world.commit(vec![bind(&code, 4), spend(&code, 4)]).await;
    world.commit(vec![Write::AddAuthToken(code)]).await;
    assert_eq!(
        world.store.auth_token(code.token).await.unwrap().unwrap().state,
        TokenState::New
    );
    world.clock.advance_ms(1000);
    let later = AuthToken {
        expires_at: WallMs(START_MS + 5000),
        ..code
    };
    world.commit(vec![Write::AddAuthToken(later)]).await;
    assert_eq!(world.store.auth_token(code.token).await.unwrap(), Some(later));
}
