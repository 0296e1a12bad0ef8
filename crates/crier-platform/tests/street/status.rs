//! `liveMessage.status` and `liveMessage.cancel` (protocol 16.4, 16.5; live 7.5 to 7.7): whose messages a call may reach, and what
//! it costs when it may not.

use crate::asked::{Call, Said};
use crate::harness::{OTHER, Street, WEB, grant};
use crier_platform::ports::store::Write;
use serde_json::{Value, json};

const METHODS: [&str; 2] = ["liveMessage.status", "liveMessage.cancel"];

/// Sends as the first user and returns the message's id.
async fn sent(street: &Street) -> String {
    let send = |call: Call| {
        call.with("recipient", &OTHER.to_string())
            .with("event_name", "e")
            .with("message", "m")
            .with("outcome", "1")
    };
    let outcome = street.act(send, "liveMessage.send").await.value();
    outcome["id"].as_str().expect("an id").to_owned()
}

/// A call by the application itself, without a session.
async fn by_app(street: &Street, method: &str, id: &str) -> Said {
    let call = Call::of(&*street.app().await, method).with("id", id);
    street.ask(call.signed()).await
}

/// A call with the session of a user.
async fn by_user(street: &Street, user: i64, method: &str, id: &str) -> Said {
    let session = street.session_of(user).await;
    let call = Call::acting(&*street.app().await, &session, method, "1").with("id", id);
    street.ask(call.signed()).await
}

#[tokio::test]
async fn a_status_is_the_outcome_then_failures_slow_readers_and_the_timeline() {
    let street = Street::open(|_| {}).await;
    let id = sent(&street).await;
    let call = Call::of(&*street.app().await, "liveMessage.status").with("id", &id);
    let answer = street.answer(call.signed()).await;
    assert!(answer.delivery.is_none(), "no Crier- headers (protocol 13.11)");
    let body = String::from_utf8(answer.rendered.body).unwrap();
    let epoch = serde_json::from_str::<Value>(&body).unwrap()["epoch"].clone();
    let now = street.now().0;
    let expires_at = street.now_secs() + 60;
    assert_eq!(
        body,
        format!(
            r#"{{"id":"{id}","seq":1,"epoch":{epoch},"state":"no_handler","pages":0,"handlers":0,"written":0,"acked":0,"expires_at":{expires_at},"failed":0,"lagging":0,"timeline":[{{"at":{now},"what":"accepted"}},{{"at":{now},"what":"no_handler"}}]}}"#
        )
    );
}

#[tokio::test]
async fn a_cancel_answers_the_outcome_afterwards_and_again() {
    let street = Street::open(|_| {}).await;
    let id = sent(&street).await;
    for _ in 0..2 {
        let outcome = by_app(&street, "liveMessage.cancel", &id).await.value();
        assert_eq!(
            (&outcome["id"], &outcome["state"]),
            (&json!(id), &json!("cancelled"))
        );
        assert_eq!(outcome.as_object().map(serde_json::Map::len), Some(9));
    }
    let status = by_app(&street, "liveMessage.status", &id).await.value();
    let words = status["timeline"].as_array().expect("a list").iter();
    let words: Vec<_> = words.map(|entry| entry["what"].clone()).collect();
    assert_eq!(words, ["accepted", "no_handler", "cancelled"]);
}

#[tokio::test]
async fn with_a_session_its_users_messages_are_reached_and_no_others() {
    let street = Street::open(|_| {}).await;
    street.write(vec![Write::SetGrant(grant(OTHER))]).await;
    let id = sent(&street).await;
    for method in METHODS {
        let theirs = by_user(&street, OTHER, method, &id).await;
        assert_eq!(
            (theirs.code(), theirs.cause()),
            (100, "id names no message that this call may reach"),
            "{method}"
        );
    }
    for method in METHODS {
        let mine = street.act(|call| call.with("id", &id), method).await;
        assert_eq!(mine.value()["id"], json!(id), "{method} of user {WEB}");
    }
}

#[tokio::test]
async fn an_id_that_is_missing_malformed_or_unknown_is_100_and_its_cause_says_which() {
    let street = Street::open(|_| {}).await;
    for method in METHODS {
        for (id, cause) in [
            ("", "id is missing"),
            ("abc", "id must be 32 lower-case hexadecimal digits"),
            (
                "3F0A9C1DE2B84756A1C0D9E8F7061524",
                "id must be 32 lower-case hexadecimal digits",
            ),
            (
                "3f0a9c1de2b84756a1c0d9e8f7061524",
                "id names no message that this call may reach",
            ),
        ] {
            let said = by_app(&street, method, id).await;
            assert_eq!((said.code(), said.cause()), (100, cause), "{method}");
        }
    }
}

#[tokio::test]
async fn a_refused_cancel_has_spent_its_call_and_one_with_a_used_call_id_changes_nothing() {
    let street = Street::open(|_| {}).await;
    let id = sent(&street).await;
    let (app, session) = (street.app().await, street.session().await);
    let cancel = |id: &str, call_id: &str| {
        Call::acting(&app, &session, "liveMessage.cancel", call_id)
            .with("id", id)
            .signed()
    };
    let unknown = "3f0a9c1de2b84756a1c0d9e8f7061524";
    assert_eq!(street.ask(cancel(unknown, "2000000")).await.code(), 100);
    assert_eq!(street.ask(cancel(&id, "2000000")).await.code(), 103);
    let status = by_app(&street, "liveMessage.status", &id).await.value();
    assert_eq!(status["state"], "no_handler");
    assert_eq!(
        street.ask(cancel(&id, "2000001")).await.value()["state"],
        "cancelled"
    );
}

#[tokio::test]
async fn a_session_secret_reaches_them_with_ss_alone() {
    let street = Street::open(|_| {}).await;
    let id = sent(&street).await;
    let (app, session) = (street.app().await, street.session().await);
    let status = |call_id| Call::acting(&app, &session, "liveMessage.status", call_id).with("id", &id);
    let signed = status("2000000").secret(&session.secret).signed();
    assert_eq!(street.ask(signed).await.code(), 104);
    let signed = status("2000001").with("ss", "1").secret(&session.secret).signed();
    assert_eq!(street.ask(signed).await.code(), 0);
}
