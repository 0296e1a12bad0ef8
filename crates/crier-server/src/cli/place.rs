//! Which server a command means: its data folder, its store, its configuration file; and the use cases over them.

use super::{Failure, failed};
use crate::boot::{self, Overrides, Server};
use crate::config::{self, Flag, Loaded, Sources};
use crate::state::AppState;
use crier_platform::accounts::Accounts;
use crier_platform::model::audit::Actor;
use std::path::PathBuf;

/// Flags that every command on a server's books takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Place {
    /// Configuration file [default: crier.toml in the working folder if there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data folder [default: ./crier-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where the books are [default: sqlite: in the data folder]
    #[arg(long, value_name = "ADDRESS")]
    pub store: Option<String>,
}

impl Place {
    /// The configuration of that server, further flags on top.
    ///
    /// # Errors
    /// One sentence naming the key.
    pub fn load(&self, further: Vec<Flag>) -> Result<Loaded, Failure> {
        let mut flags = Vec::new();
        if let Some(data) = &self.data {
            flags.push(text_flag("server.data", "--data", data.display().to_string()));
        }
        if let Some(store) = &self.store {
            flags.push(text_flag("server.store", "--store", store));
        }
        flags.extend(further);
        config::load(&Sources::of_process(self.config.clone(), flags)).map_err(failed)
    }

    /// The server's use cases without its doors; works beside a running server.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn open(&self) -> Result<Server, Failure> {
        let loaded = self.load(Vec::new())?;
        boot::build(loaded.config, Overrides::default())
            .await
            .map_err(failed)
    }

    /// Runs one use case on the server's accounts, then closes the books.
    ///
    /// # Errors
    /// The use case's sentence.
    pub fn with_accounts<T, F>(&self, work: impl FnOnce(Accounts) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, crier_platform::accounts::AccountError>>,
    {
        self.with_state(|state| work(state.accounts))
    }

    /// Runs one use case, then closes the books.
    ///
    /// # Errors
    /// The use case's sentence.
    pub fn with_state<T, F>(&self, work: impl FnOnce(AppState) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, crier_platform::accounts::AccountError>>,
    {
        super::block_on(async {
            let server = self.open().await?;
            let state = server.state.done_by(Actor::CommandLine);
            let done = work(state).await.map_err(failed);
            server.close().await;
            done
        })
    }
}

/// A flag whose value is a text.
pub fn text_flag(key: &'static str, name: &'static str, value: impl AsRef<str>) -> Flag {
    Flag {
        key,
        name,
        value: toml::Value::String(value.as_ref().to_owned()),
    }
}
