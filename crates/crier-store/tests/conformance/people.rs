//! Users, logins and links.

use crate::backends::{START_MS, World, app, app_id, grant, new_session, story, uid, user};
use crier_platform::model::change::Fact;
use crier_platform::model::login::{Login, LoginLink};
use crier_platform::model::time::WallMs;
use crier_platform::model::token::{AuthToken, TokenState};
use crier_platform::model::user::User;
use crier_platform::ports::store::{Conflict, Kept, Write};
use crier_proto::ids::SessionKey;
use std::sync::Arc;

pub async fn a_user_comes_back_as_they_were_added(world: &World) {
    let bare = User {
        password_hash: None,
        admin: true,
        enabled: false,
        ..user(i64::MAX)
    };
    for given in [user(7), bare] {
        world.commit(vec![Write::AddUser(given.clone())]).await;
        let read = world.store.user(given.uid).await.unwrap().unwrap();
        assert_eq!(format!("{read:?}"), format!("{given:?}"));
    }
    assert!(world.store.user_by_name("USER7").await.unwrap().is_some());
    assert!(world.store.user_by_name("user8").await.unwrap().is_none());
    let all = world.store.users().await.unwrap();
    assert_eq!(
        all.iter().map(|user| user.uid.get()).collect::<Vec<_>>(),
        [7, i64::MAX]
    );
}

fn named(number: i64, name: &str) -> User {
    User {
        name: name.to_owned(),
        ..user(number)
    }
}

pub async fn a_taken_uid_or_name_is_refused(world: &World) {
    world.user(7).await;
    world.user(8).await;
    assert_eq!(
        world.refused(vec![Write::AddUser(named(7, "other"))]).await,
        Conflict::IdTaken
    );
    assert_eq!(
        world.refused(vec![Write::AddUser(named(9, "User7"))]).await,
        Conflict::NameTaken
    );
    assert_eq!(
        world.refused(vec![Write::SetUser(named(8, "USER7"))]).await,
        Conflict::NameTaken
    );
    assert_eq!(
        world.refused(vec![Write::SetUser(user(9))]).await,
        Conflict::Missing
    );
    world.commit(vec![Write::SetUser(named(7, "USER7"))]).await;
    assert_eq!(world.store.user(uid(7)).await.unwrap().unwrap().name, "USER7");
}

fn login(world: &World, number: i64) -> Login {
    Login {
        token: world.bytes(),
        user: uid(number),
        expires_at: WallMs(START_MS + 1000),
    }
}

fn link(world: &World, number: i64) -> LoginLink {
    LoginLink {
        token: world.bytes(),
        user: uid(number),
        expires_at: WallMs(START_MS + 1000),
    }
}

pub async fn a_row_that_is_not_as_it_was_read_is_not_replaced(world: &World) {
    world.user(7).await;
    let read = world.store.user(uid(7)).await.unwrap().unwrap();
    let renamed = vec![
        Write::ExpectUser(Arc::clone(&read)),
        Write::SetUser(named(7, "one")),
    ];
    world.commit(renamed).await;
    let late = vec![Write::ExpectUser(read), Write::SetUser(named(7, "two"))];
    assert_eq!(world.refused(late).await, Conflict::Changed);
    assert_eq!(world.store.user(uid(7)).await.unwrap().unwrap().name, "one");
    let nobody = vec![Write::ExpectUser(Arc::new(user(8)))];
    assert_eq!(world.refused(nobody).await, Conflict::Missing);
}

pub async fn a_changed_password_ends_logins_and_links_and_no_session(world: &World) {
    for number in [7, 8] {
        world.user(number).await;
    }
    let (key, _) = world.session(4, 7, None).await;
    let (mine, link, other) = (login(world, 7), link(world, 7), login(world, 8));
    let adds = vec![
        Write::AddLogin(mine),
        Write::AddLoginLink(link),
        Write::AddLogin(other),
    ];
    world.commit(adds).await;
    let moved = User {
        time_zone: "Europe/Vienna".to_owned(),
        ..user(7)
    };
    world.commit(vec![Write::SetUser(moved.clone())]).await;
    assert!(world.store.login(mine.token).await.unwrap().is_some());
    let mark = world.store.last_change().await.unwrap();
    world
        .commit(vec![Write::SetUser(User {
            password_hash: Some("another".to_owned()),
            ..moved
        })])
        .await;
    assert!(world.store.login(mine.token).await.unwrap().is_none());
    assert!(world.store.login_link(link.token).await.unwrap().is_none());
    assert!(world.store.login(other.token).await.unwrap().is_some());
    assert!(world.store.session(&key).await.unwrap().is_some());
    assert_eq!(
        world.facts_after(mark).await,
        [Fact::LoginEnded(uid(7)), Fact::User(uid(7))]
    );
}

pub async fn what_is_kept_on_a_user_is_told_without_its_keys(world: &World) {
    for number in [7, 8] {
        world.user(number).await;
    }
    assert_eq!(world.store.kept_on(uid(7)).await.unwrap(), Kept::default());
    for number in [7, 8] {
        world.session(4, number, Some(99)).await;
        let story = story(4, number, world.now());
        let adds = vec![
            Write::AddLogin(login(world, number)),
            Write::AddLoginLink(link(world, number)),
            Write::PublishStory(story),
        ];
        world.commit(adds).await;
    }
    let kept = world.store.kept_on(uid(7)).await.unwrap();
    assert_eq!(kept.logins, [WallMs(START_MS + 1000)]);
    assert_eq!(kept.login_links, [WallMs(START_MS + 1000)]);
    assert_eq!(kept.sessions.len(), 1);
    assert_eq!(
        (kept.sessions[0].app, kept.sessions[0].expires),
        (app_id(4), Some(99))
    );
    assert_eq!(kept.windows.len(), 1);
    assert_eq!(kept.windows[0].0, app_id(4));
}

pub async fn disabling_a_user_ends_sessions_logins_and_links(world: &World) {
    world.user(7).await;
    let (key, session) = world.session(4, 7, None).await;
    let (login, link) = (login(world, 7), link(world, 7));
    world
        .commit(vec![Write::AddLogin(login), Write::AddLoginLink(link)])
        .await;
    assert!(world.store.session(&key).await.unwrap().is_some());
    let mark = world.store.last_change().await.unwrap();
    world
        .commit(vec![Write::SetUser(User {
            enabled: false,
            ..user(7)
        })])
        .await;
    assert!(world.store.session(&key).await.unwrap().is_none());
    assert!(world.store.login(login.token).await.unwrap().is_none());
    assert!(world.store.login_link(link.token).await.unwrap().is_none());
    assert!(!world.store.user(uid(7)).await.unwrap().unwrap().enabled);
    let facts = [
        Fact::SessionEnded(session),
        Fact::LoginEnded(uid(7)),
        Fact::User(uid(7)),
    ];
    assert_eq!(world.facts_after(mark).await, facts);
}

pub async fn erasing_a_user_removes_everything_held_on_them(world: &World) {
    for number in [7, 8] {
        world.user(number).await;
        world.commit(vec![Write::SetGrant(grant(4, number))]).await;
        world
            .commit(vec![Write::PublishStory(story(4, number, world.now()))])
            .await;
    }
    let (key, session) = world.session(4, 7, None).await;
    let (login, link) = (login(world, 7), link(world, 7));
    let token = AuthToken {
        token: world.bytes(),
        app: app_id(4),
        state: TokenState::Bound {
            user: uid(7),
            lasting: false,
        },
        expires_at: WallMs(START_MS + 1000),
    };
    let adds = vec![
        Write::AddLogin(login),
        Write::AddLoginLink(link),
        Write::AddAuthToken(token),
    ];
    world.commit(adds).await;
    world.store.mark_call(session, &"5".parse().unwrap()).unwrap();
    let stories = world.store.stories(uid(7), None, 10).await.unwrap();
    let mark = world.store.last_change().await.unwrap();

    world.commit(vec![Write::EraseUser(uid(7))]).await;
    assert!(world.store.user(uid(7)).await.unwrap().is_none());
    assert!(world.store.user_by_name("user7").await.unwrap().is_none());
    assert!(world.store.session(&key).await.unwrap().is_none());
    assert!(world.store.call_ids(session).await.unwrap().is_empty());
    assert!(world.store.login(login.token).await.unwrap().is_none());
    assert!(world.store.login_link(link.token).await.unwrap().is_none());
    assert!(world.store.auth_token(token.token).await.unwrap().is_none());
    assert!(world.store.grant(app_id(4), uid(7)).await.unwrap().is_none());
    assert!(world.store.grants_of(uid(7)).await.unwrap().is_empty());
    assert!(world.store.stories(uid(7), None, 10).await.unwrap().is_empty());
    assert!(world.store.story(stories[0].id).await.unwrap().is_none());
    assert!(world.store.window(app_id(4), uid(7)).await.unwrap().is_none());
    let facts = world.facts_after(mark).await;
    for fact in [
        Fact::SessionEnded(session),
        Fact::Withdrawn(app_id(4), uid(7)),
        Fact::User(uid(7)),
    ] {
        assert!(facts.contains(&fact), "{fact:?}");
    }
    // The others keep theirs.
    assert_eq!(world.store.stories(uid(8), None, 10).await.unwrap().len(), 1);
    assert!(world.store.grant(app_id(4), uid(8)).await.unwrap().is_some());
    assert!(world.store.window(app_id(4), uid(8)).await.unwrap().is_some());
    assert_eq!(
        world.refused(vec![Write::EraseUser(uid(7))]).await,
        Conflict::Missing
    );
}

pub async fn an_owner_of_applications_is_not_erased(world: &World) {
    world.user(7).await;
    world.user(8).await;
    world.commit(vec![Write::AddApp(Box::new(app(4, 7)))]).await;
    assert_eq!(
        world.refused(vec![Write::EraseUser(uid(7))]).await,
        Conflict::OwnsApps
    );
    assert!(world.store.user(uid(7)).await.unwrap().is_some());
    world.commit(vec![Write::SetApp(Box::new(app(4, 8)))]).await;
    world.commit(vec![Write::EraseUser(uid(7))]).await;
}

pub async fn nothing_is_added_for_a_user_who_does_not_exist(world: &World) {
    let key = SessionKey::of("0123456789abcdef01234567", uid(7)).unwrap();
    let token = world.bytes();
    let writes = [
        Write::AddSession(new_session(&key, 4, None)),
        Write::SetGrant(grant(4, 7)),
        Write::AddLogin(login(world, 7)),
        Write::AddLoginLink(link(world, 7)),
        Write::PublishStory(story(4, 7, world.now())),
        Write::BindAuthToken {
            token,
            app: app_id(4),
            user: uid(7),
            lasting: false,
        },
    ];
    for write in writes {
        assert_eq!(world.refused(vec![write]).await, Conflict::Missing);
    }
    assert_eq!(world.store.last_change().await.unwrap(), 0);
}

pub async fn a_login_lasts_until_it_is_removed(world: &World) {
    world.user(7).await;
    let login = login(world, 7);
    world.commit(vec![Write::AddLogin(login)]).await;
    assert_eq!(world.store.login(login.token).await.unwrap(), Some(login));
    assert_eq!(
        world.refused(vec![Write::AddLogin(login)]).await,
        Conflict::KeyTaken
    );
    let mark = world.store.last_change().await.unwrap();
    world.commit(vec![Write::RemoveLogin(login.token)]).await;
    world.commit(vec![Write::RemoveLogin(login.token)]).await;
    assert_eq!(world.store.login(login.token).await.unwrap(), None);
    assert_eq!(world.facts_after(mark).await, [Fact::LoginEnded(uid(7))]);
}

pub async fn a_login_link_is_used_once_and_not_after_its_time(world: &World) {
    world.user(7).await;
    let (used, late) = (link(world, 7), link(world, 7));
    world
        .commit(vec![Write::AddLoginLink(used), Write::AddLoginLink(late)])
        .await;
    assert_eq!(world.store.login_link(used.token).await.unwrap(), Some(used));
    world.clock.advance_ms(999);
    world.commit(vec![Write::UseLoginLink(used.token)]).await;
    assert_eq!(world.store.login_link(used.token).await.unwrap(), None);
    assert_eq!(
        world.refused(vec![Write::UseLoginLink(used.token)]).await,
        Conflict::TokenNotUsable
    );
    world.clock.advance_ms(1);
    assert_eq!(
        world.refused(vec![Write::UseLoginLink(late.token)]).await,
        Conflict::TokenNotUsable
    );
}
