//! A server with the identity of the recorded calls, under the profile that follows the pages to the letter.

use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::model::app::{AppKind, ProfileName};
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, SESSION_KEY};
use crier_testkit::page::PageAddress;
use crier_testkit::{Answer, FakePage, Identity, RawClient, SignedClient, TestServer};

/// The origin that the application's pages come from.
const ORIGIN: &str = "http://rochambeau.example";

/// A running server and a caller in the session of user 1240077.
pub struct Stage {
    /// The server.
    pub server: TestServer,
    /// Signs with the application secret, in the session.
    pub caller: SignedClient,
}

/// A profile's server with these keys set.
pub async fn stage_with(profile: ProfileName, keys: &[(&str, &str)]) -> Stage {
    let server = TestServer::start_with(keys).await.expect("the server starts");
    let identity = Identity {
        kind: AppKind::Web,
        profile,
    };
    identity
        .establish(server.accounts())
        .await
        .expect("the identity can be made");
    let origins = [("origins".to_owned(), ORIGIN.to_owned())];
    server
        .accounts()
        .set_app(APP_NAME, &origins)
        .await
        .expect("an origin can be listed");
    let caller = server.caller(API_KEY, APP_SECRET).with_session(SESSION_KEY);
    Stage { server, caller }
}

/// The profile `documented` with the default configuration.
pub async fn stage() -> Stage {
    stage_with(ProfileName::Documented, &[]).await
}

impl Stage {
    /// A signed call in the session.
    pub async fn call(&self, method: &str, params: &[(&str, &str)]) -> Answer {
        self.caller.call(method, params).await.expect("an answer comes")
    }

    /// The error code of a signed call in the session; 0 for a success.
    pub async fn code(&self, method: &str, params: &[(&str, &str)]) -> u64 {
        self.call(method, params).await.error_code().unwrap_or(0)
    }

    /// Changes settings of the application, as `app set` does.
    pub async fn set(&self, key: &str, value: &str) {
        let settings = [(key.to_owned(), value.to_owned())];
        self.server
            .accounts()
            .set_app(APP_NAME, &settings)
            .await
            .expect("the setting can be changed");
    }

    /// A fresh session key of a user for the application.
    pub async fn session_of(&self, user: &str) -> String {
        let order = NewSessionOrder {
            app: APP_NAME.to_owned(),
            user: user.to_owned(),
            ttl_secs: None,
            session_key: None,
            session_secret: None,
        };
        self.server
            .accounts()
            .add_session(order)
            .await
            .expect("a session can be added")
            .key
            .as_str()
            .to_owned()
    }

    /// A caller in a fresh session of a user.
    pub async fn caller_of(&self, user: &str) -> SignedClient {
        self.server
            .caller(API_KEY, APP_SECRET)
            .with_session(&self.session_of(user).await)
    }

    /// An open page of a user with handlers for these events.
    pub async fn page_of(&self, user: &str, events: &[&str]) -> FakePage {
        let answer = self
            .caller_of(user)
            .await
            .call("liveMessage.createTicket", &[("format", "json")])
            .await;
        let ticket = answer.expect("an answer comes").json()["ticket"]
            .as_str()
            .expect("a ticket")
            .to_owned();
        let at = PageAddress {
            address: self.server.address,
            base_path: String::new(),
            api_key: API_KEY.to_owned(),
            origin: Some(ORIGIN.to_owned()),
        };
        let mut page = FakePage::open(&at, &format!("page-of-{user:_<12}"))
            .await
            .expect("the socket opens");
        page.hello(&ticket, events).await.expect("the page is welcome");
        page
    }

    /// The feed page of a user as a browser gets it.
    pub async fn feed_of(&self, user: &str) -> String {
        self.document(user, "/feed").await
    }

    /// A document of the site as a user's browser gets it.
    pub async fn document(&self, user: &str, path: &str) -> String {
        let accounts = self.server.accounts();
        let link = accounts.add_login_link(user).await.expect("a link can be made");
        let login = accounts
            .use_login_link(link.expose())
            .await
            .expect("the link works")
            .expect("once");
        let address = self.server.address;
        let cookie = format!("crier_login={}", login.token.expose());
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n");
        let answer = RawClient::exchange(address, request.as_bytes())
            .await
            .expect("a document comes");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text().to_owned()
    }
}
