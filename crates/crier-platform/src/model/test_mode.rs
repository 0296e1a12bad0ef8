//! Test mode of a developer: an application and people who are there for tests alone.

use crier_proto::ids::{AppId, Uid};

/// A developer's test application and test people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestMode {
    /// The test application, if there is one.
    pub app: Option<AppId>,
    /// The test people, by uid.
    pub people: Vec<Uid>,
}

/// One write to who is there for tests alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestWrite {
    /// Marks a new application as its developer's test application; `TestTaken` when they have one.
    MarkApp {
        /// The application.
        app: AppId,
        /// The developer.
        developer: Uid,
    },
    /// Marks a new user as a developer's test person; `TestTaken` when they have so many.
    MarkPerson {
        /// The user.
        person: Uid,
        /// The developer.
        developer: Uid,
        /// How many there may be.
        most: u32,
    },
    /// Voids the links that would log a user in.
    VoidLinks(Uid),
}
