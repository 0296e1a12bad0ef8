//! `crier migrate`: bring the store to this version's shape.

use super::Ended;
use super::output::say;
use super::place::Place;

const EXAMPLES: &str = "\
Examples:
  crier backup before.db && crier migrate

`crier serve` does this by itself on SQLite.";

/// `migrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Migrate {
    #[command(flatten)]
    place: Place,
}

impl Migrate {
    /// Runs the command: a store on SQLite is migrated by being opened.
    pub fn run(self) -> Ended {
        super::block_on(async {
            let server = self.place.open_or_make().await?;
            server.close().await;
            say("the store has this version's shape");
            Ok(0)
        })
    }
}
