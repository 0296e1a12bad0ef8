//! Accepting, switching, withdrawing, and auth tokens.

use crate::harness::{BEGIN_MS, Town};
use crier_platform::accounts::AccountError;
use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::accounts::terms::Assent;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::time::WallMs;
use crier_platform::model::token::{AuthToken, TokenState};
use crier_platform::ports::store::{Conflict, Write};
use crier_proto::digest::sha256;

fn digest(token: &str) -> TokenDigest {
    TokenDigest(sha256(&[token.as_bytes()]))
}

fn new_token(token: &str, app: crier_proto::ids::AppId) -> Write {
    Write::AddAuthToken(AuthToken {
        token: digest(token),
        app,
        state: TokenState::New,
        expires_at: WallMs(BEGIN_MS + 3_600_000),
    })
}

#[tokio::test]
async fn accepting_again_keeps_the_switches_and_the_first_date() {
    let town = Town::with_people().await;
    let (app, bo) = (town.app().await, town.user("bo").await);
    let whole = Assent {
        added: true,
        offline_access: true,
        ..Assent::default()
    };
    let first = town.accounts.accept_terms(&app, &bo, whole).await.unwrap();
    town.accounts.switch_stories(app.id, bo.uid, false).await.unwrap();
    town.clock.advance_ms(5_000);
    let again = town
        .accounts
        .accept_terms(&app, &bo, Assent::default())
        .await
        .unwrap();
    assert!(first.feed && !again.feed && again.added && again.offline_access);
    assert_eq!(again.granted_at, first.granted_at);
    assert_eq!(town.accounts.grant(app.id, bo.uid).await.unwrap(), Some(again));
}

#[tokio::test]
async fn withdrawing_ends_sessions_and_tells_delivery() {
    let town = Town::with_people().await;
    let (app, bo) = (town.app().await, town.user("bo").await);
    town.accounts
        .accept_terms(&app, &bo, Assent::default())
        .await
        .unwrap();
    let order = NewSessionOrder {
        app: app.id.to_string(),
        user: "bo".to_owned(),
        ttl_secs: None,
        session_key: None,
        session_secret: None,
    };
    let session = town.accounts.add_session(order).await.unwrap();
    town.accounts.withdraw(app.id, bo.uid).await.unwrap();
    assert!(town.ports.store.session(&session.key).await.unwrap().is_none());
    assert_eq!(town.accounts.grant(app.id, bo.uid).await.unwrap(), None);
    assert_eq!(town.told.all(), [format!("withdraw {} {}", app.id, bo.uid)]);
    let again = town.accounts.withdraw(app.id, bo.uid).await;
    assert_eq!(again, Err(AccountError::Conflict(Conflict::Missing)));
}

#[tokio::test]
async fn a_switch_needs_an_acceptance() {
    let town = Town::with_people().await;
    let (app, bo) = (town.app().await, town.user("bo").await);
    let refused = town.accounts.switch_stories(app.id, bo.uid, true).await;
    assert_eq!(refused, Err(AccountError::Conflict(Conflict::Missing)));
    assert_eq!(town.accounts.grant(app.id, bo.uid).await.unwrap(), None);
}

#[tokio::test]
async fn accepted_applications_stand_newest_first() {
    let town = Town::with_people().await;
    let bo = town.user("bo").await;
    for name in ["First", "Second"] {
        let app = town
            .accounts
            .add_app(crate::harness::new_app(name))
            .await
            .unwrap();
        town.clock.advance_ms(1_000);
        town.accounts
            .accept_terms(&app, &bo, Assent::default())
            .await
            .unwrap();
    }
    let accepted = town.accounts.accepted_apps(bo.uid).await.unwrap();
    let names: Vec<&str> = accepted
        .iter()
        .map(|accepted| accepted.app.name.as_str())
        .collect();
    assert_eq!(names, ["Second", "First"]);
}

#[tokio::test]
async fn a_web_token_is_bound_from_the_start_for_an_hour() {
    let town = Town::with_people().await;
    let (app, bo) = (town.app().await, town.user("bo").await);
    let token = town.accounts.bound_token(&app, &bo, true).await.unwrap();
    assert_eq!(token.expose().len(), 32);
    let row = town
        .ports
        .store
        .auth_token(digest(token.expose()))
        .await
        .unwrap()
        .unwrap();
    let bound = TokenState::Bound {
        user: bo.uid,
        lasting: true,
    };
    assert_eq!(
        (row.app, row.state, row.expires_at),
        (app.id, bound, WallMs(BEGIN_MS + 3_600_000))
    );
    assert!(!town.accounts.token_is_new(&app, token.expose()).await.unwrap());
}

#[tokio::test]
async fn a_desktop_token_is_bound_once_by_its_own_application_while_it_lives() {
    let town = Town::with_people().await;
    let (app, bo) = (town.app().await, town.user("bo").await);
    let other = town
        .accounts
        .add_app(crate::harness::new_app("Other"))
        .await
        .unwrap();
    let (token, late) = ("0".repeat(32), "1".repeat(32));
    town.write(vec![new_token(&token, app.id), new_token(&late, app.id)])
        .await;
    assert!(town.accounts.token_is_new(&app, &token).await.unwrap());
    assert!(!town.accounts.token_is_new(&other, &token).await.unwrap());
    let unusable = Err(AccountError::Conflict(Conflict::TokenNotUsable));
    assert_eq!(town.accounts.bind_token(&other, &bo, &token).await, unusable);
    assert_eq!(town.accounts.bind_token(&app, &bo, "nonsense").await, unusable);
    assert_eq!(town.accounts.bind_token(&app, &bo, &token).await, Ok(()));
    assert_eq!(town.accounts.bind_token(&app, &bo, &token).await, unusable);
    town.clock.advance_ms(3_600_000);
    assert!(!town.accounts.token_is_new(&app, &late).await.unwrap());
    assert_eq!(town.accounts.bind_token(&app, &bo, &late).await, unusable);
}
