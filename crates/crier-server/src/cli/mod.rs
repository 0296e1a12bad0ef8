//! The command line, one file per noun (operating page).
//!
//! Promise: a command that fails says one sentence on standard error and ends with its documented status. Knows use cases, never
//! ports.

mod app;
mod audit;
mod call;
mod config;
mod copy;
mod demo;
mod doctor;
mod feed;
mod grant;
mod listen;
mod migrate;
pub mod output;
mod paper;
mod picture;
mod place;
mod serve;
mod session;
mod simulate;
mod user;

use clap::{CommandFactory, Parser, Subcommand};
use output::complain;

/// Why a command ends early: one sentence, and the status of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    sentence: String,
    status: u8,
}

/// Ends a command with status 1.
fn failed(why: impl std::fmt::Display) -> Failure {
    Failure {
        sentence: why.to_string(),
        status: 1,
    }
}

/// What a command returns: the status of the process.
type Ended = Result<u8, Failure>;

const EXAMPLES: &str = "\
Start here:
  crier demo                              a server with people, an application and a game to try
  crier serve --data ./crier-data         a server of your own on http://127.0.0.1:8420

A first signed call:
  crier user add ada && crier user add bo
  crier app add Rochambeau --owner ada    prints api_key and secret
  crier grant add --app Rochambeau --user ada && crier grant add --app Rochambeau --user bo
  crier session add --app Rochambeau --user ada
  crier call liveMessage.send recipient=BO_UID event_name=rochambeau message=rock \\
      --api-key K --secret S --session-key SK";

/// Self-hosted revival of two calls of a platform of 2008: a live message to a person's open pages, and a story in their feed.
#[derive(Debug, Parser)]
#[command(name = "crier", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the REST door, the live door and the site
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::Serve),
    /// Serve a demo: people, applications, stories, and a game for two browser windows
    #[command(after_help = demo::EXAMPLES, mut_arg("data", |data| data.help(demo::FOLDER)))]
    Demo(demo::Demo),
    /// Add, change, show and erase people
    #[command(subcommand)]
    User(user::User),
    /// Add, change and show applications
    #[command(subcommand)]
    App(app::App),
    /// Record or withdraw a person's acceptance of an application
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Open and end sessions: an application's right to act for a person
    #[command(subcommand)]
    Session(session::Session),
    /// Write a feed's record; take a story down
    #[command(subcommand)]
    Feed(feed::Feed),
    /// Block pictures
    #[command(subcommand)]
    Picture(picture::Picture),
    /// Read and check the log of what operators and developers have done
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Sign a call, send it and print its answer
    Call(call::Call),
    /// Open a page-like connection and print each message as a JSON line
    Listen(listen::Listen),
    /// Look at configuration, store, broker, clock, free space and descriptors
    Doctor(doctor::Doctor),
    /// Check or print the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Bring the store to this version's shape
    Migrate(migrate::Migrate),
    /// Copy the store into a file, also while it is served
    Backup(copy::Backup),
    /// Put a copy in the place of the store of a server that is stopped
    Restore(copy::Restore),
    /// Simulate the feeds of invented people, or compute an exported record's views again
    Simulate(Box<simulate::Simulate>),
    /// Print a completion script for a shell
    Completions(paper::Completions),
    /// Print the manual, a page for each command
    #[command(after_help = paper::MAN)]
    Man,
    /// Print the version
    Version(paper::Version),
}

/// Reads the arguments, runs the command, returns the status of the process.
#[must_use]
pub fn main() -> u8 {
    let ended = match Cli::parse().command {
        Command::Serve(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::User(command) => command.run(),
        Command::App(command) => command.run(),
        Command::Grant(command) => command.run(),
        Command::Session(command) => command.run(),
        Command::Feed(command) => command.run(),
        Command::Picture(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Call(command) => command.run(),
        Command::Listen(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man => paper::man(),
        Command::Version(command) => command.run(),
    };
    ended.unwrap_or_else(|failure| {
        complain(&format!("crier: {}", failure.sentence));
        failure.status
    })
}

/// The whole command line, for completions, the manual page and tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs a command's future: one thread is enough for everything but serving.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?
        .block_on(future)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
