//! Section `[calls]` of the configuration: how much of an application's calls is kept for its developer to look at.

use crate::model::bad_key::{BadKey, at_least, at_most_other};
use crate::model::quantity::{Bytes, Span};

/// Section `[calls]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallLogConfig {
    /// Calls of one kind (answered, refused, not proved) that are kept of an application: `calls.kept_max`.
    pub kept_max: usize,
    /// Bytes of the parameters of those calls; the oldest calls lose theirs: `calls.kept_bytes_max`.
    pub kept_bytes_max: Bytes,
    /// Bytes of the parameters that are kept of one call: `calls.call_bytes_max`.
    pub call_bytes_max: Bytes,
    /// Applications whose calls are kept; the one that has not called for the longest time leaves: `calls.apps_max`.
    pub apps_max: usize,
    /// Parameters of answered calls are kept for this long after somebody has looked: `calls.watched_for`.
    pub watched_for: Span,
    /// Wrong signatures of one application that are explained in a minute: `calls.explained_per_app_max`.
    pub explained_per_app_max: u32,
    /// Wrong signatures of all applications that are explained in a minute: `calls.explained_max`.
    pub explained_max: u32,
    /// Names without effect that are counted for a lenient application; further ones are not: `calls.unread_names_max`.
    pub unread_names_max: usize,
}

impl Default for CallLogConfig {
    fn default() -> Self {
        Self {
            kept_max: 200,
            kept_bytes_max: Bytes(128 << 10),
            call_bytes_max: Bytes(16 << 10),
            apps_max: 500,
            watched_for: Span(600_000),
            explained_per_app_max: 60,
            explained_max: 600,
            unread_names_max: 64,
        }
    }
}

impl CallLogConfig {
    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn check(&self) -> Result<(), BadKey> {
        at_least("calls.kept_max", self.kept_max, 1)?;
        at_least("calls.apps_max", self.apps_max, 1)?;
        // A call that takes more than all of them together would be without its parameters as soon as it is kept.
        at_most_other(
            ("calls.call_bytes_max", self.call_bytes_max),
            ("calls.kept_bytes_max", self.kept_bytes_max),
        )?;
        at_most_other(
            ("calls.explained_per_app_max", self.explained_per_app_max),
            ("calls.explained_max", self.explained_max),
        )
    }
}
