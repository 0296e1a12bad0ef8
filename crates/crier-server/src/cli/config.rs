//! `crier config check` and `crier config print`.

use super::Ended;
use super::output::{say, say_bytes};
use super::place::Place;
use crate::config::{DEFAULT_PAGE, Origin};

const EXAMPLES: &str = "\
Examples:
  crier config print --default > crier.toml      every key, its default and what it means
  crier config check --config crier.toml         what differs from the defaults, or the first mistake and its line
  CRIER__LIVE__PING=10s crier config print       what is in force, and where each value comes from

A flag goes before the environment, the environment before the file, the file before the default.";

/// Commands on the configuration.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum ConfigCommand {
    /// Say whether the configuration can be used, and where each value that is not a default comes from
    Check(Check),
    /// Print every key, its value and where it comes from
    Print(Print),
}

/// `config check`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    #[command(flatten)]
    place: Place,
}

/// `config print`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
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
