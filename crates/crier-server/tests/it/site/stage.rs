//! A server with `ada`, who owns an application, and `bo`, who reads.

use crate::site::browser::{Browser, location};
use crier_platform::accounts::admin::{NewApp, NewSessionOrder, NewUser};
use crier_platform::model::app::{App, AppKind, ProfileName};
use crier_proto::ids::Uid;
use crier_testkit::{Answer, SignedClient, TestServer};
use std::sync::Arc;

/// A password that keeps the rules.
pub(crate) const PASSWORD: &str = "correct horse";

/// A server and its people.
pub(crate) struct Stage {
    pub(crate) server: TestServer,
}

impl Stage {
    /// With `ada`, `bo` and ada's application `Rochambeau` at `http://app.example/cb/`.
    pub(crate) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// The same with configuration keys.
    pub(crate) async fn open_with(keys: &[(&str, &str)]) -> Self {
        let server = TestServer::start_with(keys).await.unwrap();
        for (name, uid) in [("ada", 1_240_077), ("bo", 563_683_308)] {
            let user = NewUser {
                name: name.to_owned(),
                uid: Uid::new(uid),
                password: Some(PASSWORD.to_owned()),
                admin: false,
            };
            server.accounts().add_user(user).await.unwrap();
        }
        let stage = Self { server };
        stage
            .add_app("Rochambeau", "http://app.example/cb/", AppKind::Web)
            .await;
        stage
    }

    /// A further application of ada's.
    pub(crate) async fn add_app(&self, name: &str, callback: &str, kind: AppKind) -> Arc<App> {
        let app = NewApp {
            name: name.to_owned(),
            owner: "ada".to_owned(),
            profile: ProfileName::Period,
            callback: callback.to_owned(),
            canvas: String::new(),
            kind,
            allow_ip: String::new(),
            origins: Vec::new(),
            api_key: None,
            secret: None,
        };
        self.server.accounts().add_app(app).await.unwrap()
    }

    /// An application by name.
    pub(crate) async fn app(&self, name: &str) -> Arc<App> {
        self.server.accounts().find_app(name).await.unwrap()
    }

    /// A browser in which nobody is logged in.
    pub(crate) fn browser(&self) -> Browser {
        Browser::at(self.server.address)
    }

    /// A browser in which this person is logged in.
    pub(crate) async fn logged_in(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        browser.get("/login").await;
        let answer = browser
            .submit("/login", &[("name", name), ("password", PASSWORD)])
            .await;
        assert_eq!(
            (answer.status, location(&answer)),
            (303, "/feed"),
            "{}",
            answer.text()
        );
        browser
    }

    /// A caller with a session of bo's.
    pub(crate) async fn caller(&self, app: &str) -> SignedClient {
        self.caller_of(app, "bo").await
    }

    /// A caller with a session of this person's.
    pub(crate) async fn caller_of(&self, app: &str, user: &str) -> SignedClient {
        let order = NewSessionOrder {
            app: app.to_owned(),
            user: user.to_owned(),
            ttl_secs: None,
            session_key: None,
            session_secret: None,
        };
        let session = self.server.accounts().add_session(order).await.unwrap();
        self.caller_without_session(app)
            .await
            .with_session(session.key.as_str())
    }

    /// A caller without a session.
    pub(crate) async fn caller_without_session(&self, app: &str) -> SignedClient {
        let app = self.app(app).await;
        self.server.caller(app.api_key.as_str(), app.secret.expose())
    }

    /// Publishes for bo; the answer must be true.
    pub(crate) async fn publish(&self, app: &str, params: &[(&str, &str)]) {
        self.publish_to("bo", app, params).await;
    }

    /// Publishes for this person; the answer must be true.
    pub(crate) async fn publish_to(&self, user: &str, app: &str, params: &[(&str, &str)]) {
        self.server.clock.advance_ms(1_000);
        let answer = self
            .caller_of(app, user)
            .await
            .call("feed.publishStoryToUser", params)
            .await
            .unwrap();
        assert!(
            answer.error_code().is_none() && answer.text().contains('1'),
            "{}",
            answer.text()
        );
    }

    /// Bo accepts an application.
    pub(crate) async fn grant(&self, app: &str) {
        self.server.accounts().add_grant(app, "bo", true).await.unwrap();
    }
}

/// The number of the first story on a page.
pub(crate) fn first_story(page: &Answer) -> String {
    let text = page.text();
    crate::site::browser::between(text, "<li id=\"s", "\"")
        .unwrap_or_default()
        .to_owned()
}
