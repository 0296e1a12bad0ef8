//! Use cases behind site and command line: people, applications, acceptances, sessions, logins.
//!
//! They obey the same ports and the same commit as the methods, and never build a verified call.

pub mod admin;
pub mod login;
pub mod terms;

use crate::ports::Ports;
use crate::ports::store::{Conflict, StoreFault};

/// Why an account use case did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A value that breaks a rule; the text is one sentence that says which and what to do.
    #[error("{0}")]
    Invalid(String),
    /// What was named does not exist; the text says what was looked for.
    #[error("{0}")]
    NotFound(String),
    /// A condition of the books did not hold.
    #[error("{0:?}")]
    Conflict(Conflict),
    /// The books failed.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Password hashing failed.
    #[error(transparent)]
    Password(#[from] crate::ports::passwords::PasswordFault),
}

/// The use cases. Clone it freely.
#[derive(Clone)]
pub struct Accounts {
    pub(crate) ports: Ports,
}

impl Accounts {
    /// Accounts over these ports.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }
}
