//! Logging in by password and by link, and out.

use crate::harness::{PASSWORD, Town};

#[tokio::test]
async fn name_or_uid_with_the_password_logs_in_and_nothing_else_does() {
    let town = Town::with_people().await;
    for (name, password, fits) in [
        ("ada", PASSWORD, true),
        ("ADA", PASSWORD, true),
        ("1240077", PASSWORD, true),
        ("ada", "wrong horse", false),
        ("ada", "", false),
        ("eve", PASSWORD, false),
        ("", PASSWORD, false),
    ] {
        let login = town.accounts.log_in(name, password).await.unwrap();
        assert_eq!(login.is_some(), fits, "{name} {password}");
    }
}

#[tokio::test]
async fn a_login_lasts_30_days_or_until_it_is_ended() {
    let town = Town::with_people().await;
    let one = town.accounts.log_in("ada", PASSWORD).await.unwrap().unwrap();
    let two = town.accounts.log_in("ada", PASSWORD).await.unwrap().unwrap();
    town.accounts.log_out(one.token.expose()).await.unwrap();
    town.accounts.log_out(one.token.expose()).await.unwrap();
    assert!(
        town.accounts
            .logged_in(one.token.expose())
            .await
            .unwrap()
            .is_none()
    );
    town.clock.advance_ms(30 * 86_400_000 - 1);
    assert_eq!(
        town.accounts
            .logged_in(two.token.expose())
            .await
            .unwrap()
            .unwrap()
            .name,
        "ada"
    );
    town.clock.advance_ms(1);
    assert!(
        town.accounts
            .logged_in(two.token.expose())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_link_logs_in_once_and_looking_at_it_does_not_use_it_up() {
    let town = Town::with_people().await;
    let link = town.accounts.add_login_link("bo").await.unwrap();
    for _ in 0..3 {
        let user = town.accounts.login_link_user(link.expose()).await.unwrap();
        assert_eq!(user.unwrap().name, "bo");
    }
    let login = town
        .accounts
        .use_login_link(link.expose())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        town.accounts
            .logged_in(login.token.expose())
            .await
            .unwrap()
            .unwrap()
            .name,
        "bo"
    );
    assert!(
        town.accounts
            .use_login_link(link.expose())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        town.accounts
            .login_link_user(link.expose())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_link_is_of_no_use_after_a_day() {
    let town = Town::with_people().await;
    let link = town.accounts.add_login_link("bo").await.unwrap();
    town.clock.advance_ms(86_400_000);
    assert!(
        town.accounts
            .use_login_link(link.expose())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn guessed_tokens_find_nobody() {
    let town = Town::with_people().await;
    for token in ["", "0", &"0".repeat(64), &"g".repeat(64)] {
        assert!(town.accounts.logged_in(token).await.unwrap().is_none());
        assert!(town.accounts.use_login_link(token).await.unwrap().is_none());
        town.accounts.log_out(token).await.unwrap();
    }
}
