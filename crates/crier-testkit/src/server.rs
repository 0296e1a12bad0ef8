//! A whole server in the test's own process: real sockets on free ports, real books in a folder of its own, the test's clock
//! and chance.
#![expect(
    clippy::disallowed_methods,
    reason = "the server runs as a task of the test's own runtime and is awaited at its stop"
)]

use crate::clock::ManualClock;
use crate::entropy::SeededEntropy;
use crate::faulty::FaultyStore;
use crate::patience::within;
use crate::signed::SignedClient;
use crier_platform::accounts::Accounts;
use crier_platform::model::quantity::Span;
use crier_server::boot::{Listeners, OverBooks, Overrides, build};
use crier_server::config::{self, Sources};
use crier_server::lifecycle::Stop;
use crier_server::state::AppState;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// Where the test's clock stands at first: 2026-11-21T00:00:00Z.
pub const START_MS: i64 = 1_795_219_200_000;

/// A running server. Dropping it cuts it.
pub struct TestServer {
    /// The public listener.
    pub address: SocketAddr,
    /// The admin listener.
    pub admin_address: SocketAddr,
    /// The handles that its doors hold.
    pub state: AppState,
    /// The books as its use cases meet them.
    pub books: Arc<FaultyStore>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    stop: Stop,
    running: JoinHandle<bool>,
    folder: Arc<TempDir>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cut();
    }
}

fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

impl TestServer {
    /// Starts with the default configuration in a new folder.
    ///
    /// # Errors
    /// Whatever keeps a server from starting, as it would be told to the operator.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(&[]).await
    }

    /// Starts with these keys set, as if by the environment: `("CRIER__SERVER__URL", "http://…")`.
    ///
    /// # Errors
    /// As `start`.
    pub async fn start_with(keys: &[(&str, &str)]) -> io::Result<Self> {
        let clock = Arc::new(ManualClock::at(START_MS));
        Self::start_in(Arc::new(TempDir::new()?), clock, keys).await
    }

    /// Starts with these keys set and a clock that goes through short waits by itself.
    ///
    /// # Errors
    /// As `start`.
    pub async fn start_going_with(keys: &[(&str, &str)]) -> io::Result<Self> {
        let clock = Arc::new(ManualClock::going_at(START_MS));
        Self::start_in(Arc::new(TempDir::new()?), clock, keys).await
    }

    /// Starts in a folder that another server has left, at its clock.
    ///
    /// # Errors
    /// As `start`.
    pub async fn start_in(
        folder: Arc<TempDir>,
        clock: Arc<ManualClock>,
        keys: &[(&str, &str)],
    ) -> io::Result<Self> {
        let environment = keys
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let sources = Sources {
            environment,
            ..Sources::default()
        };
        let mut config = config::load(&sources).map_err(other)?.config;
        config.server.data = folder.path().to_path_buf();
        config.server.listen = vec!["127.0.0.1:0".to_owned()];
        config.server.admin_listen = "127.0.0.1:0".to_owned();
        // Nobody turns the clock while a test waits for the end.
        config.server.drain_least = Span(0);
        let listeners = Listeners::bind(&mut config.server).await.map_err(other)?;
        let address = listeners.address().map_err(other)?;
        let admin_address = listeners.admin_address().map_err(other)?;
        let made = Arc::new(OnceLock::new());
        let keep = Arc::clone(&made);
        let over: OverBooks =
            Arc::new(move |store| Arc::clone(keep.get_or_init(|| Arc::new(FaultyStore::over(store)))) as _);
        let overrides = Overrides {
            books: Some(over),
            clock: Some(Arc::clone(&clock) as Arc<_>),
            entropy: Some(Arc::new(SeededEntropy::new(1))),
            ..Overrides::default()
        };
        let server = build(config, overrides).await.map_err(other)?;
        let books = made.get().map(Arc::clone);
        let books = books.ok_or_else(|| other("the server was built without its books"))?;
        let state = server.state.clone();
        let stop = Stop::new();
        let running = tokio::spawn(server.run(listeners, stop.clone(), || ()));
        Ok(Self {
            address,
            admin_address,
            state,
            books,
            clock,
            stop,
            running,
            folder,
        })
    }

    /// The use cases of operators.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.state.accounts
    }

    /// The lines of `user export`.
    ///
    /// # Errors
    /// What the operator would be told.
    pub async fn exported(&self, user: &str) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut write = |line| lines.push(line);
        let export = self.accounts().export_user(user, &self.state.feed, &mut write);
        export.await.map_err(other)?;
        Ok(lines)
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder, to be kept beyond this server's end.
    #[must_use]
    pub fn folder(&self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    /// A caller of an application.
    #[must_use]
    pub fn caller(&self, api_key: &str, secret: &str) -> SignedClient {
        SignedClient::new(self.address, api_key, secret)
    }

    /// Stops softly and waits for the end; true after a clean drain.
    ///
    /// # Errors
    /// When the server panicked or did not end.
    pub async fn stop(mut self) -> io::Result<bool> {
        self.stop.advance();
        within("the server's end", async {
            (&mut self.running).await.map_err(other)
        })
        .await
    }

    /// Begins a soft stop and cuts it at once, as a second signal does; true if it was clean all the same.
    ///
    /// # Errors
    /// As `stop`.
    pub async fn stop_twice(self) -> io::Result<bool> {
        self.stop.advance();
        self.stop().await
    }

    /// Stops softly and starts again over the same books, clock and keys, on other ports.
    ///
    /// # Errors
    /// As `stop` and `start`.
    pub async fn restart(self, keys: &[(&str, &str)]) -> io::Result<Self> {
        let (folder, clock) = (Arc::clone(&self.folder), Arc::clone(&self.clock));
        self.stop().await?;
        Self::start_in(folder, clock, keys).await
    }

    /// Cuts without a drain and starts again over the same books.
    ///
    /// # Errors
    /// As `start`, and when the server did not end.
    pub async fn restart_after_cut(mut self, keys: &[(&str, &str)]) -> io::Result<Self> {
        let (folder, clock) = (Arc::clone(&self.folder), Arc::clone(&self.clock));
        self.stop.cut();
        within("the server's end", async {
            (&mut self.running).await.map(drop).map_err(other)
        })
        .await?;
        Self::start_in(folder, clock, keys).await
    }
}
