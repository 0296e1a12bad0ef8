//! Accounts over the real books in memory, a clock whose hand the test turns, and a record of what delivery was told.

use async_trait::async_trait;
use crier_platform::accounts::Accounts;
use crier_platform::accounts::admin::{NewApp, NewUser};
use crier_platform::feed::FeedReader;
use crier_platform::feed::config::FeedConfig;
use crier_platform::feed::cursor::FeedKey;
use crier_platform::model::app::{App, AppKind, ProfileName};
use crier_platform::model::audit::Actor;
use crier_platform::model::job::SourceRules;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::message::{Asker, Delivery, NewMessage, SentMessage, Status, WaitFor};
use crier_platform::model::session::SessionId;
use crier_platform::model::story::{NewSlot, NewStory, Priority};
use crier_platform::model::ticket::{Cursor, Ticket};
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_platform::ports::Ports;
use crier_platform::ports::deliver::{AcceptError, Deliver, DeliverFault};
use crier_platform::ports::entropy::random_bytes;
use crier_platform::ports::ledger::{Charge, Ledger, LedgerFault, LedgerRefusal, QuotaCharge, QuotaScope};
use crier_platform::ports::passwords::{PasswordFault, Passwords};
use crier_platform::ports::store::{Batch, Made, UnitId, Write};
use crier_platform::ports::tickets::{TicketFault, Tickets};
use crier_proto::ids::{AppId, MessageId, StoryId, Uid};
use crier_proto::story::ImageSource;
use crier_testkit::{ManualClock, SeededEntropy};
use std::sync::{Arc, Mutex};

/// Where the clock stands when a test begins.
pub(crate) const BEGIN_MS: i64 = 1_795_290_600_000;
/// A password that keeps the rules.
pub(crate) const PASSWORD: &str = "correct horse";

/// What delivery was told, in order.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    /// Everything so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Deliver for Told {
    async fn accept(&self, _: Option<&Charge>, _: NewMessage) -> Result<Delivery, AcceptError> {
        Err(AcceptError::Fault("accounts send no messages".to_owned()))
    }
    async fn watch(&self, _: MessageId, _: WaitFor, _: u64) -> Result<Option<Delivery>, DeliverFault> {
        Ok(None)
    }
    async fn status(&self, _: MessageId, _: Asker) -> Result<Option<Status>, DeliverFault> {
        Ok(None)
    }
    async fn latest(&self, _: AppId, _: usize) -> Result<Vec<SentMessage>, DeliverFault> {
        Ok(Vec::new())
    }
    async fn sent(&self, _: MessageId, _: Asker) -> Result<Option<SentMessage>, DeliverFault> {
        Ok(None)
    }
    async fn cancel(&self, _: MessageId, _: Asker) -> Result<Option<Delivery>, DeliverFault> {
        Ok(None)
    }
    async fn cursor(&self, _: AppId, _: Uid) -> Result<Cursor, DeliverFault> {
        Err(DeliverFault("accounts open no mailboxes".to_owned()))
    }
    async fn withdraw(&self, app: AppId, user: Uid, _: WallMs) -> Result<(), DeliverFault> {
        self.note(format!("withdraw {app} {user}"));
        Ok(())
    }
    async fn end_session(&self, session: SessionId) -> Result<(), DeliverFault> {
        self.note(format!("end session {}", session.0));
        Ok(())
    }
    async fn disable_app(&self, app: AppId) -> Result<(), DeliverFault> {
        self.note(format!("disable {app}"));
        Ok(())
    }
}

#[async_trait]
impl Ledger for Told {
    async fn settle(&self, _: &Charge) -> Result<Result<(), LedgerRefusal>, LedgerFault> {
        Ok(Ok(()))
    }
    fn peek(&self, _: QuotaCharge) -> Option<LedgerRefusal> {
        None
    }
    fn spent(&self, _: QuotaScope) -> u32 {
        0
    }
    async fn reset(&self, _: SessionId) -> Result<(), LedgerFault> {
        Ok(())
    }
}

#[async_trait]
impl Tickets for Told {
    async fn issue(&self, _: Ticket) -> Result<(), TicketFault> {
        Ok(())
    }
    async fn redeem(&self, _: TokenDigest) -> Result<Option<Ticket>, TicketFault> {
        Ok(None)
    }
    async fn void_session(&self, _: SessionId) -> Result<(), TicketFault> {
        Ok(())
    }
    async fn void_user(&self, _: AppId, _: Uid) -> Result<(), TicketFault> {
        Ok(())
    }
}

/// Passwords that are their own hash: the arithmetic is the server's affair.
struct PlainPasswords;

#[async_trait]
impl Passwords for PlainPasswords {
    async fn hash(&self, password: String) -> Result<String, PasswordFault> {
        Ok(format!("plain:{password}"))
    }
    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordFault> {
        Ok(hash.is_some_and(|hash| hash == format!("plain:{password}")))
    }
}

/// One server's use cases.
pub(crate) struct Town {
    pub(crate) accounts: Accounts,
    pub(crate) feed: FeedReader,
    pub(crate) ports: Ports,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) told: Arc<Told>,
}

impl Town {
    /// Nobody and nothing.
    pub(crate) fn empty() -> Self {
        let clock = Arc::new(ManualClock::at(BEGIN_MS));
        let entropy = Arc::new(SeededEntropy::new(7));
        let told = Arc::new(Told::default());
        let store = crier_store::SqliteStore::open_in_memory(clock.clone(), entropy.clone());
        let ports = Ports {
            store: Arc::new(store.expect("books in memory")),
            ledger: told.clone(),
            deliver: told.clone(),
            tickets: told.clone(),
            clock: clock.clone(),
            entropy,
            passwords: Arc::new(PlainPasswords),
            images: Arc::new(crier_testkit::PlainImages),
            fetching: Arc::default(),
            posting: Arc::default(),
            wakes: Arc::default(),
            feed_figures: Arc::default(),
            tally: Arc::default(),
        };
        Self {
            accounts: Accounts::new(ports.clone()),
            feed: FeedReader::new(ports.clone(), FeedConfig::default(), FeedKey::new([7; 32])),
            ports,
            clock,
            told,
        }
    }

    /// `ada`, who owns the application `Rochambeau`, and `bo`.
    pub(crate) async fn with_people() -> Self {
        let town = Self::empty();
        for (name, uid) in [("ada", 1_240_077), ("bo", 563_683_308)] {
            let user = NewUser {
                name: name.to_owned(),
                uid: Uid::new(uid),
                password: Some(PASSWORD.to_owned()),
                admin: false,
            };
            town.accounts.add_user(user).await.expect("a user");
        }
        town.accounts
            .add_app(new_app("Rochambeau"))
            .await
            .expect("an application");
        town
    }

    pub(crate) async fn user(&self, name: &str) -> Arc<User> {
        self.accounts.find_user(name).await.expect("the user")
    }

    pub(crate) async fn app(&self) -> Arc<App> {
        self.accounts
            .find_app("Rochambeau")
            .await
            .expect("the application")
    }

    /// Publishes for `bo`, as the application of this name; a second later each time.
    pub(crate) async fn publish(
        &self,
        app: &str,
        title: &str,
        change: impl FnOnce(&mut NewStory),
    ) -> StoryId {
        self.clock.advance_ms(1000);
        let app = self.accounts.find_app(app).await.expect("the application");
        let mut story = NewStory {
            user: self.user("bo").await.uid,
            app: app.id,
            title: title.to_owned(),
            body: None,
            priority: Priority::Absent,
            exempt: false,
            published_at: self.ports.clock.wall(),
            slots: Vec::new(),
            sources: SourceRules::default(),
        };
        change(&mut story);
        let made = self.write(vec![Write::PublishStory(story)]).await;
        match made.first() {
            Some(Made::Story { id, .. }) => *id,
            other => panic!("no story: {other:?}"),
        }
    }

    /// Applies writes beside the use cases.
    pub(crate) async fn write(&self, writes: Vec<Write>) -> Vec<Made> {
        let batch = Batch {
            id: UnitId(random_bytes(&*self.ports.entropy)),
            by: Actor::System,
            now: self.ports.clock.wall(),
            writes,
        };
        self.ports.store.commit(batch).await.expect("writes of a test")
    }
}

/// An application of `ada`.
pub(crate) fn new_app(name: &str) -> NewApp {
    NewApp {
        name: name.to_owned(),
        owner: "ada".to_owned(),
        profile: ProfileName::Documented,
        callback: String::new(),
        canvas: String::new(),
        kind: AppKind::Web,
        allow_ip: String::new(),
        origins: Vec::new(),
        api_key: None,
        secret: None,
    }
}

/// A picture slot with this number.
pub(crate) fn slot(number: u8) -> NewSlot {
    NewSlot {
        number,
        source: ImageSource::Url(format!("http://pictures.example/{number}.png")),
        link: format!("http://links.example/{number}"),
    }
}
