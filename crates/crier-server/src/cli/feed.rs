//! `crier feed …`: a person's feed as its record says it (feed 8.6).

use super::Ended;
use super::output::{Output, say};
use super::place::Place;
use crier_platform::accounts::AccountError;

const EXAMPLES: &str = "\
Examples:
  crier feed export ada > record.jsonl
  crier simulate --replay record.jsonl
  crier feed export ada --with-text | jq -r 'select(.line == \"story\") | .title'";

/// Commands on feeds. USER is a uid or a name.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Feed {
    /// Write a person's record, one JSON object a line: config, bucket, story, event, view; crier simulate --replay reads it
    Export(Export),
}

/// `feed export`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Export {
    /// Uid or name
    user: String,
    /// Write the texts of stories too
    #[arg(long)]
    with_text: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

impl Feed {
    /// Runs the command.
    pub fn run(self) -> Ended {
        let Self::Export(Export {
            user,
            with_text,
            place,
            // The record is JSON in either form.
            output: _,
        }) = self;
        let lines = place.with_state(async |state| {
            let user = state.accounts.find_user(&user).await?;
            let lines = state.feed.export(user.uid, with_text).await;
            lines.map_err(AccountError::from)
        })?;
        for line in &lines {
            let line = serde_json::to_string(line);
            say(&line.expect("numbers and texts under known names are always JSON"));
        }
        Ok(0)
    }
}
