//! `crier grant …`: a person's acceptance of an application's terms.

use super::Ended;
use super::output::{Output, Row};
use super::place::Place;
use crier_platform::model::grant::Grant as Acceptance;

const EXAMPLES: &str = "\
Examples:
  crier grant add --app Rochambeau --user ada
  crier grant add --app Rochambeau --user bo --no-feed     its stories stay out of bo's feed
  crier grant remove --app Rochambeau --user ada";

/// Commands on acceptances.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Grant {
    /// Record that a person accepts an application
    Add(Add),
    /// Withdraw a person from an application: its sessions for them end, nothing more reaches them
    Remove(Remove),
}

/// `grant add`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Add {
    /// Keep the application's stories out of the person's feed
    #[arg(long)]
    no_feed: bool,
    #[command(flatten)]
    pair: Pair,
}

/// `grant remove`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Remove {
    #[command(flatten)]
    pair: Pair,
}

/// An application and a person.
#[derive(Debug, clap::Args)]
struct Pair {
    /// Application: app_id, api_key or name
    #[arg(long, value_name = "APP")]
    app: String,
    /// Person: uid or name
    #[arg(long, value_name = "USER")]
    user: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

impl Grant {
    /// Runs the command.
    pub fn run(self) -> Ended {
        let (pair, feed) = match self {
            Self::Add(command) => (command.pair, Some(!command.no_feed)),
            Self::Remove(command) => (command.pair, None),
        };
        let (app, user) = (pair.app, pair.user);
        let grant = pair.place.with_accounts(async |accounts| match feed {
            Some(feed) => accounts.add_grant(&app, &user, feed).await,
            None => accounts.remove_grant(&app, &user).await,
        })?;
        pair.output.row(&row(&grant));
        Ok(0)
    }
}

fn row(grant: &Acceptance) -> Row {
    vec![
        ("app_id", grant.app.get().into()),
        ("uid", grant.user.get().into()),
        ("feed", grant.feed.into()),
    ]
}
