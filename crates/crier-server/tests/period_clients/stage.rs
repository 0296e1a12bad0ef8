//! A server with the replay identity of protocol 21.2, and what a test asks of it beside the client.

use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::feed::Serving;
use crier_platform::model::app::{AppKind, ProfileName};
use crier_proto::ids::Uid;
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, SENDER, SESSION_SECRET};
use crier_testkit::{Identity, TestServer};

/// A server with the replay identity.
pub async fn server(kind: AppKind, profile: ProfileName) -> TestServer {
    server_with(&[], kind, profile).await
}

/// The same with these keys of its configuration set.
pub async fn server_with(keys: &[(&str, &str)], kind: AppKind, profile: ProfileName) -> TestServer {
    let server = TestServer::start_with(keys).await.unwrap();
    Identity { kind, profile }
        .establish(server.accounts())
        .await
        .unwrap();
    server
}

/// What calls of such an application with the session are signed with.
pub fn secret_of(kind: AppKind) -> &'static str {
    match kind {
        AppKind::Web => APP_SECRET,
        AppKind::Desktop => SESSION_SECRET,
    }
}

/// How many messages the recipient's mailbox has taken.
pub async fn mailbox_end(server: &TestServer, kind: AppKind) -> u64 {
    const KEY: &str = "0123456789abcdef01234567-563683308";
    let order = NewSessionOrder {
        app: APP_NAME.to_owned(),
        user: "recipient".to_owned(),
        ttl_secs: None,
        session_key: Some(KEY.to_owned()),
        session_secret: Some(SESSION_SECRET.to_owned()),
    };
    server.accounts().add_session(order).await.unwrap();
    let caller = server.caller(API_KEY, secret_of(kind)).with_session(KEY);
    let answer = caller
        .call("liveMessage.createTicket", &[("format", "JSON")])
        .await
        .unwrap();
    answer.json()["seq"].as_u64().unwrap()
}

/// Titles of the sender's stories in their order.
pub async fn stories(server: &TestServer) -> Vec<String> {
    let page = server
        .state
        .feed
        .view(Uid::new(SENDER).unwrap(), Serving::Look)
        .await
        .unwrap();
    page.slots
        .into_iter()
        .map(|placed| placed.view.story.title)
        .collect()
}
