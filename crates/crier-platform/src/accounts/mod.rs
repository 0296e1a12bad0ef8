//! Use cases behind site and command line: people, applications, acceptances, sessions, logins.
//!
//! They obey the same ports and the same commit as the methods, and never build a verified call. They know neither
//! HTTP nor the terminal: every error is one sentence that either may show.
//!
//! - `admin`: users, grants, sessions, export and erasure
//! - `apps`: applications, their settings and secrets; `settings`: the table of setting names; `allow_ip`, `origins`: two grammars
//! - `developer`: what owners do with their own applications in the console; `app_people`: what they see of people; `test_mode`: an
//!   application and people for tests alone
//! - `administration`: what administrators ask and do beside that
//! - `audit`: reading and checking the log of what was done
//! - `hooks`: what an application is told of acceptances and withdrawals
//! - `receipts`: the secret that signs receipts, where they go, and the receiver that wants none
//! - `login`: logging in and out; `terms`: accepting, withdrawing; `ways_in`: tokens, typed codes and sessions for an
//!   application; `canvas`: what the frame of a canvas page is told of its visitor

pub mod admin;
mod administration;
pub mod allow_ip;
pub mod app_people;
pub mod apps;
mod audit;
mod canvas;
pub mod developer;
mod export;
pub mod hooks;
pub mod login;
pub mod origins;
pub mod receipts;
mod settings;
pub mod terms;
pub mod test_mode;
pub mod ways_in;

use self::hooks::HooksConfig;
use crate::model::audit::Actor;
use crate::model::bad_key::{BadKey, at_least, at_most_other};
use crate::model::quantity::Span;
use crate::ports::Ports;
use crate::ports::entropy::random_bytes;
use crate::ports::store::{Batch, CommitError, Conflict, Made, StoreFault, UnitId, Write};
use crier_proto::digest::lower_hex;
use crier_proto::secret::Secret;

/// Why an account use case did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A value that breaks a rule; the text is one sentence that says which and what to do.
    #[error("{0}")]
    Invalid(String),
    /// A value of an application's setting that breaks a rule or is taken: its key, and such a sentence.
    #[error("{sentence}")]
    Setting {
        /// The setting, as `app set` names it.
        key: String,
        /// The sentence.
        sentence: String,
    },
    /// What was named does not exist; the text says what was looked for.
    #[error("{0}")]
    NotFound(String),
    /// A condition of the books did not hold.
    #[error("{}", conflict_sentence(.0))]
    Conflict(Conflict),
    /// The books failed.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Password hashing failed.
    #[error(transparent)]
    Password(#[from] crate::ports::passwords::PasswordFault),
}

impl AccountError {
    /// The same, told of a setting.
    fn of_setting(self, key: &str) -> Self {
        let Self::Invalid(sentence) = self else {
            return self;
        };
        Self::Setting {
            key: key.to_owned(),
            sentence,
        }
    }

    /// What was to be changed does not exist, or not any more.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        *self == Self::Conflict(Conflict::Missing)
    }

    /// The token is unknown, foreign, expired, not in the wanted state or used.
    #[must_use]
    pub fn is_stale_token(&self) -> bool {
        *self == Self::Conflict(Conflict::TokenNotUsable)
    }
}

/// What a broken condition means to a person.
const fn conflict_sentence(conflict: &Conflict) -> &'static str {
    match conflict {
        Conflict::WindowClosed { .. } => "the twelve hours are not over",
        Conflict::NameTaken => "the name is already taken",
        Conflict::IdTaken => "the number is already in use",
        Conflict::KeyTaken => "the key is already in use",
        Conflict::CanvasTaken => "the canvas name is already taken",
        Conflict::TokenNotUsable => "the token is unknown, used or expired",
        Conflict::Changed => "somebody else is changing it; try again",
        Conflict::Missing => "it does not exist any more",
        Conflict::OwnsApps => "the user still owns applications",
        Conflict::PhotosFull => "the user has as many photos as they may have",
        Conflict::Blocked => "the image is blocked",
        Conflict::AddressesFull => "there are as many private feeds as there may be; revoke one first",
        Conflict::TestOnly => {
            "a test application and test people are there for each other and their developer alone"
        }
        Conflict::TestTaken => "there is a test application already, or as many test people as there may be",
        Conflict::AppsFull => "there are as many applications as one developer may have",
        Conflict::QueueFull => "as many pictures are waiting as may wait; try again later",
    }
}

/// Bounds and spans of accounts; section `accounts` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountsConfig {
    /// Shortest password in characters: `accounts.password_chars_min`.
    pub password_chars_min: usize,
    /// Longest password in bytes, so that hashing has a bound: `accounts.password_bytes_max`.
    pub password_bytes_max: usize,
    /// How long a browser stays logged in: `accounts.login_lasts`.
    pub login_lasts: Span,
    /// How long a link that logs in once is of use: `accounts.login_link_lasts`.
    pub login_link_lasts: Span,
    /// How long the previous secret signs after a rotation: `accounts.secret_overlap`.
    pub secret_overlap: Span,
    /// Who may make applications in the console: `accounts.app_makers`.
    pub app_makers: AppMakers,
    /// Applications that one person may have and still make another in the console: `accounts.apps_per_developer_max`.
    pub apps_per_developer_max: u32,
    /// Test people of one developer: `accounts.test_people_max`.
    pub test_people_max: u32,
}

/// Who may make applications in the console. The operator always may, from the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppMakers {
    /// Everybody who can log in.
    Everyone,
    /// Administrators alone.
    Administrators,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            password_chars_min: 8,
            password_bytes_max: 1024,
            login_lasts: Span(30 * 86_400_000),
            login_link_lasts: Span(86_400_000),
            secret_overlap: Span(86_400_000),
            app_makers: AppMakers::Everyone,
            apps_per_developer_max: 50,
            test_people_max: 10,
        }
    }
}

impl AccountsConfig {
    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn check(&self) -> Result<(), BadKey> {
        at_least("accounts.password_chars_min", self.password_chars_min, 1)?;
        // Otherwise no password could be chosen at all.
        at_most_other(
            ("accounts.password_chars_min", self.password_chars_min),
            ("accounts.password_bytes_max", self.password_bytes_max),
        )?;
        at_least("accounts.login_lasts", self.login_lasts, Span(60_000))?;
        at_least("accounts.login_link_lasts", self.login_link_lasts, Span(60_000))
    }
}

/// The use cases. Clone it freely.
#[derive(Clone)]
pub struct Accounts {
    pub(crate) ports: Ports,
    pub(crate) config: AccountsConfig,
    actor: Actor,
    hooks: HooksConfig,
}

impl Accounts {
    /// Accounts over these ports, with the default bounds.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self::with_config(ports, (AccountsConfig::default(), HooksConfig::default()))
    }

    /// Accounts over these ports with these bounds.
    #[must_use]
    pub fn with_config(ports: Ports, (config, hooks): (AccountsConfig, HooksConfig)) -> Self {
        Self {
            ports,
            config,
            hooks,
            actor: Actor::System,
        }
    }

    /// The same use cases, done by this actor: the audit log says so.
    #[must_use]
    pub fn done_by(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    /// 64 random hexadecimal digits that no store keeps: what a browser without a login proves its forms with.
    #[must_use]
    pub fn new_form_secret(&self) -> Secret {
        Secret::new(self.random_hex::<32>())
    }

    /// `2 × N` random hexadecimal digits.
    pub(crate) fn random_hex<const N: usize>(&self) -> String {
        lower_hex(&random_bytes::<N>(&*self.ports.entropy))
    }

    /// A random number of nine or ten digits: long enough to hint at nothing, short enough for every client's integers.
    pub(crate) fn random_number(&self) -> i64 {
        let bytes = random_bytes::<8>(&*self.ports.entropy);
        let number = u64::from_le_bytes(bytes) % 9_900_000_000;
        100_000_000_i64.saturating_add_unsigned(number)
    }

    /// Applies writes as one unit.
    pub(crate) async fn commit(&self, writes: Vec<Write>) -> Result<Vec<Made>, AccountError> {
        let batch = Batch {
            id: UnitId(random_bytes::<16>(&*self.ports.entropy)),
            by: self.actor,
            now: self.ports.clock.wall(),
            writes,
        };
        match self.ports.store.commit(batch).await {
            Ok(made) => Ok(made),
            Err(CommitError::Refused(conflict)) => Err(AccountError::Conflict(conflict)),
            Err(CommitError::Fault(fault)) => Err(AccountError::Store(fault)),
        }
    }
}

/// Random numbers tried before a full house is reported: with less than a billion rows one in ten is taken at worst.
pub(crate) const ID_ATTEMPTS_MAX: usize = 16;

/// How often a change is made anew because somebody else has changed the row since it was read.
pub(crate) const CHANGE_ATTEMPTS_MAX: usize = 16;

/// Longest name of a user or an application, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// A name that people may carry: 1 to 64 characters, nothing invisible at its ends, no controls, never all digits.
pub(crate) fn check_name(whose: &str, name: &str) -> Result<(), AccountError> {
    let length = name.chars().count();
    let problem = if name.is_empty() {
        "may not be empty"
    } else if length > NAME_CHARS_MAX {
        "has at most 64 characters"
    } else if name.trim() != name {
        "may not begin or end with white space"
    } else if name.chars().any(char::is_control) {
        "may not contain control characters"
    } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
        "may not be all digits, so that nobody takes it for a number"
    } else {
        return Ok(());
    };
    Err(AccountError::Invalid(format!("the name of {whose} {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_neither_empty_nor_long_nor_padded_nor_all_digits() {
        for good in ["ada", "Bo B.", "a1", "名前", &"x".repeat(64)] {
            assert_eq!(check_name("a user", good), Ok(()), "{good}");
        }
        for bad in ["", " ada", "ada\t", "a\u{7}b", "1240077", &"x".repeat(65)] {
            assert!(
                matches!(check_name("a user", bad), Err(AccountError::Invalid(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn every_conflict_reads_as_a_sentence() {
        assert_eq!(
            AccountError::Conflict(Conflict::NameTaken).to_string(),
            "the name is already taken"
        );
        assert_eq!(
            AccountError::Conflict(Conflict::TokenNotUsable).to_string(),
            "the token is unknown, used or expired"
        );
    }
}
