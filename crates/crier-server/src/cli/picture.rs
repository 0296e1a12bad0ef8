//! `crier picture …`: what an administrator may do about pictures (feed 7.11).

use super::Ended;
use super::output::{Output, complain};
use super::place::Place;
use crier_platform::accounts::AccountError;
use crier_proto::digest::lower_hex;

const EXAMPLES: &str = "\
Examples:
  crier picture block 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

/// Commands on pictures.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Picture {
    /// Remove a picture from every story and photo, and refuse its image from now on under any address
    Block(Block),
}

/// `picture block`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Block {
    /// The 64 digits of the picture's address, or the SHA-256 of an image, also of one that has not come yet; or the picture's
    /// address here, or the address from which it was fetched
    #[arg(value_name = "HASH")]
    hash: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

impl Picture {
    /// Runs the command.
    pub fn run(self) -> Ended {
        let Self::Block(command) = self;
        let named = command.hash;
        let (hash, known) = command.place.with_state(async |state| {
            let unknown = || {
                AccountError::Invalid(format!(
                    "{named:?} names no picture: HASH must be 64 hexadecimal digits, as in /p/HASH.png, or the address of a picture \
                     that was fetched"
                ))
            };
            let hash = state.pictures.named(&named).await?.ok_or_else(unknown)?;
            let known = state.pictures.is_known(hash).await?;
            state.pictures.block(hash).await.map(|()| (hash, known))
        })?;
        let row = vec![("hash", lower_hex(&hash.0).into()), ("known", known.into())];
        command.output.row(&row);
        if !known {
            complain(
                "no picture or image here has this hash, so nothing was removed; one that comes will be refused",
            );
        }
        Ok(0)
    }
}
