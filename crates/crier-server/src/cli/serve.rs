//! `crier serve`.

use super::output::say;
use super::place::{Place, text_flag};
use super::{Ended, Failure, failed};
use crate::boot::{self, Listeners, Overrides};
use crate::config::{Flag, Loaded};
use crate::lifecycle::{self, Stop};
use crate::telemetry;
use tokio::runtime::Handle;

/// Examples of `serve`.
pub const EXAMPLES: &str = "\
Examples:
  crier serve
  crier serve --data /var/lib/crier --listen 0.0.0.0:8420 --url https://social.example/crier
  crier serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0     take free ports
  CRIER__SERVER__TRUSTED_PROXIES=10.0.0.0/8 crier serve

Prints `crier ready on http://ADDRESS` on standard output when every listener accepts; the log goes to standard error.
The first SIGTERM or SIGINT drains, the second stops hard. Every key: crier config print --default";

/// Flags of `serve`; `demo` takes them too.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Serve {
    #[command(flatten)]
    pub(super) place: Place,
    /// Address to serve on; repeatable, port 0 takes a free one [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Address of /healthz, /readyz and /metrics; never public [default: 127.0.0.1:8421]
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<String>,
    /// Public address, used in links, cookies and Origin checks [default: http:// and the first listen address]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// What carries messages between processes [default: memory:]
    #[arg(long, value_name = "ADDRESS")]
    broker: Option<String>,
    /// Form of the log's lines [default: human on a terminal, else json]
    #[arg(long, value_name = "human|json")]
    log_format: Option<String>,
    /// Bring the store to this version's shape first (SQLite's is always brought there)
    #[arg(long)]
    migrate: bool,
}

impl Serve {
    /// Serves until a signal ends it.
    pub fn run(self) -> Ended {
        let loaded = self.load()?;
        let (live, calls) = (runtime()?, runtime()?);
        calls.block_on(serve(loaded, live.handle().clone()))
    }

    /// The configuration with this command's flags on top.
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        let mut flags = Vec::new();
        if !self.listen.is_empty() {
            let addresses = self.listen.iter().cloned().map(toml::Value::String);
            flags.push(Flag {
                key: "server.listen",
                name: "--listen",
                value: toml::Value::Array(addresses.collect()),
            });
        }
        let texts = [
            ("server.admin_listen", "--admin-listen", &self.admin_listen),
            ("server.url", "--url", &self.url),
            ("server.broker", "--broker", &self.broker),
            ("server.log_format", "--log-format", &self.log_format),
        ];
        for (key, name, value) in texts {
            if let Some(value) = value {
                flags.push(text_flag(key, name, value));
            }
        }
        self.place.load(flags)
    }
}

/// One of the runtimes of a server: a worker per processor, and few threads for blocking work.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(64)
        .build()
        .map_err(failed)
}

async fn serve(loaded: Loaded, live: Handle) -> Ended {
    let mut config = loaded.config;
    telemetry::start(config.server.log_format, config.server.log_level);
    let listeners = Listeners::bind(&mut config.server).await.map_err(failed)?;
    let address = listeners.address().map_err(failed)?;
    let admin = listeners.admin_address().map_err(failed)?;
    let server = boot::build(config, Overrides::default()).await.map_err(failed)?;
    server.claim().map_err(failed)?;
    let server = server.with_live_on(live);
    let stop = Stop::new();
    lifecycle::stop_at_signals(&stop).map_err(failed)?;
    let url = server.state.public_url.url.clone();
    let ready = move || {
        tracing::info!(listen = %address, admin_listen = %admin, url, "ready");
        say(&format!("crier ready on http://{address}"));
    };
    Ok(u8::from(!server.run(listeners, stop, ready).await))
}
