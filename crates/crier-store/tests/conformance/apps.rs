//! Applications.

use crate::backends::{World, app, app_id};
use crier_platform::model::app::{AddressRule, App, AppKind, ProfileName, Receipts, ReceiptsEnded};
use crier_platform::model::change::Fact;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Conflict, Write};
use crier_proto::secret::Secret;
use std::sync::Arc;

/// Everything of an application as text, secrets included, so that two can be compared.
fn shown(app: &App) -> String {
    let previous = app
        .previous_secret
        .as_ref()
        .map(|(secret, until)| (secret.expose(), until));
    let receipts = &app.receipts;
    let before = receipts.previous_secret.as_ref().map(|(secret, _)| secret);
    let receipt_secrets = [receipts.secret.as_ref(), before].map(|secret| secret.map(Secret::expose));
    format!("{app:?} {} {previous:?} {receipt_secrets:?}", app.secret.expose())
}

fn full(number: i64) -> App {
    App {
        previous_secret: Some((Secret::new("the one before"), WallMs(12_345))),
        kind: AppKind::Desktop,
        profile: ProfileName::Modern,
        settings: ProfileName::Modern.settings(),
        allow_ip: vec![
            AddressRule {
                text: "10.1.2.*".to_owned(),
                network: "10.1.2.0".parse().unwrap(),
                bits: 24,
            },
            AddressRule {
                text: "2001:db8::/32".to_owned(),
                network: "2001:db8::".parse().unwrap(),
                bits: 32,
            },
        ],
        calls_per_minute: u32::MAX,
        callback: "http://game.example/cb?a=1&b=\"2\"".to_owned(),
        canvas: format!("game-{number}"),
        origins: vec!["https://game.example".to_owned(), "http://[::1]:8080".to_owned()],
        icon: "http://game.example/i.png".to_owned(),
        canvas_ss: true,
        receipts: Receipts {
            address: "https://game.example/r".to_owned(),
            secret: Some(Secret::new("signs receipts")),
            previous_secret: Some((Secret::new("signed receipts"), WallMs(54_321))),
            ended: Some(ReceiptsEnded {
                address: "https://game.example/gone".to_owned(),
                at: WallMs(6),
            }),
        },
        native_clients: true,
        post_authorize: "https://game.example/a".to_owned(),
        post_remove: "https://game.example/d".to_owned(),
        enabled: false,
        ..app(number, 1)
    }
}

pub async fn an_application_comes_back_as_it_was_added(world: &World) {
    for given in [app(4, 1), full(5)] {
        world.commit(vec![Write::AddApp(Box::new(given.clone()))]).await;
        let by_id = world.store.app(given.id).await.unwrap().unwrap();
        let by_key = world.store.app_by_key(&given.api_key).await.unwrap().unwrap();
        assert_eq!(shown(&by_id), shown(&given));
        assert_eq!(shown(&by_key), shown(&given));
    }
    let all = world.store.apps().await.unwrap();
    assert_eq!(all.iter().map(|app| app.id.get()).collect::<Vec<_>>(), [4, 5]);
    assert!(world.store.app(app_id(6)).await.unwrap().is_none());
}

pub async fn a_changed_application_replaces_the_row_with_all_its_settings(world: &World) {
    world.commit(vec![Write::AddApp(Box::new(app(5, 1)))]).await;
    world.store.app(app_id(5)).await.unwrap().unwrap();
    let mark = world.store.last_change().await.unwrap();
    world.commit(vec![Write::SetApp(Box::new(full(5)))]).await;
    let read = world.store.app(app_id(5)).await.unwrap().unwrap();
    assert_eq!(shown(&read), shown(&full(5)));
    assert_eq!(world.facts_after(mark).await, [Fact::App(app_id(5))]);
}

pub async fn a_taken_id_key_name_or_canvas_is_refused(world: &World) {
    let first = App {
        canvas: "game".to_owned(),
        ..app(4, 1)
    };
    world.commit(vec![Write::AddApp(Box::new(first.clone()))]).await;
    world.commit(vec![Write::AddApp(Box::new(app(5, 1)))]).await;
    let add = |app: App| vec![Write::AddApp(Box::new(app))];
    let set = |app: App| vec![Write::SetApp(Box::new(app))];
    assert_eq!(world.refused(add(app(4, 1))).await, Conflict::IdTaken);
    assert_eq!(
        world
            .refused(add(App {
                api_key: first.api_key.clone(),
                ..app(6, 1)
            }))
            .await,
        Conflict::KeyTaken
    );
    assert_eq!(
        world
            .refused(add(App {
                name: "aPP 4".to_owned(),
                ..app(6, 1)
            }))
            .await,
        Conflict::NameTaken
    );
    assert_eq!(
        world
            .refused(add(App {
                canvas: "game".to_owned(),
                ..app(6, 1)
            }))
            .await,
        Conflict::CanvasTaken
    );
    assert_eq!(
        world
            .refused(set(App {
                name: "APP 4".to_owned(),
                ..app(5, 1)
            }))
            .await,
        Conflict::NameTaken
    );
    assert_eq!(
        world
            .refused(set(App {
                canvas: "game".to_owned(),
                ..app(5, 1)
            }))
            .await,
        Conflict::CanvasTaken
    );
    // Its own name and canvas are not another's.
    world
        .commit(set(App {
            name: "APP 4".to_owned(),
            ..first
        }))
        .await;
    assert_eq!(world.store.apps().await.unwrap().len(), 2);
}

pub async fn a_name_is_found_without_regard_to_ascii_case(world: &World) {
    world
        .commit(vec![Write::AddApp(Box::new(App {
            name: "Größe X".to_owned(),
            ..app(4, 1)
        }))])
        .await;
    assert!(world.store.app_by_name("gRöße x").await.unwrap().is_some());
    assert!(world.store.app_by_name("GRÖSSE X").await.unwrap().is_none());
    assert!(world.store.app_by_name("größe x ").await.unwrap().is_none());
}

pub async fn an_application_is_found_by_its_canvas_name_alone(world: &World) {
    let named = App {
        canvas: "game_1".to_owned(),
        ..app(4, 1)
    };
    for row in [named, app(5, 2)] {
        world.commit(vec![Write::AddApp(Box::new(row))]).await;
    }
    let found = world.store.app_by_canvas("game_1").await.unwrap();
    assert_eq!(found.map(|app| app.id), Some(app_id(4)));
    for other in ["", "Game_1", "game_1 ", "game"] {
        assert!(
            world.store.app_by_canvas(other).await.unwrap().is_none(),
            "{other:?}"
        );
    }
}

pub async fn a_missing_application_cannot_be_changed(world: &World) {
    assert_eq!(
        world.refused(vec![Write::SetApp(Box::new(app(4, 1)))]).await,
        Conflict::Missing
    );
    assert!(world.store.apps().await.unwrap().is_empty());
}

pub async fn an_application_that_is_not_as_it_was_read_is_not_replaced(world: &World) {
    world.user(7).await;
    world.commit(vec![Write::AddApp(Box::new(app(4, 7)))]).await;
    let read = world.store.app(app_id(4)).await.unwrap().unwrap();
    let with_secret = |secret: &str| {
        let row = App {
            secret: Secret::new(secret),
            ..App::clone(&read)
        };
        vec![Write::ExpectApp(Arc::clone(&read)), Write::SetApp(Box::new(row))]
    };
    world.commit(with_secret("of the first")).await;
    assert_eq!(
        world.refused(with_secret("of the second")).await,
        Conflict::Changed
    );
    let kept = world.store.app(app_id(4)).await.unwrap().unwrap();
    assert!(kept.secret.matches("of the first"));
    let nobodys = vec![Write::ExpectApp(Arc::new(app(5, 7)))];
    assert_eq!(world.refused(nobodys).await, Conflict::Missing);
}

pub async fn disabling_an_application_ends_its_sessions(world: &World) {
    world.user(7).await;
    world.commit(vec![Write::AddApp(Box::new(app(4, 7)))]).await;
    let (ended, id) = world.session(4, 7, None).await;
    let (kept, _) = world.session(5, 7, None).await;
    assert!(world.store.session(&ended).await.unwrap().is_some());
    let mark = world.store.last_change().await.unwrap();
    world
        .commit(vec![Write::SetApp(Box::new(App {
            enabled: false,
            ..app(4, 7)
        }))])
        .await;
    assert!(world.store.session(&ended).await.unwrap().is_none());
    assert!(world.store.session(&kept).await.unwrap().is_some());
    assert_eq!(
        world.facts_after(mark).await,
        [Fact::App(app_id(4)), Fact::SessionEnded(id)]
    );
}

pub async fn an_owner_of_so_many_applications_is_refused_one_more(world: &World) {
    let fewer = |owner: i64, than: u32| Write::ExpectFewerApps {
        owner: crate::backends::uid(owner),
        than,
    };
    let add = |number: i64| Write::AddApp(Box::new(app(number, 1)));
    assert_eq!(world.refused(vec![fewer(1, 0), add(4)]).await, Conflict::AppsFull);
    world.commit(vec![fewer(1, 1), add(4)]).await;
    assert_eq!(world.refused(vec![fewer(1, 1), add(5)]).await, Conflict::AppsFull);
    assert!(world.store.app(app_id(5)).await.unwrap().is_none());
    world.commit(vec![fewer(2, 1), fewer(1, 2), add(5)]).await;
}
