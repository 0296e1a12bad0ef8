//! Tokens, sessions and their ends (protocol sections 10 and 15), secrets (6.2) and who a caller is.

use crate::asked::{Call, Said};
use crate::harness::{OTHER, OWNER, Street, WEB, app_id, grant, uid};
use crier_platform::model::app::AppKind;
use crier_platform::model::grant::Grant;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::session::SessionKind;
use crier_platform::ports::store::Write;
use crier_proto::digest::sha256;
use crier_proto::ids::SessionKey;
use crier_proto::secret::Secret;

const ASK: &str = "users.getLoggedInUser";

fn digest(token: &str) -> TokenDigest {
    TokenDigest(sha256(&[token.as_bytes()]))
}

/// A new token, as `auth.createToken` gives it.
async fn new_token(street: &Street) -> String {
    let said = street
        .ask(Call::of(&*street.app().await, "auth.createToken").signed())
        .await;
    said.value().as_str().expect("a token").to_owned()
}

async fn bind(street: &Street, token: &str, lasting: bool) {
    let bound = Write::BindAuthToken {
        token: digest(token),
        app: app_id(),
        user: uid(WEB),
        lasting,
    };
    street.write(vec![bound]).await;
}

async fn get_session(street: &Street, token: &str, change: impl FnOnce(Call) -> Call) -> Said {
    let call = Call::of(&*street.app().await, "auth.getSession").with("auth_token", token);
    street.ask(change(call).signed()).await
}

fn unchanged(call: Call) -> Call {
    call
}

#[tokio::test]
async fn a_token_is_32_hexadecimal_digits_and_each_is_another() {
    let street = Street::open(|_| {}).await;
    let (one, other) = (new_token(&street).await, new_token(&street).await);
    assert!(one.len() == 32 && one.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    assert_ne!(one, other);
}

#[tokio::test]
async fn a_bound_token_buys_one_session_of_its_user() {
    let street = Street::open(|_| {}).await;
    let token = new_token(&street).await;
    bind(&street, &token, false).await;
    let session = get_session(&street, &token, unchanged).await.value();
    let key = session["session_key"].as_str().expect("a key");
    let parsed: SessionKey = key.parse().expect("the grammar of session keys");
    assert_eq!(parsed.uid(), uid(WEB));
    assert_eq!(session["uid"], WEB.to_string());
    assert_eq!(session["expires"], street.now_secs() + 86_400);
    assert!(
        session.get("secret").is_none(),
        "a web application asks for the secret or does not get it"
    );
    let kept = street
        .ports
        .store
        .session(&parsed)
        .await
        .unwrap()
        .expect("the session");
    assert_eq!(kept.kind, SessionKind::Fixed);
    let call = Call::acting(&*street.app().await, &kept, ASK, "0");
    assert_eq!(street.ask(call.signed()).await.value(), WEB);
    let said = get_session(&street, &token, unchanged).await;
    assert_eq!((said.code(), said.cause()), (100, "auth_token is used"));
}

#[tokio::test]
async fn the_secret_is_shown_when_it_is_asked_for_and_to_desktop_applications() {
    let street = Street::open(|_| {}).await;
    let token = new_token(&street).await;
    bind(&street, &token, false).await;
    let session = get_session(&street, &token, |call| call.with("generate_session_secret", "1"))
        .await
        .value();
    let secret = session["secret"].as_str().expect("a secret");
    assert!(secret.len() == 34 && secret.ends_with("__"));
    let desktop = Street::open(|app| app.kind = AppKind::Desktop).await;
    let token = new_token(&desktop).await;
    bind(&desktop, &token, true).await;
    let session = get_session(&desktop, &token, unchanged).await.value();
    assert!(session["secret"].is_string());
    assert_eq!(session["expires"], desktop.now_secs() + 86_400);
}

#[tokio::test]
async fn who_stays_logged_in_or_granted_offline_access_has_a_session_for_ever() {
    let street = Street::open(|_| {}).await;
    let token = new_token(&street).await;
    bind(&street, &token, true).await;
    assert_eq!(
        get_session(&street, &token, unchanged).await.value()["expires"],
        0
    );
    street
        .write(vec![Write::SetGrant(Grant {
            offline_access: true,
            ..grant(WEB)
        })])
        .await;
    let token = new_token(&street).await;
    bind(&street, &token, false).await;
    assert_eq!(
        get_session(&street, &token, unchanged).await.value()["expires"],
        0
    );
}

#[tokio::test]
async fn tokens_that_buy_nothing_are_100_with_a_cause_that_begins_with_their_name() {
    let street = Street::open(|_| {}).await;
    for (token, cause) in [
        ("", "auth_token is missing"),
        ("nonsense", "auth_token is malformed"),
        ("0A9ZZ", "auth_token is unknown"),
        ("0123456789abcdef0123456789abcdef", "auth_token is unknown"),
    ] {
        let said = get_session(&street, token, unchanged).await;
        assert_eq!((said.code(), said.cause()), (100, cause));
    }
    let token = new_token(&street).await;
    let said = get_session(&street, &token, unchanged).await;
    assert_eq!(
        (said.code(), said.cause()),
        (100, "auth_token is not bound, its user has not logged in yet")
    );
    // A failed call has not used it up.
    bind(&street, &token, false).await;
    let said = get_session(&street, &token, |call| call.with("generate_session_secret", "x")).await;
    assert_eq!(
        said.cause(),
        "generate_session_secret must be 1, 0, true or false"
    );
    let said = get_session(&street, &token, |call| call.with("host_url", &"x".repeat(2_049))).await;
    assert_eq!(said.cause(), "host_url must have at most 2048 bytes");
    street.turn_clock(3_599_999);
    assert_eq!(get_session(&street, &token, unchanged).await.code(), 0);
    let token = new_token(&street).await;
    bind(&street, &token, false).await;
    street.turn_clock(3_600_000);
    assert_eq!(
        get_session(&street, &token, unchanged).await.cause(),
        "auth_token is expired"
    );
}

#[tokio::test]
async fn another_applications_token_is_unknown() {
    let street = Street::open(|_| {}).await;
    let mut other = (*street.app().await).clone();
    other.id = crier_proto::ids::AppId::new(2).unwrap();
    other.api_key = "f".repeat(32).parse().unwrap();
    other.name = "Other".into();
    street.write(vec![Write::AddApp(Box::new(other.clone()))]).await;
    let token = new_token(&street).await;
    bind(&street, &token, false).await;
    let call = Call::of(&other, "auth.getSession").with("auth_token", &token);
    assert_eq!(street.ask(call.signed()).await.cause(), "auth_token is unknown");
    assert_eq!(get_session(&street, &token, unchanged).await.code(), 0);
}

#[tokio::test]
async fn who_has_withdrawn_gets_no_session_by_an_older_token() {
    let street = Street::open(|_| {}).await;
    let token = new_token(&street).await;
    bind(&street, &token, false).await;
    street
        .write(vec![Write::RemoveGrant {
            app: app_id(),
            user: uid(WEB),
        }])
        .await;
    let said = get_session(&street, &token, unchanged).await;
    assert_eq!(said.code(), 100);
    assert!(said.cause().starts_with("auth_token "));
}

#[tokio::test]
async fn an_expired_session_ends_every_later_call_with_102() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = |method: &str, number: &str| Call::acting(&app, &session, method, number).signed();
    assert_eq!(street.ask(call("auth.expireSession", "1")).await.value(), true);
    assert_eq!(street.ask(call(ASK, "2")).await.code(), 102);
    assert_eq!(street.ask(call("auth.expireSession", "3")).await.code(), 102);
}

#[tokio::test]
async fn a_fixed_session_ends_at_its_second_and_not_before() {
    let street = Street::open(|_| {}).await;
    let key = SessionKey::of(&"b".repeat(24), uid(WEB)).unwrap();
    let session = street
        .add_session(key, Some(street.now_secs() + 100), SessionKind::Fixed)
        .await;
    let app = street.app().await;
    let call = |number: &str| Call::acting(&app, &session, ASK, number).signed();
    street.turn_clock(99_999);
    assert_eq!(street.ask(call("1")).await.code(), 0);
    street.turn_clock(1);
    assert_eq!(street.ask(call("2")).await.code(), 102);
}

#[tokio::test]
async fn a_sliding_session_is_renewed_by_a_matching_signature_alone() {
    let street = Street::open(|app| app.kind = AppKind::Desktop).await;
    let key = SessionKey::of(&"b".repeat(24), uid(WEB)).unwrap();
    let session = street
        .add_session(
            key.clone(),
            Some(street.now_secs() + 86_400),
            SessionKind::Sliding,
        )
        .await;
    let app = street.app().await;
    let call = |number: &str| Call::acting(&app, &session, ASK, number).secret(&session.secret);
    street.turn_clock(86_399_000);
    // Unsigned: no renewal. Signed, though refused in a later step: renewed.
    assert_eq!(street.ask(call("1").unsigned()).await.code(), 104);
    let kept = street
        .ports
        .store
        .session(&key)
        .await
        .unwrap()
        .expect("the session");
    assert_eq!(kept.expires, session.expires);
    assert_eq!(street.ask(call("1").with("v", "2.0").signed()).await.code(), 100);
    street.turn_clock(86_399_000);
    assert_eq!(street.ask(call("2").signed()).await.code(), 0);
    street.turn_clock(86_400_000);
    assert_eq!(street.ask(call("3").signed()).await.code(), 102);
}

#[tokio::test]
async fn desktop_calls_with_a_session_are_signed_with_its_secret_with_or_without_ss() {
    let street = Street::open(|app| app.kind = AppKind::Desktop).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = |number: &str| Call::acting(&app, &session, ASK, number);
    assert_eq!(street.ask(call("1").signed()).await.code(), 104);
    assert_eq!(
        street
            .ask(call("1").secret(&session.secret).signed())
            .await
            .code(),
        0
    );
    assert_eq!(
        street
            .ask(call("2").with("ss", "1").secret(&session.secret).signed())
            .await
            .code(),
        0
    );
}

#[tokio::test]
async fn both_secrets_sign_until_the_older_ones_end() {
    let street = Street::open(|_| {}).await;
    let old = street.app().await.secret.clone();
    let until = street.now().plus_ms(1_000);
    street
        .set_app(|app| {
            app.previous_secret = Some((old.clone(), until));
            app.secret = Secret::new("0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f");
        })
        .await;
    let (app, session) = (street.app().await, street.session().await);
    let call =
        |number: &str, secret: &Secret| Call::acting(&app, &session, ASK, number).secret(secret).signed();
    assert_eq!(street.ask(call("1", &app.secret)).await.code(), 0);
    assert_eq!(street.ask(call("2", &old)).await.code(), 0);
    street.turn_clock(1_000);
    assert_eq!(street.ask(call("3", &old)).await.code(), 104);
    assert_eq!(street.ask(call("3", &app.secret)).await.code(), 0);
}

#[tokio::test]
async fn another_applications_session_is_102() {
    let street = Street::open(|_| {}).await;
    let session = street.session().await;
    let mut other = (*street.app().await).clone();
    other.id = crier_proto::ids::AppId::new(2).unwrap();
    other.api_key = "f".repeat(32).parse().unwrap();
    other.name = "Other".into();
    street.write(vec![Write::AddApp(Box::new(other.clone()))]).await;
    assert_eq!(
        street
            .ask(Call::acting(&other, &session, ASK, "1").signed())
            .await
            .code(),
        102
    );
}

#[tokio::test]
async fn promoting_a_session_shows_its_secret_the_same_each_time() {
    let street = Street::open(|_| {}).await;
    let session = street.session().await;
    for _ in 0..2 {
        let said = street.act(unchanged, "auth.promoteSession").await;
        assert_eq!(said.value(), session.secret.expose());
    }
}

#[tokio::test]
async fn acceptance_and_addition_are_asked_of_the_session_or_of_a_uid() {
    let street = Street::open(|_| {}).await;
    let asked = async |method: &str, user: Option<i64>| {
        let change = |call: Call| match user {
            Some(user) => call.with("uid", &user.to_string()),
            None => call,
        };
        street.act(change, method).await.value()
    };
    assert_eq!(asked("users.isAppUser", None).await, true);
    assert_eq!(asked("users.isAppUser", Some(OTHER)).await, true);
    assert_eq!(asked("users.isAppUser", Some(OWNER)).await, false);
    assert_eq!(asked("users.isAppUser", Some(9)).await, false);
    assert_eq!(asked("users.isAppAdded", None).await, false);
    street
        .write(vec![Write::SetGrant(Grant {
            added: true,
            ..grant(WEB)
        })])
        .await;
    assert_eq!(asked("users.isAppAdded", None).await, true);
}
