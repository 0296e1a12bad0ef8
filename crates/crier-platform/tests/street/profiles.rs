//! The three profiles (protocol 17.1), each by what its settings do to the same calls.

use crate::asked::{Call, Said};
use crate::harness::{Street, WEB};
use crier_platform::dispatch::Answer;
use crier_platform::model::app::ProfileName;
use serde_json::json;

const ASK: &str = "users.getLoggedInUser";

/// What one kind of call is answered in a profile: documented, period, modern.
async fn in_each(spoil: impl Fn(Call) -> Call, codes: [u64; 3]) {
    let profiles = [ProfileName::Documented, ProfileName::Period, ProfileName::Modern];
    for (profile, code) in profiles.into_iter().zip(codes) {
        let street = Street::of(profile).await;
        let call = spoil(Call::acting(
            &*street.app().await,
            &*street.session().await,
            ASK,
            "1",
        ));
        let request = match profile {
            ProfileName::Documented | ProfileName::Period => call.signed(),
            ProfileName::Modern => call.signed_v2(street.now_secs()),
        };
        let said = street.ask(request).await;
        assert_eq!(said.code(), code, "{profile:?}: {said:?}");
    }
}

#[tokio::test]
async fn call_id_is_required_ignored_or_needed_once() {
    in_each(|call| call.without("call_id"), [100, 0, 100]).await;
    in_each(|call| call.with("call_id", "NaN"), [100, 0, 100]).await;
    in_each(|call| call.with("call_id", &"9".repeat(65)), [100, 100, 100]).await;
}

#[tokio::test]
async fn unknown_names_are_refused_but_where_the_profile_is_lenient() {
    in_each(|call| call.with("zzz", "1"), [100, 0, 100]).await;
    // Everything behind the closed list is judged all the same.
    in_each(|call| call.with("v", "2.0"), [100, 100, 100]).await;
}

#[tokio::test]
async fn version_2_signs_in_every_profile_and_alone_in_the_modern_one() {
    for (profile, code) in [
        (ProfileName::Documented, 0),
        (ProfileName::Period, 0),
        (ProfileName::Modern, 104),
    ] {
        let street = Street::of(profile).await;
        let call = Call::acting(&*street.app().await, &*street.session().await, ASK, "1");
        assert_eq!(street.ask(call.signed()).await.code(), code, "{profile:?}");
    }
    in_each(|call| call, [0, 0, 0]).await;
}

#[tokio::test]
async fn unique_call_ids_may_overtake_each_other_and_never_repeat() {
    let street = Street::of(ProfileName::Modern).await;
    let (app, session) = (street.app().await, street.session().await);
    let mut codes = Vec::new();
    for call_id in ["10", "7", "7.0", "12", "10"] {
        let call = Call::acting(&app, &session, ASK, call_id).signed_v2(street.now_secs());
        codes.push(street.ask(call).await.code());
    }
    assert_eq!(codes, [0, 0, 103, 0, 103]);
}

#[tokio::test]
async fn ignored_call_ids_may_repeat() {
    let street = Street::of(ProfileName::Period).await;
    let (app, session) = (street.app().await, street.session().await);
    for _ in 0..2 {
        assert_eq!(
            street.ask(Call::acting(&app, &session, ASK, "2").signed()).await,
            Said::Value(json!(WEB))
        );
    }
}

#[tokio::test]
async fn a_session_goes_on_from_the_greatest_value_when_its_application_becomes_strict() {
    let street = Street::of(ProfileName::Modern).await;
    let session = street.session().await;
    for call_id in ["10", "7"] {
        let call = Call::acting(&*street.app().await, &session, ASK, call_id).signed_v2(street.now_secs());
        assert_eq!(street.ask(call).await.code(), 0);
    }
    street
        .set_app(|app| app.settings = ProfileName::Documented.settings())
        .await;
    let app = street.app().await;
    let ask = |call_id: &str| Call::acting(&app, &session, ASK, call_id).signed();
    assert_eq!(street.ask(ask("9")).await.cause(), "the last accepted is 10");
    assert_eq!(street.ask(ask("11")).await.code(), 0);
}

#[tokio::test]
async fn spellings_name_the_method_and_the_root_echoes_them() {
    let street = Street::of(ProfileName::Period).await;
    let (app, session) = (street.app().await, street.session().await);
    let body = |answer: Answer| String::from_utf8(answer.rendered.body).unwrap();
    for (spelled, root) in [
        ("facebook.users.getLoggedInUser", "users_getLoggedInUser_response"),
        ("users.getloggedinuser", "users_getloggedinuser_response"),
        ("USERS_getLoggedInUser", "USERS_getLoggedInUser_response"),
    ] {
        let call = Call::acting(&app, &session, spelled, "1").without("format");
        let body = body(street.answer(call.signed()).await);
        assert!(body.contains(&format!("</{root}>")), "{body}");
    }
}
