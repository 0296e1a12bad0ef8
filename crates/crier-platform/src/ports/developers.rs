//! What the console reads of the books beside applications: the people of one, sessions, and who is there for tests alone.

use crate::model::grant::Grant;
use crate::model::session::Session;
use crate::model::test_mode::TestMode;
use crate::model::time::WallMs;
use crate::ports::store::StoreFault;
use async_trait::async_trait;
use crier_proto::ids::{AppId, Uid};

/// Reads of the console.
#[async_trait]
pub trait Developers: Send + Sync {
    /// Up to `limit` acceptances of an application, the newest first, behind this one (all, when `None`).
    async fn people_of(
        &self,
        app: AppId,
        behind: Option<(WallMs, Uid)>,
        limit: u32,
    ) -> Result<Vec<Grant>, StoreFault>;
    /// All sessions of a user with an application, the newest first, expired ones included.
    async fn sessions_of(&self, app: AppId, user: Uid) -> Result<Vec<Session>, StoreFault>;
    /// A developer's test application and test people.
    async fn test_mode(&self, developer: Uid) -> Result<TestMode, StoreFault>;
    /// Whose test person this is.
    async fn developer_of(&self, person: Uid) -> Result<Option<Uid>, StoreFault>;
    /// All test applications, by id.
    async fn test_apps(&self) -> Result<Vec<AppId>, StoreFault>;
}
