//! `crier config check` and `crier config print`.

use super::Ended;
use super::output::{say, say_bytes};
use super::place::Place;
use crate::config::{DEFAULT_PAGE, Origin};

/// Commands on the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration can be used, and where each value that is not a default comes from
    Check(Check),
    /// Print every key, its value and where it comes from
    Print(Print),
}

/// `config check`.
#[derive(Debug, clap::Args)]
pub struct Check {
    #[command(flatten)]
    place: Place,
}

/// `config print`.
#[derive(Debug, clap::Args)]
pub struct Print {
    /// Print the page of all keys, defaults and comments
    #[arg(long)]
    default: bool,
    #[command(flatten)]
    place: Place,
}

impl ConfigCommand {
    /// Runs the command.
    pub fn run(self) -> Ended {
        match self {
            Self::Check(Check { place }) => {
                let loaded = place.load(Vec::new())?;
                for (key, value, origin) in loaded.entries() {
                    if *origin != Origin::Default {
                        say(&format!("{key} = {value}  # {origin}"));
                    }
                }
                say("ok");
            }
            Self::Print(Print { default: true, .. }) => say_bytes(DEFAULT_PAGE.as_bytes()),
            Self::Print(Print { place, .. }) => {
                let loaded = place.load(Vec::new())?;
                let mut section = "";
                for (key, value, origin) in loaded.entries() {
                    let (of, name) = key.rsplit_once('.').unwrap_or(("", key));
                    if of != section {
                        let blank = if section.is_empty() { "" } else { "\n" };
                        say(&format!("{blank}[{of}]"));
                        section = of;
                    }
                    say(&format!("{name} = {value}  # {origin}"));
                }
            }
        }
        Ok(0)
    }
}
