//! Test mode of the console: one test application and some test people of a developer (ADR 0024).
//!
//! Promise: test people meet their developer's test application alone, and that application nobody but them and their developer; the
//! books keep that rule, whoever asks. Test people have no password: links and keys are made anew for their developer each time.

use super::admin::NewSessionOrder;
use super::{AccountError, Accounts, ID_ATTEMPTS_MAX};
use crate::model::app::App;
use crate::model::session::Session;
use crate::model::test_mode::TestWrite;
use crate::model::user::User;
use crate::ports::store::{Conflict, Write};
use crier_proto::ids::{AppId, Uid};
use crier_proto::secret::Secret;
use std::sync::Arc;

/// Test people that are made at once: one who sends and one who listens.
const PEOPLE_AT_FIRST: usize = 2;
/// First names of test people; the number of their developer makes them unique.
const FIRST_NAMES: [&str; 10] = [
    "Tess", "Theo", "Tilda", "Tom", "Thea", "Toby", "Tara", "Tim", "Tina", "Tariq",
];
/// How long sessions of test people last, in seconds: a day, as those of the web (protocol 10.3).
const SESSION_SECS: i64 = 86_400;

/// A developer's test application and test people as they are.
#[derive(Debug, Clone)]
pub struct TestBench {
    /// The application.
    pub app: Arc<App>,
    /// The people, by the order of their making.
    pub people: Vec<Arc<User>>,
}

/// A test person's keys, shown this once.
#[derive(Debug, Clone)]
pub struct TestPerson {
    /// The person.
    pub user: Arc<User>,
    /// Their session with the test application.
    pub session: Session,
    /// The token of a link that logs them in once.
    pub link: Secret,
}

/// Why a person can never accept an application (ADR 0024).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barred {
    /// It is somebody's test application, and they are neither its developer nor one of their test people.
    TestApp,
    /// They are a test person, and it is not the test application of their developer.
    TestPerson,
}

/// Keys of the whole bench, shown this once.
#[derive(Debug, Clone)]
pub struct TestKeys {
    /// The application, its secret included.
    pub app: Arc<App>,
    /// The people.
    pub people: Vec<TestPerson>,
}

impl Accounts {
    /// How many test people a developer may have.
    #[must_use]
    pub fn test_people_max(&self) -> u32 {
        self.config.test_people_max
    }

    /// What a developer has in test mode; `None` before it has begun and after it was ended.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn test_bench(&self, developer: Uid) -> Result<Option<TestBench>, AccountError> {
        let mode = self.ports.store.test_mode(developer).await?;
        let Some(app) = mode.app else { return Ok(None) };
        let Some(app) = self.app(app).await? else {
            return Ok(None);
        };
        let mut people = Vec::new();
        for uid in mode.people {
            people.extend(self.user(uid).await?);
        }
        if people.is_empty() {
            return Ok(None);
        }
        people.sort_by_key(|person| (person.created_at.0, place_of(&person.name)));
        Ok(Some(TestBench { app, people }))
    }

    /// A developer's test application while it has no people: it is shown in no list.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn resting_test_app(&self, developer: Uid) -> Result<Option<AppId>, AccountError> {
        let mode = self.ports.store.test_mode(developer).await?;
        Ok(mode.app.filter(|_| mode.people.is_empty()))
    }

    /// Makes a developer's test application with its first people, and their keys. Where it is there already, only the keys are new.
    ///
    /// # Errors
    /// `Invalid` for who may make no applications or whose names are taken; when the books fail.
    pub async fn begin_test(&self, developer: &User) -> Result<TestKeys, AccountError> {
        if !self.may_make_apps(developer).await? {
            return Err(AccountError::Invalid(
                "on this server, administrators make the applications".to_owned(),
            ));
        }
        if self.test_bench(developer.uid).await?.is_none() {
            match self.ports.store.test_mode(developer.uid).await?.app {
                Some(app) => self.people_anew(developer.uid, app).await?,
                None => self.make_bench(developer).await?,
            }
        }
        self.new_test_keys(developer.uid).await
    }

    /// The first people of an application that is left of an earlier test.
    async fn people_anew(&self, developer: Uid, app: AppId) -> Result<(), AccountError> {
        let mut writes = Vec::new();
        for place in 0..PEOPLE_AT_FIRST {
            writes.extend(self.person_writes(developer, app, place)?);
        }
        match self.commit(writes).await {
            Ok(_) | Err(AccountError::Conflict(Conflict::TestTaken | Conflict::NameTaken)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The application, its people and their acceptances, in one unit.
    async fn make_bench(&self, developer: &User) -> Result<(), AccountError> {
        for _ in 0..ID_ATTEMPTS_MAX {
            let app = App {
                name: format!("Test application of {}", developer.uid),
                // So that a terminal can listen.
                native_clients: true,
                ..self.blank_app(developer.uid)?
            };
            let mut writes = vec![
                Write::AddApp(Box::new(app.clone())),
                Write::Test(TestWrite::MarkApp {
                    app: app.id,
                    developer: developer.uid,
                }),
            ];
            for place in 0..PEOPLE_AT_FIRST {
                writes.extend(self.person_writes(developer.uid, app.id, place)?);
            }
            match self.commit(writes).await {
                Ok(_) | Err(AccountError::Conflict(Conflict::TestTaken)) => return Ok(()),
                Err(AccountError::Conflict(Conflict::IdTaken | Conflict::KeyTaken)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(AccountError::Conflict(Conflict::IdTaken))
    }

    /// One more test person; `false` when there are as many as there may be.
    ///
    /// # Errors
    /// `Conflict::Missing` before test mode has begun; when the books fail.
    pub async fn add_test_person(&self, developer: Uid) -> Result<bool, AccountError> {
        for _ in 0..ID_ATTEMPTS_MAX {
            let bench = self.test_bench(developer).await?;
            let bench = bench.ok_or(AccountError::Conflict(Conflict::Missing))?;
            let taken: Vec<usize> = bench.people.iter().map(|person| place_of(&person.name)).collect();
            let free = (0..=taken.len()).find(|place| !taken.contains(place));
            let writes = self.person_writes(developer, bench.app.id, free.unwrap_or_default())?;
            match self.commit(writes.to_vec()).await {
                Ok(_) => return Ok(true),
                Err(AccountError::Conflict(Conflict::TestTaken)) => return Ok(false),
                Err(AccountError::Conflict(Conflict::IdTaken | Conflict::NameTaken)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(AccountError::Conflict(Conflict::IdTaken))
    }

    /// What makes a test person who has accepted the test application.
    fn person_writes(&self, developer: Uid, app: AppId, place: usize) -> Result<[Write; 3], AccountError> {
        let person = User {
            uid: self.random_uid()?,
            name: name_of(place, developer),
            password_hash: None,
            admin: false,
            enabled: true,
            created_at: self.ports.clock.wall(),
            time_zone: "UTC".to_owned(),
        };
        let uid = person.uid;
        Ok([
            Write::AddUser(person),
            Write::Test(TestWrite::MarkPerson {
                person: uid,
                developer,
                most: self.config.test_people_max,
            }),
            Write::AcceptTerms {
                app,
                user: uid,
                added: true,
            },
        ])
    }

    /// A new secret of the test application and a new session and link for each of its people; the ones before are void at once.
    ///
    /// # Errors
    /// `Conflict::Missing` before test mode has begun; when the books fail.
    pub async fn new_test_keys(&self, developer: Uid) -> Result<TestKeys, AccountError> {
        let bench = self.test_bench(developer).await?;
        let bench = bench.ok_or(AccountError::Conflict(Conflict::Missing))?;
        let mut row = bench.app.as_ref().clone();
        row.secret = Secret::new(self.random_hex::<16>());
        row.previous_secret = None;
        let app = self.store_app(bench.app, row).await?;
        let mut people = Vec::new();
        for user in bench.people {
            for session in self.ports.store.sessions_of(app.id, user.uid).await? {
                self.remove_session(session.key.as_str()).await?;
            }
            let session = self
                .add_session(NewSessionOrder {
                    app: app.id.to_string(),
                    user: user.uid.to_string(),
                    ttl_secs: Some(SESSION_SECS),
                    session_key: None,
                    session_secret: None,
                })
                .await?;
            let link = self.new_test_link(&user).await?;
            people.push(TestPerson { user, session, link });
        }
        Ok(TestKeys { app, people })
    }

    /// A link's token that logs one test person of this developer in once; older ones are void. `None` for anybody else.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn test_link(
        &self,
        developer: Uid,
        person: Uid,
    ) -> Result<Option<(Arc<User>, Secret)>, AccountError> {
        if self.ports.store.developer_of(person).await? != Some(developer) {
            return Ok(None);
        }
        let Some(user) = self.user(person).await? else {
            return Ok(None);
        };
        let link = self.new_test_link(&user).await?;
        Ok(Some((user, link)))
    }

    async fn new_test_link(&self, person: &User) -> Result<Secret, AccountError> {
        self.commit(vec![Write::Test(TestWrite::VoidLinks(person.uid))])
            .await?;
        self.add_login_link(&person.uid.to_string()).await
    }

    /// Ends test mode: its people and everything of theirs go, and the application's keys are void until it begins again.
    ///
    /// # Errors
    /// When the books fail; what has gone until then stays gone, and the next call goes on.
    pub async fn end_test(&self, developer: Uid) -> Result<(), AccountError> {
        let mode = self.ports.store.test_mode(developer).await?;
        for person in mode.people {
            match self.erase_user(&person.to_string()).await {
                Ok(_) | Err(AccountError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(app) = mode.app else { return Ok(()) };
        match self.withdraw(app, developer).await {
            Ok(()) => {}
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error),
        }
        let Some(older) = self.app(app).await? else {
            return Ok(());
        };
        let mut row = older.as_ref().clone();
        row.secret = Secret::new(self.random_hex::<16>());
        row.previous_secret = None;
        self.store_app(older, row).await.map(|_| ())
    }

    /// Whose test person this is; `None` for everybody else.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn developer_of(&self, person: Uid) -> Result<Option<Uid>, AccountError> {
        Ok(self.ports.store.developer_of(person).await?)
    }

    /// Why this person cannot accept this application, so that nobody is asked who would be refused; `None` for whoever may. The
    /// rule itself is a condition of the books.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn barred(&self, app: &App, user: Uid) -> Result<Option<Barred>, AccountError> {
        let is_test = self.ports.store.test_apps().await?.contains(&app.id);
        Ok(match self.developer_of(user).await? {
            Some(developer) if is_test && app.owner == developer => None,
            Some(_) => Some(Barred::TestPerson),
            None if is_test && app.owner != user => Some(Barred::TestApp),
            None => None,
        })
    }

    /// The applications that a person may be offered: test applications to nobody but their test people, and those nothing else.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn apps_open_to(&self, user: Uid) -> Result<Vec<Arc<App>>, AccountError> {
        let developer = self.developer_of(user).await?;
        let tests = self.ports.store.test_apps().await?;
        let mut apps = self.apps().await?;
        apps.retain(|app| match developer {
            Some(developer) => tests.contains(&app.id) && app.owner == developer,
            None => !tests.contains(&app.id),
        });
        Ok(apps)
    }
}

/// The name of a developer's test person at a place.
fn name_of(place: usize, developer: Uid) -> String {
    let names = FIRST_NAMES.len();
    let first = FIRST_NAMES.get(place % names).copied().unwrap_or_default();
    match place / names {
        0 => format!("{first} (test person of {developer})"),
        round => format!("{first} {} (test person of {developer})", round.saturating_add(1)),
    }
}

/// The place that a test person's name says.
fn place_of(name: &str) -> usize {
    let own = name.split(" (").next().unwrap_or_default();
    let (first, round) = own.split_once(' ').unwrap_or((own, "1"));
    let place = FIRST_NAMES
        .iter()
        .position(|known| *known == first)
        .unwrap_or_default();
    let round: usize = round.parse().unwrap_or(1);
    round
        .saturating_sub(1)
        .saturating_mul(FIRST_NAMES.len())
        .saturating_add(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_name_and_a_name_one_place() {
        let developer = Uid::new(9_999_999_999).unwrap();
        let names: Vec<String> = (0..25).map(|place| name_of(place, developer)).collect();
        for (place, name) in names.iter().enumerate() {
            assert_eq!(place_of(name), place, "{name}");
            assert!(name.chars().count() <= super::super::NAME_CHARS_MAX, "{name}");
        }
        assert_eq!(names[0], "Tess (test person of 9999999999)");
        assert_eq!(names[11], "Theo 2 (test person of 9999999999)");
    }
}
