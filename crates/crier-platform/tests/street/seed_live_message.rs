//! The seed page LiveMessage.send, sentence by sentence, as far as the street alone can prove it (docs/conformance.md).

use crate::asked::{Call, Said};
use crate::harness::{OTHER, OWNER, STRANGER, Street, WEB, app_id, uid};
use crier_platform::model::app::{AddressRule, App};
use crier_platform::model::session::{Session, SessionKind};
use crier_proto::digest::{lower_hex, md5};
use crier_proto::ids::SessionKey;

const SEND: &str = "liveMessage.send";
const ASK: &str = "users.getLoggedInUser";

fn message(app: &App, session: &Session, call_id: &str) -> Call {
    Call::acting(app, session, SEND, call_id)
        .with("recipient", &OTHER.to_string())
        .with("event_name", "rochambeau")
        .with("message", "{message:\"Let's start a game.\"}")
}

#[tokio::test]
async fn live_message_send_is_served_under_every_spelling_of_its_name() {
    let street = Street::open(|_| {}).await;
    for spelled in [
        "liveMessage.send",
        "LiveMessage.send",
        "livemessage.send",
        "liveMessage_send",
        "facebook.liveMessage.send",
        "facebook.livemessage.send",
    ] {
        let spell = |call: Call| {
            call.with("method", spelled)
                .with("recipient", &OTHER.to_string())
                .with("event_name", "e")
                .with("message", "m")
        };
        assert_eq!(street.act(spell, SEND).await.value(), true, "{spelled}");
    }
}

#[tokio::test]
async fn sender_and_recipient_must_both_have_accepted_the_application() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    assert_eq!(
        street.ask(message(&app, &session, "1").signed()).await.value(),
        true
    );
    let to_stranger = message(&app, &session, "2").with("recipient", &STRANGER.to_string());
    assert_eq!(street.ask(to_stranger.signed()).await.code(), 292);
    let from_stranger = street.session_of(STRANGER).await;
    assert_eq!(
        street
            .ask(message(&app, &from_stranger, "1").signed())
            .await
            .code(),
        292
    );
}

#[tokio::test]
async fn api_key_names_the_calling_application() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = |key: &str| message(&app, &session, "1").with("api_key", key).signed();
    let upper = app.api_key.as_str().to_ascii_uppercase();
    for key in ["", "x", &"0".repeat(32), &upper] {
        assert_eq!(street.ask(call(key)).await.code(), 101, "{key:?}");
    }
    assert_eq!(
        street.answer(call(app.api_key.as_str())).await.app,
        Some(app_id())
    );
}

#[tokio::test]
async fn session_key_names_the_sender() {
    let street = Street::open(|_| {}).await;
    let app = street.app().await;
    for user in [WEB, OTHER] {
        let session = street.session_of(user).await;
        let answer = street.answer(message(&app, &session, "1").signed()).await;
        assert_eq!((answer.error, answer.user), (None, Some(uid(user))));
    }
    let without = message(&app, &*street.session().await, "1").without("session_key");
    assert_eq!(street.ask(without.signed()).await.code(), 102);
}

#[tokio::test]
async fn call_id_is_an_exact_decimal() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let ask = |call_id: &str| Call::acting(&app, &session, ASK, call_id).signed();
    for (call_id, code) in [
        ("9007199254740993", 0),
        ("9007199254740993.0", 103),
        ("9007199254740993.00000000000000000001", 0),
        ("9007199254740992.9", 103),
        ("9.007199254740994e15", 0),
        ("NaN", 100),
        ("inf", 100),
    ] {
        assert_eq!(street.ask(ask(call_id)).await.code(), code, "{call_id}");
    }
}

#[tokio::test]
async fn each_call_id_of_a_session_must_be_greater_than_the_last() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let ask = |session: &Session, call_id: &str| Call::acting(&app, session, ASK, call_id).signed();
    assert_eq!(street.ask(ask(&session, "10")).await.code(), 0);
    assert_eq!(
        street.ask(message(&app, &session, "10").signed()).await.code(),
        103
    );
    assert_eq!(street.ask(ask(&session, "9.9")).await.code(), 103);
    assert_eq!(street.ask(ask(&session, "10.1")).await.code(), 0);
    // Another session counts for itself, and may begin with 0.
    let other = street.session_of(OTHER).await;
    assert_eq!(street.ask(ask(&other, "0")).await.code(), 0);
}

#[tokio::test]
async fn call_id_takes_the_suggested_times() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    // microtime(true), then whole milliseconds, then the notation of a PHP with little precision.
    for call_id in [
        "1795290524.1181",
        "1795290524.2",
        "1795290524300",
        "1.79529190103E+12",
    ] {
        assert_eq!(
            street.ask(message(&app, &session, call_id).signed()).await.code(),
            0,
            "{call_id}"
        );
    }
}

#[tokio::test]
async fn sig_is_the_md5_of_the_request_and_the_secret() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let key = session.key.as_str();
    let text = format!(
        "api_key={}call_id=7format=jsonmethod={ASK}session_key={key}v=1.0{}",
        app.api_key,
        app.secret.expose()
    );
    let call = Call::acting(&app, &session, ASK, "7");
    let sig = lower_hex(&md5(&[text.as_bytes()]));
    let upper = sig.to_ascii_uppercase();
    for wrong in ["", &"0".repeat(32), &upper, &sig[..31], &format!("{sig}0")] {
        let said = street.ask(call.clone().with("sig", wrong).unsigned()).await;
        assert_eq!(said.code(), 104, "{wrong:?}");
    }
    let plain = street
        .ask(call.clone().with("sig", &"0".repeat(32)).unsigned())
        .await;
    assert_eq!(plain, Said::Error(104, "Incorrect signature".into()));
    assert_eq!(street.ask(call.with("sig", &sig).unsigned()).await.code(), 0);
}

#[tokio::test]
async fn v_must_be_1_0() {
    let street = Street::open(|_| {}).await;
    for v in ["", "1", "1.00", "2.0", " 1.0"] {
        let said = street.act(|call| call.with("v", v), ASK).await;
        assert_eq!(said.code(), 100, "{v:?}");
        assert!(said.cause().starts_with("v "), "{said:?}");
    }
    assert_eq!(street.act(|call| call.with("v", "1.0"), ASK).await.code(), 0);
}

#[tokio::test]
async fn recipient_is_a_user_id() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    for (number, recipient) in ["0", "01", "-1", "bo", "9223372036854775808", " 1"]
        .into_iter()
        .enumerate()
    {
        let call = message(&app, &session, &(number + 1).to_string()).with("recipient", recipient);
        let said = street.ask(call.signed()).await;
        assert_eq!(
            (said.code(), said.cause()),
            (100, "recipient must be a uid"),
            "{recipient:?}"
        );
    }
    let nobody = message(&app, &session, "10").with("recipient", "9223372036854775807");
    assert_eq!(street.ask(nobody.signed()).await.code(), 292);
}

#[tokio::test]
async fn event_name_of_128_bytes_passes_and_of_129_is_error_1101() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let named = |call_id: &str, event: &str| {
        message(&app, &session, call_id)
            .with("event_name", event)
            .signed()
    };
    assert_eq!(street.ask(named("1", &"✓".repeat(42))).await.code(), 0);
    assert_eq!(street.ask(named("2", &"é".repeat(64))).await.code(), 0);
    let text = "The event_name parameter must be no longer than 128 bytes.".to_owned();
    assert_eq!(
        street.ask(named("3", &"✓".repeat(43))).await,
        Said::Error(1101, text)
    );
}

#[tokio::test]
async fn message_of_1024_bytes_passes_and_of_1025_is_error_1102() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let of = |call_id: &str, text: &str| message(&app, &session, call_id).with("message", text).signed();
    assert_eq!(street.ask(of("1", &"😀".repeat(256))).await.code(), 0);
    let text = "The message parameter must be no longer than 1024 bytes".to_owned();
    assert_eq!(
        street.ask(of("2", &format!("{}x", "😀".repeat(256)))).await,
        Said::Error(1102, text)
    );
}

#[tokio::test]
async fn the_example_request_of_the_page_is_accepted() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let answer = street
        .answer(message(&app, &session, "1217611234.5678").signed())
        .await;
    assert_eq!(
        (answer.rendered.body.as_slice(), answer.error),
        (&b"true"[..], None)
    );
    assert_eq!(answer.delivery.map(|delivery| delivery.seq), Some(1));
}

#[tokio::test]
async fn the_example_answer_of_the_page_is_given() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = message(&app, &session, "1")
        .with("method", "facebook.liveMessage.send")
        .without("format");
    let answer = street.answer(call.signed()).await;
    assert_eq!(
        String::from_utf8(answer.rendered.body).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<liveMessage_send_response xmlns=\"http://api.facebook.com/1.0/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://api.facebook.com/1.0/ \
         http://api.facebook.com/1.0/facebook.xsd\">1</liveMessage_send_response>\n"
    );
    assert_eq!(answer.rendered.media_type, "text/xml; charset=utf-8");
}

#[tokio::test]
async fn the_call_after_the_last_permitted_one_is_error_4_until_the_window_ends() {
    let street = Street::open(|app| app.calls_per_minute = 3).await;
    let (app, session) = (street.app().await, street.session().await);
    let mut codes = Vec::new();
    for call_id in ["1", "2", "3", "4"] {
        codes.push(street.ask(message(&app, &session, call_id).signed()).await.code());
    }
    assert_eq!(codes, [0, 0, 0, 4]);
    street.turn_clock(59_999);
    let said = street.ask(message(&app, &session, "4").signed()).await;
    assert_eq!(said.cause(), "3 calls in 60 s, window ends in 1 s");
    street.turn_clock(1);
    assert_eq!(street.ask(message(&app, &session, "4").signed()).await.code(), 0);
}

#[tokio::test]
async fn a_source_address_outside_the_list_is_error_5() {
    let street =
        Street::open(|app| app.allow_ip = AddressRule::parse_list("10.1.2.*,192.0.2.0/28").unwrap()).await;
    let (app, session) = (street.app().await, street.session().await);
    for (call_id, address, code) in [
        ("1", "10.1.2.9", 0),
        ("2", "10.1.3.9", 5),
        ("3", "192.0.2.15", 0),
        ("4", "192.0.2.16", 5),
    ] {
        let call = message(&app, &session, call_id).from(address);
        assert_eq!(street.ask(call.signed()).await.code(), code, "{address}");
    }
}

#[tokio::test]
async fn a_session_key_that_is_malformed_unknown_foreign_or_expired_is_error_102() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let claim = |key: &str| message(&app, &session, "1").with("session_key", key).signed();
    let foreign_user = format!("{}-{OTHER}", "a".repeat(24));
    for key in [
        "x",
        "",
        &session.key.as_str().to_ascii_uppercase(),
        &format!("{}-{WEB}", "0".repeat(24)),
        &foreign_user,
    ] {
        assert_eq!(street.ask(claim(key)).await.code(), 102, "{key:?}");
    }
    let key = SessionKey::of(&"c".repeat(24), uid(WEB)).unwrap();
    street
        .add_session(key.clone(), Some(street.now_secs()), SessionKind::Fixed)
        .await;
    let said = street.ask(claim(key.as_str())).await;
    assert_eq!(
        said,
        Said::Error(102, "Session key invalid or no longer valid".into())
    );
}

#[tokio::test]
async fn a_message_to_oneself_needs_no_second_acceptance_and_the_owner_needs_his_own() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let to_self = message(&app, &session, "1").with("recipient", &WEB.to_string());
    assert_eq!(street.ask(to_self.signed()).await.code(), 0);
    let owner = street.session_of(OWNER).await;
    assert_eq!(street.ask(message(&app, &owner, "1").signed()).await.code(), 292);
}
