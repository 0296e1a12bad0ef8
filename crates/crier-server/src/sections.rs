//! The sections of the configuration as values: each room owns its own, this page nests them.
//!
//! Knows nothing of files, environment and flags: `config` reads those.

use crate::demo::DemoConfig;
use crate::middleware::real_ip::TrustedProxies;
use crate::site::SiteConfig;
use crier_live::config::{LiveConfig, ReceiptsConfig};
use crier_media::config::MediaConfig;
use crier_platform::accounts::AccountsConfig;
use crier_platform::accounts::hooks::HooksConfig;
use crier_platform::call_log::CallLogConfig;
use crier_platform::feed::config::FeedConfig;
use crier_platform::model::bad_key::{BadKey, at_least, at_most_other};
use crier_platform::model::quantity::{Bytes, Span};
use crier_store::StoreConfig;
use serde::Deserialize;
use std::path::PathBuf;

/// All sections.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// Section `server`.
    pub server: ServerConfig,
    /// Section `accounts`.
    pub accounts: AccountsConfig,
    /// Section `calls`.
    pub calls: CallLogConfig,
    /// Section `demo`.
    pub demo: DemoConfig,
    /// Section `feed`.
    pub feed: FeedConfig,
    /// Section `hooks`.
    pub hooks: HooksConfig,
    /// Section `live`.
    pub live: LiveConfig,
    /// Section `media`.
    pub media: MediaConfig,
    /// Section `receipts`.
    pub receipts: ReceiptsConfig,
    /// Section `site`.
    pub site: SiteConfig,
    /// Section `store`.
    pub store: StoreConfig,
}

/// Section `server`; each key is described in `config/crier.default.toml`.
#[derive(Debug, Clone, Deserialize)]
pub struct ServerConfig {
    /// Data folder.
    pub data: PathBuf,
    /// Public listeners.
    pub listen: Vec<String>,
    /// Admin listener.
    pub admin_listen: String,
    /// Public address, or empty.
    pub url: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
    /// Connections at once; 0: descriptors less 256.
    pub connections_max: usize,
    /// Connections of the admin listener at once.
    pub admin_connections_max: usize,
    /// Longest time for a request's head.
    pub head_deadline: Span,
    /// Most bytes of a request's head.
    pub head_bytes_max: Bytes,
    /// Most header fields of a request.
    pub head_fields_max: usize,
    /// Time before a body's rate counts.
    pub body_grace: Span,
    /// Least bytes per second of a body.
    pub body_rate: Bytes,
    /// Longest time for a body.
    pub body_deadline: Span,
    /// Where the books are: `sqlite:` in the data folder.
    pub store: String,
    /// What carries messages between processes: `memory:`.
    pub broker: String,
    /// Least time between the beginning of a soft stop and the last accepted connection.
    pub drain_least: Span,
    /// Password hashes at once.
    pub passwords_running_max: usize,
    /// Callers waiting for a hash.
    pub passwords_waiting_max: usize,
    /// Form of log lines.
    pub log_format: LogFormat,
    /// Least level of log lines.
    pub log_level: LogLevel,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human on a terminal, else JSON.
    Auto,
    /// Text for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Least level of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Our own faults.
    Error,
    /// What will become a fault.
    Warn,
    /// Starts, stops, refused calls.
    Info,
    /// Every call.
    Debug,
    /// Everything.
    Trace,
}

/// The smallest read buffer that the HTTP parser accepts.
const HEAD_BYTES_MIN: Bytes = Bytes(8_192);

/// Why a pair of addresses is not started, or nothing when it is the mode of one binary (operating section 2).
fn judge_mode(store: &str, broker: &str) -> Result<(), (&'static str, String)> {
    let scheme = |address: &str| address.split(':').next().unwrap_or_default().to_owned();
    let refused = |key, why: &str| Err((key, why.to_owned()));
    match (scheme(store).as_str(), scheme(broker).as_str()) {
        ("sqlite", "memory") if store != "sqlite:" => refused(
            "server.store",
            "SQLite lies in the data folder: write sqlite: alone and name the folder with --data",
        ),
        ("sqlite", "memory") => Ok(()),
        ("postgres" | "postgresql", "memory") => refused(
            "server.store",
            "PostgreSQL goes together with Redis: add --broker redis://HOST, or leave --store out",
        ),
        ("sqlite", "redis" | "rediss") => refused(
            "server.broker",
            "Redis goes together with PostgreSQL: add --store postgres://HOST/NAME, or leave --broker out",
        ),
        ("postgres" | "postgresql", "redis" | "rediss") => refused(
            "server.store",
            "this version runs on SQLite and its in-process broker alone: leave --store and --broker out",
        ),
        ("sqlite" | "postgres" | "postgresql", _) => refused(
            "server.broker",
            "must be memory: or begin with redis:// or rediss://",
        ),
        _ => refused("server.store", "must be sqlite: or begin with postgres://"),
    }
}

/// A listener's address is a host and a port; whether it can be bound shows at the start.
fn judge_address(address: &str) -> Result<(), String> {
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
        _ => Err(format!("{address:?} is no HOST:PORT, such as 127.0.0.1:8420")),
    }
}

impl Config {
    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn judge(&self) -> Result<(), (&'static str, String)> {
        let server = &self.server;
        judge_mode(&server.store, &server.broker)?;
        if server.listen.is_empty() {
            return Err((
                "server.listen",
                "name at least one address, such as 127.0.0.1:8420".into(),
            ));
        }
        for address in &server.listen {
            judge_address(address).map_err(|why| ("server.listen", why))?;
        }
        judge_address(&server.admin_listen).map_err(|why| ("server.admin_listen", why))?;
        self.judge_server()?;
        if !server.url.is_empty() {
            crate::state::PublicUrl::parse(&server.url).map_err(|why| ("server.url", why))?;
        }
        self.accounts.check()?;
        self.calls.check()?;
        self.demo.check()?;
        self.feed.check()?;
        self.hooks.check()?;
        self.live.check()?;
        self.media.check()?;
        self.receipts.check()?;
        self.site.check()?;
        self.store.check()?;
        TrustedProxies::parse(&server.trusted_proxies).map_err(|why| ("server.trusted_proxies", why))?;
        Ok(())
    }

    /// Bounds of section `server`, alone and beside those of live delivery.
    fn judge_server(&self) -> Result<(), BadKey> {
        let (server, live) = (&self.server, &self.live);
        at_least("server.head_bytes_max", server.head_bytes_max, HEAD_BYTES_MIN)?;
        at_least("server.head_fields_max", server.head_fields_max, 1)?;
        at_least("server.head_deadline", server.head_deadline, Span(1))?;
        at_least("server.admin_connections_max", server.admin_connections_max, 1)?;
        at_least("server.passwords_running_max", server.passwords_running_max, 1)?;
        at_least("server.body_rate", server.body_rate, Bytes(1))?;
        at_least("server.body_deadline", server.body_deadline, Span(1))?;
        // A stop that must last longer than it may could never end softly.
        at_most_other(
            ("server.drain_least", server.drain_least),
            ("live.stop_deadline", live.stop_deadline),
        )?;
        // Every live connection is one of the server's.
        if server.connections_max > 0 && live.connections_max > 0 {
            let live = ("live.connections_max", u64::from(live.connections_max));
            at_most_other(live, ("server.connections_max", server.connections_max as u64))?;
        }
        Ok(())
    }
}
