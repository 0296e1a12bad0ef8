//! `crier backup` and `crier restore`.

use super::output::say;
use super::place::Place;
use super::{Ended, failed};
use crate::boot;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  crier backup crier-2026-11-21.db
  crier restore crier-2026-11-21.db --data ./crier-data

The copy holds the database. The key that opens its secrets stays in the data folder (keys/store.key): keep it too, elsewhere.";

/// `backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Backup {
    /// The file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

impl Backup {
    /// Runs the command.
    pub fn run(self) -> Ended {
        super::block_on(async {
            let server = self.place.open().await?;
            let copied = server.backup(&self.file).map_err(failed);
            server.close().await;
            copied
        })?;
        say(&format!("the store is copied to {}", self.file.display()));
        Ok(0)
    }
}

/// `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Restore {
    /// A file that `crier backup` has written
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

impl Restore {
    /// Runs the command.
    pub fn run(self) -> Ended {
        let config = self.place.load(Vec::new())?.config;
        boot::restore(&config, &self.file).map_err(failed)?;
        say(&format!("the store is as it was in {}", self.file.display()));
        Ok(0)
    }
}
