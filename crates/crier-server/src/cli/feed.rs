//! `crier feed …`: a person's feed as its record says it (feed 8.6), and what an administrator takes out of it (1.2).

use super::output::{Output, say};
use super::place::Place;
use super::{Ended, failed};
use crier_platform::accounts::AccountError;
use crier_proto::ids::StoryId;

const EXAMPLES: &str = "\
Examples:
  crier feed export ada > record.jsonl
  crier simulate --replay record.jsonl
  crier feed takedown 4711
  crier feed export ada --with-text | jq -r 'select(.line == \"story\") | .title'";

/// Commands on feeds. USER is a uid or a name.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Feed {
    /// Write a person's record, one JSON object a line: config, bucket, story, event, view; crier simulate --replay reads it
    Export(Export),
    /// Take a story down: its text and pictures go at once, its place and its reason stay
    Takedown(Takedown),
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

/// `feed takedown`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Takedown {
    /// The story's number, as in /feed/why/STORY and in a record
    story: StoryId,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

impl Feed {
    /// Runs the command.
    pub fn run(self) -> Ended {
        match self {
            Self::Export(command) => command.run(),
            Self::Takedown(command) => command.run(),
        }
    }
}

impl Takedown {
    fn run(self) -> Ended {
        let story = self.story;
        let known = self.place.with_state(async |state| {
            let known = state.feed.take_down(story).await;
            known.map_err(AccountError::from)
        })?;
        if !known {
            return Err(failed(format!("there is no story with the number {story}")));
        }
        self.output.row(&vec![("story_id", story.get().into())]);
        Ok(0)
    }
}

impl Export {
    fn run(self) -> Ended {
        let Self {
            user,
            with_text,
            place,
            // The record is JSON in either form.
            output: _,
        } = self;
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
