//! Users: names, numbers, passwords, export, erasure.

use crate::harness::{PASSWORD, Town, new_app};
use crier_platform::accounts::AccountError;
use crier_platform::accounts::admin::{NewUser, UserChange};
use crier_proto::ids::Uid;

fn named(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        ..NewUser::default()
    }
}

fn sentence<T: std::fmt::Debug>(result: Result<T, AccountError>) -> String {
    match result {
        Err(AccountError::Invalid(text) | AccountError::NotFound(text)) => text,
        other => panic!("not a sentence: {other:?}"),
    }
}

/// What `user export` writes.
async fn exported(town: &Town, user: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut write = |line| lines.push(line);
    let export = town.accounts.export_user(user, &town.feed, &mut write);
    export.await.unwrap();
    lines
}

#[tokio::test]
async fn a_user_is_found_by_uid_and_by_name_in_any_case() {
    let town = Town::with_people().await;
    assert_eq!(town.user("ADA").await.uid, Uid::new(1_240_077).unwrap());
    assert_eq!(town.user("1240077").await.name, "ada");
    let missing = sentence(town.accounts.find_user("eve").await);
    assert_eq!(missing, "there is no user with the uid or name \"eve\"");
}

#[tokio::test]
async fn a_taken_name_or_uid_is_refused_by_name() {
    let town = Town::with_people().await;
    assert_eq!(
        sentence(town.accounts.add_user(named("Ada")).await),
        "there is already a user named Ada"
    );
    let again = NewUser {
        uid: Uid::new(1_240_077),
        ..named("eve")
    };
    assert_eq!(
        sentence(town.accounts.add_user(again).await),
        "the uid 1240077 is already in use"
    );
    assert_eq!(town.accounts.users().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_random_uid_has_nine_or_more_digits_and_is_nobody_elses() {
    let town = Town::empty();
    let one = town.accounts.add_user(named("one")).await.unwrap().uid;
    let two = town.accounts.add_user(named("two")).await.unwrap().uid;
    assert!(one != two && one.get() >= 100_000_000 && two.get() >= 100_000_000);
}

#[tokio::test]
async fn a_password_below_password_chars_min_or_above_password_bytes_max_is_refused() {
    let town = Town::empty();
    for (password, expected) in [
        ("1234567".to_owned(), "a password has at least 8 characters"),
        ("x".repeat(1025), "a password has at most 1024 bytes"),
    ] {
        let user = NewUser {
            password: Some(password),
            ..named("ada")
        };
        assert_eq!(sentence(town.accounts.add_user(user).await), expected);
    }
    assert!(town.accounts.users().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_disabled_users_login_and_sessions_end() {
    let town = Town::with_people().await;
    let login = town.accounts.log_in("bo", PASSWORD).await.unwrap().unwrap();
    let change = UserChange {
        enabled: Some(false),
        ..UserChange::default()
    };
    town.accounts.set_user("bo", change).await.unwrap();
    assert!(
        town.accounts
            .logged_in(login.token.expose())
            .await
            .unwrap()
            .is_none()
    );
    assert!(town.accounts.log_in("bo", PASSWORD).await.unwrap().is_none());
}

#[tokio::test]
async fn a_new_password_shuts_out_whoever_knew_the_old_one() {
    let town = Town::with_people().await;
    let login = town.accounts.log_in("bo", PASSWORD).await.unwrap().unwrap();
    let change = UserChange {
        password: Some("another password".to_owned()),
        ..UserChange::default()
    };
    town.accounts.set_user("bo", change).await.unwrap();
    let token = login.token.expose();
    assert!(town.accounts.logged_in(token).await.unwrap().is_none());
    assert!(town.accounts.log_in("bo", PASSWORD).await.unwrap().is_none());
    assert!(
        town.accounts
            .log_in("bo", "another password")
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn changes_made_at_once_to_one_row_are_all_kept() {
    let town = Town::with_people().await;
    let zone = UserChange {
        time_zone: Some("Europe/Vienna".to_owned()),
        ..UserChange::default()
    };
    let admin = UserChange {
        admin: Some(true),
        ..UserChange::default()
    };
    let quota = [("calls_per_minute".to_owned(), "7".to_owned())];
    let receipts = [("receipts".to_owned(), "https://app.example/r".to_owned())];
    let (one, two, three, four) = tokio::join!(
        town.accounts.set_user("bo", zone),
        town.accounts.set_user("bo", admin),
        town.accounts.set_app("Rochambeau", &quota),
        town.accounts.set_app("Rochambeau", &receipts),
    );
    assert!(one.is_ok() && two.is_ok() && three.is_ok() && four.is_ok());
    let bo = town.user("bo").await;
    assert_eq!((bo.time_zone.as_str(), bo.admin), ("Europe/Vienna", true));
    let app = town.app().await;
    assert_eq!(
        (app.calls_per_minute, app.receipts.address.as_str()),
        (7, "https://app.example/r")
    );
}

#[tokio::test]
async fn an_owner_is_not_erased_until_their_applications_are_given_away() {
    let town = Town::with_people().await;
    let refused = sentence(town.accounts.erase_user("ada").await);
    assert_eq!(
        refused,
        "ada owns Rochambeau; give each to somebody else first (crier app set APP owner=USER) or erase it (crier app erase APP)"
    );
    let owner = [("owner".to_owned(), "bo".to_owned())];
    town.accounts.set_app("Rochambeau", &owner).await.unwrap();
    town.accounts.erase_user("ada").await.unwrap();
    assert!(matches!(
        town.accounts.find_user("ada").await,
        Err(AccountError::NotFound(_))
    ));
}

#[tokio::test]
async fn erasing_a_person_takes_their_stories_and_tells_delivery() {
    let town = Town::with_people().await;
    town.accounts.add_grant("Rochambeau", "bo", true).await.unwrap();
    town.publish("Rochambeau", "You won", |_| {}).await;
    let (app, bo) = (town.app().await.id, town.user("bo").await.uid);
    town.accounts.erase_user("bo").await.unwrap();
    assert!(town.ports.store.stories(bo, None, 10).await.unwrap().is_empty());
    assert_eq!(town.told.all(), [format!("withdraw {app} {bo}")]);
}

#[tokio::test]
async fn an_export_holds_account_grants_and_stories_one_object_a_line_and_no_secret() {
    let town = Town::with_people().await;
    town.accounts.add_grant("Rochambeau", "bo", false).await.unwrap();
    town.publish("Rochambeau", "You <b>won</b>", |_| {}).await;
    let login = town.accounts.log_in("bo", PASSWORD).await.unwrap().unwrap();
    let link = town.accounts.add_login_link("bo").await.unwrap();
    let lines = exported(&town, "bo").await;
    let kinds: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].to_string())
        .collect();
    assert_eq!(
        kinds,
        [
            "user",
            "grant",
            "login",
            "login_link",
            "window",
            "audit_entry",
            "audit_entry",
            "story",
            "feed_record",
            "feed_record",
            "feed_record"
        ]
        .map(|kind| format!("\"{kind}\""))
    );
    assert!(lines[7].contains("You <b>won</b>"), "{}", lines[7]);
    for secret in [login.token.expose(), link.expose()] {
        assert!(!lines.join("").contains(secret));
    }
    assert!(!lines.join("").contains("plain:"));
    town.accounts.add_app(new_app("Second")).await.unwrap();
    assert_eq!(
        exported(&town, "ada").await.len(),
        4,
        "account, two applications, one entry"
    );
}
