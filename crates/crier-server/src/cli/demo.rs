//! `crier demo`: a server with people, applications and a game to try (operating section 6).

use super::output::say;
use super::serve::{Serve, runtime};
use super::{Ended, Failure, failed};
use crate::adapters::entropy::OsEntropy;
use crate::boot::{self, Listeners, Overrides};
use crate::config::Loaded;
use crate::demo::{self, Stage, quoted};
use crate::lifecycle::{self, Stop};
use crate::telemetry;
use crier_platform::ports::entropy::random_bytes;
use crier_proto::digest::lower_hex;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `--data` means here.
pub const FOLDER: &str = "Data folder that stays [default: a temporary one, removed at the end]";
/// Examples of `demo`.
pub const EXAMPLES: &str = "\
Examples:
  crier demo                                  a temporary folder, removed at the end
  crier demo --data ./demo                    keeps its people, keys and stories for the next time
  crier demo --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0     take free ports

Prints two links (open them in two windows that share no cookies), the application's keys, and three commands to paste.
Ctrl-C ends it.";

/// Flags of `demo`: those of `serve`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Demo {
    #[command(flatten)]
    serve: Serve,
}

impl Demo {
    /// Serves the demo until a signal ends it. Without `--data` its folder goes with it.
    pub fn run(mut self) -> Ended {
        let lasting = self.serve.place.data.is_some();
        let folder = match self.serve.place.data.clone() {
            Some(folder) => folder,
            None => temporary()?,
        };
        self.serve.place.data = Some(folder.clone());
        let ended = self
            .serve
            .load()
            .and_then(|loaded| runtime()?.block_on(serve(loaded, &folder)));
        if !lasting {
            // What cannot be removed is left to the system's own cleaning of temporary folders.
            let _ = std::fs::remove_dir_all(&folder);
        }
        ended
    }
}

/// A folder of this process's own: its name cannot be foreseen, and one that is there already is never used.
fn temporary() -> Result<PathBuf, Failure> {
    let entropy = OsEntropy::open().map_err(failed)?;
    let name = lower_hex(&random_bytes::<8>(&entropy));
    let folder = std::env::temp_dir().join(format!("crier-demo-{name}"));
    let made = std::fs::DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(|why| failed(format!("cannot make {}: {why}", folder.display())))?;
    Ok(folder)
}

/// This binary as it can be pasted from the working folder.
fn own_command() -> Result<String, Failure> {
    let binary = std::env::current_exe().map_err(failed)?;
    let here = std::env::current_dir().unwrap_or_default();
    let shorter = binary
        .strip_prefix(&here)
        .ok()
        .filter(|path| path.components().count() > 1);
    Ok(quoted(&shorter.unwrap_or(&binary).display().to_string()))
}

async fn serve(loaded: Loaded, folder: &Path) -> Ended {
    let mut config = loaded.config;
    telemetry::start(config.server.log_format, config.server.log_level);
    say("crier demo: building its data");
    let listeners = Listeners::bind(&mut config.server).await.map_err(failed)?;
    let game = demo::listen().await.map_err(failed)?;
    let origin = game.local_addr().map_err(failed)?;
    // The demo's own pictures, and nothing else of this machine.
    config
        .media
        .dial_allow
        .push(format!("{}/32:{}", origin.ip(), origin.port()));
    let address = listeners.address().map_err(failed)?;
    let admin = listeners.admin_address().map_err(failed)?;
    let entropy = Arc::new(OsEntropy::open().map_err(failed)?);
    let overrides = Overrides {
        entropy: Some(entropy.clone()),
        ..Overrides::default()
    };
    let (bounds, head_deadline) = (config.demo.clone(), config.server.head_deadline);
    let mut server = boot::build(config, overrides).await.map_err(failed)?;
    server.state.command = own_command()?.into();
    server.claim().map_err(failed)?;
    let stop = Stop::new();
    lifecycle::stop_at_signals(&stop).map_err(failed)?;
    let stage = Stage {
        state: &server.state,
        bounds: (&bounds, head_deadline),
        folder,
        entropy: &*entropy,
        stop: &stop,
        command: &server.state.command,
        progress: &|step| say(&format!("  {step}")),
    };
    let welcome = demo::open(&stage, game).await.map_err(failed)?;
    let ready = move || {
        tracing::info!(listen = %address, admin_listen = %admin, "ready");
        say(&welcome.text());
        say(&format!("crier ready on http://{address}"));
    };
    Ok(u8::from(!server.run(listeners, stop, ready).await))
}
