//! What the console reads, and the one rule of test mode: test people and test applications meet nobody but each other and their
//! developer.

use super::grants;
use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::Columns;
use super::sessions;
use async_trait::async_trait;
use crier_platform::model::grant::Grant;
use crier_platform::model::session::Session;
use crier_platform::model::test_mode::{TestMode, TestWrite};
use crier_platform::model::time::WallMs;
use crier_platform::ports::developers::Developers;
use crier_platform::ports::store::{Conflict, StoreFault};
use crier_proto::ids::{AppId, Uid};

/// Finds a row when this application and this user may not meet. Both of no developer, or both of the same, may; so may a test
/// application and its developer.
const STRANGERS: &str = "SELECT 1
  WHERE (SELECT owner FROM test_app WHERE app = ?1) IS NOT (SELECT owner FROM test_person WHERE user = ?2)
  AND (SELECT owner FROM test_app WHERE app = ?1) IS NOT ?2";

const PEOPLE: &str = "SELECT * FROM \"grant\" WHERE app = ?1 AND (granted_ms, user) < (?2, ?3)
  ORDER BY granted_ms DESC, user DESC LIMIT ?4";

impl Pen<'_> {
    /// Refuses what would bring test people and others together.
    pub(crate) fn refuse_strangers(&self, app: AppId, user: Uid) -> Result<(), Halt> {
        self.refuse_if(Conflict::TestOnly, STRANGERS, (app.get(), user.get()))
    }

    /// `Write::Test`.
    pub(crate) fn write_test(&self, write: &TestWrite) -> Result<(), Halt> {
        match *write {
            TestWrite::MarkApp { app, developer } => {
                self.refuse_if(
                    Conflict::TestTaken,
                    "SELECT 1 FROM test_app WHERE owner = ?1",
                    [developer.get()],
                )?;
                self.run(
                    "INSERT INTO test_app (app, owner) VALUES (?1, ?2)",
                    (app.get(), developer.get()),
                )?;
            }
            TestWrite::MarkPerson {
                person,
                developer,
                most,
            } => {
                self.refuse_if(
                    Conflict::TestTaken,
                    "SELECT 1 WHERE (SELECT COUNT(*) FROM test_person WHERE owner = ?1) >= ?2",
                    (developer.get(), most),
                )?;
                self.run(
                    "INSERT INTO test_person (user, owner) VALUES (?1, ?2)",
                    (person.get(), developer.get()),
                )?;
            }
            TestWrite::VoidLinks(user) => {
                self.run("DELETE FROM login_link WHERE user = ?1", [user.get()])?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Developers for SqliteStore {
    async fn people_of(
        &self,
        app: AppId,
        behind: Option<(WallMs, Uid)>,
        limit: u32,
    ) -> Result<Vec<Grant>, StoreFault> {
        let (at, user) = behind.map_or((i64::MAX, i64::MAX), |(at, user)| (at.0, user.get()));
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(PEOPLE)?;
            statement
                .query_map((app.get(), at, user, limit), grants::read)?
                .collect()
        })
    }

    async fn sessions_of(&self, app: AppId, user: Uid) -> Result<Vec<Session>, StoreFault> {
        let mut found: Vec<Session> = self.readers().read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM session WHERE user = ?1 AND app = ?2 ORDER BY id DESC")?;
            statement
                .query_map((user.get(), app.get()), |row| sessions::read(row, self.sealer()))?
                .collect()
        })?;
        for session in &mut found {
            let mark = self.marks().expiry(session.id);
            session.expires = sessions::moved(session.kind, session.expires, mark);
        }
        Ok(found)
    }

    async fn test_mode(&self, developer: Uid) -> Result<TestMode, StoreFault> {
        self.readers().read(|connection| {
            let mut app = connection.prepare_cached("SELECT app FROM test_app WHERE owner = ?1")?;
            let mut people =
                connection.prepare_cached("SELECT user FROM test_person WHERE owner = ?1 ORDER BY user")?;
            Ok(TestMode {
                app: app
                    .query_map([developer.get()], |row| row.app("app"))?
                    .next()
                    .transpose()?,
                people: people
                    .query_map([developer.get()], |row| row.user("user"))?
                    .collect::<rusqlite::Result<_>>()?,
            })
        })
    }

    async fn developer_of(&self, person: Uid) -> Result<Option<Uid>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT owner FROM test_person WHERE user = ?1")?;
            statement
                .query_map([person.get()], |row| row.user("owner"))?
                .next()
                .transpose()
        })
    }

    async fn test_apps(&self) -> Result<Vec<AppId>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT app FROM test_app ORDER BY app")?;
            statement.query_map([], |row| row.app("app"))?.collect()
        })
    }
}
