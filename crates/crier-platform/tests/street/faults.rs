//! Faults of ours on the street: what the caller is told, what the log is told, and that nothing was done.

use crate::asked::{Call, Said, said};
use crate::harness::{OTHER, Street, WEB, app_id, uid};
use crier_live::config::LiveConfig;
use crier_platform::faults::Fault;
use crier_platform::ports::store::StoreFault;
use crier_testkit::Broken;

const SEND: &str = "liveMessage.send";
const PUBLISH: &str = "feed.publishStoryToUser";

fn message(call: Call) -> Call {
    call.with("recipient", &OTHER.to_string())
        .with("event_name", "e")
        .with("message", "m")
}

fn gone() -> Option<StoreFault> {
    Some(StoreFault::Unavailable("the disk is full".into()))
}

fn damaged() -> Option<StoreFault> {
    Some(StoreFault::Damaged("row 7 of grants".into()))
}

#[tokio::test]
async fn a_damaged_store_is_error_1() {
    let street = Street::open(|_| {}).await;
    street.store.breaks(Broken {
        grants: damaged(),
        ..Broken::default()
    });
    let unknown = Said::Error(1, "An unknown error occurred".into());
    assert_eq!(street.act(message, SEND).await, unknown);
    assert_eq!(street.act(|call| call.with("title", "x"), PUBLISH).await, unknown);
    street.store.breaks(Broken {
        commits: damaged(),
        ..Broken::default()
    });
    assert_eq!(street.act(|call| call.with("title", "x"), PUBLISH).await, unknown);
    street.store.breaks(Broken::default());
    assert!(street.stories(WEB).await.is_empty());
}

#[tokio::test]
async fn a_store_out_of_reach_is_error_2() {
    let street = Street::open(|_| {}).await;
    let away = Said::Error(2, "Service temporarily unavailable".into());
    for broken in [
        Broken {
            apps: gone(),
            ..Broken::default()
        },
        Broken {
            grants: gone(),
            ..Broken::default()
        },
        Broken {
            marks: gone(),
            ..Broken::default()
        },
    ] {
        street.store.breaks(broken.clone());
        assert_eq!(
            street.act(|call| call.with("title", "x"), PUBLISH).await,
            away,
            "{broken:?}"
        );
    }
    street.store.breaks(Broken {
        commits: gone(),
        ..Broken::default()
    });
    assert_eq!(street.act(|call| call.with("title", "x"), PUBLISH).await, away);
    street.store.breaks(Broken::default());
    assert!(street.stories(WEB).await.is_empty());
    assert_eq!(
        street.act(|call| call.with("title", "x"), PUBLISH).await.code(),
        0
    );
}

#[tokio::test]
async fn the_fault_itself_goes_to_the_log_and_never_to_the_caller() {
    let street = Street::open(|_| {}).await;
    street.store.breaks(Broken {
        apps: gone(),
        ..Broken::default()
    });
    let answer = street
        .answer(Call::of(&*street.app().await, "auth.createToken").signed())
        .await;
    assert_eq!(
        answer.fault,
        Some(Fault::Store(StoreFault::Unavailable("the disk is full".into())))
    );
    assert!(!String::from_utf8(answer.rendered.body).unwrap().contains("disk"));
}

#[tokio::test]
async fn a_commit_of_unknown_outcome_is_error_1() {
    let street = Street::open(|_| {}).await;
    let unknown = Some(StoreFault::OutcomeUnknown("cut".into()));
    let _before_the_fault = street.session().await;
    street.store.breaks(Broken {
        commits: unknown,
        ..Broken::default()
    });
    assert_eq!(
        street.act(|call| call.with("title", "x"), PUBLISH).await.code(),
        1
    );
}

#[tokio::test]
async fn a_message_whose_call_id_cannot_be_kept_has_no_place() {
    let street = Street::open(|_| {}).await;
    street.store.breaks(Broken {
        marks: gone(),
        ..Broken::default()
    });
    let said = street.act(message, SEND).await;
    assert_eq!(said.code(), 2);
    street.store.breaks(Broken::default());
    let cursor = street.ports.deliver.cursor(app_id(), uid(OTHER)).await.unwrap();
    assert_eq!(cursor.seq, 0);
}

#[tokio::test]
async fn a_full_application_mailbox_is_error_1100() {
    let live = LiveConfig {
        app_items_max: 3,
        ..LiveConfig::default()
    };
    let street = Street::open_with(live, |_| {}).await;
    for _ in 0..3 {
        assert_eq!(street.act(message, SEND).await.code(), 0);
    }
    let (app, session) = (street.app().await, street.session().await);
    let call = message(Call::acting(&app, &session, SEND, "9000000"));
    let answer = street.answer(call.signed()).await;
    let text = "An error occurred while sending the LiveMessage.".to_owned();
    assert_eq!(said(&answer), Said::Error(1100, text));
    assert!(answer.delivery.is_none());
    // The call itself was spent.
    let again = Call::acting(&app, &session, "users.getLoggedInUser", "9000000");
    assert_eq!(street.ask(again.signed()).await.code(), 103);
}
