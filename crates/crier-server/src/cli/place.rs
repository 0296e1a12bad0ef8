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

    /// The server's use cases without its doors; works beside a running server. Without books it makes none: a folder that was
    /// mistyped is told of, and stays away.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn open(&self) -> Result<Server, Failure> {
        let loaded = self.load(Vec::new())?;
        let folder = &loaded.config.server.data;
        if !boot::has_books(folder) {
            return Err(failed(format!(
                "there are no books in {}: start with crier serve or crier user add, or name the folder with --data",
                folder.display()
            )));
        }
        built(loaded).await
    }

    /// The same; books that are not there yet are made.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn open_or_make(&self) -> Result<Server, Failure> {
        built(self.load(Vec::new())?).await
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
        super::block_on(async { done_on(self.open().await?, work).await })
    }

    /// Runs one use case on the server's accounts, then closes the books; books that are not there yet are made.
    ///
    /// # Errors
    /// The use case's sentence.
    pub fn with_accounts_or_new<T, F>(&self, work: impl FnOnce(Accounts) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, crier_platform::accounts::AccountError>>,
    {
        super::block_on(async { done_on(self.open_or_make().await?, |state| work(state.accounts)).await })
    }
}

async fn built(loaded: Loaded) -> Result<Server, Failure> {
    boot::build(loaded.config, Overrides::default())
        .await
        .map_err(failed)
}

async fn done_on<T, F>(server: Server, work: impl FnOnce(AppState) -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, crier_platform::accounts::AccountError>>,
{
    let state = server.state.done_by(Actor::CommandLine);
    let done = work(state).await.map_err(failed);
    server.close().await;
    done
}

/// A flag whose value is a text.
pub fn text_flag(key: &'static str, name: &'static str, value: impl AsRef<str>) -> Flag {
    Flag {
        key,
        name,
        value: toml::Value::String(value.as_ref().to_owned()),
    }
}
