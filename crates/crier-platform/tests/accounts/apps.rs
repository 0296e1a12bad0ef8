//! Applications: keys, names, settings, origins, secrets.

use crate::harness::{Town, new_app};
use crier_platform::accounts::AccountError;
use crier_platform::accounts::admin::{NewApp, app_settings};
use crier_platform::model::app::ProfileName;

fn invalid<T: std::fmt::Debug>(result: Result<T, AccountError>) -> String {
    match result {
        Err(AccountError::Invalid(text) | AccountError::Setting { sentence: text, .. }) => text,
        other => panic!("not refused: {other:?}"),
    }
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

async fn shown(town: &Town, key: &str) -> String {
    let settings = app_settings(&*town.app().await);
    settings.into_iter().find(|(name, _)| *name == key).unwrap().1
}

#[tokio::test]
async fn an_application_is_found_by_number_key_and_name() {
    let town = Town::with_people().await;
    let app = town.app().await;
    for name in [
        app.id.to_string(),
        app.api_key.to_string(),
        "rochambeau".to_owned(),
    ] {
        assert_eq!(town.accounts.find_app(&name).await.unwrap().id, app.id);
    }
    assert_eq!(app.secret.expose().len(), 32);
    assert!(matches!(
        town.accounts.find_app("nothing").await,
        Err(AccountError::NotFound(_))
    ));
}

#[tokio::test]
async fn given_keys_and_secrets_are_kept_and_judged_by_their_grammar() {
    let town = Town::with_people().await;
    let given = |key: &str, secret: &str| NewApp {
        api_key: Some(key.to_owned()),
        secret: Some(secret.to_owned()),
        ..new_app("Replay")
    };
    let (key, secret) = (
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210fedcba9876543210",
    );
    for (bad_key, bad_secret) in [
        ("0123456789ABCDEF0123456789abcdef", secret),
        ("short", secret),
        (key, "fifteen-letters"),
        (key, &"x".repeat(65)),
        (key, "not ascii, but ä"),
    ] {
        invalid(town.accounts.add_app(given(bad_key, bad_secret)).await);
    }
    let app = town.accounts.add_app(given(key, secret)).await.unwrap();
    assert_eq!((app.api_key.as_str(), app.secret.expose()), (key, secret));
    let again = NewApp {
        name: "Other".to_owned(),
        ..given(key, secret)
    };
    assert_eq!(
        invalid(town.accounts.add_app(again).await),
        format!("the api_key {key} is already in use")
    );
}

#[tokio::test]
async fn names_and_canvas_names_are_unique_and_a_name_is_no_number_and_no_key() {
    let town = Town::with_people().await;
    invalid(town.accounts.add_app(new_app("ROCHAMBEAU")).await);
    invalid(town.accounts.add_app(new_app("12345")).await);
    invalid(
        town.accounts
            .add_app(new_app("0123456789abcdef0123456789abcdef"))
            .await,
    );
    let with_canvas = |name: &str| NewApp {
        canvas: "rps".to_owned(),
        ..new_app(name)
    };
    town.accounts.add_app(with_canvas("First")).await.unwrap();
    let refused = invalid(town.accounts.add_app(with_canvas("Second")).await);
    assert_eq!(refused, "the canvas name rps is already taken");
    invalid(
        town.accounts
            .set_app("First", &[pair("name", "Rochambeau")])
            .await,
    );
}

#[tokio::test]
async fn settings_change_all_or_none() {
    let town = Town::with_people().await;
    let refused = town
        .accounts
        .set_app(
            "Rochambeau",
            &[pair("call_id", "ignored"), pair("jsonp", "maybe")],
        )
        .await;
    assert_eq!(invalid(refused), "jsonp: \"maybe\" is not one of on, off");
    assert_eq!(shown(&town, "call_id").await, "required");
    let twice = town
        .accounts
        .set_app("Rochambeau", &[pair("jsonp", "on"), pair("jsonp", "off")])
        .await;
    assert_eq!(invalid(twice), "jsonp is given twice");
}

#[tokio::test]
async fn a_setting_given_with_a_profile_holds_wherever_it_stands() {
    let town = Town::with_people().await;
    let pairs = [pair("call_id", "unique"), pair("profile", "period")];
    let app = town.accounts.set_app("Rochambeau", &pairs).await.unwrap();
    assert_eq!(app.profile, ProfileName::Period);
    assert_eq!(shown(&town, "call_id").await, "unique");
    assert_eq!(shown(&town, "strictness").await, "lenient");
}

#[tokio::test]
async fn the_origin_of_the_callback_is_always_among_the_origins_and_moves_with_it() {
    let town = Town::with_people().await;
    let set = async |pairs: &[(String, String)]| {
        town.accounts
            .set_app("Rochambeau", pairs)
            .await
            .unwrap()
            .origins
            .join(" ")
    };
    let callback = pair("callback", "https://App.example:443/back?x=1");
    assert_eq!(set(&[callback]).await, "https://app.example");
    let origins = pair("origins", "http://a.example,http://b.example:8080");
    assert_eq!(
        set(&[origins]).await,
        "http://a.example http://b.example:8080 https://app.example"
    );
    assert_eq!(
        set(&[pair("callback", "http://new.example/")]).await,
        "http://a.example http://b.example:8080 http://new.example"
    );
    assert_eq!(set(&[pair("callback", ""), pair("origins", "")]).await, "");
}

#[tokio::test]
async fn an_origin_is_written_as_browsers_send_it() {
    let town = Town::with_people().await;
    for bad in [
        "http://a.example/",
        "http://A.example",
        "http://a.example:80",
        "http://*.example",
        "a.example",
        "null",
        "ftp://a.example",
        "http://user@a.example",
    ] {
        let refused = invalid(town.accounts.set_app("Rochambeau", &[pair("origins", bad)]).await);
        assert!(refused.starts_with("origins: "), "{refused}");
    }
    let hint = invalid(
        town.accounts
            .set_app("Rochambeau", &[pair("origins", "http://A.example/x")])
            .await,
    );
    assert!(hint.ends_with("write it as http://a.example"), "{hint}");
}

#[tokio::test]
async fn twenty_one_origins_are_refused() {
    let town = Town::with_people().await;
    let list = |count: usize| {
        let origins: Vec<String> = (0..count).map(|n| format!("http://h{n}.example")).collect();
        [pair("origins", &origins.join(","))]
    };
    assert!(town.accounts.set_app("Rochambeau", &list(20)).await.is_ok());
    invalid(town.accounts.set_app("Rochambeau", &list(21)).await);
    let with_callback = [pair("callback", "http://one-more.example/")];
    invalid(town.accounts.set_app("Rochambeau", &with_callback).await);
}

#[tokio::test]
async fn after_a_rotation_both_secrets_are_kept_for_a_day() {
    let town = Town::with_people().await;
    let old = town.app().await.secret.clone();
    let (new, until) = town.accounts.rotate_secret("Rochambeau").await.unwrap();
    let app = town.app().await;
    assert!(app.secret.matches(new.expose()) && !new.matches(old.expose()));
    let (previous, kept_until) = app.previous_secret.clone().unwrap();
    assert!(previous.matches(old.expose()));
    assert_eq!(
        (kept_until, until.0),
        (until, crate::harness::BEGIN_MS + 86_400_000)
    );
}

#[tokio::test]
async fn disabling_an_application_tells_delivery() {
    let town = Town::with_people().await;
    let id = town.app().await.id;
    assert!(
        !town
            .accounts
            .enable_app("Rochambeau", false)
            .await
            .unwrap()
            .enabled
    );
    assert_eq!(town.told.all(), [format!("disable {id}")]);
    assert!(
        town.accounts
            .enable_app("Rochambeau", true)
            .await
            .unwrap()
            .enabled
    );
}
