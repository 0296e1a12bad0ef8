//! A data folder with readers whose feeds are full: applications, acceptances, logins, and stories of past days.
//!
//! The stories are written by the store's own publish, twelve hours and all; the clock is what is turned.

use crate::server;
use crier_platform::model::app::App;
use crier_platform::model::audit::Actor;
use crier_platform::model::job::SourceRules;
use crier_platform::model::login::{Login, TokenDigest};
use crier_platform::model::record::{FeedAct, FeedWrite};
use crier_platform::model::story::{NewStory, Priority};
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_platform::ports::entropy::random_bytes;
use crier_platform::ports::store::{Apps, Batch, Made, Store, UnitId, Users, Write};
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::ids::{ApiKey, AppId, StoryId, Uid};
use crier_store::{SqliteStore, StoreConfig};
use crier_testkit::{ManualClock, SeededEntropy};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const OWNER_UID: i64 = 1_240_077;
const FIRST_READER_UID: i64 = 6_000_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// Competing stories lie within this span, a little less than the seven days after which they expire.
const COMPETING_MS: i64 = 7 * DAY_MS - 60 * MINUTE_MS;
/// Between two stories of one application: more than twelve hours.
const APP_PAUSE_MS: i64 = 12 * 60 * MINUTE_MS + MINUTE_MS;
/// Writes that share a sync.
const TOGETHER: usize = 512;

/// What feeds hold.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Readers.
    pub readers: u64,
    /// Stories of each that compete.
    pub competing: u64,
    /// Stories of each that have expired, one of fifty hidden, one of fifty thumbed.
    pub past: u64,
}

/// A reader with a login.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Whose feed it is.
    pub user: Uid,
    /// The login cookie's token.
    pub token: String,
}

/// Opens the books of a folder beside the server's process, as a tool of ours.
pub fn open(data: &Path, at_ms: i64) -> Result<SqliteStore, String> {
    let clock = Arc::new(ManualClock::at(at_ms));
    SqliteStore::open(
        data,
        &StoreConfig::default(),
        clock,
        Arc::new(SeededEntropy::new(11)),
    )
    .map_err(|error| error.to_string())
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// Fills a fresh data folder.
pub async fn fill(data: &Path, shape: Shape) -> Result<Vec<Reader>, String> {
    let owner = OWNER_UID.to_string();
    server::ask(data, &["user", "add", "own", "--uid", &owner, "--json"])?;
    server::ask(data, &["app", "add", "App 1", "--owner", "own", "--json"])?;
    let now = now_ms();
    let store = open(data, now)?;
    let desk = Desk {
        entropy: SeededEntropy::new(13),
        store,
    };
    let step = COMPETING_MS / i64::try_from(shape.competing).map_err(|error| error.to_string())?;
    // As many applications as it takes to keep the twelve hours.
    let apps = desk.add_apps((APP_PAUSE_MS / step).max(24) + 1, now).await?;
    let mut readers = Vec::new();
    for number in 0..shape.readers {
        let uid = FIRST_READER_UID + i64::try_from(number).map_err(|error| error.to_string())?;
        let reader = desk.add_reader(uid, (&apps, now)).await?;
        let all = i64::try_from(shape.competing + shape.past).map_err(|error| error.to_string())?;
        // The oldest first, the newest a minute ago.
        let moments = (0..all).map(|place| now - MINUTE_MS - (all - 1 - place) * step);
        desk.publish(reader.user, (&apps, moments)).await?;
        readers.push(reader);
    }
    Ok(readers)
}

struct Desk {
    store: SqliteStore,
    entropy: SeededEntropy,
}

impl Desk {
    async fn commit(&self, now: i64, writes: Vec<Write>) -> Result<Vec<Made>, String> {
        let batch = Batch {
            id: UnitId(random_bytes(&self.entropy)),
            by: Actor::System,
            now: WallMs(now),
            writes,
        };
        self.store
            .commit(batch)
            .await
            .map_err(|error| format!("{error:?}"))
    }

    /// Copies of the first application, until there are so many.
    async fn add_apps(&self, count: i64, now: i64) -> Result<Vec<AppId>, String> {
        let first = self.store.app_by_name("App 1").await;
        let first = first
            .map_err(|fault| fault.to_string())?
            .ok_or("the application")?;
        let mut ids = vec![first.id];
        let copies = (2..=count).map(|number| {
            let key = lower_hex(&random_bytes::<16>(&self.entropy));
            Some(App {
                id: AppId::new(first.id.get() + number)?,
                api_key: key.parse::<ApiKey>().ok()?,
                name: format!("App {number}"),
                ..App::clone(&first)
            })
        });
        let copies: Vec<App> = copies.collect::<Option<_>>().ok_or("an application's keys")?;
        ids.extend(copies.iter().map(|app| app.id));
        let writes = copies.into_iter().map(|app| Write::AddApp(Box::new(app)));
        self.commit(now, writes.collect()).await?;
        Ok(ids)
    }

    /// A person who has accepted all applications before their first story and is logged in.
    async fn add_reader(&self, uid: i64, (apps, now): (&[AppId], i64)) -> Result<Reader, String> {
        let user = Uid::new(uid).ok_or("a uid")?;
        let owner = Uid::new(OWNER_UID).ok_or("a uid")?;
        let owner = self.store.user(owner).await.map_err(|fault| fault.to_string())?;
        let person = User {
            uid: user,
            name: format!("reader {uid}"),
            ..User::clone(&*owner.ok_or("the owner")?)
        };
        let token = lower_hex(&random_bytes::<32>(&self.entropy));
        let login = Login {
            token: TokenDigest(sha256(&[token.as_bytes()])),
            user,
            expires_at: WallMs(now + DAY_MS),
        };
        let accepted = apps.iter().map(|app| Write::AcceptTerms {
            app: *app,
            user,
            added: false,
        });
        let writes = [Write::AddUser(person), Write::AddLogin(login)];
        self.commit(now - 100 * DAY_MS, writes.into_iter().chain(accepted).collect())
            .await?;
        Ok(Reader { user, token })
    }

    async fn publish(
        &self,
        user: Uid,
        (apps, moments): (&[AppId], impl Iterator<Item = i64>),
    ) -> Result<(), String> {
        let moments: Vec<i64> = moments.collect();
        let expired = now_ms() - 7 * DAY_MS;
        for (part, moments) in moments.chunks(TOGETHER).enumerate() {
            let first = part * TOGETHER;
            let stories = moments.iter().enumerate().map(|(place, at)| {
                let number = first + place;
                let app = apps.get(number % apps.len()).copied();
                Some(Write::PublishStory(story((user, app?), number, *at)))
            });
            let stories = stories.collect::<Option<Vec<_>>>().ok_or("an application")?;
            let last = moments.last().copied().unwrap_or_default();
            let made = self.commit(last, stories).await?;
            let ids = made.iter().filter_map(|made| match made {
                Made::Story { id, .. } => Some(*id),
                _ => None,
            });
            let ids: Vec<StoryId> = ids.collect();
            let acts = ids
                .iter()
                .zip(moments)
                .enumerate()
                .filter_map(|(place, (story, at))| {
                    let act = match place % 50 {
                        0 => FeedAct::Hide,
                        25 => FeedAct::Thumb,
                        _ => return None,
                    };
                    (*at < expired).then(|| {
                        Write::Feed(FeedWrite::Act {
                            user,
                            story: *story,
                            act,
                        })
                    })
                });
            self.commit(last, acts.collect()).await?;
        }
        Ok(())
    }
}

/// A story of 60 and 200 characters with two links, about 340 bytes (feed 11.1).
fn story((user, app): (Uid, AppId), number: usize, at: i64) -> NewStory {
    let link = format!("http://games.example/duel/{number:06}");
    let said = format!("Move {number:06} of a long game of chess, told to everybody who plays it. ");
    let text: String = said.chars().cycle().take(170).collect();
    NewStory {
        user,
        app,
        title: format!(
            "<a href=\"{link}\">A challenge, number {number:06}</a>, from somebody who plays well"
        ),
        body: Some(format!(
            "<a href=\"{link}/board\">See how the board looks now</a>. {}",
            text.trim_end()
        )),
        priority: Priority::Number(u8::try_from(number % 4).unwrap_or(1)),
        exempt: false,
        published_at: WallMs(at),
        slots: Vec::new(),
        sources: SourceRules::default(),
    }
}
