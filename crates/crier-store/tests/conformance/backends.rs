//! What the cases run on, and short ways to say what they need.

use crier_platform::model::app::{App, AppKind, ProfileName, Receipts};
use crier_platform::model::audit::Actor;
use crier_platform::model::change::Fact;
use crier_platform::model::grant::Grant;
use crier_platform::model::job::SourceRules;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::session::{SessionId, SessionKind};
use crier_platform::model::story::{NewStory, Priority};
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_platform::ports::store::{Batch, CommitError, Conflict, Made, NewSession, Store, UnitId, Write};
use crier_proto::ids::{AppId, SessionKey, Uid};
use crier_proto::secret::Secret;
use crier_store::{CachedStore, SqliteStore, StoreConfig};
use crier_testkit::{ManualClock, SeededEntropy};
use std::sync::Arc;

/// A moment to begin at: 2026-11-21, 20:00 UTC.
pub const START_MS: i64 = 1_795_291_200_000;

/// A store, its clock, and what must outlive it.
pub struct World {
    pub store: Arc<dyn Store>,
    pub clock: Arc<ManualClock>,
    entropy: SeededEntropy,
    _folder: Option<tempfile::TempDir>,
}

pub async fn sqlite_file() -> World {
    let clock = Arc::new(ManualClock::at(START_MS));
    let folder = tempfile::tempdir().unwrap();
    let entropy = Arc::new(SeededEntropy::new(7));
    let store = SqliteStore::open(folder.path(), &StoreConfig::default(), clock.clone(), entropy).unwrap();
    World {
        store: Arc::new(store),
        clock,
        entropy: SeededEntropy::new(8),
        _folder: Some(folder),
    }
}

pub async fn sqlite_in_memory() -> World {
    let clock = Arc::new(ManualClock::at(START_MS));
    let store = SqliteStore::open_in_memory(clock.clone(), Arc::new(SeededEntropy::new(7))).unwrap();
    World {
        store: Arc::new(store),
        clock,
        entropy: SeededEntropy::new(8),
        _folder: None,
    }
}

pub async fn cached_sqlite() -> World {
    let inner = sqlite_file().await;
    let cached = CachedStore::over(inner.store, &StoreConfig::default(), inner.clock.clone())
        .await
        .unwrap();
    World {
        store: Arc::new(cached),
        ..inner
    }
}

impl World {
    pub fn now(&self) -> WallMs {
        use crier_platform::ports::clock::Clock;
        self.clock.wall()
    }

    pub fn batch(&self, writes: Vec<Write>) -> Batch {
        Batch {
            id: UnitId(random_bytes(&self.entropy)),
            by: Actor::System,
            now: self.now(),
            writes,
        }
    }

    /// A unit that somebody else than the server makes.
    pub async fn commit_by(&self, by: Actor, writes: Vec<Write>) -> Vec<Made> {
        let batch = Batch {
            by,
            ..self.batch(writes)
        };
        self.store.commit(batch).await.unwrap()
    }

    pub async fn commit(&self, writes: Vec<Write>) -> Vec<Made> {
        self.store.commit(self.batch(writes)).await.unwrap()
    }

    pub async fn refused(&self, writes: Vec<Write>) -> Conflict {
        match self.store.commit(self.batch(writes)).await {
            Err(CommitError::Refused(conflict)) => conflict,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// What has changed since, in order.
    pub async fn facts_after(&self, after: i64) -> Vec<Fact> {
        let changes = self.store.changes_after(after, 1000).await.unwrap();
        assert!(changes.windows(2).all(|pair| pair[0].id < pair[1].id));
        changes.into_iter().map(|change| change.fact).collect()
    }

    /// A user with this number exists.
    pub async fn user(&self, number: i64) -> Uid {
        self.commit(vec![Write::AddUser(user(number))]).await;
        uid(number)
    }

    /// A session of a fresh key.
    pub async fn session(&self, app: i64, user: i64, expires: Option<i64>) -> (SessionKey, SessionId) {
        let digits = crier_proto::digest::lower_hex(&random_bytes::<12>(&self.entropy));
        let key = SessionKey::of(&digits, uid(user)).unwrap();
        let id = self.add_session(new_session(&key, app, expires)).await;
        (key, id)
    }

    pub async fn add_session(&self, session: NewSession) -> SessionId {
        match self.commit(vec![Write::AddSession(session)]).await.as_slice() {
            [Made::Session(id)] => *id,
            other => panic!("no session: {other:?}"),
        }
    }

    pub fn bytes(&self) -> TokenDigest {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        TokenDigest(bytes)
    }
}

pub fn uid(number: i64) -> Uid {
    Uid::new(number).unwrap()
}

pub fn app_id(number: i64) -> AppId {
    AppId::new(number).unwrap()
}

pub fn user(number: i64) -> User {
    User {
        uid: uid(number),
        name: format!("user{number}"),
        password_hash: Some("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA".to_owned()),
        admin: false,
        enabled: true,
        created_at: WallMs(START_MS - 1),
        time_zone: "Europe/Berlin".to_owned(),
    }
}

pub fn app(number: i64, owner: i64) -> App {
    App {
        id: app_id(number),
        api_key: format!("{number:032x}").parse().unwrap(),
        secret: Secret::new(format!("secret of {number}")),
        previous_secret: None,
        name: format!("App {number}"),
        owner: uid(owner),
        kind: AppKind::Web,
        profile: ProfileName::Documented,
        settings: ProfileName::Documented.settings(),
        allow_ip: Vec::new(),
        calls_per_minute: 0,
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
        created_at: WallMs(START_MS),
    }
}

pub fn new_session(key: &SessionKey, app: i64, expires: Option<i64>) -> NewSession {
    NewSession {
        key: key.clone(),
        app: app_id(app),
        user: key.uid(),
        secret: Secret::new("0123456789abcdef0123456789abcdef__"),
        expires,
        kind: SessionKind::Sliding,
    }
}

pub fn grant(app: i64, user: i64) -> Grant {
    Grant {
        app: app_id(app),
        user: uid(user),
        feed: true,
        added: true,
        offline_access: false,
        granted_at: WallMs(START_MS),
    }
}

pub fn story(app: i64, user: i64, now: WallMs) -> NewStory {
    NewStory {
        user: uid(user),
        app: app_id(app),
        title: "won the <a href=\"http://x.example/\">final</a>".to_owned(),
        body: None,
        priority: Priority::Absent,
        exempt: false,
        published_at: now,
        slots: Vec::new(),
        sources: SourceRules::default(),
    }
}
