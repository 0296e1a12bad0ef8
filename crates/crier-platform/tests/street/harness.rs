//! One server's rules over the real books in memory and the real hub, two people, an owner and one application.

use crate::asked::{Call, Said, said};
use crier_live::config::LiveConfig;
use crier_live::metrics::Metrics;
use crier_live::node::{Node, NodeParts};
use crier_platform::call_log::CallLogConfig;
use crier_platform::dispatch::{Answer, Dispatcher, DispatcherConfig};
use crier_platform::model::app::{App, AppKind, ProfileName, Receipts};
use crier_platform::model::audit::Actor;
use crier_platform::model::grant::Grant;
use crier_platform::model::session::{Session, SessionKind};
use crier_platform::model::story::Story;
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_platform::ports::Ports;
use crier_platform::ports::passwords::{PasswordFault, Passwords};
use crier_platform::ports::store::{Batch, NewSession, UnitId, Write};
use crier_proto::call::RequestParts;
use crier_proto::ids::{AppId, SessionKey, Uid};
use crier_proto::secret::Secret;
use crier_store::{CachedStore, SqliteStore, StoreConfig};
use crier_testkit::{FaultyStore, ManualClock, SeededEntropy};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The user whose sessions act, unless a test says otherwise.
pub(crate) const WEB: i64 = 1_240_077;
/// A second user.
pub(crate) const OTHER: i64 = 563_683_308;
/// The application's owner.
pub(crate) const OWNER: i64 = 77;
/// A user who has accepted nothing.
pub(crate) const STRANGER: i64 = 88;
/// Where the clock stands when a test begins.
pub(crate) const BEGIN_MS: i64 = 1_795_290_600_000;

/// Nobody logs in by password here.
struct NoPasswords;

#[async_trait::async_trait]
impl Passwords for NoPasswords {
    async fn hash(&self, _password: String) -> Result<String, PasswordFault> {
        Err(PasswordFault)
    }

    async fn verify(&self, _password: String, _hash: Option<String>) -> Result<bool, PasswordFault> {
        Err(PasswordFault)
    }
}

/// The street under test.
pub(crate) struct Street {
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) ports: Ports,
    pub(crate) store: Arc<FaultyStore>,
    clock: Arc<ManualClock>,
    keys: AtomicU64,
}

/// A uid known to be one.
pub(crate) fn uid(number: i64) -> Uid {
    Uid::new(number).expect("a uid")
}

/// The application's number.
pub(crate) fn app_id() -> AppId {
    AppId::new(1).expect("an application id")
}

impl Street {
    /// A street whose one application is `documented` but for what `change` changes.
    pub(crate) async fn open(change: impl FnOnce(&mut App)) -> Self {
        Self::open_with(LiveConfig::default(), change).await
    }

    /// As `open`, with other bounds of live delivery.
    pub(crate) async fn open_with(live: LiveConfig, change: impl FnOnce(&mut App)) -> Self {
        Self::open_within(live, CallLogConfig::default(), change).await
    }

    /// As `open`, with other bounds of the log of calls.
    pub(crate) async fn open_logging(calls: CallLogConfig) -> Self {
        Self::open_within(LiveConfig::default(), calls, |_| ()).await
    }

    async fn open_within(live: LiveConfig, calls: CallLogConfig, change: impl FnOnce(&mut App)) -> Self {
        let clock = Arc::new(ManualClock::at(BEGIN_MS));
        let entropy = Arc::new(SeededEntropy::new(1));
        let books = SqliteStore::open_in_memory(clock.clone(), entropy.clone()).expect("books in memory");
        let bounds = StoreConfig::default();
        let cached = CachedStore::over(Arc::new(books), &bounds, clock.clone()).await;
        let store = Arc::new(FaultyStore::over(Arc::new(cached.expect("caches over them"))));
        let node = Node::new(NodeParts {
            receipts: crier_live::config::ReceiptsConfig::default(),
            config: live,
            marks: store.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            metrics: Metrics::default(),
            resume_key: [7; 32],
            messages: None,
        });
        let ports = Ports {
            store: store.clone(),
            ledger: node.clone(),
            deliver: node.clone(),
            tickets: node,
            clock: clock.clone(),
            entropy,
            passwords: Arc::new(NoPasswords),
            images: Arc::new(crier_testkit::PlainImages),
            fetching: Arc::default(),
            posting: Arc::default(),
            wakes: Arc::default(),
            feed_figures: Arc::default(),
            tally: Arc::default(),
        };
        let config = DispatcherConfig {
            calls,
            ..DispatcherConfig::at("https://crier.example/base")
        };
        let street = Self {
            dispatcher: Arc::new(Dispatcher::new(ports.clone(), config)),
            ports,
            store,
            clock,
            keys: AtomicU64::new(0),
        };
        let mut app = application();
        change(&mut app);
        let people = [WEB, OTHER, OWNER, STRANGER];
        let mut writes: Vec<Write> = people.map(|number| Write::AddUser(person(number))).into();
        writes.push(Write::AddApp(Box::new(app)));
        writes.extend([WEB, OTHER].map(|number| Write::SetGrant(grant(number))));
        street.write(writes).await;
        street
    }

    /// A street whose application has the settings of a profile.
    pub(crate) async fn of(profile: ProfileName) -> Self {
        Self::open(|app| app.settings = profile.settings()).await
    }

    /// Applies writes beside the street, as the site and the command line do.
    pub(crate) async fn write(&self, writes: Vec<Write>) {
        let id = UnitId(crier_platform::ports::entropy::random_bytes(&*self.ports.entropy));
        let batch = Batch {
            id,
            by: Actor::System,
            now: self.now(),
            writes,
        };
        self.ports.store.commit(batch).await.expect("writes of a test");
    }

    /// The application.
    pub(crate) async fn app(&self) -> Arc<App> {
        self.ports
            .store
            .app(app_id())
            .await
            .expect("books")
            .expect("the application")
    }

    /// Changes the application as `app set` does.
    pub(crate) async fn set_app(&self, change: impl FnOnce(&mut App)) {
        let mut app = (*self.app().await).clone();
        change(&mut app);
        self.write(vec![Write::SetApp(Box::new(app))]).await;
    }

    /// A session of the first user that never expires; the same one within a test.
    pub(crate) async fn session(&self) -> Arc<Session> {
        let key = SessionKey::of(&"a".repeat(24), uid(WEB)).expect("a key");
        if let Some(session) = self.ports.store.session(&key).await.expect("books") {
            return session;
        }
        self.add_session(key, None, SessionKind::Fixed).await
    }

    /// A further session of a user.
    pub(crate) async fn session_of(&self, user: i64) -> Arc<Session> {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        let key = SessionKey::of(&format!("{number:024x}"), uid(user)).expect("a key");
        self.add_session(key, None, SessionKind::Fixed).await
    }

    /// A session as told, with a secret made of its user.
    pub(crate) async fn add_session(
        &self,
        key: SessionKey,
        expires: Option<i64>,
        kind: SessionKind,
    ) -> Arc<Session> {
        let secret = Secret::new(format!("{:032x}__", key.uid().get()));
        self.add_session_with(key, (expires, kind), secret).await
    }

    /// A session as told, with this secret.
    pub(crate) async fn add_session_with(
        &self,
        key: SessionKey,
        (expires, kind): (Option<i64>, SessionKind),
        secret: Secret,
    ) -> Arc<Session> {
        let session = NewSession {
            user: key.uid(),
            key: key.clone(),
            app: app_id(),
            secret,
            expires,
            kind,
        };
        self.write(vec![Write::AddSession(session)]).await;
        self.ports
            .store
            .session(&key)
            .await
            .expect("books")
            .expect("the session")
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: RequestParts) -> Answer {
        self.dispatcher.answer(request).await
    }

    /// Answers a request that asks for JSON, and says what the answer says.
    pub(crate) async fn ask(&self, request: RequestParts) -> Said {
        said(&self.answer(request).await)
    }

    /// A signed call of the first user's session.
    pub(crate) async fn act(&self, call: impl FnOnce(Call) -> Call, method: &str) -> Said {
        let number = self.keys.fetch_add(1, Ordering::Relaxed) + 1_000_000;
        let base = Call::acting(
            &*self.app().await,
            &*self.session().await,
            method,
            &number.to_string(),
        );
        self.ask(call(base).signed()).await
    }

    /// What a draining server answers.
    pub(crate) fn draining(&self, request: RequestParts) -> Answer {
        self.dispatcher.draining(request)
    }

    /// Turns the clock's hands forward.
    pub(crate) fn turn_clock(&self, ms: u64) {
        self.clock.advance_ms(ms);
    }

    /// Sets the wall alone.
    pub(crate) fn set_clock_secs(&self, secs: i64) {
        self.clock.set_wall_ms(secs * 1_000);
    }

    /// The wall clock.
    pub(crate) fn now(&self) -> WallMs {
        self.ports.clock.wall()
    }

    /// The wall clock in Unix seconds.
    pub(crate) fn now_secs(&self) -> i64 {
        self.now().secs()
    }

    /// A user's stories, newest first.
    pub(crate) async fn stories(&self, user: i64) -> Vec<Story> {
        self.ports
            .store
            .stories(uid(user), None, 100)
            .await
            .expect("books")
    }
}

fn application() -> App {
    App {
        id: app_id(),
        api_key: "0123456789abcdef0123456789abcdef".parse().expect("an api key"),
        secret: Secret::new("fedcba9876543210fedcba9876543210"),
        previous_secret: None,
        name: "Rochambeau".into(),
        owner: uid(OWNER),
        kind: AppKind::Web,
        profile: ProfileName::Documented,
        settings: ProfileName::Documented.settings(),
        allow_ip: Vec::new(),
        calls_per_minute: 6_000,
        callback: String::new(),
        canvas: String::new(),
        origins: Vec::new(),
        icon: String::new(),
        icon_picture: None,
        canvas_ss: false,
        receipts: Receipts::default(),
        native_clients: false,
        post_authorize: String::new(),
        post_remove: String::new(),
        enabled: true,
        created_at: WallMs(BEGIN_MS),
    }
}

fn person(number: i64) -> User {
    User {
        uid: uid(number),
        name: format!("person{number}"),
        password_hash: None,
        admin: false,
        enabled: true,
        created_at: WallMs(BEGIN_MS),
        time_zone: "UTC".into(),
    }
}

/// The acceptance of a user who has switched nothing off.
pub(crate) fn grant(number: i64) -> Grant {
    Grant {
        app: app_id(),
        user: uid(number),
        feed: true,
        added: false,
        offline_access: false,
        granted_at: WallMs(BEGIN_MS),
    }
}
