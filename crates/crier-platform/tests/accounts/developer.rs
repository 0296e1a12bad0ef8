//! What owners do with their own applications: settings taken whole or told one by one, and how many applications there may be.

use crate::harness::Town;
use crier_platform::accounts::AccountError;
use crier_platform::accounts::developer::{FormFault, app_settings};
use crier_platform::ports::store::Conflict;

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// Keys of the values that were not taken.
fn wrong<T: std::fmt::Debug>(result: Result<T, FormFault>) -> Vec<String> {
    match result {
        Err(FormFault::Values(values)) => values.into_iter().map(|(key, _)| key).collect(),
        other => panic!("taken: {other:?}"),
    }
}

#[tokio::test]
async fn a_form_says_of_every_value_what_is_wrong_and_changes_nothing() {
    let town = Town::with_people().await;
    let app = town.app().await;
    let before = app_settings(&app);
    let settings = [
        pair("name", ""),
        pair("callback", "ftp://game.example/"),
        pair("origins", "https://game.example"),
        pair("allow_ip", "everywhere"),
    ];
    let changed = town.accounts.change_own_app((app.owner, app.id), &settings).await;
    assert_eq!(wrong(changed), ["name", "callback", "allow_ip"]);
    assert_eq!(app_settings(&*town.app().await), before);
}

#[tokio::test]
async fn an_owner_changes_neither_owner_nor_quota_nor_whether_it_is_switched_on() {
    let town = Town::with_people().await;
    let app = town.app().await;
    let before = app_settings(&app);
    for (key, value) in [("owner", "bo"), ("calls_per_minute", "0"), ("enabled", "no")] {
        let settings = [pair("canvas_ss", "on"), pair(key, value)];
        let changed = town.accounts.change_own_app((app.owner, app.id), &settings).await;
        assert!(
            matches!(changed, Err(FormFault::Other(AccountError::Invalid(_)))),
            "{key}"
        );
    }
    assert_eq!(app_settings(&*town.app().await), before);
}

#[tokio::test]
async fn somebody_elses_application_is_missing() {
    let town = Town::with_people().await;
    let app = town.app().await;
    let bo = town.accounts.find_user("bo").await.unwrap().uid;
    assert_ne!(bo, app.owner);
    assert!(town.accounts.own_app(bo, app.id).await.unwrap().is_none());
    let changed = town
        .accounts
        .change_own_app((bo, app.id), &[pair("name", "Mine")])
        .await;
    assert!(matches!(
        changed,
        Err(FormFault::Other(AccountError::Conflict(Conflict::Missing)))
    ));
    assert_eq!(town.app().await.name, app.name);
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_of_the_name() {
    let town = Town::with_people().await;
    let app = town.app().await;
    let owner = town.accounts.find_user("bo").await.unwrap();
    let made = town
        .accounts
        .add_own_app(&owner, &[pair("name", &app.name)])
        .await;
    assert_eq!(wrong(made), ["name"]);
    let made = town
        .accounts
        .add_own_app(&owner, &[pair("name", "Another")])
        .await
        .unwrap();
    assert_eq!((made.owner, made.secret.expose().len()), (owner.uid, 32));
}

#[tokio::test]
async fn an_overlap_can_be_ended_before_its_time() {
    let town = Town::with_people().await;
    let app = town.app().await.id.to_string();
    town.accounts.rotate_secret(&app).await.unwrap();
    assert!(town.app().await.previous_secret.is_some());
    town.accounts.end_previous_secret(&app).await.unwrap();
    assert!(town.app().await.previous_secret.is_none());
}
