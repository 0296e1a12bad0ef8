//! What the binary says of itself: completions, the manual page, the version.

use super::Ended;
use super::failed;
use super::output::{Output, say_bytes};

const COMPLETIONS: &str = "\
Examples:
  crier completions bash > ~/.local/share/bash-completion/completions/crier
  crier completions fish > ~/.config/fish/completions/crier.fish";

const VERSION: &str = "\
Examples:
  crier version
  crier version --json";

/// Examples of `man`.
pub const MAN: &str = "\
Examples:
  crier man > crier.1 && man ./crier.1";

/// `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS)]
pub struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    /// Runs the command.
    pub fn run(self) -> Ended {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "crier", &mut script);
        say_bytes(&script);
        Ok(0)
    }
}

/// Prints the manual: the page of `crier`, and behind it the page of each command.
pub fn man() -> Ended {
    let mut whole = super::command().disable_help_subcommand(true);
    whole.build();
    let mut pages = Vec::new();
    let mut waiting = vec![&whole];
    while let Some(command) = waiting.pop() {
        let page = clap_mangen::Man::new(command.clone());
        page.render(&mut pages).map_err(failed)?;
        let below: Vec<_> = command.get_subcommands().collect();
        waiting.extend(below.into_iter().rev());
    }
    say_bytes(&pages);
    Ok(0)
}

/// `version`.
#[derive(Debug, clap::Args)]
#[command(after_help = VERSION)]
pub struct Version {
    #[command(flatten)]
    output: Output,
}

impl Version {
    /// Runs the command.
    pub fn run(self) -> Ended {
        self.output.row(&vec![
            ("name", "crier".into()),
            ("version", env!("CARGO_PKG_VERSION").into()),
        ]);
        Ok(0)
    }
}
