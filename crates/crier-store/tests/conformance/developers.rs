//! What the console reads, and the rule of test mode.

use crate::backends::{World, app, app_id, grant, new_session, uid, user};
use crier_platform::model::grant::Grant;
use crier_platform::model::test_mode::{TestMode, TestWrite};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Conflict, Write};
use crier_proto::ids::SessionKey;

fn accept(app: i64, user: i64) -> Write {
    Write::AcceptTerms {
        app: app_id(app),
        user: uid(user),
        added: false,
    }
}

fn person(number: i64, developer: i64, most: u32) -> Vec<Write> {
    let mark = TestWrite::MarkPerson {
        person: uid(number),
        developer: uid(developer),
        most,
    };
    vec![Write::AddUser(user(number)), Write::Test(mark)]
}

fn test_app(number: i64, developer: i64) -> Vec<Write> {
    let mark = TestWrite::MarkApp {
        app: app_id(number),
        developer: uid(developer),
    };
    vec![Write::AddApp(Box::new(app(number, developer))), Write::Test(mark)]
}

pub async fn test_people_and_others_are_kept_apart_whoever_asks(world: &World) {
    // Developers 1 and 2 with test applications 11 and 12 and test people 21 and 22; application 10 is an ordinary one of 1's.
    for number in [1, 2] {
        world.user(number).await;
        world.commit(test_app(number + 10, number)).await;
        world.commit(person(number + 20, number, 5)).await;
    }
    world.commit(vec![Write::AddApp(Box::new(app(10, 1)))]).await;
    let may = [(10, 1), (10, 2), (11, 1), (11, 21), (12, 2), (12, 22)];
    for app in [10, 11, 12] {
        for user in [1, 2, 21, 22] {
            let key = SessionKey::of(&format!("{app:012}{user:012}"), uid(user)).unwrap();
            for write in [
                accept(app, user),
                Write::SetGrant(grant(app, user)),
                Write::AddSession(new_session(&key, app, None)),
            ] {
                if may.contains(&(app, user)) {
                    world.commit(vec![write]).await;
                } else {
                    assert_eq!(
                        world.refused(vec![write]).await,
                        Conflict::TestOnly,
                        "{app} {user}"
                    );
                }
            }
        }
    }
    let given = Write::SetApp(Box::new(app(11, 2)));
    assert_eq!(world.refused(vec![given]).await, Conflict::TestOnly);
}

pub async fn a_developer_has_one_test_application_and_so_many_test_people(world: &World) {
    world.user(1).await;
    world.commit(test_app(11, 1)).await;
    assert_eq!(world.refused(test_app(12, 1)).await, Conflict::TestTaken);
    world.commit(person(21, 1, 2)).await;
    world.commit(person(22, 1, 2)).await;
    assert_eq!(world.refused(person(23, 1, 2)).await, Conflict::TestTaken);
    let mode = TestMode {
        app: Some(app_id(11)),
        people: vec![uid(21), uid(22)],
    };
    assert_eq!(world.store.test_mode(uid(1)).await.unwrap(), mode);
    assert_eq!(world.store.test_apps().await.unwrap(), [app_id(11)]);
    assert_eq!(world.store.developer_of(uid(21)).await.unwrap(), Some(uid(1)));
    world.commit(vec![Write::EraseUser(uid(21))]).await;
    let left = TestMode {
        app: Some(app_id(11)),
        people: vec![uid(22)],
    };
    assert_eq!(world.store.test_mode(uid(1)).await.unwrap(), left);
    assert_eq!(world.store.developer_of(uid(21)).await.unwrap(), None);
    let fewer = Write::ExpectFewerApps {
        owner: uid(1),
        than: 1,
    };
    world
        .commit(vec![fewer, Write::AddApp(Box::new(app(14, 1)))])
        .await;
    world
        .commit(vec![
            Write::EraseUser(uid(22)),
            Write::SetApp(Box::new(app(11, 2))),
        ])
        .await;
    assert_eq!(world.store.test_mode(uid(1)).await.unwrap(), TestMode::default());
}

pub async fn people_of_an_application_come_newest_first_and_page_by_page(world: &World) {
    world.commit(vec![Write::AddApp(Box::new(app(4, 1)))]).await;
    // Two of them have accepted at the same moment.
    for (number, at) in [(1, 10), (2, 30), (3, 20), (5, 20)] {
        world.user(number).await;
        let given = Grant {
            granted_at: WallMs(at),
            ..grant(4, number)
        };
        world.commit(vec![Write::SetGrant(given)]).await;
    }
    let mut seen = Vec::new();
    let mut behind = None;
    for _ in 0..3 {
        let page = world.store.people_of(app_id(4), behind, 2).await.unwrap();
        behind = page.last().map(|grant| (grant.granted_at, grant.user));
        seen.push(page.iter().map(|grant| grant.user.get()).collect::<Vec<_>>());
    }
    assert_eq!(seen, [vec![2, 5], vec![3, 1], vec![]]);
}

pub async fn sessions_of_a_user_with_an_application_come_newest_first(world: &World) {
    world.user(7).await;
    let (_, first) = world.session(4, 7, None).await;
    let (_, second) = world.session(4, 7, Some(1)).await;
    world.session(5, 7, None).await;
    let sessions = world.store.sessions_of(app_id(4), uid(7)).await.unwrap();
    assert_eq!(
        sessions.iter().map(|session| session.id).collect::<Vec<_>>(),
        [second, first]
    );
    assert!(sessions.iter().all(|session| !session.secret.expose().is_empty()));
}
