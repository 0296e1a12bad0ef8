//! Section `[demo]` of the configuration: what the listener of the demo's applications takes in.

use crier_platform::model::bad_key::{BadKey, at_least};

/// Section `[demo]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DemoConfig {
    /// Connections to the demo's applications at once: `demo.connections_max`.
    pub connections_max: usize,
    /// Sessions that the game remembers: `demo.sessions_max`.
    pub sessions_max: usize,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self {
            connections_max: 256,
            sessions_max: 256,
        }
    }
}

impl DemoConfig {
    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn check(&self) -> Result<(), BadKey> {
        at_least("demo.connections_max", self.connections_max, 1)?;
        at_least("demo.sessions_max", self.sessions_max, 1)
    }
}
