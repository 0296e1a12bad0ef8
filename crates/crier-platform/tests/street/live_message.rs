//! `liveMessage.send` (protocol 14.1): what is placed, what is refused, what is said.

use crate::asked::{Call, Said};
use crate::harness::{OTHER, OWNER, STRANGER, Street, WEB, app_id, grant, uid};
use crier_platform::model::app::ProfileName;
use crier_platform::model::message::DeliveryState;
use crier_platform::ports::store::Write;

const SEND: &str = "liveMessage.send";

fn to(recipient: i64) -> impl Fn(Call) -> Call {
    move |call| {
        call.with("recipient", &recipient.to_string())
            .with("event_name", "rochambeau")
            .with("message", "{message:\"Let's start a game.\"}")
    }
}

/// The mailbox's last place for a user.
async fn seq(street: &Street, user: i64) -> u64 {
    street
        .ports
        .deliver
        .cursor(app_id(), uid(user))
        .await
        .expect("a cursor")
        .seq
}

#[tokio::test]
async fn the_seed_example_is_true_and_has_a_place_in_the_mailbox() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let before = seq(&street, OTHER).await;
    let call = to(OTHER)(Call::acting(&app, &session, SEND, "1"));
    let answer = street.answer(call.signed()).await;
    assert_eq!(answer.rendered.body, b"true");
    let delivery = answer.delivery.expect("a delivery");
    assert_eq!(
        (delivery.seq, delivery.state),
        (before + 1, DeliveryState::NoHandler)
    );
    assert_eq!(delivery.expires_at, street.now().plus_ms(60_000));
    assert_eq!(seq(&street, OTHER).await, before + 1);
    assert_eq!(
        (answer.method, answer.app, answer.user),
        (Some(SEND), Some(app_id()), Some(uid(WEB)))
    );
}

#[tokio::test]
async fn the_scalar_document_of_the_seed_page_is_written_byte_for_byte() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = to(OTHER)(Call::acting(&app, &session, SEND, "1")).without("format");
    let answer = street.answer(call.signed()).await;
    assert_eq!(
        String::from_utf8(answer.rendered.body).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<liveMessage_send_response xmlns=\"http://api.facebook.com/1.0/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://api.facebook.com/1.0/ \
         http://api.facebook.com/1.0/facebook.xsd\">1</liveMessage_send_response>\n"
    );
}

#[tokio::test]
async fn with_outcome_the_object_stands_in_place_of_the_scalar() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = to(OTHER)(Call::acting(&app, &session, SEND, "1"))
        .with("outcome", "1")
        .with("ttl", "5");
    let answer = street.answer(call.signed()).await;
    let delivery = answer.delivery.expect("a delivery");
    let expected = format!(
        r#"{{"id":"{}","seq":{},"epoch":"{}","state":"no_handler","pages":0,"handlers":0,"written":0,"acked":0,"expires_at":{}}}"#,
        delivery.id,
        delivery.seq,
        delivery.epoch,
        street.now_secs() + 5
    );
    assert_eq!(String::from_utf8(answer.rendered.body).unwrap(), expected);
}

#[tokio::test]
async fn waiting_ends_at_once_when_nobody_can_be_waited_for() {
    let street = Street::open(|_| {}).await;
    for wait in ["none", "written", "acked"] {
        let said = street
            .act(
                |call| to(OTHER)(call).with("wait", wait).with("outcome", "true"),
                SEND,
            )
            .await;
        assert_eq!(said.value()["state"], "no_handler", "{wait}");
    }
}

#[tokio::test]
async fn who_has_not_accepted_neither_sends_nor_receives() {
    let text = "An application is only allowed to send LiveMessages to users who have accepted the TOS for that application.";
    let refused = Said::Error(292, text.to_owned());
    let street = Street::open(|_| {}).await;
    // The owner has accepted nothing, and nobody is user 9.
    assert_eq!(street.act(to(OWNER), SEND).await, refused);
    assert_eq!(street.act(to(9), SEND).await, refused);
    assert_eq!(seq(&street, OWNER).await, 0);
    street.write(vec![Write::SetGrant(grant(OWNER))]).await;
    assert_eq!(street.act(to(OWNER), SEND).await.code(), 0);
    let session = street.session_of(STRANGER).await;
    let call = to(OTHER)(Call::acting(&*street.app().await, &session, SEND, "1"));
    assert_eq!(street.ask(call.signed()).await, refused);
}

#[tokio::test]
async fn a_recipient_who_is_the_sender_needs_one_acceptance() {
    let street = Street::open(|_| {}).await;
    assert_eq!(street.act(to(WEB), SEND).await.code(), 0);
}

#[tokio::test]
async fn after_a_withdrawal_the_next_message_is_292() {
    let street = Street::open(|_| {}).await;
    assert_eq!(street.act(to(OTHER), SEND).await.code(), 0);
    street
        .write(vec![Write::RemoveGrant {
            app: app_id(),
            user: uid(OTHER),
        }])
        .await;
    assert_eq!(street.act(to(OTHER), SEND).await.code(), 292);
}

#[tokio::test]
async fn refusals_place_nothing_and_carry_no_delivery() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let before = seq(&street, OTHER).await;
    let good = |number: &str| to(OTHER)(Call::acting(&app, &session, SEND, number));
    let long_event = "é".repeat(65);
    let long_text = "😀".repeat(257);
    let rows = [
        (good("1").without("recipient"), 100, "recipient is missing"),
        (
            good("2").with("uid", "1"),
            100,
            "recipient and uid are both given",
        ),
        (good("3").with("event_name", ""), 100, "event_name is missing"),
        (good("4").without("message"), 100, "message is missing"),
        (
            good("5").with("fanout", "some"),
            100,
            "fanout must be all, one or focused",
        ),
        (good("6").with("event_name", &long_event), 1101, ""),
        (good("7").with("message", &long_text), 1102, ""),
    ];
    for (call, code, cause) in rows {
        let answer = street.answer(call.signed()).await;
        let said = crate::asked::said(&answer);
        assert_eq!((said.code(), said.cause()), (code, cause));
        assert!(answer.delivery.is_none());
    }
    assert_eq!(seq(&street, OTHER).await, before);
}

#[tokio::test]
async fn a_repeated_call_id_places_nothing() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let send = || to(OTHER)(Call::acting(&app, &session, SEND, "7")).signed();
    assert_eq!(street.ask(send()).await.code(), 0);
    let before = seq(&street, OTHER).await;
    assert_eq!(street.ask(send()).await.code(), 103);
    assert_eq!(seq(&street, OTHER).await, before);
}

#[tokio::test]
async fn modern_applications_send_json_texts_alone() {
    let street = Street::of(ProfileName::Modern).await;
    let (app, session) = (street.app().await, street.session().await);
    let send = |number: &str, text: &str| {
        let call = to(OTHER)(Call::acting(&app, &session, SEND, number));
        call.with("message", text).signed_v2(street.now_secs())
    };
    let said = street.ask(send("1", "{message:1}")).await;
    assert_eq!(
        (said.code(), said.cause()),
        (100, "message must be one JSON text")
    );
    assert_eq!(street.ask(send("2", "{\"message\":1}")).await.code(), 0);
}

#[tokio::test]
async fn a_call_by_a_session_secret_is_accepted_with_ss() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = to(OTHER)(Call::acting(&app, &session, SEND, "1")).with("ss", "1");
    assert_eq!(street.ask(call.clone().signed()).await.code(), 104);
    assert_eq!(street.ask(call.secret(&session.secret).signed()).await.code(), 0);
}

#[tokio::test]
async fn the_recipients_rate_is_4_and_spends_the_call() {
    let street = Street::of(ProfileName::Period).await;
    let mut sent = 0u32;
    let refused = loop {
        let said = street.act(to(OTHER), SEND).await;
        if said.code() != 0 {
            break said;
        }
        sent += 1;
        assert!(sent <= 1_000, "the burst is 1,000");
    };
    assert_eq!((sent, refused.code()), (1_000, 4));
    assert!(!refused.cause().is_empty());
}
