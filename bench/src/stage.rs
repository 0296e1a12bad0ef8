//! People, an application, sessions and tickets: what every scenario of live delivery needs before its first page.

use crate::caller::{self, Caller, Keys};
use crate::server;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;

const FIRST_UID: u64 = 5_000_000;
/// Calls a minute that no scenario reaches: quotas are raised, not removed (live 14.1).
const CALLS_PER_MINUTE: &str = "calls_per_minute=1000000000";

/// Bounds raised so that one machine can play ten thousand users; none is removed (live 14.1).
pub const RAISED: [(&str, &str); 6] = [
    ("CRIER__LIVE__CONNECTIONS_PER_ADDRESS_MAX", "20000"),
    ("CRIER__LIVE__RECIPIENT_RATE", "1000000"),
    ("CRIER__LIVE__APP_ITEMS_MAX", "2000000"),
    ("CRIER__LIVE__APP_BYTES_MAX", "2GiB"),
    ("CRIER__LIVE__MAILBOX_BYTES_MAX", "4GiB"),
    ("CRIER__LIVE__AUTHORISED_FOR", "2h"),
];

/// One user of the application, with a session for his pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    /// Decimal digits.
    pub uid: String,
    /// For the command line.
    pub name: String,
    /// His session.
    pub keys: Keys,
}

/// One application and everybody in it.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The application's key.
    pub api_key: String,
    /// Its recipients.
    pub people: Vec<Person>,
    /// Sessions of its owner, for sending side by side: calls of one session are in order.
    pub senders: Vec<Keys>,
}

impl Stage {
    /// Makes it in a fresh data folder.
    pub fn prepare(data: &Path, people: u64, senders: u64) -> Result<Self, String> {
        server::ask(data, &["user", "add", "own", "--uid", "1240077", "--json"])?;
        let made = server::ask(data, &["app", "add", "Bench", "--owner", "own", "--json"])?;
        let (api_key, secret) = (server::field(&made, "api_key")?, server::field(&made, "secret")?);
        let settings = [
            "app",
            "set",
            &api_key,
            "native_clients=on",
            CALLS_PER_MINUTE,
            "--json",
        ];
        server::ask(data, &settings)?;
        let keys_of = |user: &str| {
            let words = [
                "session", "add", "--app", &api_key, "--user", user, "--ttl", "never", "--json",
            ];
            Ok::<_, String>(Keys {
                api_key: api_key.clone(),
                secret: secret.clone(),
                session_key: server::field(&server::ask(data, &words)?, "session_key")?,
            })
        };
        let accept = |user: &str| {
            let words = ["grant", "add", "--app", &api_key, "--user", user, "--json"];
            server::ask(data, &words).map(drop)
        };
        accept("own")?;
        let person = |place: u64| {
            let (name, uid) = (format!("u{place}x"), (FIRST_UID + place).to_string());
            server::ask(data, &["user", "add", &name, "--uid", &uid, "--json"])?;
            accept(&name)?;
            let keys = keys_of(&name)?;
            Ok::<_, String>(Person { uid, name, keys })
        };
        Ok(Self {
            people: (0..people).map(person).collect::<Result<_, _>>()?,
            senders: (0..senders).map(|_| keys_of("own")).collect::<Result<_, _>>()?,
            api_key,
        })
    }
}

/// A ticket and the cursor of its instant (live 3.2).
#[derive(Debug, Clone, Deserialize)]
pub struct Ticket {
    /// Its text.
    pub ticket: String,
    /// The mailbox's epoch.
    pub epoch: String,
    /// The mailbox's last seq.
    pub seq: u64,
}

/// The application's own address for tickets: one kept connection for everybody.
pub struct Desk {
    server: String,
    people: Vec<Person>,
    caller: Mutex<Option<Caller>>,
    next: Cell<u64>,
}

impl Desk {
    /// For these people at this server.
    pub fn new(server: &str, people: Vec<Person>) -> Self {
        Self {
            server: server.to_owned(),
            people,
            caller: Mutex::new(None),
            next: Cell::new(first_call_id()),
        }
    }

    /// A fresh ticket of a person, by his place.
    pub async fn ticket(&self, person: usize) -> Result<Ticket, String> {
        let keys = &self.people.get(person).ok_or("no such person")?.keys;
        let mut held = self.caller.lock().await;
        self.next.set(self.next.get() + 1);
        let call_id = self.next.get().to_string();
        let own = [("format", "json")];
        let request = Caller::request(&caller::body(keys, "liveMessage.createTicket", &call_id, &own));
        let mut caller = match held.take() {
            Some(caller) => caller,
            None => Caller::connect(&self.server).await?,
        };
        let answer = caller.call(&request).await?;
        let ticket = serde_json::from_str(&answer).map_err(|_| format!("no ticket: {answer}"))?;
        *held = Some(caller);
        Ok(ticket)
    }
}

/// A fresh server's folder and the people of a crowd.
pub fn environment<'a>(own: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    RAISED.iter().chain(own).copied().collect()
}

/// A call id above those of every process that called earlier.
pub fn first_call_id() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(0)
}
