//! Many calls at once: of equal calls one passes, of stories one is published, of token buyers one gets the session.
#![expect(
    clippy::disallowed_methods,
    reason = "calls at once need tasks; no server with a tracker runs here"
)]

use crate::asked::{Call, Said, said};
use crate::harness::{OTHER, Street, WEB, app_id, uid};
use crier_platform::model::app::ProfileName;
use crier_platform::model::login::TokenDigest;
use crier_platform::ports::store::Write;
use crier_proto::call::RequestParts;
use crier_proto::digest::sha256;
use std::sync::Arc;

/// Answers all requests at once, each on a task of its own.
async fn at_once(street: &Street, requests: Vec<RequestParts>) -> Vec<Said> {
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let dispatcher = Arc::clone(&street.dispatcher);
            tokio::spawn(async move { said(&dispatcher.answer(request).await) })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("no panic"));
    }
    answers
}

fn count(answers: &[Said], code: u64) -> usize {
    answers.iter().filter(|said| said.code() == code).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_parallel_publishes_exactly_one_succeeds() {
    let street = Street::of(ProfileName::Period).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = || {
        Call::acting(&app, &session, "feed.publishStoryToUser", "1")
            .with("title", "once")
            .signed()
    };
    let answers = at_once(&street, (0..64).map(|_| call()).collect()).await;
    assert_eq!((count(&answers, 0), count(&answers, 340)), (1, 63));
    assert_eq!(street.stories(WEB).await.len(), 1);
    let next = format!("next allowed at {}", street.now_secs() + 43_200);
    assert!(
        answers
            .iter()
            .filter(|said| said.code() == 340)
            .all(|said| said.cause().ends_with(&next))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_calls_with_one_call_id_at_once_exactly_one_passes() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let send = || {
        Call::acting(&app, &session, "liveMessage.send", "5")
            .with("recipient", &OTHER.to_string())
            .with("event_name", "e")
            .with("message", "m")
            .signed()
    };
    let answers = at_once(&street, (0..64).map(|_| send()).collect()).await;
    assert_eq!((count(&answers, 0), count(&answers, 103)), (1, 63));
    let cursor = street.ports.deliver.cursor(app_id(), uid(OTHER)).await.unwrap();
    assert_eq!(cursor.seq, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_16_callers_with_one_token_exactly_one_gets_a_session() {
    let street = Street::open(|_| {}).await;
    let app = street.app().await;
    let create = Call::of(&app, "auth.createToken").signed();
    let token = street.ask(create).await.value().as_str().unwrap().to_owned();
    let digest = TokenDigest(sha256(&[token.as_bytes()]));
    let bound = Write::BindAuthToken {
        token: digest,
        app: app_id(),
        user: uid(WEB),
        lasting: false,
    };
    street.write(vec![bound]).await;
    let call = || {
        Call::of(&app, "auth.getSession")
            .with("auth_token", &token)
            .signed()
    };
    let answers = at_once(&street, (0..16).map(|_| call()).collect()).await;
    assert_eq!((count(&answers, 0), count(&answers, 100)), (1, 15));
    assert!(
        answers
            .iter()
            .filter(|said| said.code() == 100)
            .all(|said| said.cause() == "auth_token is used")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn never_more_calls_than_the_quota_permits_pass_at_once() {
    let street = Street::open(|app| app.calls_per_minute = 20).await;
    let app = street.app().await;
    let call = || Call::of(&app, "auth.createToken").signed();
    let answers = at_once(&street, (0..64).map(|_| call()).collect()).await;
    assert_eq!((count(&answers, 0), count(&answers, 4)), (20, 44));
}
