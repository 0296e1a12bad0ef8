//! `liveMessage.createTicket` (protocol 16.3, live 3.2).

use crate::asked::Call;
use crate::harness::{OWNER, Street, WEB, app_id, uid};
use crier_platform::model::login::TokenDigest;
use crier_proto::digest::sha256;

const CREATE: &str = "liveMessage.createTicket";

#[tokio::test]
async fn a_ticket_names_its_door_and_the_mailboxs_cursor() {
    let street = Street::open(|_| {}).await;
    let send = |call: Call| {
        call.with("recipient", &WEB.to_string())
            .with("event_name", "e")
            .with("message", "m")
    };
    for _ in 0..3 {
        assert_eq!(street.act(send, "liveMessage.send").await.code(), 0);
    }
    let (app, session) = (street.app().await, street.session().await);
    let answer = street
        .answer(Call::acting(&app, &session, CREATE, "2000000").signed())
        .await;
    let body = String::from_utf8(answer.rendered.body).unwrap();
    let object: serde_json::Value = serde_json::from_str(&body).unwrap();
    let ticket = object["ticket"].as_str().expect("a ticket").to_owned();
    let cursor = street.ports.deliver.cursor(app_id(), uid(WEB)).await.unwrap();
    let expected = format!(
        r#"{{"ticket":"{ticket}","expires":{},"url":"https:\/\/crier.example\/base\/live","api_key":"{}","app":"1","user":"{WEB}","epoch":"{}","seq":3}}"#,
        street.now_secs() + 60,
        app.api_key,
        cursor.epoch,
    );
    assert_eq!(body, expected);
    assert!(
        ticket.len() == 43
            && ticket
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    let digest = TokenDigest(sha256(&[ticket.as_bytes()]));
    let kept = street
        .ports
        .tickets
        .redeem(digest)
        .await
        .unwrap()
        .expect("the ticket");
    assert_eq!(
        (kept.app, kept.user, kept.session),
        (app_id(), uid(WEB), session.id)
    );
    assert_eq!(kept.expires_at, street.now().plus_ms(60_000));
}

#[tokio::test]
async fn who_has_not_accepted_gets_no_ticket() {
    let street = Street::open(|_| {}).await;
    let session = street.session_of(OWNER).await;
    let call = Call::acting(&*street.app().await, &session, CREATE, "1");
    assert_eq!(street.ask(call.signed()).await.code(), 292);
}

#[tokio::test]
async fn a_page_signs_with_its_session_secret() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = Call::acting(&app, &session, CREATE, "1")
        .with("ss", "1")
        .secret(&session.secret);
    assert_eq!(street.ask(call.signed()).await.code(), 0);
}

#[tokio::test]
async fn expiring_the_session_voids_its_tickets() {
    let street = Street::open(|_| {}).await;
    let ticket = street.act(|call| call, CREATE).await.value()["ticket"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(street.act(|call| call, "auth.expireSession").await.code(), 0);
    let digest = TokenDigest(sha256(&[ticket.as_bytes()]));
    assert_eq!(street.ports.tickets.redeem(digest).await.unwrap(), None);
}
